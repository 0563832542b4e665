//! An adapter that lies: completions lost, doubled, invented, out of time; pointers that go anywhere. Whatever it does, each order ends
//! at most once, with its own memory, and all of them have ended after a reset.

use crate::chip::Chip;
use crate::rig::*;
use fc::{Arrival, Fc4, Queue, Response, SessionId, Xid};
use qla::lane::ToLane;
use qla::ring::Entry;
use std::collections::HashMap;
use wire::isp::iocb::CtioStatus;

/// A xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    Idle,
    Receiving(u64),
    Sending(u64),
    Ending(u64),
}

struct Open {
    phase: Phase,
    session: u32,
    aborted: bool,
}

struct Game {
    rig: Rig,
    dice: Dice,
    open: HashMap<Xid, Open>,
    session: u32,
    is_up: bool,
    history: Vec<Entry>,
    responses: [Response; 4],
    ends: u64,
}

const PLACES: usize = 12;

impl Game {
    fn new(seed: u64, fc4: Fc4) -> Self {
        let extended = |result| Response::NvmeExtended { result, rsn: 1, transferred: 4096, cqe: [1; 16] };
        let responses = match fc4 {
            Fc4::Fcp => [GOOD, Response::Fcp(check_condition(18)), Response::Fcp(check_condition(40)), GOOD],
            Fc4::Nvme => [Response::Nvme, extended(0), extended(1), Response::Nvme],
        };
        let rig = Rig::new(fc4, PLACES, 16, 16);
        let (dice, open, history) = (Dice(seed), HashMap::new(), Vec::new());
        Self { rig, dice, open, session: 1, is_up: true, history, responses, ends: 0 }
    }

    fn fc4(&self) -> Fc4 {
        if self.responses[0] == Response::Nvme { Fc4::Nvme } else { Fc4::Fcp }
    }

    fn home(&mut self) {
        for _ in 0..self.dice.roll(4) {
            if self.is_up && self.rig.end.has_room() {
                let exchange = self.dice.roll(40) as u32;
                self.rig.end.push(ToLane::Command(command(self.session, exchange)));
            }
        }
        if self.dice.one_in(6) {
            let (exchange, token) = (self.dice.roll(40) as u32, self.dice.roll(100) as u32);
            self.rig.end.push(ToLane::Abort { exchange, token });
        }
        if self.dice.one_in(40) && self.is_up {
            self.rig.end.push(ToLane::SessionDown(SessionId(self.session)));
            self.is_up = false;
        } else if !self.is_up && self.dice.one_in(4) {
            self.session += 1;
            self.is_up = true;
            self.rig.end.push(ToLane::SessionUp(session(self.session, self.fc4())));
        }
        if self.dice.one_in(10) {
            self.rig.now += self.dice.roll(3_000) * MS;
        }
        self.rig.end.flush();
        while self.rig.end.next().is_some() {}
    }

    fn heard(&mut self) {
        for arrival in self.rig.arrivals() {
            match arrival {
                Arrival::Command { xid, session, .. } => {
                    let open = Open { phase: Phase::Idle, session: session.0, aborted: false };
                    assert!(self.open.insert(xid, open).is_none(), "a name twice");
                }
                Arrival::Received { xid, data, .. } => {
                    let open = self.open.get_mut(&xid).expect("an open exchange");
                    assert_eq!(open.phase, Phase::Receiving(data.address()));
                    open.phase = Phase::Idle;
                    self.rig.pool.give(data);
                }
                Arrival::Sent { xid, data, ok } => {
                    let open = self.open.get_mut(&xid).expect("an open exchange");
                    match open.phase {
                        Phase::Sending(address) => {
                            assert_eq!(address, data.address());
                            open.phase = Phase::Idle;
                        }
                        Phase::Ending(address) => {
                            assert_eq!(address, data.address());
                            assert!(!(ok && open.aborted && address != NO_DATA), "swallowed, and said to have left");
                            self.open.remove(&xid);
                            self.ends += 1;
                        }
                        phase => panic!("{phase:?}"),
                    }
                    self.rig.pool.give(data);
                }
                Arrival::Abort { xid } => {
                    let open = self.open.get_mut(&xid).expect("an open exchange");
                    assert!(!std::mem::replace(&mut open.aborted, true), "told twice");
                }
                Arrival::SessionDown { session } => {
                    let of_it = self.open.values().filter(|open| open.session == session.0);
                    assert!(of_it.into_iter().all(|open| open.aborted), "each of its exchanges was aborted before");
                }
                Arrival::SessionUp(_) => {}
                Arrival::Request { .. } => panic!("nobody asked"),
            }
        }
    }

