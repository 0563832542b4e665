//! Target mode of the modelled firmware: on a switch, with an initiator of `fc` and a small driver of the test's own on the host's side.
#![forbid(unsafe_code)]

mod abort;
mod fcp;
mod hostile;
mod login;
mod loss;
mod nvme;
mod rig;
