//! Error devices keep the contract of block devices, and go wrong exactly as they are told.

use bdev::contract::{Memory, Options, run};
use bdev::{Bdev, Channel, Done, Op, Status};
use bdev_error::{ErrorDevice, Injection, Kind};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Data, Pool};
use ring::Tag;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const BLOCKS: u64 = 100;
const READ: Op = Op::Read { block: 1, blocks: 1 };
const WRITE: Op = Op::Write { block: 1, blocks: 1, fua: false };

fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn device(arena: &Arc<Arena>) -> Arc<ErrorDevice> {
    let shape = Shape {
        name: "Malloc0".to_owned(),
        uuid: Uuid::new_v4(),
        block_size: 512,
        physical_block_size: 512,
        blocks: BLOCKS,
        optimal_io_boundary: 0,
    };
    let base = Malloc::new(shape, arena.region(BLOCKS as usize * 512).unwrap());
    Arc::new(ErrorDevice::new(None, Arc::new(base)))
}

fn inject(kind: Kind, num: u32) -> Injection {
    Injection { kind, num, queue_depth: 0, corrupt_offset: 3, corrupt_value: 0x80, sct: 2, sc: 0x81 }
}

struct Bench {
    disk: Arc<ErrorDevice>,
    queue: Box<dyn Channel>,
    pool: Pool,
    turns: u32,
}

impl Bench {
    fn new() -> Self {
        let arena = arena();
        let disk = device(&arena);
        let queue = disk.channel(8).unwrap();
        let pool = Pool::new(&arena, &[Class { size: 512, count: 8 }]).unwrap();
        Self { disk, queue, pool, turns: 0 }
    }

    fn submit(&mut self, op: Op, fill: u8) -> Option<Done> {
        self.turns += 1;
        let mut data = if op == Op::Flush { Data::empty() } else { self.pool.take(512).unwrap() };
        data.bytes_mut().fill(fill);
        self.queue.submit(Tag::new(self.turns, 1), op, data)
    }

    /// The status, and the bytes that came back.
    fn take(&mut self, done: Option<Done>) -> (Status, Vec<u8>) {
        let done = done.expect("it ended");
        let bytes = done.data.bytes().to_vec();
        self.pool.give(done.data);
        (done.status, bytes)
    }

    fn io(&mut self, op: Op, fill: u8) -> (Status, Vec<u8>) {
        let done = self.submit(op, fill);
        self.take(done)
    }
}

#[test]
fn keeps_the_contract_when_nothing_is_injected() {
    let arena = arena();
    let report = run(&Options { memory: Memory::Zeroed, ..Options::default() }, || device(&arena)).unwrap();
    assert!(report.compared > 1000 && report.removed > 100 && report.lent > 100, "{report:?}");
}

