//! The NVMe-oF target as a subsystem: its RPC methods, its configuration, its stop.
#![forbid(unsafe_code)]

mod factory;

pub use factory::TransportFactory;
