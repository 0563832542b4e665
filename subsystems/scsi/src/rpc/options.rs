//! `scsi_set_options`, `scsi_get_options`.

use crate::ScsiTarget;
use app::{Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Absolute path of the directory for what outlives the process (reservations with APTPL); made when it is needed
    state_directory: Option<PathBuf>,
}

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let (set, get) = (scsi.clone(), scsi.clone());
    vec![
        Method::new("scsi_set_options", When::Startup, "Sets the options of SCSI", move |p: Options| {
            if let Some(directory) = p.state_directory {
                if !directory.is_absolute() {
                    return Err(RpcError::invalid_params("state_directory: not an absolute path"));
                }
                set.set_state_directory(directory);
            }
            Ok(true)
        }),
        Method::new("scsi_get_options", When::Both, "Shows the options of SCSI", move |_: NoParams| {
            Ok(json!({ "state_directory": get.state_directory() }))
        }),
    ]
}
