//! A function of an ISP27xx: the chip (what the host touches) and its firmware (what talks Fibre Channel).
//!
//! The two meet in [`firmware`]'s calls and in its [`Output`](firmware::Output).

pub mod firmware;
