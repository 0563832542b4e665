//! NVMe over Fibre Channel: FC-NVMe-2 (T11 2019-00210).
//!
//! | unit | R_CTL | TYPE | layout |
//! | --- | --- | --- | --- |
//! | NVMe_LS request, reply | 32h, 33h | 28h | [`LsRequest`], [`LsReply`] |
//! | NVMe_CMND | 06h | 08h | [`CmndIu`] |
//! | NVMe_XFER_RDY | 05h | 08h | [`XferRdy`], the one of FCP |
//! | NVMe_DATA | 01h | 08h | data alone |
//! | NVMe_RSP | 07h | 08h | [`RSP`]: 12 zero bytes |
//! | NVMe_ERSP | 08h | 08h | [`Ersp`]; [`ersp_due`] tells when |
//! | NVMe_CONF | 03h | 08h | no payload |
//! | NVMe_SR, NVMe_SR_RSP | 09h, 0Ah | 08h | [`SequenceRetransmission`]; may be declined in PRLI |
//!
//! Link services and unit heads are big-endian, the NVMe entries inside them little-endian. Service parameters are in
//! [`crate::fc::els::NvmeParams`].

mod cmnd;
mod ls;
mod ls_reply;
mod rsp;
mod traddr;

pub use crate::fc::els::NvmeParams;
pub use crate::fcp::XferRdy;
pub use cmnd::{CMND_BYTES, Category, CmndFault, CmndIu};
pub use ls::{
    AssociationId, CREATE_ASSOCIATION_BYTES, ConnectionId, CreateAssociation, CreateConnection, Disconnect,
    DisconnectConnection, LsCommand, LsFault, LsHead, LsRequest, Tag,
};
pub use ls_reply::{
    CreateAssociationAcc, CreateConnectionAcc, LsAcc, LsExplanation, LsReason, LsReply, LsReplyFault, LsRjt,
};
pub use rsp::{Completion, ERSP_BYTES, Ersp, ErspResult, RSP, SequenceRetransmission, ersp_due};
pub use traddr::{TrAddr, TrAddrError};
