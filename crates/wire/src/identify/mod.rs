//! Identify data structures. NVMe Base 2.0c 5.17 (2.1 where it adds fields); NVM Command Set 1.0c 4.1.5. Each is 4,096 bytes.
//!
//! Numbers wider than a field of the standard's own types (capacities of 16 bytes) are little-endian byte arrays.

pub mod bits;
mod controller;
mod list;
mod namespace;

pub use controller::{Controller, ControllerNvm, PowerState};
pub use list::{
    CommandSetVectors, ControllerList, DescriptorWriter, Descriptors, IdDescriptor, Nidt, NsList, descriptors,
};
pub use namespace::{LbaFormat, Namespace, NamespaceIndependent, NamespaceNvm, ns_bits};
