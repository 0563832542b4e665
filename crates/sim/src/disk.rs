//! A soft disk: a channel that takes its time, changes the order, fails, and hurries when told.

use crate::chance::Chance;
use crate::command::BLOCK;
use bdev::{Channel, Done, Op, Range, Status};
use dma::{Data, Region};
use ring::{Tag, Tick};
use std::cell::RefCell;
use std::rc::Rc;

/// How a disk behaves. «One in `n`» with 0 is never.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The longest that an operation takes, in nanoseconds.
    pub delay: Tick,
    /// One operation in so many fails.
    pub fails: u64,
    /// One in so many is done at once.
    pub at_once: u64,
    /// One read in so many is lent.
    pub lends: u64,
}

struct Io {
    tag: Tag,
    op: Op,
    data: Data,
    due: Tick,
    /// How it will end.
    status: Status,
    hurried: bool,
    /// It took effect when it was submitted.
    early: bool,
}

/// One channel's inside; the checkers look at it.
pub struct Disk {
    manner: Manner,
    medium: Region,
    chance: Chance,
    /// The time as [`Channel::turn`] told it.
    now: Tick,
    /// The time as it is.
    pub clock: Tick,
    staged: Vec<Io>,
    flying: Vec<Io>,
}

/// The channel.
pub struct SoftDisk(Rc<RefCell<Disk>>);

impl Disk {
    /// A channel to `medium` for at most `depth` operations.
    pub fn new(medium: Region, manner: Manner, depth: usize, chance: Chance) -> Rc<RefCell<Disk>> {
        let (staged, flying) = (Vec::with_capacity(depth), Vec::with_capacity(depth));
        Rc::new(RefCell::new(Disk { manner, medium, chance, now: 0, clock: 0, staged, flying }))
    }

    /// The data that it holds.
    pub fn held(&self) -> impl Iterator<Item = (Tag, &Data)> {
        self.staged.iter().chain(&self.flying).map(|io| (io.tag, &io.data))
    }

    /// Checks that nothing submitted was forgotten by the bell.
    pub fn check_between_turns(&self) {
        assert!(self.staged.is_empty(), "the bell was not rung");
    }

    fn start(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        assert_eq!(self.now, self.clock, "submitted without a turn of this moment");
        check_length(op, &data);
        let fails = self.chance.once_in(self.manner.fails);
        let mut io = Io { tag, op, data, due: 0, status: Status::Ok, hurried: false, early: false };
        if fails {
            io.status = if matches!(op, Op::Read { .. }) { Status::ReadError } else { Status::WriteError };
        }
        if self.chance.once_in(self.manner.at_once) {
            return Some(self.end(io));
        }
        io.due = self.now + self.chance.below(self.manner.delay + 1);
        io.early = !fails && self.chance.once_in(2);
        if io.early {
            self.effect(&mut io, u64::MAX);
        }
        self.staged.push(io);
        None
    }

    fn end(&mut self, mut io: Io) -> Done {
        if io.hurried && self.chance.once_in(2) {
            io.status = Status::Aborted;
        }
        if io.status == Status::Ok && !io.early {
            self.effect(&mut io, u64::MAX);
        } else if !io.early {
            // What failed may have changed some of its blocks.
            let some = self.chance.below(4);
            self.effect(&mut io, some);
        }
        Done { tag: io.tag, status: io.status, data: io.data }
    }

    /// Does an operation, or the first `most` blocks of it.
    fn effect(&mut self, io: &mut Io, most: u64) {
        let size = u64::from(BLOCK);
        let bytes = |blocks: u64| (blocks.min(most) * size) as usize;
        let at = |block: u64| (block * size) as usize;
        match io.op {
            Op::Read { block, blocks } => {
                let len = bytes(u64::from(blocks));
                self.medium.read(at(block), &mut io.data.bytes_mut()[..len]);
            }
            Op::Write { block, blocks, .. } => {
                self.medium.write(at(block), &io.data.bytes()[..bytes(u64::from(blocks))]);
            }
            Op::WriteZeroes { block, blocks, .. } => self.medium.zero(at(block), bytes(blocks)),
            Op::Unmap { ranges } => {
                for range in (0..ranges as usize).map(|index| Range::read(io.data.bytes(), index)) {
                    self.medium.zero(at(range.block), bytes(range.blocks));
                }
            }
            Op::Flush | Op::Provisioning { .. } => {}
        }
    }

