//! Byte layouts of NVMe, NVMe over Fabrics and NVMe/TCP: nothing but what is on the wire.
//!
//! **Owns:** layouts, numbers and names of the standards, and the checks that need no state (is this PDU header sound,
//! is this NQN well-formed). **In:** received bytes. **Out:** typed views of them, and bytes to send.
//! **Limits:** those that the standards fix, in [`limits`]; the crate allocates nothing and never panics on input.
//! **Not done:** SCSI, Fibre Channel and vendor layouts come with their fabrics; digests are computed elsewhere (they need
//! the bytes as they move); no state machine lives here.
//!
//! Sources: NVM Express Base Specification 2.0c (and 2.1 where it adds fields), NVM Command Set Specification 1.0c, NVMe/TCP
//! Transport Specification 1.0c, NVMe over Fabrics 1.1a for section numbers that Base 2.0 took over. Each module names its
//! own; each layout's size is asserted when it is compiled. Field names are the standards'; zero-based fields end in `_z`
//! in accessors, and accessors without it give the count itself.
//!
//! # Reading
//! A layout is a plain struct of `zerocopy` little-endian integers with alignment 1, so received bytes are read in place:
//!
//! ```
//! use wire::{nvme::{NvmOpcode, Sqe}, nvm::Rw, parse};
//! # let mut received = [0u8; 64]; received[0] = 2; received[48] = 7;
//! let sqe: &Sqe = parse(&received).unwrap();     // None when there are fewer than 64 bytes
//! match NvmOpcode(sqe.opcode) {
//!     NvmOpcode::READ => assert_eq!(Rw::of(sqe).nlb(), 8),
//!     other => panic!("{other}"),                // unknown numbers are values too, and print as such
//! }
//! ```
//!
//! # Writing
//! A reply is a 24-byte value on the stack; [`tcp::Framing`] holds what one direction of a connection agreed on.
//!
//! ```
//! use wire::{nvme::{Cqe, Status}, tcp::{CapsuleResp, Framing}};
//! let framing = Framing::PLAIN;
//! let pdu = CapsuleResp::new(&framing, Cqe::new(42, Status::SUCCESS).with_sqhd(7));
//! let bytes: [u8; 24] = pdu.to_bytes();
//! # assert_eq!(bytes[0], 5);
//! ```
//!
//! Larger answers start from zeroes: `let mut id = identify::Controller::new_zeroed();`, then `id.as_bytes()`. The traits
//! [`FromBytes`], [`FromZeros`] and [`IntoBytes`] are re-exported for that, and so are [`U16`], [`U32`], [`U64`].
//!
//! # Bad input
//! [`tcp::CommonHeader::layout`] checks a PDU header and answers with where its parts are, or with a [`tcp::Fault`], which is
//! what a TermReq has to say. An SQE's SGL is read by [`nvme::SglDescriptor::parse`], total over all types.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod macros;

mod bytes;
pub mod fabrics;
pub mod fc;
pub mod fcnvme;
pub mod fcoe;
pub mod fcp;
pub mod fip;
pub mod identify;
pub mod limits;
pub mod log;
pub mod nvm;
pub mod nvme;
pub mod scsi;
pub mod tcp;

pub use bytes::{padded, parse, parse_each, read, terminated, unpadded, until_nul};
#[doc(hidden)]
pub use zerocopy;
pub use zerocopy::byteorder::little_endian::{U16, U32, U64};
pub use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// The integers of Fibre Channel layouts: big-endian, alignment 1.
pub mod be {
    pub use zerocopy::byteorder::big_endian::{U16, U32, U64};
}
