//! A BAR in this process's memory.
use super::RegionInfo;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering::SeqCst, fence};

/// A mapped BAR. An access outside of it reads all ones and writes nothing, as on a bus. What was written to memory before a write of
/// a register is there for the device when that arrives (on x86; other processors order device memory in their own ways).
///
/// Limits: an access while the function's memory decoding is off (its command register) ends the process (SIGBUS).
#[derive(Debug)]
pub struct VfioBar {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: registers may be accessed from any thread; each access is one bus transaction.
unsafe impl Send for VfioBar {}
// SAFETY: as above.
unsafe impl Sync for VfioBar {}

impl VfioBar {
    pub(super) fn new(device: &File, region: RegionInfo) -> io::Result<VfioBar> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let len = usize::try_from(region.size).ok().and_then(NonZeroUsize::new).ok_or_else(invalid)?;
        let offset = i64::try_from(region.offset).map_err(|_| invalid())?;
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
        let base = unsafe { mmap(None, len, rights, MapFlags::MAP_SHARED, device, offset)? };
        Ok(VfioBar { base: base.cast(), len: len.get() })
    }

    /// Its bytes.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// A register that lies in it and is aligned.
    fn place<T>(&self, offset: u32) -> Option<*mut T> {
        let at = offset as usize;
        let fits = at.is_multiple_of(size_of::<T>()) && at.checked_add(size_of::<T>())? <= self.len;
        // SAFETY: inside the mapping, as just checked.
        fits.then(|| unsafe { self.base.as_ptr().add(at).cast() })
    }

    /// Reads 16 bits.
    pub fn read16(&self, offset: u32) -> u16 {
        // SAFETY: aligned and inside the mapping; no reference to it exists.
        self.place::<u16>(offset).map_or(u16::MAX, |place| u16::from_le(unsafe { place.read_volatile() }))
    }

    /// Reads 32 bits.
    pub fn read32(&self, offset: u32) -> u32 {
        // SAFETY: as in `read16`.
        self.place::<u32>(offset).map_or(u32::MAX, |place| u32::from_le(unsafe { place.read_volatile() }))
    }

    /// Writes 16 bits.
    pub fn write16(&self, offset: u32, value: u16) {
        if let Some(place) = self.place::<u16>(offset) {
            fence(SeqCst);
            // SAFETY: as in `read16`.
            unsafe { place.write_volatile(value.to_le()) };
        }
    }

    /// Writes 32 bits.
    pub fn write32(&self, offset: u32, value: u32) {
        if let Some(place) = self.place::<u32>(offset) {
            fence(SeqCst);
            // SAFETY: as in `read16`.
            unsafe { place.write_volatile(value.to_le()) };
        }
    }
}

impl Drop for VfioBar {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; nobody has an address of it.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_outside_or_across_read_all_ones_and_write_nothing() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let bar = VfioBar::new(&file, RegionInfo { size: 4096, offset: 4096, mappable: true }).unwrap();
        bar.write32(4092, 0x1122_3344);
        bar.write16(4094, 0x5566);
        assert_eq!((bar.read32(4092), bar.read16(4092), bar.len()), (0x5566_3344, 0x3344, 4096));
        for outside in [4094, 4096, 4093, u32::MAX] {
            bar.write32(outside, 0);
            assert_eq!(bar.read32(outside), u32::MAX);
        }
        assert_eq!((bar.read16(4096), bar.read32(4092)), (u16::MAX, 0x5566_3344));
        let mut bytes = [0; 4];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 8188).unwrap();
        assert_eq!(bytes, [0x44, 0x33, 0x66, 0x55]);
    }
}
