//! iSCSI PDUs (RFC 7143 section 11, task management functions of RFC 7144). All fields are big-endian.
//!
//! A PDU is a basic header segment of 48 bytes, additional header segments, a header digest, a data segment that is padded to 4
//! bytes, and a data digest. [`Bhs`] is what all headers have in common; [`Bhs::of`] shows the fields of one kind.

mod ahs;
mod command;
mod control;
mod header;
mod login;
mod task;

pub use ahs::{Additional, AhsFault};
pub use command::{
    DataIn, DataOut, R2t, Response, ScsiCommand, ScsiResponse, TaskAttribute, command_flags, data_flags, residual_flags,
};
pub use control::{
    AsyncEvent, AsyncMessage, LogoutReason, LogoutRequest, LogoutResponse, LogoutResult, NopIn, NopOut, Reject,
    RejectReason, Snack, TEXT_CONTINUE, TextRequest, TextResponse,
};
pub use header::{
    BHS_BYTES, Bhs, DIGEST_BYTES, FINAL, IMMEDIATE, Layout, Opcode, PORT, Pdu, RESERVED_TAG, U24, padding, sn_less,
};
pub use login::{LoginRequest, LoginResponse, LoginStatus, Stage, login_flags};
pub use task::{TaskFunction, TaskRequest, TaskResponse, TaskResult};
