//! What a block contains, and what a block that was read says about its fate.
//!
//! Words of 8 bytes, little-endian: magic, run, block, generation, CRC32C of all other words, then a filler in which each word follows from
//! run, block, generation and its place. So any part of a block tells which write it is from.

use crate::random::mix;
use serde::Serialize;

const MAGIC: u64 = u64::from_le_bytes(*b"qfcblock");
const CRC_WORD: usize = 4;
const HEADER_WORDS: usize = 5;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Generations before the oldest allowed one that are tried to explain a block that makes no sense as a whole.
const OLDER: u32 = 64;

/// Whose block it is: the same on every block of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The run.
    pub run: u64,
    /// The logical block.
    pub lba: u64,
}

/// What a block is found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Verdict {
    /// This generation, and it may be; 0 for what was there before the first write.
    Good {
        /// Which.
        generation: u32,
    },
    /// An acknowledged write is gone: there is an earlier one of this run.
    Stale {
        /// The generation found.
        found: u32,
        /// The oldest that may be there.
        wanted: u32,
    },
    /// An acknowledged write is gone, and all others of this run.
    Lost {
        /// What is there: `zeroes`, `data of another run`, `data of no run`.
        instead: &'static str,
        /// The oldest generation that may be there.
        wanted: u32,
    },
    /// Parts of different writes.
    Torn {
        /// Generation of the first part; 0 for what was there before.
        first: u32,
        /// Generation of the part that follows.
        second: u32,
        /// Byte of the block at which that begins.
        at: u32,
    },
    /// The data of another block.
    Misplaced {
        /// Which.
        belongs_to: u64,
        /// Its generation.
        generation: u32,
    },
    /// A generation that was never written.
    Unwritten {
        /// Which.
        found: u64,
        /// The last that was written.
        newest: u32,
    },
    /// The nearest write with bytes that are of no write.
    Corrupt {
        /// The generation that it resembles.
        generation: u32,
        /// The first byte that differs.
        at: u32,
        /// Bytes that differ.
        bytes: u32,
    },
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        matches!(self, Verdict::Good { .. })
    }
}

fn base(stamp: Stamp, generation: u64) -> u64 {
    mix(stamp.run ^ mix(stamp.lba ^ mix(generation)))
}

/// The word at `i` of a block, the CRC's excepted.
#[inline]
fn word(stamp: Stamp, generation: u64, base: u64, i: usize) -> u64 {
    match i {
        0 => MAGIC,
        1 => stamp.run,
        2 => stamp.lba,
        3 => generation,
        _ => base.wrapping_add((i as u64).wrapping_mul(STEP)),
    }
}

fn crc(block: &[u8]) -> u64 {
    let first = crc32c::crc32c(&block[..CRC_WORD * 8]);
    u64::from(crc32c::crc32c_append(first, &block[HEADER_WORDS * 8..]))
}

/// Fills a block (a multiple of 8 bytes, 64 at least).
pub fn write(block: &mut [u8], stamp: Stamp, generation: u32) {
    let generation = u64::from(generation);
    let base = base(stamp, generation);
    for (i, bytes) in block.chunks_exact_mut(8).enumerate() {
        bytes.copy_from_slice(&word(stamp, generation, base, i).to_le_bytes());
    }
    let crc = crc(block);
    block[CRC_WORD * 8..HEADER_WORDS * 8].copy_from_slice(&crc.to_le_bytes());
}

fn get(block: &[u8], i: usize) -> u64 {
    u64::from_le_bytes(block[i * 8..i * 8 + 8].try_into().expect("8 bytes"))
}

/// Who wrote the block, if it is whole.
fn whole(block: &[u8]) -> Option<(Stamp, u64)> {
    let (stamp, generation) = (Stamp { run: get(block, 1), lba: get(block, 2) }, get(block, 3));
    let base = base(stamp, generation);
    let right = |(i, bytes): (usize, &[u8])| i == CRC_WORD || bytes == word(stamp, generation, base, i).to_le_bytes();
    (get(block, 0) == MAGIC && block.chunks_exact(8).enumerate().all(right) && get(block, CRC_WORD) == crc(block))
        .then_some((stamp, generation))
}

