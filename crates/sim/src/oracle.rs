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
    /// For each port: since when its oldest open command is, or longer.
    oldest: Vec<Step>,
}

impl Oracle {
    /// Disks full of zeroes, for so many ports.
    pub fn new(disks: usize, blocks: u64, ports: usize) -> Self {
        let zero = Entry { value: 0, serial: 0, ended: 0, superseded: NEVER };
        // Room for more than may ever be open, so that a measured turn does not allocate here.
        let block = || {
            let mut entries = Vec::with_capacity(256);
            entries.push(zero);
            entries
        };
        let disk = || (0..blocks).map(|_| block()).collect();
        Self { disks: (0..disks).map(|_| disk()).collect(), step: 0, oldest: vec![NEVER; ports] }
    }

    /// A moment after all others.
    pub fn step(&mut self) -> Step {
        self.step += 1;
        self.step
    }

    /// A host of a port sends a command. Returns the moment.
    pub fn invoke(&mut self, port: usize, command: &Command) -> Step {
        let invoked = self.step();
        self.oldest[port] = self.oldest[port].min(invoked);
        for block in command.range() {
            if let Some(value) = command.leaves(block) {
                let entry = Entry { value, serial: command.serial, ended: NEVER, superseded: NEVER };
                self.disks[command.disk][block as usize].push(entry);
            }
        }
        invoked
    }

    /// A command is over; `acknowledged`: its host was told that it is done. `oldest`: since when the port's
    /// oldest open command is.
    pub fn end(&mut self, port: usize, command: &Command, invoked: Step, acknowledged: bool, oldest: Step) {
        let now = self.step();
        self.oldest[port] = oldest;
        let oldest = self.oldest.iter().copied().min().unwrap_or(NEVER);
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
        let mut oracle = Oracle::new(1, 8, 1);
        let (a, b) = (write(1), write(2));
        let start_a = oracle.invoke(0, &a);
        let reading = oracle.step();
        assert!(oracle.may_be(0, 3, 0, reading) && oracle.may_be(0, 3, stamp(1, 3), reading));
        oracle.end(0, &a, start_a, true, 0);
        let after = oracle.step();
        assert!(oracle.may_be(0, 3, 0, reading), "it may have been read before");
        assert!(!oracle.may_be(0, 3, 0, after) && !oracle.may_differ(0, 3, stamp(1, 3), after));
        let start_b = oracle.invoke(0, &b);
        oracle.end(0, &b, start_b, false, 0);
        let after = oracle.step();
        assert!(oracle.may_be(0, 3, stamp(1, 3), after) && oracle.may_be(0, 3, stamp(2, 3), after));
    }
}
