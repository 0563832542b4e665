//! NVMe/TCP Transport Specification 1.0c, 3: PDUs.
//!
//! A PDU is `header (HLEN) | HDGST | padding | data (from PDO) | DDGST`, PLEN bytes in all. The two digests are there where
//! ICReq and ICResp agreed on them, the padding where the receiver asked for it: **HPDA** is the host's wish for PDUs that
//! go to it (C2HData), **CPDA** the controller's for PDUs that come to it (CapsuleCmd with data, H2CData). Both are
//! zero-based counts of dwords, 0..31, so data begins at a multiple of 4 to 128 bytes from the start of the PDU. The Linux
//! host refuses an ICResp with CPDA other than 0.

mod connection;
mod framing;
mod header;
mod kind;
mod pdu;
mod term;

pub use connection::{DGST_DATA, DGST_HEADER, ICReq, ICResp, MAXH2CDATA_MIN, PDA_MAX, PFV_1_0};
pub use framing::{DIGEST_BYTES, Framing};
pub use header::{CommonHeader, Layout, offset};
pub use kind::{PduType, Sender, flags};
pub use pdu::{C2HData, CapsuleCmd, CapsuleResp, H2CData, R2T};
pub use term::{Fault, Fes, TERM_DATA_MAX, TERM_PDU_MAX, TermReq};
