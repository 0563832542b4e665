//! What we take to be true of the firmware without having it from a driver that is in use. Each is one function here, and in
//! `firmware-notes/` for the first owner of an adapter to confirm: what is wrong is mended here alone.

use fc::Fc4;
use wire::isp::iocb::{Atio7, CtioStatus, ImmediateNotify};

/// A command of NVMe comes as an ATIO type 7 like one of FCP; the first two bytes of its IU (FDh 28h) tell it, for no LUN in use
/// begins so. Its IU goes on in the next slot without a header.
#[inline]
pub fn is_nvme_command(atio: &Atio7) -> bool {
    atio.is_nvme()
}

/// An NVMe CTIO of mode 0 with read data and "send status" sends the data and then an NVMe_RSP.
#[inline]
pub const fn rsp_goes_with_data() -> bool {
    true
}

/// An NVMe CTIO of mode 1 says completion, bytes transferred and sequence number of an NVMe_ERSP; the firmware makes the rest, in which the
/// result (first byte) is 0. Any other goes by mode 2, from memory. Data never go with it: the completion lies where their offset is.
#[inline]
pub const fn ersp_fits_in_ctio(result: u8) -> bool {
    result == 0
}

/// Any exchange, of NVMe too, is ended without a response by a CTIO type 7 with the flag "terminate"; its completion comes after those of the
/// exchange's other CTIOs, or at least these come too.
#[inline]
pub const fn nvme_ends_by_ctio_7() -> bool {
    true
}

/// A CTIO for write data that comes back with success has moved all of them; a residual in it, where the request had none, says
/// otherwise.
#[inline]
pub fn all_data_came(status: CtioStatus, residual: u32) -> bool {
    status == CtioStatus::SUCCESS && residual == 0
}

/// The exchange of a CTIO that came back with this status is no exchange any more, so that it need not be ended.
#[inline]
pub fn exchange_is_over(status: CtioStatus) -> bool {
    status == CtioStatus::INVALID_RX_ID
}

/// A PRLI or PRLO notify says its FC-4 type in byte 34: 08h FCP, 28h NVMe; 0, as firmware of which nothing of the kind is known would leave
/// it, is taken for FCP. Any other type is none that we serve.
pub fn notify_fc4(notify: &ImmediateNotify) -> Option<Fc4> {
    match notify.prli_type() {
        0 | 0x08 => Some(Fc4::Fcp),
        0x28 => Some(Fc4::Nvme),
        _ => None,
    }
}

/// The initiator function is bit 5 of word 3 for both protocols. The notify has the low half of that word.
pub const fn is_initiator(fc4: Fc4, word3: u32) -> bool {
    match fc4 {
        Fc4::Fcp | Fc4::Nvme => word3 & 1 << 5 != 0,
    }
}

/// With the MSI-X handshake option on and MSI-X off, queues and shadow pointers go on although nobody acknowledges; host_status shows one
/// event at a time, each acknowledged by us.
pub const fn polls_without_interrupts() -> bool {
    true
}
