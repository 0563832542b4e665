//! Memory of another process, of which we were given the file.
//!
//! Who shortens a file kills every process that touches the end of a mapping of it (SIGBUS). So only a file whose length is sealed is mapped
//! (a memfd that has `F_SEAL_SHRINK`, or lets us add it), and one of huge pages; others are read and written by system calls, which say so
//! when there is nothing. What remains: a client that owns a file of huge pages in a hugetlbfs can still shorten that, and huge pages that
//! were taken out of a file (a hole) may be missing when they are touched again. Who may send us files must be trusted that far.
use crate::{Error, backing::system, copy};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::statfs::{HUGETLBFS_MAGIC, TMPFS_MAGIC, fstatfs};
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

/// A stretch of another process's memory. That process changes it at will: it is only copied.
#[derive(Debug)]
pub struct Foreign {
    access: Access,
    len: usize,
    writable: bool,
}

#[derive(Debug)]
enum Access {
    Mapped(NonNull<u8>),
    File { file: File, offset: u64 },
}

// SAFETY: the mapping is only copied, with accesses that may race, and ends with its only owner.
unsafe impl Send for Foreign {}

impl Foreign {
    /// Takes `len` bytes of a file from `offset` on. The file must be a memfd, or lie in a tmpfs or hugetlbfs: others may answer when they
    /// like (FUSE, NFS), or not be memory at all.
    ///
    /// # Errors
    /// The file is of another kind, or shorter, or not to be written although `writable` was asked for.
    pub fn new(file: OwnedFd, offset: u64, len: u64, writable: bool) -> Result<Foreign, Error> {
        let file = File::from(file);
        let kind = fstatfs(&file).map_err(|e| system("cannot examine the file", e.into()))?.filesystem_type();
        let about = file.metadata().map_err(|e| system("cannot examine the file", e))?;
        if !about.is_file() || ![TMPFS_MAGIC, HUGETLBFS_MAGIC].contains(&kind) {
            return Err(refuse("the file is not memory: a memfd, or a file in a tmpfs or hugetlbfs"));
        }
        let end = offset.checked_add(len).filter(|end| len > 0 && *end <= about.len());
        let (Some(_), Ok(size), Ok(at)) = (end, usize::try_from(len), i64::try_from(offset)) else {
            return Err(refuse(&format!("a file of {} bytes has no {len} bytes at {offset}", about.len())));
        };
        let access = match sealed(&file) || kind == HUGETLBFS_MAGIC {
            true => Access::Mapped(map(&file, at, size, writable)?),
            false => Access::File { file, offset },
        };
        Ok(Foreign { access, len: size, writable })
    }

    /// Its bytes.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> u64 {
        self.len as u64
    }

    /// Whether it is mapped, so that copies need no system call.
    pub fn is_mapped(&self) -> bool {
        matches!(self.access, Access::Mapped(_))
    }

    /// Copies from `at` on; false if that is outside, or the memory is gone. As [`crate::Window::read`] otherwise.
    pub fn read(&self, at: u64, into: &mut [u8]) -> bool {
        let Some(at) = self.place(at, into.len()) else { return false };
        match &self.access {
            Access::Mapped(base) => {
                // SAFETY: inside the mapping, as checked; `into` is ours.
                unsafe { copy::device_read(base.add(at).as_ptr(), into.as_mut_ptr(), into.len()) };
                true
            }
            Access::File { file, offset } => file.read_exact_at(into, offset + at as u64).is_ok(),
        }
    }

    /// Copies to `at`; false if that is outside, not to be written, or gone. As [`crate::Window::write`] otherwise.
    pub fn write(&self, at: u64, from: &[u8]) -> bool {
        let Some(at) = self.place(at, from.len()).filter(|_| self.writable) else { return false };
        match &self.access {
            Access::Mapped(base) => {
                // SAFETY: inside the mapping, as checked, which is writable; `from` is ours.
                unsafe { copy::device_write(from.as_ptr(), base.add(at).as_ptr(), from.len()) };
                true
            }
            Access::File { file, offset } => file.write_all_at(from, offset + at as u64).is_ok(),
        }
    }

    fn place(&self, at: u64, len: usize) -> Option<usize> {
        let at = usize::try_from(at).ok()?;
        at.checked_add(len).filter(|end| *end <= self.len).map(|_| at)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Access::Mapped(base) = self.access {
            // SAFETY: made by `map` with this length; nobody has an address of it. A refusal leaves it mapped, which harms nobody.
            let _ = unsafe { munmap(base.cast(), self.len) };
        }
    }
}

