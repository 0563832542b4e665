//! Login/logout IOCBs (52h): PLOGI, PRLI, ADISC, LOGO and PRLO by order of the host. Each ends with one entry; what follows from
//! answers is in `login_answer`.

use super::Entry;
use super::core::Core;
use super::data::refusal;
use super::login_answer::fcp_roles;
use super::logins::{self, State};
use super::requests::{ELS, What};
use fc::Fc4;
use ring::Tick;
use wire::fc::els::{Adisc, Command, FcpParams, Login, Logo, NvmeParams, Page, write_pages};
use wire::fc::{PortId, Type};
use wire::isp::iocb::{LoginCommand, LoginLogout, LoginSubcode};

const MS: Tick = 1_000_000;

/// For the answer to a link service.
const PATIENCE: Tick = 4_000 * MS;

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
    pub iocb: LoginLogout,
    /// Where it came from.
    pub queue: u16,
    pub step: Step,
    /// The login of its handle.
    pub epoch: u32,
    /// How often its PLOGI was sent.
    pub tries: u8,
}

impl LoginOrder {
    /// The host's handle.
    pub fn host_handle(&self) -> u32 {
        self.iocb.handle.get()
    }
}

/// Why an order failed: subcode and detail.
pub(crate) type Failed = (LoginSubcode, u32);

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

    pub fn send_plogi(&mut self, mut order: LoginOrder) -> Result<(), Failed> {
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
    pub fn after_plogi(&mut self, order: LoginOrder) -> Result<(), Failed> {
        let (vp, handle) = (order.iocb.vp_index, order.iocb.nport_handle.get());
        let Some(login) = self.logins.get(vp, handle).copied() else { return Err((LoginSubcode::NOT_LOGGED_IN, 0)) };
        if order.iocb.control().skip_prli() || logins::is_service(handle) {
            self.login_done(&order, 0, 0);
            return Ok(());
        }
        if login.speaks(Fc4::Fcp) {
            self.login_done(&order, fcp_roles(&login), 0);
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
}
