//! Connect (NVMe Base 2.0c 6.3): every check, in the standard's order, with the parameter that it points to.

use super::aer::Kind;
use super::controller::{Controller, KeepAlive};
use super::error_log::ErrorLog;
use super::feature_values::Values;
use super::nvm_command::Nvm;
use super::queue::Role;
use super::reply::{Fail, Step, Verdict};
use crate::cntlids::ControllerId;
use crate::message::AttachRequest;
use crate::{Attachment, Capsule, Home, Peer};
use reactor::log_limited;
use ring::Tag;
use wire::fabrics::{
    Connect, ConnectData, NqnError, Where, cattr, connect_accepted, connect_invalid, data_offset, sqe_offset,
};
use wire::limits::{CNTLID_DYNAMIC, CNTLID_RESERVED, CONNECT_DATA_BYTES, TCP_ADMIN_IN_CAPSULE_BYTES};
use wire::nvme::{Cc, Csts, EventConfig, Sqe, Status};

/// Keep Alive Timeout of a discovery controller whose host asked for none: an explicit one keeps the connection.
const DISCOVERY_IDLE_MS: u32 = 120_000;

/// An I/O queue whose controller's home was asked.
pub(crate) struct Connecting {
    pub queue: u32,
    pub tag: Tag,
    pub cid: u16,
    pub qid: u16,
    pub cntlid: u16,
    /// The home that was asked.
    pub home: usize,
    pub subsystem: u32,
    pub entries: u32,
    pub no_flow_control: bool,
}

/// A parameter of the command is wrong.
pub(crate) fn in_command(offset: u16) -> Fail {
    Fail { dw0: connect_invalid(Where::Sqe, offset), ..Status::CONNECT_INVALID_PARAMETERS.into() }
}

/// A parameter in the data is wrong.
pub(crate) fn in_data(offset: u16) -> Fail {
    Fail { dw0: connect_invalid(Where::Data, offset), ..Status::CONNECT_INVALID_PARAMETERS.into() }
}

impl Nvm {
    /// What can be said before the data is there.
    pub(crate) fn plan_connect(&mut self, capsule: &Capsule, sqe: &Sqe) -> Verdict {
        let len = self.limits.pointers.sent_by_host(sqe, capsule.inline, TCP_ADMIN_IN_CAPSULE_BYTES)?;
        if Connect::of(sqe).recfmt.get() != 0 {
            return Err(Status::CONNECT_INCOMPATIBLE_FORMAT.into());
        }
        let enough = (CONNECT_DATA_BYTES as u32..=TCP_ADMIN_IN_CAPSULE_BYTES).contains(&len);
        if enough { Ok(Step::Take(len)) } else { Err(Status::DATA_SGL_LENGTH_INVALID.into()) }
    }

    pub(crate) fn connect(&mut self, tag: Tag, capsule: &Capsule, sqe: &Sqe, data: &[u8]) -> Verdict {
        if self.queues.at(capsule.queue).role != Role::Fresh {
            return Err(Status::COMMAND_SEQUENCE_ERROR.into());
        }
        let data: &ConnectData = wire::parse(data).ok_or(Status::DATA_SGL_LENGTH_INVALID)?;
        let verdict = self.check_and_connect(tag, capsule, Connect::of(sqe), data);
        if let Err(fail) = verdict {
            let peer = self.queues.at(capsule.queue).origin.peer;
            let name = fail.status.fabrics_name().unwrap_or("?");
            log_limited!(
                self.complaints,
                self.now,
                warn,
                "{peer}: Connect of host {:?} to {:?} refused: {name} (dword 0 {:#x})",
                data.hostnqn,
                data.subnqn,
                fail.dw0
            );
        }
        verdict
    }

