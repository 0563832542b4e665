//! A lane: one core's [`Queue`] of a software port, and the other end of it on the node's core. A ring each way.
//!
//! Both directions keep their order, always: what does not fit into a ring waits at its end, and all that follows waits
//! behind it. That is what the promises of [`Arrival`] rest on (abort before the session's end, that before its new begin).

use crate::{Arrival, Queue, Response, SessionId, Wake, Xid};
use crossbeam_queue::ArrayQueue;
use dma::Data;
use ring::Tick;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// What a queue wants of its node: the calls of [`Queue`], one for one.
#[derive(Debug)]
pub(crate) enum Order {
    Receive { xid: Xid, offset: u32, data: Data },
    Transmit { xid: Xid, offset: u32, data: Data, response: Option<Response> },
    Respond { xid: Xid, response: Response },
    Terminate { xid: Xid },
    Cancel { xid: Xid },
    Answer { xid: Xid, payload: Box<[u8]> },
    Request { session: SessionId, payload: Box<[u8]> },
    Logout { session: SessionId },
}

/// What both halves of a direction share.
struct Ring<T> {
    items: ArrayQueue<T>,
    /// The sender has more than fitted: who makes room wakes it. Set before it looks again whether there is room, so that
    /// either it sees the room or the receiver sees this.
    stuck: AtomicBool,
}

impl<T> Ring<T> {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { items: ArrayQueue::new(capacity), stuck: AtomicBool::new(false) })
    }

    /// The next item, and whether the sender waits for the room that this made.
    #[inline]
    fn pop(&self) -> (Option<T>, bool) {
        let item = self.items.pop();
        (item, self.stuck.load(SeqCst) && self.stuck.swap(false, SeqCst))
    }
}

/// The sending half of one direction.
struct Outlet<T> {
    ring: Arc<Ring<T>>,
    /// What the ring had no room for, oldest first.
    waiting: VecDeque<T>,
    wake: Wake,
    sent: bool,
}

impl<T> Outlet<T> {
    /// `most` may wait without an allocation; memory that was never used is not there.
    fn new(ring: &Arc<Ring<T>>, most: usize, wake: Wake) -> Self {
        Self { ring: ring.clone(), waiting: VecDeque::with_capacity(most), wake, sent: false }
    }

    #[inline]
    fn push(&mut self, item: T) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(item);
        } else if let Err(item) = self.ring.items.push(item) {
            self.waiting.push_back(item);
            self.ring.stuck.store(true, SeqCst);
        } else {
            self.sent = true;
        }
    }

    /// Moves on what waits and wakes the other side if anything was sent since the last time.
    fn flush(&mut self) {
        while let Some(item) = self.waiting.pop_front() {
            if let Err(item) = self.ring.items.push(item) {
                self.waiting.push_front(item);
                self.ring.stuck.store(true, SeqCst);
                break;
            }
            self.sent = true;
        }
        if std::mem::take(&mut self.sent) {
            (self.wake)();
        }
    }

    /// Something waits that would fit now.
    fn is_pending(&self) -> bool {
        !self.waiting.is_empty() && !self.ring.items.is_full()
    }
}

/// One core's queue of a software port.
pub(crate) struct Lane {
    arrivals: Arc<Ring<Arrival>>,
    orders: Outlet<Order>,
    places: usize,
}

/// The node's end of a [`Lane`].
pub(crate) struct LaneEnd {
    arrivals: Outlet<Arrival>,
    orders: Arc<Ring<Order>>,
}

/// Makes both ends of a lane of at most `places` open exchanges. `to_queue` wakes the queue's core, `to_node` the node's.
pub(crate) fn lane(places: usize, to_queue: Wake, to_node: Wake) -> (LaneEnd, Lane) {
    // More than both sides do in a turn, so that little waits at the ends; no more than that, for a ring's memory is walked through
    // all the time and should stay in a cache.
    let capacity = (2 * places).clamp(16, 512);
    // A command, its data and its end, for each.
    let most = (2 * places).clamp(16, 4096);
    let arrivals = Ring::new(capacity);
    let orders = Ring::new(capacity);
    let end = LaneEnd { arrivals: Outlet::new(&arrivals, most, to_queue), orders: orders.clone() };
    (end, Lane { arrivals, orders: Outlet::new(&orders, most, to_node), places })
}

impl LaneEnd {
    /// Tells the queue.
    #[inline]
    pub fn push(&mut self, arrival: Arrival) {
        self.arrivals.push(arrival);
    }

    /// The queue's next order.
    #[inline]
    pub fn next(&mut self) -> Option<Order> {
        let (order, room_made) = self.orders.pop();
        self.arrivals.sent |= room_made;
        order
    }

    /// Ends a turn.
    pub fn flush(&mut self) {
        self.arrivals.flush();
    }

    /// Whether orders wait, or arrivals that may fit into the ring by now.
    pub fn is_pending(&self) -> bool {
        !self.orders.items.is_empty() || self.arrivals.is_pending()
    }

    /// The queue was dropped and all that it ordered was taken.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.orders) == 1 && self.orders.items.is_empty()
    }
}

impl Queue for Lane {
    #[inline]
    fn next(&mut self, _now: Tick) -> Option<Arrival> {
        let (arrival, room_made) = self.arrivals.pop();
        self.orders.sent |= room_made;
        arrival
    }

    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        self.orders.push(Order::Receive { xid, offset, data });
    }

    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        self.orders.push(Order::Transmit { xid, offset, data, response });
    }

    fn respond(&mut self, xid: Xid, response: Response) {
        self.orders.push(Order::Respond { xid, response });
    }

    fn terminate(&mut self, xid: Xid) {
        self.orders.push(Order::Terminate { xid });
    }

    fn cancel(&mut self, xid: Xid) {
        self.orders.push(Order::Cancel { xid });
    }

    fn answer(&mut self, xid: Xid, payload: Box<[u8]>) {
        self.orders.push(Order::Answer { xid, payload });
    }

    fn request(&mut self, session: SessionId, payload: Box<[u8]>) {
        self.orders.push(Order::Request { session, payload });
    }

    fn logout(&mut self, session: SessionId) {
        self.orders.push(Order::Logout { session });
    }

    fn flush(&mut self) {
        self.orders.flush();
    }

    fn places(&self) -> usize {
        self.places
    }

    fn is_pending(&self) -> bool {
        !self.arrivals.items.is_empty() || self.orders.is_pending()
    }
}

/// What was ordered last still goes out, as far as there is room: an owner that ends may log out and leave.
impl Drop for Lane {
    fn drop(&mut self) {
        self.orders.flush();
    }
}

#[cfg(test)]
mod tests;
