//! The control side: logical units, target nodes, who may see what at which port, and what is told to the cores.
//!
//! A configuration is one value (`config::Config`), changed as a whole: a change is made to a copy, what differs is told to
//! all cores of all transports, and the copy takes the old one's place when they have answered.

mod access;
mod config;
mod error;
mod initiators;
mod keeper;
mod manager;
mod names;
mod nodes;
mod portals;
mod publish;
mod transport;
mod turn;
mod units;
mod visits;
mod volumes;

pub use access::PortGroupState;
pub use config::{Address, Auth, InitiatorGroup, Mapping, Node, Portal, PortalGroup, Unit};
pub use error::Error;
pub use initiators::{parse_rule, show_rule};
pub use keeper::DEFAULT_STATE_DIRECTORY;
pub(crate) use keeper::{Job, Keeper};
pub use manager::{Limits, Manager, ShownNode};
pub use names::{MOST_ALIAS, MOST_NAME};
pub use nodes::{DEFAULT_QUEUE_DEPTH, NewNode};
pub use portals::{NewPortal, NewPortalGroup};
pub use transport::{Listener, Transport};
pub use visits::{Meeting, Visitor};
pub use volumes::Naming;
