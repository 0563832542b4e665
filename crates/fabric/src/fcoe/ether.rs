//! What the machines need of an Ethernet.

use std::os::fd::BorrowedFd;
use wire::fcoe::Mac;

/// State of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its address.
    pub mac: Mac,
    /// Bytes that a frame carries behind the Ethernet header.
    pub mtu: usize,
    /// It is on and has a carrier.
    pub up: bool,
}

/// An interface: whole Ethernet frames of FCoE and FIP, untagged, in and out.
pub trait Ether: Send {
    /// Shows the next frame that came, from its Ethernet header on.
    fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R>;
    /// How many frames can be sent now.
    fn room(&mut self) -> usize;
    /// Lets `fill` write a frame and say its length. It goes out with the next flush; without room, `false`.
    fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool;
    /// Has what was written go out.
    fn flush(&mut self);
    /// Whether something waits, to be received or to be sent.
    fn is_pending(&self) -> bool;
    /// How the interface is; one that is gone is down.
    fn status(&mut self) -> Status;
    /// Lets frames to this address in.
    fn join(&mut self, mac: Mac);
    /// Does not any more.
    fn leave(&mut self, mac: Mac);
    /// What wakes a core when a frame has come.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
    /// Its name.
    fn name(&self) -> &str;
}
