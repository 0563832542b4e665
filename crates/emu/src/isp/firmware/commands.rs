//! Commands of the host on their way: SCSI, NVMe, task management. From the IOCB to its Status entry each has its place here, and at
//! any time it is waiting (for memory or a frame) or in an exchange.

use super::Entry;
use super::core::Core;
use super::data::scatter;
use super::requests::AbortOrder;
use super::status;
use dma::Data;
use fc::fc2::{Failure, Payload};
use fc::{Fc4, Xid};
use pci::Bus;
use ring::{Slots, Tag, Tick};
use std::collections::VecDeque;
use wire::isp::iocb::{CompletionStatus, Dsd64};

/// Which way the data go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    None,
    /// From the target to the host's memory.
    In,
    /// The other way.
    Out,
}

/// What kind of command it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scsi,
    Nvme,
    /// A task management function; true: for all logical units.
    Task(bool),
}

impl Kind {
    pub fn fc4(self) -> Fc4 {
        if self == Self::Nvme { Fc4::Nvme } else { Fc4::Fcp }
    }
}

/// A command as its IOCB says it.
pub(crate) struct Order {
    pub entry: Entry,
    pub queue: u16,
    /// The host's name for it.
    pub handle: u32,
    pub kind: Kind,
    pub vp: u8,
    /// Whose login.
    pub nport: u16,
    pub lun: [u8; 8],
    /// The command IU.
    pub iu: Vec<u8>,
    pub flow: Flow,
    /// Bytes of data.
    pub count: u32,
    pub segments: Vec<Dsd64>,
    /// When it is given up.
    pub expires: Tick,
    /// Its exchange; none while it waits.
    pub xid: Option<Xid>,
    /// Abort IOCBs that wait for its end.
    pub aborts: Vec<AbortOrder>,
}

impl Order {
    /// A command without data yet.
    pub fn new(entry: &Entry, queue: u16, handle: u32, kind: Kind, (vp, nport): (u8, u16), expires: Tick) -> Self {
        Self {
            entry: *entry,
            queue,
            handle,
            kind,
            vp,
            nport,
            lun: [0; 8],
            iu: Vec::new(),
            flow: Flow::None,
            count: 0,
            segments: Vec::new(),
            expires,
            xid: None,
            aborts: Vec::new(),
        }
    }

    fn is(&self, queue: u16, handle: u32) -> bool {
        (self.queue, self.handle) == (queue, handle)
    }
}

/// All of them.
pub(crate) struct Commands {
    pub all: Slots<Order>,
    /// Those without an exchange, in their order.
    pub waiting: VecDeque<Tag>,
}

impl Default for Commands {
    fn default() -> Self {
        Self { all: Slots::new(64), waiting: VecDeque::new() }
    }
}

impl Commands {
    /// Forgets all. Their memory has come back by their exchanges' ends.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn add(&mut self, order: Order) -> Tag {
        if self.all.len() == self.all.capacity() {
            self.all.grow(2 * self.all.capacity());
        }
        self.all.insert(order).unwrap_or_else(|_| unreachable!("the table has just grown"))
    }
}

impl Core {
    /// An exchange of a command is over; `moved` bytes of data were.
    pub fn ended(&mut self, bus: &mut dyn Bus, context: u64, data: Data, result: Result<Payload, Failure>, moved: u32) {
        let Some(order) = self.commands.all.remove(Tag::from_u64(context)) else {
            self.pool.give(data);
            return self.forget(result);
        };
        let entries = match &result {
            Ok(payload) => self.answered(bus, &order, &data, payload, moved),
            Err(failure) => vec![status::failed(&order, status::of_failure(*failure), moved)],
        };
        self.pool.give(data);
        self.forget(result);
        let cleared = matches!(order.kind, Kind::Task(_)) && status::is_function_complete(&entries[0]);
        if cleared {
            self.abort_tasks(&order);
        }
        self.respond(order.queue, entries);
        self.aborts_done(order.aborts);
    }

    /// A task management function cleared the target's tasks: it will not answer them, so their exchanges end here.
    fn abort_tasks(&mut self, function: &Order) {
        let Kind::Task(all_units) = function.kind else { return };
        let cleared = |order: &Order| {
            let same = (order.vp, order.nport) == (function.vp, function.nport) && order.kind == Kind::Scsi;
            same && (all_units || order.lun == function.lun)
        };
        let of_function = self.commands.all.iter().filter(|(_, order)| cleared(order));
        let exchanges: Vec<Xid> = of_function.filter_map(|(_, order)| order.xid).collect();
        exchanges.into_iter().for_each(|xid| self.fc2.abort(xid, self.now));
    }

    /// The response: data go to the host's memory, then the Status entry is made.
    fn answered(&mut self, bus: &mut dyn Bus, order: &Order, data: &Data, payload: &Payload, moved: u32) -> Vec<Entry> {
        // Some data of a command that failed may be missing in between: what memory has there was never the target's.
        let whole = status::is_contiguous(order, payload, moved);
        if order.flow == Flow::In && whole {
            let bytes = &data.bytes()[..moved.min(data.len()) as usize];
            if scatter(bus, &order.segments, bytes).is_err() {
                self.counters.faults += 1;
                return vec![status::failed(order, CompletionStatus::DMA_ERROR, 0)];
            }
        }
        status::answered(order, payload, moved)
    }

    /// Aborts a command. Its own Status comes first, then the completion of the abort. `false`: there is none.
    pub fn abort_command(&mut self, queue: u16, handle: u32, abort: AbortOrder) -> bool {
        let found = self.commands.all.iter_mut().find(|(_, order)| order.is(queue, handle));
        let Some((tag, order)) = found else { return false };
        order.aborts.push(abort);
        match order.xid {
            Some(xid) => self.fc2.abort(xid, self.now),
            None => {
                self.commands.waiting.retain(|other| *other != tag);
                self.end_unsent(tag, CompletionStatus::ABORTED);
            }
        }
        true
    }
}
