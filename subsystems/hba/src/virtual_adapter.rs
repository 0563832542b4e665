//! A model of an adapter in this process, for who has none.

use app::RpcError;
use dma::{Arena, Backing, Class, Pool};
use emu::isp::firmware::Settings;
use emu::isp::{Identity, Isp};
use fc::fc2::Limits;
use fc::{Frames, Link, Names};
use pci::Runner;
use reactor::{Poller, Wake};
use ring::Tick;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What is behind the address `virtual`.
pub(crate) type Model = Isp<Box<dyn Link>>;

/// Data on their way between our memory and frames: what stands for the buffers on a board. The largest piece is the largest command.
const CLASSES: &[Class] = &[
    Class { size: 4 << 10, count: 512 },
    Class { size: 64 << 10, count: 96 },
    Class { size: 1 << 20, count: 8 },
    Class { size: 4 << 20, count: 2 },
];

/// Virtual ports (NPIV) beside the physical one.
const VPORTS: u8 = 64;

/// Makes one with these names in its NVRAM. Its buffers are ordinary memory.
pub(crate) fn make(names: Names, link: Box<dyn Link>, frames: Frames) -> Result<Model, RpcError> {
    let arena = Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 });
    let pool = arena.and_then(|arena: Arc<Arena>| Pool::new(&arena, CLASSES));
    let pool = pool.map_err(|error| RpcError::internal(error.to_string()))?;
    let serial = format!("QFC{:010X}", names.port.0 & 0xff_ffff_ffff);
    let identity = Identity { serial, ..Identity::new(names) };
    let speed = identity.board.speed().0;
    Ok(Isp::new(identity, Settings { names, speed, frames, pool, limits: Limits::default(), vports: VPORTS }, link))
}

/// The model's side of such an adapter, on a core.
pub(crate) struct ModelPoller {
    name: String,
    runner: Runner<Model>,
}

impl ModelPoller {
    pub(crate) fn new(name: &str, runner: Runner<Model>) -> Self {
        Self { name: format!("model_{name}"), runner }
    }
}

impl Poller for ModelPoller {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Tick) -> usize {
        self.runner.poll(now)
    }

    /// The driver's accesses are seen at the descriptor; the link's other end wakes this core.
    fn wake(&mut self) -> Wake {
        if self.runner.is_pending() {
            return Wake::Ready;
        }
        self.runner.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.runner.fd())
    }
}
