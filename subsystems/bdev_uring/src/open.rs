//! Opening a file or block device: what it is, what it can do, and how it is best used.

use crate::identity;
use bdev::is_block_size;
use os::{BlockDevice, O_DIRECT, Uring};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Bytes of the region of zeroes that devices write from where zeroes cannot be had otherwise.
pub const ZEROES: usize = 1 << 20;

/// Under which of SPDK's names a device was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Product {
    /// `bdev_uring_create`.
    Uring,
    /// `bdev_aio_create`.
    Aio,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The device's name.
    pub name: String,
    /// The file or block device.
    pub filename: PathBuf,
    /// Bytes of a block; that of the block device, or 512 for a file, when absent.
    pub block_size: Option<u32>,
    /// Its identity.
    pub uuid: Option<Uuid>,
    /// The name of the product.
    pub product: Product,
    /// Takes no writes.
    pub readonly: bool,
    /// Space may be given back and zeroes made by fallocate.
    pub fallocate: bool,
}

/// Why a device could not be opened: an error number for clients, and what is wrong for people.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct OpenError {
    /// The error number, positive.
    pub errno: i32,
    /// What is wrong, where, and what to do.
    pub detail: String,
}

impl OpenError {
    fn new(errno: i32, detail: impl Into<String>) -> Self {
        Self { errno, detail: detail.into() }
    }

    fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        let remedy = match error.raw_os_error() {
            Some(libc::ENOENT) => format!("; make it first, e.g. `truncate -s 1G {}`", path.display()),
            Some(libc::EACCES | libc::EPERM) => "; give the target the right to it, or use readonly".to_owned(),
            _ => String::new(),
        };
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        Self::new(errno, format!("{what} {}: {error}{remedy}", path.display()))
    }
}

/// An open file, and what was found out about it.
#[derive(Debug)]
pub struct Opened {
    pub file: File,
    pub uuid: Uuid,
    pub block_size: u32,
    pub physical_block_size: u32,
    pub blocks: u64,
    pub direct: bool,
    pub unmap: bool,
}

/// Opens what `setup` names.
pub fn open(setup: &Setup) -> Result<Opened, OpenError> {
    let path = setup.filename.canonicalize().map_err(|error| OpenError::io("cannot open", &setup.filename, &error))?;
    let fail = |error: io::Error| OpenError::io("cannot open", &path, &error);
    let buffered = options(setup, 0).open(&path).map_err(fail)?;
    let device = os::block_device(&buffered).map_err(fail)?;
    if device.is_none() && !buffered.metadata().map_err(fail)?.is_file() {
        let detail = format!("{} is neither a file nor a block device", path.display());
        return Err(OpenError::new(libc::EINVAL, detail));
    }
    let block_size = block_size(setup, device)?;
    let blocks = blocks(&buffered, block_size).map_err(fail)?;
    check_size(&path, &buffered, block_size)?;
    let (file, direct) = match direct(setup, &path, block_size, device) {
        Some(file) => (file, true),
        None => (buffered, false),
    };
    let unmap = setup.fallocate && !setup.readonly && can_unmap(&file).unwrap_or(false);
    let uuid = setup.uuid.unwrap_or_else(|| identity::derived(&path));
    let physical = device.map_or(4096, |device| device.physical_block).max(block_size);
    Ok(Opened { file, uuid, block_size, physical_block_size: physical, blocks, direct, unmap })
}

fn options(setup: &Setup, flags: i32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(!setup.readonly).custom_flags(flags);
    options
}

fn block_size(setup: &Setup, device: Option<BlockDevice>) -> Result<u32, OpenError> {
    let own = device.map_or(512, |device| device.logical_block);
    let wanted = setup.block_size.filter(|size| *size != 0).unwrap_or(own);
    if !is_block_size(wanted.into()) {
        let detail = format!("block_size: {wanted} is not a power of two from 512 to 65536");
        return Err(OpenError::new(libc::EINVAL, detail));
    }
    if wanted < own {
        let detail = format!("block_size: {wanted} is smaller than the device's own, {own}");
        return Err(OpenError::new(libc::EINVAL, detail));
    }
    Ok(wanted)
}

/// How many blocks it has now.
pub fn blocks(file: &File, block_size: u32) -> io::Result<u64> {
    Ok(bytes(file)? / u64::from(block_size))
}

fn bytes(file: &File) -> io::Result<u64> {
    match os::block_device(file)? {
        Some(device) => Ok(device.bytes),
        None => Ok(file.metadata()?.len()),
    }
}

fn check_size(path: &Path, file: &File, block_size: u32) -> Result<(), OpenError> {
    let bytes = bytes(file).map_err(|error| OpenError::io("cannot measure", path, &error))?;
    if bytes == 0 || !bytes.is_multiple_of(block_size.into()) {
        let detail = format!(
            "{}: its size of {bytes} bytes is not a multiple of the block size {block_size} above 0",
            path.display()
        );
        return Err(OpenError::new(libc::EINVAL, detail));
    }
    Ok(())
}

/// Opens it for direct I/O, if that is known to take every operation.
fn direct(setup: &Setup, path: &Path, block_size: u32, device: Option<BlockDevice>) -> Option<File> {
    let refused = |why: &str| {
        log::warn!(target: "bdev_uring", "{}: through the page cache: {why}", path.display());
        None
    };
    let file = match options(setup, O_DIRECT).open(path) {
        Ok(file) => file,
        Err(error) => return refused(&format!("no direct I/O: {error}")),
    };
    // A kernel or file system that does not tell is trusted with pages only.
    let told = device.map(|device| device.logical_block).or_else(|| os::direct_alignment(&file));
    let needed = told.unwrap_or(4096);
    if needed > block_size || needed > 4096 {
        return refused(&format!("direct I/O needs multiples of {needed} bytes, blocks have {block_size}"));
    }
    Some(file)
}

/// Whether space can be given back, and then reads as zeroes.
fn can_unmap(file: &File) -> io::Result<bool> {
    let about = file.metadata()?;
    if about.file_type().is_block_device() {
        return Ok(device_limit(&about, "discard_max_bytes") && device_limit(&about, "write_zeroes_max_bytes"));
    }
    // Beyond the end, where there is nothing to lose.
    let end = about.len().next_multiple_of(4096);
    let mut ring = Uring::new(1, 1)?;
    let slot = ring.register(file.as_fd())?;
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    ring.fallocate(slot, mode, end, 4096, dma::Data::empty(), 0);
    ring.wait()?;
    Ok(ring.next().is_some_and(|completion| completion.result.is_ok()))
}

/// Whether a limit of the block device (or, for a partition, of its disk) is above 0.
fn device_limit(about: &std::fs::Metadata, name: &str) -> bool {
    let (major, minor) = (libc::major(about.rdev()), libc::minor(about.rdev()));
    let read = |queue: &str| std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/{queue}/{name}"));
    let text = read("queue").or_else(|_| read("../queue")).unwrap_or_default();
    text.trim().parse::<u64>().is_ok_and(|limit| limit > 0)
}
