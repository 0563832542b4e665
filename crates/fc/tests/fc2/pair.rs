//! Two engines with a bad link between them: whatever happens to frames, every call ends once, memory comes home, and what is
//! told as a success is one.

use crate::rig::*;
use dma::Data;
use fc::fc2::{Direction, Fc2, Limits, Upcall};
use fc::{Fc4, Frame, FrameBox, Xid};
use ring::Tick;
use std::collections::{BTreeMap, VecDeque};
use wire::fc::RCtl;

const SEEDS: u64 = 1000;
const COMMANDS: u64 = 40;

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
    fn once_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }
}

/// How bad the link is: one frame in so many.
struct Badness {
    lost: u64,
    twice: u64,
    late: u64,
    spoiled: u64,
    /// The link goes down, one turn in so many.
    flap: u64,
    /// Commands are aborted, one turn in so many.
    abort: u64,
}

/// Frames on their way: when they arrive, and in which order otherwise.
#[derive(Default)]
struct Wire {
    frames: BTreeMap<(Tick, u64), FrameBox>,
    count: u64,
}

impl Wire {
    fn send(&mut self, frame: &Frame, now: Tick, bad: &Badness, chance: &mut Chance) {
        if chance.once_in(bad.lost) {
            return;
        }
        let copies = if chance.once_in(bad.twice) { 2 } else { 1 };
        for _ in 0..copies {
            let mut copy = Frame::new(frame.header(), frame.payload());
            let late = if chance.once_in(bad.late) { chance.below(3 * SECOND) } else { 0 };
            // As a frame of an exchange of long ago looks. Not commands: who changes their OX_ID makes two commands one.
            let command = frame.header().r_ctl == RCtl::UNSOLICITED_COMMAND;
            if !command && chance.once_in(bad.spoiled) {
                let header = copy.header_mut();
                match chance.below(4) {
                    0 => header.ox_id = (header.ox_id() ^ 1 << chance.below(16)).into(),
                    1 => header.rx_id = (header.rx_id() ^ 1 << chance.below(16)).into(),
                    2 => header.s_id[2] ^= 1,
                    _ => header.parameter = (header.parameter() ^ 0x8000_0000).into(),
                }
            }
            self.count += 1;
            self.frames.insert((now + 1000 + late, self.count), copy);
        }
    }

    fn due(&mut self, now: Tick) -> Option<FrameBox> {
        let entry = self.frames.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}

/// What the host knows of a command.
struct Sent {
    serial: u64,
    len: u32,
    read: bool,
}

/// What the disk knows.
struct Served {
    serial: u64,
    len: u32,
    read: bool,
    aborted: bool,
}

struct World {
    chance: Chance,
    bad: Badness,
    now: Tick,
    host: Rig,
    disk: Rig,
    wires: [Wire; 2],
    commands: BTreeMap<u64, (Xid, Sent)>,
    served: BTreeMap<u32, Served>,
    /// What the disk does not do at once.
    later: VecDeque<(Tick, Xid)>,
    serial: u64,
    good: u64,
    aborts: u64,
    /// Written data that the disk has whole, by serial number.
    written: BTreeMap<u64, u32>,
}

fn iu(serial: u64, len: u32, read: bool) -> [u8; 32] {
    let mut iu = [0; 32];
    iu[8..16].copy_from_slice(&serial.to_be_bytes());
    iu[16..20].copy_from_slice(&len.to_be_bytes());
    iu[20] = u8::from(read);
    iu
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let mut some = |n: u64| if chance.once_in(3) { 0 } else { n + chance.below(4 * n) };
        let bad = Badness {
            lost: some(30),
            twice: some(20),
            late: some(20),
            spoiled: some(60),
            flap: some(400),
            abort: some(15),
        };
        let limits = Limits { exchanges: 32, reserve: 4, max_burst: 4096, ..Limits::default() };
        let (host, disk) = (Rig::with(limits, 64), Rig::with(limits, 64));
        let (commands, served, written) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (later, wires) = (VecDeque::new(), [Wire::default(), Wire::default()]);
        let (serial, good, aborts, now) = (0, 0, 0, SECOND);
        Self { chance, bad, now, host, disk, wires, commands, served, later, serial, good, aborts, written }
    }

