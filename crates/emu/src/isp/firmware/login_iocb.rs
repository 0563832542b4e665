//! Login/logout IOCBs (52h): PLOGI, PRLI, ADISC, LOGO and PRLO by order of the host. Each ends with one entry.

use super::Entry;
use super::core::Core;
use super::data::refusal;
use super::inbound::fc4_of;
use super::logins::{self, State};
use super::requests::{ELS, What};
use fc::Fc4;
use fc::fc2::{Failure, Payload};
use ring::Tick;
use wire::fc::els::{
    Adisc, Command, FcpParams, Login, Logo, NvmeParams, Page, PageResponse, Pages, Refusal, Reject, accepted,
    write_pages,
};
use wire::fc::{PortId, Type};
use wire::isp::iocb::{LoginCommand, LoginLogout, LoginSubcode, PrliParameters};

const MS: Tick = 1_000_000;

/// For the answer to a link service; PLOGI is tried again.
const PATIENCE: Tick = 4_000 * MS;
const TRIES: u8 = 3;

/// Bits of PRLI word 3 that the host is told: for FCP target, initiator, confirmed completion, retry (FCP-2).
const FCP_BITS: u32 = 0x1b0;
/// For NVMe first burst, discovery, target, initiator, confirmed completion, SLER, PI control.
const NVME_BITS: u32 = 0x3b9;
/// What a host may ask for in an NVMe PRLI: first burst, confirmed completion, SLER, PI control.
const NVME_ASKED: u32 = 0x381;

/// Where in the entry a parameter is that makes no sense.
const HANDLE_AT: u32 = 10;
const FLAGS_AT: u32 = 12;
const PORT_ID_AT: u32 = 16;

/// What is out for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Plogi,
    Prli(Fc4),
    Adisc,
    /// Whatever the answer is, it is done.
    Logout,
}

/// An IOCB that is being carried out.
pub(crate) struct LoginOrder {
    iocb: LoginLogout,
    /// Where it came from.
    pub queue: u16,
    step: Step,
    /// The login of its handle.
    epoch: u32,
    tries: u8,
}

impl LoginOrder {
    /// The host's handle.
    pub fn host_handle(&self) -> u32 {
        self.iocb.handle.get()
    }
}

type Failed = (LoginSubcode, u32);

impl Core {
    /// A login/logout IOCB.
    pub fn login_iocb(&mut self, queue: u16, entry: &Entry) {
        let iocb = *LoginLogout::of(entry);
        if self.port(iocb.vp_index).is_none() {
            return self.refuse(queue, entry, refusal::PARAMETER);
        }
        let order = LoginOrder { iocb, queue, step: Step::Plogi, epoch: 0, tries: 0 };
        let begun = match iocb.control().command() {
            LoginCommand::LOGO => self.order_logo(order),
            LoginCommand::PRLO => self.order_prlo(order),
            LoginCommand::PLOGI => self.order_plogi(order),
            LoginCommand::PRLI => self.order_prli(order),
            LoginCommand::ADISC => self.order_adisc(order),
            _ => Err((LoginSubcode::PARAMETER, FLAGS_AT)),
        };
        if let Err((subcode, detail)) = begun {
            self.respond(queue, vec![*iocb.failed(subcode, detail).entry()]);
        }
    }

    /// Whether frames can be sent for a port at all.
    fn ready(&self, vp: u8) -> Result<PortId, Failed> {
        let port = self.port(vp).filter(|port| port.is_online());
        match port {
            _ if !self.link.up => Err((LoginSubcode::NO_LINK, 0)),
            Some(port) => Ok(port.id),
            None if vp == 0 => Err((LoginSubcode::NO_FLOGI_ACC, 0)),
            None => Err((LoginSubcode::NOT_READY, 0)),
        }
    }

