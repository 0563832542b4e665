//! NVMe/TCP: connections of one core as a port of the exchange machine, and the listeners that bring them.
#![forbid(unsafe_code)]

mod commands;
mod connection;
mod intake;
mod limits;
mod port;
mod ready;
pub mod receiver;

pub use port::{Accepted, Options, TcpPort};
