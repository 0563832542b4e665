//! Where subsystems are offered: `nvmf_subsystem_add_listener`, `nvmf_subsystem_remove_listener`,
//! `nvmf_subsystem_get_listeners`.

use crate::address::Address;
use crate::answer::{invalid, no_effect, not_there};
use crate::{NvmfTarget, show};
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The subsystem
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Where
    listen_address: Address,
    /// Only false
    #[serde(default)]
    secure_channel: bool,
    /// Only optimized
    ana_state: Option<String>,
    /// Without effect: sockets are the kernel's
    sock_impl: Option<String>,
    /// Without effect
    numa_id: Option<i32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// The subsystem
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Where
    listen_address: Address,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// The subsystem
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (add, remove, get) = (nvmf.clone(), nvmf.clone(), nvmf.clone());
    vec![
        Method::new("nvmf_subsystem_add_listener", When::Runtime, "Offers a subsystem at an address", move |p: Add| {
            add.add_listener(&p)
        }),
        Method::new(
            "nvmf_subsystem_remove_listener",
            When::Runtime,
            "Offers a subsystem at an address no more",
            move |p: Remove| {
                let target = remove.named(p.tgt_name.as_deref())?;
                target.subsystem(&p.nqn).map_err(invalid)?;
                target.remove_listener(&p.nqn, &p.listen_address.read()?).map(|()| true).map_err(invalid)
            },
        ),
        Method::new(
            "nvmf_subsystem_get_listeners",
            When::Runtime,
            "Shows where a subsystem is offered",
            move |p: Get| {
                let shown = get.named(p.tgt_name.as_deref())?.subsystem(&p.nqn).map_err(invalid)?;
                let one = |listener| json!({ "address": show::listener(listener) });
                Ok(shown.view.listeners.iter().map(one).collect::<Vec<Value>>())
            },
        ),
    ]
}

impl NvmfTarget {
    fn add_listener(&self, params: &Add) -> Result<bool, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        target.subsystem(&params.nqn).map_err(invalid)?;
        not_there(params.secure_channel, "secure_channel (TLS)")?;
        not_there(
            params.ana_state.as_ref().is_some_and(|state| state != "optimized"),
            "ana_state other than optimized",
        )?;
        no_effect(params.sock_impl.is_some(), "sock_impl: sockets are the kernel's");
        no_effect(params.numa_id.is_some_and(|id| id >= 0), "numa_id");
        target.add_listener(&params.nqn, &params.listen_address.read()?).map(|()| true).map_err(invalid)
    }
}
