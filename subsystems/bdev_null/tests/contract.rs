//! Null devices keep the contract of block devices, and nothing else.

use bdev::Bdev;
use bdev::Op;
use bdev::contract::{Memory, Options, run};
use bdev_null::{Null, Shape, ZEROES};
use dma::{Arena, Backing};
use std::sync::Arc;
use uuid::Uuid;

fn device(arena: &Arc<Arena>, block_size: u32) -> Arc<Null> {
    let shape = Shape {
        name: "Null0".to_owned(),
        uuid: Uuid::new_v4(),
        block_size,
        physical_block_size: block_size,
        blocks: 1 << 40,
    };
    Arc::new(Null::new(shape, arena.region(ZEROES).unwrap()))
}

fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

#[test]
fn keeps_the_contract() {
    let arena = arena();
    for block_size in [512, 4096, 65_536] {
        let options = Options { memory: Memory::None, seeds: 0..60, ..Options::default() };
        let report = run(&options, || device(&arena, block_size)).unwrap();
        assert!(report.lent > 100 && report.compared > 1000 && report.removed > 100, "{report:?}");
    }
}

#[test]
fn lends_up_to_its_region_and_grows() {
    let arena = arena();
    let disk = device(&arena, 512);
    let mut queue = disk.channel(1).unwrap();
    let read = |blocks| Op::Read { block: 5, blocks };
    assert_eq!(queue.lend(read(2048)).unwrap().len() as usize, ZEROES);
    assert!(queue.lend(read(2049)).is_none() && queue.lend(Op::Flush).is_none());
    disk.resize(1 << 41);
    assert_eq!(disk.info().blocks, 1 << 41);
}