    fn hurry(&mut self, which: impl Fn(Tag) -> bool) -> usize {
        let now = self.clock;
        let mut count = 0;
        for io in self.staged.iter_mut().chain(&mut self.flying).filter(|io| which(io.tag)) {
            (io.hurried, io.due) = (true, now);
            count += 1;
        }
        count
    }

    fn pop(&mut self) -> Option<Done> {
        // Now and then a disk finds less than there is.
        if self.chance.once_in(8) {
            return None;
        }
        let now = self.now;
        let start = self.chance.place(self.flying.len())?;
        let order = (start..self.flying.len()).chain(0..start);
        let place = order.into_iter().find(|place| self.flying[*place].due <= now)?;
        let io = self.flying.swap_remove(place);
        Some(self.end(io))
    }
}

fn check_length(op: Op, data: &Data) {
    let wanted = match op {
        Op::Read { blocks, .. } | Op::Write { blocks, .. } => blocks * BLOCK,
        Op::Unmap { ranges } => ranges * bdev::RANGE_BYTES as u32,
        Op::Provisioning { .. } => bdev::RANGE_BYTES as u32,
        Op::Flush | Op::WriteZeroes { .. } => 0,
    };
    assert_eq!(data.len(), wanted, "an operation with data of another length: {op:?}");
}

impl SoftDisk {
    /// The channel of a disk.
    pub fn new(disk: Rc<RefCell<Disk>>) -> Self {
        Self(disk)
    }
}

impl Channel for SoftDisk {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        self.0.borrow_mut().start(tag, op, data)
    }

    fn lend(&mut self, op: Op) -> Option<Data> {
        let mut disk = self.0.borrow_mut();
        let Op::Read { block, blocks } = op else { return None };
        let lends = disk.manner.lends;
        let lent = disk.chance.once_in(lends);
        lent.then(|| disk.medium.lend((block * u64::from(BLOCK)) as usize, blocks * BLOCK))
    }

    fn write_now(&mut self, op: Op, bytes: &[u8]) -> Option<Status> {
        let mut disk = self.0.borrow_mut();
        let Op::Write { block, blocks, .. } = op else { return None };
        let lends = disk.manner.lends;
        if !disk.chance.once_in(lends) {
            return None;
        }
        assert_eq!(bytes.len() as u32, blocks * BLOCK, "a write with data of another length");
        let fails = disk.manner.fails;
        if disk.chance.once_in(fails) {
            return Some(Status::WriteError);
        }
        disk.medium.write((block * u64::from(BLOCK)) as usize, bytes);
        Some(Status::Ok)
    }

    fn cancel(&mut self, tag: Tag) {
        let found = self.0.borrow_mut().hurry(|held| held == tag);
        assert_eq!(found, 1, "cancelled something that the channel does not have");
    }

    fn reset(&mut self) {
        self.0.borrow_mut().hurry(|_| true);
    }

    fn turn(&mut self, now: Tick) {
        self.0.borrow_mut().now = now;
    }

    fn next(&mut self) -> Option<Done> {
        self.0.borrow_mut().pop()
    }

    fn bell(&mut self) {
        let disk = &mut *self.0.borrow_mut();
        disk.flying.append(&mut disk.staged);
    }

    fn deadline(&self) -> Option<Tick> {
        let disk = self.0.borrow();
        disk.flying.iter().map(|io| io.due).min()
    }
}

impl Drop for SoftDisk {
    fn drop(&mut self) {
        let empty = self.0.borrow().held().next().is_none();
        assert!(empty || std::thread::panicking(), "a channel was dropped with operations in flight");
    }
}
