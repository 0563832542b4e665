//! SCSI over Fibre Channel: the information units of FCP-4.
//!
//! | unit | R_CTL | layout |
//! | --- | --- | --- |
//! | FCP_CMND | 06h | [`Cmnd`] |
//! | FCP_XFER_RDY | 05h | [`XferRdy`] |
//! | FCP_DATA | 01h | data alone, placed by the relative offset of its frames |
//! | FCP_RSP | 07h | [`Rsp`] |
//! | FCP_CONF | 03h | no payload |
//! | SRR | 32h | [`Srr`]; answered by [`crate::fc::els::LsAcc`] or [`crate::fc::els::LsRjt`] |
//!
//! TYPE is 08h for all of them. Service parameters are in [`crate::fc::els::FcpParams`].

mod cmnd;
mod data;
mod rsp;

pub use crate::fc::els::FcpParams;
pub use cmnd::{Cmnd, CmndHead, Direction, MAX_ADDITIONAL_CDB, MAX_CMND_BYTES, TaskAttribute, TaskManagement};
pub use data::{Srr, XferRdy};
pub use rsp::{Residual, Rsp, RspCode, RspFlags, RspHead};