    fn order_plogi(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let (iocb, vp) = (order.iocb, order.iocb.vp_index);
        let (handle, id) = (iocb.nport_handle.get(), iocb.port_id.port_id());
        let local = self.ready(vp)?;
        if !logins::is_valid(handle) {
            return Err((LoginSubcode::PARAMETER, HANDLE_AT));
        }
        if id == PortId::NONE || id == local {
            return Err((LoginSubcode::PARAMETER, PORT_ID_AT));
        }
        if let Some(holder) = self.logins.holder(vp, handle).filter(|holder| (holder.id, holder.vp) != (id, vp)) {
            return Err((LoginSubcode::HANDLE_USED, holder.id.0));
        }
        if let Some(other) = self.logins.at(vp, id).filter(|other| other.handle != handle) {
            return Err((LoginSubcode::PORT_ID_USED, u32::from(other.handle)));
        }
        let known = self.logins.get(vp, handle).copied();
        if known.is_some_and(|login| login.states[0] == State::PlogiPending) {
            return Err((LoginSubcode::COMMAND_FAILED, 0));
        }
        if let Some(login) = known.filter(|login| login.is_up() && iocb.control().conditional()) {
            order.epoch = login.epoch;
            return self.after_plogi(order);
        }
        if let Some(login) = known.filter(|login| login.is_up()) {
            self.login_over(login);
        }
        let login = self.logins.hold(vp, handle, id);
        login.set_states(State::PlogiPending);
        order.epoch = login.epoch;
        self.send_plogi(order)
    }

    fn send_plogi(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let vp = order.iocb.vp_index;
        order.tries += 1;
        let Some(port) = self.port(vp) else { return Err((LoginSubcode::NOT_READY, 0)) };
        let login = Login::n_port(Command::PLOGI, port.names.port, port.names.node, self.receive_size()).to_bytes();
        let (handle, id) = (order.iocb.nport_handle.get(), order.iocb.port_id.port_id());
        let sent = self.send_step(order, id, &login);
        if sent.is_err() {
            self.logins.remove(vp, handle);
        }
        sent
    }

    /// Sends the request of an order's step.
    fn send_step(&mut self, order: LoginOrder, remote: PortId, payload: &[u8]) -> Result<(), Failed> {
        let local = self.ready(order.iocb.vp_index)?;
        let sent = self.request((local, remote), ELS, payload, PATIENCE, What::Login(Box::new(order)));
        if sent { Ok(()) } else { Err((LoginSubcode::NO_EXCHANGE, 0)) }
    }

    /// The port is logged in: the firmware makes it an FCP login, too, unless the host does that itself.
    fn after_plogi(&mut self, order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let Some(login) = self.logins.get(vp, handle).copied() else { return Err((LoginSubcode::NOT_LOGGED_IN, 0)) };
        if order.iocb.control().skip_prli() || logins::is_service(handle) {
            self.login_done(&order, 0, 0);
            return Ok(());
        }
        if login.speaks(Fc4::Fcp) {
            self.login_done(&order, login.params[0] & FCP_BITS, 0);
            return Ok(());
        }
        self.send_prli(order, Fc4::Fcp)
    }

    fn order_prli(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        self.ready(vp)?;
        let login = self.logins.get(vp, handle).filter(|login| login.is_up() && !logins::is_service(handle));
        order.epoch = login.ok_or((LoginSubcode::NOT_LOGGED_IN, 0))?.epoch;
        let fc4 = if order.iocb.control().nvme() { Fc4::Nvme } else { Fc4::Fcp };
        self.send_prli(order, fc4)
    }

    fn send_prli(&mut self, mut order: LoginOrder, fc4: Fc4) -> Result<(), Failed> {
        let target = self.options.target;
        let page = match fc4 {
            Fc4::Fcp => {
                let params = FcpParams(0).with_initiator(self.options.initiator).with_target(target);
                Page::fcp(params.with_read_xfer_rdy_disabled(true))
            }
            Fc4::Nvme => {
                let asked = NvmeParams(order.iocb.io_parameter[0].get() & NVME_ASKED);
                Page::nvme(asked.with_initiator(self.options.initiator).with_target(target), 0)
            }
        };
        let mut payload = [0; 32];
        let len = write_pages(&mut payload, Command::PRLI, &[page]).unwrap_or(0);
        order.step = Step::Prli(fc4);
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let login = self.logins.get_mut(vp, handle).ok_or((LoginSubcode::NOT_LOGGED_IN, 0))?;
        login.states[fc4 as usize] = State::PrliPending;
        let id = login.id;
        self.send_step(order, id, &payload[..len])
    }

    /// ADISC goes by the handle alone: the host leaves the address open.
    fn order_adisc(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let local = self.ready(vp)?;
        let Some(login) = self.logins.get(vp, handle).filter(|login| login.is_up()).copied() else {
            return Err((LoginSubcode::NOT_LOGGED_IN, 0));
        };
        let names = self.ports[usize::from(vp)].names;
        (order.step, order.epoch) = (Step::Adisc, login.epoch);
        let adisc = Adisc::new(Command::ADISC, names.port, names.node, local).to_bytes();
        self.send_step(order, login.id, &adisc)
    }

