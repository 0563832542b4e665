//! Everything at once, from a seed: commands with all attributes, task management, aborts, lost nexuses, changed maps, disks
//! and initiators that hold back. Whoever nobody aborted is answered, every function is, and nothing is left.

use crate::compare::{compare_and_write, or_write};
use crate::rig::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const HOMES: u64 = 2;
const NEXUSES: u64 = 3;
const STEPS: u32 = 150;

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What the initiators know of an open task.
#[derive(Clone, Copy, Debug)]
struct Sent {
    core: usize,
    queue: u32,
    is_function: bool,
    /// Something was done that may end it without an answer.
    touched: bool,
}

struct Chaos {
    rig: Rig,
    chance: Chance,
    sent: BTreeMap<u32, Sent>,
    /// Which nexuses are there, by home.
    open: Vec<Vec<bool>>,
    answered: u32,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut rig = Rig::empty(HOMES as usize);
        rig.add_disk(FEATURES);
        rig.add_disk(FEATURES);
        rig.put_node(NodeView { queue_depth: 4, ..node(vec![map(&[(0, 1), (1, 2)])]) });
        let chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let open = vec![vec![false; NEXUSES as usize]; HOMES as usize];
        Self { rig, chance, sent: BTreeMap::new(), open, answered: 0 }
    }

    fn step(&mut self) {
        let core = self.chance.below(HOMES) as usize;
        let queue = self.chance.below(NEXUSES) as u32;
        let is_open = self.open[core][queue as usize];
        match self.chance.below(40) {
            _ if !is_open => self.open(core, queue),
            0 => self.lose(core, queue),
            1 => self.rig.cores[core].port_mut().holds_fetches ^= true,
            2 => self.rig.cores[core].port_mut().holds_replies ^= true,
            3..6 => self.turn_disk(),
            6 => self.remap(),
            7..9 => self.abort(core),
            9..13 => self.manage(core, queue),
            _ => self.command(core, queue),
        }
        self.collect();
    }

    fn open(&mut self, core: usize, queue: u32) {
        // A number is used anew only when its nexus is gone.
        let port = self.rig.cores[core].port();
        if !port.closing.contains(&queue) {
            self.open[core][queue as usize] = true;
            self.rig.open(core, queue);
        }
    }

    fn lose(&mut self, core: usize, queue: u32) {
        self.open[core][queue as usize] = false;
        self.touch(|sent| (sent.core, sent.queue) == (core, queue), true);
        self.rig.cores[core].port_mut().lose(queue);
        self.rig.run();
    }

    fn turn_disk(&mut self) {
        let disk = self.chance.pick(&[1, 2]);
        let (holds, stubborn) = (self.chance.below(2) == 0, self.chance.below(2) == 0);
        let disk = self.rig.disk(disk);
        disk.hold(holds);
        disk.stubborn.store(stubborn, Ordering::Relaxed);
        self.rig.run();
    }

    fn remap(&mut self) {
        let maps: [&[(u16, u32)]; 3] = [&[(0, 1), (1, 2)], &[(0, 2), (1, 1)], &[(1, 1)]];
        let view = Arc::new(NodeView { queue_depth: 4, ..node(vec![map(self.chance.pick(&maps))]) });
        self.rig.ask(|ack| Message::Node { view: view.clone(), ack });
    }

    fn abort(&mut self, core: usize) {
        let of_core: Vec<u32> = self.sent.iter().filter(|(_, sent)| sent.core == core).map(|(id, _)| *id).collect();
        if of_core.is_empty() {
            return;
        }
        let id = self.chance.pick(&of_core);
        if self.rig.cores[core].port_mut().try_abort(id) {
            self.sent.entry(id).and_modify(|sent| sent.touched = true);
            self.rig.run();
        }
    }

    fn manage(&mut self, core: usize, queue: u32) {
        let ids: Vec<u32> = self.sent.keys().copied().chain([1]).collect();
        let id = self.chance.pick(&ids);
        let function = self.chance.pick(&[
            Management::AbortTask { id },
            Management::AbortTaskSet,
            Management::ClearTaskSet,
            Management::LunReset,
            Management::TargetReset,
            Management::QueryTask { id },
            Management::ItNexusReset,
        ]);
        let own = |sent: &Sent| (sent.core, sent.queue) == (core, queue);
        match function {
            Management::AbortTask { .. } => {
                if let Some(sent) = self.sent.get_mut(&id).filter(|sent| own(sent) && !sent.is_function) {
                    sent.touched = true;
                }
            }
            Management::LunReset | Management::TargetReset => self.touch(|_| true, false),
            Management::QueryTask { .. } => {}
            _ => self.touch(own, false),
        }
        let lun = self.chance.below(3) as u16;
        let task = Task { management: Some(function), ..self.rig.task(queue, lun, &[]) };
        self.send(core, task, Vec::new());
    }

    fn touch(&mut self, which: impl Fn(&Sent) -> bool, functions: bool) {
        let touched = self.sent.values_mut().filter(|sent| which(sent) && (functions || !sent.is_function));
        touched.for_each(|sent| sent.touched = true);
    }

    fn command(&mut self, core: usize, queue: u32) {
        // Many of them meet at the first blocks.
        let most = self.chance.pick(&[8, 8, BLOCKS]);
        let lba = self.chance.below(most) as u32;
        let blocks = self.chance.pick(&[1, 8, 128]);
        let (cdb, data_in, sends): (Vec<u8>, u32, usize) = match self.chance.below(14) {
            0..3 => (read10(lba, blocks), u32::from(blocks) * 512, 0),
            3..6 => (write10(lba, blocks), 0, usize::from(blocks) * 512),
            6 => (vec![0x41, 0, 0, 0, 0, lba as u8, 0, 0, 200, 0], 0, 512),
            7 | 8 => (compare_and_write(lba.into(), blocks.min(64) as u8), 0, usize::from(blocks.min(64)) * 1024),
            9 => (or_write(lba.into(), blocks.into()), 0, usize::from(blocks) * 512),
            10 => (vec![0x2e, 2, 0, 0, 0, lba as u8, 0, 0, blocks as u8, 0], 0, usize::from(blocks) * 512),
            11 => (vec![0x2f, 0, 0, 0, 0, lba as u8, 0, 4, 0, 0], 0, 0),
            12 => (vec![0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, lba as u8, 0, 0, 0, 255, 0, 0], 255, 0),
            _ => (vec![0x12, 0, 0, 0, 96, 0], 96, 0),
        };
        let attributes = [Attribute::Simple, Attribute::Simple, Attribute::Ordered, Attribute::HeadOfQueue];
        let attribute = self.chance.pick(&attributes);
        let lun = self.chance.below(3) as u16;
        let task = self.rig.task(queue, lun, &cdb);
        self.send(core, Task { data_in, data_out: sends as u32, attribute, ..task }, vec![7; sends]);
    }

    fn send(&mut self, core: usize, task: Task, sends: Vec<u8>) {
        if self.rig.cores[core].port().open_tasks() >= 60 {
            return;
        }
        let sent = Sent { core, queue: task.queue, is_function: task.management.is_some(), touched: false };
        self.sent.insert(task.id, sent);
        self.rig.start(core, task, sends);
    }

    /// Takes in the answers.
    fn collect(&mut self) {
        for core in &mut self.rig.cores {
            for ended in std::mem::take(&mut core.port_mut().ended) {
                let sent = self.sent.remove(&ended.id).expect("answered once, and only if it was asked");
                assert_eq!(sent.is_function, ended.reply.response.is_some());
                self.answered += 1;
            }
        }
    }

    fn finish(mut self) -> u32 {
        for disk in &self.rig.disks {
            disk.hold(false);
        }
        for core in &mut self.rig.cores {
            let port = core.port_mut();
            (port.holds_fetches, port.holds_replies) = (false, false);
        }
        self.rig.check_quiet();
        self.collect();
        let forgotten: Vec<_> = self.sent.iter().filter(|(_, sent)| !sent.touched).collect();
        assert!(forgotten.is_empty(), "never answered: {forgotten:?}");
        self.answered
    }
}

#[test]
fn whoever_nobody_aborted_is_answered_and_nothing_is_left() {
    let seeds: u64 = std::env::var("QFC_SCSI_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
    let mut answered = 0;
    for seed in 1..=seeds {
        let result = std::panic::catch_unwind(|| {
            let mut chaos = Chaos::new(seed);
            (0..STEPS).for_each(|_| chaos.step());
            chaos.finish()
        });
        answered += result.unwrap_or_else(|panic| {
            eprintln!("that was seed {seed}");
            std::panic::resume_unwind(panic)
        });
    }
    assert!(u64::from(answered) > seeds * 20, "{answered} answers of {seeds} seeds: little happens");
}