    fn owner(&mut self) {
        let idle: Vec<_> =
            self.open.iter().filter(|(_, open)| open.phase == Phase::Idle).map(|(xid, _)| *xid).collect();
        for xid in idle {
            let what = self.dice.roll(12);
            let data = self.rig.pool.take(if self.dice.one_in(10) { 0 } else { 512 }).expect("memory for all");
            let address = data.address();
            let response = self.responses[self.dice.roll(4) as usize];
            let queue = &mut self.rig.queue;
            let phase = match what {
                0..2 => {
                    queue.receive(xid, 0, data);
                    Phase::Receiving(address)
                }
                2..4 => {
                    queue.transmit(xid, 0, data, None);
                    Phase::Sending(address)
                }
                4..6 => {
                    queue.transmit(xid, 0, data, Some(response));
                    Phase::Ending(address)
                }
                other => {
                    self.rig.pool.give(data);
                    match other {
                        6 => queue.respond(xid, response),
                        7 => queue.terminate(xid),
                        _ => continue,
                    }
                    Phase::Ending(NO_DATA)
                }
            };
            self.open.get_mut(&xid).unwrap().phase = phase;
        }
        for xid in self.open.keys().copied() {
            if self.dice.0 & 0xf == 0 {
                self.rig.queue.cancel(xid);
            }
            self.dice.roll(2);
        }
        self.rig.queue.flush();
    }

    fn adapter(&mut self) {
        let entries = self.rig.chip.take_some(self.dice.roll(6) as usize);
        let mut back = Vec::new();
        for entry in entries {
            self.history.push(entry);
            if !self.dice.one_in(12) && !flags(&entry).no_completion() {
                back.push(self.answer(&entry));
            }
        }
        while self.dice.one_in(4) && !self.history.is_empty() {
            let old = self.history[self.dice.roll(self.history.len() as u64) as usize];
            back.push(self.answer(&old));
        }
        if self.dice.one_in(8) {
            back.push(std::array::from_fn(|_| self.dice.roll(256) as u8));
        }
        if self.dice.one_in(8) && !back.is_empty() {
            let (which, at) = (self.dice.roll(back.len() as u64) as usize, self.dice.roll(64) as usize);
            back[which][at] ^= 1 << self.dice.roll(8);
        }
        self.rig.chip.complete_anyway(&back);
        if self.dice.one_in(100) {
            self.rig.chip.tell_filled(self.dice.roll(24) as u16);
        }
        if self.dice.one_in(100) {
            self.rig.chip.tell_taken(self.dice.roll(24) as u16);
        }
    }

    fn answer(&mut self, entry: &Entry) -> Entry {
        let status = match self.dice.roll(8) {
            0 => CtioStatus::ABORTED,
            1 => CtioStatus::INVALID_RX_ID,
            2 => CtioStatus(self.dice.roll(0x50) as u16),
            _ => CtioStatus::SUCCESS,
        };
        let mut back = if self.dice.one_in(20) { terminated(entry, status) } else { completion(entry, status) };
        if self.dice.one_in(30) {
            back[3] = 4;
        }
        back
    }

    fn reset(&mut self) {
        if self.is_up {
            self.rig.end.push(ToLane::SessionDown(SessionId(self.session)));
            self.is_up = false;
        }
        self.rig.tell(ToLane::Quiesce { generation: 1 });
        self.heard();
        assert!(self.open.values().all(|open| open.phase == Phase::Idle && open.aborted), "all orders have ended");
        let (chip, pair) = Chip::new(&self.rig.arena, 16, 16);
        self.rig.chip = chip;
        self.rig.tell(ToLane::Resume { pair: Some(pair) });
    }

    fn play(mut self) -> u64 {
        for _ in 0..400 {
            self.home();
            self.heard();
            self.owner();
            self.adapter();
            self.heard();
            if self.dice.one_in(60) {
                self.reset();
            }
        }
        self.reset();
        for xid in self.open.keys().copied().collect::<Vec<_>>() {
            self.rig.queue.terminate(xid);
            self.open.get_mut(&xid).unwrap().phase = Phase::Ending(NO_DATA);
        }
        self.heard();
        assert!(self.open.is_empty());
        self.rig.told();
        self.rig.is_clean();
        self.ends
    }
}

/// Address of no memory.
const NO_DATA: u64 = 1;

#[test]
fn a_lying_adapter_ends_nothing_twice_and_loses_nothing() {
    let empty = dma::Data::empty();
    assert_eq!(empty.address(), NO_DATA);
    let mut ends = 0;
    for seed in 1..=60 {
        ends += Game::new(0x9e37_79b9_7f4a_7c15 ^ (seed * 0x1234_5677), Fc4::Fcp).play();
        ends += Game::new(0x2545_f491_4f6c_dd1d ^ (seed * 0x7654_3211), Fc4::Nvme).play();
    }
    assert!(ends > 10_000, "the game is played: {ends}");
}
