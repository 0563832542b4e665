//! What the exchange engine tells, and to whom it goes.

use super::{Core, NodeEvent, Role};
use crate::fc2::{Failure, Payload, Upcall};
use crate::nport::NPort;
use crate::{Arrival, Fc4, Iu, Xid, lane_of_connection};
use wire::fc::{PortId, RCtl, Type};

/// Where the connection identifier is in an NVMe command IU (FC-NVMe-2, 9.2).
const CONNECTION: std::ops::Range<usize> = 8..16;

impl Core {
    #[inline]
    pub(super) fn upcall(&mut self, upcall: Upcall) {
        match upcall {
            Upcall::Command { xid, local, remote, fc4, payload, .. } => {
                self.command_came(xid, (local, remote), fc4, &payload);
                self.fc2.recycle(payload);
            }
            Upcall::Received { xid, context, data, ok } => {
                self.lanes.push(context as usize, Arrival::Received { xid, data, ok });
            }
            Upcall::Sent { xid, context, data, ok, over } => {
                if over {
                    self.lanes.ended(context as usize);
                }
                self.lanes.push(context as usize, Arrival::Sent { xid, data, ok });
            }
            Upcall::Abort { xid, context } => self.aborted(xid, context as usize),
            Upcall::Ended { xid, context, data, result, received, sent } => {
                self.events.push_back(NodeEvent::Ended { xid, context, data, result, received, sent });
            }
            Upcall::Reply { context, local, remote: _, result } => self.replied(context, local, result),
            Upcall::Request { xid, local, remote, r_ctl, type_, payload, .. } => {
                self.asked(xid, (local, remote), r_ctl, type_, payload);
            }
        }
    }

    #[inline]
    fn command_came(&mut self, xid: Xid, (local, remote): (PortId, PortId), fc4: Fc4, payload: &Payload) {
        let bytes = payload.bytes();
        let Some(served) = self.sessions.served(local, remote, fc4) else {
            self.fc2.discard(xid);
            return self.not_logged_in(local, remote, fc4);
        };
        let lane = match fc4 {
            Fc4::Fcp => Some(served.lane),
            Fc4::Nvme => self.port(served.port).and_then(|port| lane_of(port, bytes)),
        };
        let Some(lane) = lane else { return self.fc2.discard(xid) };
        self.fc2.accept(xid, served.max_payload, lane as u64);
        self.lanes.opened(lane);
        self.lanes.push(lane, Arrival::Command { xid, session: served.session, iu: Iu::new(bytes) });
    }

    /// Tells the queue; for a queue that is gone, ends the exchange.
    fn aborted(&mut self, xid: Xid, lane: usize) {
        if self.lanes.is_abandoned(lane) {
            let _ = self.fc2.terminate(xid);
        } else {
            self.lanes.push(lane, Arrival::Abort { xid });
        }
    }

    fn asked(&mut self, xid: Xid, ids: (PortId, PortId), r_ctl: RCtl, type_: Type, payload: Payload) {
        match (r_ctl, type_) {
            (RCtl::ELS_REQUEST, _) => self.els_came(xid, ids, payload.bytes()),
            (RCtl::FC4_LS_REQUEST, Type::NVME) => self.service_came(xid, ids, payload.bytes()),
            _ => self.unknown_came(xid, r_ctl, payload.bytes()),
        }
        self.fc2.recycle(payload);
    }

    /// An NVMe LS request goes to the first queue of the service, or to the owner if we are the initiator.
    fn service_came(&mut self, xid: Xid, (local, remote): (PortId, PortId), bytes: &[u8]) {
        let payload = Box::from(bytes);
        let served = self.sessions.served(local, remote, Fc4::Nvme);
        let lane = served.and_then(|served| Some(self.port(served.port)?.offer(Fc4::Nvme)?.lanes[0]));
        if let Some((served, lane)) = served.zip(lane) {
            self.services.push((xid, served.session));
            return self.lanes.push(lane, Arrival::Request { xid, session: served.session, payload });
        }
        let ours = self.sessions.iter().find(|session| {
            let info = &session.info;
            session.role == Role::Ours && (info.local_id, info.peer_id, info.fc4) == (local, remote, Fc4::Nvme)
        });
        let Some(session) = ours.map(|session| session.info.id) else {
            self.fc2.discard(xid);
            return self.not_logged_in(local, remote, Fc4::Nvme);
        };
        self.services.push((xid, session));
        self.tell(NodeEvent::LsRequest { xid, session, payload });
    }

    /// An answer to a request of ours.
    fn replied(&mut self, context: u64, local: PortId, result: Result<Payload, Failure>) {
        let Some(pending) = self.answered(context) else { return self.forget(result) };
        if self.port(pending.port).is_none_or(|port| port.epoch != pending.epoch) {
            self.forget(result);
            return self.late_answer(pending.what);
        }
        self.answer_came(pending.port, pending.what, local, result);
    }

    pub(crate) fn forget(&mut self, result: Result<Payload, Failure>) {
        if let Ok(payload) = result {
            self.fc2.recycle(payload);
        }
    }
}

/// The lane of an NVMe command; none when it is too short to say its connection.
#[inline]
fn lane_of(port: &NPort, iu: &[u8]) -> Option<usize> {
    let lanes = &port.offer(Fc4::Nvme)?.lanes;
    let connection = u64::from_be_bytes(iu.get(CONNECTION)?.try_into().ok()?);
    Some(lanes[lane_of_connection(connection, lanes.len())])
}
