//! What comes into a core's mailbox: from the control plane, and from the other cores of the same transport.

use crate::view::{ReferralView, SubsystemView};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Says that a core did what was asked, or why it could not. Dropping it unsent says that the core is gone. It has room for
/// the answers of all cores that it is given to: a core never waits to answer.
pub type Ack = SyncSender<Result<(), String>>;

/// A message to one core.
pub enum Message {
    /// From now on this is the subsystem; opens devices of new namespaces, closes those that are gone (and acknowledges
    /// only when they are closed), ends queues of hosts that may no longer be there.
    Subsystem {
        /// The new copy.
        view: Arc<SubsystemView>,
        /// The answer.
        ack: Ack,
    },
    /// Every core that answers has the new copy: now controllers at home here tell their hosts what changed (AEN). A host
    /// that is told earlier may use a namespace on a core that does not have it yet.
    Settled {
        /// The subsystem.
        id: u32,
    },
    /// The subsystem is gone: ends its controllers and queues, closes its devices, then acknowledges.
    RemoveSubsystem {
        /// Which.
        id: u32,
        /// The answer.
        ack: Ack,
    },
    /// The discovery log changed; tells discovery controllers that are at home here.
    DiscoveryChanged {
        /// The new generation counter (GENCTR).
        generation: u64,
        /// Discovery services elsewhere; replace those of the last message.
        referrals: Arc<[ReferralView]>,
    },
    /// A listener is gone: ends the queues that came by it.
    RemoveListener {
        /// Which.
        id: u32,
        /// The answer.
        ack: Ack,
    },
    /// The process is about to stop: ends all queues in an orderly way, then acknowledges.
    Drain {
        /// The answer.
        ack: Ack,
    },
    /// Says what controllers and queues are here.
    Report {
        /// The answer.
        to: SyncSender<CoreReport>,
    },
    /// From another core of the transport.
    Peer(Peer),
}

/// A message from one home to another. Tokens are the sender's and come back with the answer.
pub enum Peer {
    /// A host wants to connect an I/O queue of a controller that is at home with the receiver.
    Attach {
        /// The home that asks, and that the queue lives on.
        from: usize,
        /// Its name for this question.
        token: u64,
        /// From the Connect command and data.
        request: AttachRequest,
    },
    /// The answer to [`Peer::Attach`].
    Attached {
        /// As in the question.
        token: u64,
        /// The completion's status (with DNR) and dword 0, or what an attached queue needs to know.
        result: Result<Attachment, (u16, u32)>,
    },
    /// An attached queue is gone.
    Detached {
        /// The controller.
        cntlid: u16,
        /// Its subsystem.
        subsystem: u32,
        /// The queue.
        qid: u16,
    },
    /// End a queue that lives with the receiver: its controller is reset, shut down or gone.
    CloseQueue {
        /// The receiver's number of the queue.
        queue: u32,
        /// So that a number used anew is not meant: the controller, the subsystem and the queue identifier.
        cntlid: u16,
        /// See `cntlid`.
        subsystem: u32,
        /// See `cntlid`.
        qid: u16,
    },
    /// Abort a command on a queue that lives with the receiver.
    Abort {
        /// The home that asks.
        from: usize,
        /// Its name for this question.
        token: u64,
        /// The receiver's number of the queue.
        queue: u32,
        /// The command identifier.
        cid: u16,
        /// So that a number used anew is not meant: the controller, the subsystem and the queue identifier.
        cntlid: u16,
        /// See `cntlid`.
        subsystem: u32,
        /// See `cntlid`.
        qid: u16,
    },
    /// The answer to [`Peer::Abort`].
    Aborted {
        /// As in the question.
        token: u64,
        /// Whether the command was aborted.
        aborted: bool,
    },
    /// An I/O command failed: for the error log of its controller, which is at home with the receiver.
    Error {
        /// The controller.
        cntlid: u16,
        /// Its subsystem.
        subsystem: u32,
        /// What to note, but for its number.
        entry: wire::log::ErrorEntry,
    },
}

/// An I/O queue that wants to belong to a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachRequest {
    /// The subsystem.
    pub subsystem: u32,
    /// The controller.
    pub cntlid: u16,
    /// The queue.
    pub qid: u16,
    /// Entries, zero-based as in the command.
    pub sqsize_z: u16,
    /// Who asks.
    pub hostnqn: String,
    /// Who asks.
    pub hostid: [u8; 16],
    /// The asking core's number of the queue.
    pub queue: u32,
    /// The listener it came by.
    pub listener: u32,
}

/// What an attached I/O queue needs to know of its controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// I/O command set and page size as the host enabled them (CC), for checks on this core.
    pub cc: u32,
}

/// What is on one core.
#[derive(Clone, Debug, Default)]
pub struct CoreReport {
    /// Controllers at home here.
    pub controllers: Vec<ControllerReport>,
    /// Queues that live here.
    pub queues: Vec<QueueReport>,
}

/// A controller, for `nvmf_subsystem_get_controllers`.
#[derive(Clone, Debug)]
pub struct ControllerReport {
    /// The subsystem.
    pub subsystem: u32,
    /// The controller.
    pub cntlid: u16,
    /// The host.
    pub hostnqn: String,
    /// The host.
    pub hostid: [u8; 16],
    /// Its I/O queues.
    pub num_io_qpairs: u32,
}

/// A queue, for `nvmf_subsystem_get_qpairs`.
#[derive(Clone, Debug)]
pub struct QueueReport {
    /// The subsystem, unless it has not connected yet.
    pub subsystem: Option<u32>,
    /// The controller.
    pub cntlid: u16,
    /// The queue.
    pub qid: u16,
    /// The listener it came by.
    pub listener: u32,
    /// The host's address.
    pub peer: String,
    /// Bytes and commands need no lock: they are in the counters.
    pub connected: bool,
}
