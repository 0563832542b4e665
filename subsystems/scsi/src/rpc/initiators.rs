//! Initiator groups.

use super::{answer, found, show};
use crate::ScsiTarget;
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use scsi::control::parse_rule;
use scsi::{Network, Rule};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    /// The group
    tag: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// Only this one
    tag: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateInitiators {
    /// Its number, from 1 on
    tag: u32,
    /// ALL, iSCSI names, FC port names, nn- and FC node names, each also after ! (keeps out); the first that fits decides
    initiators: Vec<String>,
    /// IP networks from which they may come: ANY, addresses, or addresses and bits; ANY unless given
    netmasks: Option<Vec<String>>,
    /// A remark
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddInitiators {
    /// The group
    tag: u32,
    /// As in scsi_create_initiator_group
    #[serde(default)]
    initiators: Vec<String>,
    /// As in scsi_create_initiator_group
    #[serde(default)]
    netmasks: Vec<String>,
    /// Before which line, from 0 on; at the end unless given
    position: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveInitiators {
    /// The group
    tag: u32,
    /// As in scsi_create_initiator_group
    #[serde(default)]
    initiators: Vec<String>,
    /// As in scsi_create_initiator_group
    #[serde(default)]
    netmasks: Vec<String>,
}

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let all: [Arc<ScsiTarget>; 5] = std::array::from_fn(|_| scsi.clone());
    let [create, add, remove, delete, get] = all;
    vec![
        Method::new(
            "scsi_create_initiator_group",
            When::Runtime,
            "Says which initiators may see what is mapped to the group",
            move |p: CreateInitiators| {
                let rules = read_rules(&p.initiators)?;
                let networks = p.netmasks.as_deref().map_or_else(|| Ok(vec![Network::Any]), read_networks)?;
                create
                    .manager()
                    .create_initiator_group(p.tag, &rules, &networks, &p.comment)
                    .map(|()| true)
                    .map_err(answer)
            },
        ),
        Method::new(
            "scsi_initiator_group_add_initiators",
            When::Runtime,
            "Adds lines to an initiator group",
            move |p: AddInitiators| {
                let (rules, networks) = (read_rules(&p.initiators)?, read_networks(&p.netmasks)?);
                add.manager().add_initiators(p.tag, &rules, &networks, p.position).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_initiator_group_remove_initiators",
            When::Runtime,
            "Takes lines from an initiator group",
            move |p: RemoveInitiators| {
                let (rules, networks) = (read_rules(&p.initiators)?, read_networks(&p.netmasks)?);
                remove.manager().remove_initiators(p.tag, &rules, &networks).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_delete_initiator_group",
            When::Runtime,
            "Deletes an initiator group that no target node uses",
            move |p: Tag| delete.manager().delete_initiator_group(p.tag).map(|()| true).map_err(answer),
        ),
        Method::new("scsi_get_initiator_groups", When::Runtime, "Shows the initiator groups", move |p: Get| {
            let groups = get.manager().initiator_groups();
            let shown = groups.iter().filter(|(tag, _)| p.tag.is_none_or(|wanted| wanted == **tag));
            found(p.tag, shown.map(|(tag, group)| show::initiator_group(*tag, group)).collect(), "initiator")
        }),
    ]
}

fn read_rules(texts: &[String]) -> Result<Vec<Rule>, RpcError> {
    let one = |text: &String| parse_rule(text).map_err(|why| RpcError::invalid_params(format!("initiators: {why}")));
    texts.iter().map(one).collect()
}

fn read_networks(texts: &[String]) -> Result<Vec<Network>, RpcError> {
    let one = |text: &String| text.parse().map_err(|why| RpcError::invalid_params(format!("netmasks: {why}")));
    texts.iter().map(one).collect()
}
