//! Fibre Channel over Ethernet (FC-BB-6): frames and FIP on a network interface.
//!
//! - [`Fcf`]: the switch's side: many ENodes on one interface, each a link of its own ([`Listener`](crate::Listener)).
//! - [`EnodeLink`]: an N_Port's side: finds a switch and is a link to it.
//! - [`Vn2vnLink`]: an N_Port among others without a switch.
//! - [`Ether`]: the door to an Ethernet; [`Nic`]: that of an interface (AF_PACKET). The machines above know only the trait
//!   and the time that they are given.
//! - Limits: untagged frames (a VLAN is an interface of its own); fabric-provided addresses only; one N_Port in VN2VN.
//! - Not done: switch to switch links (VE_Port), FDF, DCBX and priority flow control: what an Ethernet drops is lost.

mod door;
mod els;
mod enode;
mod ether;
mod fcf;
mod maker;
mod nic;
mod packet;
mod vn2vn;

#[cfg(test)]
mod tests;

pub use door::Counters;
pub use enode::EnodeLink;
pub use ether::{Ether, Status};
pub use fcf::{Fcf, FcfConfig};
pub use maker::{FcoeMaker, Vn2vnMaker};
pub use nic::Nic;
pub use vn2vn::Vn2vnLink;

use ring::Tick;

/// Ticks of a millisecond.
const MS: Tick = 1_000_000;
/// How many frames are received in one turn: others want their turn, too.
const BATCH: usize = 64;

/// After how long of silence someone is gone who should be heard of once in `period`: two may be lost (FC-BB-6, 7.8.5).
const fn peer_timeout(period: Tick) -> Tick {
    period * 5 / 2
}
