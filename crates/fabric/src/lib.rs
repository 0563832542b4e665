//! A Fibre Channel switch in software, and the links by which it is reached.
//!
//! - [`Switch`]: F_Ports, addresses, logins, name server, fabric controller, zoning, injected faults. A value: links, time and
//!   orders come from outside. [`Listener`]: where peers attach themselves; [`link`]: the Unix socket; [`fcoe`]: FCoE and FIP.
//! - Owns: its ends of the links, the frames that wait in it, the tables of who is logged in and may talk with whom.
//! - In: frames from links, changes of zones and rules. Out: frames to links, reports.
//! - Limits: in `limits.rs`, each with its reason.
//! - Not done: more than one switch in a fabric (E_Ports), classes other than 3, FDMI and the configuration server (rejected),
//!   broadcast and multicast, loops, virtual fabrics.
//!
//! # Congestion
//! A frame goes straight to its destination's link. Has that no room, it waits in the destination's queue; is that full, it waits
//! where it came in, and no further frame is taken from there: the sender's link fills up, its credit is gone, it stops. So
//! nothing is lost between ports that take what comes. A port that takes none for the hold time has what waits for it discarded, and
//! from then on also what comes, until it takes one again; a frame at a way in waits no longer than that either. So a hung
//! port, or two that wait for each other, cost others the hold time once and then nothing.
#![forbid(unsafe_code)]

mod directory;
mod f_port;
mod faults;
pub mod fcoe;
mod forward;
pub mod limits;
pub mod link;
mod listener;
mod login;
mod n_ports;
mod notices;
mod reach;
mod report;
mod request;
mod services;
mod switch;
pub mod zoning;

pub use f_port::{PortCounters, State};
pub use faults::{Action, Match, Rule, RuleReport};
pub use listener::Listener;
pub use report::{NPortReport, PortReport};
pub use switch::{Config, Counters, Switch};
pub use zoning::Refused;
