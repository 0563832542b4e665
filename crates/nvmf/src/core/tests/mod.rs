//! The command set on a soft port and soft disks, several homes on one thread, time by hand.

mod connect;
mod happy;
mod rig;
mod soft;
