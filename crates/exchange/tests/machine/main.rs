//! The machine step by step: a port, a channel and a command set that do what a test says.

mod aborts;
mod buffers;
mod detach;
mod rig;
mod start;
mod steps;
