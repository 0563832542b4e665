//! The home's end of a lane.

use super::messages::{FromLane, ToLane};
use super::outlet::{Channel, Outlet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Acquire};

/// The home's end of a lane.
pub struct LaneEnd {
    pub(super) number: u8,
    pub(super) places: usize,
    pub(super) outbox: Outlet<ToLane>,
    pub(super) inbox: Arc<Channel<FromLane>>,
    /// Commands sent, wrapping.
    pub(super) sent: u32,
    /// Exchanges that the lane says are over, wrapping.
    pub(super) ended: Arc<AtomicU32>,
}

impl LaneEnd {
    /// Its number, as in the handles of its CTIOs.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Tells the lane. Nothing is ever lost or overtaken.
    #[inline]
    pub fn push(&mut self, message: ToLane) {
        self.sent = self.sent.wrapping_add(u32::from(matches!(message, ToLane::Command(_))));
        self.outbox.push(message);
    }

    /// What the lane says. An [`Iocb`](FromLane::Iocb) must be put into the base request queue, so ask only when that has room for two
    /// entries.
    #[expect(clippy::should_implement_trait, reason = "an empty ring is not the end of an iteration")]
    #[inline]
    pub fn next(&mut self) -> Option<FromLane> {
        let (message, room_made) = self.inbox.pop();
        self.outbox.wanted |= room_made;
        message
    }

    /// Ends a turn: moves on what waits, and wakes the lane's core if it was told something.
    #[inline]
    pub fn flush(&mut self) {
        self.outbox.flush();
    }

    /// Whether the lane said something, or what waits for it may fit by now.
    pub fn is_pending(&self) -> bool {
        !self.inbox.is_empty() || self.outbox.is_pending()
    }

    /// Commands that were sent and are not over.
    #[inline]
    pub fn open(&self) -> u32 {
        self.sent.wrapping_sub(self.ended.load(Acquire))
    }

    /// Whether one more command has a place.
    #[inline]
    pub fn has_room(&self) -> bool {
        (self.open() as usize) < self.places
    }

    /// The queue was dropped and all that it said was heard.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.inbox) == 1 && self.inbox.is_empty()
    }
}
