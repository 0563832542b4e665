//! NVMe link services: requests of peers to the first lane of the service, answers of lanes, requests of ours.

use super::Adapter;
use super::entries::What;
use crate::lane::ToLane;
use crate::ring::Group;
use dma::{Arena, Region};
use fc::{Fc4, SessionId};
use std::collections::VecDeque;
use std::sync::Arc;
use wire::fc::PortId;
use wire::isp::iocb::{Dsd64, LsOperation, PtLs4, PtLs4Received, unsolicited_payload};
use wire::{U16, U32};

/// Link services under way at most; more wait.
const BUFFERS: usize = 64;
/// Bytes of what is sent, and of the answer behind it.
const PART: usize = 2048;
/// Seconds that the firmware waits for an answer to a request of ours.
const TIMEOUT: u16 = 20;

/// What is to be sent.
struct Waiting {
    handle: u16,
    vp: u8,
    /// Of the request that is answered; none: a request of ours.
    exchange: Option<u32>,
    payload: Box<[u8]>,
}

/// Memory for link services.
pub(super) struct Buffers {
    memory: Region,
    free: Vec<usize>,
    waiting: VecDeque<Waiting>,
}

impl Buffers {
    pub fn new(arena: &Arc<Arena>) -> Result<Self, dma::Error> {
        Ok(Self { memory: arena.region(BUFFERS * 2 * PART)?, free: (0..BUFFERS).collect(), waiting: VecDeque::new() })
    }

    /// The chip is in reset: all are free.
    pub fn clear(&mut self) {
        self.free = (0..BUFFERS).collect();
        self.waiting.clear();
    }
}

impl Adapter {
    /// A link service request of a peer.
    pub(super) fn ls_request(&mut self, group: &Group) {
        let entry = PtLs4Received::of(group.first());
        let (exchange, ox_id, handle) =
            (entry.exchange_address.get(), entry.frame.ox_id.get(), entry.nport_handle.get());
        let (vp, peer) = (entry.vp_index, entry.frame.s_id.port_id());
        let mut payload = vec![0; 4096];
        let payload = unsolicited_payload(group.entries(), &mut payload).map(|length| Box::from(&payload[..length]));
        match (self.ls_lane(vp, peer), payload) {
            (Some((session, lane)), Some(payload)) => {
                self.lanes.push(lane, ToLane::Request { session, exchange, ox_id, payload });
            }
            _ => {
                self.counters.strays += 1;
                self.end_ls(handle, vp, exchange);
            }
        }
    }

    /// The session of a peer, and the lane that serves link services.
    fn ls_lane(&self, vp: u8, peer: PortId) -> Option<(SessionId, usize)> {
        let login = self.peers.session(vp, peer, Fc4::Nvme)?;
        Some((login.info.id, *login.lanes.first()?))
    }

    /// Ends a request that nobody answers.
    fn end_ls(&mut self, nport: u16, vp: u8, exchange: u32) {
        self.send(What::LsEnd, 0, |handle| {
            let entry = PtLs4 {
                handle: U32::new(handle),
                nport_handle: U16::new(nport),
                vp_index: vp,
                exchange_address: U32::new(exchange),
                ..PtLs4::new()
            };
            *entry.with_operation(LsOperation::TERMINATE).entry()
        });
    }

    /// A lane answers. Empty: the exchange is to be ended.
    pub(super) fn ls_answer(&mut self, session: SessionId, exchange: u32, payload: Box<[u8]>) {
        let Some((handle, vp)) = self.address_of(session) else { return };
        if payload.is_empty() {
            return self.end_ls(handle, vp, exchange);
        }
        self.ls.waiting.push_back(Waiting { handle, vp, exchange: Some(exchange), payload });
        self.ls_next();
    }

    /// A lane has a request of its own.
    pub(super) fn ls_originate(&mut self, session: SessionId, payload: Box<[u8]>) {
        let Some((handle, vp)) = self.address_of(session) else { return };
        self.ls.waiting.push_back(Waiting { handle, vp, exchange: None, payload });
        self.ls_next();
    }

    /// The handle of a session's peer; none when the session is over: then the exchange is over, too.
    fn address_of(&self, session: SessionId) -> Option<(u16, u8)> {
        let login = self.peers.get(session)?;
        let peer = self.peers.find(login.vp, login.info.peer_id)?;
        Some((peer.handle, login.vp))
    }

    fn ls_next(&mut self) {
        while let Some(buffer) = self.ls.free.last().copied() {
            let Some(waiting) = self.ls.waiting.pop_front() else { return };
            if waiting.payload.len() > PART {
                log::error!("{}: a link service of {} bytes is too long", self.chip.address, waiting.payload.len());
                continue;
            }
            self.ls.free.pop();
            self.send_ls(buffer, &waiting);
        }
    }

    fn send_ls(&mut self, buffer: usize, waiting: &Waiting) {
        let at = buffer * 2 * PART;
        self.ls.memory.write(at, &waiting.payload);
        let (send, receive) = (self.ls.memory.address(at), self.ls.memory.address(at + PART));
        let length = waiting.payload.len() as u32;
        let (handle, vp, exchange) = (waiting.handle, waiting.vp, waiting.exchange);
        // A request of ours is answered, or not, within the time that the firmware is given.
        let seconds = if exchange.is_some() { 0 } else { TIMEOUT };
        self.send(What::Ls { buffer }, seconds.into(), |own| {
            let mut entry = PtLs4 {
                handle: U32::new(own),
                nport_handle: U16::new(handle),
                tx_dseg_count: U16::new(1),
                vp_index: vp,
                timeout: U16::new(TIMEOUT),
                exchange_address: U32::new(exchange.unwrap_or(0)),
                tx_byte_count: U32::new(length),
                ..PtLs4::new()
            };
            entry.dsds[0] = Dsd64::new(send, length);
            if exchange.is_some() {
                return *entry.with_operation(LsOperation::RESPOND).entry();
            }
            entry.rx_dseg_count = U16::new(1);
            entry.rx_byte_count = U32::new(PART as u32);
            entry.dsds[1] = Dsd64::new(receive, PART as u32);
            *entry.with_operation(LsOperation::ORIGINATE).entry()
        });
    }

    /// One is done, well or not: what was sent is sent, and answers to requests of ours are dropped.
    pub(super) fn ls_done(&mut self, buffer: usize) {
        self.ls.free.push(buffer);
        self.ls_next();
    }
}
