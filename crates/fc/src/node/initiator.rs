//! The side of a node that an initiator uses.

use super::{Core, NotSent, Peer, PortKey, Role, What};
use crate::fc2::{Direction, Route};
use crate::nport::{Login, LoginStep};
use crate::{Fc4, SessionId, Xid};
use ring::Tick;

impl Core {
    pub(super) fn login(&mut self, port: PortKey, peer: Peer, fc4: Fc4) {
        self.logins += 1;
        let login = Login { id: self.logins, peer, fc4, step: LoginStep::Begin, attempts: 0, retry_at: Some(0) };
        if let Some(port) = self.port_mut(port) {
            port.logins.push(login);
        }
    }

    #[inline]
    pub(super) fn command(
        &mut self,
        session: SessionId,
        iu: &[u8],
        data: Direction,
        timeout: Tick,
        context: u64,
    ) -> Result<Xid, (NotSent, Direction)> {
        let Some(session) = self.sessions.get(session).filter(|session| session.role == Role::Ours) else {
            return Err((NotSent::NoSession, data));
        };
        let (info, max_payload) = (&session.info, session.max_payload);
        let route = Route { local: info.local_id, remote: info.peer_id, max_payload };
        let sent = self.fc2.command(route, info.fc4, iu, data, timeout, context, self.now);
        sent.map_err(|(_, data)| (NotSent::Busy, data))
    }

    pub(super) fn ls(
        &mut self,
        session: SessionId,
        payload: &[u8],
        timeout: Tick,
        context: u64,
    ) -> Result<(), NotSent> {
        if self.sessions.get(session).is_none() {
            return Err(NotSent::NoSession);
        }
        let sent = self.session_request(session, payload, timeout, What::Ls { context });
        if sent { Ok(()) } else { Err(NotSent::Busy) }
    }

    pub(super) fn ct(&mut self, port: PortKey, payload: &[u8], timeout: Tick, context: u64) -> Result<(), NotSent> {
        if !self.has_name_server(port) {
            return Err(NotSent::NotOnline);
        }
        let sent = self.directory_within(port, payload, timeout, What::Ct { context });
        if sent { Ok(()) } else { Err(NotSent::Busy) }
    }
}
