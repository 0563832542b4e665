//! Where memory comes from: huge pages by memfd or in a directory, or ordinary pages.
use crate::mapping::{available, map_ordinary, unmap, wish};
use crate::{Error, HUGE_PAGE, PAGE, Part, round_up};
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap};
use nix::sys::statfs::{HUGETLBFS_MAGIC, fstatfs};
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

/// The kind of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// Huge pages: of 2 MiB from a memfd, or those of the hugetlbfs mount at `dir`. A file made there loses its name
    /// at once, so that its pages go back however the process ends.
    Huge {
        /// A hugetlbfs mount.
        dir: Option<PathBuf>,
    },
    /// Ordinary pages, as transparent huge pages where the system does that on request. They are filled on first touch.
    Ordinary,
}

/// What the kernel says about huge pages of 2 MiB, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hugepages {
    /// Pages that exist.
    pub total: usize,
    /// Pages that could be had now: free and not promised to anybody.
    pub free: usize,
}

/// Reads the count of huge pages of 2 MiB; all zero where the kernel has none.
pub fn hugepages() -> Hugepages {
    let read = |name: &str| {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-2048kB/{name}");
        std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(0)
    };
    let free = read("free_hugepages").saturating_sub(read("resv_hugepages"));
    Hugepages { total: read("nr_hugepages"), free }
}

/// Huge pages of 2 MiB that could be had now.
pub fn hugepages_free() -> usize {
    hugepages().free
}

/// One mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub base: NonNull<u8>,
    pub len: usize,
    /// Its pages stay when they are free: memory reserved at start.
    pub kept: bool,
    /// Number of its file and place in it; none for anonymous memory.
    file: Option<(usize, usize)>,
}

impl Mapping {
    /// Its address, which devices use too: from now on it may be reached by address.
    pub(crate) fn address(&self) -> u64 {
        self.base.as_ptr().expose_provenance() as u64
    }
}

/// Makes mappings, fills and empties them.
#[derive(Debug)]
pub(crate) struct Source {
    backing: Backing,
    single_file: bool,
    pub files: Vec<File>,
    /// Bytes of a page.
    pub page: usize,
    /// Length of the single file.
    length: usize,
}

impl Source {
    pub(crate) fn new(backing: Backing, single_file: bool) -> Result<Source, Error> {
        let page = match &backing {
            Backing::Ordinary => PAGE,
            Backing::Huge { dir: None } => HUGE_PAGE,
            Backing::Huge { dir: Some(dir) } => page_of(dir)?,
        };
        Ok(Source { backing, single_file, files: Vec::new(), page, length: 0 })
    }

    /// A mapping as others may see it.
    pub(crate) fn part(&self, of: &Mapping) -> Result<Part, Error> {
        let share = |(file, at): (usize, usize)| Ok((self.files[file].try_clone()?.into(), at as u64));
        let file = of.file.map(share).transpose().map_err(|source| system("cannot share the memory file", source))?;
        Ok(Part { address: of.address(), len: of.len as u64, file })
    }

    /// Undoes [`Source::grow`] for the mapping made last.
    pub(crate) fn undo(&mut self, last: Mapping) {
        // SAFETY: nothing of it has been given out.
        unsafe { unmap(&last) };
        if let Some((file, at)) = last.file {
            self.shorten(file, at);
        }
    }

    pub(crate) fn huge(&self) -> bool {
        self.backing != Backing::Ordinary
    }

    /// Maps at least `len` more bytes. Their pages are not there yet: see [`Source::fill`].
    pub(crate) fn grow(&mut self, len: usize, kept: bool) -> Result<Mapping, Error> {
        let len = round_up(len, self.page.max(HUGE_PAGE));
        self.check(len)?;
        if !self.huge() && !self.single_file {
            let base = map_ordinary(len, None)?;
            return Ok(Mapping { base, len, kept, file: None });
        }
        let (file, at) = self.space(len)?;
        let mapped =
            if self.huge() { self.map_huge(len, file, at) } else { map_ordinary(len, Some((&self.files[file], at))) };
        let base = mapped.inspect_err(|_| self.shorten(file, at))?;
        Ok(Mapping { base, len, kept, file: Some((file, at)) })
    }

    /// Room for `len` bytes: at the end of the single file, or a new file. Returns its number and place.
    fn space(&mut self, len: usize) -> Result<(usize, usize), Error> {
        if self.files.is_empty() || !self.single_file {
            self.files.push(self.create()?);
            self.length = 0;
        }
        let (file, at) = (self.files.len() - 1, self.length);
        let sized = |file: &File, end: u64| if file.metadata()?.len() < end { file.set_len(end) } else { Ok(()) };
        sized(&self.files[file], (at + len) as u64).map_err(|source| system("cannot size the memory file", source))?;
        self.length = at + len;
        Ok((file, at))
    }

    /// Undoes [`Source::space`].
    fn shorten(&mut self, file: usize, at: usize) {
        self.length = at;
        // A length that stays too great (the length is sealed) costs nothing: nothing is mapped there.
        let _ = self.files[file].set_len(at as u64);
        if !self.single_file {
            self.files.truncate(file);
        }
    }

