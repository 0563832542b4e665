//! Nodes back to back, against a bare peer, and in a fabric.

mod fabric;
mod point_to_point;
mod rig;
mod services;
mod sessions;
mod vn2vn;
