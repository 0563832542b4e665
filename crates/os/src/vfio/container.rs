//! Groups, and the container that gives them an IOMMU (type 1).
use super::device::VfioDevice;
use super::{Reach, plain, request, with};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

const GET_API_VERSION: libc::c_ulong = request(100);
const CHECK_EXTENSION: libc::c_ulong = request(101);
const SET_IOMMU: libc::c_ulong = request(102);
const GROUP_GET_STATUS: libc::c_ulong = request(103);
const GROUP_SET_CONTAINER: libc::c_ulong = request(104);
const GROUP_GET_DEVICE_FD: libc::c_ulong = request(106);
const IOMMU_GET_INFO: libc::c_ulong = request(112);
const IOMMU_MAP_DMA: libc::c_ulong = request(113);
const IOMMU_UNMAP_DMA: libc::c_ulong = request(114);

/// `VFIO_TYPE1v2_IOMMU`.
const TYPE1V2: libc::c_ulong = 3;
/// Bytes for what an IOMMU says of itself; the kernel says nothing of what does not fit.
const INFO_BYTES: usize = 4096;

#[repr(C)]
struct GroupStatus {
    argsz: u32,
    flags: u32,
}

#[repr(C)]
struct DmaMap {
    argsz: u32,
    flags: u32,
    vaddr: u64,
    iova: u64,
    size: u64,
}

#[repr(C)]
struct DmaUnmap {
    argsz: u32,
    flags: u32,
    iova: u64,
    size: u64,
}

/// One IOMMU's page tables.
#[derive(Debug)]
pub struct Container(File);

impl Container {
    /// Opens `/dev/vfio/vfio`.
    ///
    /// # Errors
    /// The kernel has no VFIO, or does not let us.
    pub fn open() -> io::Result<Container> {
        Container::from_file(File::options().read(true).write(true).open("/dev/vfio/vfio")?)
    }

    pub(super) fn from_file(file: File) -> io::Result<Container> {
        // SAFETY: both take a number.
        let (version, has) =
            unsafe { (plain(file.as_fd(), GET_API_VERSION, 0)?, plain(file.as_fd(), CHECK_EXTENSION, TYPE1V2)?) };
        if version != 0 || has != 1 {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the kernel's VFIO has no IOMMU of type 1 (version 2)",
            ));
        }
        Ok(Container(file))
    }

    /// Gives the container its IOMMU. It must have a group.
    ///
    /// # Errors
    /// What the kernel says: interrupt remapping may be missing.
    pub fn set_iommu(&self) -> io::Result<()> {
        // SAFETY: it takes a number.
        unsafe { plain(self.0.as_fd(), SET_IOMMU, TYPE1V2) }.map(drop)
    }

    /// Lets the devices reach a stretch of this process's memory under its own address.
    ///
    /// # Errors
    /// What the kernel says: it may not be reachable, or too much be locked.
    pub fn map(&self, address: u64, len: u64) -> io::Result<()> {
        const READ_WRITE: u32 = 3;
        let argsz = size_of::<DmaMap>() as u32;
        let mut map = DmaMap { argsz, flags: READ_WRITE, vaddr: address, iova: address, size: len };
        // SAFETY: reads a DmaMap. The kernel pins the pages itself; for what devices do with them see the head of `vfio.rs`.
        unsafe { with(self.0.as_fd(), IOMMU_MAP_DMA, &mut map) }.map(drop)
    }

    /// Takes it away again.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn unmap(&self, address: u64, len: u64) -> io::Result<()> {
        let mut unmap = DmaUnmap { argsz: size_of::<DmaUnmap>() as u32, flags: 0, iova: address, size: len };
        // SAFETY: reads and writes a DmaUnmap.
        unsafe { with(self.0.as_fd(), IOMMU_UNMAP_DMA, &mut unmap) }.map(drop)
    }

    /// Which addresses devices may use.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn reach(&self) -> io::Result<Reach> {
        let mut info = Info([0; INFO_BYTES / 8]);
        info.0[0] = INFO_BYTES as u64;
        // SAFETY: writes as much as the structure says that it has (argsz, the first four bytes).
        unsafe { with(self.0.as_fd(), IOMMU_GET_INFO, &mut info)? };
        let bytes: Vec<u8> = info.0.iter().flat_map(|word| word.to_ne_bytes()).collect();
        Ok(ranges(&bytes).unwrap_or_default())
    }
}

