//! `[PortalGroup<n>]`: FC ports by name, or IP addresses for iSCSI.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::Output;
use crate::address::{Wwn, ip_port};
use crate::diag::{Log, show};
use crate::fc::{FcPortal, FcPortalGroup};
use crate::group::{Block, Blocks};
use crate::plan::Call;

/// Which protocol a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Fc,
    Iscsi,
    Both,
    /// It has errors, which are told; nothing more is to be said about it.
    Broken,
}

/// Reads all portal groups; the groups of FC go to the output, the use of each is returned.
pub(crate) fn read(blocks: &Blocks, out: &mut Output) -> HashMap<u32, Use> {
    let mut uses = HashMap::new();
    for block in blocks.all("PortalGroup") {
        let group_use = one(block, out);
        if !numbered(block, uses.contains_key(&block.number), &mut out.log) {
            continue;
        }
        let (group_use, group, addresses) = group_use;
        if group_use != Use::Broken {
            out.calls.push(create(&group, &addresses, block.text("Comment")));
        }
        if !group.portals.is_empty() {
            out.fc.portal_groups.push(group);
        }
        uses.insert(block.number, group_use);
    }
    uses
}

/// Groups are named by their number, from 1, each once. Says so if not.
pub(crate) fn numbered(block: &Block, taken: bool, log: &mut Log) -> bool {
    let kind = block.spec.name;
    if block.number == 0 {
        log.error(block.line, format!("[{}] needs a number from 1", block.name), format!("write [{kind}1]"));
        return false;
    }
    if taken {
        let message = format!("[{}]: there is a {kind} with number {} already", block.name, block.number);
        log.error(block.line, message, "give it another number");
        return false;
    }
    true
}

fn one(block: &Block, out: &mut Output) -> (Use, FcPortalGroup, Vec<IpPortal>) {
    let log = &mut out.log;
    let mut portals = Vec::new();
    let mut addresses = Vec::new();
    let mut broken = block.item("Portal").is_none();
    if broken {
        log.error(block.line, format!("[{}] has no Portal", block.name), "add Portal FC1 <WWPN>");
    }
    for item in block.items("Portal") {
        let label = item.value(0).unwrap_or_default();
        let address = item.value(1).unwrap_or_default();
        if let Some(port) = Wwn::parse_port(address) {
            portals.push(FcPortal { label: label.to_owned(), port, line: item.line });
        } else if let Some(portal) = ip_portal(block, item.line, label, address, log) {
            addresses.push(portal);
        } else {
            broken = true;
            let message = format!(
                "[{}] Portal: {} is neither the WWPN of an FC port nor an IP address",
                block.name,
                show(address)
            );
            log.error(
                item.line,
                message,
                "write Portal <label> <16 hexadecimal digits>, or Portal <label> <address>[:<port>]",
            );
        }
    }
    told(block, &mut portals, log);
    told_addresses(block, &mut addresses, log);
    let group = FcPortalGroup { number: block.number, portals, line: block.line };
    let group_use = match (group.portals.is_empty(), addresses.is_empty(), broken) {
        (false, true, _) => Use::Fc,
        (true, false, _) => Use::Iscsi,
        (false, false, _) => Use::Both,
        _ => Use::Broken,
    };
    (group_use, group, addresses)
}

fn told(block: &Block, portals: &mut Vec<FcPortal>, log: &mut Log) {
    let mut seen = HashSet::new();
    portals.retain(|portal| {
        let first = seen.insert(portal.port);
        if !first {
            log.warn(portal.line, format!("[{}]: port {} stands twice", block.name, portal.port), "remove one");
        }
        first
    });
}

fn create(group: &FcPortalGroup, addresses: &[IpPortal], comment: Option<&str>) -> Call {
    let portal = |portal: &FcPortal| json!({"label": portal.label, "wwpn": portal.port.to_string()});
    let address = |at: &IpPortal| json!({"label": at.label, "host": at.host, "port": at.port});
    let portals: Vec<Value> = group.portals.iter().map(portal).chain(addresses.iter().map(address)).collect();
    let mut params = json!({"tag": group.number, "portals": portals});
    if let Some(comment) = comment {
        params["comment"] = comment.into();
    }
    Call::new("scsi_create_portal_group", params, group.line)
}

/// Where iSCSI listens.
#[derive(Debug, PartialEq, Eq)]
struct IpPortal {
    label: String,
    host: String,
    port: u16,
    line: usize,
}

/// The port of iSCSI.
const ISCSI_PORT: u16 = 3260;

/// `<host>[:<port>][@<cpumask>]`, where the host may be `*` or `[*]`.
fn ip_portal(block: &Block, line: usize, label: &str, address: &str, log: &mut Log) -> Option<IpPortal> {
    let (host, mask) = address.split_once('@').map_or((address, None), |(host, mask)| (host, Some(mask)));
    let any = host.strip_prefix("[*]").or_else(|| host.strip_prefix('*'));
    let any = any.filter(|rest| rest.is_empty() || rest.starts_with(':'));
    let read = any.map_or_else(|| ip_port(host), |rest| ip_port(&format!("0.0.0.0{rest}"))).ok()?;
    if mask.is_some() {
        let message = format!("[{}] Portal: sessions are spread over all cores; the mask is ignored", block.name);
        log.warn(line, message, "remove '@' and what follows");
    }
    if any.is_some() {
        log.warn(line, format!("[{}] Portal: '*' is deprecated", block.name), "write 0.0.0.0, or [::]");
    }
    let port = read.port.unwrap_or(ISCSI_PORT);
    Some(IpPortal { label: label.to_owned(), host: read.address, port, line })
}

fn told_addresses(block: &Block, addresses: &mut Vec<IpPortal>, log: &mut Log) {
    let mut seen = HashSet::new();
    addresses.retain(|at| {
        let first = seen.insert((at.host.clone(), at.port));
        if !first {
            log.warn(at.line, format!("[{}]: {} port {} stands twice", block.name, at.host, at.port), "remove one");
        }
        first
    });
}
