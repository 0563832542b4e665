//! The NVMe-oF target as a subsystem: its RPC methods, its configuration, its stop.
//!
//! - Owns: the [`nvmf::Target`] of the process; the factories of transports.
//! - In: RPC calls and lines of the configuration, as SPDK has them (`nvmf_*`).
//! - Out: SPDK's results, error codes and texts, with the reason in `data`; the calls that rebuild the target.
//! - Limits: one target; `tgt_name` may be `nvmf_tgt` or absent.
//! - Not done: ANA groups, TLS, in-band authentication, namespaces that only some hosts see, discovery filters, pausing.
//!   Parameters that ask for these are refused; methods that are only for these are not there.
#![forbid(unsafe_code)]

mod address;
mod answer;
mod config;
mod factory;
mod hosts;
mod listeners;
mod namespaces;
mod referrals;
mod reports;
mod settings;
mod show;
mod subsystem;
mod subsystems;
mod transports;

pub use factory::TransportFactory;
pub use subsystem::NvmfTarget;
