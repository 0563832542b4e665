//! Byte layouts of NVMe, NVMe over Fabrics, NVMe/TCP, SCSI and Fibre Channel: nothing but what is on the wire.
//!
//! **Owns:** layouts, numbers and names of the standards, and the checks that need no state (is this PDU header sound,
//! is this NQN well-formed). **In:** received bytes. **Out:** typed views of them, and bytes to send.
//! **Limits:** those that the standards fix, in [`limits`]; the crate allocates nothing and never panics on input.
//! **Not done:** layouts of adapters come with their drivers; data digests are computed elsewhere (they need the bytes as they
//! move; only the CRC of a frame is here, [`fc::crc`]); no state machine lives here. Of Fibre Channel: sequence level error
//! recovery has its layouts ([`fcp::Srr`], [`fcnvme::SequenceRetransmission`]) but nothing that reads them for meaning; FDMI and
//! the fabric configuration server have the names of their commands, and GPSC; ELS that a port may refuse have names only.
//!
//! Sources: NVM Express Base Specification 2.0c (and 2.1 where it adds fields), NVM Command Set Specification 1.0c, NVMe/TCP
//! Transport Specification 1.0c, NVMe over Fabrics 1.1a for section numbers that Base 2.0 took over. Each module names its
//! own: FC-FS-5 (frames, basic link services), FC-LS-4 (extended link services), FC-GS-8 (common transport, name server), FCP-4,
//! FC-NVMe-2, FC-BB-6 (FCoE, FIP), SPC and SBC for SCSI. Numbers of Fibre Channel were compared with the public headers of Linux
//! (`include/uapi/scsi/fc`), the bytes that we build with what `tshark` reads (`tests/tshark`). Each layout's size is asserted
//! when it is compiled. Field names are the standards'; zero-based fields end in `_z` in accessors, and accessors without it
//! give the count itself.
//!
//! # Reading
//! A layout is a plain struct of `zerocopy` integers with alignment 1, so received bytes are read in place. NVMe's are
//! little-endian ([`U32`]); those of Fibre Channel and SCSI are big-endian ([`be`]).
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
//! Where a length depends on what is in it (FCP_CMND, FCP_RSP, PRLI, RSCN, name server requests, FIP), a `write` puts the bytes
//! into a slice of the caller and answers with how many there are.
//!
//! ```
//! use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED, els};
//! let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId(0x010200), PortId(0x010300))
//!     .with_f_ctl(FCtl::REQUEST)
//!     .with_exchange(0x1234, UNASSIGNED);
//! let page = els::Page::fcp(els::FcpParams(0).with_initiator(true).with_read_xfer_rdy_disabled(true));
//! let mut payload = [0; 64];
//! let length = els::write_pages(&mut payload, els::Command::PRLI, &[page]).unwrap();
//! # assert_eq!((header.to_bytes().len(), length), (24, 20));
//! ```
//!
//! Larger answers start from zeroes: `let mut id = identify::Controller::new_zeroed();`, then `id.as_bytes()`. The traits
//! [`FromBytes`], [`FromZeros`] and [`IntoBytes`] are re-exported for that, and so are [`U16`], [`U32`], [`U64`].
//!
//! # Bad input
//! [`tcp::CommonHeader::layout`] checks a PDU header and answers with where its parts are, or with a [`tcp::Fault`], which is
//! what a TermReq has to say. An SQE's SGL is read by [`nvme::SglDescriptor::parse`], total over all types. In the same way
//! [`fc::els::Request::parse`], [`fc::ct::Request::parse`] and [`fcnvme::LsRequest::parse`] answer with a whole request or with
//! what the reject has to say.
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
pub mod iscsi;
pub mod isp;
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
