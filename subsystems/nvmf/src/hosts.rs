//! Who may connect: `nvmf_subsystem_add_host`, `nvmf_subsystem_remove_host`, `nvmf_subsystem_allow_any_host`.

use crate::NvmfTarget;
use crate::answer::{internal, not_there};
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The subsystem
    nqn: String,
    /// The host's name
    host: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Not supported yet (TLS)
    psk: Option<String>,
    /// Not supported yet (in-band authentication)
    dhchap_key: Option<String>,
    /// Not supported yet (in-band authentication)
    dhchap_ctrlr_key: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// The subsystem
    nqn: String,
    /// The host's name
    host: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Without effect: the host's controllers end at once
    #[expect(dead_code, reason = "accepted for SPDK's sake")]
    timeout_ms: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AllowAny {
    /// The subsystem
    nqn: String,
    /// Whether anyone may connect
    allow_any_host: bool,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (add, remove, any) = (nvmf.clone(), nvmf.clone(), nvmf.clone());
    vec![
        Method::new("nvmf_subsystem_add_host", When::Runtime, "Lets a host connect", move |p: Add| add.add_host(&p)),
        Method::new(
            "nvmf_subsystem_remove_host",
            When::Runtime,
            "Lets a host connect no more and ends its controllers",
            move |p: Remove| {
                let target = remove.named(p.tgt_name.as_deref())?;
                target.remove_host(&p.nqn, &p.host).map(|()| true).map_err(internal)
            },
        ),
        Method::new(
            "nvmf_subsystem_allow_any_host",
            When::Runtime,
            "Lets anyone connect, or only the hosts of the list",
            move |p: AllowAny| {
                let target = any.named(p.tgt_name.as_deref())?;
                target.set_allow_any_host(&p.nqn, p.allow_any_host).map(|()| true).map_err(internal)
            },
        ),
    ]
}

impl NvmfTarget {
    fn add_host(&self, params: &Add) -> Result<bool, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        not_there(params.psk.is_some(), "psk (TLS)")?;
        not_there(
            params.dhchap_key.is_some() || params.dhchap_ctrlr_key.is_some(),
            "dhchap_key (in-band authentication)",
        )?;
        target.add_host(&params.nqn, &params.host).map(|()| true).map_err(internal)
    }
}
