//! The newer door: page tables without groups.
use super::{Reach, request, with};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

const IOAS_ALLOC: libc::c_ulong = request(0x81);
const IOAS_IOVA_RANGES: libc::c_ulong = request(0x84);
const IOAS_MAP: libc::c_ulong = request(0x85);
const IOAS_UNMAP: libc::c_ulong = request(0x86);
const DEVICE_BIND: libc::c_ulong = request(118);
const DEVICE_ATTACH: libc::c_ulong = request(119);

/// Ranges that are asked for at once.
const RANGES: usize = 64;

#[repr(C)]
struct Alloc {
    size: u32,
    flags: u32,
    id: u32,
}

#[repr(C)]
struct Ranges {
    size: u32,
    id: u32,
    count: u32,
    reserved: u32,
    ranges: u64,
    alignment: u64,
}

#[repr(C)]
struct Map {
    size: u32,
    flags: u32,
    id: u32,
    reserved: u32,
    user_address: u64,
    len: u64,
    address: u64,
}

#[repr(C)]
struct Unmap {
    size: u32,
    id: u32,
    address: u64,
    len: u64,
}

#[repr(C)]
struct Bind {
    argsz: u32,
    flags: u32,
    iommufd: i32,
    device: u32,
}

#[repr(C)]
struct Attach {
    argsz: u32,
    flags: u32,
    table: u32,
}

/// One I/O address space of `/dev/iommu`.
#[derive(Debug)]
pub struct Iommufd {
    file: File,
    id: u32,
}

impl Iommufd {
    /// Opens `/dev/iommu` and makes an address space.
    ///
    /// # Errors
    /// The kernel has none, or does not let us.
    pub fn open() -> io::Result<Iommufd> {
        Iommufd::from_file(File::options().read(true).write(true).open("/dev/iommu")?)
    }

    pub(super) fn from_file(file: File) -> io::Result<Iommufd> {
        let mut alloc = Alloc { size: size_of::<Alloc>() as u32, flags: 0, id: 0 };
        // SAFETY: reads and writes an Alloc.
        unsafe { with(file.as_fd(), IOAS_ALLOC, &mut alloc)? };
        Ok(Iommufd { file, id: alloc.id })
    }

    /// Gives the device behind a VFIO character device these page tables.
    ///
    /// # Errors
    /// What the kernel says: somebody else may have the device, or interrupt remapping be missing.
    pub fn attach(&self, device: BorrowedFd<'_>) -> io::Result<()> {
        let iommufd = self.file.as_raw_fd();
        let mut bind = Bind { argsz: size_of::<Bind>() as u32, flags: 0, iommufd, device: 0 };
        let mut attach = Attach { argsz: size_of::<Attach>() as u32, flags: 0, table: self.id };
        // SAFETY: read and write a Bind and an Attach.
        unsafe {
            with(device, DEVICE_BIND, &mut bind)?;
            with(device, DEVICE_ATTACH, &mut attach).map(drop)
        }
    }

    /// As [`super::Container::map`].
    ///
    /// # Errors
    /// As there.
    pub fn map(&self, address: u64, len: u64) -> io::Result<()> {
        const FIXED_READ_WRITE: u32 = 7;
        let size = size_of::<Map>() as u32;
        let mut map =
            Map { size, flags: FIXED_READ_WRITE, id: self.id, reserved: 0, user_address: address, len, address };
        // SAFETY: reads and writes a Map. The kernel pins the pages itself.
        unsafe { with(self.file.as_fd(), IOAS_MAP, &mut map) }.map(drop)
    }

    /// As [`super::Container::unmap`].
    ///
    /// # Errors
    /// As there.
    pub fn unmap(&self, address: u64, len: u64) -> io::Result<()> {
        let mut unmap = Unmap { size: size_of::<Unmap>() as u32, id: self.id, address, len };
        // SAFETY: reads and writes an Unmap.
        unsafe { with(self.file.as_fd(), IOAS_UNMAP, &mut unmap) }.map(drop)
    }

    /// As [`super::Container::reach`], once a device is attached.
    ///
    /// # Errors
    /// As there; or there are more ranges than anybody has.
    pub fn reach(&self) -> io::Result<Reach> {
        let mut found = [[0u64; 2]; RANGES];
        let (size, ranges) = (size_of::<Ranges>() as u32, found.as_mut_ptr() as u64);
        let mut asked = Ranges { size, id: self.id, count: RANGES as u32, reserved: 0, ranges, alignment: 0 };
        // SAFETY: reads and writes a Ranges, and writes at most `count` pairs of numbers to `found`, which outlives the call.
        unsafe { with(self.file.as_fd(), IOAS_IOVA_RANGES, &mut asked)? };
        let count = (asked.count as usize).min(RANGES);
        Ok(Reach { ranges: found[..count].iter().map(|[first, last]| *first..=*last).collect() })
    }
}
