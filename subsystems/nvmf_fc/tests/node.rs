//! Whole: an initiator's node, a link, the target's node, two cores, a disk. Every byte of it goes over the wire.

mod rig;

use dma::{Arena, Backing, Class, Data, Pool};
use fc::fc2::{Direction as Memory, Payload};
use fc::{
    Config, Fc4, Frames, Names, Node, NodeEvent, Peer, Port, PortKey, RingLink, Service, SessionId, SoftPort, Wake,
};
use fc::{Xid, ring_links};
use rig::host::{nqn, rw};
use rig::{DISCOVERY, HOST, LISTENER, MS, NQN, Rig, fabric};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::fabrics::{Connect, ConnectData, PropertyGet, PropertySet};
use wire::fc::Wwn;
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Disconnect, Ersp, LsCommand, LsReply, RSP};
use wire::fcp::Direction;
use wire::log::DiscoveryEntry;
use wire::nvme::{AdminOpcode, Cns, Cqe, Csi, GetLogPage, Identify, LogId, NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

fn nobody() -> Wake {
    Arc::new(|| {})
}

fn host_names() -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0001), port: Wwn(0x2100_0024_ff00_0001) }
}

/// What a host sees of a command.
struct Ended {
    data: Vec<u8>,
    response: Option<Vec<u8>>,
    moved: u32,
}

struct World {
    rig: Rig,
    target: Node<RingLink>,
    port: Arc<SoftPort>,
    host: Node<RingLink>,
    pool: Pool,
    session: Option<SessionId>,
    ended: BTreeMap<u64, Ended>,
    replies: BTreeMap<u64, Option<Vec<u8>>>,
    /// Disconnects that the target sent.
    told: Vec<Vec<u8>>,
    context: u64,
}

/// A connection of the host, with the checks that a Linux host makes of what comes back.
#[derive(Clone, Copy)]
struct Link {
    association: u64,
    connection: u64,
}

/// A response that the host found sound.
struct Reply {
    cqe: Option<Cqe>,
    data: Vec<u8>,
}

impl World {
    fn new(cores: usize) -> Self {
        let frames = Frames::new(4096);
        let [near, far] = ring_links(256, [nobody(), nobody()]);
        let (target, port) = Node::new(Config::new(fabric::local(), frames.clone()), near, nobody());
        let (host, _) = Node::new(Config::initiator(host_names(), frames), far, nobody());
        let arena = Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let pool = Pool::new(&arena, &[Class { size: 65_536, count: 64 }]).unwrap();
        let mut rig = Rig::new(cores);
        let service = Service { fc4: Fc4::Nvme, discovery: true };
        let queues = port.attach(service, (0..cores).map(|_| nobody()).collect()).unwrap();
        rig.adopt(0, LISTENER, queues);
        let (ended, replies) = (BTreeMap::new(), BTreeMap::new());
        let (session, told, context) = (None, Vec::new(), 0);
        let mut world = Self { rig, target, port, host, pool, session, ended, replies, told, context };
        world.login();
        world
    }

    fn login(&mut self) {
        self.pass(4000);
        self.host.login(PortKey::PHYSICAL, Peer::Name(fabric::local().port), Fc4::Nvme);
        self.pass(1000);
        assert!(self.session.is_some(), "logged in for NVMe");
    }

    fn step(&mut self) -> usize {
        let mut work = self.target.poll(self.rig.now) + self.host.poll(self.rig.now) + self.rig.step();
        while let Some(event) = self.host.next_event() {
            work += 1;
            self.on_event(event);
        }
        work
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let work = self.step();
            let pending = self.rig.is_pending() || self.target.is_pending() || self.host.is_pending();
            if work == 0 && !pending {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.settle();
            self.rig.now += 10 * MS;
        }
        self.settle();
    }

