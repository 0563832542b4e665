//! The control side: logical units, target nodes, who may see what at which port, and what is told to the cores.
//!
//! A configuration is one value (`config::Config`), changed as a whole: a change is made to a copy, what differs is told to
//! all cores of all transports, and the copy takes the old one's place when they have answered.

mod config;
mod error;
mod groups;
mod manager;
mod names;
mod nodes;
mod publish;
mod transport;
mod turn;
mod units;

pub use config::{InitiatorGroup, Mapping, Node, Portal, PortalGroup, TARGET_PORT_GROUP, Unit};
pub use error::Error;
pub use groups::{NewPortal, parse_rule, show_rule};
pub use manager::{Limits, Manager, ShownNode};
pub use names::{MOST_ALIAS, MOST_NAME};
pub use nodes::{DEFAULT_QUEUE_DEPTH, NewNode};
pub use transport::Transport;
