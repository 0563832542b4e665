//! Tests of durability: the channel on a ring whose medium forgets everything that was not brought to it.

use crate::channel::{Allowed, Queue};
use crate::job::Means;
use crate::queue::Ring;
use bdev::{Channel, Gone, Op, Random, Status};
use dma::{Arena, Backing, Class, Data, Pool};
use os::Completion;
use ring::Tag;
use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;

const BLOCK: usize = 512;
const BLOCKS: usize = 64;

/// What the kernel promises but this one does not keep, to see that the test notices; and what it may do at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nature {
    forgets_sync: bool,
    forgets_dsync: bool,
    /// Moves only a part, interrupts.
    halting: bool,
    no_fallocate: bool,
    /// Every call ends with this error number.
    fails: i32,
    /// The file ends here, in blocks.
    end: Option<u64>,
}

/// A block's content as a number, and when it was put there.
type Content = (u32, u64);

enum Request {
    Read {
        offset: u64,
        part: Range<u32>,
    },
    Write {
        offset: u64,
        part: Range<u32>,
        dsync: bool,
    },
    /// With the cache as it was when the sync was asked for: no later write is promised.
    Sync {
        cache: Vec<Content>,
    },
    Allocate {
        offset: u64,
        len: u64,
    },
}

struct Kernel {
    nature: Nature,
    random: Random,
    cache: Vec<Content>,
    medium: Vec<Content>,
    queue: Vec<(u64, Data, Request)>,
    cancelled: Vec<u64>,
    time: u64,
}

#[derive(Clone)]
struct Fake(Rc<RefCell<Kernel>>);

impl Fake {
    fn new(nature: Nature, seed: u64) -> Self {
        let blank = vec![(0, 0); BLOCKS];
        Self(Rc::new(RefCell::new(Kernel {
            nature,
            random: Random::new(seed),
            cache: blank.clone(),
            medium: blank,
            queue: Vec::new(),
            cancelled: Vec::new(),
            time: 0,
        })))
    }

    fn push(&self, token: u64, data: Data, request: Request) {
        self.0.borrow_mut().queue.push((token, data, request));
    }
}

fn blocks(offset: u64, len: u64) -> Range<usize> {
    (offset as usize / BLOCK)..((offset + len) as usize / BLOCK)
}

impl Kernel {
    fn put(&mut self, block: usize, number: u32, durable: bool) {
        self.time += 1;
        self.cache[block] = (number, self.time);
        if durable && !self.nature.forgets_dsync {
            self.medium[block] = (number, self.time);
        }
    }

    fn complete(&mut self, data: &mut Data, request: Request) -> io::Result<i32> {
        let error = |number| Err(io::Error::from_raw_os_error(number));
        if self.nature.fails != 0 {
            return error(self.nature.fails);
        }
        if self.nature.halting && self.random.one_in(8) {
            return error(libc::EINTR);
        }
        match request {
            Request::Read { offset, part } => {
                let len = self.moved(offset, &part);
                for (n, block) in blocks(offset, len.into()).enumerate() {
                    let at = part.start as usize + n * BLOCK;
                    data.bytes_mut()[at..at + 4].copy_from_slice(&self.cache[block].0.to_le_bytes());
                }
                Ok(len as i32)
            }
            Request::Write { offset, part, dsync } => {
                let len = self.moved(offset, &part);
                for (n, block) in blocks(offset, len.into()).enumerate() {
                    let mut number = [0; 4];
                    data.copy_to(part.start + (n * BLOCK) as u32, &mut number);
                    self.put(block, u32::from_le_bytes(number), dsync);
                }
                Ok(len as i32)
            }
            Request::Sync { cache } => {
                if !self.nature.forgets_sync {
                    let newer = |(medium, cache): (&mut Content, Content)| {
                        if cache.1 > medium.1 {
                            *medium = cache
                        }
                    };
                    self.medium.iter_mut().zip(cache).for_each(newer);
                }
                Ok(0)
            }
            Request::Allocate { .. } if self.nature.no_fallocate => error(libc::EOPNOTSUPP),
            Request::Allocate { offset, len } => {
                blocks(offset, len).for_each(|block| self.put(block, 0, false));
                Ok(0)
            }
        }
    }

    /// How much of a part is moved.
    fn moved(&mut self, offset: u64, part: &Range<u32>) -> u32 {
        let left = self.nature.end.map_or(u64::MAX, |end| (end * BLOCK as u64).saturating_sub(offset));
        let len = u64::from(part.end - part.start).min(left) as u32;
        let blocks = u64::from(len) / BLOCK as u64;
        if self.nature.halting && blocks > 1 { (1 + self.random.below(blocks)) as u32 * BLOCK as u32 } else { len }
    }
}

