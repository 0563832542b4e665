//! What came to a command, as far as two transports must agree.

use crate::script::{Give, Step};
use host::scsi::Answer as Said;
use std::fmt::Write;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// SCSI status.
    pub status: u8,
    /// Sense key and codes.
    pub sense: Option<(u8, u8, u8)>,
    /// Sense data, all of it.
    pub raw_sense: Vec<u8>,
    /// Bytes that the transport says did not move, or would have moved beyond: below and above zero.
    pub residual: i64,
    /// What was read.
    pub data: Vec<u8>,
}

impl Answer {
    /// From what a host says, with the data that came.
    pub fn new(said: &Said, mut data: Vec<u8>) -> Self {
        data.truncate(said.moved as usize);
        let residual = match said.residual {
            wire::fcp::Residual::None => 0,
            wire::fcp::Residual::Under(n) => -i64::from(n),
            wire::fcp::Residual::Over(n) => i64::from(n),
        };
        let sense = said.sense_codes().map(|(key, asc, ascq)| (key.0, asc, ascq));
        Self { status: said.status.0, sense, raw_sense: said.sense.clone(), residual, data }
    }

    /// GOOD or CONDITION MET.
    pub fn is_good(&self) -> bool {
        matches!(self.status, 0 | 4)
    }

    /// Status and sense for people.
    pub fn short(&self) -> String {
        let mut text = format!("status {:02x}", self.status);
        if let Some((key, asc, ascq)) = self.sense {
            let _ = write!(text, " {key:x}/{asc:02x}{ascq:02x}");
        }
        text
    }

    /// How it differs from what came over another transport.
    pub fn difference(&self, other: &Self, step: &Step) -> Option<String> {
        if (self.status, &self.raw_sense) != (other.status, &other.raw_sense) {
            return Some(format!(
                "{} {:02x?}, {} {:02x?}",
                self.short(),
                self.raw_sense,
                other.short(),
                other.raw_sense
            ));
        }
        if is_of_transport(step) {
            return None;
        }
        if self.residual != other.residual {
            return Some(format!("residual {}, {}", self.residual, other.residual));
        }
        (self.data != other.data).then(|| first_difference(&self.data, &other.data))
    }
}

/// Whether the data names ports or the transport: INQUIRY's version descriptors, designators of ports, mode pages of the
/// protocol.
fn is_of_transport(step: &Step) -> bool {
    let inquiry = step.cdb[0] == 0x12;
    let names_ports = inquiry && step.cdb[1] == 1 && matches!(step.cdb[2], 0x83 | 0x88);
    let versions = inquiry && step.cdb[1] == 0 && matches!(step.give, Give::In(len) if len > 58);
    names_ports || versions
}

/// Where two pieces of data part.
pub fn first_difference(a: &[u8], b: &[u8]) -> String {
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    let around = |data: &[u8]| format!("{:02x?}", &data[at.min(data.len())..(at + 8).min(data.len())]);
    format!("data of {} and {} bytes part at byte {at}: {}, {}", a.len(), b.len(), around(a), around(b))
}
