//! What the machine costs for each exchange, with a port and a command set that do next to nothing and a device that does
//! nothing behind `dyn Channel`. Prints one JSON object. The port's own work (a table, a list of what is due) is in it.
//!
//! `cost [seconds for each case]`

use bdev::{Channel, Done, Meter, Op, Status};
use dma::{Arena, Backing, Class, Data, Options, Pool, Region};
use exchange::{CommandSet, Event, Group, Order, Outcome, Plan, Port};
use nix::time::{ClockId, clock_gettime};
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

/// As large as a command capsule.
type Command = [u64; 8];
type Reply = [u64; 2];

const BYTES: u32 = 4096;

/// One queue that keeps `depth` commands out. Everything is over as soon as it is flushed.
struct Wire {
    lends: bool,
    /// 0 reads, 1 writes, 2 both in turn.
    kind: u64,
    idle: Vec<u32>,
    due: VecDeque<Event<Command, ()>>,
    /// Commands that come in this turn still.
    quota: usize,
    over: u64,
}

impl Port for Wire {
    type Command = Command;
    type Reply = Reply;
    type Origin = ();

    #[inline]
    fn next(&mut self, _now: Tick) -> Option<Event<Command, ()>> {
        if let Some(event) = self.due.pop_front() {
            if let Event::Sent { tag, .. } = &event {
                self.idle.push(tag.index() as u32);
                self.over += 1;
            }
            return Some(event);
        }
        if self.quota == 0 {
            return None;
        }
        self.quota -= 1;
        let place = self.idle.pop()?;
        let kind = if self.kind == 2 { self.over % 2 } else { self.kind };
        Some(Event::Command { tag: Tag::new(place, 0), queue: 0, command: [kind, 0, 0, 0, 0, 0, 0, u64::from(place)] })
    }
    #[inline]
    fn fetch(&mut self, tag: Tag, data: Data) {
        self.due.push_back(Event::Fetched { tag, data, ok: true });
    }
    #[inline]
    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        black_box(&reply);
        self.due.push_back(Event::Sent { tag, data });
    }
    #[inline]
    fn reply(&mut self, tag: Tag, reply: Reply) {
        black_box(&reply);
        self.due.push_back(Event::Sent { tag, data: Data::empty() });
    }
    fn cancel(&mut self, _tag: Tag) {}
    fn close(&mut self, _queue: u32) {}
    fn flush(&mut self) {
        self.quota = self.idle.len();
    }
    fn places(&self) -> usize {
        self.idle.capacity()
    }
    #[inline]
    fn lends(&self, _tag: Tag) -> bool {
        self.lends
    }
}

/// Done at once, or in the next turn.
struct Null {
    at_once: bool,
    memory: Region,
    done: VecDeque<Done>,
}

impl Channel for Null {
    fn submit(&mut self, tag: Tag, _op: Op, data: Data) -> Option<Done> {
        let done = Done { tag, status: Status::Ok, data };
        if self.at_once {
            return Some(done);
        }
        self.done.push_back(done);
        None
    }
    fn lend(&mut self, _op: Op) -> Option<Data> {
        Some(self.memory.lend(0, BYTES))
    }
    fn cancel(&mut self, _tag: Tag) {}
    fn reset(&mut self) {}
    fn turn(&mut self, _now: Tick) {}
    fn next(&mut self) -> Option<Done> {
        self.done.pop_front()
    }
    fn bell(&mut self) {}
}

struct Plain(Tag);

impl CommandSet for Plain {
    type Command = Command;
    type Reply = Reply;
    type Origin = ();

