//! The data of commands that ask: which command gets which, and what reading it clears.

use super::attention::Attention;
use super::fail::Fail;
use super::mode::{self, Wanted};
use super::opcodes::{self, Question};
use super::reservation;
use super::scsi::Scsi;
use super::units::Unit;
use super::{diagnostic, gates, groups, inquiry, log, well_known};
use crate::Task;
use crate::shared::Selected;
use wire::IntoBytes;
use wire::be::{U16, U32, U64};
use wire::scsi::mode::Exceptions;
use wire::scsi::report::{Capacity10, Capacity16, LunList, Timestamp, select};
use wire::scsi::{Asc, Command, Key, REPORT_LUNS_LUN, Sense, to_lun};

impl Scsi {
    /// All of the data of a command, however little of it is wanted.
    pub(crate) fn data(&self, queue: u32, place: Option<u32>, task: &Task, command: &Command) -> Result<Vec<u8>, Fail> {
        let unit = place.and_then(|place| self.unit_at(queue, place));
        let asked = self.asked(queue).ok_or(Fail::NO_UNIT)?;
        let well_known = well_known::is_meant(task);
        match (*command, unit) {
            (Command::Inquiry { vpd: false, page: 0, .. }, _) if well_known => Ok(well_known::standard()),
            (Command::Inquiry { vpd: true, page, .. }, _) if well_known => well_known::vpd(page, asked),
            (Command::RequestSense { descriptor, .. }, _) if well_known => Ok(worded(well_known::SENSE, descriptor)),
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
            (Command::PersistentReserveIn { action, .. }, Some(unit)) => {
                let keeps = self.config.device.keeper.store().is_some();
                reservation::data(&unit.view.shared.reservations, action, keeps, self.nodes.values())
            }
            (Command::ReadCapacity10, Some(unit)) => Ok(capacity10(unit).as_bytes().to_vec()),
            (Command::ReadCapacity16 { .. }, Some(unit)) => Ok(capacity16(unit).as_bytes().to_vec()),
            (Command::ReportTargetPortGroups { format, .. }, _) if format > 1 => Err(Fail::in_cdb(1)),
            (Command::ReportTargetPortGroups { format, .. }, _) => Ok(groups::report(asked, format == 1)),
            (Command::ReportOpcodes { timeouts, options, opcode, action, .. }, Some(unit)) => {
                opcodes::report(unit, Question { timeouts, options, opcode, action })
            }
            (Command::ReportFunctions { extended, .. }, _) => Ok(opcodes::functions(extended)),
            (Command::LogSense { save, page, subpage, pointer, .. }, Some(unit)) => {
                log::sense(unit, save, page, subpage, pointer)
            }
            (Command::ReceiveDiagnostic { valid, page, .. }, Some(_)) => diagnostic::receive(valid, page),
            (Command::ReadDefectData { long, primary, grown, format, .. }, Some(_)) => {
                diagnostic::defects(long, primary, grown, format)
            }
            (Command::ReportTimestamp { .. }, Some(unit)) => Ok(timestamp(unit).as_bytes().to_vec()),
            (Command::ReceiveCopy { action, list, .. }, Some(unit)) => self.copy_data(queue, unit.id, action, list),
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
        let unit = place.and_then(|place| self.unit_at(queue, place));
        let sense = match (slot.and_then(|slot| slot.attentions.first()), unit) {
            (_, None) => Sense::new(Key::ILLEGAL_REQUEST, Asc::LOGICAL_UNIT_NOT_SUPPORTED),
            (Some(attention), _) => Sense::new(Key::UNIT_ATTENTION, attention.code()),
            (None, Some(unit)) => condition(unit),
        };
        worded(sense, descriptor)
    }

    /// REPORT LUNS. A nexus that reaches nothing is told of LUN 0, where INQUIRY says that nothing is there.
    fn luns(&self, queue: u32, which: u8) -> Result<Vec<u8>, Fail> {
        let nexus = self.nexuses[queue as usize].as_ref().ok_or(Fail::NO_UNIT)?;
        let mut luns: Vec<[u8; 8]> = nexus.luns().map(to_lun).collect();
        if luns.is_empty() {
            luns.push(to_lun(0));
        }
        match which {
            select::LOGICAL_UNITS => {}
            select::WELL_KNOWN => luns = vec![REPORT_LUNS_LUN],
            select::ALL => luns.push(REPORT_LUNS_LUN),
            _ => return Err(Fail::in_cdb(2)),
        }
        let length = U32::new(luns.len() as u32 * 8);
        let mut data = LunList { length, reserved: U32::new(0) }.as_bytes().to_vec();
        data.extend(luns.concat());
        Ok(data)
    }
}

fn worded(sense: Sense, descriptor: bool) -> Vec<u8> {
    if descriptor {
        let (bytes, len) = sense.to_descriptors();
        return bytes[..len].to_vec();
    }
    sense.to_fixed().to_vec()
}

/// What there is to say of a unit when no unit attention is pending.
fn condition(unit: &Unit) -> Sense {
    let modes = unit.modes();
    if modes.has(Selected::SANITIZING) {
        gates::sanitizing(unit)
    } else if modes.has(Selected::OUT) {
        Sense::new(Key::NOT_READY, Asc::MEDIUM_NOT_PRESENT)
    } else if modes.has(Selected::TEST) && modes.method() == Exceptions::ON_REQUEST {
        Sense::new(Key::NO_SENSE, Asc::FAILURE_PREDICTION_THRESHOLD_EXCEEDED_FALSE)
    } else {
        Sense::new(Key::NO_SENSE, Asc::NONE)
    }
}

/// REPORT TIMESTAMP.
fn timestamp(unit: &Unit) -> Timestamp {
    let (origin, now) = unit.view.shared.clock.read();
    let mut time = [0; 6];
    time.copy_from_slice(&now.to_be_bytes()[2..]);
    let length = U16::new(size_of::<Timestamp>() as u16 - 2);
    Timestamp { length, origin, reserved: 0, time, reserved10: [0; 2] }
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