/// Looks at a block in which `low` is the last generation that must be there (0: none was acknowledged) and `high` the last that may be.
pub fn check(block: &[u8], stamp: Stamp, low: u32, high: u32) -> Verdict {
    let Some((found, generation)) = whole(block) else { return check_parts(block, stamp, low, high) };
    if found.run != stamp.run {
        return absent("data of another run", low);
    }
    let short = u32::try_from(generation).unwrap_or(u32::MAX);
    if found.lba != stamp.lba {
        return Verdict::Misplaced { belongs_to: found.lba, generation: short };
    }
    match generation {
        g if g > u64::from(high) => Verdict::Unwritten { found: g, newest: high },
        g if g < u64::from(low) => Verdict::Stale { found: short, wanted: low },
        _ => Verdict::Good { generation: short },
    }
}

/// What was there before the run is all there is: good as long as no write was acknowledged.
fn absent(instead: &'static str, low: u32) -> Verdict {
    if low == 0 { Verdict::Good { generation: 0 } } else { Verdict::Lost { instead, wanted: low } }
}

/// A block that is not one write as a whole.
fn check_parts(block: &[u8], stamp: Stamp, low: u32, high: u32) -> Verdict {
    let oldest = low.saturating_sub(OLDER).max(1);
    let bases: Vec<(u32, u64)> = (oldest..=high).rev().take(4096).map(|g| (g, base(stamp, u64::from(g)))).collect();
    let matches = |g: u32, base: u64| {
        (HEADER_WORDS..block.len() / 8).filter(|&i| get(block, i) == word(stamp, u64::from(g), base, i)).count()
    };
    let best = bases.iter().map(|&(g, b)| (matches(g, b), g, b)).max_by_key(|&(n, g, _)| (n, g));
    let Some((count, generation, base)) = best.filter(|(n, _, _)| *n > 0) else {
        return header_only(block, stamp, low, &bases);
    };
    let others = bases.iter().filter(|(g, _)| *g != generation).map(|&(g, b)| (matches(g, b), g)).max();
    let other = others.filter(|(n, _)| *n > 0).map(|(_, g)| g);
    let words = block.len() / 8 - HEADER_WORDS;
    // The rest is of another write, or (whole 512-byte parts) of before the first one.
    let sectors_before =
        other.is_none() && low == 0 && count < words && words_differ_by_sector(block, stamp, generation, base);
    match other.or(if sectors_before { Some(0) } else { zero_rest(block, stamp, generation, base) }) {
        Some(other) => torn(block, stamp, generation, base, other),
        None => corrupt(block, stamp, generation),
    }
}

/// Only the header may be of this run: a few bytes of the filler are too few to tell, so all of it is broken.
fn header_only(block: &[u8], stamp: Stamp, low: u32, bases: &[(u32, u64)]) -> Verdict {
    if block.iter().all(|&b| b == 0) {
        return absent("zeroes", low);
    }
    let named = get(block, 0) == MAGIC && get(block, 1) == stamp.run && get(block, 2) == stamp.lba;
    match bases.iter().find(|(g, _)| named && u64::from(*g) == get(block, 3)) {
        Some((generation, _)) => corrupt(block, stamp, *generation),
        None => absent("data of no run", low),
    }
}

/// Whether the words that differ make whole sectors: that is how a write stops half-way.
fn words_differ_by_sector(block: &[u8], stamp: Stamp, generation: u32, base: u64) -> bool {
    block.chunks(512).enumerate().all(|(s, sector)| {
        let first = s * 64;
        let equal = |i: usize| get(block, first + i) == word(stamp, u64::from(generation), base, first + i);
        let places = (0..sector.len() / 8).filter(|i| first + i != CRC_WORD);
        let same = places.clone().filter(|&i| equal(i)).count();
        same == 0 || same == places.count()
    })
}

/// Zero, when all that differs is zero: a write over a block that was never written, or given back.
fn zero_rest(block: &[u8], stamp: Stamp, generation: u32, base: u64) -> Option<u32> {
    let other = |i: &usize| get(block, *i) != word(stamp, u64::from(generation), base, *i);
    let mut rest = (0..block.len() / 8).filter(|i| *i != CRC_WORD).filter(other).peekable();
    rest.peek()?;
    let rest: Vec<usize> = rest.collect();
    (rest.len() >= 8 && rest.iter().all(|&i| get(block, i) == 0)).then_some(0)
}

fn torn(block: &[u8], stamp: Stamp, generation: u32, base: u64, other: u32) -> Verdict {
    let is_best = |i: usize| get(block, i) == word(stamp, u64::from(generation), base, i);
    // Words 0 to 2 are the same in all generations, the CRC is checked by nobody here.
    let places: Vec<usize> = (3..block.len() / 8).filter(|&i| i != CRC_WORD).collect();
    let first_is_best = is_best(places[0]);
    let at = places.iter().find(|&&i| is_best(i) != first_is_best).copied().unwrap_or(CRC_WORD);
    let (first, second) = if first_is_best { (generation, other) } else { (other, generation) };
    Verdict::Torn { first, second, at: at as u32 * 8 }
}

