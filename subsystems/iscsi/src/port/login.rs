//! Logins, which run on the core that a connection was handed to; and the way of a connection that has logged in to the core of
//! its session, where all connections of a session are.
//!
//! A new session of the same initiator port and target port takes the place of the old one (RFC 7143 6.3.5): its login is answered
//! when the old one is gone, commands and all. A connection with the number of one that is there takes its place at once (6.3.4).

use super::{IscsiPort, Note};
use crate::connection::{Connection, Phase, Sink};
use crate::limits;
use crate::poller::Order;
use crate::receiver::Framing;
use crate::registry::{Nexus, Place};
use crate::session::Session;
use iscsi::login::{Request, Response, Step};
use iscsi::{Admission, Agreement, Login, Parameters, Peer, Portal, SessionKind, Status};
use os::SendQueue;
use reactor::log_limited;
use ring::{Full, Tick};
use scsi::{IscsiName, Origin, PortName};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use wire::be::{U16, U32};
use wire::iscsi::{Bhs, Layout, LoginRequest, LoginResponse, Opcode, Pdu, U24, padding};
use zerocopy::FromZeros;

/// A connection that has logged in, on its way to its session.
pub struct Join {
    socket: TcpStream,
    /// Ours, and the peer's.
    addresses: (SocketAddr, SocketAddr),
    group: u16,
    login: Box<Login>,
    nexus: Nexus,
    /// The new session's handle, or 0.
    new: u16,
    /// When it is given up.
    by: Tick,
}

impl IscsiPort {
    /// A header came on a connection that has not logged in.
    pub(super) fn on_login_header(&mut self, queue: u32, bhs: &Bhs, layout: Layout) {
        if bhs.opcode() != Opcode::LOGIN_REQUEST {
            let answer = self.connection(queue).login.as_mut().and_then(|login| login.other_request());
            return match answer {
                Some(response) => self.end_login(queue, &response),
                None => self.lose(queue),
            };
        }
        let connection = self.connection(queue);
        connection.text.clear();
        connection.sink = Sink::Text;
        if layout.data == 0 {
            connection.sink = Sink::Nothing;
            self.on_login(queue);
        }
    }

    /// A whole login request.
    pub(super) fn on_login(&mut self, queue: u32) {
        let directory = self.directory.clone();
        let connection = self.connection(queue);
        let text = std::mem::take(&mut connection.text);
        let bhs = connection.receiver.bhs();
        let portal = Portal { group: connection.group, address: connection.local };
        let peer = Peer { address: connection.peer.ip(), portal };
        let login = connection.login.get_or_insert_with(|| Box::new(Login::new(peer, directory.options(), 1)));
        match login.request(&request(&bhs, &text), &*directory) {
            Step::Send(response) => self.answer_login(queue, &response),
            Step::Refuse(response) => {
                let (who, why) = (login.agreement().initiator.clone(), login.why().unwrap_or_default().to_owned());
                let (from, status) = (peer.address, response.status);
                log_limited!(
                    self.refusals,
                    self.now,
                    warn,
                    "iSCSI: '{who}' from {from} refused ({status:#06x}): {why}"
                );
                self.end_login(queue, &response);
            }
            Step::Admit => self.admit(queue),
            Step::Close(why) => {
                log::info!("iSCSI: login from {} closed: {why}", peer.address);
                self.lose(queue);
            }
        }
    }

    fn answer_login(&mut self, queue: u32, response: &Response) {
        if self.connection(queue).queue_login(response) { self.mark_dirty(queue) } else { self.lose(queue) }
    }

    fn end_login(&mut self, queue: u32, response: &Response) {
        self.answer_login(queue, response);
        if self.connection(queue).phase != Phase::Lost {
            self.hang_up(queue);
        }
    }

    /// All is agreed: finds the session, and sends the connection to its core.
    fn admit(&mut self, queue: u32) {
        let refuse = |port: &mut Self, status| {
            let response = port.connection(queue).login.as_mut().expect("it logs in").refused(status);
            port.end_login(queue, &response);
        };
        if self.has_leftover() || !self.connection(queue).out.is_empty() {
            // Who does not wait for the answer does not keep to the standard.
            return self.lose(queue);
        }
        let group = self.connection(queue).group;
        let agreement = self.connection(queue).login.as_ref().expect("it logs in").agreement();
        let tsih = agreement.tsih;
        let Some(nexus) = nexus(agreement, group) else { return refuse(self, Status::InitiatorError) };
        let (new, home) = match self.registry.place(tsih, &nexus, self.home) {
            Place::New { tsih, home } => (tsih, home),
            Place::Old { home } => (0, home),
            Place::Unknown => return refuse(self, Status::SessionDoesNotExist),
            Place::Full => return refuse(self, Status::OutOfResources),
        };
        let by = self.now + Tick::from(self.settings.login_timeout_s.max(1)) * 1_000_000_000;
        let connection = *self.remove_connection(queue);
        let Connection { socket, local, peer, group, login, .. } = connection;
        let login = login.expect("it logs in");
        let join = Box::new(Join { socket, addresses: (local, peer), group, login, nexus, new, by });
        if home == self.home { self.join(join) } else { self.hand_over(home, join) }
    }

