//! An initiator on a node, with the checks that a Linux host makes of what comes back.

use super::host::nqn;
use super::{HOST, MS, NQN};
use dma::{Arena, Backing, Class, Data, Pool};
use fc::fc2::{Direction as Memory, Payload};
use fc::{Config, Fc4, Frames, Names, Node, NodeEvent, Peer, PortKey, RingLink, SessionId, Wake, Xid};
use ring::Tick;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::fabrics::{Connect, ConnectData, PropertyGet, PropertySet};
use wire::fc::Wwn;
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Disconnect, Ersp, LsCommand, LsReply, RSP};
use wire::fcp::Direction;
use wire::nvme::{Cqe, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

pub fn nobody() -> Wake {
    Arc::new(|| {})
}

pub fn host_names() -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0001), port: Wwn(0x2100_0024_ff00_0001) }
}

/// What a host sees of a command.
pub struct Ended {
    data: Vec<u8>,
    pub response: Option<Vec<u8>>,
    moved: u32,
}

/// A connection.
#[derive(Clone, Copy)]
pub struct Link {
    pub association: u64,
    pub connection: u64,
}

/// A response that the host found sound.
pub struct Reply {
    pub cqe: Option<Cqe>,
    pub data: Vec<u8>,
}

pub struct Initiator {
    pub node: Node<RingLink>,
    pub now: Tick,
    pool: Pool,
    pub session: Option<SessionId>,
    /// Why the last login failed.
    pub refused: Option<String>,
    pub ended: BTreeMap<u64, Ended>,
    replies: BTreeMap<u64, Option<Vec<u8>>>,
    /// Disconnects that the target sent.
    pub told: Vec<Vec<u8>>,
    context: u64,
}

impl Initiator {
    pub fn new(link: RingLink, frames: Frames) -> Self {
        let (node, _) = Node::new(Config::initiator(host_names(), frames), link, nobody());
        let arena = Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let pool = Pool::new(&arena, &[Class { size: 65_536, count: 64 }]).unwrap();
        let (ended, replies) = (BTreeMap::new(), BTreeMap::new());
        Self { node, now: 0, pool, session: None, refused: None, ended, replies, told: Vec::new(), context: 0 }
    }

    pub fn poll(&mut self) -> usize {
        let mut work = self.node.poll(self.now);
        while let Some(event) = self.node.next_event() {
            work += 1;
            self.on_event(event);
        }
        work
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
            NodeEvent::LoginFailed { reason, .. } => self.refused = Some(reason),
            NodeEvent::Ended { context, data, result, received, sent, .. } => {
                let response = result.ok().map(|payload| bytes(&mut self.node, payload));
                let mut copy = vec![0; data.len() as usize];
                data.copy_to(0, &mut copy);
                self.pool.give(data);
                self.ended.insert(context, Ended { data: copy, response, moved: received + sent });
            }
            NodeEvent::LsReply { context, result } => {
                let reply = result.ok().map(|payload| bytes(&mut self.node, payload));
                self.replies.insert(context, reply);
            }
            NodeEvent::LsRequest { xid, payload, .. } => {
                let request = LsCommand(payload[0]);
                self.told.push(payload.into());
                self.node.answer(xid, &wire::fcnvme::LsAcc::new(request).to_bytes());
            }
            _ => {}
        }
    }

    pub fn login(&mut self) {
        self.node.login(PortKey::PHYSICAL, Peer::Name(super::fabric::local().port), Fc4::Nvme);
    }

    fn ask(&mut self, payload: &[u8]) -> u64 {
        self.context += 1;
        let session = self.session.expect("a session");
        self.node.ls(session, payload, 20_000 * MS, self.context, self.now).unwrap();
        self.context
    }

    pub fn start(&mut self, link: Link, mut sqe: Sqe, direction: Direction, len: u32, payload: &[u8]) -> (u64, Xid) {
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
        let sent = self.node.command(session, &unit.to_bytes(), memory, 60_000 * MS, context, self.now);
        (context, sent.expect("an exchange is free"))
    }

    /// How a command ended, with the checks of a Linux host (`nvme_fc_fcpio_done`).
    pub fn reply(&mut self, context: u64, len: u32) -> Reply {
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
}

/// What lets time pass for an initiator, and all that it needs of a host.
pub trait Drive {
    fn host(&mut self) -> &mut Initiator;

    /// Lets the world turn until `done`, or fails.
    fn until(&mut self, what: &str, done: &mut dyn FnMut(&mut Initiator) -> bool);

    fn ls(&mut self, payload: &[u8]) -> Vec<u8> {
        let context = self.host().ask(payload);
        self.until("an answer", &mut |host| host.replies.contains_key(&context));
        self.host().replies.remove(&context).unwrap().expect("an answer that is one")
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

    fn disconnect(&mut self, link: Link) {
        let reply = self.ls(&Disconnect::new(link.association).to_bytes());
        assert_eq!(LsReply::parse(&reply, LsCommand::DISCONNECT_ASSOCIATION), Ok(LsReply::Disconnected));
    }

    fn call(&mut self, link: Link, sqe: Sqe, direction: Direction, len: u32, payload: &[u8]) -> Reply {
        let (context, _) = self.host().start(link, sqe, direction, len, payload);
        self.until("a response", &mut |host| host.ended.contains_key(&context));
        self.host().reply(context, len)
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
        let mut ios = Vec::new();
        for qid in 1..=queues {
            let io = self.create_connection(admin, qid);
            self.connect(io, qid, 64, cntlid, NQN);
            ios.push(io);
        }
        (admin, ios)
    }
}
