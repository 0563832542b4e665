//! What the owner orders, on its way to the adapter.

use super::ctio::{self, Buffer, Built};
use super::exchange::{Exchange, Kill, Order, handle};
use super::messages::{FromLane, Iocb};
use super::nvme;
use super::queue::{FORSAKEN, Path, QlaQueue};
use crate::ring::Entry;
use dma::{Data, Region};
use fc::{Arrival, Fc4, Response, Xid};
use wire::isp::iocb::NO_EXCHANGE;

/// The CTIO of an exchange's order.
#[inline]
fn ctio_of(exchange: &Exchange, handle: u32, fc4: Fc4, response: Option<&Response>, responses: &Region) -> Built {
    let buffer = Buffer { region: responses, place: exchange.xid.0.index() };
    match (exchange.order, fc4, response) {
        (Order::Receive, Fc4::Fcp, _) => ctio::receive(exchange, handle),
        (Order::Receive, Fc4::Nvme, _) => nvme::receive(exchange, handle),
        (_, Fc4::Fcp, Some(Response::Fcp(response))) => ctio::transmit(exchange, handle, Some(response), buffer),
        (_, Fc4::Fcp, _) => ctio::transmit(exchange, handle, None, buffer),
        (_, Fc4::Nvme, response) => nvme::transmit(exchange, handle, response, buffer),
    }
}

impl QlaQueue {
    /// Takes an order. One for an exchange that is not open, or busy, ends at once.
    #[inline]
    pub(super) fn begin(&mut self, xid: Xid, order: Order, offset: u32, data: Data, response: Option<&Response>) {
        let place = xid.0.index();
        let Some(exchange) = self.exchanges.get_mut(xid).filter(|exchange| exchange.order == Order::None) else {
            let arrival = match order {
                Order::Receive => Arrival::Received { xid, data, ok: false },
                _ => Arrival::Sent { xid, data, ok: false },
            };
            return self.events.push_back(arrival);
        };
        let empty = data.is_empty();
        exchange.order = order;
        exchange.data = data;
        exchange.offset = offset;
        (exchange.sent, exchange.cancelled) = (false, false);
        let ends = matches!(order, Order::End | Order::Terminate);
        if !ends && (empty || exchange.aborted || exchange.kill != Kill::No) {
            let ok = empty && !exchange.aborted;
            return self.finish(place, ok);
        }
        match exchange.kill {
            Kill::Done => self.settle(place),
            // What is sent is swallowed; it ends when the adapter has ended the exchange.
            Kill::Wanted | Kill::Flying(_) => {}
            Kill::No if order == Order::Terminate || exchange.aborted => self.kill(place),
            Kill::No => self.send(place, response),
        }
    }

    /// Has the adapter end an exchange. An order that is not at the adapter yet does not go there any more.
    pub(super) fn kill(&mut self, place: usize) {
        let Some(exchange) = self.exchanges.at_mut(place).filter(|exchange| exchange.kill == Kill::No) else { return };
        exchange.kill = Kill::Wanted;
        self.counters.terminated += 1;
        if exchange.flying == 0 && matches!(exchange.order, Order::Receive | Order::Transmit) {
            self.finish(place, false);
        }
        self.send(place, None);
    }

    /// Sends what an exchange has to send, behind those that wait already.
    #[inline]
    pub(super) fn send(&mut self, place: usize, response: Option<&Response>) {
        if !self.waiting.is_empty() || !self.try_send(place, response) {
            self.wait(place, response);
        }
    }

    #[cold]
    fn wait(&mut self, place: usize, response: Option<&Response>) {
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        exchange.response = response.copied();
        if !std::mem::replace(&mut exchange.queued, true) {
            self.waiting.push_back(place as u32);
            self.counters.waited += 1;
        }
    }

    /// Those that waited, as far as there is room by now.
    pub(super) fn send_waiting(&mut self) {
        while let Some(place) = self.waiting.front().map(|place| *place as usize) {
            if !self.try_send(place, None) {
                return;
            }
            self.waiting.pop_front();
            if let Some(exchange) = self.exchanges.at_mut(place) {
                exchange.queued = false;
            }
        }
    }

