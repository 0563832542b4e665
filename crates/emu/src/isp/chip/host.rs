//! Mailboxes and host_status: one event at a time, in order, until the host has acknowledged it.

use std::collections::VecDeque;
use wire::isp::mailbox::{Mailboxes, Status};
use wire::isp::regs::{Cause, HostStatus, MAILBOXES};

/// Most asynchronous events that wait; further ones are dropped.
const EVENTS: usize = 256;

/// Something to tell through host_status.
enum Told {
    Mailbox(Cause, Box<Mailboxes>),
    Event([u16; 8]),
    Ring(Cause),
}

/// Both banks of mailboxes, host_status, and what waits for it. Vector 0 belongs to it.
pub struct HostInterface {
    incoming: Mailboxes,
    outgoing: Mailboxes,
    status: HostStatus,
    waiting: VecDeque<Told>,
    /// ICTRL lets vector 0 be sent.
    enabled: bool,
    /// Vector 0 is to be sent.
    signal: bool,
    dropped: u64,
}

impl HostInterface {
    /// As after a reset: mailbox 0 is 0, which means that the ROM is alive.
    pub fn new() -> Self {
        Self {
            incoming: [0; MAILBOXES],
            outgoing: [0; MAILBOXES],
            status: HostStatus(0),
            waiting: VecDeque::new(),
            enabled: false,
            signal: false,
            dropped: 0,
        }
    }

    /// As after a reset; counters stay.
    pub fn reset(&mut self) {
        *self = Self { dropped: self.dropped, ..Self::new() };
    }

    /// What the host wrote.
    pub fn incoming(&self) -> &Mailboxes {
        &self.incoming
    }

    /// The host writes a mailbox.
    pub fn set_incoming(&mut self, n: usize, value: u16) {
        self.incoming[n] = value;
    }

    /// What the host reads.
    pub fn outgoing(&self, n: usize) -> u16 {
        self.outgoing[n]
    }

    /// The host reads host_status.
    pub fn status(&self) -> HostStatus {
        self.status
    }

    /// The RISC is paused, or goes on.
    pub fn set_paused(&mut self, paused: bool) {
        self.status = self.status.with_paused(paused);
    }

    /// A mailbox command is done; `rom`: by the ROM.
    pub fn complete(&mut self, answer: &Mailboxes, rom: bool) {
        let cause = match (rom, Status(answer[0]).is_complete()) {
            (true, true) => Cause::ROM_SUCCESS,
            (true, false) => Cause::ROM_FAILURE,
            (false, true) => Cause::MAILBOX_SUCCESS,
            (false, false) => Cause::MAILBOX_FAILURE,
        };
        self.waiting.push_back(Told::Mailbox(cause, Box::new(*answer)));
        self.present();
    }

    /// An asynchronous event; dropped when too many wait already.
    pub fn event(&mut self, mailboxes: [u16; 8]) {
        if self.waiting.len() >= EVENTS {
            self.dropped += 1;
            return;
        }
        self.waiting.push_back(Told::Event(mailboxes));
        self.present();
    }

    /// There is something in a ring without a vector. At most one of a kind waits; the one that is shown does not count, because the
    /// host may have looked at the ring already.
    pub fn ring(&mut self, cause: Cause) {
        let known = |told: &Told| matches!(told, Told::Ring(c) if *c == cause);
        if !self.waiting.iter().any(known) {
            self.waiting.push_back(Told::Ring(cause));
        }
        self.present();
    }

    /// The host has seen what host_status shows.
    pub fn acknowledge(&mut self) {
        self.status = self.status.with_pending(false);
        self.signal = false;
        self.present();
    }

    /// ICTRL: an event that is shown already is told at once.
    pub fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
        self.signal = enabled && self.status.pending();
    }

    /// Whether vector 0 is to be sent.
    pub fn is_signalled(&self) -> bool {
        self.signal
    }

    /// Vector 0 is being sent, if that is to be done.
    pub fn take_signal(&mut self) -> bool {
        std::mem::take(&mut self.signal)
    }

    /// Events dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn present(&mut self) {
        if self.status.pending() {
            return;
        }
        let Some(told) = self.waiting.pop_front() else { return };
        let cause = match told {
            Told::Mailbox(cause, answer) => {
                self.outgoing = *answer;
                cause
            }
            Told::Event(mailboxes) => {
                self.outgoing[..8].copy_from_slice(&mailboxes);
                Cause::ASYNC_EVENT
            }
            Told::Ring(cause) => cause,
        };
        self.status = self.status.with_cause(cause.0).with_mailbox0(self.outgoing[0]).with_pending(true);
        self.signal = self.enabled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, one: u16) -> Mailboxes {
        let mut answer = [0; MAILBOXES];
        (answer[0], answer[1]) = (status, one);
        answer
    }

    #[test]
    fn one_event_at_a_time_and_each_is_told() {
        let mut host = HostInterface::new();
        host.enable(true);
        host.complete(&answer(0x4000, 3), false);
        host.event([0x8011, 6, 0, 0, 0, 0, 0, 0]);
        host.ring(Cause::RESPONSE);
        host.ring(Cause::RESPONSE);
        assert_eq!((host.status().0, host.outgoing(1)), (0x4000_8010, 3));
        assert!(host.take_signal() && !host.take_signal());
        host.acknowledge();
        assert_eq!((host.status().0, host.outgoing(1)), (0x8011_8012, 6));
        assert!(host.take_signal());
        host.acknowledge();
        assert_eq!(host.status().0 & 0xffff, 0x8013);
        host.ring(Cause::RESPONSE);
        host.acknowledge();
        assert!(host.status().pending(), "one came after the host had looked");
        host.acknowledge();
        assert!(!host.status().pending());
    }

    #[test]
    fn without_ictrl_there_is_no_interrupt_but_an_event() {
        let mut host = HostInterface::new();
        host.complete(&answer(0x4001, 0), true);
        assert_eq!(host.status().0, 0x4001_8002);
        assert!(!host.is_signalled());
        host.enable(true);
        assert!(host.take_signal());
        host.enable(false);
        host.enable(true);
        assert!(host.is_signalled(), "still pending");
    }

    #[test]
    fn a_host_that_never_looks_costs_no_memory() {
        let mut host = HostInterface::new();
        (0..10_000).for_each(|n| host.event([0x8015, n, 0, 0, 0, 0, 0, 0]));
        assert_eq!(host.dropped(), 10_000 - 257);
    }
}
