//! What the chip needs of the firmware behind it.

use crate::isp::Entry;
use crate::isp::firmware::{Firmware, Mailbox, Output};
use fc::Link;
use pci::Bus;
use ring::Tick;
use std::os::fd::BorrowedFd;
use wire::isp::icb::Icb;
use wire::isp::mailbox::Mailboxes;

/// The firmware as the chip sees it; there is one besides [`Firmware`] in the tests.
pub trait Behind: Send {
    /// The host started it: link and logins begin.
    fn start(&mut self, icb: &Icb, options: [u16; 3], now: Tick);
    /// Reset: all sessions end, outputs are dropped.
    fn stop(&mut self, now: Tick);
    /// An IOCB with its continuations.
    fn request(&mut self, queue: u16, entries: &[Entry], bus: &mut dyn Bus, now: Tick);
    /// A mailbox command.
    fn mailbox(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Mailbox;
    /// Does what there is to do.
    fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize;
    /// What it has for the host, in order.
    fn output(&mut self) -> Option<Output>;
    /// Whether there is something to do at once.
    fn is_pending(&self) -> bool;
    /// When there will be.
    fn deadline(&self) -> Option<Tick>;
    /// What wakes its core.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

impl<L: Link> Behind for Firmware<L> {
    fn start(&mut self, icb: &Icb, options: [u16; 3], now: Tick) {
        self.start(icb, options, now);
    }

    fn stop(&mut self, now: Tick) {
        self.stop(now);
    }

    fn request(&mut self, queue: u16, entries: &[Entry], bus: &mut dyn Bus, now: Tick) {
        self.request(queue, entries, bus, now);
    }

    fn mailbox(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Mailbox {
        self.mailbox(mailboxes, bus, now)
    }

    fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        self.poll(bus, now)
    }

    fn output(&mut self) -> Option<Output> {
        self.output()
    }

    fn is_pending(&self) -> bool {
        self.is_pending()
    }

    fn deadline(&self) -> Option<Tick> {
        self.deadline()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.link().fd()
    }
}
