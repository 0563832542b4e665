//! A model host: logs in, sends commands of one protocol, checks what comes back, and starts again when anything goes wrong.

use super::link::BadLink;
use super::nvme::{self, Link, Stage};
use super::scsi::{self, Verdict};
use super::target::{LARGEST, limits, names, nobody, target_names};
use super::{MS, nvme::completion};
use crate::{BLOCK, Chance, Command, Kind, Oracle, Step, stamp_of};
use dma::{Arena, Class, Data, Pool};
use fc::fc2::{Direction, Failure, Payload};
use fc::{Config, Fc4, Frames, Node, NodeEvent, Peer, PortKey, SessionId, Xid};
use ring::Tick;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The longest that anything may take after its own time-out: ABTS is sent twice.
const ABORTING: Tick = 21_000 * MS;
/// Commands that a host keeps open.
const DEPTH: usize = 6;

enum What {
    Io(Command),
    Function,
    Setup(Stage),
}

struct Open {
    what: What,
    xid: Xid,
    since: Tick,
    timeout: Tick,
    invoked: Step,
}

/// The host.
pub struct Host {
    /// Its node.
    pub node: Node<BadLink>,
    /// Commands that it sends before it has enough.
    pub goal: u64,
    /// Commands that ended, and of those, well.
    pub ended: (u64, u64),
    /// Nothing may fail.
    pub strict: bool,
    /// Says what happens.
    pub trace: bool,
    number: u64,
    fc4: Fc4,
    pool: Pool,
    chance: Chance,
    oracle: Rc<RefCell<Oracle>>,
    blocks: u64,
    session: Option<SessionId>,
    login_due: Option<Tick>,
    /// A login is on its way: one at a time.
    logging_in: bool,
    /// It logs out as soon as it is logged in.
    leaving: bool,
    stage: Stage,
    link: Link,
    open: BTreeMap<u64, Open>,
    /// A link service of the association is out, until.
    service: Option<Tick>,
    next_at: Tick,
    sent: u64,
    serial: u64,
    /// The next block to verify.
    verify: Option<u64>,
    now: Tick,
}

