//! One core's share of a port: commands in; data, responses and aborts out.

use dma::Data;
use ring::{Tag, Tick};
use serde::Serialize;
use wire::fc::PortId;

use crate::Names;

/// The upper protocols that a port serves (FC-4 types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fc4 {
    /// SCSI: type 08h.
    Fcp,
    /// NVMe: type 28h.
    Nvme,
}

/// Names an exchange of a port while it is open; its index is our exchange identifier on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xid(pub Tag);

/// Names a login with a peer for one FC-4 type. Never used again in the life of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct SessionId(pub u32);

/// A login with a peer for one FC-4 type: PLOGI and PRLI are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its name.
    pub id: SessionId,
    /// For which protocol.
    pub fc4: Fc4,
    /// Our side.
    pub local: Names,
    /// Our address.
    pub local_id: PortId,
    /// The peer.
    pub peer: Names,
    /// Its address.
    pub peer_id: PortId,
    /// Service parameters (word 3 of the PRLI page) as the peer gave them.
    pub parameters: u32,
}

/// Bytes of an [`Iu`]: an NVMe command; an FCP command with a CDB of up to 32 bytes is shorter.
pub const IU_BYTES: usize = 96;

/// A command IU as it came. Aligned, so that it is moved in whole words wherever it lies in something larger.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Iu {
    bytes: [u8; IU_BYTES],
    len: u8,
}

impl Iu {
    /// The first 96 bytes of `payload`; no command that is served is longer.
    #[inline]
    pub fn new(payload: &[u8]) -> Self {
        let mut iu = Self { len: payload.len().min(IU_BYTES) as u8, bytes: [0; IU_BYTES] };
        iu.bytes[..usize::from(iu.len)].copy_from_slice(&payload[..usize::from(iu.len)]);
        iu
    }

    /// What came.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Iu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Iu({:02x?})", self.bytes())
    }
}

/// What a queue has to say.
#[derive(Debug)]
pub enum Arrival {
    /// A peer is logged in. All queues of an NVMe service hear of it; of an FCP service that queue which its commands will
    /// come to.
    SessionUp(SessionInfo),
    /// It is logged out, for whatever reason. [`Arrival::Abort`] came before for each of its exchanges that was open on this
    /// queue.
    SessionDown {
        /// Which.
        session: SessionId,
    },
    /// A command of a peer that is logged in. FCP: by the session's queue; NVMe: by [`lane_of_connection`].
    Command {
        /// Its name until [`Arrival::Sent`] of its end.
        xid: Xid,
        /// Who sent it.
        session: SessionId,
        /// What came.
        iu: Iu,
    },
    /// All data that [`Queue::receive`] asked for have come, or will not.
    Received {
        /// The exchange.
        xid: Xid,
        /// The memory.
        data: Data,
        /// Whether all of it is there: each byte once or more, none missing.
        ok: bool,
    },
    /// [`Queue::transmit`], [`Queue::respond`] or [`Queue::terminate`] is done with; after the last two, and after a transmit
    /// with a response, the exchange is over.
    Sent {
        /// The exchange.
        xid: Xid,
        /// The memory of the transmit, or [`Data::empty`].
        data: Data,
        /// Whether it left; `false` when it was swallowed because the exchange was aborted.
        ok: bool,
    },
    /// The initiator aborts an exchange (ABTS), or its session is going. It is still open: it must be ended as any other,
    /// best by [`Queue::terminate`], and what is sent is swallowed. The initiator gets BA_ACC only then.
    Abort {
        /// The exchange.
        xid: Xid,
    },
    /// A link service request of the FC-4 (NVMe LS). Comes to the first queue only. Ends with [`Queue::answer`], or by
    /// itself when the session goes.
    Request {
        /// Its name.
        xid: Xid,
        /// Who sent it.
        session: SessionId,
        /// What came.
        payload: Box<[u8]>,
    },
}

/// Bytes of sense data that fit into a [`FcpResponse`].
pub const SENSE_BYTES: usize = 40;

/// The difference between what an initiator expected and what was moved (FCP-4, 9.5.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residual {
    /// None.
    #[default]
    None,
    /// So many bytes fewer than FCP_DL were moved.
    Under(u32),
    /// So many bytes more than FCP_DL would have been moved.
    Over(u32),
}

/// FCP_RSP (FCP-4, 9.5) as its parts: an adapter wants them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FcpResponse {
    /// SCSI status.
    pub status: u8,
    /// Status qualifier, e.g. a retry delay.
    pub qualifier: u16,
    /// The residual.
    pub residual: Residual,
    /// RSP_CODE, for task management and for protocol errors.
    pub code: Option<u8>,
    /// Sense data.
    pub sense: [u8; SENSE_BYTES],
    /// How many bytes of it count.
    pub sense_len: u8,
}

/// What ends an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// FCP_RSP.
    Fcp(FcpResponse),
    /// NVMe_RSP: twelve zeroes, all went well (FC-NVMe-2, 9.5).
    Nvme,
    /// NVMe_ERSP (FC-NVMe-2, 9.6).
    NvmeExtended {
        /// ERSP result.
        result: u8,
        /// Response sequence number of the connection.
        rsn: u32,
        /// Bytes of data moved.
        transferred: u32,
        /// The completion queue entry.
        cqe: [u8; 16],
    },
}

/// One core's share of a port's commands of one FC-4 type. It is made on a control thread and used on one core.
///
/// Each call with a name gets exactly one ending: [`Arrival::Received`] for `receive`, [`Arrival::Sent`] for the three
/// others. Of `receive` and `transmit` one is open at a time in an exchange; `respond` and `terminate` may come when none is.
/// A name that is not open any more is ended all the same, with the data and `ok: false`.
pub trait Queue: Send {
    /// The next thing that happened.
    fn next(&mut self, now: Tick) -> Option<Arrival>;
    /// Has the initiator send its data from `offset` on: as many as `data` has room for (FCP_XFER_RDY, in as many bursts as
    /// the port likes).
    fn receive(&mut self, xid: Xid, offset: u32, data: Data);
    /// Sends data from `offset` on, and the response behind them if there is one.
    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>);
    /// Sends the response. The exchange is over.
    fn respond(&mut self, xid: Xid, response: Response);
    /// Ends an exchange without a response: one that was aborted, or one whose peer must notice by its own time-out.
    fn terminate(&mut self, xid: Xid);
    /// Hurries a receive along: its one ending comes soon, with `ok: false` unless all data had come.
    fn cancel(&mut self, xid: Xid);
    /// Answers [`Arrival::Request`].
    fn answer(&mut self, xid: Xid, payload: Box<[u8]>);
    /// Sends a link service request of our own (NVMe Disconnect Association). Its answer, if any, is dropped.
    fn request(&mut self, session: SessionId, payload: Box<[u8]>);
    /// Logs a peer out; [`Arrival::SessionDown`] follows.
    fn logout(&mut self, session: SessionId);
    /// Ends a turn: what was ordered goes on its way.
    fn flush(&mut self);
    /// How many exchanges it may have open at most.
    fn places(&self) -> usize;
    /// Whether something waits in it, so that its core must not sleep.
    fn is_pending(&self) -> bool;
}

/// To which of `lanes` queues the commands of an NVMe connection go. The low byte of a connection identifier says it, so
/// that who gives out the identifier chooses the core (`NVMeQRouting connid`).
#[inline]
pub const fn lane_of_connection(connection: u64, lanes: usize) -> usize {
    (connection & 0xff) as usize % lanes
}