    fn hand_over(&mut self, home: usize, join: Box<Join>) {
        let door = &self.doors[home];
        door.load.fetch_add(1, Relaxed);
        if let Err(Full(refused)) = door.orders.send(Order::Join(join)) {
            door.load.fetch_sub(1, Relaxed);
            if let Order::Join(join) = refused {
                self.registry.remove(join.new);
            }
        }
    }

    /// A connection has come to the core of its session.
    pub(crate) fn join(&mut self, join: Box<Join>) {
        if join.new != 0
            && let Some(old) = self.find_nexus(&join.nexus)
        {
            self.joining.push(join);
            // Its peer is the one that logs in again: nobody is there to hear a word.
            return self.session(old).connections.clone().into_iter().for_each(|queue| self.lose(queue));
        }
        let agreement = join.login.agreement();
        let session = if join.new != 0 { self.open_session(&join) } else { self.session_for(agreement) };
        match session {
            Ok(session) => self.welcome(session, join),
            Err(status) => {
                self.registry.remove(join.new);
                self.turn_away(join, status);
            }
        }
    }

    /// Logins that waited for a session to be gone, or waited too long.
    pub(super) fn go_on_joining(&mut self) {
        let now = self.now;
        for join in std::mem::take(&mut self.joining) {
            if now > join.by {
                self.registry.remove(join.new);
            } else if self.find_nexus(&join.nexus).is_some_and(|old| self.session(old).closing) {
                self.joining.push(join);
            } else {
                self.join(join);
            }
        }
    }

    /// The session of that initiator port and target port, if it is not over.
    fn find_nexus(&self, nexus: &Nexus) -> Option<u32> {
        let target = nexus.target?;
        let same = |origin: &Origin| origin.initiator == nexus.initiator && origin.target == target;
        let is_it = |session: &Option<Box<Session>>| {
            session.as_ref().and_then(|session| session.origin.as_ref()).is_some_and(&same)
        };
        self.sessions.iter().position(is_it).map(|place| place as u32)
    }

    fn find_session(&self, tsih: u16) -> Option<u32> {
        let is_it = |session: &Option<Box<Session>>| session.as_ref().is_some_and(|session| session.tsih == tsih);
        self.sessions.iter().position(is_it).map(|place| place as u32)
    }

    /// The session that another connection joins, if it may.
    fn session_for(&mut self, agreement: &Agreement) -> Result<u32, Status> {
        let session = self.find_session(agreement.tsih).ok_or(Status::SessionDoesNotExist)?;
        let known = self.session(session);
        if known.closing || known.leaving.is_some() {
            return Err(Status::SessionDoesNotExist);
        }
        let most = usize::from(known.parameters().max_connections);
        let all = known.connections.clone();
        let full = |queue: &u32| self.connections[*queue as usize].as_ref().is_some_and(|c| c.is_full());
        let same = |queue: &u32| self.connections[*queue as usize].as_ref().is_some_and(|c| c.cid == agreement.cid);
        let own = all.iter().copied().find(|queue| full(queue) && same(queue));
        if own.is_none() && all.iter().filter(|queue| full(queue)).count() >= most {
            return Err(Status::TooManyConnections);
        }
        if let Some(own) = own {
            self.lose(own);
        }
        Ok(session)
    }

    /// A new session. Not on the I/O path: it allocates all that its commands will need.
    fn open_session(&mut self, join: &Join) -> Result<u32, Status> {
        let depth = self.directory.options().queue_depth.clamp(1, limits::MOST_DEPTH);
        let origin = join.nexus.target.map(|target| {
            let (relative_port, port_group) = self.registry.numbers(&target);
            let address = Some(join.addresses.1.ip());
            Origin { initiator: join.nexus.initiator, target, relative_port, port_group, address }
        });
        if origin.is_some() {
            let normal = self.sessions.iter().flatten().filter(|session| session.is_normal());
            let sum: usize = normal.map(|session| Session::most(session.depth, limits::IMMEDIATE)).sum();
            let places = sum + Session::most(depth, limits::IMMEDIATE);
            if places > limits::COMMANDS {
                return Err(Status::OutOfResources);
            }
            self.commands.grow(places);
        }
        let session = Session::new(join.new, join.login.agreement().clone(), origin, depth, limits::IMMEDIATE);
        let queue = self.free_sessions.pop().unwrap_or(self.sessions.len() as u32);
        if queue as usize == self.sessions.len() {
            self.sessions.push(None);
            self.free_sessions.reserve(self.sessions.len());
        }
        self.sessions[queue as usize] = Some(Box::new(session));
        if origin.is_some() {
            self.note(Note::Opened(queue));
        }
        Ok(queue)
    }