impl Host {
    /// Host `number` on a link.
    #[expect(clippy::too_many_arguments, reason = "each is part of what a host is")]
    pub fn new(
        number: u64,
        fc4: Fc4,
        link: BadLink,
        frames: Frames,
        arena: &Arc<Arena>,
        oracle: Rc<RefCell<Oracle>>,
        (blocks, goal): (u64, u64),
        chance: Chance,
    ) -> Self {
        let config = Config { limits: limits(), ..Config::initiator(names(number + 1), frames) };
        let (node, _) = Node::new(config, link, nobody());
        let pool = Pool::new(arena, &[Class { size: LARGEST, count: 16 }]).expect("ordinary memory");
        Self {
            node,
            goal,
            ended: (0, 0),
            strict: false,
            trace: false,
            number,
            fc4,
            pool,
            chance,
            oracle,
            blocks,
            session: None,
            login_due: Some(0),
            logging_in: false,
            leaving: false,
            stage: Stage::None,
            link: Link::default(),
            open: BTreeMap::new(),
            service: None,
            next_at: 0,
            sent: 0,
            serial: number + 2,
            verify: None,
            now: 0,
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>12} host {}: {}", self.now / 1000, self.number, what());
        }
    }

    /// Does what it wants to do now. Returns how much.
    pub fn turn(&mut self, now: Tick) -> usize {
        self.now = now;
        let mut work = self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            work += 1;
            self.on_event(event);
        }
        work + usize::from(self.log_in() || self.set_up() || self.begin())
    }

    /// When it wants to do something.
    pub fn deadline(&self) -> Option<Tick> {
        // Blocks are verified one at a time.
        let more = self.sent < self.goal && self.open.len() < DEPTH;
        let wants = self.is_ready() && (more || (self.verify.is_some() && self.open.is_empty()));
        let setup = self.session.is_some() && self.fc4 == Fc4::Nvme && self.stage == Stage::None;
        let next = (wants || setup).then_some(self.next_at);
        let login = self.login_due.filter(|_| !self.logging_in);
        self.node.deadline().into_iter().chain(login).chain(next).min()
    }

    /// It has sent what it wanted and nothing is open.
    pub fn is_done(&self) -> bool {
        self.sent >= self.goal && self.open.is_empty() && self.verify.is_none()
    }

    /// Nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.open.is_empty() && self.service.is_none()
    }

    /// It sends nothing more.
    pub fn stop(&mut self) {
        self.goal = self.sent;
    }

    /// It reads all blocks, until all were read well.
    pub fn verify(&mut self) {
        self.verify = Some(0);
    }

    /// Logs out, data on their way or not; logs in again after a while, or not.
    pub fn log_out(&mut self, again: Option<Tick>) {
        self.say(|| format!("logs out, again {again:?}"));
        if let Some(session) = self.session.take() {
            self.node.logout(session);
        }
        self.stage = Stage::None;
        self.login_due = again.map(|after| self.now + after);
        self.leaving = again.is_none();
    }

    /// Aborts one of its commands.
    pub fn abort(&mut self) {
        let place = self.chance.place(self.open.len());
        let open = place.and_then(|place| self.open.values().nth(place));
        if let Some(xid) = open.map(|open| open.xid) {
            self.node.abort(xid, self.now);
        }
    }

    /// Sends a task management function.
    pub fn function(&mut self) {
        if self.fc4 == Fc4::Fcp && self.session.is_some() && self.open.len() < DEPTH {
            let iu = scsi::function(self.chance.below(4));
            self.send(What::Function, &iu, Direction::None, 0);
        }
    }

    /// Checks what must hold between turns.
    pub fn check(&self) {
        for (context, open) in &self.open {
            let waits = self.now.saturating_sub(open.since);
            assert!(waits < open.timeout + ABORTING, "command {context} of host {} is not ended", self.number);
        }
        let overdue = self.service.is_some_and(|until| self.now > until);
        assert!(!overdue, "a link service of host {} is not ended", self.number);
    }

    /// Checks that all of its memory is home.
    pub fn check_end(&self) {
        assert!(self.pool.is_whole(), "memory of host {} is away", self.number);
    }

    fn is_ready(&self) -> bool {
        self.session.is_some() && (self.fc4 == Fc4::Fcp || self.stage == Stage::Ready)
    }

    fn log_in(&mut self) -> bool {
        let due = self.login_due.is_some_and(|at| at <= self.now) && self.session.is_none() && !self.logging_in;
        if due {
            self.login_due = None;
            self.logging_in = true;
            self.node.login(PortKey::PHYSICAL, Peer::Name(target_names().port), self.fc4);
        }
        due
    }

    fn begin(&mut self) -> bool {
        if !self.is_ready() || self.next_at > self.now || self.open.len() >= DEPTH {
            return false;
        }
        let verifying = self.verify.filter(|_| self.open.is_empty());
        if self.sent >= self.goal && verifying.is_none() {
            return false;
        }
        self.next_at = self.now + self.chance.below(2000) * 1000;
        let command = match verifying {
            Some(block) => self.command(Kind::Read, block, (self.blocks - block).min(8) as u32),
            None => self.random_command(),
        };
        let data = match command.kind {
            Kind::Read => self.pool.take(command.blocks * BLOCK).map(Direction::In),
            Kind::Write => self.pool.take(command.blocks * BLOCK).map(|mut data| {
                command.fill(data.bytes_mut(), |_| 0);
                Direction::Out(data)
            }),
            _ => Some(Direction::None),
        };
        let Some(data) = data else { return false };
        let context = command.serial;
        let iu = match self.fc4 {
            Fc4::Fcp => scsi::unit(&command).to_vec(),
            Fc4::Nvme => {
                let (sqe, direction, len) = nvme::entry(&command);
                nvme::unit(self.link.io, context, sqe, direction, len)
            }
        };
        self.sent += u64::from(verifying.is_none());
        self.send_as(context, What::Io(command), &iu, data);
        true
    }

    fn command(&mut self, kind: Kind, block: u64, blocks: u32) -> Command {
        let serial = self.next_serial();
        Command { queue: self.number as u32, id: serial as u32, serial, kind, disk: 0, block, blocks }
    }

    fn random_command(&mut self) -> Command {
        let kind = match self.chance.below(20) {
            0 => Kind::Flush,
            1 if self.fc4 == Fc4::Fcp => Kind::Nothing,
            n if n < 10 => Kind::Write,
            _ => Kind::Read,
        };
        let blocks = self.chance.between(1, 32.min(self.blocks)) as u32;
        let block = self.chance.below(self.blocks - u64::from(blocks) + 1);
        self.command(kind, block, blocks)
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 2;
        self.serial
    }

    fn send(&mut self, what: What, iu: &[u8], data: Direction, context: u64) {
        let context = if context == 0 { self.next_serial() } else { context };
        self.send_as(context, what, iu, data);
    }

    fn send_as(&mut self, context: u64, what: What, iu: &[u8], data: Direction) {
        let Some(session) = self.session else { return self.pool.give(data.into_data()) };
        let timeout = self.chance.between(2000, 6000) * MS;
        match self.node.command(session, iu, data, timeout, context, self.now) {
            Ok(xid) => {
                let invoked = match &what {
                    What::Io(command) => self.oracle.borrow_mut().invoke(self.number as usize, command),
                    _ => 0,
                };
                if let What::Io(command) = &what {
                    self.say(|| format!("sends {command:?}"));
                }
                self.open.insert(context, Open { what, xid, since: self.now, timeout, invoked });
            }
            Err((_, data)) => {
                self.pool.give(data.into_data());
                if let What::Setup(_) = what {
                    self.fail();
                }
                self.next_at = self.now + MS;
            }
        }
    }
}