/// Whether the file cannot become shorter any more.
fn sealed(file: &File) -> bool {
    let seals = || fcntl(file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_truncate);
    let has = |seals: Result<SealFlag, Errno>| seals.is_ok_and(|seals| seals.contains(SealFlag::F_SEAL_SHRINK));
    has(seals()) || (fcntl(file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK)).is_ok() && has(seals()))
}

fn map(file: &File, at: i64, len: usize, writable: bool) -> Result<NonNull<u8>, Error> {
    let rights = if writable { ProtFlags::PROT_READ | ProtFlags::PROT_WRITE } else { ProtFlags::PROT_READ };
    let size = NonZeroUsize::new(len).expect("checked: not empty");
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
    let mapped = unsafe { mmap(None, size, rights, MapFlags::MAP_SHARED, file, at) };
    mapped.map(NonNull::cast).map_err(|e| system("cannot map the file", e.into()))
}

fn refuse(why: &str) -> Error {
    system("memory of another process", std::io::Error::new(std::io::ErrorKind::InvalidInput, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::memfd::{MFdFlags, memfd_create};

    fn memfd(len: u64, flags: MFdFlags) -> File {
        let file = File::from(memfd_create(c"test", flags).unwrap());
        file.set_len(len).unwrap();
        file
    }

    fn foreign(file: &File, offset: u64, len: u64) -> Result<Foreign, Error> {
        Foreign::new(file.try_clone().unwrap().into(), offset, len, true)
    }

    #[test]
    fn a_file_whose_length_can_be_sealed_is_mapped_and_cannot_shrink_any_more() {
        let file = memfd(16384, MFdFlags::MFD_ALLOW_SEALING);
        let memory = foreign(&file, 4096, 8192).unwrap();
        assert!(memory.is_mapped() && memory.len() == 8192);
        assert!(memory.write(8184, &[7; 8]) && !memory.write(8185, &[7; 8]) && !memory.write(u64::MAX, &[1]));
        let mut got = [0; 8];
        file.read_exact_at(&mut got, 4096 + 8184).unwrap();
        assert_eq!(got, [7; 8]);
        assert!(memory.read(8184, &mut got) && !memory.read(8185, &mut got));
        assert!(file.set_len(0).is_err(), "the end of our mapping cannot be taken away");
    }

    #[test]
    fn a_file_that_shrinks_is_an_error_and_not_our_end() {
        let file = memfd(8192, MFdFlags::empty());
        let memory = foreign(&file, 0, 8192).unwrap();
        assert!(!memory.is_mapped());
        assert!(memory.write(5000, b"abc"));
        let mut got = [0; 3];
        assert!(memory.read(5000, &mut got) && &got == b"abc");
        file.set_len(4096).unwrap();
        assert!(!memory.read(5000, &mut got));
    }

    #[test]
    fn claims_that_the_file_does_not_keep_are_refused() {
        let file = memfd(8192, MFdFlags::MFD_ALLOW_SEALING);
        for (offset, len) in [(0, 8193), (4096, 8192), (u64::MAX, 2), (0, u64::MAX), (0, 0), (1 << 63, 1)] {
            assert!(foreign(&file, offset, len).is_err(), "{offset} {len}");
        }
        assert!(foreign(&file, 1, 4096).is_err(), "mappings begin at pages");
        let not_memory = File::open("/dev/null").unwrap();
        assert!(foreign(&not_memory, 0, 1).unwrap_err().to_string().contains("not memory"));
        let read_only = Foreign::new(file.into(), 0, 4096, false).unwrap();
        assert!(!read_only.write(0, &[1]) && read_only.read(0, &mut [0; 4096]));
    }
}