    fn run(mut self) -> (u64, u64) {
        while self.serial < COMMANDS || !self.commands.is_empty() {
            self.begin();
            self.disturb();
            self.move_frames();
            self.serve();
            self.act();
            self.end();
            self.pass_time();
        }
        self.check_end()
    }

    fn begin(&mut self) {
        while self.commands.len() < 8 && self.serial < COMMANDS {
            self.serial += 1;
            let (serial, read) = (self.serial, self.chance.once_in(2));
            let len = 1 + self.chance.below(10_000) as u32;
            let Some(mut data) = self.host.pool.take(len) else { return };
            if read {
                data.bytes_mut().fill(0xee);
            } else {
                data.bytes_mut().iter_mut().zip(serial as u32 * 7..).for_each(|(byte, at)| *byte = paint(at));
            }
            let data = if read { Direction::In(data) } else { Direction::Out(data) };
            let (iu, timeout) = (iu(serial, len, read), (5 + self.chance.below(20)) * SECOND);
            match self.host.engine.command(route(), Fc4::Fcp, &iu, data, timeout, serial, self.now) {
                Ok(xid) => drop(self.commands.insert(serial, (xid, Sent { serial, len, read }))),
                Err((_, data)) => {
                    self.host.pool.give(data.into_data());
                    self.serial -= 1;
                    return;
                }
            }
        }
    }

    fn disturb(&mut self) {
        if self.chance.once_in(self.bad.abort)
            && let Some((xid, _)) = self.commands.values().next()
        {
            self.aborts += 1;
            self.host.engine.abort(*xid, self.now);
        }
        if self.chance.once_in(self.bad.flap) {
            self.host.engine.end_all();
            self.disk.engine.end_all();
            self.wires = [Wire::default(), Wire::default()];
        }
    }

    fn move_frames(&mut self) {
        let (now, chance) = (self.now, &mut self.chance);
        for (rig, wire) in [&mut self.host, &mut self.disk].into_iter().zip(&mut self.wires) {
            while let Some(frame) = rig.engine.next_frame(now) {
                wire.send(&frame, now, &self.bad, chance);
                rig.frames.give(frame);
            }
        }
        let [to_disk, to_host] = &mut self.wires;
        deliver(to_disk, &mut self.disk.engine, now);
        deliver(to_host, &mut self.host.engine, now);
    }

