//! FCoE Initialization Protocol: how ENodes, switches and each other's VN2VN ports find one another. FC-BB-6 clause 7.8 and 7.9.
//!
//! A message is a header of ten bytes and descriptors, each with its type and its length in words. [`Message::parse`] checks
//! all of that once (lengths, types that may not be passed over, what is there twice, what is missing); [`Writer`] makes one.

mod descriptor;
mod message;
mod writer;

pub use descriptor::{DescriptorType, Els, Fabric, Fc4Types, VnPort};
pub use message::{Fault, Flags, Kind, Message};
pub use writer::Writer;

use crate::fcoe::Mac;

/// EtherType of FIP.
pub const ETHERTYPE: u16 = 0x8914;
/// Version in the upper four bits of the first byte.
pub const VERSION: u8 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 10;
/// All ENodes: advertisements go there.
pub const ALL_ENODES: Mac = Mac([0x01, 0x10, 0x18, 0x01, 0x00, 0x01]);
/// All switches (FCFs): solicitations and VLAN requests go there.
pub const ALL_FCFS: Mac = Mac([0x01, 0x10, 0x18, 0x01, 0x00, 0x02]);
/// All VN2VN ENodes.
pub const ALL_VN2VN: Mac = Mac([0x01, 0x10, 0x18, 0x01, 0x00, 0x04]);
/// The other one, where there are two (point-to-point).
pub const ALL_PT2PT: Mac = Mac([0x01, 0x10, 0x18, 0x01, 0x00, 0x05]);
/// FKA_ADV_PERIOD when nobody chose another, in milliseconds.
pub const FKA_ADV_PERIOD_MS: u32 = 8_000;
/// FKA_VN_PERIOD: how often a VN_Port says that it is there, in milliseconds.
pub const FKA_VN_PERIOD_MS: u32 = 90_000;
/// How often a VN2VN port sends a beacon, in milliseconds.
pub const BEACON_PERIOD_MS: u32 = 8_000;
/// Time between the probes of VN2VN, in milliseconds.
pub const PROBE_WAIT_MS: u32 = 100;
/// Time after the last probe, and after a claim, in milliseconds.
pub const ANNOUNCE_WAIT_MS: u32 = 400;
