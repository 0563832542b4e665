//! What each fuzz target does with its input. The targets in `fuzz_targets/` and the test of the kept inputs call this.
//!
//! - In: any bytes. Out: nothing; a panic is a finding.
//! - Limits: inputs of [`INPUT_MAX`] bytes; a longer one is not looked at.
//! - Not done: the Fibre Channel ports, which do not exist yet.
#![forbid(unsafe_code)]

pub mod capsule;
pub mod conf;
pub mod ct;
pub mod els;
pub mod fcnvme;
pub mod fcnvme_port;
pub mod fcp;
pub mod fcp_port;
pub mod fip;
pub mod fip_machine;
mod host;
pub mod input;
pub mod iscsi_login;
pub mod iscsi_pdu;
pub mod json_config;
pub mod jsonrpc;
mod methods;
pub mod pdu;
pub mod port;
pub mod qla_lane;
pub mod scsi;
mod soft_port;
pub mod switch;
mod target;
pub mod vfio_user;

/// Longer inputs teach nothing more and take long.
pub const INPUT_MAX: usize = 16 << 10;
