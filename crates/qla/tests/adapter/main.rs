//! The adapter on the model in this process, with a switch and an initiator, in virtual time.
#![forbid(unsafe_code)]

mod bring_up;
mod disk;
mod faults;
mod logins;
mod recovery;
mod rig;
mod vports;
