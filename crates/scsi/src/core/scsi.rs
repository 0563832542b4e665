//! [`Scsi`]: what a core knows, and its face to the exchange machine.

use super::copy::Copies;
use super::exclusion::Ties;
use super::fail::{Fail, Transfer};
use super::machine::Config;
use super::management::Functions;
use super::nexus::Nexus;
use super::open::{NO_SLOT, Open, OpenTable, State};
use super::peer::Homes;
use super::sanitize;
use super::status::of_outcome;
use super::steps::Buffers;
use super::units::Units;
use crate::shared::Span;
use crate::{NodeView, Origin, Reply, Task};
use bdev::Op;
use exchange::{CommandSet, Order, Outcome, Plan, Step};
use ring::{Tag, Tick};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::scsi::{Status, parse_lun};

/// Operation code of copies.
const COPY: u8 = 0x83;

/// The SCSI command set of one core.
///
/// Planning and wording the reply of a command that reads or writes allocates nothing; all else may.
pub struct Scsi {
    pub(crate) config: Config,
    /// Bytes of the largest transfer.
    pub(crate) largest: u32,
    pub(crate) now: Tick,
    pub(crate) units: Units,
    pub(crate) nodes: BTreeMap<u32, Arc<NodeView>>,
    pub(crate) nexuses: Vec<Option<Nexus>>,
    pub(crate) open: OpenTable,
    pub(crate) functions: Functions,
    pub(crate) copies: Copies,
    /// What the machine is to do.
    pub(crate) todo: VecDeque<Order<Reply>>,
    pub(crate) homes: Homes,
    pub(crate) ties: Ties,
    /// All nexuses are being ended.
    pub(crate) draining: bool,
}

impl Scsi {
    /// A device server without logical units; `largest_data` is what the core's largest buffer holds.
    pub fn new(config: Config, largest_data: u32) -> Self {
        let largest = config.max_transfer.min(largest_data);
        Self {
            config,
            largest,
            now: 0,
            units: Units::default(),
            nodes: BTreeMap::new(),
            nexuses: Vec::new(),
            open: OpenTable::default(),
            functions: Functions::default(),
            copies: Copies::default(),
            todo: VecDeque::with_capacity(64),
            homes: Homes::default(),
            ties: Ties::default(),
            draining: false,
        }
    }

    /// The nexus of a number that the port gave.
    #[inline]
    pub(crate) fn nexus(&mut self, queue: u32) -> &mut Nexus {
        self.nexuses[queue as usize].as_mut().expect("the port named an open queue")
    }

    /// Takes a command in, before it is looked at.
    #[inline]
    fn admit(&mut self, tag: Tag, task: &Task, now: Tick) -> Plan<Reply> {
        let nexus = self.nexuses[task.queue as usize].as_mut().expect("the port named an open queue");
        let slot = parse_lun(&task.lun).and_then(|lun| nexus.find(lun)).unwrap_or(NO_SLOT);
        let mut open = Open::new(tag, task.queue, slot, task.id, now);
        (open.opcode, open.attribute) = (task.cdb[0], task.attribute);
        let depth = nexus.depth;
        let Some(known) = nexus.slot_mut(slot) else {
            self.open.begin(open);
            return self.start(tag, task);
        };
        open.lun = known.lun;
        if known.set.open() >= depth {
            open.slot = NO_SLOT;
            self.open.begin(open);
            return self.refuse_full(tag, task);
        }
        let goes = known.set.arrive(tag, task.attribute);
        open.state = if goes { State::Enabled } else { State::Dormant };
        self.open.begin(open);
        if goes { self.start(tag, task) } else { Plan::Park }
    }

    /// The reply to a command is being worded: its place in the task set is free, and younger ones may go. What its
    /// data was to be.
    #[inline]
    pub(crate) fn settle(&mut self, tag: Tag) -> Transfer {
        let Some(open) = self.open.get_mut(tag) else { return Transfer::default() };
        let started = open.state == State::Enabled;
        if open.state == State::Worded {
            return open.transfer;
        }
        open.state = State::Worded;
        let (queue, slot, attribute, transfer) = (open.queue, open.slot, open.attribute, open.transfer);
        if open.ties != 0 {
            self.untie(tag);
        }
        if slot == NO_SLOT {
            return transfer;
        }
        let nexus = self.nexuses[queue as usize].as_mut().expect("its commands are open");
        let known = nexus.slot_mut(slot).expect("slots stay while commands are open on them");
        known.set.end(attribute, started);
        while let Some(next) = known.set.next() {
            let waiting = self.open.get_mut(next).expect("who waits is open");
            waiting.state = State::Enabled;
            self.todo.push_back(Order::Start { tag: next });
        }
        if known.life == super::nexus::Life::Leaving {
            nexus.release(slot);
        }
        transfer
    }
}

/// TAS is set.
const ABORTED: Fail = Fail::Status(Status::TASK_ABORTED);

