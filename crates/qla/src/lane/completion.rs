//! What comes back from the adapter.

use super::ctio::Completion;
use super::exchange::{Kill, Order, intermediate, lane_of, place_of};
use super::messages::FromLane;
use super::queue::QlaQueue;
use crate::assumptions;
use crate::ring::Entry;
use fc::{Arrival, SessionId};
use wire::isp::iocb::CtioStatus;

impl QlaQueue {
    /// An entry of a response queue. What it ends is told if that is all; else it is among the events. One that nobody waits for is
    /// counted and forgotten.
    #[inline]
    pub(super) fn on_entry(&mut self, entry: &Entry) -> Option<Arrival> {
        let Some(completion) = Completion::of(entry) else {
            self.counters.stale += 1;
            return None;
        };
        let handle = completion.handle;
        let place = place_of(handle);
        let known = self.exchanges.at_mut(place).filter(|_| lane_of(handle) == Some(self.number));
        let Some(exchange) = known else {
            self.counters.stale += 1;
            return None;
        };
        if exchange.flying == handle {
            return self.on_order_done(place, &completion);
        }
        if exchange.kill == Kill::Flying(handle) {
            exchange.kill = Kill::Done;
            self.at_adapter -= 1;
            self.settle(place);
        } else if exchange.flying != 0 && intermediate(exchange.flying) == handle {
            // The data CTIO before a status CTIO comes back only when something is wrong.
            exchange.failed |= !completion.is_success();
            exchange.forsaken |= completion.status == Some(CtioStatus::ABORTED);
        } else {
            self.counters.stale += 1;
        }
        None
    }

    #[inline]
    fn on_order_done(&mut self, place: usize, completion: &Completion) -> Option<Arrival> {
        let exchange = self.exchanges.at_mut(place)?;
        exchange.flying = 0;
        self.at_adapter -= 1;
        let came = match (exchange.order, completion.status) {
            (Order::Receive, Some(status)) => assumptions::all_data_came(status, completion.residual),
            _ => completion.is_success(),
        };
        let ok = came && !std::mem::take(&mut exchange.failed) && !exchange.aborted;
        if ok && exchange.kill == Kill::No && !completion.terminated {
            return self.finished(place);
        }
        self.on_order_failed(place, completion, ok);
        None
    }

    /// It went as it should. As [`finish`](Self::finish), without the way by the events.
    #[inline]
    fn finished(&mut self, place: usize) -> Option<Arrival> {
        let exchange = self.exchanges.at_mut(place)?;
        let (xid, data) = (exchange.xid, std::mem::take(&mut exchange.data));
        match std::mem::replace(&mut exchange.order, Order::None) {
            Order::Receive => Some(Arrival::Received { xid, data, ok: true }),
            Order::Transmit => Some(Arrival::Sent { xid, data, ok: true }),
            Order::End => {
                self.release(place);
                Some(Arrival::Sent { xid, data, ok: true })
            }
            Order::None | Order::Terminate => None,
        }
    }

    /// It failed, or the exchange is being ended, or the firmware has ended it.
    #[cold]
    fn on_order_failed(&mut self, place: usize, completion: &Completion, ok: bool) {
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        let (order, session) = (exchange.order, exchange.session);
        let over = completion.terminated || completion.status.is_some_and(assumptions::exchange_is_over);
        exchange.forsaken |= completion.status == Some(CtioStatus::ABORTED);
        exchange.sent = ok;
        // One that is sent already comes back all the same.
        if over && matches!(exchange.kill, Kill::No | Kill::Wanted) {
            exchange.kill = Kill::Done;
        }
        self.counters.failed += u64::from(!ok);
        match order {
            Order::Receive | Order::Transmit => self.finish(place, ok),
            // The response went out: that ends the exchange.
            Order::End if completion.is_success() && exchange.kill == Kill::No => return self.finish(place, ok),
            // The response did not, so the exchange may still be there.
            Order::End => self.kill(place),
            Order::None | Order::Terminate => {}
        }
        if completion.status == Some(CtioStatus::PORT_LOGGED_OUT) {
            self.tell_logged_out(session);
        }
        self.settle(place);
    }

    fn tell_logged_out(&mut self, session: SessionId) {
        if self.logged_out != Some(session) {
            self.logged_out = Some(session);
            self.outbox.push(FromLane::LoggedOut(session));
        }
    }
}
