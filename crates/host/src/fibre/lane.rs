//! A queue's way to its port's thread: commands with their memory go there by one ring, and come back by another.

use super::port::{Ended, FcPort, Order};
use crate::queue::Slot;
use crate::{Error, Payload, Result};
use dma::{Class, Data, Pool};
use fc::fc2::{Direction, Failure};
use fc::{Iu, SessionId};
use ring::{Mailbox, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a queue that is dropped waits for its memory.
const HOMECOMING: Duration = Duration::from_secs(5);

/// What the target said to a command, or why nothing that can be believed came.
#[derive(Debug)]
pub struct Response {
    /// The command's place.
    pub slot: Slot,
    /// The response IU.
    pub iu: std::result::Result<Iu, Failure>,
    /// Bytes of data that came, or that were sent.
    pub moved: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Taken,
    Busy,
}

/// See the module.
pub struct Lane {
    port: Arc<FcPort>,
    orders: Sender<Order>,
    ended: Mailbox<Ended>,
    number: u32,
    session: SessionId,
    pool: Pool,
    places: Vec<(Place, Data)>,
    free: Vec<u16>,
    buffer: u32,
}

impl Lane {
    /// A lane of `slots` commands with `buffer` bytes each.
    ///
    /// # Errors
    /// No memory, or the port's thread is gone.
    pub fn open(port: &Arc<FcPort>, session: SessionId, slots: u16, buffer: u32) -> Result<Lane> {
        let memory = |error: dma::Error| Error::Local(error.to_string());
        let mut pool = Pool::new(port.arena(), &[Class { size: buffer, count: u32::from(slots) }]).map_err(memory)?;
        let places = (0..slots).map(|_| (Place::Free, pool.take(buffer).expect("one for each")));
        let places = places.collect();
        let (number, orders, ended) = port.open_lane(usize::from(slots))?;
        let free = (0..slots).rev().collect();
        let port = port.clone();
        Ok(Lane { port, orders, ended, number, session, pool, places, free, buffer })
    }

    /// The port that it belongs to.
    pub fn port(&self) -> &Arc<FcPort> {
        &self.port
    }

    /// A free slot, if there is one.
    pub fn take(&mut self) -> Option<Slot> {
        let slot = self.free.pop()?;
        self.places[usize::from(slot)].0 = Place::Taken;
        Some(Slot(slot))
    }

    /// Gives a slot back.
    pub fn give(&mut self, slot: Slot) {
        let place = &mut self.places[slot.index()].0;
        assert!(*place == Place::Taken, "the slot is the caller's");
        *place = Place::Free;
        self.free.push(slot.0);
    }

    /// The slot's memory.
    pub fn buffer(&self, slot: Slot) -> &[u8] {
        let (place, data) = &self.places[slot.index()];
        assert!(*place == Place::Taken, "the slot is the caller's");
        data.bytes()
    }

    /// The slot's memory.
    pub fn buffer_mut(&mut self, slot: Slot) -> &mut [u8] {
        let (place, data) = &mut self.places[slot.index()];
        assert!(*place == Place::Taken, "the slot is the caller's");
        data.bytes_mut()
    }

    /// Bytes of a slot's memory.
    pub fn buffer_bytes(&self) -> u32 {
        self.buffer
    }

    /// Sends a command. The port's thread is woken.
    #[inline]
    pub fn send(&mut self, slot: Slot, iu: Iu, payload: Payload) {
        let (place, data) = &mut self.places[slot.index()];
        assert!(*place == Place::Taken, "the slot is the caller's");
        assert!(payload.bytes() <= self.buffer, "the buffer holds the data");
        *place = Place::Busy;
        let direction = match payload {
            Payload::None | Payload::Read(0) | Payload::Write(0) => Direction::None,
            Payload::Read(bytes) => Direction::In(shortened(data, bytes)),
            Payload::Write(bytes) => Direction::Out(shortened(data, bytes)),
        };
        self.order(Order::Command { lane: self.number, slot: slot.0, session: self.session, iu, direction });
    }

    /// The ring has room for all commands of a lane; the burst of another may fill it for a moment.
    fn order(&self, mut order: Order) {
        while let Err(ring::Full(back)) = self.orders.send(order) {
            order = back;
            std::thread::yield_now();
        }
    }

    /// The next command that is over; its slot is the caller's again.
    #[inline]
    pub fn next_response(&mut self) -> Option<Response> {
        let Ended { slot, data, iu, moved } = self.ended.next()?;
        let place = &mut self.places[usize::from(slot)];
        assert!(place.0 == Place::Busy, "a command ends once");
        place.0 = Place::Taken;
        if !data.is_empty() {
            // The same piece, at its whole length: a pool gives out first what came home last.
            self.pool.give(data);
            place.1 = self.pool.take(self.buffer).expect("it was given a moment ago");
        }
        Some(Response { slot: Slot(slot), iu, moved })
    }

    /// Commands that are out.
    pub fn outstanding(&self) -> usize {
        self.places.iter().filter(|(place, _)| *place == Place::Busy).count()
    }

    /// Aborts a command (ABTS). Its response still comes.
    pub fn abort(&mut self, slot: Slot) {
        self.order(Order::Abort { lane: self.number, slot: slot.0 });
    }
}

/// The memory, to be sent on its way with `bytes`.
fn shortened(data: &mut Data, bytes: u32) -> Data {
    let mut data = std::mem::take(data);
    data.truncate(bytes);
    data
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.order(Order::CloseLane { lane: self.number });
        let begin = Instant::now();
        while self.outstanding() > 0 && begin.elapsed() < HOMECOMING {
            match self.next_response() {
                Some(_) => {}
                None => std::thread::sleep(Duration::from_micros(100)),
            }
        }
        for (_, data) in self.places.drain(..) {
            self.pool.give(data);
        }
    }
}
