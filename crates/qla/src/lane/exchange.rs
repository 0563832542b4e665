//! An open exchange, and what its CTIOs are called.

use super::Command;
use dma::Data;
use fc::{Response, SessionId, Xid};
use ring::{Tag, Tick};
use wire::fc::PortId;
use wire::isp::iocb::{CTIO_COMPLETION_MARK, CTIO_INTERMEDIATE_MARK, SKIP_HANDLE};

/// Exchanges that a lane may have at most: what a handle has room for.
pub const MOST_PLACES: usize = 2047;

/// Bits of a handle that name the place.
const PLACE_BITS: u32 = 11;

/// Handle of CTIOs whose completion nobody waits for.
pub(crate) const NO_COMPLETION: u32 = SKIP_HANDLE | CTIO_COMPLETION_MARK;

/// The handle of the `turn`th CTIO of a place: the place in bits 10:0, the lane in bits 23:16, and ten bits of the turn in between and
/// above, so that a completion that comes late or twice is not taken for another one's.
#[inline]
pub(super) fn handle(lane: u8, place: usize, turn: u16) -> u32 {
    let (low, high) = (u32::from(turn) & 0x1f, u32::from(turn) >> 5 & 0x1f);
    CTIO_COMPLETION_MARK | high << 24 | u32::from(lane) << 16 | low << PLACE_BITS | place as u32
}

/// The place that a handle names.
#[inline]
pub(super) fn place_of(handle: u32) -> usize {
    (handle & ((1 << PLACE_BITS) - 1)) as usize
}

/// The number of the lane whose CTIO a handle names; `None` when it is no lane's.
#[inline]
pub fn lane_of(handle: u32) -> Option<u8> {
    let is_ours = handle & CTIO_COMPLETION_MARK != 0 && handle != NO_COMPLETION && handle >> 31 == 0;
    is_ours.then_some((handle >> 16) as u8)
}

/// The handle of the data CTIO that goes before the status CTIO `handle`.
#[inline]
pub(super) fn intermediate(handle: u32) -> u32 {
    handle | CTIO_INTERMEDIATE_MARK
}

/// What the owner of an exchange waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Nothing: it is the owner's turn.
    None,
    /// Data of the initiator.
    Receive,
    /// Data for the initiator.
    Transmit,
    /// The response, perhaps with data before it: the exchange is over then.
    End,
    /// The end without a response.
    Terminate,
}

/// The CTIO that ends an exchange without a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kill {
    /// Not wanted.
    No,
    /// Wanted, and not sent yet.
    Wanted,
    /// At the adapter, under this handle.
    Flying(u32),
    /// The adapter has no such exchange any more.
    Done,
}

/// An open exchange.
pub(super) struct Exchange {
    /// Its name; of a free place, the last one's.
    pub xid: Xid,
    pub is_open: bool,
    pub session: SessionId,
    /// The adapter's names: of the peer, the virtual port, the exchange.
    pub handle: u16,
    pub vp: u8,
    pub attribute: u8,
    pub ox_id: u16,
    pub address: u32,
    pub peer: PortId,
    pub order: Order,
    /// The order's memory. Stays here while the adapter may touch it.
    pub data: Data,
    pub offset: u32,
    /// Of an order that waits for room.
    pub response: Option<Response>,
    /// Handle of the order's CTIO at the adapter; 0: there is none.
    pub flying: u32,
    pub kill: Kill,
    /// When the last CTIO went.
    pub since: Tick,
    /// What comes of an order that ends by the kill.
    pub sent: bool,
    /// The owner was told of an abort, or need not be.
    pub aborted: bool,
    /// The adapter said that the initiator aborts it.
    pub forsaken: bool,
    /// It is in the queue of those that wait for room in the ring.
    pub queued: bool,
    /// Its data CTIO failed, the status CTIO is still out.
    pub failed: bool,
    /// The owner wants the receive to end.
    pub cancelled: bool,
    /// Its session is down, and waits for it.
    pub draining: bool,
    /// Aborts that wait for its end.
    pub aborts: u8,
}

impl Exchange {
    /// A place that nothing was ever in.
    pub fn free() -> Self {
        Self {
            xid: Xid(Tag::new(0, 0)),
            is_open: false,
            session: SessionId(0),
            handle: 0,
            vp: 0,
            attribute: 0,
            ox_id: 0,
            address: 0,
            peer: PortId::NONE,
            order: Order::None,
            data: Data::empty(),
            offset: 0,
            response: None,
            flying: 0,
            kill: Kill::No,
            since: 0,
            sent: false,
            aborted: false,
            forsaken: false,
            queued: false,
            failed: false,
            cancelled: false,
            draining: false,
            aborts: 0,
        }
    }

    /// A command begins at this place. What only means something with an order is left as it is.
    #[inline]
    pub fn open(&mut self, xid: Xid, command: &Command) {
        self.xid = xid;
        self.is_open = true;
        self.session = command.session;
        self.handle = command.handle;
        self.vp = command.vp;
        self.attribute = command.attribute;
        self.ox_id = command.ox_id;
        self.address = command.exchange;
        self.peer = command.peer;
        self.order = Order::None;
        self.response = None;
        self.flying = 0;
        self.kill = Kill::No;
        (self.sent, self.aborted, self.forsaken, self.queued) = (false, false, false, false);
        (self.failed, self.cancelled, self.draining) = (false, false, false);
        self.aborts = 0;
    }

    /// Something of it is at the adapter, or about to go there.
    pub fn is_at_adapter(&self) -> bool {
        self.flying != 0 || matches!(self.kill, Kill::Wanted | Kill::Flying(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_say_lane_and_place_and_change_with_each_turn() {
        let mut seen = std::collections::HashSet::new();
        for turn in 0..1024 {
            for (lane, place) in [(1, 0), (255, MOST_PLACES - 1), (7, 1234)] {
                let handle = handle(lane, place, turn);
                assert_eq!((lane_of(handle), place_of(handle)), (Some(lane), place));
                assert_eq!(lane_of(intermediate(handle)), Some(lane));
                assert!(seen.insert(handle));
            }
        }
        for other in [0, SKIP_HANDLE, NO_COMPLETION, 0x0001_0005, u32::MAX] {
            assert_eq!(lane_of(other), None, "{other:#x}");
        }
    }
}
