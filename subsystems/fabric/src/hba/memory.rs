//! Memory of virtual adapters: what stands for the buffers on a board.

use app::RpcError;
use dma::{Arena, Backing, Class, Options, Pool};
use std::sync::{Arc, Mutex, PoisonError};

/// Data on their way between a guest's memory and frames, for each adapter. The largest piece is the largest command: 4 MiB is what
/// Linux 6.16 and later ask for at most, unless a disk says less.
pub(crate) const CLASSES: &[Class] = &[
    Class { size: 4 << 10, count: 512 },
    Class { size: 64 << 10, count: 96 },
    Class { size: 1 << 20, count: 8 },
    Class { size: 4 << 20, count: 2 },
];

/// Ordinary memory, so that no hugepages need be reserved for it. Made when the first adapter is.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Option<Arc<Arena>>>);

impl Memory {
    /// Bytes of one adapter.
    pub(crate) fn bytes() -> u64 {
        Pool::bytes(CLASSES) as u64
    }

    /// The arena.
    fn arena(&self) -> Result<Arc<Arena>, RpcError> {
        let mut arena = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arena) = &*arena {
            return Ok(arena.clone());
        }
        let made = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 });
        let made = made.map_err(|error| RpcError::internal(error.to_string()))?;
        Ok(arena.insert(made).clone())
    }

    /// An adapter's part.
    pub(crate) fn pool(&self) -> Result<Pool, RpcError> {
        Pool::new(&self.arena()?, CLASSES).map_err(|error| RpcError::internal(error.to_string()))
    }
}
