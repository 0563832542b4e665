//! Orders of the lanes, carried out.

use super::{Core, What};
use crate::fc2::Gone;
use crate::lane::Order;
use crate::{Arrival, SessionId, Xid};

/// Orders taken from a lane in a turn: others want their turn, too.
const BATCH: usize = 128;

impl Core {
    /// Carries out what the lanes ordered; how much that was.
    pub(super) fn orders(&mut self) -> usize {
        let mut work = 0;
        for lane in 0..self.lanes.places() {
            for _ in 0..BATCH {
                let Some(order) = self.lanes.order(lane) else { break };
                self.order(lane, order);
                work += 1;
            }
        }
        work
    }

    #[inline]
    fn order(&mut self, lane: usize, order: Order) {
        match order {
            Order::Receive { xid, offset, data } => {
                if let Err(Gone(data)) = self.fc2.receive(xid, offset, data) {
                    self.lanes.push(lane, Arrival::Received { xid, data, ok: false });
                }
            }
            Order::Transmit { xid, offset, data, response } => {
                let result = self.fc2.transmit(xid, offset, data, response);
                self.swallowed(lane, xid, result);
            }
            Order::Respond { xid, response } => {
                let result = self.fc2.respond(xid, response);
                self.swallowed(lane, xid, result);
            }
            Order::Terminate { xid } => {
                let result = self.fc2.terminate(xid);
                self.swallowed(lane, xid, result);
            }
            Order::Cancel { xid } => self.fc2.cancel(xid),
            Order::Answer { xid, payload } => self.answer(xid, &payload),
            Order::Request { session, payload } => {
                self.session_request(session, &payload, self.timing.service, What::Quiet);
            }
            Order::Logout { session } => self.log_out(session),
        }
    }

    /// An exchange that is not open any more: what was ordered for it ends all the same.
    #[inline]
    fn swallowed(&mut self, lane: usize, xid: Xid, result: Result<(), Gone>) {
        if let Err(Gone(data)) = result {
            self.lanes.push(lane, Arrival::Sent { xid, data, ok: false });
        }
    }

    /// Answers a link service request of a peer. One whose session is gone is over already.
    pub(super) fn answer(&mut self, xid: Xid, payload: &[u8]) {
        let Some(place) = self.services.iter().position(|(open, _)| *open == xid) else { return };
        let (_, session) = self.services.swap_remove(place);
        match self.sessions.get(session) {
            Some(session) => self.fc2.answer(xid, session.max_payload, payload),
            None => self.fc2.discard(xid),
        }
    }

    /// Link service requests of a session are over with it.
    pub(crate) fn drop_services(&mut self, session: SessionId) {
        let fc2 = &mut self.fc2;
        self.services.retain(|(xid, of)| {
            if *of == session {
                fc2.discard(*xid);
            }
            *of != session
        });
    }
}
