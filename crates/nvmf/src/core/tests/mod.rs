//! The command set on a soft port and soft disks, several homes on one thread, time by hand.

mod admin;
mod connect;
mod happy;
mod io;
mod rig;
mod soft;