    /// `false`: there is no room. The response is that of the order, or of an order that waits its own.
    #[inline]
    fn try_send(&mut self, place: usize, response: Option<&Response>) -> bool {
        let Some(exchange) = self.exchanges.at_mut(place) else { return true };
        let turn = self.turns[place];
        let handle = handle(self.number, place, turn);
        let iocb = match exchange.kill {
            Kill::Wanted if self.fc4 == Fc4::Nvme => nvme::terminate(exchange, handle),
            Kill::Wanted => ctio::terminate(exchange, handle),
            // Its order ended while it waited.
            _ if exchange.order == Order::None || exchange.flying != 0 || exchange.kill != Kill::No => return true,
            _ => {
                let response = response.or(exchange.response.as_ref());
                ctio_of(exchange, handle, self.fc4, response, &self.responses)
            }
        };
        if !push(&mut self.path, &mut self.outbox, iocb.entries()) {
            return false;
        }
        if exchange.kill == Kill::Wanted {
            exchange.kill = Kill::Flying(handle);
            self.urgent = true;
        } else {
            exchange.flying = handle;
        }
        exchange.since = self.now;
        self.turns[place] = turn.wrapping_add(1);
        self.at_adapter += 1;
        self.counters.ctios += 1;
        true
    }

    /// Ends the order of an exchange; with it perhaps the exchange.
    #[inline]
    pub(super) fn finish(&mut self, place: usize, ok: bool) {
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        let (xid, data) = (exchange.xid, std::mem::take(&mut exchange.data));
        match std::mem::replace(&mut exchange.order, Order::None) {
            Order::None => {}
            Order::Receive => self.events.push_back(Arrival::Received { xid, data, ok }),
            Order::Transmit => self.events.push_back(Arrival::Sent { xid, data, ok }),
            Order::End | Order::Terminate => {
                self.events.push_back(Arrival::Sent { xid, data, ok });
                self.release(place);
            }
        }
    }

    /// An exchange is over. Those who aborted it are told.
    #[inline]
    pub(super) fn release(&mut self, place: usize) {
        self.ended = self.ended.wrapping_add(1);
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        let (aborts, forsaken, address) = (exchange.aborts, exchange.forsaken, exchange.address);
        self.exchanges.close(place);
        if aborts > 0 {
            self.tell_aborted(place);
        } else if forsaken {
            if self.forsaken.len() == FORSAKEN {
                self.forsaken.pop_front();
            }
            self.forsaken.push_back(address);
        }
    }

    #[cold]
    fn tell_aborted(&mut self, place: usize) {
        let outbox = &mut self.outbox;
        self.aborts.retain(|(of, token)| {
            if *of == place {
                outbox.push(FromLane::Aborted { token: *token, found: true });
            }
            *of != place
        });
    }

    /// After something of an exchange came back, or must not go out any more: goes on with what waited for that.
    pub(super) fn settle(&mut self, place: usize) {
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        if exchange.is_at_adapter() {
            return;
        }
        let session = exchange.session;
        let drained = std::mem::take(&mut exchange.draining);
        if drained {
            // The adapter may give the address to another exchange.
            exchange.address = NO_EXCHANGE;
        }
        if exchange.kill == Kill::Done {
            match exchange.order {
                Order::End => {
                    let ok = exchange.sent;
                    self.finish(place, ok);
                }
                Order::Terminate => self.finish(place, true),
                Order::None | Order::Receive | Order::Transmit => {}
            }
        }
        if drained {
            self.drained(session);
        }
    }
}

/// Puts IOCBs on their way; `false`: there is no room.
#[inline]
pub(super) fn push(path: &mut Path, outbox: &mut super::outlet::Outlet<FromLane>, entries: &[Entry]) -> bool {
    match path {
        Path::None => false,
        Path::Pair(pair) => pair.request.push(entries),
        Path::Home => {
            outbox.push(FromLane::Iocb(Iocb::of(entries)));
            true
        }
    }
}
