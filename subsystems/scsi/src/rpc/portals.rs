//! Portal groups.

use super::auth::Auth;
use super::{answer, found, show};
use crate::{Kind, ScsiTarget};
use app::{Method, RpcError, When};
use schemars::JsonSchema;
use scsi::control::{Address, NewPortal, NewPortalGroup, parse_rule};
use scsi::{PortName, Rule, Who};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The TCP port of iSCSI.
const ISCSI_PORT: u16 = 3260;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Portal {
    /// An FC port: 16 hexadecimal digits, also after 0x, or with colons
    wwpn: Option<String>,
    /// Or an IP address to listen on: v4 or v6
    host: Option<String>,
    /// TCP port; 3260 unless given
    port: Option<u16>,
    /// A name for people
    #[serde(default)]
    label: String,
    /// FC: its relative target port identifier; the lowest free one unless given
    relative_port: Option<u16>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreatePortals {
    /// Its number, from 1 on
    tag: u32,
    /// FC ports and IP addresses of this target
    portals: Vec<Portal>,
    /// IP: relative target port identifier of its iSCSI target ports; the tag if it is free unless given
    relative_port: Option<u16>,
    /// IP: discovery at other groups does not tell of it
    #[serde(default)]
    private: bool,
    /// IP: nothing listens until scsi_start_portal_group
    #[serde(default)]
    wait: bool,
    /// IP: what discovery here must prove
    auth: Option<Auth>,
    /// A remark
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddPortals {
    /// The group
    tag: u32,
    /// FC ports and IP addresses of this target
    portals: Vec<Portal>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemovePortals {
    /// The group
    tag: u32,
    /// Port names of FC ports
    #[serde(default)]
    wwpns: Vec<String>,
    /// IP addresses
    #[serde(default)]
    portals: Vec<Portal>,
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

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let all: [Arc<ScsiTarget>; 6] = std::array::from_fn(|_| scsi.clone());
    let [create, add, remove, start, delete, get] = all;
    vec![
        Method::new(
            "scsi_create_portal_group",
            When::Runtime,
            "Names ports and addresses at which target nodes can be offered",
            move |p: CreatePortals| {
                let new = p.group()?;
                create.need_transports(&new.portals, &new.addresses)?;
                create.manager().create_portal_group(&new).map_err(answer)?;
                if let Some(auth) = p.auth {
                    create.manager().set_portal_group_auth(p.tag, Some(auth.read())).map_err(answer)?;
                }
                Ok(true)
            },
        ),
        Method::new(
            "scsi_portal_group_add_portals",
            When::Runtime,
            "Adds ports and addresses to a portal group",
            move |p: AddPortals| {
                let (portals, addresses) = read_portals(&p.portals)?;
                add.need_transports(&portals, &addresses)?;
                add.manager().add_portals(p.tag, &portals, &addresses).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_portal_group_remove_portals",
            When::Runtime,
            "Takes ports and addresses from a portal group",
            move |p: RemovePortals| {
                let ports = p.wwpns.iter().map(|name| port(name, "wwpns")).collect::<Result<Vec<_>, _>>()?;
                let (more, addresses) = read_portals(&p.portals)?;
                let ports: Vec<PortName> =
                    ports.into_iter().chain(more.into_iter().map(|portal| portal.port)).collect();
                let addresses: Vec<SocketAddr> = addresses.into_iter().map(|portal| portal.address).collect();
                remove.manager().remove_portals(p.tag, &ports, &addresses).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_start_portal_group",
            When::Runtime,
            "Lets a portal group listen that was made to wait",
            move |p: Tag| start.manager().start_portal_group(p.tag).map(|()| true).map_err(answer),
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
            found(p.tag, shown.map(|(tag, group)| show::portal_group(*tag, group, &get)).collect(), "portal")
        }),
    ]
}

impl CreatePortals {
    fn group(&self) -> Result<NewPortalGroup, RpcError> {
        let (portals, addresses) = read_portals(&self.portals)?;
        Ok(NewPortalGroup {
            tag: self.tag,
            portals,
            addresses,
            relative: self.relative_port,
            private: self.private,
            wait: self.wait,
            comment: self.comment.clone(),
        })
    }
}

impl ScsiTarget {
    fn need_transports(&self, portals: &[NewPortal], addresses: &[Address]) -> Result<(), RpcError> {
        // A group without ports is one of FC ports that come later, as it always was.
        if !portals.is_empty() || addresses.is_empty() {
            self.need_transport(Kind::Fc)?;
        }
        if addresses.is_empty() { Ok(()) } else { self.need_transport(Kind::Ip) }
    }
}

fn read_portals(portals: &[Portal]) -> Result<(Vec<NewPortal>, Vec<Address>), RpcError> {
    let (mut ports, mut addresses) = (Vec::new(), Vec::new());
    for portal in portals {
        match (&portal.wwpn, &portal.host) {
            (Some(wwpn), None) => {
                let port = port(wwpn, "wwpn")?;
                ports.push(NewPortal { label: portal.label.clone(), port, relative: portal.relative_port });
            }
            (None, Some(host)) => addresses.push(read_address(host, portal.port, &portal.label)?),
            _ => return Err(RpcError::invalid_params("portals: each has either wwpn or host")),
        }
    }
    Ok((ports, addresses))
}

/// An IP portal as methods have it: `*` and `[*]` are all addresses (IPv4), brackets around IPv6 may be left out.
///
/// # Errors
/// It is no address.
pub fn read_address(host: &str, port: Option<u16>, label: &str) -> Result<Address, RpcError> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let bare = if bare == "*" { "0.0.0.0" } else { bare };
    let refuse = |_| RpcError::invalid_params(format!("host: '{host}' is no IP address"));
    let address: IpAddr = bare.parse().map_err(refuse)?;
    let port = port.unwrap_or(ISCSI_PORT);
    if port == 0 {
        return Err(RpcError::invalid_params("port: from 1 on"));
    }
    Ok(Address { label: label.to_owned(), host: bare.to_owned(), address: SocketAddr::new(address, port) })
}

fn port(text: &str, what: &str) -> Result<PortName, RpcError> {
    match parse_rule(text) {
        Ok(Rule { allow: true, who: Who::Wwpn(wwpn) }) => Ok(PortName::Fc { wwnn: 0, wwpn }),
        _ => Err(RpcError::invalid_params(format!("{what}: '{text}' is not a WWPN of 16 hexadecimal digits"))),
    }
}
