//! Copies of memory that other cores may be copying too.
//!
//! An ordinary copy would be a data race, which the language leaves undefined, even when "some mixture" is all we need.
//! So these are relaxed atomic accesses: single bytes in the portable version (also what miri runs), and on x86-64 a block of
//! assembly, which the compiler can only see as some sequence of such accesses: 64 bytes a round with SSE2, and for longer
//! copies the processor's own string move, which writes whole lines without reading them first. On a RAM disk larger than
//! the caches that is most of the cost of a write.
//!
//! All pointers here are raw: the shared side never becomes a Rust reference.
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, fence};

/// Copies `len` bytes to a place that may be shared, from one that may be (`SHARED`) or is not.
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes, they do not overlap, and whatever else touches shared bytes meanwhile
/// does it through this module or in the kernel.
#[inline]
pub(crate) unsafe fn bytes<const SHARED: bool>(from: *const u8, to: *mut u8, len: usize) {
    if len >= STRING_BYTES {
        // SAFETY: the caller's promise.
        return unsafe { string_move::<SHARED>(from, to, len) };
    }
    let blocks = len / 64;
    // SAFETY: the caller's promise, for the first `blocks * 64` bytes.
    unsafe { blocks_of_64::<SHARED>(from, to, blocks) };
    for i in blocks * 64..len {
        // SAFETY: the caller's promise; i < len.
        unsafe { store(to.add(i), load::<SHARED>(from.add(i))) };
    }
}

/// Sets `len` bytes that may be shared to zero.
///
/// # Safety
/// As [`bytes`], for `to`.
pub(crate) unsafe fn zero(to: *mut u8, len: usize) {
    static ZEROES: [u8; 4096] = [0; 4096];
    let mut done = 0;
    while done < len {
        let part = (len - done).min(ZEROES.len());
        // SAFETY: `done + part <= len`; the source is ours.
        unsafe { bytes::<false>(ZEROES.as_ptr(), to.add(done), part) };
        done += part;
    }
}

/// Copies from memory that a device shares with its driver. A driver takes an aligned value of 2, 4 or 8 bytes (a ring's index) to be
/// written in one piece, so it is read in one; and what is read later is not older.
///
/// # Safety
/// As [`bytes`], with a shared `from`.
pub(crate) unsafe fn device_read(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise; in the first three cases `from` is aligned for the type, and `to` is written unaligned.
    unsafe {
        match len {
            2 if from.cast::<u16>().is_aligned() => {
                to.cast::<u16>().write_unaligned(AtomicU16::from_ptr(from.cast_mut().cast()).load(Acquire));
            }
            4 if from.cast::<u32>().is_aligned() => {
                to.cast::<u32>().write_unaligned(AtomicU32::from_ptr(from.cast_mut().cast()).load(Acquire));
            }
            8 if from.cast::<u64>().is_aligned() => {
                to.cast::<u64>().write_unaligned(AtomicU64::from_ptr(from.cast_mut().cast()).load(Acquire));
            }
            _ => bytes::<true>(from, to, len),
        }
    }
    fence(Acquire);
}

/// Copies to memory that a device shares with its driver: an aligned value of 2, 4 or 8 bytes in one piece, and after all that was
/// written before.
///
/// # Safety
/// As [`bytes`], with a `from` that is not shared.
pub(crate) unsafe fn device_write(from: *const u8, to: *mut u8, len: usize) {
    fence(Release);
    // SAFETY: the caller's promise; in the first three cases `to` is aligned for the type, and `from` is read unaligned.
    unsafe {
        match len {
            2 if to.cast::<u16>().is_aligned() => {
                AtomicU16::from_ptr(to.cast()).store(from.cast::<u16>().read_unaligned(), Release);
            }
            4 if to.cast::<u32>().is_aligned() => {
                AtomicU32::from_ptr(to.cast()).store(from.cast::<u32>().read_unaligned(), Release);
            }
            8 if to.cast::<u64>().is_aligned() => {
                AtomicU64::from_ptr(to.cast()).store(from.cast::<u64>().read_unaligned(), Release);
            }
            _ => bytes::<false>(from, to, len),
        }
    }
}

