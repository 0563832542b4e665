//! Settings before the start: `nvmf_set_max_subsystems`, `nvmf_set_config`, `nvmf_set_crdt`.

use crate::NvmfTarget;
use crate::answer::{no_effect, not_there};
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Subsystems that a target may be set up for.
const MOST_SUBSYSTEMS: u32 = 65_536;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MaxSubsystems {
    /// How many there may be, the discovery subsystem not counted
    max_subsystems: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Only false: no commands are passed through
    #[serde(default)]
    admin_cmd_passthru: BTreeMap<String, bool>,
    /// Not supported yet: all cores are used
    poll_groups_mask: Option<String>,
    /// Only match_any (deprecated)
    discovery_filter: Option<String>,
    /// Only none
    #[serde(default)]
    discovery_filters: Vec<String>,
    /// Without effect: there is no in-band authentication
    dhchap_digests: Option<Vec<String>>,
    /// Without effect: there is no in-band authentication
    dhchap_dhgroups: Option<Vec<String>>,
    /// Only allow
    dup_host_policy: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Crdt {
    /// Only 0
    #[serde(default)]
    crdt1: u16,
    /// Only 0
    #[serde(default)]
    crdt2: u16,
    /// Only 0
    #[serde(default)]
    crdt3: u16,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let nvmf = nvmf.clone();
    vec![
        Method::new(
            "nvmf_set_max_subsystems",
            When::Startup,
            "Says how many subsystems there may be",
            move |p: MaxSubsystems| nvmf.set_max_subsystems(p.max_subsystems),
        ),
        Method::new(
            "nvmf_set_config",
            When::Startup,
            "Accepts what is so anyway; other values are not supported yet",
            |p: Config| p.check().map(|()| true),
        ),
        Method::new("nvmf_set_crdt", When::Startup, "Accepts zeroes: hosts are never told to wait", |p: Crdt| {
            not_there([p.crdt1, p.crdt2, p.crdt3] != [0; 3], "a command retry delay").map(|()| true)
        }),
    ]
}

impl NvmfTarget {
    fn set_max_subsystems(&self, most: u32) -> Result<bool, RpcError> {
        if !(1..=MOST_SUBSYSTEMS).contains(&most) {
            return Err(RpcError::invalid_params(format!("max_subsystems: from 1 to {MOST_SUBSYSTEMS}")));
        }
        self.max_subsystems.set(most).map(|()| true).map_err(|_| RpcError::internal("Must not call more than once"))
    }
}

/// The members of `admin_cmd_passthru`.
const PASSTHRU: [&str; 9] = [
    "identify_ctrlr",
    "identify_uuid_list",
    "get_log_page",
    "get_set_features",
    "sanitize",
    "security_send_recv",
    "fw_update",
    "nvme_mi",
    "vendor_specific",
];

impl Config {
    fn check(&self) -> Result<(), RpcError> {
        for (name, on) in &self.admin_cmd_passthru {
            if !PASSTHRU.contains(&name.as_str()) {
                return Err(RpcError::invalid_params(format!("admin_cmd_passthru.{name}: there is no such member")));
            }
            not_there(*on, &format!("admin_cmd_passthru.{name}"))?;
        }
        not_there(self.poll_groups_mask.is_some(), "poll_groups_mask")?;
        not_there(self.discovery_filter.as_ref().is_some_and(|filter| filter != "match_any"), "discovery_filter")?;
        not_there(!self.discovery_filters.is_empty(), "discovery_filters")?;
        not_there(
            self.dup_host_policy.as_ref().is_some_and(|policy| policy != "allow"),
            "dup_host_policy other than allow",
        )?;
        let dhchap = self.dhchap_digests.is_some() || self.dhchap_dhgroups.is_some();
        no_effect(dhchap, "dhchap_digests, dhchap_dhgroups: there is no in-band authentication");
        Ok(())
    }
}
