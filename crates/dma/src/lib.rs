//! Memory that devices and sockets read and write: where it comes from, who holds it, and handles of it.
//!
//! - Owns: [`Arena`] (all the memory of the process for data), [`Region`] (RAM that several cores touch at once),
//!   [`Pool`] (one core's buffers) and [`Data`], the move-only handle of one piece; [`Foreign`] (another process's memory).
//! - For devices: the address of a piece in this process is its address on the bus. [`Watcher`] and [`Part`] tell what there is to map,
//!   [`Window`] is what a device inside the process sees.
//! - In: lengths. Out: pieces, 4 KiB aligned and contiguous, so that O_DIRECT and a device can have them.
//! - Limits: a region is contiguous; a piece is below 4 GiB; a pool has its pieces for life.
//! - Not done: other addresses on the bus than in the process, NUMA nodes, pages above the size of the file system named.
//!
//! # Why unsafe, and what makes it sound
//! Memory is mapped by hand, so this crate deals in raw pointers. Four rules carry all of it:
//! 1. *One kind of access for each extent.* Memory of a pool is reached only through the one [`Data`] that names it, so
//!    ordinary references to it are exclusive. Memory of a region is never the target of a Rust reference: it is only
//!    copied, with accesses that count as atomic (see `copy.rs`). Races between cores on overlapping ranges then give mixed
//!    bytes, as on any RAM disk, and nothing worse.
//! 2. *Nothing moves to a new owner while a handle is out.* A pool that is dropped with pieces out keeps its memory for
//!    ever. A region counts what it has lent (`ledger.rs`: per-thread counters, no locked instruction), and its
//!    memory is only used again when all of that is back.
//! 3. *Mappings stay while anything of them is out.* They end with the arena, which every region and pool keeps alive.
//! 4. *A device is outside of the language.* It writes where it was told to, be it hardware or a model behind a [`Window`]. Its driver
//!    keeps the handle, and borrows nothing of it, from the doorbell to the completion. The window itself only checks that there is memory.
mod arena;
mod backing;
mod copy;
mod data;
mod error;
mod extents;
mod foreign;
mod ledger;
mod mapping;
mod parts;
mod pool;
mod region;
mod window;

pub use arena::{Arena, Options, Usage};
pub use backing::{Backing, Hugepages, hugepages, hugepages_free};
pub use data::Data;
pub use error::Error;
pub use foreign::Foreign;
pub use parts::{Part, Watcher};
pub use pool::{Census, Class, Pool};
pub use region::Region;
pub use window::Window;

/// Alignment of every piece and every region, and the granule in which memory below 2 MiB is given out.
pub const PAGE: usize = 4096;
/// The huge page: granule of regions from this size on.
pub const HUGE_PAGE: usize = 2 << 20;

/// `n` rounded up to a multiple of `granule`.
pub(crate) fn round_up(n: usize, granule: usize) -> usize {
    n.div_ceil(granule) * granule
}