    fn on_event(&mut self, event: NodeEvent) {
        let bytes = |host: &mut Node<RingLink>, payload: Payload| {
            let bytes = payload.bytes().to_vec();
            host.recycle(payload);
            bytes
        };
        match event {
            NodeEvent::SessionUp { info, .. } => self.session = Some(info.id),
            NodeEvent::SessionDown { .. } => self.session = None,
            NodeEvent::LoginFailed { reason, .. } => panic!("{reason}"),
            NodeEvent::Ended { context, data, result, received, sent, .. } => {
                let response = result.ok().map(|payload| bytes(&mut self.host, payload));
                let mut copy = vec![0; data.len() as usize];
                data.copy_to(0, &mut copy);
                self.pool.give(data);
                self.ended.insert(context, Ended { data: copy, response, moved: received + sent });
            }
            NodeEvent::LsReply { context, result } => {
                let reply = result.ok().map(|payload| bytes(&mut self.host, payload));
                self.replies.insert(context, reply);
            }
            NodeEvent::LsRequest { xid, payload, .. } => {
                let request = LsCommand(payload[0]);
                self.told.push(payload.into());
                self.host.answer(xid, &wire::fcnvme::LsAcc::new(request).to_bytes());
            }
            _ => {}
        }
    }

    fn ls(&mut self, payload: &[u8]) -> Vec<u8> {
        self.context += 1;
        let (session, context) = (self.session.expect("a session"), self.context);
        self.host.ls(session, payload, 20_000 * MS, context, self.rig.now).unwrap();
        self.settle();
        self.replies.remove(&context).expect("an answer").expect("that is one")
    }

    fn associate(&mut self) -> Link {
        let request = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), 32, 8);
        let reply = self.ls(&request.to_bytes());
        match LsReply::parse(&reply, LsCommand::CREATE_ASSOCIATION).unwrap() {
            LsReply::Association { association_id, connection_id } => {
                Link { association: association_id, connection: connection_id }
            }
            other => panic!("{other:?}"),
        }
    }

    fn create_connection(&mut self, link: Link, qid: u16) -> Link {
        let reply = self.ls(&CreateConnection::new(link.association, qid, 64, 12).to_bytes());
        match LsReply::parse(&reply, LsCommand::CREATE_CONNECTION).unwrap() {
            LsReply::Connection { connection_id } => Link { connection: connection_id, ..link },
            other => panic!("{other:?}"),
        }
    }

    fn start(&mut self, link: Link, mut sqe: Sqe, direction: Direction, len: u32, payload: &[u8]) -> (u64, Xid) {
        self.context += 1;
        let context = self.context;
        sqe.cid = U16::new(context as u16);
        sqe.dptr = SglDescriptor::transport(len);
        let unit = CmndIu::new(link.connection, context as u32, direction, len, sqe, false);
        let memory = |pool: &mut Pool| pool.take(len).expect("the host has memory");
        let memory = match direction {
            Direction::Read => Memory::In(memory(&mut self.pool)),
            Direction::Write => {
                let mut data: Data = memory(&mut self.pool);
                data.bytes_mut().copy_from_slice(payload);
                Memory::Out(data)
            }
            _ => Memory::None,
        };
        let session = self.session.expect("a session");
        let sent = self.host.command(session, &unit.to_bytes(), memory, 60_000 * MS, context, self.rig.now);
        (context, sent.expect("an exchange is free"))
    }

    /// How a command ended, with the checks of a Linux host (`nvme_fc_fcpio_done`).
    fn reply(&mut self, context: u64, len: u32) -> Reply {
        let Ended { data, response, moved } = self.ended.remove(&context).expect("it ended");
        let response = response.expect("with a response");
        if response == RSP {
            assert_eq!(moved, len, "everything was moved");
            return Reply { cqe: None, data };
        }
        let ersp = Ersp::parse(&response).expect("32 bytes");
        assert_eq!((response.len(), ersp.result.0, ersp.transferred.get()), (32, 0, moved));
        assert_eq!(ersp.cqe.cid.get(), context as u16);
        Reply { cqe: Some(ersp.cqe), data }
    }

    fn call(&mut self, link: Link, sqe: Sqe, direction: Direction, len: u32, payload: &[u8]) -> Reply {
        let (context, _) = self.start(link, sqe, direction, len, payload);
        self.settle();
        self.reply(context, len)
    }

    fn get(&mut self, link: Link, sqe: Sqe, len: u32) -> Vec<u8> {
        let reply = self.call(link, sqe, Direction::Read, len, &[]);
        assert!(reply.cqe.is_none_or(|cqe| cqe.status().is_success()), "{:?}", reply.cqe);
        reply.data
    }

    fn put(&mut self, link: Link, sqe: Sqe, payload: &[u8]) {
        let reply = self.call(link, sqe, Direction::Write, payload.len() as u32, payload);
        assert!(reply.cqe.is_none_or(|cqe| cqe.status().is_success()), "{:?}", reply.cqe);
    }

    fn connect(&mut self, link: Link, qid: u16, entries: u16, cntlid: u16, subnqn: &str) -> u16 {
        let data = ConnectData::new([7; 16], cntlid, nqn(subnqn), nqn(HOST));
        let sqe = Connect::new(qid, entries, 0).into_sqe();
        let cqe = self.call(link, sqe, Direction::Write, 1024, data.as_bytes()).cqe.expect("the longer response");
        assert!(cqe.status().is_success(), "{cqe:?}");
        cqe.dw0.get() as u16
    }

    fn enable(&mut self, link: Link) {
        self.call(link, PropertySet::sqe(Property::CC, 0x0046_0001), Direction::None, 0, &[]);
        let csts = self.call(link, PropertyGet::sqe(Property::CSTS), Direction::None, 0, &[]);
        assert_eq!(csts.cqe.unwrap().value(), 1);
    }

    fn controller(&mut self, queues: u16) -> (Link, Vec<Link>) {
        let admin = self.associate();
        let cntlid = self.connect(admin, 0, 32, 0xffff, NQN);
        self.enable(admin);
        let io = |qid| {
            let io = self.create_connection(admin, qid);
            self.connect(io, qid, 64, cntlid, NQN);
            io
        };
        let ios = (1..=queues).map(io).collect();
        (admin, ios)
    }
}

