//! Lanes, rule by rule, against an adapter that is played by hand.

mod aborts;
mod chip;
mod fcp;
mod frugal_io;
mod home;
mod intake;
mod liar;
mod nvme;
mod resets;
mod rig;
mod room;
mod sessions;

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;
