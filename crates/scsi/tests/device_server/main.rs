//! The device server behind ports in memory: every command, every task management function, every attention.

mod capacity;
mod chaos;
mod disk;
mod identity;
mod management;
mod maps;
mod order;
mod port;
mod residuals;
mod rig;
mod same;
mod verify;
