//! What can be wrong with a chip.

use wire::isp::mailbox::{Command, Status};

/// Why the chip is of no use as it is. Shown to people, so each is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// All ones are read: surprise removal, a server that ended.
    #[error("the adapter is gone: all its registers read as ones")]
    Gone,
    /// The ROM did not come out of reset.
    #[error("the RISC does not come out of reset (mailbox 0 is {mailbox0:#06x})")]
    RomSilent {
        /// What mailbox 0 said at last.
        mailbox0: u16,
    },
    /// Nobody answers a mailbox command.
    #[error("mailbox command {0} is not answered")]
    MailboxTimeout(Command),
    /// A mailbox command that must succeed did not.
    #[error("mailbox command {command} is refused: {status} (detail {detail:#06x})")]
    Refused {
        /// Which.
        command: Command,
        /// Mailbox 0 of the answer.
        status: Status,
        /// Mailbox 1 of it.
        detail: u16,
    },
    /// host_status bit 8: the firmware is dead.
    #[error("the firmware is dead (RISC paused)")]
    Paused,
    /// Asynchronous event 8002h and its relatives.
    #[error("the firmware reports {what} ({details:04x?})")]
    System {
        /// The event.
        what: wire::isp::mailbox::Event,
        /// Mailboxes 1 to 3.
        details: [u16; 3],
    },
    /// The register test gave something else back than it got.
    #[error("the mailbox registers do not hold what is written to them")]
    RegisterTest,
    /// There is no firmware to load; the sentence says which file and what to do.
    #[error("{0}")]
    NoFirmware(String),
    /// NVRAM says that the port's serdes is off.
    #[error("the adapter's NVRAM disables this port (host parameters bit 5)")]
    PortDisabled,
    /// The firmware cannot do what this driver needs.
    #[error("{0}")]
    Unsuitable(String),
    /// An IOCB had no completion within its time.
    #[error("{what} was not completed by the firmware")]
    LostIocb {
        /// What it was for.
        what: &'static str,
    },
    /// The firmware takes no entries off its request queue any more.
    #[error("the firmware does not take requests off its queue")]
    RequestQueueStuck,
    /// The operator asked for a reset.
    #[error("a reset was asked for")]
    Asked,
    /// The device could not be reached by configuration accesses, or memory ran out.
    #[error("{0}")]
    Device(String),
}
