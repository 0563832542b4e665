//! Mapping ordinary memory where the kernel can use huge pages for it, and ending mappings.
use crate::backing::{Mapping, system};
use crate::{Error, HUGE_PAGE};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mmap_anonymous, munmap};
use std::ffi::c_void;
use std::fs::File;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Ends a mapping.
///
/// # Safety
/// Nothing of it may be used any more.
pub(crate) unsafe fn unmap(part: &Mapping) {
    // SAFETY: the caller's promise. A refusal would leave it mapped, which harms nobody.
    let _ = unsafe { munmap(part.base.cast::<c_void>(), part.len) };
}

/// Maps ordinary memory, anonymous or of a file, aligned so that the kernel can use huge pages.
pub(crate) fn map_ordinary(len: usize, file: Option<(&File, usize)>) -> Result<NonNull<u8>, Error> {
    let refused = |e: nix::Error| system(&format!("cannot map {len} bytes"), e.into());
    let room = NonZeroUsize::new(len + HUGE_PAGE).expect("a mapping has pages");
    let hold = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
    let start = unsafe { mmap_anonymous(Some(wish(len)), room, ProtFlags::PROT_NONE, hold) }.map_err(refused)?;
    let skip = start.addr().get().next_multiple_of(HUGE_PAGE) - start.addr().get();
    // SAFETY: the aligned place lies inside the room just made, which is one huge page longer than needed.
    let place = unsafe { start.byte_add(skip) };
    let size = NonZeroUsize::new(len).expect("a mapping has pages");
    let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: replaces only a part of the room made above, which nobody else knows.
    let mapped = unsafe {
        match file {
            None => mmap_anonymous(Some(place.addr()), size, rights, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED),
            Some((file, at)) => {
                mmap(Some(place.addr()), size, rights, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, at as i64)
            }
        }
    };
    // SAFETY: what is left of the room before and after; on failure nothing of it is used.
    unsafe { trim(start, skip, place, len, mapped.is_ok()) };
    let base: NonNull<u8> = mapped.map_err(refused)?.cast();
    // SAFETY: the mapping just made. Advice only: a kernel without it says no.
    let _ = unsafe { madvise(base.cast(), len, MmapAdvise::MADV_HUGEPAGE) };
    Ok(base)
}

/// Where the next `len` bytes had best be mapped: the kernel takes another place if that is taken. Devices see memory where the process sees
/// it, and many IOMMUs reach no more than 39 bits, below which the kernel gives nothing by itself.
pub(crate) fn wish(len: usize) -> NonZeroUsize {
    static NEXT: AtomicUsize = AtomicUsize::new(64 << 30);
    const END: usize = 1 << 39;
    let at = NEXT.fetch_add(len.next_multiple_of(HUGE_PAGE), Relaxed);
    // Used up (or 32 bits): any place will do.
    let low = if at.saturating_add(len) < END { at } else { 64 << 30 };
    NonZeroUsize::new(low).expect("a constant above 0")
}

/// Unmaps the parts of a room of `len + HUGE_PAGE` bytes that are not used, or all of it.
///
/// # Safety
/// As for `munmap` of these parts.
unsafe fn trim(start: NonNull<c_void>, skip: usize, place: NonNull<c_void>, len: usize, used: bool) {
    let unmap = |from: NonNull<c_void>, len: usize| {
        if len > 0 {
            // SAFETY: the caller's promise. A refusal leaves unused address space, nothing else.
            let _ = unsafe { munmap(from, len) };
        }
    };
    if !used {
        return unmap(start, len + HUGE_PAGE);
    }
    unmap(start, skip);
    // SAFETY: `len` bytes from the aligned place is still inside the room, or just at its end.
    unmap(unsafe { place.byte_add(len) }, HUGE_PAGE - skip);
}

/// Bytes of ordinary memory that the system could give; as good as unlimited where it does not say.
pub(crate) fn available() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kib.map_or(usize::MAX, |kib| kib * 1024)
}