    /// A new file. A memfd is sealed against becoming shorter, so that whoever it is shared with may map it without fear.
    fn create(&self) -> Result<File, Error> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let made = match &self.backing {
            Backing::Huge { dir: Some(dir) } => return nameless(dir),
            Backing::Huge { dir: None } => {
                memfd_create(c"qfc-data", flags | MFdFlags::MFD_HUGETLB | MFdFlags::MFD_HUGE_2MB)
            }
            Backing::Ordinary => memfd_create(c"qfc-data", flags),
        };
        if let Ok(file) = &made {
            // Without the seal only sharing is slower.
            let _ = fcntl(file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK));
        }
        let what = match self.huge() {
            true => "cannot create a file of huge pages (memfd_create); --no-huge does without",
            false => "cannot create a memory file (memfd_create)",
        };
        made.map(File::from).map_err(|e| system(what, e.into()))
    }

    fn map_huge(&self, len: usize, file: usize, at: usize) -> Result<NonNull<u8>, Error> {
        let size = NonZeroUsize::new(len).expect("a mapping has pages");
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
        let mapped = unsafe { mmap(Some(wish(len)), size, rights, MapFlags::MAP_SHARED, &self.files[file], at as i64) };
        mapped.map(NonNull::cast).map_err(|e| self.refused(len, e))
    }

    /// Brings the pages of a range in, so that no touch of it can fail. `at` and `len` need not be whole pages.
    ///
    /// A mapping of huge pages can succeed and its pages be missing later (a limit of the cgroup, for one), and the touch then
    /// kills the process: asking the file for them gives an error here instead.
    pub(crate) fn fill(&self, part: &Mapping, at: usize, len: usize) -> Result<(), Error> {
        let Some((file, start)) = part.file.filter(|_| self.huge()) else {
            return Ok(());
        };
        let low = at / self.page * self.page;
        let high = round_up(at + len, self.page);
        let mode = FallocateFlags::empty();
        fallocate(&self.files[file], mode, (start + low) as i64, (high - low) as i64)
            .map_err(|e| self.refused(high - low, e))
    }

    /// Gives the pages of a range of whole pages back to the system; it reads as zeroes afterwards. False if the system refused.
    pub(crate) fn empty(&self, part: &Mapping, at: usize, len: usize) -> bool {
        debug_assert!(at.is_multiple_of(self.page) && len.is_multiple_of(self.page) && at + len <= part.len);
        let Some((file, start)) = part.file else {
            // SAFETY: inside the mapping; its memory is free, so nobody minds that it turns to zeroes.
            return unsafe { madvise(part.base.add(at).cast(), len, MmapAdvise::MADV_DONTNEED) }.is_ok();
        };
        let mode = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(&self.files[file], mode, (start + at) as i64, len as i64).is_ok()
    }

    /// Ordinary memory is promised freely and the process killed later: so look first.
    fn check(&self, len: usize) -> Result<(), Error> {
        let found = if self.huge() { usize::MAX } else { available() };
        if found >= len {
            return Ok(());
        }
        let remedy = "Free some memory, or configure less of it (smaller RAM volumes, -s).".into();
        Err(Error::TooLittle { needed: len, found, page_size: self.page, remedy })
    }

    /// The kernel's refusal of huge pages, in the operator's words.
    fn refused(&self, needed: usize, why: nix::Error) -> Error {
        use nix::Error as E;
        if !matches!(why, E::ENOMEM | E::ENOSPC) {
            return system("cannot map huge pages", why.into());
        }
        let pages = hugepages();
        let found = if self.page == HUGE_PAGE { pages.free * HUGE_PAGE } else { 0 };
        let goal = pages.total + needed.saturating_sub(found).div_ceil(HUGE_PAGE);
        let how = match self.page {
            HUGE_PAGE => {
                format!("reserve them with `echo {goal} | sudo tee /proc/sys/vm/nr_hugepages` (or scripts/setup.sh)")
            }
            page => format!("reserve {} pages of {} KiB more", needed.div_ceil(page), page / 1024),
        };
        let remedy = format!("Huge pages are missing: {how}, or start with --no-huge.");
        Error::TooLittle { needed, found, page_size: self.page, remedy }
    }
}

pub(crate) fn system(what: &str, source: std::io::Error) -> Error {
    Error::System { what: what.into(), source }
}

/// The page size of a hugetlbfs mount.
fn page_of(dir: &Path) -> Result<usize, Error> {
    let opened = File::open(dir).map_err(|e| system(&format!("cannot open {}", dir.display()), e))?;
    let about = fstatfs(&opened).map_err(|e| system(&format!("cannot examine {}", dir.display()), e.into()))?;
    if about.filesystem_type() != HUGETLBFS_MAGIC {
        return Err(Error::NotHuge { dir: dir.display().to_string() });
    }
    Ok(about.block_size() as usize)
}

/// A file in `dir` that has no name any more.
fn nameless(dir: &Path) -> Result<File, Error> {
    use std::os::unix::fs::OpenOptionsExt;
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = dir.join(format!("qfc-data-{}-{number}", std::process::id()));
    let make = || {
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    };
    make().map_err(|e| system(&format!("cannot create {}", path.display()), e))
}
