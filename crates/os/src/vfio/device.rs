//! A device that VFIO has given us: its regions, its interrupts.
use super::bar::VfioBar;
use super::{plain, request, with};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

const GET_INFO: libc::c_ulong = request(107);
const GET_REGION_INFO: libc::c_ulong = request(108);
const GET_IRQ_INFO: libc::c_ulong = request(109);
const SET_IRQS: libc::c_ulong = request(110);
const RESET: libc::c_ulong = request(111);

/// Vectors that one call sets.
const VECTORS: usize = 256;
const MSIX: u32 = 2;

#[repr(C)]
struct DeviceInfo {
    argsz: u32,
    flags: u32,
    regions: u32,
    irqs: u32,
    cap_offset: u32,
    pad: u32,
}

#[repr(C)]
struct Region {
    argsz: u32,
    flags: u32,
    index: u32,
    cap_offset: u32,
    size: u64,
    offset: u64,
}

#[repr(C)]
struct IrqInfo {
    argsz: u32,
    flags: u32,
    index: u32,
    count: u32,
}

#[repr(C)]
struct IrqSet {
    argsz: u32,
    flags: u32,
    index: u32,
    start: u32,
    count: u32,
    events: [i32; VECTORS],
}

/// Where a region lies behind the device's descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionInfo {
    /// Bytes; 0: there is no such region.
    pub size: u64,
    /// Where it begins in the descriptor.
    pub offset: u64,
    /// It can be mapped.
    pub mappable: bool,
}

/// A device of VFIO's. Closing it resets the device if that can be.
#[derive(Debug)]
pub struct VfioDevice(File);

impl VfioDevice {
    pub(super) fn new(fd: OwnedFd) -> VfioDevice {
        VfioDevice(fd.into())
    }

    /// Opens `/dev/vfio/devices/vfioN`. It must be attached to page tables before it can be used.
    ///
    /// # Errors
    /// There is none, or we may not.
    pub fn open(path: &Path) -> io::Result<VfioDevice> {
        File::options().read(true).write(true).open(path).map(VfioDevice)
    }

    /// For [`super::Iommufd::attach`].
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Whether it is a PCI function, and whether it can be reset.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn info(&self) -> io::Result<(bool, bool)> {
        const CAN_RESET: u32 = 1;
        const PCI: u32 = 2;
        let argsz = size_of::<DeviceInfo>() as u32;
        let mut info = DeviceInfo { argsz, flags: 0, regions: 0, irqs: 0, cap_offset: 0, pad: 0 };
        // SAFETY: writes as much of a DeviceInfo as argsz says.
        unsafe { with(self.fd(), GET_INFO, &mut info)? };
        Ok((info.flags & PCI != 0, info.flags & CAN_RESET != 0))
    }

    /// A region: BARs are 0 to 5, configuration space is 7.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn region(&self, index: u32) -> io::Result<RegionInfo> {
        const MMAP: u32 = 4;
        let argsz = size_of::<Region>() as u32;
        let mut region = Region { argsz, flags: 0, index, cap_offset: 0, size: 0, offset: 0 };
        // SAFETY: writes as much of a Region as argsz says.
        unsafe { with(self.fd(), GET_REGION_INFO, &mut region)? };
        Ok(RegionInfo { size: region.size, offset: region.offset, mappable: region.flags & MMAP != 0 })
    }

    /// Maps a whole BAR.
    ///
    /// # Errors
    /// It cannot be mapped.
    pub fn map(&self, region: RegionInfo) -> io::Result<VfioBar> {
        if !region.mappable || region.size == 0 {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this region cannot be mapped"));
        }
        VfioBar::new(&self.0, region)
    }

    /// Reads a region by system call.
    ///
    /// # Errors
    /// It does not reach so far, or the device is gone.
    pub fn read(&self, region: RegionInfo, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, place(region, at, into.len())?)
    }

    /// Writes a region by system call.
    ///
    /// # Errors
    /// It does not reach so far, or the device is gone.
    pub fn write(&self, region: RegionInfo, at: u64, from: &[u8]) -> io::Result<()> {
        self.0.write_all_at(from, place(region, at, from.len())?)
    }

    /// How many MSI-X vectors it has.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn vectors(&self) -> io::Result<u32> {
        let mut info = IrqInfo { argsz: size_of::<IrqInfo>() as u32, flags: 0, index: MSIX, count: 0 };
        // SAFETY: writes an IrqInfo.
        unsafe { with(self.fd(), GET_IRQ_INFO, &mut info)? };
        Ok(info.count)
    }

    /// Enables MSI-X, a counter for each vector from 0 on. None: disables it.
    ///
    /// # Errors
    /// What the kernel says: there may be too few vectors.
    pub fn set_vectors(&self, events: &[BorrowedFd<'_>]) -> io::Result<()> {
        const DISABLE: u32 = 1 | 32;
        const ASSIGN: u32 = 4 | 32;
        if events.len() > VECTORS {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many vectors"));
        }
        let head = size_of::<IrqSet>() - VECTORS * 4;
        let flags = if events.is_empty() { DISABLE } else { ASSIGN };
        let (argsz, count) = ((head + 4 * events.len()) as u32, events.len() as u32);
        let mut set = IrqSet { argsz, flags, index: MSIX, start: 0, count, events: [-1; VECTORS] };
        set.events.iter_mut().zip(events).for_each(|(place, event)| *place = event.as_raw_fd());
        // SAFETY: reads argsz bytes, which is no more than an IrqSet has.
        unsafe { with(self.fd(), SET_IRQS, &mut set) }.map(drop)
    }

    /// Resets the function.
    ///
    /// # Errors
    /// What the kernel says: it may not be possible.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: it takes nothing.
        unsafe { plain(self.fd(), RESET, 0) }.map(drop)
    }
}

/// The place of an access in the descriptor.
fn place(region: RegionInfo, at: u64, len: usize) -> io::Result<u64> {
    let end = at.checked_add(len as u64).filter(|end| *end <= region.size);
    let outside = || io::Error::new(io::ErrorKind::InvalidInput, format!("{len} bytes at {at:#x} are outside"));
    end.map(|_| region.offset + at).ok_or_else(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_stay_in_their_region() {
        let region = RegionInfo { size: 4096, offset: 1 << 40, mappable: false };
        assert_eq!(place(region, 4092, 4).unwrap(), (1 << 40) + 4092);
        assert!(place(region, 4093, 4).is_err() && place(region, u64::MAX, 4).is_err());
    }

    #[test]
    fn structures_are_as_the_kernel_has_them() {
        assert_eq!((size_of::<Region>(), size_of::<IrqInfo>(), size_of::<IrqSet>()), (32, 16, 20 + 4 * VECTORS));
    }
}
