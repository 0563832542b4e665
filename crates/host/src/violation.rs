//! What a target sent against the standard, and the names of PDU fields.

use std::fmt;
use wire::tcp::{CommonHeader, Fault, Fes, PduType};

/// A field of a PDU that is not as NVMe/TCP (1.0c) or NVMe demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The PDU.
    pub pdu: PduType,
    /// The field, by its name in the standard.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: String,
    /// What our TermReq says of it.
    pub fault: Fault,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.{}: {}", self.pdu, self.field, self.what)
    }
}

impl Violation {
    /// A field that is wrong; `offset` from the start of the PDU.
    pub(crate) fn field(pdu: PduType, field: &'static str, offset: u32, what: String) -> Violation {
        Violation { pdu, field, what, fault: Fault::field(offset) }
    }

    /// A PDU that may not come now.
    pub(crate) fn sequence(pdu: PduType, field: &'static str, what: String) -> Violation {
        Violation { pdu, field, what, fault: Fault::of(Fes::PDU_SEQUENCE_ERROR) }
    }

    /// Data outside of what was asked for.
    pub(crate) fn range(pdu: PduType, field: &'static str, what: String) -> Violation {
        Violation { pdu, field, what, fault: Fault::of(Fes::DATA_TRANSFER_OUT_OF_RANGE) }
    }

    /// What the general checks of a header found.
    pub(crate) fn header(ch: &CommonHeader, fault: Fault) -> Violation {
        let field = match (fault.fes, fault.fei) {
            (Fes::INVALID_HEADER_FIELD, wire::tcp::offset::KIND) => "PDU-Type",
            (Fes::INVALID_HEADER_FIELD, wire::tcp::offset::FLAGS) => "FLAGS",
            (Fes::INVALID_HEADER_FIELD, wire::tcp::offset::HLEN) => "HLEN",
            (Fes::INVALID_HEADER_FIELD, wire::tcp::offset::PDO) => "PDO",
            (Fes::INVALID_HEADER_FIELD, wire::tcp::offset::PLEN) => "PLEN",
            _ => "PLEN (data length)",
        };
        let (flags, hlen, pdo, plen) = (ch.flags, ch.hlen, ch.pdo, ch.plen.get());
        let what = format!("not allowed here; the header says FLAGS {flags:#x} HLEN {hlen} PDO {pdo} PLEN {plen}");
        Violation { pdu: ch.kind, field, what, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_field() {
        let mut ch = wire::tcp::Framing::PLAIN.header(PduType::R2T, 24, 0, 0);
        ch.hlen = 25;
        let fault = ch.layout(wire::tcp::Sender::Controller, &wire::tcp::Framing::PLAIN).unwrap_err();
        let text = Violation::header(&ch, fault).to_string();
        assert!(text.starts_with("R2T.HLEN: ") && text.contains("HLEN 25"), "{text}");
    }
}
