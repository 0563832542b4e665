//! Target nodes.

use super::auth::Auth;
use super::{answer, show};
use crate::ScsiTarget;
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use scsi::AccessState;
use scsi::control::{DEFAULT_QUEUE_DEPTH, Mapping, NewNode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lun {
    /// From 0 to 16383; hosts look for LUN 0 first
    lun_id: u16,
    /// The block device, by name or UUID
    bdev_name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Map {
    /// The portal group
    pg_tag: u32,
    /// The initiator group
    ig_tag: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Its name
    name: String,
    /// A name for people
    #[serde(default)]
    alias_name: String,
    /// Its logical units
    #[serde(default)]
    luns: Vec<Lun>,
    /// Who sees it at which ports
    #[serde(default)]
    pg_ig_maps: Vec<Map>,
    /// Commands that an initiator may have open on a logical unit; 64 unless given
    queue_depth: Option<u32>,
    /// iSCSI: what who logs in must prove
    #[serde(default)]
    auth: Auth,
    /// iSCSI: header digests are insisted on
    #[serde(default)]
    header_digest: bool,
    /// iSCSI: data digests are insisted on
    #[serde(default)]
    data_digest: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// The target node
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddLun {
    /// The target node
    name: String,
    /// The block device, by name or UUID
    bdev_name: String,
    /// The lowest free one unless given
    lun_id: Option<u16>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveLun {
    /// The target node
    name: String,
    /// Which
    lun_id: u16,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Maps {
    /// The target node
    name: String,
    /// Who sees it at which ports
    pg_ig_maps: Vec<Map>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Depth {
    /// The target node
    name: String,
    /// Commands that an initiator may have open on a logical unit
    queue_depth: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// Only this one
    name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetAuth {
    /// The target node
    name: String,
    /// What who logs in must prove
    auth: Auth,
}

/// A state of a target port group (SPC-4 5.15.2.4)
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Active/optimized
    Optimized,
    /// Active/non-optimized
    NonOptimized,
    /// Standby
    Standby,
    /// Unavailable
    Unavailable,
    /// On its way to another state
    Transitioning,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PortGroup {
    /// The target node
    name: String,
    /// The target port group: the ports of that portal group
    pg_tag: u16,
    /// Its state; as it is unless given
    state: Option<State>,
    /// Whether hosts are to take it first; as it is unless given
    preferred: Option<bool>,
}

impl State {
    pub(super) fn of(state: AccessState) -> Self {
        match state {
            AccessState::ActiveOptimized => Self::Optimized,
            AccessState::ActiveNonOptimized => Self::NonOptimized,
            AccessState::Standby => Self::Standby,
            AccessState::Unavailable => Self::Unavailable,
            AccessState::Transitioning => Self::Transitioning,
        }
    }

    fn read(self) -> AccessState {
        match self {
            Self::Optimized => AccessState::ActiveOptimized,
            Self::NonOptimized => AccessState::ActiveNonOptimized,
            Self::Standby => AccessState::Standby,
            Self::Unavailable => AccessState::Unavailable,
            Self::Transitioning => AccessState::Transitioning,
        }
    }
}

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let all: [Arc<ScsiTarget>; 10] = std::array::from_fn(|_| scsi.clone());
    let [create, delete, add_lun, remove_lun, add_maps, remove_maps, depth, auth, group, get] = all;
    vec![
        Method::new("scsi_create_target_node", When::Runtime, "Makes a target node", move |p: Create| {
            create.manager().create_node(&p.node()).map(|()| true).map_err(answer)
        }),
        Method::new("scsi_delete_target_node", When::Runtime, "Deletes a target node", move |p: Name| {
            delete.manager().delete_node(&p.name).map(|()| true).map_err(answer)
        }),
        Method::new("scsi_target_node_add_lun", When::Runtime, "Offers a block device as a LUN", move |p: AddLun| {
            add_lun.manager().add_lun(&p.name, p.lun_id, &p.bdev_name).map_err(answer)
        }),
        Method::new("scsi_target_node_remove_lun", When::Runtime, "Removes a LUN", move |p: RemoveLun| {
            remove_lun.manager().remove_lun(&p.name, p.lun_id).map(|()| true).map_err(answer)
        }),
        Method::new(
            "scsi_target_node_add_pg_ig_maps",
            When::Runtime,
            "Lets initiators see a target node at ports",
            move |p: Maps| {
                add_maps.manager().add_mappings(&p.name, &mappings(&p.pg_ig_maps)).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_target_node_remove_pg_ig_maps",
            When::Runtime,
            "Lets initiators see a target node at ports no more",
            move |p: Maps| {
                remove_maps.manager().remove_mappings(&p.name, &mappings(&p.pg_ig_maps)).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_target_node_set_queue_depth",
            When::Runtime,
            "Changes how many commands an initiator may have open on a logical unit",
            move |p: Depth| depth.manager().set_queue_depth(&p.name, p.queue_depth).map(|()| true).map_err(answer),
        ),
        Method::new(
            "scsi_target_node_set_auth",
            When::Runtime,
            "Says what who logs in to a target node over iSCSI must prove",
            move |p: SetAuth| auth.manager().set_auth(&p.name, p.auth.read()).map(|()| true).map_err(answer),
        ),
        Method::new(
            "scsi_set_target_port_group",
            When::Runtime,
            "Puts the ports of a portal group into an asymmetric access state for a target node (ALUA)",
            move |p: PortGroup| {
                let state = p.state.map(State::read);
                group.manager().set_port_group(&p.name, p.pg_tag, state, p.preferred).map(|()| true).map_err(answer)
            },
        ),
        Method::new("scsi_get_target_nodes", When::Runtime, "Shows the target nodes", move |p: Get| {
            get_nodes(&get, &p)
        }),
    ]
}

fn mappings(maps: &[Map]) -> Vec<Mapping> {
    maps.iter().map(|map| Mapping { portal_group: map.pg_tag, initiator_group: map.ig_tag }).collect()
}

impl Create {
    fn node(&self) -> NewNode {
        NewNode {
            name: self.name.clone(),
            alias: self.alias_name.clone(),
            queue_depth: self.queue_depth.unwrap_or(DEFAULT_QUEUE_DEPTH),
            luns: self.luns.iter().map(|lun| (lun.lun_id, lun.bdev_name.clone())).collect(),
            mappings: mappings(&self.pg_ig_maps),
            auth: self.auth.read(),
            header_digest: self.header_digest,
            data_digest: self.data_digest,
        }
    }
}

fn get_nodes(scsi: &ScsiTarget, params: &Get) -> Result<Vec<Value>, RpcError> {
    let units = scsi.manager().units();
    let nodes = scsi.manager().nodes();
    let wanted = nodes.iter().filter(|shown| params.name.as_ref().is_none_or(|name| *name == shown.node.name));
    let shown = wanted.map(|node| {
        let mut value = show::node(node, &units);
        value["port_groups"] = node.node.port_groups().iter().map(show::port_group).collect();
        value
    });
    let shown: Vec<Value> = shown.collect();
    match &params.name {
        Some(name) if shown.is_empty() => Err(RpcError::invalid_params(format!("there is no target node '{name}'"))),
        _ => Ok(shown),
    }
}
