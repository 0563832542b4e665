//! A Fibre Channel switch in software, and the links by which it is reached.
//!
//! - [`Listener`]: where peers attach themselves; [`link`]: the Unix socket; [`fcoe`]: FCoE and FIP.
#![forbid(unsafe_code)]

pub mod fcoe;
pub mod link;
mod listener;

pub use listener::Listener;
