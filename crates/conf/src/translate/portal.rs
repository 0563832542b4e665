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
        if let Some(group) = group_use.1 {
            out.calls.push(create(&group, block.text("Comment")));
            out.fc.portal_groups.push(group);
        }
        uses.insert(block.number, group_use.0);
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

fn one(block: &Block, out: &mut Output) -> (Use, Option<FcPortalGroup>) {
    let log = &mut out.log;
    let mut portals = Vec::new();
    let (mut iscsi, mut broken) = (false, block.item("Portal").is_none());
    if broken {
        log.error(block.line, format!("[{}] has no Portal", block.name), "add Portal FC1 <WWPN>");
    }
    for item in block.items("Portal") {
        let label = item.value(0).unwrap_or_default();
        let address = item.value(1).unwrap_or_default();
        if let Some(port) = Wwn::parse_port(address) {
            portals.push(FcPortal { label: label.to_owned(), port, line: item.line });
        } else if is_iscsi(address) {
            iscsi = true;
        } else {
            broken = true;
            let message = format!(
                "[{}] Portal: {} is neither the WWPN of an FC port nor an IP address",
                block.name,
                show(address)
            );
            log.error(item.line, message, "write Portal <label> <16 hexadecimal digits>");
        }
    }
    told(block, &mut portals, iscsi, log);
    let group = FcPortalGroup { number: block.number, portals, line: block.line };
    match (group.portals.is_empty(), iscsi, broken) {
        (false, _, _) => (Use::Fc, Some(group)),
        (true, true, _) => (Use::Iscsi, None),
        _ => (Use::Broken, None),
    }
}

fn told(block: &Block, portals: &mut Vec<FcPortal>, iscsi: bool, log: &mut Log) {
    if iscsi {
        let message = format!("[{}]: iSCSI is not there yet; its IP portals are ignored", block.name);
        log.warn(block.line, message, "");
    }
    let mut seen = HashSet::new();
    portals.retain(|portal| {
        let first = seen.insert(portal.port);
        if !first {
            log.warn(portal.line, format!("[{}]: port {} stands twice", block.name, portal.port), "remove one");
        }
        first
    });
}

fn create(group: &FcPortalGroup, comment: Option<&str>) -> Call {
    let portal = |portal: &FcPortal| json!({"label": portal.label, "wwpn": portal.port.to_string()});
    let portals: Vec<Value> = group.portals.iter().map(portal).collect();
    let mut params = json!({"tag": group.number, "portals": portals});
    if let Some(comment) = comment {
        params["comment"] = comment.into();
    }
    Call::new("scsi_create_portal_group", params, group.line)
}

/// `<host>[:<port>][@<cpumask>]`, where the host may be `*` or `[*]`.
fn is_iscsi(address: &str) -> bool {
    let host = address.split_once('@').map_or(address, |(host, _)| host);
    let any = host.strip_prefix("[*]").or_else(|| host.strip_prefix('*'));
    any.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) || ip_port(host).is_ok()
}
