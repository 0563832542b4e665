//! A lane: one core's share of the commands of one FC-4 type of an adapter's port.
//!
//! - [`QlaQueue`]: on the core; implements [`fc::Queue`] by CTIOs on its own request and response queue, or by the home's. [`LaneEnd`]:
//!   at the home, which reads the ATIO queue and knows the sessions. A ring each way between them; orders wait, never get lost.
//! - Owns: the table of open exchanges, the memory of their orders while the adapter may touch it, the lane's rings.
//! - In: orders, completions, [`ToLane`]. Out: CTIOs, [`fc::Arrival`]s, [`FromLane`].
//! - Limits: [`MOST_PLACES`] exchanges; one data segment for each CTIO, for memory comes in one piece; no allocation, lock or blocking
//!   call for an I/O.
//! - Not done: confirmed completion, sequence retransmission (SRR), protection information.
//!
//! # An exchange
//! owner's order | at the adapter | ends
//! --- | --- | ---
//! receive | CTIO, data out | its completion
//! transmit | CTIO, data in | its completion
//! transmit + response, respond | one CTIO, or data CTIO without completion and status CTIO | completion; after an error: a CTIO "terminate"
//! terminate | CTIO "terminate" | its completion
//!
//! *Aborted* (ABTS, session down): the owner is told; what is at the adapter is called back by a CTIO "terminate", the order ends when
//! both came back, for until then its memory is the adapter's; further orders are swallowed. *Reset*: all orders end at once, as the
//! adapter reaches no memory any more. *Lost* (no completion): the home is told and resets the adapter. A completion counts if its
//! handle is that of a CTIO which is out: late ones, doubles and inventions change nothing.

mod completion;
mod ctio;
mod end;
mod events;
mod exchange;
mod messages;
mod nvme;
mod orders;
mod outlet;
mod queue;
mod table;

pub(crate) use ctio::Refused;
pub use end::LaneEnd;
pub use exchange::{MOST_PLACES, lane_of};
pub use messages::{Command, FromLane, Iocb, Session, ToLane};
pub use queue::{Counters, QlaQueue};

use dma::Arena;
use fc::{Fc4, Wake};
use outlet::{Channel, Outlet};
use std::sync::Arc;

/// What a lane is made with.
pub struct LaneConfig {
    /// In the handles of its CTIOs: bits 23:16. No other lane of the adapter has it.
    pub number: u8,
    /// Its protocol.
    pub fc4: Fc4,
    /// Exchanges that it may have open: from 1 to [`MOST_PLACES`].
    pub places: usize,
    /// Where responses lie that do not fit into an entry.
    pub arena: Arc<Arena>,
    /// Wakes the queue's core.
    pub to_queue: Wake,
    /// Wakes the home.
    pub to_home: Wake,
}

/// Makes both ends of a lane. It has no way to the adapter before [`ToLane::Resume`].
///
/// # Errors
/// There is no memory.
pub fn lane(config: LaneConfig) -> Result<(LaneEnd, QlaQueue), dma::Error> {
    let LaneConfig { number, fc4, places, arena, to_queue, to_home } = config;
    let places = places.clamp(1, MOST_PLACES);
    let responses = arena.region(places * ctio::BUFFER_BYTES)?;
    // More than both sides do in a turn; a command, its CTIOs and their completions, for each place, may wait without an allocation.
    let capacity = (2 * places).clamp(16, 512);
    let most = 4 * places + 16;
    let (down, up) = (Channel::new(capacity), Channel::new(capacity));
    let ended = Arc::default();
    let end = LaneEnd {
        number,
        places,
        outbox: Outlet::new(down.clone(), most, to_queue),
        inbox: up.clone(),
        sent: 0,
        ended: Arc::clone(&ended),
    };
    let outbox = Outlet::new(up, most, to_home);
    let parts = queue::Parts { number, fc4, places, inbox: down, outbox, responses, ended };
    Ok((end, QlaQueue::new(parts)))
}
