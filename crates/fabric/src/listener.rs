//! Where links of others come from.

use fc::Link;
use ring::Tick;
use std::os::fd::BorrowedFd;

/// A place at which peers attach themselves to a switch: a Unix socket, a network interface with FCoE. The switch owns it
/// and polls it; each peer becomes a link on an F_Port of its own, and the port goes when its link [is
/// gone](fc::Link::is_gone).
pub trait Listener: Send {
    /// Does what is common to its links (receives from a shared interface, sends advertisements); returns how many things were done.
    fn poll(&mut self, now: Tick) -> usize;
    /// The next peer that wants to attach. Asked after [`poll`](Self::poll).
    fn accept(&mut self, now: Tick) -> Option<Box<dyn Link>>;
    /// Ends a turn, after the links were flushed: what they sent goes out.
    fn flush(&mut self, now: Tick);
    /// Whether something waits, so that a core must not sleep.
    fn is_pending(&self) -> bool;
    /// When it must be looked at although nothing wakes its core.
    fn deadline(&self) -> Option<Tick> {
        None
    }
    /// What wakes its core. The same for its life.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// What it is, for people: `unix:/run/fabric.sock`, `fcoe:eth0`.
    fn describe(&self) -> String;
}
