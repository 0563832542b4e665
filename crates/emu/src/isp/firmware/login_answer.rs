//! What the answers to the requests of login/logout IOCBs mean, and how those IOCBs end.

use super::core::Core;
use super::inbound::fc4_of;
use super::login_iocb::{Failed, LoginOrder, Step};
use super::logins::{Login as Entry, State};
use fc::Fc4;
use fc::fc2::{Failure, Payload};
use wire::fc::els::{Adisc, Login, Page, PageResponse, Pages, Refusal, Reject, accepted};
use wire::isp::iocb::{LoginCommand, LoginSubcode, PrliParameters};

/// How often a PLOGI is sent that nobody answers.
const TRIES: u8 = 3;

/// Bits of PRLI word 3 that the host is told: for FCP target, initiator, confirmed completion, retry (FCP-2).
const FCP_BITS: u32 = 0x1b0;
/// For NVMe first burst, discovery, target, initiator, confirmed completion, SLER, PI control.
const NVME_BITS: u32 = 0x3b9;
/// What the host is told of a port that is logged in for FCP.
pub(crate) fn fcp_roles(login: &Entry) -> u32 {
    login.params[Fc4::Fcp as usize] & FCP_BITS
}

impl Core {
    /// The answer to an order's request.
    pub fn login_answered(&mut self, order: LoginOrder, answer: Result<&Payload, Failure>) {
        if order.step == Step::Logout {
            return self.login_done(&order, 0, 0);
        }
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let login = self.logins.get(vp, handle);
        if login.is_none_or(|login| login.epoch != order.epoch) {
            return self.overtaken(&order);
        }
        let (iocb, queue) = (order.iocb, order.queue);
        let done = match (order.step, answer.map(|payload| accepted(payload.bytes()))) {
            (_, Ok(Err(Refusal::Rejected(reject)))) => Err(rejected(reject)),
            (Step::Plogi, Ok(Ok(bytes))) => self.plogi_accepted(order, bytes),
            (Step::Prli(fc4), Ok(Ok(bytes))) => self.prli_accepted(order, fc4, bytes),
            (Step::Adisc, Ok(Ok(bytes))) => self.adisc_accepted(order, bytes),
            (Step::Plogi, Err(Failure::TimedOut)) if order.tries < TRIES => self.send_plogi(order),
            (_, Err(Failure::LinkDown)) => Err((LoginSubcode::NO_LINK, 0)),
            _ => Err((LoginSubcode::COMMAND_FAILED, 0)),
        };
        if let Err((subcode, detail)) = done {
            self.login_failed(vp, handle);
            self.respond(queue, vec![*iocb.failed(subcode, detail).entry()]);
        }
    }

    /// The login that an order was about is not there any more, or the peer has logged in itself meanwhile.
    fn overtaken(&mut self, order: &LoginOrder) {
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let up = self.logins.get(vp, handle).filter(|login| login.is_up() && order.step == Step::Plogi).copied();
        match up {
            Some(login) => self.login_done(order, fcp_roles(&login), 0),
            None => {
                let failed = order.iocb.failed(LoginSubcode::COMMAND_FAILED, 0);
                self.respond(order.queue, vec![*failed.entry()]);
            }
        }
    }

    fn plogi_accepted(&mut self, mut order: LoginOrder, bytes: &[u8]) -> Result<(), Failed> {
        let (vp, handle, id) = (order.iocb.vp_index, order.iocb.nport_handle.get(), order.iocb.port_id.port_id());
        let login = wire::parse::<Login>(bytes).filter(|login| login.receive_size().is_some());
        let login = *login.ok_or((LoginSubcode::COMMAND_FAILED, 0))?;
        order.epoch = self.logged_in(vp, handle, id, &login).epoch;
        self.after_plogi(order)
    }

    fn prli_accepted(&mut self, order: LoginOrder, fc4: Fc4, bytes: &[u8]) -> Result<(), Failed> {
        let page = Pages::parse(bytes).and_then(|mut pages| pages.find(|page| fc4_of(page.type_) == Some(fc4)));
        let taken = |page: &Page| matches!(page.response(), PageResponse::EXECUTED | PageResponse::CONDITIONAL);
        let page = page.filter(taken).ok_or((LoginSubcode::ELS_REJECTED, 0))?;
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        self.image_pair(vp, handle, &page);
        match fc4 {
            Fc4::Fcp => self.login_done(&order, page.params & FCP_BITS, 0),
            Fc4::Nvme => self.login_done(&order, page.params & NVME_BITS, page.first_burst_bytes() / 512),
        }
        Ok(())
    }

    fn adisc_accepted(&mut self, order: LoginOrder, bytes: &[u8]) -> Result<(), Failed> {
        let login = self.logins.get(order.iocb.vp_index, order.iocb.nport_handle.get());
        let same =
            wire::parse::<Adisc>(bytes).zip(login).is_some_and(|(adisc, login)| adisc.port_name() == login.names.port);
        if !same {
            return Err((LoginSubcode::COMMAND_FAILED, 0));
        }
        self.login_done(&order, 0, 0);
        Ok(())
    }

    /// A login that never came about leaves nothing; one that has lost its protocol stays otherwise.
    fn login_failed(&mut self, vp: u8, handle: u16) {
        let Some(login) = self.logins.get_mut(vp, handle) else { return };
        if login.states[0] == State::PlogiPending {
            self.logins.remove(vp, handle);
            return;
        }
        login.states.iter_mut().filter(|state| **state == State::PrliPending).for_each(|state| *state = State::Plogi);
    }

    pub fn login_done(&mut self, order: &LoginOrder, params: u32, first_burst: u32) {
        let mut done = order.iocb.completed(PrliParameters(params));
        done.io_parameter[1].set(first_burst);
        // Class 3 is valid.
        if order.iocb.control().command() == LoginCommand::PLOGI {
            done.io_parameter[9].set(1);
        }
        self.respond(order.queue, vec![*done.entry()]);
    }
}

/// LS_RJT, as the host is told: reason, explanation, vendor's code from bit 16 down.
fn rejected(reject: Reject) -> Failed {
    (LoginSubcode::ELS_REJECTED, u32::from(reject.reason.0) << 16 | u32::from(reject.explanation.0) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::fc::els::{Explanation, Reason};

    #[test]
    fn a_reject_is_told_as_the_driver_reads_it() {
        let busy = rejected(Reject::new(Reason::LOGICAL_BUSY, Explanation::NONE));
        assert_eq!(busy, (LoginSubcode::ELS_REJECTED, 0x50000));
    }
}
