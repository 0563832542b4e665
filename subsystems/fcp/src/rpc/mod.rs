//! The methods `scsi_*`. They have the shape of SPDK's `iscsi_*`, with FC port names in place of addresses.

mod config;
mod groups;
mod nodes;
mod reports;
mod show;
mod volumes;

pub(crate) use config::calls;
pub(crate) use reports::served;

use crate::Fcp;
use app::{Method, RpcError};
use scsi::control::Error;
use std::sync::Arc;

pub(crate) fn methods(fcp: &Arc<Fcp>) -> Vec<Method> {
    type Part = fn(&Arc<Fcp>) -> Vec<Method>;
    let parts: [Part; 5] = [groups::portals, groups::initiators, nodes::methods, volumes::methods, reports::methods];
    parts.into_iter().flat_map(|methods| methods(fcp)).collect()
}

/// -32602 `Invalid parameters` with the reason; -32603 when a core did not answer.
pub(crate) fn answer(error: Error) -> RpcError {
    match error {
        Error::Silent(text) => RpcError::internal("Internal error").because(text),
        _ => RpcError::invalid_params(error.to_string()),
    }
}
