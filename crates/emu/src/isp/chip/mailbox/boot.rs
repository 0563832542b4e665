//! Commands that bring the firmware up.

use super::super::identity::Family;
use super::super::{Behind, Chip, Stage};
use super::Reply;
use wire::isp::mailbox::{Attributes, AttributesHigh, Mailboxes, Status, pair};

/// Last word of the RISC's memory, as drivers use it for dumps.
const MEMORY_END: u32 = 0x0011_ffff;

impl Reply {
    /// 06h: mb1 to mb7 come back.
    pub(super) fn ok_with_tail(mailboxes: &Mailboxes) -> Self {
        (1..8).fold(Self::ok(), |reply, n| reply.with(n, mailboxes[n]))
    }
}

impl<F: Behind> Chip<F> {
    /// 07h.
    pub(super) fn verify_checksum(&self, mailboxes: &Mailboxes) -> Reply {
        match self.ram.is_firmware(pair(mailboxes, 1, 2)) {
            true => Reply::ok(),
            false => Reply::status(Status::CHECKSUM_ERROR),
        }
    }

    /// 02h: only what was loaded can be executed.
    pub(super) fn execute_firmware(&mut self, mailboxes: &Mailboxes) -> Reply {
        let start = pair(mailboxes, 1, 2);
        if self.stage != Stage::Rom || !self.ram.is_firmware(start) {
            return Reply::error(Status::COMMAND_ERROR, 0);
        }
        self.stage = Stage::Running;
        Reply::ok().with(1, self.resources.exchanges).with(2, self.identity.board.max_speed().0)
    }

    /// 08h. The version is that of the image that was loaded.
    pub(super) fn version(&self) -> Reply {
        let [major, minor, sub] = [4, 5, 6].map(|n| self.ram.word(wire::isp::flash::FIRMWARE_ADDRESS + n) as u16);
        let nvme = self.identity.board.family() == Family::Isp27xx;
        let low = Attributes(0).with_npiv(self.resources.vports > 0).with_no_handshake(true);
        let high = AttributesHigh(0).with_nvme(nvme).with_nvme_updated(nvme);
        let reply = Reply::ok().with(1, major).with(2, minor).with(3, sub);
        let reply = reply.with(4, MEMORY_END as u16).with(5, (MEMORY_END >> 16) as u16);
        reply.with(6, low.0).with(15, high.0)
    }

    /// 42h.
    pub(super) fn resource_counts(&self) -> Reply {
        let reply = [1, 2, 3, 6, 7, 10].into_iter().fold(Reply::ok(), |r, n| r.with(n, self.resources.exchanges));
        reply.with(11, self.resources.vports)
    }
}
