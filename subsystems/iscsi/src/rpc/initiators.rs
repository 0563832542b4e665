//! Initiator groups.

use crate::Iscsi;
use app::{Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use scsi::control::{parse_rule, show_rule};
use scsi::{Network, Rule, Who};
use scsi_target::answer;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Its number, from 1 on
    tag: u32,
    /// Names of initiators, or ANY, each also after ! (keeps out); the first that fits decides
    initiators: Vec<String>,
    /// Networks from which they may come: ANY, addresses, or addresses and bits
    netmasks: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The group
    tag: u32,
    /// Names of initiators
    #[serde(default)]
    initiators: Vec<String>,
    /// Networks
    #[serde(default)]
    netmasks: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    /// The group
    tag: u32,
}

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let all: [Arc<Iscsi>; 5] = std::array::from_fn(|_| iscsi.clone());
    let [create, add, remove, delete, get] = all;
    vec![
        Method::new("iscsi_create_initiator_group", When::Runtime, "Makes a group of initiators", move |p: Create| {
            let (rules, networks) = read(&p.initiators, &p.netmasks)?;
            create.manager().create_initiator_group(p.tag, &rules, &networks, "").map(|()| true).map_err(answer)
        }),
        Method::new(
            "iscsi_initiator_group_add_initiators",
            When::Runtime,
            "Adds names and networks to a group of initiators",
            move |p: Change| {
                let (rules, networks) = read(&p.initiators, &p.netmasks)?;
                add.manager().add_initiators(p.tag, &rules, &networks, None).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "iscsi_initiator_group_remove_initiators",
            When::Runtime,
            "Takes names and networks from a group of initiators",
            move |p: Change| {
                let (rules, networks) = read(&p.initiators, &p.netmasks)?;
                remove.manager().remove_initiators(p.tag, &rules, &networks).map(|()| true).map_err(answer)
            },
        ),
        Method::new("iscsi_delete_initiator_group", When::Runtime, "Deletes a group of initiators", move |p: Tag| {
            delete.manager().delete_initiator_group(p.tag).map(|()| true).map_err(answer)
        }),
        Method::new(
            "iscsi_get_initiator_groups",
            When::Runtime,
            "Shows the groups of initiators",
            move |_: NoParams| {
                let groups = get.manager().initiator_groups();
                let show = |(tag, group): (u32, Arc<scsi::control::InitiatorGroup>)| {
                    let names: Vec<String> = group.rules.iter().map(name).collect();
                    let networks: Vec<String> = group.networks.iter().map(Network::to_string).collect();
                    json!({ "tag": tag, "initiators": names, "netmasks": networks })
                };
                Ok(groups.into_iter().map(show).collect::<Vec<Value>>())
            },
        ),
    ]
}

/// A rule in SPDK's words.
fn name(rule: &Rule) -> String {
    match rule {
        Rule { allow, who: Who::All } => if *allow { "ANY" } else { "!ANY" }.to_owned(),
        rule => show_rule(rule),
    }
}

fn read(initiators: &[String], netmasks: &[String]) -> Result<(Vec<Rule>, Vec<Network>), RpcError> {
    let rule = |text: &String| parse_rule(text).map_err(|why| RpcError::invalid_params(format!("initiators: {why}")));
    let network = |text: &String| text.parse().map_err(|why| RpcError::invalid_params(format!("netmasks: {why}")));
    Ok((
        initiators.iter().map(rule).collect::<Result<_, _>>()?,
        netmasks.iter().map(network).collect::<Result<_, _>>()?,
    ))
}
