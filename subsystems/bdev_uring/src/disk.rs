//! A device on a file.

use crate::channel::{Allowed, Queue};
use crate::job::Means;
use crate::open::{OpenError, Opened, Product, Setup, ZEROES, blocks, open};
use crate::queue::FileRing;
use bdev::{Bdev, Channel, Features, Gone, Info};
use dma::Region;
use serde_json::{Value, json};
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// Operations of one channel that the kernel has at once; more wait in the channel.
const RING: u32 = 1024;

/// A block device on a file or on a block device of the system.
pub struct Disk {
    setup: Setup,
    opened: Opened,
    blocks: AtomicU64,
    zeroes: Region,
    gone: Gone,
}

impl Disk {
    /// Opens what `setup` names. `zeroes` has [`ZEROES`] bytes, and nobody writes to it.
    ///
    /// # Errors
    /// The file is not there, not of the right kind or size, or the block size does not fit it.
    pub fn open(setup: Setup, zeroes: Region) -> Result<Self, OpenError> {
        assert!(zeroes.len() >= ZEROES, "a region to write from");
        let opened = open(&setup)?;
        let blocks = AtomicU64::new(opened.blocks);
        Ok(Self { setup, opened, blocks, zeroes, gone: Gone::default() })
    }

    /// Looks how large it is now, and returns the number of blocks if that has changed. The caller tells the registry.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn rescan(&self) -> io::Result<Option<u64>> {
        let now = blocks(&self.opened.file, self.opened.block_size)?;
        let before = self.blocks.swap(now, Ordering::Relaxed);
        Ok((now != before).then_some(now))
    }

    /// How it was made.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Whether it goes around the page cache.
    pub fn is_direct(&self) -> bool {
        self.opened.direct
    }

    /// Its parameters, as they are given to the method that makes it.
    pub fn params(&self) -> Value {
        let mut params = json!({
            "name": self.setup.name,
            "block_size": self.opened.block_size,
            "filename": self.setup.filename,
            "uuid": self.opened.uuid,
        });
        if self.setup.product == Product::Aio {
            params["readonly"] = self.setup.readonly.into();
            params["fallocate"] = self.setup.fallocate.into();
            params["nowait"] = false.into();
        }
        params
    }
}

impl Bdev for Disk {
    fn info(&self) -> Info {
        let (write, unmap) = (!self.setup.readonly, self.opened.unmap);
        Info {
            name: self.setup.name.clone(),
            product: match self.setup.product {
                Product::Uring => "URING bdev",
                Product::Aio => "AIO disk",
            },
            uuid: self.opened.uuid,
            block_size: self.opened.block_size,
            physical_block_size: self.opened.physical_block_size,
            blocks: self.blocks.load(Ordering::Relaxed),
            features: Features { write, unmap, unmap_zeroes: unmap, write_zeroes: write, volatile_cache: true },
        }
    }

    fn channel(&self, depth: u32) -> Result<Box<dyn Channel>, String> {
        let ring = FileRing::new(self.opened.file.as_fd(), depth.clamp(1, RING))
            .map_err(|error| format!("{}: no io_uring: {error}", self.setup.name))?;
        let means = Means {
            shift: self.opened.block_size.trailing_zeros(),
            zeroes: self.zeroes.clone(),
            allocates: self.setup.fallocate,
        };
        let allowed = Allowed { write: !self.setup.readonly, unmap: self.opened.unmap };
        Ok(Box::new(Queue::new(ring, means, allowed, self.gone.clone(), depth.max(1))))
    }

    fn driver_specific(&self) -> Value {
        match self.setup.product {
            Product::Uring => json!({ "uring": { "filename": self.setup.filename, "direct": self.opened.direct } }),
            Product::Aio => json!({ "aio": {
                "filename": self.setup.filename,
                "block_size_override": self.setup.block_size.is_some_and(|size| size != 0),
                "readonly": self.setup.readonly,
                "fallocate": self.setup.fallocate,
                "nowait": false,
                "direct": self.opened.direct,
            } }),
        }
    }

    fn removed(&self) {
        self.gone.set();
    }
}
