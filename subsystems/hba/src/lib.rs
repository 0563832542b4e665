//! The Fibre Channel ports of the target: makes them, brings them up, and tells who they are.
//!
//! - Owns: the nodes of software ports, adapters and their driver, models of adapters, the cores that they run on; which of them the operator made.
//! - In: `fc_port_*`, `fc_vport_*`, `fc_get_*`, `fc_set_options`, `hba_*`; links, from the makers that it is given; PCI functions.
//! - Out: ports for whoever watches [`fc::Ports`], that is for the services.
//! - Limits: 4,096 exchanges for a node; the frames that all nodes and switches of the process share are of one pool.
//! - Not done: hot plug; a second try of an adapter that did not come up when it was attached.
#![forbid(unsafe_code)]

mod attach;
mod made;
mod methods;
mod names;
mod open;
mod options;
mod own;
mod params;
mod poller;
mod report;
mod soft;
mod subsystem;
mod virtual_adapter;

pub use poller::NodePoller;
pub use subsystem::Hba;