    fn check_and_connect(&mut self, tag: Tag, capsule: &Capsule, sqe: &Connect, data: &ConnectData) -> Verdict {
        let subnqn = data.subnqn.text().map_err(|_| in_data(data_offset::SUBNQN))?;
        // SPDK's tools leave it empty; such a host is allowed where any host is.
        let hostnqn = match data.hostnqn.text() {
            Err(NqnError::Empty) => "",
            text => text.map_err(|_| in_data(data_offset::HOSTNQN))?,
        };
        let listener = self.queues.at(capsule.queue).origin.listener;
        // A subsystem that is not offered here is as unknown as one that does not exist.
        let found = self.subsystems.by_nqn(subnqn).filter(|(_, s)| s.is_at(listener) && !self.draining);
        let (place, subsystem) = found.ok_or(in_data(data_offset::SUBNQN))?;
        if !subsystem.allows(hostnqn) {
            return Err(Status::CONNECT_INVALID_HOST.into());
        }
        let transport = &self.limits.config.transport;
        let deepest = if sqe.qid.get() == 0 { transport.max_aq_depth } else { transport.max_queue_depth };
        if sqe.sqsize.get() == 0 || sqe.queue_size() > u32::from(deepest) {
            return Err(in_command(sqe_offset::SQSIZE));
        }
        if sqe.qid.get() == 0 {
            return self.connect_admin(capsule.queue, place, sqe, data.cntlid.get(), (hostnqn, data.hostid));
        }
        self.connect_io(tag, capsule.queue, place, sqe, data.cntlid.get(), (hostnqn, data.hostid))
    }

    fn connect_admin(&mut self, queue: u32, place: u32, sqe: &Connect, wanted: u16, host: (&str, [u8; 16])) -> Verdict {
        // Controllers are made as hosts come (the dynamic model), so the host may not choose.
        if wanted != CNTLID_DYNAMIC {
            return Err(in_data(data_offset::CNTLID));
        }
        let id = self.take_cntlid(place).ok_or(Fail::retry(Status::CONNECT_CONTROLLER_BUSY))?;
        let cntlid = id.value();
        let controller = self.new_controller(queue, place, id, sqe.kato.get(), host);
        let (peer, kato) = (self.queues.at(queue).origin.peer, controller.alive.timeout_ms);
        log_limited!(
            self.notices,
            self.now,
            info,
            "{peer}: host {:?} has controller {cntlid}, to be heard of every {kato} ms",
            host.0
        );
        let deadline = controller.alive.deadline();
        let tag = self.controllers.insert(controller);
        self.controllers.sooner(deadline);
        let home = self.limits.config.home;
        let connected = self.queues.becomes(queue, Role::Admin(tag));
        connected.entries = sqe.queue_size();
        connected.no_flow_control = sqe.cattr & cattr::DISABLE_SQ_FLOW_CONTROL != 0;
        (connected.cntlid, connected.home, connected.subsystem) = (cntlid, home, place);
        Ok(Step::Done(connect_accepted(cntlid, 0).into()))
    }

    fn take_cntlid(&self, place: u32) -> Option<ControllerId> {
        let config = &self.limits.config;
        let home = Home { trtype: config.transport.trtype, number: config.home };
        self.subsystems.get(place)?.view.cntlids.take(home)
    }

    /// The home of a controller, if it is one of this transport's: a controller's queues are all of one transport.
    fn home_of(&self, place: u32, cntlid: u16) -> Option<usize> {
        let home = self.subsystems.get(place)?.view.cntlids.home_of(cntlid)?;
        (home.trtype == self.limits.config.transport.trtype).then_some(home.number)
    }

    fn new_controller(
        &self,
        queue: u32,
        place: u32,
        id: ControllerId,
        kato_ms: u32,
        host: (&str, [u8; 16]),
    ) -> Controller {
        let view = &self.subsystems.get(place).expect("just looked up").view;
        Controller {
            subsystem: place,
            subsystem_id: view.id,
            cntlid: id.value(),
            _id: id,
            discovery: view.discovery,
            hostnqn: host.0.to_owned(),
            hostid: host.1,
            queue,
            listener: self.queues.get(queue).expect("just used").origin.listener,
            ending: false,
            headless: false,
            cc: Cc::default(),
            csts: Csts::default(),
            granted: if view.discovery { 0 } else { self.limits.config.transport.max_io_qpairs_per_ctrlr },
            attached: Vec::new(),
            alive: self.keep_alive(kato_ms, view.discovery),
            values: Values::new(offered_events(view.discovery)),
            events: Default::default(),
            changed: Default::default(),
            untold: false,
            errors: ErrorLog::default(),
            aborts: 0,
        }
    }