    /// A logout of what the firmware does not know succeeds.
    fn order_logo(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle, flags) = (order.iocb.vp_index, order.iocb.nport_handle.get(), order.iocb.control());
        if flags.implicit_all() {
            let all = self.logins.of(vp).into_iter();
            let named = |handle: u16| flags.include_sns() || !logins::is_service(handle);
            all.filter(|login| named(login.handle)).for_each(|login| self.drop_login(vp, login.handle));
        }
        let login = self.logins.get(vp, handle).copied();
        let frame = login.filter(|login| login.is_up() && !flags.implicit() && self.ready(vp).is_ok());
        self.forget_login(vp, handle, flags.free_handle());
        let Some(login) = frame else {
            self.login_done(&order, 0, 0);
            return Ok(());
        };
        let Some(port) = self.port(vp) else { return Ok(()) };
        let logo = Logo::new(port.id, port.names.port).to_bytes();
        order.step = Step::Logout;
        self.send_step(order, login.id, &logo)
    }

    /// Ends a login; without `free`, the handle stays the port's.
    fn forget_login(&mut self, vp: u8, handle: u16, free: bool) {
        let Some(login) = self.logins.get(vp, handle).copied() else { return };
        self.drop_login(vp, handle);
        if !free {
            self.logins.hold(vp, handle, login.id);
        }
    }

    fn order_prlo(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle, flags) = (order.iocb.vp_index, order.iocb.nport_handle.get(), order.iocb.control());
        let fc4 = if flags.nvme() { Fc4::Nvme } else { Fc4::Fcp };
        let Some(login) = self.logins.get_mut(vp, handle).filter(|login| login.is_up()) else {
            self.login_done(&order, 0, 0);
            return Ok(());
        };
        login.states[fc4 as usize] = State::Plogi;
        let id = login.id;
        if let Ok(local) = self.ready(vp) {
            self.fc2.end_between(local, id, Some(fc4));
        }
        self.fail_waiting(vp, handle);
        if flags.implicit() {
            self.login_done(&order, 0, 0);
            return Ok(());
        }
        let type_ = if fc4 == Fc4::Nvme { Type::NVME } else { Type::FCP };
        let mut payload = [0; 32];
        let len = write_pages(&mut payload, Command::PRLO, &[Page::logout(type_)]).unwrap_or(0);
        order.step = Step::Logout;
        self.send_step(order, id, &payload[..len])
    }

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
            Some(login) => self.login_done(order, login.params[0] & FCP_BITS, 0),
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

    fn login_done(&mut self, order: &LoginOrder, params: u32, first_burst: u32) {
        let mut done = order.iocb.completed(PrliParameters(params));
        done.io_parameter[1].set(first_burst);
        // Class 3 is valid.
        if order.iocb.control().command() == LoginCommand::PLOGI {
            done.io_parameter[9].set(1);
        }
        self.respond(order.queue, vec![*done.entry()]);
    }

    /// LOGO to every port and to the fabric, as frames that nobody waits for.
    pub fn say_goodbye(&mut self) {
        (0..self.ports.len() as u8).rev().for_each(|vp| self.say_goodbye_of(vp));
    }

    /// The same for one virtual port.
    pub fn say_goodbye_of(&mut self, vp: u8) {
        let Some(port) = self.port(vp).filter(|port| port.is_online() && self.link.up) else { return };
        let (local, logo) = (port.id, Logo::new(port.id, port.names.port).to_bytes());
        let peers = self.logins.of(vp).into_iter().filter(|login| login.is_up() && !logins::is_service(login.handle));
        let remotes: Vec<PortId> = peers.map(|login| login.id).chain([PortId::FABRIC]).collect();
        for remote in remotes {
            self.request((local, remote), ELS, &logo, PATIENCE, What::Quiet);
        }
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
    use wire::isp::iocb::handles;

    #[test]
    fn a_reject_is_told_as_the_driver_reads_it() {
        let busy = rejected(Reject::new(Reason::LOGICAL_BUSY, Explanation::NONE));
        assert_eq!(busy, (LoginSubcode::ELS_REJECTED, 0x50000));
        assert!(logins::is_valid(handles::LAST) && !logins::is_valid(handles::NONE));
    }
}
