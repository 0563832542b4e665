//! What a controller may answer to a command: the checks that need the command. NVMe/TCP 1.0c 3.3, 3.6.2.7 to 3.6.2.10.

use super::Payload;
use super::table::Entry;
use crate::Violation;
use wire::nvme::Cqe;
use wire::tcp::{C2HData, PduType, R2T};

type Checked = Result<(), Violation>;

/// Data of a read: the next piece, inside of what was asked for.
#[inline]
pub(crate) fn c2h_data(pdu: &C2HData, data: u32, entry: &Entry, strict: bool) -> Checked {
    const KIND: PduType = PduType::C2H_DATA;
    let (at, len) = (pdu.datao.get(), pdu.datal.get());
    let Payload::Read(total) = entry.payload else {
        return Err(Violation::sequence(KIND, "CCCID", format!("command {:#x} reads nothing", entry.cid)));
    };
    if len == 0 {
        return Err(Violation::field(KIND, "DATAL", 16, "is 0".to_owned()));
    }
    if len != data {
        return Err(Violation::field(KIND, "DATAL", 16, format!("{len}, but PLEN leaves room for {data}")));
    }
    if at != entry.moved {
        return Err(Violation::range(KIND, "DATAO", format!("{at}, the next byte of the command is {}", entry.moved)));
    }
    if len > total - at {
        return Err(Violation::range(KIND, "DATAL", format!("{len} at {at} exceeds the command's {total} bytes")));
    }
    if pdu.last() != (at + len == total) {
        return Err(Violation::field(
            KIND,
            "LAST_PDU",
            1,
            format!("is {} for bytes {at}..{} of {total}", pdu.last(), at + len),
        ));
    }
    if pdu.success() && !pdu.last() {
        return Err(Violation::field(KIND, "SUCCESS", 1, "is set without LAST_PDU".to_owned()));
    }
    if strict && (pdu.rsvd10.get() != 0 || pdu.rsvd20.get() != 0) {
        return Err(Violation::field(KIND, "reserved bytes", 10, "are not zero".to_owned()));
    }
    Ok(())
}

/// A request for data of a write: the next part, and not one too many.
pub(crate) fn r2t(pdu: &R2T, entry: &Entry, maxr2t: u32, strict: bool) -> Checked {
    const KIND: PduType = PduType::R2T;
    let (at, len) = (pdu.r2to.get(), pdu.r2tl.get());
    let Payload::Write(total) = entry.payload else {
        return Err(Violation::sequence(KIND, "CCCID", format!("command {:#x} writes nothing", entry.cid)));
    };
    if entry.in_capsule {
        return Err(Violation::sequence(
            KIND,
            "CCCID",
            format!("the data of command {:#x} went in its capsule", entry.cid),
        ));
    }
    if len == 0 {
        return Err(Violation::field(KIND, "R2TL", 16, "is 0".to_owned()));
    }
    if at != entry.moved {
        return Err(Violation::range(KIND, "R2TO", format!("{at}, the next byte of the command is {}", entry.moved)));
    }
    if len > total - at {
        return Err(Violation::range(KIND, "R2TL", format!("{len} at {at} exceeds the command's {total} bytes")));
    }
    if entry.open_r2ts >= maxr2t {
        let fault = wire::tcp::Fault::of(wire::tcp::Fes::R2T_LIMIT_EXCEEDED);
        return Err(Violation {
            pdu: KIND,
            field: "CCCID",
            what: format!("more than MAXR2T = {maxr2t} for one command"),
            fault,
        });
    }
    if strict && pdu.rsvd.get() != 0 {
        return Err(Violation::field(KIND, "reserved bytes 20..23", 20, "are not zero".to_owned()));
    }
    Ok(())
}

/// A completion of an outstanding command.
pub(crate) fn response(cqe: &Cqe, entry: &Entry, strict: bool) -> Checked {
    const KIND: PduType = PduType::CAPSULE_RESP;
    let (cid, moved) = (entry.cid, entry.moved);
    if cqe.status().is_success() {
        match entry.payload {
            Payload::Read(total) if moved < total => {
                return Err(Violation::sequence(
                    KIND,
                    "CQE.Status",
                    format!("success of command {cid:#x} with {moved} of {total} bytes read"),
                ));
            }
            Payload::Write(total) if !entry.in_capsule && entry.queued < total => {
                let what = format!("success of command {cid:#x} with {} of {total} bytes written", entry.queued);
                return Err(Violation::sequence(KIND, "CQE.Status", what));
            }
            _ => {}
        }
    }
    if strict && cqe.phase() {
        return Err(Violation::field(
            KIND,
            "CQE.Status",
            22,
            "the phase tag is reserved over Fabrics and set".to_owned(),
        ));
    }
    if strict && cqe.sqid.get() != 0 {
        return Err(Violation::field(KIND, "CQE.SQID", 18, format!("{}, is reserved over Fabrics", cqe.sqid.get())));
    }
    Ok(())
}

/// The submission queue head pointer: inside of the queue. Its order says nothing: a controller may send capsules in another order than
/// that in which it took commands off the queue (SPDK's does, by 20 and more), and completions by SUCCESS carry none.
#[inline]
pub(crate) fn sqhd(sqhd: u16, entries: u16) -> Checked {
    if sqhd < entries {
        return Ok(());
    }
    Err(Violation::field(PduType::CAPSULE_RESP, "CQE.SQHD", 16, format!("{sqhd} in a queue of {entries} entries")))
}
