//! RAM disks keep the contract of block devices, with every size of block.

use bdev::contract::{Memory, Options, run};
use bdev::{Bdev, Op, Provisioned, RANGE_BYTES, Status};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Data, Pool};
use ring::Tag;
use std::sync::Arc;
use uuid::Uuid;

fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn device(arena: &Arc<Arena>, block_size: u32, blocks: u64) -> Arc<Malloc> {
    let region = arena.region((blocks * u64::from(block_size)) as usize).unwrap();
    let shape = Shape {
        name: "Malloc0".to_owned(),
        uuid: Uuid::new_v4(),
        block_size,
        physical_block_size: block_size,
        blocks,
        optimal_io_boundary: 0,
    };
    Arc::new(Malloc::new(shape, region))
}

#[test]
fn keeps_the_contract() {
    let arena = arena();
    for block_size in [512, 1024, 4096, 8192, 65_536] {
        let seeds = if block_size <= 4096 { 0..200 } else { 0..40 };
        let options = Options { seeds, memory: Memory::Zeroed, ..Options::default() };
        let report = run(&options, || device(&arena, block_size, 100)).unwrap();
        assert_eq!(report.lent > 0, block_size <= 4096, "{block_size}: {report:?}");
        assert!(report.compared > 1000 && report.removed > 100, "{block_size}: {report:?}");
    }
}

#[test]
fn says_which_blocks_are_zeroes() {
    const BLOCKS: u64 = 1024;
    let arena = arena();
    let disk = device(&arena, 512, BLOCKS);
    let mut pool = Pool::new(&arena, &[Class { size: 4096, count: 2 }]).unwrap();
    let mut queue = disk.channel(4).unwrap();
    let mut data = pool.take(1536).unwrap();
    data.bytes_mut().fill(0);
    data.bytes_mut()[511] = 1;
    data.bytes_mut()[512] = 1;
    let done = queue.submit(Tag::new(0, 1), Op::Write { block: 8, blocks: 3, fua: false }, data).unwrap();
    pool.give(done.data);
    let mut ask = |block, blocks| {
        let data = pool.take(RANGE_BYTES as u32).unwrap();
        let done = queue.submit(Tag::new(0, 2), Op::Provisioning { block, blocks }, data).unwrap();
        assert_eq!(done.status, Status::Ok);
        let told = Provisioned::read(done.data.bytes());
        pool.give(done.data);
        (told.blocks, told.mapped)
    };
    assert_eq!((ask(0, BLOCKS), ask(8, 90), ask(9, 1), ask(10, 2)), ((8, false), (2, true), (1, true), (2, false)));
    assert_eq!(ask(BLOCKS - 1, 1), (1, false));
    assert_eq!(ask(10, BLOCKS - 10), (128, false), "so many are looked at for one question");
}

#[test]
fn long_clearing_goes_on_turn_by_turn_and_can_be_cancelled() {
    const BLOCKS: u64 = 16 << 11; // 16 MiB
    let arena = arena();
    let disk = device(&arena, 512, BLOCKS);
    let mut pool = Pool::new(&arena, &[Class { size: 512, count: 1 }]).unwrap();
    let mut queue = disk.channel(4).unwrap();
    let mut data = pool.take(512).unwrap();
    data.bytes_mut().fill(7);
    let write = Op::Write { block: BLOCKS - 1, blocks: 1, fua: false };
    let mut data = queue.submit(Tag::new(0, 1), write, data).unwrap().data;

    let clear = Op::WriteZeroes { block: 0, blocks: BLOCKS, unmap: false, fua: false };
    assert!(queue.submit(Tag::new(1, 1), clear, Data::empty()).is_none());
    assert_eq!(queue.deadline(), Some(0));
    queue.cancel(Tag::new(1, 1));
    let done = queue.next().unwrap();
    assert_eq!((done.tag, done.status), (Tag::new(1, 1), Status::Aborted));
    let read = Op::Read { block: BLOCKS - 1, blocks: 1 };
    data = queue.submit(Tag::new(0, 2), read, data).unwrap().data;
    assert!(data.bytes().iter().all(|byte| *byte == 7), "the cancelled clearing went on");

    assert!(queue.submit(Tag::new(1, 2), clear, Data::empty()).is_none());
    let turns = (0..100).position(|now| {
        queue.turn(now);
        queue.next().is_some_and(|done| done.status == Status::Ok)
    });
    assert!((8..32).contains(&turns.unwrap()), "{turns:?}");
    data = queue.submit(Tag::new(0, 3), read, data).unwrap().data;
    assert!(data.bytes().iter().all(|byte| *byte == 0));
    assert_eq!((queue.deadline(), queue.next().is_none()), (None, true));
    pool.give(data);
}

#[test]
fn removal_ends_long_clearing_and_loans() {
    let arena = arena();
    let disk = device(&arena, 512, 16 << 11);
    let mut queue = disk.channel(4).unwrap();
    let read = Op::Read { block: 0, blocks: 8 };
    let loan = queue.lend(read).unwrap();
    let clear = Op::WriteZeroes { block: 0, blocks: 16 << 11, unmap: true, fua: false };
    assert!(queue.submit(Tag::new(0, 1), clear, Data::empty()).is_none());
    disk.removed();
    drop(disk);
    queue.turn(0);
    assert_eq!(queue.next().unwrap().status, Status::Removed);
    assert!(queue.lend(read).is_none());
    drop(queue);
    // The loan keeps the memory.
    let mut bytes = [1; 4096];
    loan.copy_to(0, &mut bytes);
    assert_eq!(bytes, [0; 4096]);
}
