//! Portal groups with IP portals.

use super::auth::read_auth;
use crate::Iscsi;
use app::{Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use scsi::control::{NewPortalGroup, PortalGroup};
use scsi_target::{Kind, answer, read_address};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A TCP port: SPDK has it as a string.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Portal {
    /// IP address
    host: String,
    /// TCP port; 3260 unless given
    port: Option<Port>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Portal group tag, 1 to 65535
    tag: u32,
    /// Where to listen
    portals: Vec<Portal>,
    /// Discovery at other groups does not tell of it
    #[serde(default)]
    private: bool,
    /// Nothing listens until iscsi_start_portal_group
    #[serde(default)]
    wait: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    /// The group
    tag: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetAuth {
    /// The group
    tag: u32,
    /// Discovery here needs no CHAP
    #[serde(default)]
    disable_chap: bool,
    /// Discovery here needs CHAP
    #[serde(default)]
    require_chap: bool,
    /// Discovery here proves the target too
    #[serde(default)]
    mutual_chap: bool,
    /// Authentication group; 0: none
    #[serde(default)]
    chap_group: u32,
}

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let all: [Arc<Iscsi>; 5] = std::array::from_fn(|_| iscsi.clone());
    let [create, start, delete, auth, get] = all;
    vec![
        Method::new("iscsi_create_portal_group", When::Runtime, "Makes a group of IP portals", move |p: Create| {
            create.scsi.need_transport(Kind::Ip)?;
            create.manager().create_portal_group(&p.group()?).map(|()| true).map_err(answer)
        }),
        Method::new("iscsi_start_portal_group", When::Runtime, "Lets a portal group listen", move |p: Tag| {
            start.manager().start_portal_group(p.tag).map(|()| true).map_err(answer)
        }),
        Method::new("iscsi_delete_portal_group", When::Runtime, "Deletes a portal group", move |p: Tag| {
            delete.manager().delete_portal_group(p.tag).map(|()| true).map_err(answer)
        }),
        Method::new(
            "iscsi_portal_group_set_auth",
            When::Runtime,
            "Says what discovery sessions at a portal group must prove",
            move |p: SetAuth| {
                let policy = read_auth(p.disable_chap, p.require_chap, p.mutual_chap, p.chap_group)?;
                auth.manager().set_portal_group_auth(p.tag, Some(policy)).map(|()| true).map_err(answer)
            },
        ),
        Method::new("iscsi_get_portal_groups", When::Runtime, "Shows the groups of IP portals", move |_: NoParams| {
            let groups = get.manager().portal_groups();
            let on_ip = groups.iter().filter(|(_, group)| group.portals.is_empty() || !group.addresses.is_empty());
            Ok(on_ip.map(|(tag, group)| show(*tag, group)).collect::<Vec<_>>())
        }),
    ]
}

impl Create {
    fn group(&self) -> Result<NewPortalGroup, RpcError> {
        let address = |portal: &Portal| read_address(&portal.host, portal.port()?, "");
        let addresses = self.portals.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() {
            return Err(RpcError::invalid_params("portals: at least one"));
        }
        let (tag, private, wait) = (self.tag, self.private, self.wait);
        Ok(NewPortalGroup { tag, addresses, private, wait, ..NewPortalGroup::default() })
    }
}

impl Portal {
    fn port(&self) -> Result<Option<u16>, RpcError> {
        match &self.port {
            None => Ok(None),
            Some(Port::Number(port)) => Ok(Some(*port)),
            Some(Port::Text(text)) => {
                let wrong = |_| RpcError::invalid_params(format!("port: '{text}' is not from 1 to 65535"));
                text.parse().map(Some).map_err(wrong)
            }
        }
    }
}

fn show(tag: u32, group: &PortalGroup) -> Value {
    let portals = group.addresses.iter();
    let portals = portals.map(|portal| json!({ "host": portal.host, "port": portal.address.port().to_string() }));
    json!({ "tag": tag, "private": group.private, "portals": portals.collect::<Vec<_>>() })
}
