//! An FC-NVMe association: what a controller is made of, before its first command.

use super::{FcOptions, FcPort, FcQueue, Lane};
use crate::queue::QueueOptions;
use crate::{Error, Identity, Result};
use fc::{Fc4, Names, SessionId};
use std::sync::Arc;
use std::time::Duration;
use wire::fabrics::Nqn;
use wire::fcnvme::{CreateAssociation, CreateConnection, Disconnect, LsCommand, LsReply, LsReplyFault};

/// Every so many responses one is an NVMe_ERSP, with SQHD: a fifth of the queue, as Linux asks for it.
fn ersp_ratio(queue: QueueOptions) -> u16 {
    (queue.entries / 5).max(1)
}

/// How long Disconnect Association may take when an association is dropped.
const LEAVE: Duration = Duration::from_secs(2);

/// An association. It ends when it and all its queues are dropped.
pub struct Association {
    port: Arc<FcPort>,
    session: SessionId,
    id: u64,
    timeout: Duration,
}

impl Association {
    /// Logs in with the target's port and creates an association; its admin queue comes with it.
    ///
    /// # Errors
    /// No fabric, no such port on it, or the target refuses.
    pub fn create(
        target: Names,
        subnqn: &str,
        host: &Identity,
        fc: &FcOptions,
        queue: QueueOptions,
        timeout: Duration,
    ) -> Result<(Arc<Association>, FcQueue)> {
        let nqn = |text: &str| Nqn::new(text).map_err(|error| Error::Local(format!("NQN {text:?} {error}")));
        let port = FcPort::open(&fc.fabric, fc.names_of(host), timeout)?;
        let session = port.login(target, Fc4::Nvme, timeout)?;
        let request = CreateAssociation::new(nqn(&host.nqn)?, host.id, nqn(subnqn)?, queue.entries, ersp_ratio(queue));
        let reply = exchange(&port, session, &request.to_bytes(), LsCommand::CREATE_ASSOCIATION, timeout)?;
        let LsReply::Association { association_id, connection_id } = reply else {
            return Err(Error::Controller(
                "the target's accept of Create Association is that of something else".to_owned(),
            ));
        };
        let association = Arc::new(Association { port, session, id: association_id, timeout });
        let admin = association.queue_on(connection_id, true, queue)?;
        Ok((association, admin))
    }

    /// Creates a connection for I/O queue `qid`.
    ///
    /// # Errors
    /// The target refuses, or does not answer.
    pub fn connect(self: &Arc<Self>, qid: u16, queue: QueueOptions) -> Result<FcQueue> {
        let request = CreateConnection::new(self.id, qid, queue.entries, ersp_ratio(queue));
        let reply =
            exchange(&self.port, self.session, &request.to_bytes(), LsCommand::CREATE_CONNECTION, self.timeout)?;
        let LsReply::Connection { connection_id } = reply else {
            return Err(Error::Controller(
                "the target's accept of Create Connection is that of something else".to_owned(),
            ));
        };
        self.queue_on(connection_id, false, queue)
    }

    fn queue_on(self: &Arc<Self>, connection: u64, admin: bool, queue: QueueOptions) -> Result<FcQueue> {
        let lane = Lane::open(&self.port, self.session, queue.entries.clamp(2, 4096) - 1, queue.buffer)?;
        Ok(FcQueue::new(lane, self.clone(), connection, admin, queue))
    }
}

/// One link service request and its reply.
fn exchange(
    port: &FcPort,
    session: SessionId,
    request: &[u8],
    command: LsCommand,
    timeout: Duration,
) -> Result<LsReply> {
    let reply = port.link_service(session, request, timeout)?;
    LsReply::parse(&reply, command).map_err(|fault| match fault {
        LsReplyFault::Rejected(reason, explanation) => {
            Error::Fabric { what: format!("the target rejected {command}: {reason}, {explanation}") }
        }
        LsReplyFault::Malformed => Error::Controller(format!("the target's reply to {command} is malformed")),
    })
}

impl Drop for Association {
    fn drop(&mut self) {
        // The target notices a host that is gone anyway; this is only quicker.
        let _ = self.port.link_service(self.session, &Disconnect::new(self.id).to_bytes(), LEAVE);
        self.port.logout(self.session);
    }
}

impl std::fmt::Debug for Association {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Association({:#x})", self.id)
    }
}