#[test]
fn keeps_the_contract_while_operations_are_held_and_resumed() {
    let arena = arena();
    let current = Arc::new(Mutex::new(None::<Arc<ErrorDevice>>));
    let (over, device_now) = (Arc::new(AtomicBool::new(false)), current.clone());
    let stop = over.clone();
    let meddler = std::thread::spawn(move || {
        let mut rounds = 0u32;
        while !stop.load(Relaxed) {
            if let Some(disk) = &*device_now.lock().unwrap() {
                disk.rules().resume();
                disk.rules().all().into_iter().for_each(|rule| rule.set(inject(Kind::Pending, 3)));
                rounds += 1;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        rounds
    });
    let make = || -> Arc<dyn Bdev> {
        let disk = device(&arena);
        *current.lock().unwrap() = Some(disk.clone());
        disk
    };
    let result = run(&Options { memory: Memory::Zeroed, ..Options::default() }, make);
    over.store(true, Relaxed);
    let rounds = meddler.join().unwrap();
    let report = result.unwrap();
    assert!(report.aborted > 20 && rounds > 100, "{report:?}, {rounds} rounds");
}

#[test]
fn fails_as_often_as_it_is_told_and_only_that_kind() {
    let mut bench = Bench::new();
    for (kind, read) in [
        (Kind::Failure, Status::ReadError),
        (Kind::Nomem, Status::Busy),
        (Kind::NvmeFailure, Status::Nvme { sct: 2, sc: 0x81 }),
    ] {
        bench.disk.rules().read.set(inject(kind, 2));
        assert!(bench.queue.lend(READ).is_none(), "a lent read would not fail");
        assert_eq!(bench.io(WRITE, 1).0, Status::Ok);
        assert_eq!((bench.io(READ, 0).0, bench.io(READ, 0).0, bench.io(READ, 0).0), (read, read, Status::Ok));
        assert!(bench.queue.lend(READ).is_some());
    }
    bench.disk.rules().flush.set(inject(Kind::Failure, 1));
    assert_eq!((bench.io(Op::Flush, 0).0, bench.io(Op::Flush, 0).0), (Status::WriteError, Status::Ok));
    bench.disk.rules().write.set(Injection { queue_depth: 1, ..inject(Kind::Failure, 1) });
    assert_eq!(bench.io(WRITE, 1).0, Status::Ok, "nothing is below, so the depth is not reached");
}

#[test]
fn corrupts_one_byte_of_what_is_read_or_written() {
    let mut bench = Bench::new();
    bench.disk.rules().write.set(inject(Kind::CorruptData, 1));
    let (status, bytes) = bench.io(WRITE, 7);
    assert_eq!((status, bytes), (Status::Ok, vec![7; 512]), "the caller's memory is as it was");
    let mut harmed = vec![7; 512];
    harmed[3] ^= 0x80;
    assert_eq!(bench.io(READ, 0), (Status::Ok, harmed.clone()));
    bench.disk.rules().read.set(inject(Kind::CorruptData, 1));
    assert_eq!(bench.io(READ, 0), (Status::Ok, vec![7; 512]), "changed twice");
    assert_eq!(bench.io(READ, 0), (Status::Ok, harmed));
    bench.disk.rules().read.set(Injection { corrupt_offset: 512, ..inject(Kind::CorruptData, 1) });
    assert_eq!(bench.io(READ, 0).0, Status::Ok, "beyond the end nothing is changed");
}

#[test]
fn holds_until_resumed_or_aborted() {
    let mut bench = Bench::new();
    bench.disk.rules().write.set(inject(Kind::Pending, 9));
    for fill in 1..5 {
        assert!(bench.submit(WRITE, fill).is_none());
    }
    bench.queue.turn(7);
    assert!(bench.queue.next().is_none() && bench.queue.deadline() == Some(1_000_007));
    bench.queue.cancel(Tag::new(2, 1));
    assert_eq!(bench.queue.deadline(), Some(0));
    let aborted = bench.queue.next();
    assert_eq!(aborted.as_ref().unwrap().tag, Tag::new(2, 1));
    assert_eq!(bench.take(aborted).0, Status::Aborted);

    bench.disk.rules().resume();
    bench.queue.turn(8);
    for index in [1, 3, 4] {
        let done = bench.queue.next();
        assert_eq!(done.as_ref().unwrap().tag, Tag::new(index, 1));
        assert_eq!(bench.take(done).0, Status::Ok);
    }
    assert_eq!(bench.io(READ, 0).1, [4; 512]);
    assert_eq!(bench.io(WRITE, 6).0, Status::Ok, "nothing more is held");

    bench.disk.rules().write.set(inject(Kind::Pending, 9));
    assert!(bench.submit(WRITE, 8).is_none() && bench.submit(WRITE, 9).is_none());
    bench.queue.reset();
    for _ in 0..2 {
        let done = bench.queue.next();
        assert_eq!(bench.take(done).0, Status::Aborted);
    }
    assert_eq!(bench.io(READ, 0).1, [6; 512]);
    assert!(bench.submit(WRITE, 8).is_none());
    bench.disk.removed();
    bench.queue.turn(9);
    let done = bench.queue.next();
    assert_eq!(bench.take(done).0, Status::Removed);
}
