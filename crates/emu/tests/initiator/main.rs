//! The firmware of the model as an initiator's adapter, on a switch with a target of `fc`: what a driver sends, and what it must get.

mod bring_up;
mod commands;
mod hostile;
mod logins;
mod losses;
mod memory;
mod npiv;
mod nvme;
mod rig;
mod storage;
mod storm;
mod unsolicited;