    #[inline]
    fn plan(&mut self, _tag: Tag, command: &Command, _now: Tick) -> Plan<Reply> {
        let (block, blocks) = (command[7] * 8, 8);
        let op = if command[0] == 0 { Op::Read { block, blocks } } else { Op::Write { block, blocks, fua: false } };
        Plan::Io { target: self.0, op, len: BYTES }
    }
    fn answer(&mut self, _tag: Tag, _command: &Command, _data: &mut [u8]) -> Reply {
        [0; 2]
    }
    fn taken(&mut self, _tag: Tag, _command: &Command, _data: &mut [u8], _now: Tick) -> Plan<Reply> {
        Plan::Reply([0; 2])
    }
    #[inline]
    fn reply(&mut self, _tag: Tag, command: &Command, outcome: Outcome) -> Reply {
        [command[7], u64::from(outcome != Outcome::Done(Status::Ok))]
    }
    fn unpark(&mut self, _tag: Tag) {}
    fn id(&self, command: &Command) -> u32 {
        command[7] as u32
    }
    fn abort_ended(&mut self, _token: u64, _aborted: bool) {}
    fn opened(&mut self, _queue: u32, (): (), _now: Tick) {}
    fn closed(&mut self, _queue: u32) {}
    fn turn(&mut self, _now: Tick) {}
    #[inline]
    fn next_order(&mut self) -> Option<Order<Reply>> {
        None
    }
    fn deadline(&self) -> Option<Tick> {
        None
    }
}

struct Case {
    name: &'static str,
    kind: u64,
    lends: bool,
    at_once: bool,
}

const CASES: [Case; 5] = [
    Case { name: "read_pool", kind: 0, lends: false, at_once: true },
    Case { name: "read_lent", kind: 0, lends: true, at_once: true },
    Case { name: "write", kind: 1, lends: false, at_once: true },
    Case { name: "half_writes", kind: 2, lends: false, at_once: true },
    Case { name: "half_writes_later", kind: 2, lends: false, at_once: false },
];

fn group(case: &Case, depth: u32) -> Group<Wire, Plain> {
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = Arena::new(options).expect("ordinary memory");
    let classes = [Class { size: 4096, count: 4 * depth }, Class { size: 131_072, count: 4 }];
    let pool = Pool::new(&arena, &classes).expect("ordinary memory");
    let mut due = VecDeque::with_capacity(2 * depth as usize + 2);
    due.push_back(Event::Opened { queue: 0, origin: () });
    let idle = (0..depth).collect();
    let wire = Wire { lends: case.lends, kind: case.kind, idle, due, quota: 0, over: 0 };
    let mut group = Group::new(wire, Plain(Tag::new(0, 0)), pool, 0);
    let memory = arena.region(BYTES as usize).expect("ordinary memory");
    let done = VecDeque::with_capacity(depth as usize + 1);
    let channel: Box<dyn Channel> = black_box(Box::new(Null { at_once: case.at_once, memory, done }));
    group.set.0 = group.attach(channel, [Meter::default()].into());
    group
}

/// Time that this thread was on a processor: on a shared machine, time that others had does not count.
fn on_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every Linux has this clock").into()
}

/// Nanoseconds of processor time for each exchange: the least of ten parts of the time, and their median.
fn measure(case: &Case, depth: u32, time: Duration) -> (f64, f64) {
    let mut group = group(case, depth);
    let mut now = 0;
    let mut part = |time: Duration| {
        let (start, before) = (on_cpu(), group.port.over);
        while on_cpu() - start < time {
            for _ in 0..256 {
                now += 1000;
                group.poll(now);
            }
        }
        (on_cpu() - start).as_nanos() as f64 / (group.port.over - before) as f64
    };
    part(time / 10);
    let mut parts: Vec<f64> = (0..10).map(|_| part(time / 10)).collect();
    parts.sort_by(f64::total_cmp);
    (parts[0], parts[5])
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).map_or(1.0, |text| text.parse().expect("seconds"));
    let mut rows = Vec::new();
    for case in &CASES {
        for depth in [1, 32, 128] {
            let (least, median) = measure(case, depth, Duration::from_secs_f64(seconds));
            let name = case.name;
            rows.push(format!(
                r#"    {{"case": "{name}", "depth": {depth}, "ns_least": {least:.1}, "ns_median": {median:.1}}}"#
            ));
        }
    }
    println!("{{\n  \"what\": \"ns of processor time per exchange\",\n  \"cases\": [\n{}\n  ]\n}}", rows.join(",\n"));
}
