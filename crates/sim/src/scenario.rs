//! What a seed stands for.

use crate::chance::Chance;
use crate::command::BLOCK;
use crate::disk::Manner;
use crate::host::{Habit, MOST_BLOCKS};
use dma::Class;
use ring::Tick;

/// Everything that a run depends on.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Where all chance comes from.
    pub seed: u64,
    /// The queues.
    pub habits: Vec<Habit>,
    /// The port's table.
    pub places: usize,
    /// The buffers. With one class, every byte of them is accounted for after every turn.
    pub classes: Vec<Class>,
    /// Disks.
    pub disks: usize,
    /// Blocks of each; few, so that commands meet.
    pub blocks: u64,
    /// What the disks are like.
    pub manner: Manner,
    /// One fetch in so many fails.
    pub fetch_fails: u64,
    /// Which disk is taken away, and when.
    pub detach: Option<(usize, Tick)>,
    /// The longest that a host that behaves may wait for a reply, in nanoseconds.
    pub patience: Tick,
    /// Says what happens on standard error.
    pub trace: bool,
}

impl Scenario {
    /// The scenario of a seed: 2 to 5 queues, up to two of which take no replies, scarce buffers, and in most of them
    /// faults, aborts, losses or a disk that goes.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let stalled = chance.below(3);
        let classes = classes(stalled, &mut chance);
        let faults = chance.once_in(2);
        let mut habits: Vec<Habit> = (0..chance.between(1, 3)).map(|_| habit(&mut chance)).collect();
        habits.extend((0..stalled).map(|_| Habit { backlog: 40, stalled: true, ..habit(&mut chance) }));
        let manner = Manner {
            delay: [0, 5_000, 100_000][chance.below(3) as usize],
            fails: if faults { 16 } else { 0 },
            at_once: [0, 1, 4][chance.below(3) as usize],
            lends: [0, 1, 3][chance.below(3) as usize],
        };
        let disks = chance.between(1, 3) as usize;
        let detach = chance.once_in(3).then(|| (chance.below(disks as u64) as usize, chance.below(1_000_000)));
        let (blocks, patience, places) = (chance.between(16, 48), 20_000_000, chance.between(8, 48) as usize);
        // A stalled host must leave places for the others.
        let places = places + 40 * stalled as usize;
        let fetch_fails = if faults { 32 } else { 0 };
        Self { seed, habits, places, classes, disks, blocks, manner, fetch_fails, detach, patience, trace: false }
    }

    /// A quiet scenario without end, for measurements: one disk, everything that a command can be.
    pub fn steady(seed: u64) -> Self {
        let habit =
            Habit { backlog: u32::MAX, window: 16, stalled: false, delay: 2_000, aborts: 32, losses: 0, plain: false };
        let manner = Manner { delay: 2_000, fails: 64, at_once: 2, lends: 3 };
        let classes = vec![Class { size: 4096, count: 8 }, Class { size: 8192, count: 8 }];
        Self {
            seed,
            habits: vec![habit; 3],
            places: 48,
            classes,
            disks: 2,
            blocks: 32,
            manner,
            fetch_fails: 64,
            detach: None,
            patience: Tick::MAX / 2,
            trace: false,
        }
    }

    /// Blocks of a command at most.
    pub fn most_blocks(&self) -> u32 {
        let largest = self.classes.iter().map(|class| class.size).max().unwrap_or(0);
        (largest / BLOCK).min(MOST_BLOCKS as u32).min(self.blocks as u32)
    }
}

/// Buffers of one size or of two. Of the largest there are enough that the stalled hosts' shares leave two, which is what a
/// comparison takes.
fn classes(stalled: u64, chance: &mut Chance) -> Vec<Class> {
    let count = ((2 << stalled) + chance.below(6)) as u32;
    let large = Class { size: 8192, count };
    match chance.below(3) {
        0 => vec![Class { size: 4096, count: chance.between(1, 12) as u32 }, large],
        1 => vec![Class { size: 4096, count }],
        _ => vec![large],
    }
}

fn habit(chance: &mut Chance) -> Habit {
    Habit {
        backlog: chance.between(20, 120) as u32,
        window: chance.between(1, 16) as u32,
        stalled: false,
        delay: [0, 3_000, 50_000][chance.below(3) as usize],
        aborts: [0, 0, 10][chance.below(3) as usize],
        losses: [0, 0, 40][chance.below(3) as usize],
        plain: chance.once_in(4),
    }
}
