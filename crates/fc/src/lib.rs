//! Fibre Channel without a command set: what a port, a queue of it and a link are, and all of them in software.
//!
//! - [`Port`]: an N_Port as the control plane sees it; [`Queue`]: one core's share of its commands of one FC-4 type;
//!   [`Ports`]: all of the process. A QLogic adapter and the software port implement the same two traits.
//! - [`Link`]: what carries frames: rings in the process, a Unix socket, FCoE.
//! - Owns: frames, exchanges, sequences, logins.
//! - In: frames from a link, orders from the queues. Out: frames, and [`Arrival`]s for the queues.
//! - Limits: class 3 only; exchanges by the table that a port is made with; one sequence of commands is one frame.
//! - Not done: arbitrated loop, classes 1 and 2, sequence retransmission (SRR, SLER are declined), security protocols.
#![forbid(unsafe_code)]

pub mod fc2;
mod frame;
mod lane;
mod link;
mod maker;
mod names;
mod node;
mod nport;
mod patience;
mod port;
mod queue;
mod soft;

pub use frame::{Frame, FrameBox, Frames};
pub use link::{Attachment, Link, LinkEvent, RingLink, Wake, ring_links};
pub use maker::{LinkMaker, make_link};
pub use names::{Names, ParseNamesError};
pub use node::{Config, Node, NodeEvent, NotSent, Peer, PortKey, Timing};
pub use patience::{send_patiently, wait_a_moment};
pub use port::{Change, Port, PortState, PortStatus, Ports, Service, SessionStatus, Topology};
pub use queue::{
    Arrival, Fc4, FcpResponse, Iu, Queue, Residual, Response, SENSE_BYTES, SessionId, SessionInfo, Xid,
    lane_of_connection,
};
pub use soft::SoftPort;