    /// Answers the login; the full feature phase begins behind the answer.
    fn welcome(&mut self, session: u32, join: Box<Join>) {
        let now = self.now;
        let Join { socket, addresses, group, mut login, .. } = *join;
        let known = self.session(session);
        let admission = Admission { tsih: known.tsih, exp_cmd_sn: known.exp_cmd_sn, max_cmd_sn: known.max_cmd_sn() };
        let response = login.admitted(admission);
        let mut connection = Box::new(Connection::new(socket, addresses, group, now, now));
        let places = usize::from(known.depth + limits::IMMEDIATE);
        let mut agreement = Box::new(login.agreement().clone());
        session_part(&mut agreement.parameters, known.parameters());
        connection.begin(session, agreement, login.next_stat_sn(), &response, places);
        match self.add_connection(connection) {
            Some(queue) => {
                self.session(session).connections.push(queue);
                self.mark_dirty(queue);
            }
            None => self.settle(session),
        }
    }

    /// Refuses a login on the core of its session.
    fn turn_away(&mut self, join: Box<Join>, status: Status) {
        let Join { socket, addresses, group, mut login, .. } = *join;
        let response = login.refused(status);
        let connection = Box::new(Connection::new(socket, addresses, group, self.now, self.now));
        if let Some(queue) = self.add_connection(connection) {
            self.end_login(queue, &response);
        }
    }
}

impl Connection {
    /// Queues a login response. `false`: there is no room for it.
    fn queue_login(&mut self, response: &Response) -> bool {
        let text = &response.text;
        if text.len() + 512 > limits::LOGIN_OUT.0 / 2 || !self.out.room() {
            return false;
        }
        self.out.header(&login_response(response).to_bytes());
        self.out.header(text);
        self.out.header(&[0; 3][..padding(text.len() as u32)]);
        self.out.end(None);
        true
    }

    /// The full feature phase begins behind this response.
    fn begin(&mut self, session: u32, agreement: Box<Agreement>, stat_sn: u32, response: &Response, places: usize) {
        let parameters = agreement.parameters;
        self.out = SendQueue::new(limits::FULL_OUT.0, limits::FULL_OUT.1);
        let queued = self.queue_login(response);
        assert!(queued, "an empty queue has room for the last response");
        (self.phase, self.session, self.stat_sn) = (Phase::Full, Some(session), stat_sn);
        self.cid = agreement.cid;
        let (header_digest, data_digest) = (parameters.header_digest, parameters.data_digest);
        self.framing = Framing { header_digest, data_digest, max_data: parameters.max_send_data_segment_length };
        let max_data = parameters.max_recv_data_segment_length;
        self.receiver.set_framing(Framing { max_data, ..self.framing });
        let r2ts = usize::from(parameters.max_outstanding_r2t.max(1));
        self.items.reserve(places * (1 + r2ts.min(8)) + limits::PACKETS);
        self.agreement = Some(agreement);
    }
}

/// Parameters of the session are those of its first login.
fn session_part(own: &mut Parameters, session: &Parameters) {
    *own = Parameters {
        header_digest: own.header_digest,
        data_digest: own.data_digest,
        max_recv_data_segment_length: own.max_recv_data_segment_length,
        max_send_data_segment_length: own.max_send_data_segment_length,
        ..*session
    };
}

/// Which session a login means; `None`: a name that no port can have.
fn nexus(agreement: &Agreement, group: u16) -> Option<Nexus> {
    let initiator = PortName::Iscsi { name: IscsiName::new(&agreement.initiator)?, isid: agreement.isid };
    let target = match &agreement.kind {
        SessionKind::Discovery => None,
        SessionKind::Normal { target } => Some(PortName::IscsiTarget { name: IscsiName::new(target)?, group }),
    };
    Some(Nexus { initiator, target })
}

fn request<'a>(bhs: &Bhs, text: &'a [u8]) -> Request<'a> {
    let pdu: &LoginRequest = bhs.of();
    Request {
        immediate: bhs.is_immediate(),
        flags: pdu.flags,
        version_max: pdu.version_max,
        version_min: pdu.version_min,
        isid: pdu.isid,
        tsih: pdu.tsih.get(),
        itt: pdu.itt.get(),
        cid: pdu.cid.get(),
        cmd_sn: pdu.cmd_sn.get(),
        exp_stat_sn: pdu.exp_stat_sn.get(),
        text,
    }
}

fn login_response(response: &Response) -> LoginResponse {
    LoginResponse {
        opcode: LoginResponse::OPCODE.0,
        flags: response.flags,
        version_max: response.version_max,
        version_active: response.version_active,
        data_segment_length: U24::new(response.text.len() as u32),
        isid: response.isid,
        tsih: U16::new(response.tsih),
        itt: U32::new(response.itt),
        stat_sn: U32::new(response.stat_sn),
        exp_cmd_sn: U32::new(response.exp_cmd_sn),
        max_cmd_sn: U32::new(response.max_cmd_sn),
        status: U16::new(response.status),
        ..LoginResponse::new_zeroed()
    }
}