fn corrupt(block: &[u8], stamp: Stamp, generation: u32) -> Verdict {
    let mut right = vec![0; block.len()];
    write(&mut right, stamp, generation);
    let mut differ = block.iter().zip(&right).enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i);
    let at = differ.next().unwrap_or(0) as u32;
    Verdict::Corrupt { generation, at, bytes: differ.count() as u32 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Stamp = Stamp { run: 77, lba: 1234 };

    fn block(stamp: Stamp, generation: u32, bytes: usize) -> Vec<u8> {
        let mut b = vec![0xa5; bytes];
        write(&mut b, stamp, generation);
        b
    }

    #[test]
    fn what_may_be_there_is_good() {
        for bytes in [512, 4096, 65536] {
            for generation in [5, 6, 7] {
                assert_eq!(check(&block(HERE, generation, bytes), HERE, 5, 7), Verdict::Good { generation });
            }
        }
        assert_eq!(check(&[0; 512], HERE, 0, 3), Verdict::Good { generation: 0 });
        assert_eq!(check(&[0x5a; 512], HERE, 0, 3), Verdict::Good { generation: 0 });
        assert_eq!(check(&block(Stamp { run: 1, ..HERE }, 9, 512), HERE, 0, 3), Verdict::Good { generation: 0 });
    }

    #[test]
    fn stale_is_found() {
        assert_eq!(check(&block(HERE, 4, 4096), HERE, 5, 7), Verdict::Stale { found: 4, wanted: 5 });
    }

    #[test]
    fn lost_is_found() {
        assert_eq!(check(&[0; 4096], HERE, 1, 1), Verdict::Lost { instead: "zeroes", wanted: 1 });
        assert_eq!(check(&[7; 4096], HERE, 2, 3), Verdict::Lost { instead: "data of no run", wanted: 2 });
        let other = block(Stamp { run: 78, ..HERE }, 2, 4096);
        assert_eq!(check(&other, HERE, 2, 3), Verdict::Lost { instead: "data of another run", wanted: 2 });
    }

    #[test]
    fn torn_is_found_at_its_byte() {
        let (old, new) = (block(HERE, 5, 4096), block(HERE, 6, 4096));
        for at in [512, 1024, 2048, 3584, 4088, 64] {
            let mixed = [&new[..at], &old[at..]].concat();
            assert_eq!(check(&mixed, HERE, 5, 6), Verdict::Torn { first: 6, second: 5, at: at as u32 }, "at {at}");
            let mixed = [&old[..at], &new[at..]].concat();
            assert_eq!(check(&mixed, HERE, 5, 6), Verdict::Torn { first: 5, second: 6, at: at as u32 }, "at {at}");
        }
        let mixed = [&new[..2048], &[0; 2048][..]].concat();
        assert_eq!(check(&mixed, HERE, 0, 6), Verdict::Torn { first: 6, second: 0, at: 2048 });
        let before = [&[0x11; 1024][..], &new[1024..]].concat();
        assert_eq!(check(&before, HERE, 0, 6), Verdict::Torn { first: 0, second: 6, at: 1024 });
    }

    #[test]
    fn misplaced_is_found() {
        let other = block(Stamp { lba: 99, ..HERE }, 3, 4096);
        assert_eq!(check(&other, HERE, 1, 3), Verdict::Misplaced { belongs_to: 99, generation: 3 });
        assert_eq!(check(&other, HERE, 0, 0), Verdict::Misplaced { belongs_to: 99, generation: 3 });
    }

    #[test]
    fn what_was_never_written_is_found() {
        assert_eq!(check(&block(HERE, 9, 512), HERE, 1, 8), Verdict::Unwritten { found: 9, newest: 8 });
    }

    #[test]
    fn every_single_bit_counts() {
        let right = block(HERE, 3, 512);
        for bit in 0..512 * 8 {
            let mut wrong = right.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!check(&wrong, HERE, 3, 3).is_good(), "bit {bit}");
        }
        let mut wrong = right.clone();
        wrong[100] ^= 4;
        wrong[101] ^= 4;
        assert_eq!(check(&wrong, HERE, 3, 3), Verdict::Corrupt { generation: 3, at: 100, bytes: 2 });
    }
}
