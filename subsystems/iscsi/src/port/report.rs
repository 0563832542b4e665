//! What sessions and connections there are, for lists.

use super::IscsiPort;
use crate::session::Session;
use crate::transport::{ConnectionReport, SessionReport};

impl IscsiPort {
    /// What sessions are here.
    pub(crate) fn report(&self) -> Vec<SessionReport> {
        self.sessions.iter().flatten().map(|session| self.report_of(session)).collect()
    }

    fn report_of(&self, session: &Session) -> SessionReport {
        let agreement = &session.agreement;
        let connection = |queue: &u32| {
            let connection = self.connections[*queue as usize].as_ref()?;
            Some(ConnectionReport {
                cid: connection.cid,
                peer: connection.peer,
                local: connection.local,
                parameters: connection.agreement.as_ref()?.parameters,
            })
        };
        SessionReport {
            tsih: session.tsih,
            home: self.home,
            initiator: agreement.initiator.clone(),
            alias: agreement.initiator_alias.clone(),
            isid: agreement.isid,
            target: match &agreement.kind {
                iscsi::SessionKind::Normal { target } => Some(target.clone()),
                iscsi::SessionKind::Discovery => None,
            },
            group: agreement.peer.portal.group,
            parameters: agreement.parameters,
            connections: session.connections.iter().filter_map(connection).collect(),
        }
    }
}
