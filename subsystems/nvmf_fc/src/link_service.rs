//! NVMe link service requests (FC-NVMe-2, NVMe_LS), on the first core.

use crate::notes::{Asked, NewConnection};
use crate::port::FcNvmePort;
use fc::{SessionId, SessionInfo, Xid};
use reactor::log_limited;
use wire::fabrics::{Nqn, NqnError};
use wire::fcnvme::{
    CreateAssociation, CreateConnection, DisconnectConnection, LsCommand, LsExplanation, LsReason, LsRequest, LsRjt,
};
use wire::limits::CNTLID_DYNAMIC;

/// Why a request is rejected.
type Why = (LsReason, LsExplanation);

const fn parameter(explanation: LsExplanation) -> Why {
    (LsReason::INVALID_PARAMETERS, explanation)
}

const UNABLE: Why = (LsReason::UNABLE, LsExplanation::NONE);
const NO_ROOM: Why = (LsReason::INSUFFICIENT_RESOURCES, LsExplanation::NONE);
const NO_ASSOCIATION: Why = (LsReason::INVALID_ASSOCIATION, LsExplanation::NONE);
const NO_CONNECTION: Why = (LsReason::INVALID_CONNECTION, LsExplanation::NONE);

impl FcNvmePort {
    pub(crate) fn on_request(&mut self, lane: usize, xid: Xid, session: SessionId, payload: &[u8]) {
        let asked = Asked { lane, xid };
        let request = match LsRequest::parse(payload) {
            Ok(request) => request,
            Err(fault) => {
                self.complain(lane, session, &fault);
                return self.answer(asked, &LsRjt::of(payload, fault).to_bytes());
            }
        };
        let verdict = match request {
            LsRequest::CreateAssociation(request) => self.create_association(asked, session, request),
            LsRequest::CreateConnection(request) => self.create_connection(asked, session, request),
            LsRequest::Disconnect(request) => {
                let id = request.association.id.get();
                if self.is_of_host(id, lane, session) {
                    self.disconnect(id, asked);
                    Ok(())
                } else {
                    Err(NO_ASSOCIATION)
                }
            }
            LsRequest::DisconnectConnection(request) => self.disconnect_connection(asked, session, request),
        };
        if let Err(why) = verdict {
            let request = LsCommand(payload.first().copied().unwrap_or_default());
            self.reject(asked, request, why);
            log_rejected(self, lane, session, request, why);
        }
    }

    fn session(&self, lane: usize, session: SessionId) -> Result<SessionInfo, Why> {
        self.lanes.get(lane).and_then(|lane| lane.session(session)).copied().ok_or(UNABLE)
    }

    fn is_of_host(&self, id: u64, lane: usize, session: SessionId) -> bool {
        self.associations.of_host(id, lane, session).is_some()
    }

    fn create_association(&mut self, asked: Asked, session: SessionId, request: &CreateAssociation) -> Result<(), Why> {
        let host = self.session(asked.lane, session)?;
        if self.lanes.get(asked.lane).is_none_or(|lane| !lane.accepting) {
            return Err(UNABLE);
        }
        if request.sq_entries() > self.options.admin_entries {
            return Err(parameter(LsExplanation::INVALID_SQSIZE));
        }
        // Controllers are made as hosts come, so the host may not choose. Connect says more about names that are not known.
        if request.cntlid.get() != CNTLID_DYNAMIC {
            return Err(parameter(LsExplanation::INVALID_CONTROLLER_ID));
        }
        if !is_name(&request.host_nqn, true) {
            return Err(parameter(LsExplanation::INVALID_HOST_NQN));
        }
        if !is_name(&request.subsystem_nqn, false) {
            return Err(parameter(LsExplanation::INVALID_SUBSYSTEM_NQN));
        }
        if self.associations.is_full() {
            return Err(NO_ROOM);
        }
        let id = self.ids.association();
        self.associations.insert(id, asked.lane, session);
        let new = connection(id, 0, asked.lane, &host, request.sq_entries(), request.ersp_ratio.get());
        self.order_connection(new, asked);
        Ok(())
    }

    fn create_connection(&mut self, asked: Asked, session: SessionId, request: &CreateConnection) -> Result<(), Why> {
        let host = self.session(asked.lane, session)?;
        let id = request.association.id.get();
        let association = self.associations.of_host(id, asked.lane, session).ok_or(NO_ASSOCIATION)?;
        let qid = request.qid.get();
        if qid > self.options.io_queues || association.has(qid) {
            return Err(parameter(LsExplanation::INVALID_QUEUE_ID));
        }
        if request.sq_entries() > self.options.io_entries {
            return Err(parameter(LsExplanation::INVALID_SQSIZE));
        }
        let new = connection(id, qid, asked.lane, &host, request.sq_entries(), request.ersp_ratio.get());
        self.order_connection(new, asked);
        Ok(())
    }

    fn disconnect_connection(
        &mut self,
        asked: Asked,
        session: SessionId,
        request: &DisconnectConnection,
    ) -> Result<(), Why> {
        let id = request.association.id.get();
        if !self.is_of_host(id, asked.lane, session) {
            return Err(NO_ASSOCIATION);
        }
        let known = self.disconnect_one(id, request.connection.id.get(), asked);
        if known { Ok(()) } else { Err(NO_CONNECTION) }
    }
}

fn connection(
    association: u64,
    qid: u16,
    lane: usize,
    host: &SessionInfo,
    entries: u32,
    ersp_ratio: u16,
) -> NewConnection {
    let (session, local, peer) = (host.id, host.local, host.peer);
    NewConnection { association, qid, lane, session, local, peer, entries, ersp_ratio }
}

/// Whether a name can be one. SPDK's tools leave the host's empty.
fn is_name(name: &Nqn, empty: bool) -> bool {
    match name.text() {
        Ok(_) => true,
        Err(fault) => empty && fault == NqnError::Empty,
    }
}

#[cold]
fn log_rejected(port: &mut FcNvmePort, lane: usize, session: SessionId, request: LsCommand, why: Why) {
    let Ok(host) = port.session(lane, session) else { return };
    log_limited!(
        port.complaints,
        port.now,
        warn,
        "{} from {}: {request} rejected: {} {}",
        host.local,
        host.peer,
        why.0,
        why.1
    );
}