#[test]
fn discover_connect_and_verify() {
    let mut world = World::new(2);
    // The discovery controller.
    let admin = world.associate();
    world.connect(admin, 0, 32, 0xffff, DISCOVERY);
    world.enable(admin);
    let page = world.get(admin, GetLogPage::sqe(LogId::DISCOVERY, 0, 4096, 0, false), 4096);
    let entry: &DiscoveryEntry = wire::parse(&page[1024..]).unwrap();
    assert_eq!(wire::unpadded(&entry.traddr).unwrap(), fabric::local().to_string());
    assert_eq!((entry.subnqn.text().unwrap(), wire::unpadded(&entry.trsvcid).unwrap()), (NQN, "none"));
    let reply = world.ls(&Disconnect::new(admin.association).to_bytes());
    assert_eq!(LsReply::parse(&reply, LsCommand::DISCONNECT_ASSOCIATION), Ok(LsReply::Disconnected));
    world.rig.assert_empty();
    // The volume, by two queues that live on two cores.
    let (admin, ios) = world.controller(2);
    assert_ne!(ios[0].connection & 1, ios[1].connection & 1);
    let id: wire::identify::Controller =
        wire::read(&world.get(admin, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096)).unwrap();
    assert_eq!(id.subnqn.text().unwrap(), NQN);
    for (n, blocks) in [1, 8, 9, 128].into_iter().enumerate() {
        let bytes: Vec<u8> = (0..blocks * 512).map(|at: u32| (at.wrapping_mul(31) >> 3) as u8 ^ n as u8).collect();
        let block = 200 * n as u64;
        world.put(ios[n % 2], rw(NvmOpcode::WRITE, block, blocks), &bytes);
        assert_eq!(world.get(ios[(n + 1) % 2], rw(NvmOpcode::READ, block, blocks), blocks * 512), bytes);
    }
    // Many at once, on both.
    let started: Vec<_> =
        (0..40).map(|n| world.start(ios[n % 2], rw(NvmOpcode::READ, 200, 8), Direction::Read, 4096, &[]).0).collect();
    world.settle();
    let short = started.into_iter().filter(|context| world.reply(*context, 4096).cqe.is_none()).count();
    assert!((1..40).contains(&short), "{short} of 40 with the shorter response");
    let reply = world.ls(&Disconnect::new(admin.association).to_bytes());
    assert_eq!(LsReply::parse(&reply, LsCommand::DISCONNECT_ASSOCIATION), Ok(LsReply::Disconnected));
    // FC-NVMe-2 wants one of ours before that answer.
    assert_eq!(world.told.last().unwrap()[..], Disconnect::new(admin.association).to_bytes());
    world.rig.assert_empty();
}

