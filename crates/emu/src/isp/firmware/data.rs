//! Data segments of an IOCB, and copies between the host's memory and ours.

use super::Entry;
use pci::{Bus, Fault};
use wire::isp::iocb::{Dsd64, EntryStatus};

/// Most segments of a list in memory; more is a host that lost its way.
const MOST: usize = 65_536;

/// Why an entry is returned as it is: its entry status.
pub(crate) mod refusal {
    use super::EntryStatus;
    /// No resource now.
    pub const BUSY: u8 = EntryStatus(0).with_busy(true).0;
    /// There is no such entry.
    pub const TYPE: u8 = EntryStatus(0).with_invalid_type(true).0;
    /// A field of it makes no sense.
    pub const PARAMETER: u8 = EntryStatus(0).with_invalid_parameter(true).0;
    /// Fewer continuations than its count of segments needs, or other entries in their place.
    pub const COUNT: u8 = EntryStatus(0).with_invalid_count(true).0;
}

/// The first `count` segments of an entry: those that are in it (`first`), then those of its continuations.
///
/// # Errors
/// An entry status.
pub(crate) fn segments(first: &[Dsd64], entries: &[Entry], count: u16) -> Result<Vec<Dsd64>, u8> {
    let continuations = entries.get(1..).unwrap_or_default();
    let all = wire::isp::iocb::segments(first, continuations, usize::from(count));
    all.map(Iterator::collect).ok_or(refusal::COUNT)
}

/// The segments of a list in memory: blocks, the last segment of each of which is the next block, or nothing.
pub(crate) fn listed(bus: &mut dyn Bus, first: Dsd64) -> Result<Vec<Dsd64>, Fault> {
    let (mut all, mut block) = (Vec::new(), first);
    while block.length() >= 12 && all.len() < MOST {
        let mut bytes = vec![0; (block.length() as usize).min(12 * MOST)];
        bus.read(block.address(), &mut bytes)?;
        let Some((last, data)) = wire::parse_each::<Dsd64>(&bytes).split_last() else { break };
        // A block of one is nothing but the way to the next: a circle of those would never end.
        if data.is_empty() {
            break;
        }
        all.extend_from_slice(data);
        block = *last;
    }
    Ok(all)
}

/// How many bytes the segments have room for.
pub(crate) fn room(segments: &[Dsd64]) -> u64 {
    segments.iter().map(|segment| u64::from(segment.length())).sum()
}

/// Reads the first bytes of the segments. What is longer than they are stays as it is at its end.
pub(crate) fn gather(bus: &mut dyn Bus, segments: &[Dsd64], mut into: &mut [u8]) -> Result<(), Fault> {
    for segment in segments {
        let part;
        (part, into) = into.split_at_mut((segment.length() as usize).min(into.len()));
        if !part.is_empty() {
            bus.read(segment.address(), part)?;
        }
    }
    Ok(())
}

/// Writes to the begin of the segments, as much as they have room for.
pub(crate) fn scatter(bus: &mut dyn Bus, segments: &[Dsd64], mut from: &[u8]) -> Result<(), Fault> {
    for segment in segments {
        let part;
        (part, from) = from.split_at((segment.length() as usize).min(from.len()));
        if !part.is_empty() {
            bus.write(segment.address(), part)?;
        }
    }
    Ok(())
}
