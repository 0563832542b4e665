//! Hosts of a scripted port, and the cores below it.

use super::fabric::{End, Fabric, Seen};
use super::{HOST, LISTENER, NQN, Rig};
use fc::{Response, SessionId, Xid};
use wire::fabrics::{Connect, ConnectData, Nqn, PropertyGet, PropertySet};
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Disconnect, LsCommand, LsReply, LsReplyFault};
use wire::fcp::Direction;
use wire::nvm::Rw;
use wire::nvme::{Cqe, NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

/// An exchange: its queue and its name.
pub type At = (usize, Xid);

/// A connection of a host.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub session: SessionId,
    pub association: u64,
    pub connection: u64,
}

pub struct World {
    pub rig: Rig,
    pub fabric: Fabric,
    cid: u16,
    csn: u32,
}

pub fn nqn(name: &str) -> Nqn {
    Nqn::new(name).unwrap()
}

/// The completion in a longer response.
pub fn cqe(seen: &Seen) -> Cqe {
    match seen.end {
        End::Response(Response::NvmeExtended { result: 0, cqe, .. }) => wire::read(&cqe).unwrap(),
        _ => panic!("{:?} is no longer response", seen.end),
    }
}

pub fn is_short(seen: &Seen) -> bool {
    seen.end == End::Response(Response::Nvme)
}

pub fn rw(opcode: NvmOpcode, block: u64, blocks: u32) -> Sqe {
    Rw::sqe(opcode, 1, block, blocks, 0)
}

impl World {
    /// One port, listened on.
    pub fn new(cores: usize) -> Self {
        let (mut rig, fabric) = (Rig::new(cores), Fabric::new(cores));
        rig.adopt(0, LISTENER, fabric.queues());
        Self { rig, fabric, cid: 0, csn: 0 }
    }

    pub fn login(&mut self) -> SessionId {
        let session = self.fabric.login();
        self.rig.run();
        session
    }

    /// A link service request, and its answer if there is one.
    pub fn ls(&mut self, session: SessionId, payload: &[u8]) -> Option<Vec<u8>> {
        let xid = self.fabric.request(session, payload);
        self.rig.run();
        self.fabric.answer(xid)
    }

    pub fn associate(&mut self, session: SessionId, entries: u16, ratio: u16) -> Result<Link, LsReplyFault> {
        let request = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), entries, ratio);
        let reply = self.ls(session, &request.to_bytes()).expect("an answer");
        match LsReply::parse(&reply, LsCommand::CREATE_ASSOCIATION)? {
            LsReply::Association { association_id, connection_id } => {
                Ok(Link { session, association: association_id, connection: connection_id })
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn create_connection(&mut self, link: Link, qid: u16, entries: u16, ratio: u16) -> Result<Link, LsReplyFault> {
        let request = CreateConnection::new(link.association, qid, entries, ratio);
        let reply = self.ls(link.session, &request.to_bytes()).expect("an answer");
        match LsReply::parse(&reply, LsCommand::CREATE_CONNECTION)? {
            LsReply::Connection { connection_id } => Ok(Link { connection: connection_id, ..link }),
            other => panic!("{other:?}"),
        }
    }

    pub fn disconnect(&mut self, link: Link) -> Option<Result<LsReply, LsReplyFault>> {
        let reply = self.ls(link.session, &Disconnect::new(link.association).to_bytes())?;
        Some(LsReply::parse(&reply, LsCommand::DISCONNECT_ASSOCIATION))
    }

    /// The unit of a command, as a Linux host makes it.
    pub fn unit(&mut self, link: Link, mut sqe: Sqe, direction: Direction, len: u32, admin: bool) -> CmndIu {
        self.cid += 1;
        self.csn += 1;
        sqe.cid = U16::new(self.cid);
        sqe.flags |= 0x40;
        if sqe.opcode != wire::nvme::FABRICS_OPCODE || direction != Direction::None {
            sqe.dptr = SglDescriptor::transport(len);
        }
        CmndIu::new(link.connection, self.csn, direction, len, sqe, admin)
    }

    /// Sends a unit.
    pub fn send(&mut self, link: Link, unit: &CmndIu, payload: &[u8]) -> At {
        let at = self.fabric.command(link.session, link.connection, &unit.to_bytes(), payload);
        self.rig.run();
        at
    }

    pub fn start(&mut self, link: Link, sqe: Sqe, direction: Direction, len: u32, payload: &[u8]) -> At {
        let unit = self.unit(link, sqe, direction, len, false);
        self.send(link, &unit, payload)
    }

    pub fn seen(&self, at: At) -> Seen {
        self.fabric.seen(at).expect("the exchange ended")
    }

    pub fn get(&mut self, link: Link, sqe: Sqe, len: u32) -> Seen {
        let at = self.start(link, sqe, Direction::Read, len, &[]);
        self.seen(at)
    }

    pub fn put(&mut self, link: Link, sqe: Sqe, payload: &[u8]) -> Seen {
        let at = self.start(link, sqe, Direction::Write, payload.len() as u32, payload);
        self.seen(at)
    }

    pub fn plain(&mut self, link: Link, sqe: Sqe) -> Seen {
        let at = self.start(link, sqe, Direction::None, 0, &[]);
        self.seen(at)
    }

    /// Connect on a new connection.
    pub fn connect(&mut self, link: Link, qid: u16, entries: u16, cntlid: u16, subnqn: &str) -> Cqe {
        let data = ConnectData::new([7; 16], cntlid, nqn(subnqn), nqn(HOST));
        let sqe = Connect::new(qid, entries, 0).into_sqe();
        cqe(&self.put(link, sqe, data.as_bytes()))
    }

    pub fn set_cc(&mut self, link: Link, cc: u64) {
        let seen = self.plain(link, PropertySet::sqe(Property::CC, cc));
        assert!(cqe(&seen).status().is_success());
    }

    pub fn csts(&mut self, link: Link) -> u64 {
        cqe(&self.plain(link, PropertyGet::sqe(Property::CSTS))).value()
    }

    /// A host with an enabled controller: its admin connection and controller identifier.
    pub fn controller(&mut self, session: SessionId) -> (Link, u16) {
        let link = self.associate(session, 32, 8).unwrap();
        let completion = self.connect(link, 0, 32, 0xffff, NQN);
        assert!(completion.status().is_success(), "{completion:?}");
        self.set_cc(link, 0x0046_0001);
        assert_eq!(self.csts(link), 1);
        (link, completion.dw0.get() as u16)
    }

    /// An I/O queue of it.
    pub fn io(&mut self, link: Link, cntlid: u16, qid: u16, entries: u16, ratio: u16) -> Link {
        let io = self.create_connection(link, qid, entries, ratio).unwrap();
        let completion = self.connect(io, qid, entries, cntlid, NQN);
        assert!(completion.status().is_success(), "{completion:?}");
        io
    }
}
