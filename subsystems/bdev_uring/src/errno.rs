//! What an error number of the kernel means to who asked for an operation.

use bdev::{Op, Status};
use std::io;

/// The one table.
pub fn status(error: &io::Error, op: Op) -> Status {
    match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ECANCELED => Status::Aborted,
        libc::ENOSPC | libc::EDQUOT | libc::EFBIG => Status::NoSpace,
        libc::ENOMEM | libc::EAGAIN | libc::EBUSY | libc::ENOBUFS => Status::Busy,
        libc::EROFS | libc::EPERM | libc::EACCES | libc::EBADF => Status::ReadOnly,
        libc::EOPNOTSUPP | libc::ENOSYS => Status::Unsupported,
        libc::ENODEV | libc::ENXIO => Status::Removed,
        _ => medium(op),
    }
}

/// The medium failed.
pub fn medium(op: Op) -> Status {
    match op {
        Op::Read { .. } | Op::Provisioning { .. } => Status::ReadError,
        Op::Write { .. } | Op::Flush | Op::WriteZeroes { .. } | Op::Unmap { .. } => Status::WriteError,
    }
}
