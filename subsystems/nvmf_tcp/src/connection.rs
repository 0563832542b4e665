//! One connection: what it negotiated, what it is in the middle of, and what is on its way out.

use crate::commands::Ttags;
use crate::limits;
use crate::receiver::Receiver;
use nvmf::Completion;
use os::SendQueue;
use ring::{Tag, Tick};
use std::net::TcpStream;
use wire::nvme::Cqe;
use wire::tcp::{C2HData, CapsuleResp, Framing, R2T};

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// ICReq has not come.
    Fresh {
        /// When it must have come.
        by: Tick,
    },
    /// At work.
    Ready,
    /// The last replies go out; nothing comes in.
    Closing {
        /// When it ends in any case.
        by: Tick,
    },
    /// A terminate request goes out; nothing comes in.
    Terminating {
        /// When it ends in any case.
        by: Tick,
    },
    /// Our side is shut; what the peer had sent is read and dropped, so that it reads our last words before a reset.
    Lingering {
        /// When it ends in any case.
        by: Tick,
    },
    /// Gone; its commands are coming home.
    Lost,
}

/// Where the payload of the present PDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere.
    Nothing,
    /// It is a command's in-capsule data.
    Inline(Tag),
    /// It answers an R2T of a command.
    Fetch(Tag),
}

/// One connection.
pub struct Connection {
    /// The stream.
    pub socket: TcpStream,
    /// Where it is in its life.
    pub phase: Phase,
    /// The receiving half.
    pub receiver: Receiver,
    /// The payload's place.
    pub sink: Sink,
    /// The command whose in-capsule data waits for a buffer; nothing is received meanwhile.
    pub stalled: Option<Tag>,
    /// What was received and not looked at because of that.
    pub stash: Vec<u8>,
    /// What the host must send us back with its data.
    pub ttags: Ttags,
    /// The sending half.
    pub out: SendQueue<Tag>,
    /// How our PDUs look.
    pub framing: Framing,
    /// Open commands.
    pub open: u32,
    /// Commands whose data the host owes.
    pub fetching: u32,
    /// When bytes last moved in either direction.
    pub moved: Tick,
    /// Has something to flush.
    pub dirty: bool,
    /// The socket took not all; `epoll` tells when it does.
    pub blocked: bool,
    /// Is asked each turn.
    pub hot: bool,
    /// Times in a row that it had nothing.
    pub empty: u32,
    /// No more commands are wanted.
    pub quiet: bool,
    /// Its open commands have been aborted.
    pub aborted: bool,
}

impl Connection {
    /// A connection that was just accepted, for at most `depth` open commands.
    pub fn new(socket: TcpStream, depth: u16, now: Tick) -> Self {
        Self {
            socket,
            phase: Phase::Fresh { by: now + limits::ICREQ_NS },
            receiver: Receiver::new(),
            sink: Sink::Nothing,
            stalled: None,
            stash: Vec::new(),
            ttags: Ttags::new(depth),
            out: SendQueue::new(limits::SLACK_BYTES, 16),
            framing: Framing::PLAIN,
            open: 0,
            fetching: 0,
            moved: now,
            dirty: false,
            blocked: false,
            hot: false,
            empty: 0,
            quiet: false,
            aborted: false,
        }
    }

    /// Takes over what was negotiated.
    pub fn negotiated(&mut self, framing: Framing, incoming: Framing, depth: u16) {
        let headers = limits::reply_bytes(framing.alignment()) * depth as usize + limits::SLACK_BYTES;
        self.out = SendQueue::new(headers, 4 * depth as usize + 16);
        self.framing = framing;
        self.receiver.set_framing(incoming);
        self.phase = Phase::Ready;
    }

    /// Whether commands may come and replies may go.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether the peer holds memory of ours and has not moved for too long.
    pub fn is_stuck(&self, now: Tick) -> bool {
        let owes = self.fetching > 0 || self.blocked || self.stalled.is_some();
        owes && now > self.moved + limits::PROGRESS_NS
    }

    /// Queues a completion.
    pub fn queue_response(&mut self, completion: Completion) {
        let cqe: Cqe = zerocopy::transmute!(completion);
        let pdu = CapsuleResp::new(&self.framing, cqe).to_bytes();
        self.queue_header(&pdu);
    }

    /// Queues an R2T.
    pub fn queue_r2t(&mut self, cid: u16, ttag: u16, offset: u32, len: u32) {
        let pdu = R2T::new(&self.framing, cid, ttag, offset, len).to_bytes();
        self.queue_header(&pdu);
    }

    /// Queues data for the host and its completion, which is left out when it says nothing and `success` allows.
    pub fn queue_data(&mut self, cid: u16, data: dma::Data, completion: Completion, success: bool) {
        let silent = success && is_silent(&completion);
        let digest = self.framing.ddgst.then(|| crc32c::crc32c(data.bytes()));
        let pdu = C2HData::new(&self.framing, cid, 0, data.len(), true, silent);
        let before = pdu.ch.pdo as usize;
        if before == 24 {
            self.out.header(&pdu.to_bytes());
        } else {
            self.queue_padded(&pdu.to_bytes(), before);
        }
        if data.is_lent() {
            // The largest block that the volume can have, given the length of a read.
            let block = 1 << data.len().trailing_zeros().min(os::SIDE_BLOCK.trailing_zeros());
            self.out.data_lent(data, block);
        } else {
            self.out.data(data);
        }
        if let Some(digest) = digest {
            self.out.header(&digest.to_le_bytes());
        }
        if !silent {
            self.queue_response(completion);
        }
    }

    fn queue_header(&mut self, pdu: &[u8; 24]) {
        self.out.header(pdu);
        if self.framing.hdgst {
            self.out.header(&crc32c::crc32c(pdu).to_le_bytes());
        }
    }

    /// A header with its digest, and padding up to the host's alignment.
    fn queue_padded(&mut self, pdu: &[u8; 24], before: usize) {
        let mut head = [0; 160];
        head[..24].copy_from_slice(pdu);
        if self.framing.hdgst {
            head[24..28].copy_from_slice(&crc32c::crc32c(pdu).to_le_bytes());
        }
        self.out.header(&head[..before]);
    }
}

/// Success, and nothing in dword 0: what the SUCCESS flag says as well (NVMe/TCP 1.0, 3.6.2.9).
fn is_silent(completion: &Completion) -> bool {
    completion[..4] == [0; 4] && completion[14] & !1 == 0 && completion[15] == 0
}
