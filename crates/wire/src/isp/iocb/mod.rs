//! Queue entries (IOCBs): 64 bytes each, of the request, response and ATIO queues.
//!
//! Each family has its file; all layouts are zerocopy structs of 64 bytes that begin with an [`EntryHeader`] and read and write
//! an [`Entry`] in place: `Command7::of(&entry)`, `Status::new()`, `status.entry()`. A field named `rsvdN` is reserved, at offset N.
//! Fields keep the adapter's little-endian form; the accessor of the same name gives the bit field or open enum.

#[macro_use]
mod layout;

mod abts;
mod atio;
mod command;
mod ctio;
mod fcp;
mod header;
mod ids;
mod link_service;
mod login;
mod notify;
mod nvme;
mod pass_through;
mod port;
mod segment;
mod status;
mod task;

pub use abts::{
    AbtsReceived, AbtsResponse, AbtsResponseFlags, BaAccWords, BaRjtBytes, FrameHeaderLe, UNKNOWN_EXCHANGE,
};
pub use atio::{ATIO_MIN_LENGTH, Atio7, NO_EXCHANGE, atio_group, atio_payload};
pub use command::{Command6, Command7, CommandNvme, NvmeControl, TransferFlags};
pub use ctio::{
    CTIO_INLINE_BYTES, Ctio7, Ctio7Completion, CtioCrc2, CtioFlags, CtioMode, CtioStatus, NPORT_UNRECOGNISED,
    StatusMode1, Transfer,
};
pub use fcp::{FcpStatus, cdb_of, lun_of, swapped_cdb, swapped_lun};
pub use header::{
    CTIO_COMPLETION_MARK, CTIO_INTERMEDIATE_MARK, Entry, EntryHeader, EntryStatus, EntryType, Iocb, NULL_HANDLE,
    PROCESSED, SKIP_HANDLE, is_processed, signature,
};
pub use ids::{BeId, LeId, handles};
pub use link_service::{
    LsOperation, PtLs4, PtLs4Received, UNSOLICITED_FIRST_BYTES, unsolicited_group, unsolicited_payload,
};
pub use login::{LoginCommand, LoginFlags, LoginLogout, LoginSubcode, PrliParameters};
pub use notify::{
    ImmediateNotify, NOTIFY_ACK_SUCCESS, NotifyAck, NotifyAckFlags, NotifyElsCode, NotifyFlags, NotifyStatus,
};
pub use nvme::{CtioNvme, CtioNvmeCompletion, ErspWords};
pub use pass_through::{CtPassThrough, ElsOperation, ElsPassThrough, Purex};
pub use port::{MailboxIocb, ReportId, ReportIdStatus, Topology, VpCommand, VpConfig, VpControl};
pub use segment::{Continuation, Dsd64, Segments, entries_for, segments};
pub use status::{CompletionStatus, ScsiStatusFlags, StateFlags, Status, StatusContinuation, sense_group};
pub use task::{Abort, AbortOptions, Marker, MarkerModifier, TaskControl, TaskManagement};

#[cfg(test)]
mod tests;
