//! The methods `scsi_*`. They have the shape of SPDK's `iscsi_*`, with FC port names beside addresses.

mod auth;
mod config;
mod initiators;
mod kinds;
mod nodes;
mod options;
mod portals;
mod reports;
mod show;
mod volumes;

pub(crate) use config::calls;
pub(crate) use kinds::{kinds, of};
pub use portals::read_address;
pub(crate) use reports::served;

use crate::ScsiTarget;
use app::{Method, RpcError};
use scsi::control::Error;
use serde_json::Value;
use std::sync::Arc;

pub(crate) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    type Part = fn(&Arc<ScsiTarget>) -> Vec<Method>;
    let parts: [Part; 6] =
        [options::methods, portals::methods, initiators::methods, nodes::methods, volumes::methods, reports::methods];
    parts.into_iter().flat_map(|methods| methods(scsi)).collect()
}

/// -32602 `Invalid parameters` with the reason; -32603 when a core did not answer.
pub fn answer(error: Error) -> RpcError {
    match error {
        Error::Silent(text) => RpcError::internal("Internal error").because(text),
        _ => RpcError::invalid_params(error.to_string()),
    }
}

fn found(tag: Option<u32>, shown: Vec<Value>, kind: &str) -> Result<Vec<Value>, RpcError> {
    match tag {
        Some(tag) if shown.is_empty() => Err(RpcError::invalid_params(format!("there is no {kind} group {tag}"))),
        _ => Ok(shown),
    }
}
