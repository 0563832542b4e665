//! What blocks may hold, and who holds the reservation.

/// A moment in the order of things that initiators see.
pub type Step = u64;

const NEVER: Step = Step::MAX;

/// A value that a block had, has, or may have.
#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u64,
    serial: u64,
    ended: Step,
    /// From when on nobody who starts to read may see it.
    superseded: Step,
}

/// How a command that writes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// All of it.
    All,
    /// Perhaps some of it.
    Perhaps,
    /// Nothing: it was refused.
    Nothing,
}

/// Blocks of the volumes, and the reservation of the first.
pub struct Model {
    disks: Vec<Vec<Vec<Entry>>>,
    step: Step,
    /// Who holds the reservation, as far as that is known.
    pub holder: Option<Option<usize>>,
    /// Counts what may have changed it.
    pub turns: u64,
    /// Commands about it that are open.
    pub changing: u32,
}

impl Model {
    /// Volumes of zeroes, without a reservation.
    pub fn new(disks: usize, blocks: u64) -> Self {
        let zero = Entry { value: 0, serial: 0, ended: 0, superseded: NEVER };
        let disk = || (0..blocks).map(|_| vec![zero]).collect();
        Self { disks: (0..disks).map(|_| disk()).collect(), step: 0, holder: Some(None), turns: 0, changing: 0 }
    }

    /// A moment after all others.
    pub fn step(&mut self) -> Step {
        self.step += 1;
        self.step
    }

    /// A command is going to leave `value` in a block; several: one of them.
    pub fn may_write(&mut self, disk: usize, block: u64, serial: u64, value: u64) {
        self.disks[disk][block as usize].push(Entry { value, serial, ended: NEVER, superseded: NEVER });
    }

    /// A command that began at `invoked` is over.
    pub fn ended(&mut self, disk: usize, block: u64, serial: u64, invoked: Step, wrote: Wrote) {
        let now = self.step();
        let entries = &mut self.disks[disk][block as usize];
        if wrote == Wrote::Nothing {
            entries.retain(|entry| entry.serial != serial);
            return;
        }
        for entry in entries.iter_mut() {
            if entry.serial == serial {
                entry.ended = now;
            } else if wrote == Wrote::All && entry.ended < invoked {
                entry.superseded = entry.superseded.min(now);
            }
        }
    }

    /// Forgets what nobody can see any more: no open command is older than `oldest`.
    pub fn forget(&mut self, oldest: Step) {
        for block in self.disks.iter_mut().flatten().filter(|block| block.len() > 8) {
            block.retain(|entry| entry.superseded >= oldest);
        }
    }

    /// Whether a read that began at `invoked` may return that.
    pub fn may_be(&self, disk: usize, block: u64, value: u64, invoked: Step) -> bool {
        let entries = &self.disks[disk][block as usize];
        entries.iter().any(|entry| entry.value == value && entry.superseded >= invoked)
    }

    /// What a block may hold now.
    pub fn values(&self, disk: usize, block: u64) -> Vec<u64> {
        let entries = self.disks[disk][block as usize].iter();
        entries.filter(|entry| entry.superseded == NEVER).map(|entry| entry.value).collect()
    }

    /// What is known of a block, for a message.
    pub fn describe(&self, disk: usize, block: u64) -> String {
        format!("{:x?}", self.disks[disk][block as usize])
    }
}
