//! The checkers bite: each of these broken ports, disks and command sets is caught within a few seeds.

use bdev::{Channel, Done, Op, Status};
use dma::Data;
use exchange::{CommandSet, Event, Order, Outcome, Plan, Port, Step};
use ring::{Tag, Tick};
use sim::{Command, Common, Kind, Reply, Scenario, SoftDisk, SoftPort, SoftSet, World, attempt, paint};

const SEEDS: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    DiskForgetsWrites,
    DiskReadsItsNeighbour,
    DiskTearsBlocks,
    DiskMixesUpData,
    DiskLosesOne,
    DiskEndsOneTwice,
    DiskLiesAboutErrors,
    DiskIgnoresFlushAndZeroes,
    PortLosesAReply,
    PortSendsTwice,
    PortKeepsABuffer,
    PortForgetsToSayClosed,
    PortClosesEarly,
    PortGivesAnothersData,
    SetAnswersNever,
    SetWordsSuccess,
    SetConfusesReplies,
    SetWritesTooMuch,
    SetClaimsAborts,
}

use Fault::*;

struct BadDisk {
    inner: SoftDisk,
    fault: Fault,
    count: u64,
    kept: Option<Done>,
}

impl BadDisk {
    /// Whether this is one of those that go wrong.
    fn now(&mut self, fault: Fault) -> bool {
        if self.fault != fault {
            return false;
        }
        self.count += 1;
        self.count.is_multiple_of(7)
    }

    fn spoil(&mut self, mut done: Done) -> Option<Done> {
        if !done.data.is_empty() && self.now(DiskTearsBlocks) {
            done.data.bytes_mut()[9] ^= 1;
        }
        if done.status != Status::Ok && self.now(DiskLiesAboutErrors) {
            done.status = Status::Ok;
        }
        if self.now(DiskEndsOneTwice) {
            self.kept = Some(Done { tag: done.tag, status: Status::Ok, data: Data::empty() });
        }
        if self.now(DiskLosesOne) {
            std::mem::forget(done);
            return None;
        }
        if !done.data.is_empty() && self.now(DiskMixesUpData) {
            match &mut self.kept {
                Some(other) if other.data.len() == done.data.len() => std::mem::swap(&mut other.data, &mut done.data),
                Some(_) => {}
                None => {
                    self.kept = Some(done);
                    return None;
                }
            }
        }
        Some(done)
    }
}

impl Channel for BadDisk {
    fn submit(&mut self, tag: Tag, mut op: Op, data: Data) -> Option<Done> {
        match &mut op {
            Op::Write { .. } if self.now(DiskForgetsWrites) => return Some(Done { tag, status: Status::Ok, data }),
            Op::WriteZeroes { .. } if self.fault == DiskIgnoresFlushAndZeroes => {
                return Some(Done { tag, status: Status::Ok, data });
            }
            Op::Read { block, .. } if *block > 0 && self.now(DiskReadsItsNeighbour) => *block -= 1,
            _ => {}
        }
        let done = self.inner.submit(tag, op, data)?;
        let (tag, status) = (done.tag, done.status);
        // What is done at once must be returned, or it is lost for good.
        self.spoil(done)
            .or_else(|| (self.fault == DiskMixesUpData).then(|| self.kept.take())?)
            .or_else(|| (self.fault == DiskLosesOne).then_some(Done { tag, status, data: Data::empty() }))
    }
    fn lend(&mut self, op: Op) -> Option<Data> {
        self.inner.lend(op)
    }
    fn cancel(&mut self, tag: Tag) {
        self.inner.cancel(tag);
    }
    fn reset(&mut self) {
        self.inner.reset();
    }
    fn turn(&mut self, now: Tick) {
        self.inner.turn(now);
    }
    fn next(&mut self) -> Option<Done> {
        if self.fault == DiskEndsOneTwice && self.kept.is_some() {
            return self.kept.take();
        }
        match self.inner.next() {
            Some(done) => self.spoil(done),
            None => self.kept.take(),
        }
    }
    fn bell(&mut self) {
        self.inner.bell();
    }
    fn deadline(&self) -> Option<Tick> {
        self.inner.deadline()
    }
}

struct BadPort {
    inner: SoftPort,
    fault: Fault,
    count: u64,
    again: Option<Event<Command, u32>>,
}

impl BadPort {
    fn now(&mut self, fault: Fault) -> bool {
        if self.fault != fault {
            return false;
        }
        self.count += 1;
        self.count.is_multiple_of(11)
    }
}

impl AsMut<SoftPort> for BadPort {
    fn as_mut(&mut self) -> &mut SoftPort {
        &mut self.inner
    }
}

impl Port for BadPort {
    type Command = Command;
    type Reply = Reply;
    type Origin = u32;

