//! What comes into a core's mailbox: from the control plane, and from the other cores.

use crate::Origin;
use crate::view::{LogicalUnitView, NodeView};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Says that a core did what was asked, or why it could not. Dropping it unsent says that the core is gone. It has room for
/// the answers of all cores that it is given to: a core never waits to answer.
pub type Ack = SyncSender<Result<(), String>>;

/// A message to one core.
pub enum Message {
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

/// A message from one home to another. Tokens are the sender's and come back with the answer.
pub enum Peer {
    /// Reset logical units: end all their commands, tell all their nexuses, answer when the last command has ended.
    Reset {
        /// The home that asks.
        from: usize,
        /// Its name for this question.
        token: u64,
        /// [`LogicalUnitView::id`] of each.
        units: Arc<[u32]>,
    },
    /// The answer to [`Peer::Reset`].
    ResetDone {
        /// As in the question.
        token: u64,
    },
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
