//! Fibre Channel: addresses, names, the frame header and its codes. FC-FS-5 (framing), FC-LS-4 (link services), FC-GS-8 (CT).
//!
//! Everything on a Fibre Channel wire is big-endian: the integers of these layouts are those of [`crate::be`].

mod addr;
pub mod bls;
mod codes;
mod crc;
pub mod ct;
mod delimiter;
pub mod els;
mod header;

pub use addr::{Colons, PortId, Wwn, WwnError};
pub use codes::{RCtl, Type};
pub use crc::{Crc, crc};
pub use delimiter::{Eof, Sof, sof_eof};
pub use header::{FCtl, FrameHeader};

/// An exchange identifier that its side has not assigned yet. FC-FS-5 12.10.
pub const UNASSIGNED: u16 = 0xffff;
/// Length of a frame header.
pub const HEADER_BYTES: usize = 24;
/// Most bytes of a frame's data field (optional headers included). FC-FS-5 11.1.
pub const MAX_PAYLOAD: usize = 2112;
/// The least that a port may announce as its receive data field size. FC-LS-4, common service parameters.
pub const MIN_PAYLOAD: usize = 256;
/// E_D_TOV when nothing else was agreed, in milliseconds.
pub const E_D_TOV_MS: u32 = 2_000;
/// R_A_TOV when nothing else was agreed, in milliseconds.
pub const R_A_TOV_MS: u32 = 10_000;