#[test]
fn aborts_over_the_wire() {
    let mut world = World::new(2);
    let (_, ios) = world.controller(2);
    world.rig.disk.hold(true);
    for io in &ios {
        let (read, xid) = world.start(*io, rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
        world.settle();
        world.host.abort(xid, world.rig.now);
        let (write, xid) = world.start(*io, rw(NvmOpcode::WRITE, 0, 8), Direction::Write, 4096, &[1; 4096]);
        world.settle();
        world.host.abort(xid, world.rig.now);
        world.pass(100);
        for context in [read, write] {
            assert!(world.ended.remove(&context).expect("it ended").response.is_none());
        }
    }
    world.rig.disk.hold(false);
    world.rig.assert_idle();
    assert_eq!(world.get(ios[0], rw(NvmOpcode::READ, 0, 8), 4096), [0; 4096]);
}

#[test]
fn a_logout_with_io_in_flight() {
    let mut world = World::new(2);
    let (admin, ios) = world.controller(2);
    world.rig.disk.hold(true);
    world.start(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Direction::None, 0, &[]);
    for io in &ios {
        for _ in 0..4 {
            world.start(*io, rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
            world.start(*io, rw(NvmOpcode::WRITE, 0, 128), Direction::Write, 65_536, &[1; 65_536]);
        }
    }
    // In the middle of it.
    for _ in 0..3 {
        world.step();
    }
    world.host.logout(world.session.unwrap());
    world.pass(500);
    world.rig.disk.hold(false);
    world.pass(100);
    world.rig.assert_empty();
    assert_eq!(world.ended.len(), 17, "every command ended");
    // It may come back.
    world.host.login(PortKey::PHYSICAL, Peer::Name(fabric::local().port), Fc4::Nvme);
    world.pass(1000);
    world.controller(2);
}

#[test]
fn a_port_is_given_up_and_served_again() {
    let mut world = World::new(2);
    let (_, ios) = world.controller(2);
    world.rig.disk.hold(true);
    world.start(ios[0], rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
    world.settle();
    world.port.detach(Fc4::Nvme);
    let gone = world.rig.retire(0);
    world.pass(500);
    world.rig.disk.hold(false);
    world.pass(100);
    assert_eq!(gone.try_iter().count(), 2);
    world.rig.assert_empty();
    assert!(world.session.is_none());
    let service = Service { fc4: Fc4::Nvme, discovery: true };
    let queues = world.port.attach(service, vec![nobody(), nobody()]).unwrap();
    world.rig.adopt(0, LISTENER, queues);
    world.login();
    world.controller(1);
}

#[test]
fn a_silent_host_is_told_that_its_association_ended() {
    let mut world = World::new(2);
    let admin = world.associate();
    let data = ConnectData::new([7; 16], 0xffff, nqn(NQN), nqn(HOST));
    let sqe = Connect::new(0, 32, 2000).into_sqe();
    world.call(admin, sqe, Direction::Write, 1024, data.as_bytes());
    world.pass(2500);
    assert_eq!(world.told, [Disconnect::new(admin.association).to_bytes()]);
    world.rig.assert_empty();
}
