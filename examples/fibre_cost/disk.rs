//! The devices, and memory.

use bdev::Bdev;
use dma::{Arena, Backing, Options};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of a block; an I/O is one.
pub const BLOCK: u32 = 4096;

/// Blocks of a device: 64 MiB, more than caches hold.
pub const BLOCKS: u64 = 16_384;

pub fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).expect("memory")
}

/// A device of that kind.
pub fn device(kind: &str, arena: &Arc<Arena>) -> Arc<dyn Bdev> {
    let (name, uuid, block_size, blocks) = (kind.to_owned(), Uuid::from_u128(7), BLOCK, BLOCKS);
    let physical_block_size = BLOCK;
    if kind == "null" {
        let zeroes = arena.region(bdev_null::ZEROES).expect("memory");
        let shape = bdev_null::Shape { name, uuid, block_size, physical_block_size, blocks };
        return Arc::new(bdev_null::Null::new(shape, zeroes));
    }
    let region = arena.region((BLOCKS * u64::from(BLOCK)) as usize).expect("memory");
    let shape = bdev_malloc::Shape { name, uuid, block_size, physical_block_size, blocks, optimal_io_boundary: 0 };
    Arc::new(bdev_malloc::Malloc::new(shape, region))
}