/// What happens to it.
impl Host {
    fn on_event(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::SessionUp { info, .. } => {
                self.say(|| "logged in".into());
                assert!(self.session.is_none() && self.logging_in, "logged in twice");
                self.logging_in = false;
                if self.leaving {
                    return self.node.logout(info.id);
                }
                self.login_due = None;
                (self.session, self.stage) = (Some(info.id), Stage::None);
                self.next_at = self.now;
            }
            NodeEvent::SessionDown { session, .. } if self.session == Some(session) => {
                self.say(|| "logged out".into());
                assert!(!self.strict, "logged out in good weather");
                (self.session, self.stage) = (None, Stage::None);
                // At once, or not.
                self.login_due = Some(self.now + self.chance.below(4) * 300 * MS);
            }
            NodeEvent::LoginFailed { reason, .. } => {
                self.say(|| format!("login failed: {reason}"));
                self.logging_in = false;
                if !self.leaving && self.login_due.is_none() && self.session.is_none() {
                    self.login_due = Some(self.now + self.chance.between(100, 1000) * MS);
                }
            }
            NodeEvent::Ended { context, data, result, received, sent, .. } => {
                self.on_ended(context, data, result, received + sent);
            }
            NodeEvent::LsReply { context, result } => self.on_reply(context, result),
            NodeEvent::LsRequest { xid, payload, .. } => {
                let command = wire::fcnvme::LsCommand(payload[0]);
                self.node.answer(xid, &wire::fcnvme::LsAcc::new(command).to_bytes());
                self.fail();
            }
            _ => {}
        }
    }

    fn on_ended(&mut self, context: u64, data: Data, result: Result<Payload, Failure>, moved: u32) {
        let open = self.open.remove(&context).expect("a command ended twice");
        self.say(|| format!("{context} ended: {:?}", result.as_ref().map(|_| moved)));
        let failure = result.as_ref().err().copied();
        let answer = result.ok().map(|payload| {
            let bytes = payload.bytes().to_vec();
            self.node.recycle(payload);
            bytes
        });
        assert!(!self.strict || failure.is_none(), "it failed in good weather: {failure:?}");
        match &open.what {
            What::Io(command) => self.io_ended(&open, command, &data, answer, failure, moved),
            What::Function => {
                if let Some(answer) = &answer {
                    scsi::judge(answer, true);
                }
            }
            What::Setup(stage) => self.setup_ended(*stage, answer, context),
        }
        self.pool.give(data);
    }

    fn io_ended(
        &mut self,
        open: &Open,
        command: &Command,
        data: &Data,
        answer: Option<Vec<u8>>,
        failure: Option<Failure>,
        moved: u32,
    ) {
        let good = answer.is_some_and(|answer| self.is_good(&answer, command));
        self.ended = (self.ended.0 + 1, self.ended.1 + u64::from(good));
        if good {
            assert_eq!(moved, data.len(), "a success without all data");
        }
        if good && command.kind == Kind::Read {
            self.check_read(command, data, open.invoked);
        }
        // Without an answer to ABTS nobody knows when the target is done with it.
        let gave_up = self.now >= open.since + 20_000 * MS;
        let unknown = failure == Some(Failure::LinkDown) || (failure.is_some() && gave_up);
        if !unknown || command.kind != Kind::Write {
            let io = self.open.values().filter(|open| matches!(open.what, What::Io(_)));
            let oldest = io.map(|open| open.invoked).min().unwrap_or(Step::MAX);
            self.oracle.borrow_mut().end(self.number as usize, command, open.invoked, good, oldest);
        }
        if good && self.verify == Some(command.block) && command.kind == Kind::Read {
            let next = command.block + u64::from(command.blocks);
            self.verify = Some(next).filter(|next| *next < self.blocks);
        }
        if failure.is_some() && self.fc4 == Fc4::Nvme {
            self.fail();
        }
    }

    fn is_good(&mut self, answer: &[u8], command: &Command) -> bool {
        if self.fc4 == Fc4::Fcp {
            let verdict = scsi::judge(answer, false);
            assert!(!self.strict || verdict != Verdict::Excused, "excused in good weather");
            return verdict == Verdict::Good;
        }
        let Some(entry) = completion(answer, command.serial) else { return true };
        let status = entry.status();
        if !status.is_success() {
            self.say(|| format!("{status:?}"));
            assert!(!self.strict, "{status:?} in good weather");
        }
        status.is_success()
    }

    fn check_read(&self, command: &Command, data: &Data, invoked: Step) {
        let oracle = self.oracle.borrow();
        for (block, bytes) in command.range().zip(data.bytes().chunks(BLOCK as usize)) {
            let stamp = stamp_of(bytes).unwrap_or_else(|| panic!("block {block} is torn"));
            let known = oracle.describe(0, block);
            assert!(oracle.may_be(0, block, stamp, invoked), "{command:?} read {stamp:#x} in {block}, known: {known}");
        }
    }
}

