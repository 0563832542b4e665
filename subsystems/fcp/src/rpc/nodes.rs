//! Target nodes.

use super::{answer, show};
use crate::Fcp;
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use scsi::control::{DEFAULT_QUEUE_DEPTH, Mapping, NewNode};
use serde::Deserialize;
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

pub(super) fn methods(fcp: &Arc<Fcp>) -> Vec<Method> {
    let all: [Arc<Fcp>; 8] = std::array::from_fn(|_| fcp.clone());
    let [create, delete, add_lun, remove_lun, add_maps, remove_maps, depth, get] = all;
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
        }
    }
}

fn get_nodes(fcp: &Fcp, params: &Get) -> Result<Vec<Value>, RpcError> {
    let units = fcp.manager().units();
    let nodes = fcp.manager().nodes();
    let wanted = nodes.iter().filter(|shown| params.name.as_ref().is_none_or(|name| *name == shown.node.name));
    let shown: Vec<Value> = wanted.map(|node| show::node(node, &units)).collect();
    match &params.name {
        Some(name) if shown.is_empty() => Err(RpcError::invalid_params(format!("there is no target node '{name}'"))),
        _ => Ok(shown),
    }
}
