//! A device that keeps nothing, and its channel.

use bdev::{Bdev, Channel, Done, Features, Gone, Info, Op, Status};
use dma::{Data, Region};
use ring::{Tag, Tick};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Bytes of the region that all null devices lend from: the largest read that is lent.
pub const ZEROES: usize = 1 << 20;

/// What a device is made like. The caller has checked it: a block size that [`bdev::is_block_size`] takes, at least one block.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Bytes of a block.
    pub block_size: u32,
    /// Bytes that it says it prefers.
    pub physical_block_size: u32,
    /// How many blocks at first.
    pub blocks: u64,
}

/// A device whose blocks are always zero.
pub struct Null {
    shape: Shape,
    blocks: AtomicU64,
    zeroes: Region,
    gone: Gone,
}

impl Null {
    /// A device of that shape; `zeroes` has [`ZEROES`] bytes, and nobody writes to it.
    pub fn new(shape: Shape, zeroes: Region) -> Self {
        assert!(zeroes.len() >= ZEROES, "a region to lend from");
        let blocks = AtomicU64::new(shape.blocks);
        Self { shape, blocks, zeroes, gone: Gone::default() }
    }

    /// Changes its size. The caller tells the registry.
    pub fn resize(&self, blocks: u64) {
        self.blocks.store(blocks, Ordering::Relaxed);
    }
}

impl Bdev for Null {
    fn info(&self) -> Info {
        Info {
            name: self.shape.name.clone(),
            product: "Null disk",
            uuid: self.shape.uuid,
            block_size: self.shape.block_size,
            physical_block_size: self.shape.physical_block_size,
            blocks: self.blocks.load(Ordering::Relaxed),
            features: Features {
                write: true,
                unmap: true,
                unmap_zeroes: true,
                write_zeroes: true,
                volatile_cache: false,
            },
        }
    }

    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        let shift = self.shape.block_size.trailing_zeros();
        Ok(Box::new(Queue { shift, zeroes: self.zeroes.clone(), gone: self.gone.clone() }))
    }

    fn driver_specific(&self) -> Value {
        json!({})
    }

    fn removed(&self) {
        self.gone.set();
    }
}

/// One core's queue. Nothing stays in it.
struct Queue {
    shift: u32,
    zeroes: Region,
    gone: Gone,
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, mut data: Data) -> Option<Done> {
        if self.gone.is_set() {
            return Some(Done { tag, status: Status::Removed, data });
        }
        let status = match op {
            Op::Provisioning { .. } => Status::Unsupported,
            _ => Status::Ok,
        };
        if let Op::Read { .. } = op {
            data.bytes_mut().fill(0);
        }
        Some(Done { tag, status, data })
    }

    fn lend(&mut self, op: Op) -> Option<Data> {
        let Op::Read { blocks, .. } = op else { return None };
        let len = u64::from(blocks) << self.shift;
        let fits = len <= ZEROES as u64 && !self.gone.is_set();
        fits.then(|| self.zeroes.lend(0, len as u32))
    }

    fn write_now(&mut self, op: Op, _bytes: &[u8]) -> Option<Status> {
        let write = matches!(op, Op::Write { .. });
        write.then_some(if self.gone.is_set() { Status::Removed } else { Status::Ok })
    }

    fn cancel(&mut self, _tag: Tag) {}

    fn reset(&mut self) {}

    fn turn(&mut self, _now: Tick) {}

    fn next(&mut self) -> Option<Done> {
        None
    }

    fn bell(&mut self) {}
}
