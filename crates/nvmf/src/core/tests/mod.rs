//! The command set on a soft port and soft disks, several homes on one thread, time by hand.

mod admin;
mod change;
mod connect;
mod disk;
mod happy;
mod homes;
mod io;
mod logs;
mod port;
mod random;
mod rig;
mod silence;
mod transports;
