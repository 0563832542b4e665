//! Queues of entries in the host's memory.

mod atio;
mod pointers;
mod request;
mod response;
mod ring;
mod set;

pub use atio::AtioQueue;
pub use pointers::Pointers;
pub use request::{Fetch, RequestQueue};
pub use response::ResponseQueue;
pub use ring::Ring;
pub use set::{Queues, Refused, Wrote};

/// Groups of entries that may wait for room in a response queue before no more requests are taken for it.
pub const MOST_WAITING: usize = 256;
