//! The kernel's VFIO: devices that a process owns, and the memory that they may reach.
//!
//! Two doors: groups with a container (`/dev/vfio/GROUP`), and iommufd (`/dev/iommu`, `/dev/vfio/devices/vfioN`). Both give a [`VfioDevice`]; both
//! map memory where the process has it.
//!
//! Seen to work by the first door in a guest of QEMU's (Linux 7.3, an emulated IOMMU of 39 bits, an emulated NVMe controller: `cargo run -p pci --example
//! vfio_nvme`). **Not run on hardware; the second door was never run.**
//!
//! # Why it is sound
//! Structures given to `ioctl` are ours, of the size that they say, and outlive the call. Which memory a device may write is outside of the
//! language (rule 4 in `dma`): it is told of whole parts of an arena only, and they stay mapped as long as the arena.
mod bar;
mod container;
mod device;
mod iommufd;

pub use bar::VfioBar;
pub use container::{Container, Group};
pub use device::{RegionInfo, VfioDevice};
pub use iommufd::Iommufd;

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What an IOMMU can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Addresses that devices may use. Empty: the kernel does not say.
    pub ranges: Vec<RangeInclusive<u64>>,
}

impl Reach {
    /// Whether all of `[address, address + len)` can be used.
    pub fn covers(&self, address: u64, len: u64) -> bool {
        let last = address.saturating_add(len.saturating_sub(1));
        self.ranges.is_empty() || self.ranges.iter().any(|range| range.contains(&address) && range.contains(&last))
    }

    /// The highest address.
    pub fn last(&self) -> Option<u64> {
        self.ranges.iter().map(|range| *range.end()).max()
    }
}

/// `_IO(';', number)`.
const fn request(number: u32) -> libc::c_ulong {
    ((b';' as libc::c_ulong) << 8) | number as libc::c_ulong
}

/// An `ioctl` whose argument is a structure.
///
/// # Safety
/// `request` reads and writes no more than a `T`, nor what a `T` points to.
unsafe fn with<T>(fd: BorrowedFd<'_>, request: libc::c_ulong, argument: &mut T) -> io::Result<i32> {
    // SAFETY: the caller's promise; the argument is borrowed exclusively.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, std::ptr::from_mut(argument)) })
}

/// An `ioctl` whose argument is a number, or none.
///
/// # Safety
/// `request` does not take its argument for an address.
unsafe fn plain(fd: BorrowedFd<'_>, request: libc::c_ulong, argument: libc::c_ulong) -> io::Result<i32> {
    // SAFETY: the caller's promise.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, argument) })
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_lie_in_one_that_the_iommu_has() {
        let reach = Reach { ranges: vec![0..=0xFEDF_FFFF, 0xFEF0_0000..=(1 << 39) - 1] };
        assert!(reach.covers(0x1000, 0x1000) && reach.covers((1 << 39) - 4096, 4096));
        assert!(!reach.covers((1 << 39) - 4096, 4097) && !reach.covers(0x7F00_0000_0000, 1));
        assert!(!reach.covers(0xFEDF_F000, 0x20_0000), "over the hole for interrupts");
        assert_eq!((reach.last(), Reach::default().covers(u64::MAX, 1)), (Some((1 << 39) - 1), true));
    }

    #[test]
    fn what_is_no_vfio_says_so() {
        let null = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
        assert!(Container::from_file(null.try_clone().unwrap()).is_err());
        assert!(Iommufd::from_file(null).is_err());
    }
}
