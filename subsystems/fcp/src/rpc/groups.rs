//! Portal groups and initiator groups.

use super::{answer, show};
use crate::Fcp;
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use scsi::control::{NewPortal, parse_rule};
use scsi::{PortName, Rule, Who};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Portal {
    /// The FC port: 16 hexadecimal digits, also after 0x, or with colons
    wwpn: String,
    /// A name for people
    #[serde(default)]
    label: String,
    /// Its relative target port identifier; the lowest free one unless given
    relative_port: Option<u16>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreatePortals {
    /// Its number, from 1 on
    tag: u32,
    /// FC ports of this target
    portals: Vec<Portal>,
    /// A remark
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddPortals {
    /// The group
    tag: u32,
    /// FC ports of this target
    portals: Vec<Portal>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemovePortals {
    /// The group
    tag: u32,
    /// Port names of FC ports
    wwpns: Vec<String>,
}

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
    /// ALL, port names, nn- and node names, each also after ! (keeps out); the first that fits decides
    initiators: Vec<String>,
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
    initiators: Vec<String>,
    /// Before which line, from 0 on; at the end unless given
    position: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveInitiators {
    /// The group
    tag: u32,
    /// As in scsi_create_initiator_group
    initiators: Vec<String>,
}

pub(super) fn portals(fcp: &Arc<Fcp>) -> Vec<Method> {
    let all: [Arc<Fcp>; 5] = std::array::from_fn(|_| fcp.clone());
    let [create, add, remove, delete, get] = all;
    vec![
        Method::new(
            "scsi_create_portal_group",
            When::Runtime,
            "Names FC ports at which target nodes can be offered",
            move |p: CreatePortals| {
                create.need_transport()?;
                let portals = read_portals(&p.portals)?;
                create.manager().create_portal_group(p.tag, &portals, &p.comment).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_portal_group_add_portals",
            When::Runtime,
            "Adds FC ports to a portal group",
            move |p: AddPortals| {
                let portals = read_portals(&p.portals)?;
                add.manager().add_portals(p.tag, &portals).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_portal_group_remove_portals",
            When::Runtime,
            "Takes FC ports from a portal group",
            move |p: RemovePortals| {
                let ports = p.wwpns.iter().map(|name| port(name, "wwpns")).collect::<Result<Vec<_>, _>>()?;
                remove.manager().remove_portals(p.tag, &ports).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_delete_portal_group",
            When::Runtime,
            "Deletes a portal group that no target node uses",
            move |p: Tag| delete.manager().delete_portal_group(p.tag).map(|()| true).map_err(answer),
        ),
        Method::new("scsi_get_portal_groups", When::Runtime, "Shows the portal groups", move |p: Get| {
            let groups = get.manager().portal_groups();
            let shown = groups.iter().filter(|(tag, _)| p.tag.is_none_or(|wanted| wanted == **tag));
            found(p.tag, shown.map(|(tag, group)| show::portal_group(*tag, group, get.ports())).collect(), "portal")
        }),
    ]
}

pub(super) fn initiators(fcp: &Arc<Fcp>) -> Vec<Method> {
    let all: [Arc<Fcp>; 5] = std::array::from_fn(|_| fcp.clone());
    let [create, add, remove, delete, get] = all;
    vec![
        Method::new(
            "scsi_create_initiator_group",
            When::Runtime,
            "Says which initiators may see what is mapped to the group",
            move |p: CreateInitiators| {
                let rules = read_rules(&p.initiators)?;
                create.manager().create_initiator_group(p.tag, &rules, &p.comment).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_initiator_group_add_initiators",
            When::Runtime,
            "Adds lines to an initiator group",
            move |p: AddInitiators| {
                let rules = read_rules(&p.initiators)?;
                add.manager().add_initiators(p.tag, &rules, p.position).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_initiator_group_remove_initiators",
            When::Runtime,
            "Takes lines from an initiator group",
            move |p: RemoveInitiators| {
                let rules = read_rules(&p.initiators)?;
                remove.manager().remove_initiators(p.tag, &rules).map(|()| true).map_err(answer)
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

fn found(tag: Option<u32>, shown: Vec<Value>, kind: &str) -> Result<Vec<Value>, RpcError> {
    match tag {
        Some(tag) if shown.is_empty() => Err(RpcError::invalid_params(format!("there is no {kind} group {tag}"))),
        _ => Ok(shown),
    }
}

fn read_portals(portals: &[Portal]) -> Result<Vec<NewPortal>, RpcError> {
    let one = |portal: &Portal| {
        let port = port(&portal.wwpn, "wwpn")?;
        Ok(NewPortal { label: portal.label.clone(), port, relative: portal.relative_port })
    };
    portals.iter().map(one).collect()
}

fn port(text: &str, what: &str) -> Result<PortName, RpcError> {
    match parse_rule(text) {
        Ok(Rule { allow: true, who: Who::Wwpn(wwpn) }) => Ok(PortName::Fc { wwnn: 0, wwpn }),
        _ => Err(RpcError::invalid_params(format!("{what}: '{text}' is not a WWPN of 16 hexadecimal digits"))),
    }
}

fn read_rules(texts: &[String]) -> Result<Vec<Rule>, RpcError> {
    let one = |text: &String| parse_rule(text).map_err(|why| RpcError::invalid_params(format!("initiators: {why}")));
    texts.iter().map(one).collect()
}
