//! The portal over loopback sockets, against an initiator that can do wrong. All cores run in the test's own thread.

mod allocation;
mod data;
mod digests;
mod initiator;
mod rig;
mod sessions;
mod tasks;
mod violations;

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;
