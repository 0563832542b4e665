//! Command 1Fh: further queues.

use super::super::queues::{Refused, RequestQueue, ResponseQueue, Ring};
use super::super::{Behind, Chip, Stage};
use super::{Reply, refused};
use wire::isp::mailbox::{A64, Mailboxes, QueueOptions, Status};
use wire::isp::regs::{BAR4_BYTES, QUEUE_PAGE};

/// Queue numbers that have registers.
const NUMBERS: u16 = (BAR4_BYTES / QUEUE_PAGE) as u16;

impl From<Refused> for Reply {
    fn from(_: Refused) -> Self {
        wrong(4)
    }
}

/// A parameter is wrong: which register.
fn wrong(register: u16) -> Reply {
    Reply::error(Status::PARAMETER_ERROR, register)
}

impl<F: Behind> Chip<F> {
    /// 1Fh.
    pub(super) fn init_queue(&mut self, mailboxes: &Mailboxes) -> Result<Reply, Reply> {
        let (options, number) = (QueueOptions(mailboxes[1]), mailboxes[4]);
        if self.stage != Stage::Started {
            return Err(refused());
        }
        if !(1..NUMBERS).contains(&number) {
            return Err(wrong(4));
        }
        match (options.delete(), options.response()) {
            (true, true) => self.queues.delete_response(number)?,
            (true, false) => self.queues.delete_request(number)?,
            (false, true) => self.add_response(number, options, mailboxes)?,
            (false, false) => self.add_request(number, options, mailboxes)?,
        }
        Ok(Reply::ok())
    }

    fn ring(&self, options: QueueOptions, mailboxes: &Mailboxes) -> Result<Ring, Reply> {
        Ring::new(A64::get(mailboxes), mailboxes[5], options.shadow() && self.has_shadows()).ok_or(wrong(5))
    }

    fn add_response(&mut self, number: u16, options: QueueOptions, mailboxes: &Mailboxes) -> Result<(), Reply> {
        let ring = self.ring(options, mailboxes)?;
        let vector = self.vector(mailboxes[14]).ok_or(wrong(14))?;
        let queue = ResponseQueue::new(ring, mailboxes[8], vector).ok_or(wrong(8))?;
        Ok(self.queues.add_response(number, queue)?)
    }

    fn add_request(&mut self, number: u16, options: QueueOptions, mailboxes: &Mailboxes) -> Result<(), Reply> {
        let ring = self.ring(options, mailboxes)?;
        let queue = RequestQueue::new(ring, mailboxes[9], mailboxes[10]).ok_or(wrong(9))?;
        Ok(self.queues.add_request(number, queue)?)
    }
}
