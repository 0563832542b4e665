//! Models of adapters, for hosts that cannot tell them from the real thing.
//!
//! - [`isp`]: a function of a QLogic ISP27xx (QLE2742), with whatever [`fc::Link`] behind it.
//! - Owns: registers, flash, queues' pointers, logins and exchanges of the modelled adapter. In: register accesses, memory by
//!   [`pci::Bus`], frames by a link. Out: the same.
//! - Limits and what is not done: see the modules.
#![forbid(unsafe_code)]

pub mod isp;
