//! What no driver tells of the firmware, and what this model does: each in one function, so that what is found out on hardware has one
//! place to go to. The driver has the same questions on its side.

use fc::{Fc4, Response};
use ring::Tick;
use wire::fc::els::{Explanation, Page, Reason, Reject};
use wire::isp::iocb::{CtioStatus, ErspWords, ImmediateNotify};

/// How the notify of a PRLI says for which protocol it is. Drivers read the low half of word 3 at byte 32; the model puts the FC-4 type
/// of the page at byte 34. Of several pages the first one counts.
pub(super) fn notify_of_prli(notify: ImmediateNotify, page: &Page) -> ImmediateNotify {
    notify.with_prli(page.params as u16, page.type_.0)
}

/// What a host refuses by notify acknowledge is refused with these words. Drivers refuse while they clean up after an earlier login, and
/// want the peer to try again.
pub(super) fn refused_by_host() -> Reject {
    Reject::new(Reason::LOGICAL_BUSY, Explanation::NONE)
}

/// With what status CTIOs come back whose login is gone. Both codes are known to drivers as such; which one firmware takes when is not.
pub(super) fn lost_status(link_up: bool) -> CtioStatus {
    if link_up { CtioStatus::PORT_LOGGED_OUT } else { CtioStatus::PORT_CONFIG_CHANGED }
}

/// Whether a CTIO that asked for no completion gets one when it fails. Drivers give such a CTIO a handle that they ignore; what follows it in
/// the exchange fails with it, and says so.
pub(super) fn silent_ctio_tells_failure() -> bool {
    false
}

/// When commands arrive without an exchange address, to be answered BUSY: as long as few places are left.
pub(super) fn is_short_of_exchanges(open: usize, places: usize) -> bool {
    open >= places - places / 8
}

/// The attribute in an ATIO, which comes back in the flags of CTIOs: the task attribute of FCP_CMND.
pub(super) fn attribute(fc4: Fc4, iu: &[u8]) -> u8 {
    match fc4 {
        Fc4::Fcp => iu.get(9).map_or(0, |byte| byte & 7),
        Fc4::Nvme => 0,
    }
}

/// How long write data may take when the CTIO says nothing.
pub(super) fn data_timeout(seconds: u16) -> Tick {
    const S: Tick = 1_000_000_000;
    Tick::from(if seconds == 0 { 30 } else { seconds }) * S
}

/// What an ERSP is made of: length and result are the firmware's, all else the host's.
pub(super) fn extended_response(words: &ErspWords) -> Response {
    Response::NvmeExtended { result: 0, rsn: words.rsn.get(), transferred: words.transferred.get(), cqe: words.cqe() }
}

/// How many bytes an NVMe CTIO of mode 1 with data sends: its fields for that are taken by the ERSP, so what its segments have room for,
/// from offset 0 on; never more than the ERSP says.
pub(super) fn extended_data_length(words: &ErspWords, room: u64) -> u32 {
    words.transferred.get().min(u32::try_from(room).unwrap_or(u32::MAX))
}

/// Length of the shortest response IU of NVMe; a longer one is an ERSP.
pub(super) const RSP_BYTES: usize = wire::fcnvme::RSP.len();

/// PURLS goes to the ATIO queue whatever the host said about other entries.
pub(super) fn services_go_to_atio() -> bool {
    true
}

/// Data of the host that the firmware cannot reach, and a response that it cannot make sense of, end the CTIO and those behind it with this
/// status; the exchange stays open.
pub(super) fn dropped_status() -> CtioStatus {
    CtioStatus::ABORTED
}
