//! The data of commands that ask: which command gets which, and what reading it clears.

use super::attention::Attention;
use super::fail::Fail;
use super::mode::{self, Wanted};
use super::opcodes::{self, Question};
use super::scsi::Scsi;
use super::units::Unit;
use super::{groups, inquiry};
use wire::IntoBytes;
use wire::be::{U16, U32, U64};
use wire::scsi::report::{Capacity10, Capacity16, LunList, select};
use wire::scsi::{Asc, Command, Key, Sense, to_lun};

impl Scsi {
    /// All of the data of a command, however little of it is wanted.
    pub(crate) fn data(&self, queue: u32, place: Option<u32>, command: &Command) -> Result<Vec<u8>, Fail> {
        let unit = place.and_then(|place| self.unit_at(queue, place));
        let asked = self.asked(queue).ok_or(Fail::NO_UNIT)?;
        match (*command, unit) {
            (Command::Inquiry { vpd: false, page: 0, .. }, unit) => {
                Ok(inquiry::standard(unit, asked).as_bytes().to_vec())
            }
            (Command::Inquiry { vpd: false, .. }, _) => Err(Fail::in_cdb(2)),
            (Command::Inquiry { page, .. }, Some(unit)) => inquiry::vpd(unit, page, asked),
            (Command::Inquiry { .. }, None) => Err(Fail::in_cdb(1)),
            (Command::RequestSense { descriptor, .. }, _) => Ok(self.sense(queue, place, descriptor)),
            (Command::ReportLuns { select, .. }, _) => self.luns(queue, select),
            (_, None) => Err(Fail::NO_UNIT),
            (Command::ModeSense { long, llbaa, dbd, control, page, subpage, .. }, Some(unit)) => {
                mode::sense(unit, Wanted { long, llbaa, dbd, control, page, subpage })
            }
            (Command::ReadCapacity10, Some(unit)) => Ok(capacity10(unit).as_bytes().to_vec()),
            (Command::ReadCapacity16 { .. }, Some(unit)) => Ok(capacity16(unit).as_bytes().to_vec()),
            (Command::ReportTargetPortGroups { format, .. }, _) if format > 1 => Err(Fail::in_cdb(1)),
            (Command::ReportTargetPortGroups { format, .. }, _) => Ok(groups::report(asked, format == 1)),
            (Command::ReportOpcodes { timeouts, options, opcode, action, .. }, Some(unit)) => {
                opcodes::report(unit, Question { timeouts, options, opcode, action })
            }
            (Command::ReportFunctions { extended, .. }, _) => Ok(opcodes::functions(extended)),
            _ => Err(Fail::NO_COMMAND),
        }
    }

    /// What a command clears by having told it.
    pub(crate) fn after_data(&mut self, queue: u32, place: Option<u32>, command: &Command) {
        match command {
            Command::RequestSense { .. } => {
                if let Some(place) = place {
                    self.tell_attention(queue, place);
                }
            }
            Command::ReportLuns { .. } => self.luns_are_known(queue),
            _ => {}
        }
    }

    /// The next unit attention of a logical unit, which is told herewith. One that says that LUNs changed is told once to a
    /// nexus, not once for each logical unit (LUICLR).
    pub(crate) fn tell_attention(&mut self, queue: u32, place: u32) -> Option<Fail> {
        let attention = self.nexus(queue).slot_mut(place)?.attentions.take()?;
        if attention == Attention::LunsChanged {
            self.luns_are_known(queue);
        }
        Some(attention.fail())
    }

    fn luns_are_known(&mut self, queue: u32) {
        self.nexus(queue).mapped_mut().for_each(|slot| slot.attentions.clear(Attention::LunsChanged));
    }

    /// Sense data of REQUEST SENSE: a pending unit attention, or that there is no such logical unit, or nothing.
    fn sense(&self, queue: u32, place: Option<u32>, descriptor: bool) -> Vec<u8> {
        let nexus = self.nexuses[queue as usize].as_ref();
        let slot = place.and_then(|place| nexus?.slot(place));
        let sense = match slot.map(|slot| slot.attentions.first()) {
            None => Sense::new(Key::ILLEGAL_REQUEST, Asc::LOGICAL_UNIT_NOT_SUPPORTED),
            Some(None) => Sense::new(Key::NO_SENSE, Asc::NONE),
            Some(Some(attention)) => Sense::new(Key::UNIT_ATTENTION, attention.code()),
        };
        if descriptor {
            let (bytes, len) = sense.to_descriptors();
            return bytes[..len].to_vec();
        }
        sense.to_fixed().to_vec()
    }

    /// REPORT LUNS. A nexus that reaches nothing is told of LUN 0, where INQUIRY says that nothing is there.
    fn luns(&self, queue: u32, which: u8) -> Result<Vec<u8>, Fail> {
        let nexus = self.nexuses[queue as usize].as_ref().ok_or(Fail::NO_UNIT)?;
        let mut luns: Vec<u16> = match which {
            select::LOGICAL_UNITS | select::ALL => nexus.luns().collect(),
            select::WELL_KNOWN => return Ok(list_of(&[])),
            _ => return Err(Fail::in_cdb(2)),
        };
        if luns.is_empty() {
            luns.push(0);
        }
        Ok(list_of(&luns))
    }
}

fn list_of(luns: &[u16]) -> Vec<u8> {
    let length = U32::new(luns.len() as u32 * 8);
    let mut data = LunList { length, reserved: U32::new(0) }.as_bytes().to_vec();
    data.extend(luns.iter().flat_map(|lun| to_lun(*lun)));
    data
}

fn capacity10(unit: &Unit) -> Capacity10 {
    let last = u32::try_from(unit.blocks.saturating_sub(1)).unwrap_or(u32::MAX);
    Capacity10 { last: U32::new(last), block_bytes: U32::new(unit.block_bytes()) }
}

fn capacity16(unit: &Unit) -> Capacity16 {
    let physical = unit.view.info.physical_block_size.max(1) >> unit.shift;
    let mut provisioning = if unit.features.unmap { Capacity16::LBPME } else { 0 };
    if unit.features.unmap && unit.features.unmap_zeroes {
        provisioning |= Capacity16::LBPRZ;
    }
    Capacity16 {
        last: U64::new(unit.blocks.saturating_sub(1)),
        block_bytes: U32::new(unit.block_bytes()),
        protection: 0,
        exponent: physical.max(1).ilog2().min(15) as u8,
        provisioning: U16::new(provisioning),
        reserved: [0; 16],
    }
}