    fn serve(&mut self) {
        while let Some(upcall) = self.disk.engine.next() {
            match upcall {
                Upcall::Command { xid, payload, .. } => {
                    let word = |at: usize| u64::from_be_bytes(payload.bytes()[at..at + 8].try_into().unwrap());
                    let (serial, len, read) = (word(8), (word(16) >> 32) as u32, payload.bytes()[20] != 0);
                    self.disk.engine.recycle(payload);
                    self.disk.engine.accept(xid, 512, serial);
                    let before = self.served.insert(xid.0.index() as u32, Served { serial, len, read, aborted: false });
                    assert!(before.is_none(), "a name was given twice");
                    let later = self.now + if self.chance.once_in(4) { self.chance.below(4 * SECOND) } else { 0 };
                    self.later.push_back((later, xid));
                }
                Upcall::Request { xid, payload, .. } => {
                    // RRQ.
                    let id = wire::parse::<wire::fc::els::ExchangeId>(payload.bytes()).copied();
                    self.disk.engine.recycle(payload);
                    if let Some(id) = id {
                        self.disk.engine.rrq(DISK, HOST, id.originator(), id.ox_id(), id.rx_id());
                    }
                    self.disk.engine.answer(xid, 512, &[2, 0, 0, 0]);
                }
                Upcall::Received { xid, context, data, ok } => self.received(xid, context, data, ok),
                Upcall::Sent { xid, data, over, .. } => {
                    self.disk.pool.give(data);
                    assert!(over && self.served.remove(&(xid.0.index() as u32)).is_some(), "ended twice");
                }
                Upcall::Abort { xid, .. } => {
                    let served = self.served.get_mut(&(xid.0.index() as u32)).expect("it is open");
                    assert!(!std::mem::replace(&mut served.aborted, true), "told twice");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn received(&mut self, xid: Xid, serial: u64, data: Data, ok: bool) {
        let served = &self.served[&(xid.0.index() as u32)];
        assert_eq!(served.serial, serial);
        if ok {
            assert!(is_painted(data.bytes(), serial as u32 * 7), "the data of another command");
            self.written.insert(serial, served.len);
        }
        self.disk.pool.give(data);
        let engine = &mut self.disk.engine;
        if ok { engine.respond(xid, good()) } else { engine.terminate(xid) }.expect("it is open");
    }

    /// The disk does what it put off.
    fn act(&mut self) {
        for _ in 0..self.later.len() {
            let Some((due, xid)) = self.later.pop_front() else { return };
            if due > self.now {
                self.later.push_back((due, xid));
                continue;
            }
            let served = &self.served[&(xid.0.index() as u32)];
            let (serial, len, read) = (served.serial, served.len, served.read);
            if served.aborted && self.chance.once_in(2) {
                self.disk.engine.terminate(xid).expect("it is open");
                continue;
            }
            let Some(mut data) = self.disk.pool.take(len) else {
                self.later.push_back((due, xid));
                continue;
            };
            if read {
                data.bytes_mut().iter_mut().zip(serial as u32 * 7..).for_each(|(byte, at)| *byte = paint(at));
                self.disk.engine.transmit(xid, 0, data, Some(good())).expect("it is open");
            } else {
                self.disk.engine.receive(xid, 0, data).expect("it is open");
            }
        }
    }

    fn end(&mut self) {
        while let Some(upcall) = self.host.engine.next() {
            let Upcall::Ended { xid, context, data, result, received, sent } = upcall else { panic!("{upcall:?}") };
            let (name, command) = self.commands.remove(&context).expect("it ended twice");
            assert_eq!((xid, command.serial), (name, context));
            if let Ok(payload) = result {
                self.good += 1;
                assert_eq!((received, sent), if command.read { (command.len, 0) } else { (0, command.len) });
                assert!(is_painted(data.bytes(), context as u32 * 7), "the data of another command");
                assert!(command.read || self.written.contains_key(&context), "a write that nobody has");
                self.host.engine.recycle(payload);
            } else {
                assert!(received <= command.len && sent <= command.len);
            }
            self.host.pool.give(data);
        }
    }

    fn pass_time(&mut self) {
        let waits = self.host.engine.is_pending() || self.disk.engine.is_pending();
        let frames = self.wires.iter().filter_map(|wire| wire.frames.keys().next()).map(|key| key.0).min();
        let later = self.later.iter().map(|(due, _)| *due).min();
        let timers = [self.host.engine.deadline(), self.disk.engine.deadline()];
        let due = timers.into_iter().flatten().chain(frames).chain(later).min();
        self.now = if waits { self.now + 100 } else { due.unwrap_or(self.now).max(self.now + 100) };
        self.host.engine.turn(self.now);
        self.disk.engine.turn(self.now);
    }

    /// Nothing is left after a while.
    fn check_end(mut self) -> (u64, u64) {
        self.bad = Badness { lost: 0, twice: 0, late: 0, spoiled: 0, flap: 0, abort: 0 };
        let end = self.now + 100 * SECOND;
        while self.now < end {
            self.move_frames();
            self.serve();
            self.act();
            self.end();
            self.pass_time();
            if self.host.engine.deadline().is_none() && self.disk.engine.deadline().is_none() && self.later.is_empty() {
                break;
            }
        }
        assert!(self.served.is_empty(), "the disk has commands still");
        assert_eq!((self.host.engine.open(), self.disk.engine.open()), (0, 0), "exchanges are left");
        assert!(self.host.pool.is_whole() && self.disk.pool.is_whole(), "memory is away");
        for rig in [&mut self.host, &mut self.disk] {
            assert!(!rig.engine.is_pending());
        }
        (self.good, self.aborts)
    }
}

fn deliver(wire: &mut Wire, engine: &mut Fc2, now: Tick) {
    while let Some(frame) = wire.due(now) {
        engine.arrive(frame, now);
    }
}

#[test]
fn whatever_happens_to_frames_every_call_ends_once() {
    let (mut good, mut aborts) = (0, 0);
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        let (well, aborted) = run.unwrap_or_else(|_| panic!("seed {seed}"));
        (good, aborts) = (good + well, aborts + aborted);
    }
    assert!(good > SEEDS * COMMANDS / 3 && aborts > SEEDS, "the runs did something: {good} {aborts}");
}

#[test]
fn a_good_link_loses_nothing() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        world.bad = Badness { lost: 0, twice: 0, late: 0, spoiled: 0, flap: 0, abort: 0 };
        assert_eq!(world.run().0, COMMANDS);
    }
}