/// `vfio_iommu_type1_info` with its capabilities.
#[repr(C)]
struct Info([u64; INFO_BYTES / 8]);

/// The ranges that the capabilities name.
fn ranges(info: &[u8]) -> Option<Reach> {
    const CAPS: u32 = 2;
    const IOVA_RANGE: u16 = 1;
    let word = |at: usize| Some(u32::from_ne_bytes(info.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(info.get(at..at.checked_add(8)?)?.try_into().ok()?));
    let mut at = if word(4)? & CAPS != 0 { word(16)? as usize } else { 0 };
    while at != 0 {
        let (id, next) = (word(at)? as u16, word(at + 4)? as usize);
        if id == IOVA_RANGE {
            let count = word(at + 8)? as usize;
            let one = |i: usize| Some(long(at + 16 + 16 * i)?..=long(at + 24 + 16 * i)?);
            return Some(Reach { ranges: (0..count.min(INFO_BYTES)).map_while(one).collect() });
        }
        at = if next > at { next } else { 0 };
    }
    None
}

/// Devices that the IOMMU cannot tell apart.
#[derive(Debug)]
pub struct Group(File);

impl Group {
    /// Opens `/dev/vfio/GROUP`.
    ///
    /// # Errors
    /// There is none, we may not, or somebody else has it.
    pub fn open(path: &Path) -> io::Result<Group> {
        File::options().read(true).write(true).open(path).map(Group)
    }

    /// Whether all its devices are VFIO's, so that it can be used.
    ///
    /// # Errors
    /// It is no group.
    pub fn is_viable(&self) -> io::Result<bool> {
        const VIABLE: u32 = 1;
        let mut status = GroupStatus { argsz: size_of::<GroupStatus>() as u32, flags: 0 };
        // SAFETY: writes a GroupStatus.
        unsafe { with(self.0.as_fd(), GROUP_GET_STATUS, &mut status)? };
        Ok(status.flags & VIABLE != 0)
    }

    /// Puts it into a container.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn join(&self, container: &Container) -> io::Result<()> {
        let mut fd: i32 = container.0.as_raw_fd();
        // SAFETY: reads a number.
        unsafe { with(self.0.as_fd(), GROUP_SET_CONTAINER, &mut fd) }.map(drop)
    }

    /// One of its devices, by PCI address. Its group must be in a container that has an IOMMU.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn device(&self, address: &str) -> io::Result<VfioDevice> {
        let name = CString::new(address).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: reads a C string, which outlives the call; what it returns is a new descriptor.
        unsafe {
            let fd = plain(self.0.as_fd(), GROUP_GET_DEVICE_FD, name.as_ptr() as libc::c_ulong)?;
            Ok(VfioDevice::new(OwnedFd::from_raw_fd(fd)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn ranges_are_found_behind_other_capabilities_and_a_chain_that_turns_back_ends() {
        // argsz, flags, page sizes, offset of the first capability, padding; a migration capability; the ranges.
        let mut words = vec![80, 2, 0, 0, 24, 0, 2 | 1 << 16, 32, 1 | 1 << 16, 0, 2, 0];
        words.extend([0, 0, 0xFFF, 0, 0x2000, 0, 0, 0x80]);
        let reach = ranges(&info(&words)).unwrap();
        assert_eq!(reach.ranges, [0..=0xFFF, 0x2000..=0x80_0000_0000]);
        words[7] = 24;
        assert_eq!(ranges(&info(&words)), None);
        assert_eq!(ranges(&info(&[80, 0, 0, 0, 24])), None);
        assert_eq!(ranges(&info(&[80, 2, 0, 0, 4000])), None);
    }
}
