//! A port, a channel and a command set that do what a test says, step by step, and write down what is asked of them.

use bdev::{Channel, Done, Op, Status};
use dma::{Arena, Backing, Class, Data, Options, Pool, Region};
use exchange::{CommandSet, Event, Group, Order, Outcome, Piece, Plan, Port, Step};
use ring::{Tag, Tick};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// A command: its identifier, and its plan.
pub type Command = (u32, Plan<Word>);

/// A reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Told(Outcome),
    Plain(u32),
}

/// What the group asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Fetch(u32),
    Send(u32, Word),
    Reply(u32, Word),
    CancelFetch(u32),
    CloseQueue(u32),
    Submit(u32, Op),
    Cancel(u32),
    Reset,
    Bell,
    Turn(Tick),
    Unpark(u32),
    AbortEnded(u64, bool),
    Opened(u32),
    Closed(u32),
    Sent(u32),
    Places(usize),
    /// Lengths of the two pieces, and how the last operation ended.
    Step(u32, usize, usize, Option<Status>),
}

/// What was called, by all three, in order.
pub type Log = Rc<RefCell<Vec<Call>>>;

pub struct TestPort {
    log: Log,
    pub events: VecDeque<Event<Command, ()>>,
    pub held: HashMap<u32, Data>,
    pub lends: bool,
}

impl Port for TestPort {
    type Command = Command;
    type Reply = Word;
    type Origin = ();
    fn next(&mut self, _now: Tick) -> Option<Event<Command, ()>> {
        self.events.pop_front()
    }
    fn fetch(&mut self, tag: Tag, data: Data) {
        self.log.borrow_mut().push(Call::Fetch(tag.index() as u32));
        self.held.insert(tag.index() as u32, data);
    }
    fn send(&mut self, tag: Tag, data: Data, reply: Word) {
        self.log.borrow_mut().push(Call::Send(tag.index() as u32, reply));
        self.held.insert(tag.index() as u32, data);
    }
    fn reply(&mut self, tag: Tag, reply: Word) {
        self.log.borrow_mut().push(Call::Reply(tag.index() as u32, reply));
    }
    fn cancel(&mut self, tag: Tag) {
        self.log.borrow_mut().push(Call::CancelFetch(tag.index() as u32));
    }
    fn close(&mut self, queue: u32) {
        self.log.borrow_mut().push(Call::CloseQueue(queue));
    }
    fn flush(&mut self) {}
    fn places(&self) -> usize {
        64
    }
    fn lends(&self, _tag: Tag) -> bool {
        self.lends
    }
}

#[derive(Default)]
pub struct Disk {
    pub held: HashMap<u32, (Tag, Data)>,
    pub done: VecDeque<Done>,
    /// End everything at once with this.
    pub at_once: Option<Status>,
    pub lend_from: Option<Region>,
}

pub struct TestDisk(Log, Rc<RefCell<Disk>>);

impl Channel for TestDisk {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        self.0.borrow_mut().push(Call::Submit(tag.index() as u32, op));
        let mut disk = self.1.borrow_mut();
        if let Some(status) = disk.at_once {
            return Some(Done { tag, status, data });
        }
        disk.held.insert(tag.index() as u32, (tag, data));
        None
    }
    fn lend(&mut self, _op: Op) -> Option<Data> {
        self.1.borrow().lend_from.as_ref().map(|region| region.lend(0, 4096))
    }
    fn cancel(&mut self, tag: Tag) {
        self.0.borrow_mut().push(Call::Cancel(tag.index() as u32));
    }
    fn reset(&mut self) {
        self.0.borrow_mut().push(Call::Reset);
    }
    fn turn(&mut self, now: Tick) {
        self.0.borrow_mut().push(Call::Turn(now));
    }
    fn next(&mut self) -> Option<Done> {
        self.1.borrow_mut().done.pop_front()
    }
    fn bell(&mut self) {
        self.0.borrow_mut().push(Call::Bell);
    }
}