/// Copies from this length on are left to the processor's string move; shorter ones do not earn its start.
const STRING_BYTES: usize = 1024;

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn string_move<const SHARED: bool>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: reads and writes exactly `len` bytes that the caller vouches for; the direction flag is clear by the ABI.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(any(not(target_arch = "x86_64"), miri))]
unsafe fn string_move<const SHARED: bool>(from: *const u8, to: *mut u8, len: usize) {
    for i in 0..len {
        // SAFETY: the caller's promise.
        unsafe { store(to.add(i), load::<SHARED>(from.add(i))) };
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn blocks_of_64<const SHARED: bool>(from: *const u8, to: *mut u8, blocks: usize) {
    if blocks == 0 {
        return;
    }
    // SAFETY: reads and writes exactly `blocks * 64` bytes that the caller vouches for; SSE2 is part of x86-64; only named registers change.
    unsafe {
        std::arch::asm!(
            "2:",
            "movdqu {a}, [{from}]",
            "movdqu {b}, [{from} + 16]",
            "movdqu {c}, [{from} + 32]",
            "movdqu {d}, [{from} + 48]",
            "movdqu [{to}], {a}",
            "movdqu [{to} + 16], {b}",
            "movdqu [{to} + 32], {c}",
            "movdqu [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {left}",
            "jnz 2b",
            a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
            from = inout(reg) from => _, to = inout(reg) to => _, left = inout(reg) blocks => _,
            options(nostack),
        );
    }
}

#[cfg(any(not(target_arch = "x86_64"), miri))]
unsafe fn blocks_of_64<const SHARED: bool>(from: *const u8, to: *mut u8, blocks: usize) {
    for i in 0..blocks * 64 {
        // SAFETY: the caller's promise.
        unsafe { store(to.add(i), load::<SHARED>(from.add(i))) };
    }
}

#[inline]
unsafe fn store(to: *mut u8, byte: u8) {
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
    // SAFETY: writable by the caller's promise, and a byte is always aligned.
    unsafe { AtomicU8::from_ptr(to) }.store(byte, Relaxed);
}

#[inline]
unsafe fn load<const SHARED: bool>(from: *const u8) -> u8 {
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
    if SHARED {
        // SAFETY: readable by the caller's promise; shared memory is mapped writable, and a byte is always aligned.
        unsafe { AtomicU8::from_ptr(from.cast_mut()) }.load(Relaxed)
    } else {
        // SAFETY: readable by the caller's promise, and nobody writes it meanwhile.
        unsafe { from.read() }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn copies_exactly_the_bytes_asked_for() {
        let from: Vec<u8> = (0..9000u32).map(|i| (i * 7 + i / 256 + 1) as u8).collect();
        for (start, len) in
            [(0, 0), (1, 1), (3, 63), (0, 64), (5, 65), (2, 200), (0, 383), (1, 1023), (3, 1024), (7, 8193)]
        {
            let mut to = vec![0xEE; 9000];
            // SAFETY: both vectors have 9,000 bytes and start + len + 8 is below that; nobody else has them.
            unsafe { super::bytes::<false>(from.as_ptr().add(start), to.as_mut_ptr().add(8), len) };
            assert_eq!(to[8..8 + len], from[start..start + len]);
            assert!(to[..8].iter().chain(&to[8 + len..]).all(|&b| b == 0xEE), "{start} {len}");
        }
    }

    #[test]
    fn zeroes_exactly_the_bytes_asked_for() {
        let mut to = vec![0xEE; 9000];
        // SAFETY: 100 + 8300 is below 9000.
        unsafe { super::zero(to.as_mut_ptr().add(100), 8300) };
        assert!(to[100..8400].iter().all(|&b| b == 0));
        assert!(to[..100].iter().chain(&to[8400..]).all(|&b| b == 0xEE));
    }
}
