//! Commands of the host on their way: SCSI, NVMe, task management. From the IOCB to its Status entry each has its place here, and at
//! any time it is waiting (for memory or a frame) or in an exchange.

use super::Entry;
use super::core::Core;
use super::data::{gather, refusal, scatter};
use super::requests::AbortOrder;
use super::status;
use dma::{Data, Pool};
use fc::fc2::{Direction, Failure, Payload, Route};
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
    fn fc4(self) -> Fc4 {
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
    xid: Option<Xid>,
    aborts: Vec<AbortOrder>,
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
    all: Slots<Order>,
    /// Those without an exchange, in their order.
    waiting: VecDeque<Tag>,
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

    fn add(&mut self, order: Order) -> Tag {
        if self.all.len() == self.all.capacity() {
            self.all.grow(2 * self.all.capacity());
        }
        self.all.insert(order).unwrap_or_else(|_| unreachable!("the table has just grown"))
    }
}

/// Why a command does not start now.
enum Hindrance {
    /// No memory or frame: later.
    Wait,
    /// It ends with this status.
    Ends(CompletionStatus),
    /// All exchanges are taken.
    Busy,
}

impl Core {
    /// Takes a command on. It ends with a Status entry, or goes back with an entry status.
    pub fn submit(&mut self, bus: &mut dyn Bus, order: Order) {
        if order.count > self.pool.largest() && order.flow != Flow::None {
            return self.refuse(order.queue, &order.entry, refusal::PARAMETER);
        }
        let tag = self.commands.add(order);
        if self.commands.waiting.is_empty() {
            self.start_or_end(bus, tag);
        } else {
            self.wait(tag);
        }
    }

    fn wait(&mut self, tag: Tag) {
        self.counters.waited += 1;
        self.commands.waiting.push_back(tag);
    }

    /// When the first of those that wait is given up.
    pub fn waiting_deadline(&self) -> Option<Tick> {
        let orders = self.commands.waiting.iter().filter_map(|tag| self.commands.all.get(*tag));
        orders.map(|order| order.expires).min().filter(|expires| *expires != Tick::MAX)
    }

    /// Starts what waited and can go now, gives up what waited too long; returns how many.
    pub fn start_waiting(&mut self, bus: &mut dyn Bus) -> usize {
        let mut started = 0;
        if self.waiting_deadline().is_some_and(|expires| expires <= self.now) {
            started += self.end_waiting(CompletionStatus::TIMEOUT, |order, now| order.expires <= now);
        }
        while let Some(tag) = self.commands.waiting.pop_front() {
            if let Err(Hindrance::Wait) = self.try_start(bus, tag) {
                self.commands.waiting.push_front(tag);
                break;
            }
            started += 1;
        }
        started
    }

    fn start_or_end(&mut self, bus: &mut dyn Bus, tag: Tag) {
        if let Err(Hindrance::Wait) = self.try_start(bus, tag) {
            self.wait(tag);
        }
    }

    /// Starts a command, or ends it; what must wait is left.
    fn try_start(&mut self, bus: &mut dyn Bus, tag: Tag) -> Result<(), Hindrance> {
        match self.start(bus, tag) {
            Ok(()) => Ok(()),
            Err(Hindrance::Wait) => Err(Hindrance::Wait),
            Err(Hindrance::Ends(status)) => {
                self.end_unsent(tag, status);
                Ok(())
            }
            Err(Hindrance::Busy) => {
                if let Some(order) = self.commands.all.remove(tag) {
                    self.refuse(order.queue, &order.entry, refusal::BUSY);
                    self.aborts_done(order.aborts);
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, bus: &mut dyn Bus, tag: Tag) -> Result<(), Hindrance> {
        let Some(order) = self.commands.all.get(tag) else { return Ok(()) };
        if self.now >= order.expires {
            return Err(Hindrance::Ends(CompletionStatus::TIMEOUT));
        }
        let gone = Hindrance::Ends(CompletionStatus::PORT_LOGGED_OUT);
        let login = self.logins.get(order.vp, order.nport).filter(|login| login.speaks(order.kind.fc4()));
        let port = self.ports.get(usize::from(order.vp)).filter(|port| port.is_online());
        let Some((login, port)) = login.zip(port) else { return Err(gone) };
        if self.fc2.open() >= self.places {
            return Err(Hindrance::Busy);
        }
        let route = Route { local: port.id, remote: login.id, max_payload: login.max_payload };
        let data = stage(&mut self.pool, bus, order).inspect_err(|hindrance| {
            self.counters.faults += u64::from(matches!(hindrance, Hindrance::Ends(_)));
        })?;
        let timeout = if order.expires == Tick::MAX { Tick::MAX } else { order.expires - self.now };
        let fc4 = order.kind.fc4();
        match self.fc2.command(route, fc4, &order.iu, data, timeout, tag.to_u64(), self.now) {
            Ok(xid) => {
                if let Some(order) = self.commands.all.get_mut(tag) {
                    order.xid = Some(xid);
                }
                Ok(())
            }
            Err((_, data)) => {
                self.pool.give(data.into_data());
                Err(Hindrance::Wait)
            }
        }
    }

    /// A command that never got an exchange is over.
    fn end_unsent(&mut self, tag: Tag, status: CompletionStatus) {
        if let Some(order) = self.commands.all.remove(tag) {
            self.respond(order.queue, vec![status::failed(&order, status, 0)]);
            self.aborts_done(order.aborts);
        }
    }

    /// The login of commands that wait is gone.
    pub fn fail_waiting(&mut self, vp: u8, nport: u16) {
        self.end_waiting(CompletionStatus::PORT_LOGGED_OUT, |order, _| (order.vp, order.nport) == (vp, nport));
    }

    fn end_waiting(&mut self, status: CompletionStatus, which: impl Fn(&Order, Tick) -> bool) -> usize {
        let (all, now) = (&self.commands.all, self.now);
        let meant = |tag: &Tag| all.get(*tag).is_some_and(|order| which(order, now));
        let (gone, rest): (VecDeque<Tag>, _) = self.commands.waiting.iter().copied().partition(meant);
        self.commands.waiting = rest;
        let count = gone.len();
        gone.into_iter().for_each(|tag| self.end_unsent(tag, status));
        count
    }

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

/// Memory for the data of a command, filled with what goes out.
fn stage(pool: &mut Pool, bus: &mut dyn Bus, order: &Order) -> Result<Direction, Hindrance> {
    if order.flow == Flow::None {
        return Ok(Direction::None);
    }
    let mut data = pool.take(order.count).ok_or(Hindrance::Wait)?;
    if order.flow == Flow::In {
        return Ok(Direction::In(data));
    }
    match gather(bus, &order.segments, data.bytes_mut()) {
        Ok(()) => Ok(Direction::Out(data)),
        Err(_) => {
            pool.give(data);
            Err(Hindrance::Ends(CompletionStatus::DMA_ERROR))
        }
    }
}