/// Its association.
impl Host {
    /// The association is of no use any more.
    fn fail(&mut self) {
        if self.stage == Stage::None || self.stage == Stage::Failing || self.stage == Stage::Ending {
            return;
        }
        assert!(!self.strict, "an association failed in good weather");
        self.stage = Stage::Failing;
        let names: Vec<Xid> = self.open.values().map(|open| open.xid).collect();
        names.into_iter().for_each(|xid| self.node.abort(xid, self.now));
    }

    /// Takes the next step by itself.
    fn set_up(&mut self) -> bool {
        if self.fc4 != Fc4::Nvme || self.session.is_none() || self.service.is_some() || self.next_at > self.now {
            return false;
        }
        match self.stage {
            Stage::None => {
                let payload = nvme::associate(self.number);
                self.service(Stage::Associating, &payload);
            }
            Stage::Failing if self.open.is_empty() => {
                let payload = wire::fcnvme::Disconnect::new(self.link.association).to_bytes();
                self.service(Stage::Ending, &payload);
            }
            _ => return false,
        }
        true
    }

    fn service(&mut self, stage: Stage, payload: &[u8]) {
        let Some(session) = self.session else { return };
        let (timeout, context) = (5000 * MS, self.next_serial());
        match self.node.ls(session, payload, timeout, context, self.now) {
            Ok(()) => {
                self.stage = stage;
                self.service = Some(self.now + timeout + ABORTING);
            }
            Err(_) => self.next_at = self.now + 10 * MS,
        }
    }

    fn on_reply(&mut self, _context: u64, result: Result<Payload, Failure>) {
        self.service = None;
        let reply = result.map(|payload| {
            let bytes = payload.bytes().to_vec();
            self.node.recycle(payload);
            bytes
        });
        let stage = self.stage;
        self.say(|| format!("{stage:?}: {:?}", reply.as_ref().map(Vec::len)));
        let created = reply.ok().and_then(|reply| nvme::created(&reply, stage));
        match (stage, created) {
            (Stage::Associating, Some((association, admin))) => {
                (self.link.association, self.link.admin) = (association, admin);
                self.connect(Stage::ConnectingAdmin, admin);
            }
            (Stage::Creating, Some((_, io))) => {
                self.link.io = io;
                self.connect(Stage::ConnectingIo, io);
            }
            (Stage::Ending | Stage::Associating, _) => {
                self.stage = Stage::None;
                self.next_at = self.now + self.chance.below(500) * MS;
            }
            (Stage::Creating, None) => self.fail(),
            _ => {}
        }
    }

    fn connect(&mut self, stage: Stage, connection: u64) {
        self.stage = stage;
        let (sqe, payload) = nvme::connect(self.number, &self.link, stage);
        let Some(mut data) = self.pool.take(payload.len() as u32) else { return self.fail() };
        data.bytes_mut().copy_from_slice(&payload);
        let context = self.next_serial();
        let iu = nvme::unit(connection, context, sqe, wire::fcp::Direction::Write, payload.len() as u32);
        self.send(What::Setup(stage), &iu, Direction::Out(data), context);
    }

    fn setup_ended(&mut self, stage: Stage, answer: Option<Vec<u8>>, context: u64) {
        if self.stage != stage {
            return;
        }
        let entry = answer.map(|answer| completion(&answer, context));
        let Some(entry) = entry.filter(|entry| entry.is_none_or(|entry| entry.status().is_success())) else {
            return self.fail();
        };
        match stage {
            Stage::ConnectingAdmin => {
                self.link.controller = entry.map_or(0, |entry| entry.dw0.get() as u16);
                self.stage = Stage::Enabling;
                let context = self.next_serial();
                let iu = nvme::unit(self.link.admin, context, nvme::enable(), wire::fcp::Direction::None, 0);
                self.send(What::Setup(Stage::Enabling), &iu, Direction::None, context);
            }
            Stage::Enabling => {
                let payload = nvme::connection(&self.link);
                self.service(Stage::Creating, &payload);
            }
            Stage::ConnectingIo => {
                self.stage = Stage::Ready;
                self.next_at = self.now;
            }
            _ => {}
        }
    }
}
