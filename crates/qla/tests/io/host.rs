//! An initiator.

use fc::fc2::{Direction, Failure};
use fc::{Config, Fc4, Frames, Names, Node, NodeEvent, Peer, PortKey, RingLink, SessionId, Xid};
use std::collections::HashMap;
use wire::fc::PortId;
use wire::fcnvme::CmndIu;
use wire::fcp::{self, Cmnd};
use wire::nvm::Rw;
use wire::nvme::{NvmOpcode, SglDescriptor};
use wire::{U16, U32};

use super::disk::BLOCK;
use super::rig::{MS, nobody};

/// How a command ended.
pub struct Over {
    pub result: Result<Vec<u8>, Failure>,
    pub data: Vec<u8>,
    pub received: u32,
}

/// A command that is out.
#[derive(Clone)]
pub struct Io {
    pub write: bool,
    pub unit: u8,
    pub block: u32,
    pub blocks: u32,
    /// NVMe: chooses the lane.
    pub connection: u64,
}

pub struct Host {
    pub node: Node<RingLink>,
    pub fc4: Fc4,
    pub session: Option<SessionId>,
    pub failed: Option<String>,
    pool: dma::Pool,
    pub open: HashMap<u64, Xid>,
    pub over: HashMap<u64, Over>,
    pub replies: Vec<Vec<u8>>,
    last: u64,
}

impl Host {
    pub fn new(names: Names, fc4: Fc4, link: RingLink, frames: Frames, arena: &std::sync::Arc<dma::Arena>) -> Self {
        let mut config = Config::initiator(names, frames);
        config.limits.exchanges = 1024;
        let (node, _) = Node::new(config, link, nobody());
        let pool = dma::Pool::new(arena, &[dma::Class { size: 128 << 10, count: 160 }]).unwrap();
        let (session, failed, last) = (None, None, 0);
        Self { node, fc4, session, failed, pool, open: HashMap::new(), over: HashMap::new(), replies: Vec::new(), last }
    }

    pub fn login(&mut self, id: PortId) {
        self.failed = None;
        self.node.login(PortKey::PHYSICAL, Peer::Id(id), self.fc4);
    }

    pub fn poll(&mut self, now: u64) {
        self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            match event {
                NodeEvent::SessionUp { info, .. } => self.session = Some(info.id),
                NodeEvent::SessionDown { session, .. } if self.session == Some(session) => self.session = None,
                NodeEvent::LoginFailed { reason, .. } => self.failed = Some(reason),
                NodeEvent::Ended { context, data, result, received, .. } => {
                    let result = result.map(|payload| {
                        let bytes = payload.bytes().to_vec();
                        self.node.recycle(payload);
                        bytes
                    });
                    self.open.remove(&context).expect("it was sent");
                    self.over.insert(context, Over { result, data: data.bytes().to_vec(), received });
                    self.pool.give(data);
                }
                NodeEvent::LsReply { result, .. } => {
                    let payload = result.expect("an answer");
                    self.replies.push(payload.bytes().to_vec());
                    self.node.recycle(payload);
                }
                _ => {}
            }
        }
    }

    /// Sends a read or a write of `data`; its context. `None`: no session, no exchange.
    pub fn send(&mut self, io: &Io, data: &[u8], timeout: u64, now: u64) -> Option<u64> {
        let (session, length) = (self.session?, io.blocks * BLOCK);
        let mut memory = self.pool.take(length)?;
        let (way, direction) = if io.write {
            memory.bytes_mut().copy_from_slice(data);
            (fcp::Direction::Write, Direction::Out(memory))
        } else {
            memory.bytes_mut().fill(0xee);
            (fcp::Direction::Read, Direction::In(memory))
        };
        self.last += 1;
        let iu = match self.fc4 {
            Fc4::Fcp => {
                let [a, b, c, d] = io.block.to_be_bytes();
                let opcode = if io.write { 0x2a } else { 0x28 };
                let cdb = [opcode, 0, a, b, c, d, 0, (io.blocks >> 8) as u8, io.blocks as u8, 0];
                Cmnd::simple([0, io.unit, 0, 0, 0, 0, 0, 0], &cdb, way, length).to_vec()
            }
            Fc4::Nvme => {
                let opcode = if io.write { NvmOpcode::WRITE } else { NvmOpcode::READ };
                let mut sqe = Rw::sqe(opcode, io.unit.into(), io.block.into(), io.blocks, 0);
                sqe.cid = U16::new(self.last as u16);
                sqe.nsid = U32::new(io.unit.into());
                sqe.dptr = SglDescriptor::transport(length);
                CmndIu::new(io.connection, self.last as u32, way, length, sqe, false).to_bytes().to_vec()
            }
        };
        self.order(session, &iu, direction, timeout, now)
    }

    /// Sends any IU without data.
    pub fn send_iu(&mut self, iu: &[u8], now: u64) -> Option<u64> {
        let session = self.session?;
        self.last += 1;
        self.order(session, iu, Direction::None, 10_000 * MS, now)
    }

    fn order(&mut self, session: SessionId, iu: &[u8], data: Direction, timeout: u64, now: u64) -> Option<u64> {
        match self.node.command(session, iu, data, timeout, self.last, now) {
            Ok(xid) => {
                self.open.insert(self.last, xid);
                Some(self.last)
            }
            Err((_, data)) => {
                self.pool.give(data.into_data());
                None
            }
        }
    }

    pub fn is_whole(&self) -> bool {
        self.pool.is_whole() && self.open.is_empty()
    }
}
