//! [`Scsi`]: what a core knows, and its face to the exchange machine.

use super::machine::Config;
use crate::{Origin, Reply, Task};
use exchange::{CommandSet, Order, Outcome, Plan};
use ring::{Tag, Tick};
use wire::scsi::Status;

/// The SCSI command set of one core.
pub struct Scsi {
    pub(crate) config: Config,
}

impl Scsi {
    /// An empty device server.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl CommandSet for Scsi {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn plan(&mut self, _tag: Tag, _task: &Task, _now: Tick) -> Plan<Reply> {
        Plan::Reply(Reply::new(Status::BUSY))
    }

    fn answer(&mut self, _task: &Task, _data: &mut [u8]) -> Reply {
        Reply::new(Status::BUSY)
    }

    fn taken(&mut self, _tag: Tag, _task: &Task, _data: &mut [u8], _now: Tick) -> Plan<Reply> {
        Plan::Reply(Reply::new(Status::BUSY))
    }

    fn reply(&mut self, _task: &Task, _outcome: Outcome) -> Reply {
        Reply::new(Status::BUSY)
    }

    fn unpark(&mut self, _tag: Tag) {}

    fn id(&self, task: &Task) -> u32 {
        task.id
    }

    fn abort_ended(&mut self, _token: u64, _aborted: bool) {}

    fn opened(&mut self, _queue: u32, _origin: Origin, _now: Tick) {}

    fn closed(&mut self, _queue: u32) {}

    fn turn(&mut self, _now: Tick) {}

    fn next_order(&mut self) -> Option<Order<Reply>> {
        None
    }

    fn deadline(&self) -> Option<Tick> {
        None
    }
}
