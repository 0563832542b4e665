//! Mailbox commands: codes, statuses, events, and the bits in their registers.
//!
//! A command is all 32 mailboxes, the code in mailbox 0; so is its answer, with a status in mailbox 0. Registers of a command are
//! numbered in the comments as `mb1`.

mod command;
mod event;
mod firmware;
mod value;

pub use command::*;
pub use event::*;
pub use firmware::*;
pub use value::*;

use super::regs::MAILBOXES;

/// All mailboxes.
pub type Mailboxes = [u16; MAILBOXES];

/// An address in mb2, mb3, mb6, mb7 ("A64").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct A64(pub u64);

impl A64 {
    /// The address in the registers of a command.
    pub const fn get(mailboxes: &Mailboxes) -> u64 {
        Self::at(mailboxes, [2, 3, 6, 7])
    }

    /// An address in other registers: those of bits 31:16, 15:0, 63:48 and 47:32.
    pub const fn at(mailboxes: &Mailboxes, registers: [usize; 4]) -> u64 {
        let [a, b, c, d] = registers;
        (mailboxes[c] as u64) << 48 | (mailboxes[d] as u64) << 32 | (mailboxes[a] as u64) << 16 | mailboxes[b] as u64
    }

    /// Puts the address into the registers of a command.
    pub const fn put(self, mailboxes: &mut Mailboxes) {
        self.put_at(mailboxes, [2, 3, 6, 7]);
    }

    /// Puts it into other registers, as for [`at`](Self::at).
    pub const fn put_at(self, mailboxes: &mut Mailboxes, registers: [usize; 4]) {
        let [a, b, c, d] = registers;
        mailboxes[a] = (self.0 >> 16) as u16;
        mailboxes[b] = self.0 as u16;
        mailboxes[c] = (self.0 >> 48) as u16;
        mailboxes[d] = (self.0 >> 32) as u16;
    }
}

/// A number of 32 bits in two mailboxes: the high half in `high`.
pub const fn pair(mailboxes: &Mailboxes, high: usize, low: usize) -> u32 {
    (mailboxes[high] as u32) << 16 | mailboxes[low] as u32
}

/// Puts a number of 32 bits into two mailboxes.
pub const fn put_pair(mailboxes: &mut Mailboxes, high: usize, low: usize, value: u32) {
    mailboxes[high] = (value >> 16) as u16;
    mailboxes[low] = value as u16;
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn addresses_and_pairs() {
        let mut mailboxes = [0; MAILBOXES];
        A64(0x0123_4567_89ab_cdef).put(&mut mailboxes);
        assert_eq!([2, 3, 6, 7].map(|n| mailboxes[n]), [0x89ab, 0xcdef, 0x0123, 0x4567]);
        assert_eq!(A64::get(&mailboxes), 0x0123_4567_89ab_cdef);
        put_pair(&mut mailboxes, 8, 1, 0x7f80_1234);
        assert_eq!((mailboxes[1], mailboxes[8], pair(&mailboxes, 8, 1)), (0x1234, 0x7f80, 0x7f80_1234));
    }

    #[test]
    fn bits_as_drivers_send_them() {
        assert_eq!(QueueOptions(0).with_response(true).with_shadow(true).0, 0x2002);
        assert_eq!(Attributes(0).with_npiv(true).with_no_handshake(true).0, 0x44);
        assert_eq!(AttributesHigh(0).with_nvme(true).with_nvme_updated(true).0, 0x4400);
        assert_eq!(FirmwareOptions2(0).with_async_to_atio(true).0, 0x800);
        assert_eq!(FirmwareOptions3(0).with_transceiver_events(true).0, 0x400);
    }

    #[test]
    fn names_and_speeds() {
        assert_eq!(std::format!("{} {}", Command(0x48), Command(0x99)), "MID_INIT_FIRMWARE Command(0x99)");
        assert_eq!(std::format!("{:?}", Event(0x8014)), "PORT_UPDATE");
        assert!(Speed::at_most(32) == Speed::GFC_32 && Speed::at_most(20).gigabits() == 16);
        assert!(Status(0x4000).is_complete() && !Status::COMMAND_ERROR.is_complete());
    }
}
