//! Requests to the name server: one under way at a time, by CT pass-through.

use super::Adapter;
use super::entries::What;
use crate::chip::Fault;
use dma::{Arena, Region};
use std::collections::VecDeque;
use std::sync::Arc;
use wire::fc::ct::{Request, reply};
use wire::fc::{PortId, Wwn};
use wire::isp::iocb::{CompletionStatus, CtPassThrough, Dsd64, handles};
use wire::{U16, U32};

/// Bytes of the command, and of the response behind it.
const PART: usize = 4096;
/// Seconds that the firmware waits for an answer.
const TIMEOUT: u16 = 10;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CtFor {
    /// A port registers.
    Register { vp: u8 },
    /// Whether a peer is where it was.
    Lookup { vp: u8, id: PortId, name: Wwn },
}

struct Asked {
    vp: u8,
    purpose: CtFor,
    request: Vec<u8>,
}

/// The memory of the request under way, and those that wait.
pub(super) struct Ct {
    memory: Region,
    current: Option<CtFor>,
    waiting: VecDeque<Asked>,
}

impl Ct {
    pub fn new(arena: &Arc<Arena>) -> Result<Self, dma::Error> {
        Ok(Self { memory: arena.region(2 * PART)?, current: None, waiting: VecDeque::new() })
    }

    /// The chip is in reset.
    pub fn clear(&mut self) {
        self.current = None;
        self.waiting.clear();
    }

    /// The link is down; the one under way still comes back.
    pub fn drop_waiting(&mut self) {
        self.waiting.clear();
    }
}

/// A whole request.
pub(super) fn bytes_of(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = vec![0; Request::MAX_BYTES];
    let len = request.write(&mut bytes, 0).expect("there is room for the longest");
    bytes.truncate(len);
    bytes
}

impl Adapter {
    /// Asks the name server.
    pub(super) fn ask(&mut self, vp: u8, purpose: CtFor, request: Vec<u8>) {
        let again = |asked: &Asked| asked.purpose == purpose && matches!(purpose, CtFor::Lookup { .. });
        if !self.ct.waiting.iter().any(again) {
            self.ct.waiting.push_back(Asked { vp, purpose, request });
        }
        self.ask_next();
    }

    fn ask_next(&mut self) {
        if self.ct.current.is_some() || !self.stage.is_initialized() {
            return;
        }
        let Some(Asked { vp, purpose, request }) = self.ct.waiting.pop_front() else { return };
        self.ct.memory.write(0, &request);
        self.ct.memory.zero(PART, PART);
        self.ct.current = Some(purpose);
        let (command, response) = (self.ct.memory.address(0), self.ct.memory.address(PART));
        let (length, room) = (request.len() as u32, PART as u32);
        self.send(What::Ct, TIMEOUT.into(), |handle| {
            *CtPassThrough {
                handle: U32::new(handle),
                nport_handle: U16::new(handles::NAME_SERVER),
                cmd_dsd_count: U16::new(1),
                vp_index: vp,
                timeout: U16::new(TIMEOUT),
                rsp_dsd_count: U16::new(1),
                rsp_byte_count: U32::new(room),
                cmd_byte_count: U32::new(length),
                dsds: [Dsd64::new(command, length), Dsd64::new(response, room)],
                ..CtPassThrough::new()
            }
            .entry()
        });
    }

    /// The request under way is completed.
    pub(super) fn ct_done(&mut self, status: CompletionStatus) {
        match status {
            CompletionStatus::COMPLETE | CompletionStatus::DATA_UNDERRUN | CompletionStatus::DATA_OVERRUN => {
                let mut response = vec![0; PART];
                self.ct.memory.read(PART, &mut response);
                self.ct_told(Ok(&response));
            }
            other => self.ct_failed(&format!("not answered ({other})")),
        }
    }

    pub(super) fn ct_failed(&mut self, reason: &str) {
        self.ct_told(Err(reason));
    }

    fn ct_told(&mut self, result: Result<&[u8], &str>) {
        let Some(purpose) = self.ct.current.take() else { return };
        let result = result.map(reply).map_err(str::to_owned);
        match purpose {
            CtFor::Register { vp } => self.registered(vp, result),
            CtFor::Lookup { vp, id, name } => self.looked_up((vp, id, name), result),
        }
        self.ask_next();
    }

    /// An IOCB was not completed.
    pub(super) fn lost(&mut self, what: &'static str) {
        self.noted(Fault::LostIocb { what });
    }
}
