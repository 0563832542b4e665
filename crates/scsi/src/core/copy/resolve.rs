//! Who is meant by a descriptor, and whether a segment fits: segments become moves.
//!
//! A nexus copies only between logical units that it is shown, under whatever LUN.

use super::MOST_SEGMENT;
use super::job::{End, Move, Source};
use super::list::{Count, List, Segment};
use crate::Identity;
use crate::core::fail::Fail;
use crate::core::nexus::{Life, Slot};
use crate::core::scsi::Scsi;
use crate::core::units::Unit;
use wire::scsi::copy::{Cscd, THIS_UNIT};
use wire::scsi::inquiry::{Designator, PERIPHERAL_DISK};
use wire::scsi::{Asc, Field, Key, Sense};

/// A failure of one segment (SPC-4 5.16.7.4): the byte of its descriptor that is wrong, if it is one of them.
pub(super) fn of_segment(segment: u16, asc: Asc, byte: Option<u16>) -> Fail {
    let field = byte.map(|byte| Field { in_cdb: false, byte, bit: None });
    Fail::Check(Sense { field, segment: Some(segment), ..Sense::new(Key::COPY_ABORTED, asc) })
}

/// Where the fields of a segment descriptor stand.
mod at {
    pub const SOURCE: u16 = 4;
    pub const DESTINATION: u16 = 6;
    pub const COUNT: u16 = 8;
    pub const FROM: u16 = 12;
    pub const TO: u16 = 20;
}

impl Scsi {
    /// The moves of a list. What is wrong with one segment ends the copy when its turn comes, the others before it done.
    pub(super) fn moves(&self, queue: u32, own: End, list: &List) -> Result<Vec<Result<Move, Fail>>, Fail> {
        let ends: Vec<Result<End, Asc>> = list.cscds.iter().map(|cscd| self.end_of(queue, cscd)).collect();
        let mut moves = Vec::with_capacity(list.segments.len());
        for (number, segment) in list.segments.iter().enumerate() {
            let found = |id: u16, byte: u16| {
                let end = match id {
                    THIS_UNIT => Ok(own),
                    id => ends.get(usize::from(id)).copied().unwrap_or(Err(Asc::UNREACHABLE_COPY_TARGET)),
                };
                end.map_err(|asc| of_segment(number as u16, asc, Some(byte)))
            };
            let both = found(segment.source, at::SOURCE)
                .and_then(|source| Ok((source, found(segment.destination, at::DESTINATION)?)));
            moves.push(match both {
                Ok((source, destination)) => self.one_move(queue, number as u16, segment, source, destination)?,
                Err(fail) => Err(fail),
            });
        }
        Ok(moves)
    }

    /// The logical unit that a descriptor means.
    fn end_of(&self, queue: u32, cscd: &Cscd) -> Result<End, Asc> {
        if cscd.device & 0x1f != PERIPHERAL_DISK {
            return Err(Asc::INCORRECT_COPY_TARGET_DEVICE_TYPE);
        }
        let nexus = self.nexuses[queue as usize].as_ref().ok_or(Asc::COPY_TARGET_DEVICE_NOT_REACHABLE)?;
        let (place, unit) = nexus
            .mapped_places()
            .filter_map(|(place, slot)| Some((place, self.unit_of_slot(slot)?)))
            .find(|(_, unit)| is_named(&unit.view.identity, cscd))
            .ok_or(Asc::COPY_TARGET_DEVICE_NOT_REACHABLE)?;
        // A disk block length that is not the disk's: the initiator means another one.
        if !matches!(cscd.block_length(), 0) && cscd.block_length() != unit.block_bytes() {
            return Err(Asc::INVALID_OPERATION_FOR_COPY_SOURCE_OR_DESTINATION);
        }
        Ok(End { slot: Some(place), unit: unit.id })
    }

    fn unit_of_slot(&self, slot: &Slot) -> Option<&Unit> {
        self.units.get(slot.unit).filter(|unit| unit.id == slot.unit_id)
    }

    /// A logical unit that a copy means, if it is still there, and still shown.
    pub(super) fn end(&self, queue: u32, end: End) -> Option<&Unit> {
        if let Some(place) = end.slot {
            let slot = self.nexuses[queue as usize].as_ref()?.slot(place)?;
            if slot.life != Life::Mapped || slot.unit_id != end.unit {
                return None;
            }
        }
        self.units.by_id(end.unit).map(|(_, unit)| unit)
    }

    /// Outer error: the list is at fault as a whole; inner one: the segment, when its turn comes.
    fn one_move(
        &self,
        queue: u32,
        number: u16,
        segment: &Segment,
        source: End,
        destination: End,
    ) -> Result<Result<Move, Fail>, Fail> {
        let gone = Fail::check(Key::COPY_ABORTED, Asc::COPY_TARGET_DEVICE_NOT_REACHABLE);
        let (from, to) = (self.end(queue, source).ok_or(gone)?, self.end(queue, destination).ok_or(gone)?);
        let bytes = match segment.count {
            Count::SourceBlocks(blocks) => u64::from(blocks) << from.shift,
            Count::DestinationBlocks(blocks) => u64::from(blocks) << to.shift,
            Count::Bytes(bytes) => bytes.into(),
        };
        if bytes > MOST_SEGMENT.into() {
            return Err(Fail::in_list(segment.at as u16 + at::COUNT));
        }
        if bytes % u64::from(from.block_bytes().max(to.block_bytes())) != 0 {
            return Ok(Err(of_segment(number, Asc::UNEXPECTED_INEXACT_SEGMENT, Some(at::COUNT))));
        }
        for (unit, block, byte) in [(from, segment.from, at::FROM), (to, segment.to, at::TO)] {
            if !fits(unit, block, bytes) {
                return Ok(Err(of_segment(number, Asc::COPY_TARGET_DEVICE_NOT_REACHABLE, Some(byte))));
            }
        }
        let from = Source::Blocks { end: source, block: segment.from };
        Ok(Ok(Move::new(from, destination, segment.to, bytes, Some(number))))
    }
}

/// Whether so many bytes from a block on are on the device.
pub(super) fn fits(unit: &Unit, block: u64, bytes: u64) -> bool {
    block.checked_add(bytes >> unit.shift).is_some_and(|end| end <= unit.blocks)
}

/// Whether a descriptor has a designator of that logical unit.
fn is_named(identity: &Identity, cscd: &Cscd) -> bool {
    let Some(name) = cscd.name() else { return false };
    let uuid = |name: &[u8]| name.strip_prefix(&[0x10, 0]) == Some(identity.uuid.as_bytes());
    let binary = cscd.code_set & 0xf == Designator::BINARY;
    match cscd.designator_kind & 0x3f {
        kind if kind == Designator::OF_UNIT | Designator::NAA => binary && name == identity.naa,
        kind if kind == Designator::OF_UNIT | Designator::EUI64 => binary && name == identity.eui64,
        kind if kind == Designator::OF_UNIT | Designator::UUID => binary && uuid(name),
        _ => false,
    }
}
