//! What a file or block device is like, for direct I/O.
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;

/// For `OpenOptionsExt::custom_flags`: reads and writes bypass the page cache.
pub const O_DIRECT: i32 = libc::O_DIRECT;

/// A block device's geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockDevice {
    /// Its size in bytes.
    pub bytes: u64,
    /// The smallest unit that can be addressed, in bytes.
    pub logical_block: u32,
    /// The smallest unit that is written without reading, in bytes.
    pub physical_block: u32,
}

/// The geometry of a block device; none if the file is not one.
///
/// # Errors
/// What the kernel says.
pub fn block_device(file: &File) -> io::Result<Option<BlockDevice>> {
    if !file.metadata()?.file_type().is_block_device() {
        return Ok(None);
    }
    let (mut bytes, mut logical, mut physical) = (0u64, 0i32, 0u32);
    // SAFETY: each of these requests writes one number of the type given, within the call.
    unsafe {
        ask(file, BLKGETSIZE64, &mut bytes)?;
        ask(file, BLKSSZGET, &mut logical)?;
        ask(file, BLKPBSZGET, &mut physical)?;
    }
    Ok(Some(BlockDevice { bytes, logical_block: logical as u32, physical_block: physical }))
}

// From linux/fs.h: _IOR(0x12, 114, size_t), _IO(0x12, 104), _IO(0x12, 123).
const BLKGETSIZE64: libc::c_ulong = 0x8008_1272;
const BLKSSZGET: libc::c_ulong = 0x1268;
const BLKPBSZGET: libc::c_ulong = 0x127B;

/// # Safety
/// `request` writes exactly a `T`.
unsafe fn ask<T>(file: &File, request: libc::c_ulong, answer: &mut T) -> io::Result<()> {
    // SAFETY: the caller's promise; the answer is borrowed exclusively.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), request as _, std::ptr::from_mut(answer)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The alignment in bytes that direct I/O on this file needs (of offset and length, and of memory, whichever is greater);
/// none where the file system has no direct I/O for it or the kernel (before 6.1) does not say.
pub fn direct_alignment(file: &File) -> Option<u32> {
    // SAFETY: a statx of zeroes is a valid one.
    let mut about: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: the path is an empty C string, the answer is borrowed exclusively, and both are used within the call only.
    let result =
        unsafe { libc::statx(file.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, libc::STATX_DIOALIGN, &mut about) };
    let known = result == 0 && about.stx_mask & libc::STATX_DIOALIGN != 0;
    let align = about.stx_dio_offset_align.max(about.stx_dio_mem_align);
    (known && align > 0).then_some(align)
}
