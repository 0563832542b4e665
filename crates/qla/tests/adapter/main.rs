//! The adapter on the model in this process, with a switch and an initiator, in virtual time.
#![forbid(unsafe_code)]

mod bring_up;
mod disk;
mod faults;
mod frugal_io;
mod logins;
mod recovery;
mod rig;
mod vports;

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;
