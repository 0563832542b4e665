//! The Fibre Channel ports of the target: makes them, brings them up, and tells who they are.
//!
//! - Owns: the nodes of software ports and the cores that they run on; which ports the operator made.
//! - In: `fc_port_*`, `fc_vport_*`, `fc_get_ports`, `fc_set_options`; links, from the makers that it is given.
//! - Out: ports for whoever watches [`fc::Ports`], that is for the services.
//! - Limits: 4,096 exchanges for a node; the frames that all nodes and switches of the process share are of one pool.
//! - Not done: adapters. They will be found here and be ports beside those in software.
#![forbid(unsafe_code)]

mod made;
mod methods;
mod names;
mod own;
mod params;
mod poller;
mod report;
mod soft;
mod subsystem;

pub use poller::NodePoller;
pub use subsystem::Hba;
