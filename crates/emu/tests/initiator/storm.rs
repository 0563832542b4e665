//! A fabric that loses, delays, doubles and reorders frames, with aborts and link bounces on top: whatever happens, each command ends
//! exactly once, what is told as a success is one, and memory comes home.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::{pattern, plot};
use fabric::{Action, Match, Rule};
use std::collections::HashMap;
use wire::U32;
use wire::isp::iocb::*;

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What was sent under a handle: where its data go, or nothing if it is no read; and how often it ended.
struct Sent {
    read: Option<(u64, u32)>,
    ended: u32,
}

struct Storm {
    san: San,
    chance: Chance,
    sent: HashMap<u32, Sent>,
    aborts: HashMap<u32, u32>,
    good: usize,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut san = San::ready_with(limits(), 16);
        let actions = [Action::Drop, Action::Delay { ns: 30 * MS }, Action::Duplicate, Action::Reorder];
        for (action, n) in actions.into_iter().zip(0..) {
            let seed = seed * 10 + n;
            san.switch.inject(Rule { matches: Match::default(), action, count: None, probability: 0.01, seed });
        }
        Self { san, chance: Chance(seed), sent: HashMap::new(), aborts: HashMap::new(), good: 0 }
    }

    fn command(&mut self) {
        let (handle, slot) = (self.san.handle(), self.sent.len() as u64 % 64);
        let at = 0x10_000 + slot * 0x1_0000;
        let len = 1 + self.chance.below(60_000) as u32;
        let read = self.chance.below(2) == 0;
        let mut cdb = [0; 16];
        cdb[1] = if self.chance.below(16) == 0 { plot::HANG } else { plot::PLAIN };
        if read {
            self.san.memory.put(at, &vec![0; len as usize]);
        }
        let segment = Dsd64::new(BASE + at, len);
        let mut entries = command(handle, &cdb, if read { 2 } else { 1 }, len, &[segment]);
        Command7::of_mut(&mut entries[0]).timeout.set(1 + self.chance.below(5) as u16);
        self.sent.insert(handle.get(), Sent { read: read.then_some((at, len)), ended: 0 });
        self.san.send(0, &entries);
    }

    fn abort(&mut self) {
        let victim = self.san.handles - self.chance.below(5) as u32;
        let mut abort = Abort { handle: self.san.handle(), handle_to_abort: U32::new(victim), ..Abort::new() };
        abort.nport_handle.set(DISK);
        self.aborts.insert(abort.handle.get(), 0);
        self.san.send(0, &[*abort.entry()]);
    }

    /// Looks at what came back.
    fn check(&mut self) {
        for entries in self.san.responses(0) {
            let status = Status::of(&entries[0]);
            let handle = status.handle.get();
            match entries[0][0] {
                0x03 => {
                    let sent = self.sent.get_mut(&handle).expect("it was sent");
                    sent.ended += 1;
                    if (status.comp_status.get(), status.scsi_status.get()) == (0, 0) {
                        self.good += 1;
                        if let Some((at, len)) = sent.read {
                            assert!(self.san.memory.get(at, len as usize) == pattern(len as usize));
                        }
                    }
                }
                0x33 => *self.aborts.get_mut(&handle).expect("it was sent") += 1,
                _ => {}
            }
        }
    }

    fn run(&mut self) {
        for turn in 0..150 {
            for _ in 0..self.chance.below(4) {
                self.command();
            }
            if self.chance.below(6) == 0 {
                self.abort();
            }
            if turn == 70 {
                self.san.mailbox(&[(0, 0x72)]);
            }
            if turn % 40 == 39 || turn > 75 && turn % 8 == 0 {
                // What was lost is logged in again, as a driver does it.
                let disk = self.san.disk();
                let login = LoginLogout { handle: self.san.handle(), ..order(DISK, disk, 0x0010) };
                self.san.send(0, &[*login.entry()]);
            }
            self.san.pass(15);
            self.check();
        }
        self.san.switch.inject_clear(None);
        self.san.sleep(90);
        self.check();
    }
}

#[test]
fn every_command_ends_once() {
    for seed in 1..5 {
        let mut storm = Storm::new(seed);
        storm.run();
        let wrong: Vec<_> = storm.sent.iter().filter(|(_, sent)| sent.ended != 1).map(|(handle, _)| handle).collect();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:x?}");
        assert!(storm.aborts.values().all(|count| *count == 1), "seed {seed}");
        assert!(storm.good > 20, "seed {seed}: {} of {}", storm.good, storm.sent.len());
    }
}
