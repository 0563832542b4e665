//! A device in RAM.

use crate::channel::Queue;
use bdev::{Bdev, Channel, Features, Gone, Info};
use dma::Region;
use serde_json::{Value, json};
use uuid::Uuid;

/// What a device in RAM is made like. The caller has checked it: blocks of a size that [`bdev::is_block_size`] takes, at least one.
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
    /// How many blocks.
    pub blocks: u64,
    /// Where the initiator should not cross, in blocks; kept for `save_config` only, RAM has no such places.
    pub optimal_io_boundary: u32,
}

/// A block device in RAM.
pub struct Malloc {
    shape: Shape,
    region: Region,
    gone: Gone,
}

impl Malloc {
    /// A device of that shape in `region`, which has (at least) its bytes.
    pub fn new(shape: Shape, region: Region) -> Self {
        assert!(region.len() as u64 >= shape.blocks * u64::from(shape.block_size), "a region of the device's size");
        Self { shape, region, gone: Gone::default() }
    }

    /// How it was made.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl Bdev for Malloc {
    fn info(&self) -> Info {
        Info {
            name: self.shape.name.clone(),
            product: "Malloc disk",
            uuid: self.shape.uuid,
            block_size: self.shape.block_size,
            physical_block_size: self.shape.physical_block_size,
            blocks: self.shape.blocks,
            features: Features {
                write: true,
                unmap: true,
                unmap_zeroes: true,
                write_zeroes: true,
                // What was acknowledged is as durable as it will ever be: there is nothing to flush.
                volatile_cache: false,
            },
        }
    }

    fn channel(&self, depth: u32) -> Result<Box<dyn Channel>, String> {
        let queue = Queue::new(self.region.clone(), self.shape.block_size, self.gone.clone(), depth);
        Ok(Box::new(queue))
    }

    fn driver_specific(&self) -> Value {
        json!({})
    }

    fn removed(&self) {
        self.gone.set();
    }
}