impl CommandSet for Scsi {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    #[inline]
    fn plan(&mut self, tag: Tag, task: &Task, now: Tick) -> Plan<Reply> {
        self.now = now;
        match task.management {
            None => self.admit(tag, task, now),
            Some(function) => self.manage(tag, task, function),
        }
    }

    fn resume(&mut self, tag: Tag, task: &Task, now: Tick) -> Plan<Reply> {
        self.now = now;
        self.start(tag, task)
    }

    fn answer(&mut self, tag: Tag, task: &Task, data: &mut [u8]) -> Reply {
        let built = self.fill(tag, task, data);
        let transfer = self.settle(tag);
        match built {
            Ok(len) => transfer.good(len.min(transfer.moves)),
            Err(fail) => transfer.failed(fail, 0),
        }
    }

    fn taken(&mut self, tag: Tag, task: &Task, data: &mut [u8], now: Tick) -> Plan<Reply> {
        self.now = now;
        match self.plan_taken(tag, task, data) {
            Ok(Some(plan)) => plan,
            Ok(None) => {
                let transfer = self.settle(tag);
                Plan::Reply(transfer.good(transfer.moves))
            }
            Err(fail) => Plan::Reply(self.settle(tag).failed(fail, data.len() as u32)),
        }
    }

    #[inline]
    fn may_start(&mut self, tag: Tag, _task: &Task, op: Op, waits: bool) -> bool {
        let Some(&Open { queue, slot, .. }) = self.open.get(tag) else { return true };
        let span = match op {
            Op::Write { block, blocks, .. } => Span { first: block, end: block + u64::from(blocks) },
            // UNMAP has many ranges.
            _ => Span { first: 0, end: u64::MAX },
        };
        let place = self.place_at(queue, slot);
        self.mark(tag, place, span, waits)
    }

    fn step(
        &mut self,
        tag: Tag,
        task: &Task,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<bdev::Status>,
    ) -> Step<Reply> {
        let next = match task.cdb[0] {
            COPY => self.copy_step(tag, task.queue, scratch, last),
            _ => self.next_step(tag, task, Buffers { taken, scratch }, last),
        };
        self.tokens_after(tag, task);
        if task.cdb[0] == sanitize::OPCODE && !matches!(next, Ok(Some(_))) {
            self.sanitized(tag, next.is_ok());
        }
        match next {
            Ok(Some(step)) => step,
            Ok(None) => {
                let transfer = self.settle(tag);
                Step::Reply(transfer.good(transfer.moves))
            }
            Err(fail) => {
                let transfer = self.settle(tag);
                Step::Reply(transfer.failed(fail, transfer.moves.min(task.data_out)))
            }
        }
    }

    #[inline]
    fn reply(&mut self, tag: Tag, task: &Task, outcome: Outcome) -> Reply {
        self.tokens_after(tag, task);
        if outcome == Outcome::Aborted {
            self.copy_aborted(tag);
            if task.cdb[0] == sanitize::OPCODE {
                self.sanitized(tag, false);
            }
            let transfer = self.settle(tag);
            return if self.tells_aborted(tag) { transfer.failed(ABORTED, 0) } else { Reply::silent() };
        }
        let transfer = self.settle(tag);
        match of_outcome(outcome) {
            Ok(()) => transfer.good(transfer.moves),
            Err(fail) => {
                let came = if outcome == Outcome::FetchFailed { 0 } else { transfer.moves.min(task.data_out) };
                transfer.failed(fail, came)
            }
        }
    }

    #[inline]
    fn sent(&mut self, tag: Tag) {
        let Some(open) = self.open.get_mut(tag) else { return };
        open.state = State::Free;
        if open.awaited {
            self.victim_gone(tag);
        }
    }

    fn unpark(&mut self, tag: Tag) {
        self.todo.retain(|order| *order != Order::Start { tag });
        self.functions.disown(tag);
        let Some(&Open { queue, slot, state: State::Dormant, .. }) = self.open.get(tag) else { return };
        if let Some(known) = self.nexus(queue).slot_mut(slot) {
            known.set.forget(tag);
        }
    }

    fn id(&self, task: &Task) -> u32 {
        task.id
    }

    /// Commands are ended by [`Order::Hurry`].
    fn abort_ended(&mut self, _token: u64, _aborted: bool) {}

    fn places(&mut self, places: usize) {
        self.open.grow(places);
        self.todo.reserve(places);
    }

    fn opened(&mut self, queue: u32, origin: Origin, now: Tick) {
        self.now = now;
        self.open_nexus(queue, origin);
    }

    fn closed(&mut self, queue: u32) {
        self.allow_removal(queue);
        self.let_go_of(queue);
        if let Some(nexus) = &self.nexuses[queue as usize] {
            self.config.device.known.remove(&nexus.origin.initiator);
        }
        self.nexuses[queue as usize] = None;
        self.copies.forget(queue);
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
    }

    #[inline]
    fn next_order(&mut self) -> Option<Order<Reply>> {
        self.todo.pop_front()
    }

    fn deadline(&self) -> Option<Tick> {
        (!self.todo.is_empty()).then_some(self.now)
    }
}