    fn next(&mut self, now: Tick) -> Option<Event<Command, u32>> {
        if let Some(event) = self.again.take() {
            return Some(event);
        }
        let mut event = self.inner.next(now)?;
        match &mut event {
            Event::Sent { tag, .. } if self.now(PortSendsTwice) => {
                self.again = Some(Event::Sent { tag: *tag, data: Data::empty() });
            }
            Event::Sent { data, .. } if !data.is_empty() && self.now(PortKeepsABuffer) => {
                std::mem::forget(std::mem::take(data));
            }
            Event::Fetched { data, ok: true, .. } if self.now(PortGivesAnothersData) => paint(data.bytes_mut(), 77),
            Event::Closed { .. } if self.fault == PortForgetsToSayClosed => return None,
            Event::Command { queue, .. } if self.now(PortClosesEarly) => {
                self.again = Some(Event::Closed { queue: *queue });
            }
            _ => {}
        }
        Some(event)
    }
    fn fetch(&mut self, tag: Tag, data: Data) {
        self.inner.fetch(tag, data);
    }
    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        self.inner.send(tag, data, reply);
    }
    fn reply(&mut self, tag: Tag, reply: Reply) {
        if !self.now(PortLosesAReply) {
            self.inner.reply(tag, reply);
        }
    }
    fn cancel(&mut self, tag: Tag) {
        self.inner.cancel(tag);
    }
    fn close(&mut self, queue: u32) {
        self.inner.close(queue);
    }
    fn flush(&mut self) {
        self.inner.flush();
    }
    fn places(&self) -> usize {
        self.inner.places()
    }
    fn lends(&self, tag: Tag) -> bool {
        self.inner.lends(tag)
    }
}

struct BadSet {
    inner: SoftSet,
    fault: Fault,
    last: u64,
}

impl AsMut<SoftSet> for BadSet {
    fn as_mut(&mut self) -> &mut SoftSet {
        &mut self.inner
    }
}

impl CommandSet for BadSet {
    type Command = Command;
    type Reply = Reply;
    type Origin = u32;

    fn plan(&mut self, tag: Tag, command: &Command, now: Tick) -> Plan<Reply> {
        match self.inner.plan(tag, command, now) {
            Plan::Answer { len } if self.fault == SetWritesTooMuch => Plan::Answer { len: len / 2 },
            plan => plan,
        }
    }
    fn answer(&mut self, tag: Tag, command: &Command, data: &mut [u8]) -> Reply {
        let reply = self.inner.answer(tag, command, data);
        if self.fault == SetWritesTooMuch {
            data[0] ^= 1;
        }
        reply
    }
    fn taken(&mut self, tag: Tag, command: &Command, data: &mut [u8], now: Tick) -> Plan<Reply> {
        self.inner.taken(tag, command, data, now)
    }
    fn step(
        &mut self,
        tag: Tag,
        command: &Command,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<Status>,
    ) -> Step<Reply> {
        self.inner.step(tag, command, taken, scratch, last)
    }
    fn reply(&mut self, tag: Tag, command: &Command, outcome: Outcome) -> Reply {
        let outcome = match outcome {
            Outcome::Done(_) | Outcome::FetchFailed if self.fault == SetWordsSuccess => Outcome::Done(Status::Ok),
            Outcome::Done(Status::Ok) if self.fault == SetClaimsAborts && command.kind == Kind::Flush => {
                Outcome::Aborted
            }
            outcome => outcome,
        };
        let mut reply = self.inner.reply(tag, command, outcome);
        if self.fault == SetConfusesReplies {
            std::mem::swap(&mut self.last, &mut reply.serial);
        }
        reply
    }
    fn unpark(&mut self, tag: Tag) {
        self.inner.unpark(tag);
    }
    fn id(&self, command: &Command) -> u32 {
        self.inner.id(command)
    }
    fn abort_ended(&mut self, token: u64, aborted: bool) {
        self.inner.abort_ended(token, aborted);
    }
    fn opened(&mut self, queue: u32, origin: u32, now: Tick) {
        self.inner.opened(queue, origin, now);
    }
    fn closed(&mut self, queue: u32) {
        self.inner.closed(queue);
    }
    fn turn(&mut self, now: Tick) {
        self.inner.turn(now);
    }
    fn next_order(&mut self) -> Option<Order<Reply>> {
        let order = self.inner.next_order()?;
        if self.fault == SetAnswersNever && matches!(order, Order::Answer { .. }) { None } else { Some(order) }
    }
    fn deadline(&self) -> Option<Tick> {
        self.inner.deadline()
    }
}

fn run(seed: u64, fault: Fault) {
    let scenario = Scenario::from_seed(seed);
    let common = Common::new(&scenario, 1);
    World::core(
        scenario,
        &common,
        (0, 1),
        None,
        |inner| BadPort { inner, fault, count: seed, again: None },
        &|inner| Box::new(BadDisk { inner, fault, count: seed, kept: None }),
        |inner| BadSet { inner, fault, last: 0 },
    )
    .run();
}

/// The first seed that catches a fault, and what it says.
fn caught(fault: Fault) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| attempt(|| run(seed, fault)).err().map(|why| (seed, why)))
}

#[test]
fn wrappers_without_a_fault_pass() {
    assert_eq!(caught(Nothing), None);
}

#[test]
fn each_planted_fault_is_caught() {
    let faults = [
        DiskForgetsWrites,
        DiskReadsItsNeighbour,
        DiskTearsBlocks,
        DiskMixesUpData,
        DiskLosesOne,
        DiskEndsOneTwice,
        DiskLiesAboutErrors,
        DiskIgnoresFlushAndZeroes,
        PortLosesAReply,
        PortSendsTwice,
        PortKeepsABuffer,
        PortForgetsToSayClosed,
        PortClosesEarly,
        PortGivesAnothersData,
        SetAnswersNever,
        SetWordsSuccess,
        SetConfusesReplies,
        SetWritesTooMuch,
        SetClaimsAborts,
    ];
    for fault in faults {
        let (seed, why) = caught(fault).unwrap_or_else(|| panic!("{fault:?} went unseen in {SEEDS} seeds"));
        println!("{fault:?}: seed {seed}: {}", why.lines().next().unwrap_or_default());
    }
}
