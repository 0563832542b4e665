//! Requests of ours that are out: what for, so that the answer finds its way.

use super::core::Core;
use super::login_iocb::LoginOrder;
use super::pass_through::Passed;
use fc::Xid;
use fc::fc2::{Failure, Payload, Route};
use pci::Bus;
use ring::{Tag, Tick};
use wire::fc::{PortId, RCtl, Type};
use wire::isp::iocb::{Abort, CompletionStatus};

/// An abort IOCB, and the request queue that it came by.
pub(crate) type AbortOrder = (u16, Abort);

/// R_CTL and type of an ELS request.
pub(crate) const ELS: (RCtl, Type) = (RCtl::ELS_REQUEST, Type::ELS);

/// What a request is for.
pub(crate) enum What {
    /// FLOGI or FDISC.
    Fabric {
        /// Whose.
        vp: u8,
        /// Which of its logins.
        serial: u32,
    },
    /// A step of a login/logout IOCB.
    Login(Box<LoginOrder>),
    /// A request that the host built: CT, ELS, NVMe LS.
    Passed(Box<Passed>),
    /// Nobody waits for the answer.
    Quiet,
}

impl What {
    /// The request queue and handle of the IOCB that it is done for.
    fn order(&self) -> Option<(u16, u32)> {
        match self {
            Self::Login(order) => Some((order.queue, order.host_handle())),
            Self::Passed(passed) => Some((passed.queue, passed.host_handle())),
            Self::Fabric { .. } | Self::Quiet => None,
        }
    }
}

/// A request that is out.
pub(crate) struct Pending {
    what: What,
    xid: Option<Xid>,
    /// Abort IOCBs that wait for its end.
    aborts: Vec<AbortOrder>,
}

impl Core {
    /// Sends a request. `false`: no exchange is free, and `what` is dropped.
    pub fn request(
        &mut self,
        (local, remote): (PortId, PortId),
        (r_ctl, type_): (RCtl, Type),
        payload: &[u8],
        timeout: Tick,
        what: What,
    ) -> bool {
        let known = self.logins.iter().find(|login| login.id == remote && login.is_up());
        let max_payload = known.map_or(self.link.max_payload, |login| login.max_payload);
        if self.requests.len() == self.requests.capacity() {
            self.requests.grow(2 * self.requests.capacity());
        }
        let tag = self.requests.insert(Pending { what, xid: None, aborts: Vec::new() });
        let tag = tag.unwrap_or_else(|_| unreachable!("the table has just grown"));
        let route = Route { local, remote, max_payload };
        match self.fc2.request(route, r_ctl, type_, payload, timeout, tag.to_u64(), self.now) {
            Ok(xid) => {
                if let Some(pending) = self.requests.get_mut(tag) {
                    pending.xid = Some(xid);
                }
                true
            }
            Err(_) => {
                self.requests.remove(tag);
                false
            }
        }
    }

    /// An answer to a request of ours. `local` is where it was sent to.
    pub fn replied(&mut self, bus: &mut dyn Bus, context: u64, local: PortId, result: Result<Payload, Failure>) {
        if let Some(pending) = self.requests.remove(Tag::from_u64(context)) {
            let answer = result.as_ref().map_err(|failure| *failure);
            match pending.what {
                What::Fabric { vp, serial } => self.fabric_answered(vp, serial, local, answer),
                What::Login(order) => self.login_answered(*order, answer),
                What::Passed(passed) => self.pass_answered(bus, &passed, answer),
                What::Quiet => {}
            }
            self.aborts_done(pending.aborts);
        }
        self.forget(result);
    }

    /// Aborts the request of an IOCB. Its one answer still comes, then the completion of the abort. `false`: there is none.
    pub fn abort_request(&mut self, queue: u16, handle: u32, abort: AbortOrder) -> bool {
        let of_order = |pending: &&mut Pending| pending.what.order() == Some((queue, handle));
        let Some(pending) = self.requests.iter_mut().map(|(_, pending)| pending).find(of_order) else { return false };
        let Some(xid) = pending.xid else { return false };
        pending.aborts.push(abort);
        self.fc2.abort(xid, self.now);
        true
    }

    /// Completes abort IOCBs: what they were about is over.
    pub fn aborts_done(&mut self, aborts: Vec<AbortOrder>) {
        for (queue, abort) in aborts {
            self.respond(queue, vec![*abort.completed(CompletionStatus::COMPLETE).entry()]);
        }
    }
}
