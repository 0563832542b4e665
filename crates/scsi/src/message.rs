//! What comes into a core's mailbox: from the control plane, and from the other cores.

use crate::Origin;
use crate::core::peer;
use crate::view::{LogicalUnitView, NodeView};
use ring::Sender;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Says that a core did what was asked, or why it could not. Dropping it unsent says that the core is gone. It has room for
/// the answers of all cores that it is given to: a core never waits to answer.
pub type Ack = SyncSender<Result<(), String>>;

/// A message to one core.
pub enum Message {
    /// The homes of all transports. Until the first of these a core is alone; a core that serves before its neighbours know
    /// of it would not be told of resets.
    Homes {
        /// Place of this one in `all`. It is told to a home once and never changes.
        own: usize,
        /// The mailboxes, at places that are not used again; `None` where a home is gone. Longer with each message, never
        /// shorter.
        all: Arc<[Option<Sender<Message>>]>,
        /// The answer.
        ack: Ack,
    },
    /// From now on this is the logical unit; opens its device if that is another one, and acknowledges only when the old
    /// one is closed. Nexuses that reach it are told of a new size or identity by a unit attention.
    LogicalUnit {
        /// The new copy.
        view: Arc<LogicalUnitView>,
        /// The answer.
        ack: Ack,
    },
    /// The logical unit is gone, from all maps at once: closes its device, then acknowledges.
    RemoveLogicalUnit {
        /// Which.
        id: u32,
        /// The answer.
        ack: Ack,
    },
    /// From now on this is the target device. Nexuses whose LUN map is another one now are told by a unit attention.
    /// Acknowledged when no command is open on a logical unit that its nexus lost.
    Node {
        /// The new copy.
        view: Arc<NodeView>,
        /// The answer.
        ack: Ack,
    },
    /// The target device is gone; its nexuses stay, without logical units, until their ports end them.
    RemoveNode {
        /// Which.
        id: u32,
        /// The answer.
        ack: Ack,
    },
    /// Port groups of the target device are in other states now (`NodeView::access`): tells its nexuses.
    AccessChanged {
        /// Which.
        node: u32,
        /// The answer.
        ack: Ack,
    },
    /// The process is about to stop: ends all nexuses in an orderly way, then acknowledges.
    Drain {
        /// The answer.
        ack: Ack,
    },
    /// Says what nexuses and commands are here.
    Report {
        /// The answer.
        to: SyncSender<CoreReport>,
    },
    /// From another core.
    Peer(Peer),
}

/// A message from one home to another, or from the keeper of what outlives the process. What it says is the cores' own.
pub struct Peer(pub(crate) peer::News);

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

/// What is on one core.
#[derive(Clone, Debug, Default)]
pub struct CoreReport {
    /// The nexuses that live here.
    pub nexuses: Vec<NexusReport>,
}

/// An I_T nexus, for lists of sessions.
#[derive(Clone, Debug)]
pub struct NexusReport {
    /// Its number on this core.
    pub queue: u32,
    /// Both sides.
    pub origin: Origin,
    /// [`NodeView::id`] of its target device, if it has one.
    pub node: Option<u32>,
    /// Place of its map in [`NodeView::maps`].
    pub map: Option<usize>,
    /// Logical units that it reaches.
    pub luns: u32,
    /// Its open commands.
    pub tasks: Vec<TaskReport>,
}

/// An open command.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// [`crate::Task::id`].
    pub id: u32,
    /// Its LUN.
    pub lun: u16,
    /// First byte of its CDB.
    pub opcode: u8,
    /// It waits for older ones (dormant, SAM-5 8.5).
    pub waits: bool,
    /// How long it has been open, in nanoseconds.
    pub age_ns: u64,
}
