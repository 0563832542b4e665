//! Delaying devices keep the contract of block devices, and delay.

use bdev::contract::{Memory, Options, run};
use bdev::{Bdev, Channel, Op, Status};
use bdev_delay::{Delay, Kind, Latencies};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Data, Pool};
use ring::Tag;
use std::sync::Arc;
use uuid::Uuid;

const BLOCKS: u64 = 100;
const READ: Op = Op::Read { block: 0, blocks: 1 };

fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn device(arena: &Arc<Arena>, us: [u64; 4]) -> Arc<Delay> {
    let shape = Shape {
        name: "Malloc0".to_owned(),
        uuid: Uuid::new_v4(),
        block_size: 512,
        physical_block_size: 512,
        blocks: BLOCKS,
        optimal_io_boundary: 0,
    };
    let base = Malloc::new(shape, arena.region(BLOCKS as usize * 512).unwrap());
    Arc::new(Delay::new("D0", None, Arc::new(base), Latencies::new(us)))
}

#[test]
fn keeps_the_contract() {
    let arena = arena();
    let options = Options { memory: Memory::Zeroed, ..Options::default() };
    let report = run(&options, || device(&arena, [3, 50, 7, 90])).unwrap();
    assert!(report.compared > 1000 && report.removed > 100 && report.aborted > 100, "{report:?}");
}

/// Submits and says at which time on the channel's clock the ending comes.
fn time(queue: &mut dyn Channel, pool: &mut Pool, op: Op, start: u64) -> u64 {
    let data = if op == Op::Flush { Data::empty() } else { pool.take(512).unwrap() };
    queue.turn(start);
    let mut done = queue.submit(Tag::new(0, 1), op, data);
    let mut now = start;
    while done.is_none() {
        assert!(queue.deadline().is_some_and(|deadline| deadline <= now + 1_000_000));
        queue.turn(now);
        done = queue.next();
        now += 100;
    }
    let done = done.unwrap();
    assert_eq!(done.status, Status::Ok);
    pool.give(done.data);
    now.saturating_sub(start + 100)
}

#[test]
fn each_kind_takes_its_time_and_one_in_a_hundred_more() {
    let arena = arena();
    let disk = device(&arena, [10, 100, 20, 200]);
    let mut queue = disk.channel(1).unwrap();
    let mut pool = Pool::new(&arena, &[Class { size: 512, count: 1 }]).unwrap();
    let write = Op::Write { block: 0, blocks: 1, fua: false };
    for (op, usual, rare) in [(READ, 10_000, 100_000), (write, 20_000, 200_000)] {
        let times: Vec<u64> = (0..4000).map(|n| time(&mut *queue, &mut pool, op, n * 1_000_000)).collect();
        assert!(times.iter().all(|time| *time == usual || *time == rare), "{times:?}");
        let slow = times.iter().filter(|time| **time == rare).count();
        assert!((10..90).contains(&slow), "{slow} of 4000");
    }
    assert_eq!(time(&mut *queue, &mut pool, Op::Flush, 0), 0);
    disk.latencies().set(Kind::AvgRead, 100);
    assert_eq!(time(&mut *queue, &mut pool, READ, 5_000_000_000), 100_000);
}

#[test]
fn what_is_cancelled_ends_at_once_as_aborted() {
    let arena = arena();
    let disk = device(&arena, [1_000_000; 4]);
    let mut queue = disk.channel(4).unwrap();
    let mut pool = Pool::new(&arena, &[Class { size: 512, count: 3 }]).unwrap();
    // A tag beyond the depth: tables of tags are the port's.
    for n in 0..3 {
        assert!(queue.submit(Tag::new(n * 100, 1), READ, pool.take(512).unwrap()).is_none());
        queue.turn(5);
    }
    assert_eq!(queue.deadline(), Some(1_000_000_005));
    queue.cancel(Tag::new(100, 2));
    assert!(queue.next().is_none());
    queue.cancel(Tag::new(100, 1));
    let done = queue.next().unwrap();
    assert_eq!((done.tag, done.status, queue.next().is_none()), (Tag::new(100, 1), Status::Aborted, true));
    pool.give(done.data);
    queue.reset();
    for _ in 0..2 {
        let done = queue.next().unwrap();
        assert_eq!(done.status, Status::Aborted);
        pool.give(done.data);
    }
    assert_eq!(queue.deadline(), None);
}
