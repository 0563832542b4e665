//! Misbehaviour on order, for tests of drivers.

use ring::Tick;
use wire::isp::mailbox::{Command, Status};

/// What the chip is to do wrong. Each order is used up as it is carried out, but those that say otherwise. A reset changes none.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// So many groups of responses are lost.
    pub lose_responses: u32,
    /// So many groups for the ATIO queue are lost.
    pub lose_atios: u32,
    /// So many IOCBs are fetched and never looked at.
    pub lose_iocbs: u32,
    /// The next IOCB comes back with this entry status.
    pub entry_status: Option<u8>,
    /// The next such command is never answered.
    pub stick_mailbox: Option<Command>,
    /// The next such command is answered with this status and mb1.
    pub fail_mailbox: Option<(Command, Status, u16)>,
    /// These events are told as soon as the firmware is initialized: mailboxes 0 to 7.
    pub events: Vec<[u16; 8]>,
    /// The firmware fails now: event 8002h, after which it does nothing until the next reset.
    pub system_error: bool,
    /// The RISC pauses by itself, as a dead one does (host_status bit 8).
    pub pause: bool,
    /// While set, nothing makes progress: registers can be accessed, that is all.
    pub frozen: bool,
    /// While set, each mailbox command takes so long.
    pub mailbox_delay: Tick,
    /// While set, what the firmware has for its host comes so much later.
    pub output_delay: Tick,
}

impl Faults {
    /// Whether this one is to be lost, and one less after it.
    pub(super) fn loses(count: &mut u32) -> bool {
        let lost = *count > 0;
        *count = count.saturating_sub(1);
        lost
    }

    /// Whether there is something to do at once.
    pub(super) fn is_pending(&self, started: bool) -> bool {
        self.system_error || self.pause || started && !self.events.is_empty()
    }
}
