//! NVMe over Fabrics, without a fabric: subsystems, controllers, discovery, and the NVM command set.
//!
//! - Owns: on each core the controllers that are at home there and the queues that live there ([`Nvm`], a
//!   [`exchange::CommandSet`]); on the control side the one list of subsystems ([`Target`]).
//! - In: capsules from a port; messages from the control plane and from the other cores.
//! - Out: plans and completions; views for the cores.
//! - Limits: those of the transport's options, reported in CAP, Identify and Connect, and enforced.
//! - Not done: reservations, ANA groups, in-band authentication, fused commands, metadata, saved features, one Flush for
//!   several namespaces with a cache.
#![forbid(unsafe_code)]

mod capsule;
mod cntlids;
mod control;
mod core;
mod message;
mod view;

pub use self::core::{Config, Core, Nvm, QueueCounters};
pub use capsule::{Address, Capsule, Completion, Origin};
pub use cntlids::{ControllerIds, Home};
pub use control::{
    DEFAULT_NAMESPACES, DISCOVERY_NQN, Error, Limits, ListenAddress, MAX_CNTLID, MIN_CNTLID, MOST_NAMESPACES,
    NewNamespace, NewSubsystem, PollGroup, Referral, Shown, Target, Transport, TransportOptions, adrfam_name, identity,
};
pub use message::{Ack, AttachRequest, Attachment, ControllerReport, CoreReport, Message, Peer, QueueReport};
pub use view::{ListenerView, NamespaceView, ReferralView, SubsystemView, TransportView, Trtype};
