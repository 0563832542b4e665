//! What a read may return.

use crate::command::Command;

/// A moment in the order of things that hosts see.
pub type Step = u64;

const NEVER: Step = Step::MAX;

/// One value that a block had, has, or may have.
#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u64,
    serial: u64,
    ended: Step,
    /// From when on nobody who starts to read may see it.
    superseded: Step,
}

/// Knows for every block which values are possible.
///
/// A value is impossible for a read that started after a later write was acknowledged, where later means: started after the
/// value's own write had ended. Writes that failed or whose reply was lost may have happened or not.
pub struct Oracle {
    disks: Vec<Vec<Vec<Entry>>>,
    step: Step,
}

impl Oracle {
    /// Disks full of zeroes.
    pub fn new(disks: usize, blocks: u64) -> Self {
        let zero = Entry { value: 0, serial: 0, ended: 0, superseded: NEVER };
        Self { disks: vec![vec![vec![zero]; blocks as usize]; disks], step: 0 }
    }

    /// A moment after all others.
    pub fn step(&mut self) -> Step {
        self.step += 1;
        self.step
    }

    /// A host sends a command. Returns the moment.
    pub fn invoke(&mut self, command: &Command) -> Step {
        let invoked = self.step();
        for block in command.range() {
            if let Some(value) = command.leaves(block) {
                let entry = Entry { value, serial: command.serial, ended: NEVER, superseded: NEVER };
                self.disks[command.disk][block as usize].push(entry);
            }
        }
        invoked
    }

    /// A command is over; `acknowledged`: its host was told that it is done. `oldest`: since when the oldest open command is.
    pub fn end(&mut self, command: &Command, invoked: Step, acknowledged: bool, oldest: Step) {
        let now = self.step();
        for block in command.range() {
            if command.leaves(block).is_some() {
                end_entry(&mut self.disks[command.disk][block as usize], command.serial, invoked, now, acknowledged);
                self.disks[command.disk][block as usize].retain(|entry| entry.superseded >= oldest);
            }
        }
    }

    /// Whether a read of `block` that started at `invoked` may return `value` now.
    pub fn may_be(&self, disk: usize, block: u64, value: u64, invoked: Step) -> bool {
        self.entries(disk, block).any(|entry| entry.value == value && entry.superseded >= invoked)
    }

    /// Whether it may be anything else.
    pub fn may_differ(&self, disk: usize, block: u64, value: u64, invoked: Step) -> bool {
        self.entries(disk, block).any(|entry| entry.value != value && entry.superseded >= invoked)
    }

    /// One value that the block may have.
    pub fn guess(&self, disk: usize, block: u64) -> u64 {
        self.entries(disk, block).filter(|entry| entry.superseded == NEVER).last().map_or(0, |entry| entry.value)
    }

    /// What is known of a block, for a message.
    pub fn describe(&self, disk: usize, block: u64) -> String {
        format!("{:?}", self.disks[disk][block as usize])
    }

    fn entries(&self, disk: usize, block: u64) -> impl Iterator<Item = &Entry> {
        self.disks[disk][block as usize].iter()
    }
}

fn end_entry(entries: &mut [Entry], serial: u64, invoked: Step, now: Step, acknowledged: bool) {
    for entry in entries {
        if entry.serial == serial {
            entry.ended = now;
        } else if acknowledged && entry.ended < invoked {
            entry.superseded = entry.superseded.min(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Kind, stamp};

    fn write(serial: u64) -> Command {
        Command { queue: 0, id: 0, serial, kind: Kind::Write, disk: 0, block: 3, blocks: 1 }
    }

    #[test]
    fn only_a_later_acknowledged_write_makes_a_value_impossible() {
        let mut oracle = Oracle::new(1, 8);
        let (a, b) = (write(1), write(2));
        let start_a = oracle.invoke(&a);
        let reading = oracle.step();
        assert!(oracle.may_be(0, 3, 0, reading) && oracle.may_be(0, 3, stamp(1, 3), reading));
        oracle.end(&a, start_a, true, 0);
        let after = oracle.step();
        assert!(oracle.may_be(0, 3, 0, reading), "it may have been read before");
        assert!(!oracle.may_be(0, 3, 0, after) && !oracle.may_differ(0, 3, stamp(1, 3), after));
        let start_b = oracle.invoke(&b);
        oracle.end(&b, start_b, false, 0);
        let after = oracle.step();
        assert!(oracle.may_be(0, 3, stamp(1, 3), after) && oracle.may_be(0, 3, stamp(2, 3), after));
    }
}
