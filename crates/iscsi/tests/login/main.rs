//! Logins, told in text.

mod chap;
mod common;
mod interop;
mod negotiation;
mod random;
mod stages;
mod text_phase;