    /// The keep-alive timer for what a host asked for: rounded up to KAS, and not too short.
    pub(crate) fn keep_alive(&self, kato_ms: u32, discovery: bool) -> KeepAlive {
        let transport = &self.limits.config.transport;
        let unit = u32::from(transport.kas).max(1) * 100;
        let rounded = kato_ms.max(transport.min_kato_ms).div_ceil(unit).saturating_mul(unit);
        let (timeout_ms, any_command) = match kato_ms {
            0 if discovery => (DISCOVERY_IDLE_MS, true),
            0 => (0, false),
            _ => (rounded, false),
        };
        KeepAlive { timeout_ms, any_command, last: self.now }
    }

    fn connect_io(
        &mut self,
        tag: Tag,
        queue: u32,
        place: u32,
        sqe: &Connect,
        cntlid: u16,
        host: (&str, [u8; 16]),
    ) -> Verdict {
        if cntlid >= CNTLID_RESERVED {
            return Err(in_data(data_offset::CNTLID));
        }
        let home = self.home_of(place, cntlid).ok_or(in_data(data_offset::CNTLID))?;
        let from = self.limits.config.home;
        let request = AttachRequest {
            subsystem: self.subsystems.get(place).expect("just looked up").view.id,
            cntlid,
            qid: sqe.qid.get(),
            sqsize_z: sqe.sqsize.get(),
            hostnqn: host.0.to_owned(),
            hostid: host.1,
            queue,
            listener: self.queues.at(queue).origin.listener,
        };
        self.queues.becomes(queue, Role::Connecting);
        let token = self.remember_connecting(Connecting {
            queue,
            tag,
            cid: sqe.cid.get(),
            qid: request.qid,
            cntlid,
            home,
            subsystem: place,
            entries: sqe.queue_size(),
            no_flow_control: sqe.cattr & cattr::DISABLE_SQ_FLOW_CONTROL != 0,
        });
        self.tell(home, Peer::Attach { from, token, request });
        Ok(Step::Control)
    }

    fn remember_connecting(&mut self, connecting: Connecting) -> u64 {
        if self.connecting.len() == self.connecting.capacity() {
            self.connecting.grow((self.connecting.capacity() * 2).max(8));
        }
        self.connecting.insert(connecting).unwrap_or_else(|_| unreachable!("the table was grown")).to_u64()
    }

    /// Decides about an I/O queue of a controller that is at home here.
    pub(crate) fn attach(&mut self, from: usize, request: &AttachRequest) -> Result<Attachment, Fail> {
        let found = self.controllers.find(request.subsystem, request.cntlid);
        let controller = found.and_then(|tag| self.controllers.get_mut(tag)).filter(|c| !c.ending);
        let controller = controller.ok_or(in_data(data_offset::CNTLID))?;
        if controller.hostnqn != request.hostnqn {
            return Err(in_data(data_offset::HOSTNQN));
        }
        if controller.hostid != request.hostid {
            return Err(in_data(data_offset::HOSTID));
        }
        if controller.discovery || request.qid > controller.granted {
            return Err(in_command(sqe_offset::QID));
        }
        if !controller.takes_queues() || controller.attached(request.qid).is_some() {
            return Err(Status::COMMAND_SEQUENCE_ERROR.into());
        }
        if controller.cc.iosqes() != 6 || controller.cc.iocqes() != 4 {
            return Err(in_command(sqe_offset::QID));
        }
        let attached =
            super::controller::Attached { home: from, queue: request.queue, qid: request.qid, closing: false };
        controller.attached.push(attached);
        Ok(Attachment { cc: controller.cc.0 })
    }
}

/// OAES: the events that a controller can tell of; all are on until the host says otherwise.
pub(crate) fn offered_events(discovery: bool) -> EventConfig {
    let offered = if discovery { Kind::Discovery } else { Kind::Namespaces };
    match offered {
        Kind::Discovery => EventConfig::default().with_discovery(true),
        Kind::Namespaces => EventConfig::default().with_namespace(true),
    }
}
