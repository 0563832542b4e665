//! The exchange engine, rule by rule, against peers that are played by hand; and two engines against each other, with faults.

mod aborts;
mod frugal_io;
mod initiator;
mod pair;
mod requests;
mod rig;
mod target;

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;