impl Ring for Fake {
    fn read(&mut self, offset: u64, data: Data, part: Range<u32>, token: u64) {
        self.push(token, data, Request::Read { offset, part });
    }

    fn write(&mut self, offset: u64, data: Data, part: Range<u32>, dsync: bool, token: u64) {
        self.push(token, data, Request::Write { offset, part, dsync });
    }

    fn datasync(&mut self, token: u64) {
        let cache = self.0.borrow().cache.clone();
        self.push(token, Data::empty(), Request::Sync { cache });
    }

    fn fallocate(&mut self, _mode: i32, offset: u64, len: u64, data: Data, token: u64) {
        self.push(token, data, Request::Allocate { offset, len });
    }

    fn cancel(&mut self, token: u64) {
        self.0.borrow_mut().cancelled.push(token);
    }

    fn submit(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Any of those queued, or none for now.
    fn next(&mut self) -> Option<Completion> {
        let mut kernel = self.0.borrow_mut();
        if kernel.queue.is_empty() || kernel.random.one_in(3) {
            return None;
        }
        let among = kernel.queue.len() as u64;
        let place = kernel.random.below(among) as usize;
        let (token, mut data, request) = kernel.queue.swap_remove(place);
        let result = kernel.complete(&mut data, request);
        Some(Completion { token, result, data })
    }

    fn room(&self) -> usize {
        6 - self.0.borrow().queue.len()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A block as the test knows it: what was written to it, in order, and up to where that must be on the medium.
#[derive(Clone, Default)]
struct History {
    numbers: Vec<u32>,
    acknowledged: usize,
    durable: usize,
    busy: bool,
}

struct Flight {
    tag: Tag,
    op: Op,
    blocks: Range<usize>,
    /// For a flush: what was acknowledged when it was submitted.
    promise: Vec<usize>,
}

struct Test {
    fake: Fake,
    queue: Queue<Fake>,
    pool: Pool,
    random: Random,
    history: Vec<History>,
    flights: Vec<Flight>,
    turn: u32,
    flushes: u32,
}

fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn queue(fake: Fake, arena: &Arc<Arena>) -> Queue<Fake> {
    let means = Means { shift: 9, zeroes: arena.region(4096).unwrap(), allocates: true };
    Queue::new(fake, means, Allowed { write: true, unmap: true }, Gone::default(), 16)
}

impl Test {
    fn new(nature: Nature, seed: u64) -> Self {
        let (arena, fake) = (arena(), Fake::new(nature, seed));
        let history = History { numbers: vec![0], ..History::default() };
        Self {
            queue: queue(fake.clone(), &arena),
            fake,
            pool: Pool::new(&arena, &[Class { size: 4096, count: 16 }]).unwrap(),
            random: Random::new(!seed),
            history: vec![history; BLOCKS],
            flights: Vec::new(),
            turn: 0,
            flushes: 0,
        }
    }

    fn submit(&mut self) {
        if self.flights.len() == 16 {
            return;
        }
        self.turn += 1;
        let start = self.random.below(BLOCKS as u64 - 8) as usize;
        let range = start..start + 1 + self.random.below(8) as usize;
        let (block, blocks) = (range.start as u64, range.len() as u64);
        let fua = self.random.one_in(3);
        let op = match self.random.below(8) {
            0 => Op::Flush,
            1 => Op::WriteZeroes { block, blocks, unmap: self.random.one_in(2), fua },
            _ => Op::Write { block, blocks: blocks as u32, fua },
        };
        let range = if op == Op::Flush { 0..0 } else { range };
        if self.history[range.clone()].iter().any(|history| history.busy) {
            return;
        }
        let data = self.fill(op, range.clone());
        let promise = self.history.iter().map(|history| history.acknowledged).collect();
        let tag = Tag::new(self.turn, 0);
        self.flights.push(Flight { tag, op, blocks: range, promise });
        assert!(self.queue.submit(tag, op, data).is_none());
        self.queue.bell();
    }

    fn fill(&mut self, op: Op, range: Range<usize>) -> Data {
        let number = if let Op::Write { .. } = op { self.turn } else { 0 };
        for history in &mut self.history[range.clone()] {
            history.numbers.push(number);
            history.busy = true;
        }
        if number == 0 {
            return Data::empty();
        }
        let mut data = self.pool.take((range.len() * BLOCK) as u32).unwrap();
        data.bytes_mut().chunks_exact_mut(BLOCK).for_each(|block| block[..4].copy_from_slice(&number.to_le_bytes()));
        data
    }

    fn reap(&mut self) {
        self.queue.turn(0);
        while let Some(done) = self.queue.next() {
            assert_eq!(done.status, Status::Ok);
            let place = self.flights.iter().position(|flight| flight.tag == done.tag).unwrap();
            let Flight { op, blocks, promise, .. } = self.flights.swap_remove(place);
            let durable = matches!(op, Op::Write { fua: true, .. } | Op::WriteZeroes { fua: true, .. });
            for history in &mut self.history[blocks] {
                history.busy = false;
                history.acknowledged = history.numbers.len() - 1;
                history.durable = if durable { history.acknowledged } else { history.durable };
            }
            if op == Op::Flush {
                self.flushes += 1;
                self.history
                    .iter_mut()
                    .zip(promise)
                    .for_each(|(history, up_to)| history.durable = history.durable.max(up_to));
            }
            self.pool.give(done.data);
        }
    }

    /// If the power went now: the first block that would hold less than what was promised.
    fn lost(&self) -> Option<usize> {
        let kernel = self.fake.0.borrow();
        let kept = |(history, medium): (&History, &Content)| history.numbers[history.durable..].contains(&medium.0);
        self.history.iter().zip(&kernel.medium).position(|pair| !kept(pair))
    }

    /// A block whose promised content the medium lost at some time.
    fn run(mut self) -> Option<usize> {
        let mut lost = None;
        for step in 0..600 {
            if step < 500 {
                self.submit();
            }
            self.reap();
            lost = lost.or(self.lost());
        }
        while !self.flights.is_empty() {
            self.reap();
        }
        assert!(self.flushes > 5);
        lost
    }
}

#[test]
fn what_was_flushed_or_forced_survives_a_power_cut_at_any_time() {
    for seed in 0..300 {
        for (halting, no_fallocate) in [(false, false), (true, false), (true, true)] {
            let nature = Nature { halting, no_fallocate, ..Nature::default() };
            assert_eq!(Test::new(nature, seed).run(), None, "seed {seed}, {nature:?}");
        }
    }
}

#[test]
fn a_kernel_that_does_not_keep_its_promises_is_noticed() {
    for nature in
        [Nature { forgets_sync: true, ..Nature::default() }, Nature { forgets_dsync: true, ..Nature::default() }]
    {
        assert!((0..20).all(|seed| Test::new(nature, seed).run().is_some()), "{nature:?}");
    }
}

/// How one operation ends on a kernel of that nature.
fn outcome(nature: Nature, op: Op) -> Status {
    let arena = arena();
    let mut pool = Pool::new(&arena, &[Class { size: 4096, count: 1 }]).unwrap();
    let mut queue = queue(Fake::new(nature, 1), &arena);
    let moves = matches!(op, Op::Read { .. } | Op::Write { .. });
    let data = if moves { pool.take(4096).unwrap() } else { Data::empty() };
    assert!(queue.submit(Tag::new(0, 0), op, data).is_none());
    let done = std::iter::repeat_with(|| queue.next()).take(1000).find_map(|done| done).unwrap();
    pool.give(done.data);
    done.status
}

#[test]
fn error_numbers_have_their_meaning_and_the_end_of_the_file_is_an_error() {
    let read = Op::Read { block: 0, blocks: 8 };
    let write = Op::Write { block: 0, blocks: 8, fua: false };
    let ending = Nature { end: Some(4), ..Nature::default() };
    assert_eq!((outcome(ending, read), outcome(ending, write)), (Status::ReadError, Status::WriteError));
    for (fails, read_status, write_status) in [
        (libc::EIO, Status::ReadError, Status::WriteError),
        (libc::ENOSPC, Status::NoSpace, Status::NoSpace),
        (libc::EAGAIN, Status::Busy, Status::Busy),
        (libc::ENODEV, Status::Removed, Status::Removed),
        (libc::EROFS, Status::ReadOnly, Status::ReadOnly),
        (libc::ECANCELED, Status::Aborted, Status::Aborted),
    ] {
        let nature = Nature { fails, ..Nature::default() };
        assert_eq!((outcome(nature, read), outcome(nature, write)), (read_status, write_status), "{fails}");
    }
    let failing = Nature { fails: libc::EIO, ..Nature::default() };
    assert_eq!(outcome(failing, Op::Flush), Status::WriteError, "a flush that failed is not a flush");
}
