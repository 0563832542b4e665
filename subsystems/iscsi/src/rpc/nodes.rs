//! Target nodes.

use super::auth::read_auth;
use crate::Iscsi;
use app::{Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use scsi::IscsiName;
use scsi::control::{Mapping, NewNode, ShownNode, Unit};
use scsi_target::answer;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lun {
    /// From 0 on
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
    /// Its name; node_base is put before one that is not iqn., eui. or naa.
    name: String,
    /// A name for people
    #[serde(default)]
    alias_name: String,
    /// Who sees it at which portals
    pg_ig_maps: Vec<Map>,
    /// Its logical units
    luns: Vec<Lun>,
    /// Commands that an initiator may have open on a logical unit; max_queue_depth if 0 or more than that
    #[serde(default)]
    queue_depth: u32,
    /// No CHAP
    #[serde(default)]
    disable_chap: bool,
    /// CHAP is required
    #[serde(default)]
    require_chap: bool,
    /// The target proves itself too
    #[serde(default)]
    mutual_chap: bool,
    /// Authentication group; 0: none
    #[serde(default)]
    chap_group: u32,
    /// Header digests are insisted on
    #[serde(default)]
    header_digest: bool,
    /// Data digests are insisted on
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
    /// The lowest free one unless given, or if -1
    lun_id: Option<i32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Maps {
    /// The target node
    name: String,
    /// Who sees it at which portals
    pg_ig_maps: Vec<Map>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetAuth {
    /// The target node
    name: String,
    /// No CHAP
    #[serde(default)]
    disable_chap: bool,
    /// CHAP is required
    #[serde(default)]
    require_chap: bool,
    /// The target proves itself too
    #[serde(default)]
    mutual_chap: bool,
    /// Authentication group; 0: none
    #[serde(default)]
    chap_group: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Redirect {
    /// The target node
    #[expect(dead_code, reason = "refused whatever it is")]
    name: String,
    /// The portal group
    #[expect(dead_code, reason = "refused whatever it is")]
    pg_tag: u32,
    /// Where to
    #[expect(dead_code, reason = "refused whatever it is")]
    redirect_host: Option<String>,
    /// Where to
    #[expect(dead_code, reason = "refused whatever it is")]
    redirect_port: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Logout {
    /// The target node
    name: String,
    /// Only sessions at this portal group
    pg_tag: Option<u32>,
}

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let mut methods = changes(iscsi);
    methods.extend(rest(iscsi));
    methods
}

fn changes(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let all: [Arc<Iscsi>; 6] = std::array::from_fn(|_| iscsi.clone());
    let [create, delete, lun, add, remove, auth] = all;
    vec![
        Method::new("iscsi_create_target_node", When::Runtime, "Makes a target node", move |p: Create| {
            create.manager().create_node(&create.node(&p)?).map(|()| true).map_err(answer)
        }),
        Method::new("iscsi_delete_target_node", When::Runtime, "Deletes a target node", move |p: Name| {
            delete.manager().delete_node(&delete.full(&p.name)).map(|()| true).map_err(answer)
        }),
        Method::new("iscsi_target_node_add_lun", When::Runtime, "Offers a block device as a LUN", move |p: AddLun| {
            let wanted = p.lun_id.filter(|lun| *lun != -1).map(u16::try_from).transpose();
            let wanted = wanted.map_err(|_| RpcError::invalid_params("lun_id: from 0 to 16383"))?;
            lun.manager().add_lun(&lun.full(&p.name), wanted, &p.bdev_name).map(|_| true).map_err(answer)
        }),
        Method::new(
            "iscsi_target_node_add_pg_ig_maps",
            When::Runtime,
            "Lets initiators see a target node at portals",
            move |p: Maps| {
                let name = add.full(&p.name);
                add.manager().add_mappings(&name, &mappings(&p.pg_ig_maps)).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "iscsi_target_node_remove_pg_ig_maps",
            When::Runtime,
            "Lets initiators see a target node at portals no more",
            move |p: Maps| {
                let name = remove.full(&p.name);
                remove.manager().remove_mappings(&name, &mappings(&p.pg_ig_maps)).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "iscsi_target_node_set_auth",
            When::Runtime,
            "Says what who logs in to a target node must prove",
            move |p: SetAuth| {
                let policy = read_auth(p.disable_chap, p.require_chap, p.mutual_chap, p.chap_group)?;
                auth.manager().set_auth(&auth.full(&p.name), policy).map(|()| true).map_err(answer)
            },
        ),
    ]
}

fn rest(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let (logout, get) = (iscsi.clone(), iscsi.clone());
    vec![
        Method::new(
            "iscsi_target_node_set_redirect",
            When::Runtime,
            "Not supported: sends initiators to another portal",
            move |_: Redirect| -> Result<bool, RpcError> {
                Err(RpcError::invalid_params(
                    "login redirection is not supported: map the node to a portal group there",
                ))
            },
        ),
        Method::new(
            "iscsi_target_node_request_logout",
            When::Runtime,
            "Asks initiators of a target node to log out",
            move |p: Logout| logout.request_logout(&p),
        ),
        Method::new("iscsi_get_target_nodes", When::Runtime, "Shows the target nodes", move |_: NoParams| {
            let units = get.manager().units();
            Ok(get.manager().nodes().iter().map(|node| show(node, &units)).collect::<Vec<_>>())
        }),
    ]
}

impl Iscsi {
    /// The name of a node, with [`crate::options::Options::node_base`] before it if it is of no kind.
    fn full(&self, name: &str) -> String {
        let typed = IscsiName::new(name).is_some_and(|name| name.is_typed());
        // A node that was made for Fibre Channel keeps the name that it has.
        let known = || self.manager().nodes().iter().any(|shown| shown.node.name.eq_ignore_ascii_case(name));
        if typed || known() { name.to_owned() } else { format!("{}:{name}", self.state.options().node_base) }
    }

    fn node(&self, p: &Create) -> Result<NewNode, RpcError> {
        let most = u32::from(self.state.options().login.queue_depth);
        let name = match IscsiName::new(&p.name) {
            Some(name) if name.is_typed() => p.name.clone(),
            _ => format!("{}:{}", self.state.options().node_base, p.name),
        };
        Ok(NewNode {
            name,
            alias: p.alias_name.clone(),
            queue_depth: if (1..=most).contains(&p.queue_depth) { p.queue_depth } else { most },
            luns: p.luns.iter().map(|lun| (lun.lun_id, lun.bdev_name.clone())).collect(),
            mappings: mappings(&p.pg_ig_maps),
            auth: read_auth(p.disable_chap, p.require_chap, p.mutual_chap, p.chap_group)?,
            header_digest: p.header_digest,
            data_digest: p.data_digest,
        })
    }

    fn request_logout(&self, p: &Logout) -> Result<bool, RpcError> {
        let name = self.full(&p.name);
        let nodes = self.manager().nodes();
        let node = nodes.iter().find(|shown| shown.node.name.eq_ignore_ascii_case(&name));
        let node = node.ok_or_else(|| RpcError::invalid_params(format!("there is no target node '{name}'")))?;
        if p.pg_tag.is_some_and(|tag| node.node.mappings.iter().any(|mapping| mapping.portal_group != tag)) {
            let text = "pg_tag: initiators can only be asked at all portal groups of a target node at once";
            return Err(RpcError::invalid_params(text));
        }
        if let Some(transport) = self.state.transport.get() {
            transport.end_sessions(Some(&name));
        }
        Ok(true)
    }
}

fn mappings(maps: &[Map]) -> Vec<Mapping> {
    maps.iter().map(|map| Mapping { portal_group: map.pg_tag, initiator_group: map.ig_tag }).collect()
}

fn show(shown: &ShownNode, units: &[Unit]) -> Value {
    let node = &shown.node;
    let name = |id: u32| units.iter().find(|unit| unit.id == id).map_or("", |unit| &unit.info.name);
    let luns = node.luns.iter().map(|(lun, id)| json!({ "lun_id": lun, "bdev_name": name(*id) }));
    let maps = node.mappings.iter().map(|map| json!({ "pg_tag": map.portal_group, "ig_tag": map.initiator_group }));
    json!({
        "name": node.name,
        "alias_name": node.alias,
        "pg_ig_maps": maps.collect::<Vec<_>>(),
        "luns": luns.collect::<Vec<_>>(),
        "queue_depth": node.queue_depth,
        "disable_chap": node.auth.disable,
        "require_chap": node.auth.require,
        "mutual_chap": node.auth.mutual,
        "chap_group": node.auth.group,
        "header_digest": node.header_digest,
        "data_digest": node.data_digest,
    })
}
