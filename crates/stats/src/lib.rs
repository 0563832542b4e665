//! What a core counts while it works, readable from any thread without disturbing it.
//!
//! - Owns: [`Counter`], [`Histogram`] (both written by ONE thread) and [`Snapshot`], a plain copy to merge and ask.
//! - In: events and latencies in nanoseconds. Out: sums, percentiles, buckets.
//! - Limits: a histogram is [`BUCKETS`] counters (17.5 KiB); latencies from [`LIMIT`] on share the last bucket.
//! - Not done: rates and time series. Who asks keeps the previous snapshot and takes [`Snapshot::minus`].
//!
//! "Single writer" is a contract, not a safety matter: two writers lose counts, nothing worse.
#![forbid(unsafe_code)]

mod counter;
mod histogram;
mod snapshot;

pub use counter::Counter;
pub use histogram::{BUCKETS, Histogram, LIMIT};
pub use snapshot::Snapshot;