pub struct TestSet {
    log: Log,
    pub orders: VecDeque<Order<Word>>,
    /// What [`Plan::Take`] goes on with.
    pub after_take: Plan<Word>,
    /// What [`Order::Start`] goes on with.
    pub after_start: Plan<Word>,
    /// What steps go on with; then the last operation's status ends them.
    pub steps: VecDeque<Step<Word>>,
    /// Operations may not start by themselves.
    pub holds: bool,
}

impl CommandSet for TestSet {
    type Command = Command;
    type Reply = Word;
    type Origin = ();
    fn plan(&mut self, _tag: Tag, command: &Command, _now: Tick) -> Plan<Word> {
        command.1
    }
    fn answer(&mut self, _tag: Tag, command: &Command, data: &mut [u8]) -> Word {
        data.fill(0x55);
        Word::Plain(command.0)
    }
    fn taken(&mut self, _tag: Tag, _command: &Command, _data: &mut [u8], _now: Tick) -> Plan<Word> {
        self.after_take
    }
    fn resume(&mut self, _tag: Tag, _command: &Command, _now: Tick) -> Plan<Word> {
        self.after_start
    }
    fn may_start(&mut self, _tag: Tag, _command: &Command, _op: Op, _waits: bool) -> bool {
        !self.holds
    }
    fn step(
        &mut self,
        tag: Tag,
        _command: &Command,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<Status>,
    ) -> Step<Word> {
        let lens = (taken.len(), scratch.len());
        self.log.borrow_mut().push(Call::Step(tag.index() as u32, lens.0, lens.1, last));
        self.steps.pop_front().unwrap_or(Step::Done(Outcome::Done(last.unwrap_or(Status::Ok))))
    }
    fn sent(&mut self, tag: Tag) {
        self.log.borrow_mut().push(Call::Sent(tag.index() as u32));
    }
    fn places(&mut self, places: usize) {
        self.log.borrow_mut().push(Call::Places(places));
    }
    fn reply(&mut self, _tag: Tag, _command: &Command, outcome: Outcome) -> Word {
        Word::Told(outcome)
    }
    fn unpark(&mut self, tag: Tag) {
        self.log.borrow_mut().push(Call::Unpark(tag.index() as u32));
    }
    fn id(&self, command: &Command) -> u32 {
        command.0
    }
    fn abort_ended(&mut self, token: u64, aborted: bool) {
        self.log.borrow_mut().push(Call::AbortEnded(token, aborted));
    }
    fn opened(&mut self, queue: u32, (): (), _now: Tick) {
        self.log.borrow_mut().push(Call::Opened(queue));
    }
    fn closed(&mut self, queue: u32) {
        self.log.borrow_mut().push(Call::Closed(queue));
    }
    fn turn(&mut self, _now: Tick) {}
    fn next_order(&mut self) -> Option<Order<Word>> {
        self.orders.pop_front()
    }
    fn deadline(&self) -> Option<Tick> {
        None
    }
}

/// A group of these three with queues 0 to 3 open and one disk.
pub struct Rig {
    pub group: Group<TestPort, TestSet>,
    pub disk: Rc<RefCell<Disk>>,
    pub target: Tag,
    pub now: Tick,
    pub arena: std::sync::Arc<Arena>,
    log: Log,
}

pub fn tag(place: u32) -> Tag {
    Tag::new(place, 0)
}

pub fn pieces(size: u32, count: u32) -> Class {
    Class { size, count }
}

impl Rig {
    pub fn new(classes: &[Class]) -> Self {
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let pool = Pool::new(&arena, classes).unwrap();
        let (log, disk) = (Log::default(), Rc::new(RefCell::new(Disk::default())));
        let port = TestPort { log: log.clone(), events: VecDeque::new(), held: HashMap::new(), lends: false };
        let after_take = Plan::Reply(Word::Plain(9));
        let after_start = Plan::Reply(Word::Plain(8));
        let (orders, steps) = (VecDeque::new(), VecDeque::new());
        let set = TestSet { log: log.clone(), orders, after_take, after_start, steps, holds: false };
        let mut group = Group::new(port, set, pool, 0);
        let target = group.attach(Box::new(TestDisk(log.clone(), disk.clone())), [bdev::Meter::default()].into());
        let mut rig = Self { group, disk, target, now: 5, arena, log };
        for queue in 0..4 {
            rig.event(Event::Opened { queue, origin: () });
        }
        rig
    }

    /// One turn; what was asked for in it but turns, bells and news for the command set.
    pub fn poll(&mut self) -> Vec<Call> {
        self.log.borrow_mut().clear();
        self.group.poll(self.now);
        let calls = self.log.borrow().clone();
        let told = |call: &Call| !matches!(call, Call::Bell | Call::Turn(_) | Call::Sent(_) | Call::Places(_));
        calls.into_iter().filter(told).collect()
    }

    /// All that was asked for in the last turn.
    pub fn all_calls(&self) -> Vec<Call> {
        self.log.borrow().clone()
    }

    pub fn event(&mut self, event: Event<Command, ()>) -> Vec<Call> {
        self.group.port.events.push_back(event);
        self.poll()
    }

    /// A command on queue 0 with its place as its identifier.
    pub fn command(&mut self, place: u32, plan: Plan<Word>) -> Vec<Call> {
        self.command_on(0, place, plan)
    }

    pub fn command_on(&mut self, queue: u32, place: u32, plan: Plan<Word>) -> Vec<Call> {
        self.event(Event::Command { tag: tag(place), queue, command: (place, plan) })
    }

    pub fn fetched(&mut self, place: u32, ok: bool) -> Vec<Call> {
        let data = self.group.port.held.remove(&place).expect("fetching");
        self.event(Event::Fetched { tag: tag(place), data, ok })
    }

    pub fn sent(&mut self, place: u32) -> Vec<Call> {
        let data = self.group.port.held.remove(&place).unwrap_or_default();
        self.event(Event::Sent { tag: tag(place), data })
    }

    pub fn done(&mut self, place: u32, status: Status) -> Vec<Call> {
        let (tag, data) = self.disk.borrow_mut().held.remove(&place).expect("executing");
        self.disk.borrow_mut().done.push_back(Done { tag, status, data });
        self.poll()
    }

    pub fn order(&mut self, order: Order<Word>) -> Vec<Call> {
        self.group.set.orders.push_back(order);
        self.poll()
    }

    /// Aborts by identifier, with token 77.
    pub fn abort(&mut self, id: u32) -> Vec<Call> {
        self.order(Order::Abort { queue: 0, id, token: 77 })
    }

    pub fn lost(&mut self, place: u32) -> Vec<Call> {
        self.event(Event::Abort { tag: tag(place) })
    }

    pub fn read(&self) -> Plan<Word> {
        Plan::Io { target: self.target, op: READ, len: 4096 }
    }

    pub fn write(&self, len: u32) -> Plan<Word> {
        Plan::Io { target: self.target, op: WRITE, len }
    }

    /// An operation of steps.
    pub fn io(&self, on: Piece, op: Op, len: u32) -> Step<Word> {
        Step::Io { on, target: self.target, op, len }
    }

    /// Open exchanges, bytes out, waiting.
    pub fn census(&self) -> (usize, usize, usize) {
        self.group.census()
    }
}

pub const READ: Op = Op::Read { block: 1, blocks: 8 };
pub const WRITE: Op = Op::Write { block: 1, blocks: 8, fua: false };

impl Drop for Rig {
    /// A test may stop in the middle; data that is out then is nobody's concern.
    fn drop(&mut self) {
        self.group.port.held.drain().for_each(std::mem::forget);
        self.disk.borrow_mut().held.drain().for_each(std::mem::forget);
    }
}
