//! `[TargetNode<n>]`: target nodes of FCP and iSCSI with their LUNs.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Output;
use super::iscsi::{auth, is_name};
use super::portal::{Use, numbered};
use crate::diag::{Log, show};
use crate::fc::{FcMapping, FcTargetNode};
use crate::group::{Block, Blocks};
use crate::limits;
use crate::parse::Item;
use crate::plan::Call;
use crate::schema::numbered_name;

type Uses = HashMap<u32, Use>;

/// Commands outstanding for a target node if the file does not say.
const QUEUE_DEPTH: u32 = 64;

/// Reads all target nodes; those of FCP go to the output.
pub(crate) fn read(blocks: &Blocks, portals: &Uses, initiators: &Uses, out: &mut Output) {
    let base = super::iscsi::node_base(blocks);
    let mut numbers = HashSet::new();
    let mut nodes: Vec<FcTargetNode> = Vec::new();
    for block in blocks.all("TargetNode") {
        let kind = kind_of(block, portals);
        let login = Login::read(block, kind, &mut out.log);
        let node = node(block, kind, &base, portals, initiators, out);
        if numbered(block, numbers.contains(&block.number), &mut out.log) {
            numbers.insert(block.number);
            if let Some(node) = node.filter(|node| is_new(block, node, &nodes, portals, &mut out.log)) {
                removable(block, &node, out);
                out.calls.push(create(&node, login));
                if kind == Use::Fc {
                    out.fc.target_nodes.push(node.clone());
                }
                nodes.push(node);
            }
        }
    }
}

/// Whether the node has a name of its own. Says so too if initiators of its mappings see another node.
fn is_new(block: &Block, node: &FcTargetNode, nodes: &[FcTargetNode], portals: &Uses, log: &mut Log) -> bool {
    if let Some(other) = nodes.iter().find(|other| other.name.eq_ignore_ascii_case(&node.name)) {
        let message = format!("[{}]: line {} has TargetName {} already", block.name, other.line, show(&node.name));
        log.error(block.line, message, "give it another name");
        return false;
    }
    // An initiator of FC does not say which node it wants.
    let on_fc = |mapping: &&FcMapping| portals.get(&mapping.portal_group) != Some(&Use::Iscsi);
    for mapping in node.mappings.iter().filter(on_fc) {
        let same =
            |m: &FcMapping| (m.portal_group, m.initiator_group) == (mapping.portal_group, mapping.initiator_group);
        if let Some(other) = nodes.iter().find(|other| other.mappings.iter().any(same)) {
            let message = format!(
                "[{}]: PortalGroup{} and InitiatorGroup{} are mapped to {} already: these initiators see that and not {}",
                block.name,
                mapping.portal_group,
                mapping.initiator_group,
                show(&other.name),
                show(&node.name)
            );
            log.warn(
                mapping.line,
                message,
                "put all LUNs into one target node, or give each node initiators of its own",
            );
        }
    }
    true
}

fn create(node: &FcTargetNode, login: Login) -> Call {
    let luns: Vec<Value> = node.luns.iter().map(|(lun, bdev)| json!({"lun_id": lun, "bdev_name": bdev})).collect();
    let map = |mapping: &FcMapping| json!({"pg_tag": mapping.portal_group, "ig_tag": mapping.initiator_group});
    let maps: Vec<Value> = node.mappings.iter().map(map).collect();
    let mut params = json!({
        "name": node.name,
        "alias_name": node.alias.clone().unwrap_or_default(),
        "luns": luns,
        "pg_ig_maps": maps,
        "queue_depth": node.queue_depth,
    });
    if !login.auth.is_empty() {
        params["auth"] = Value::Object(login.auth);
    }
    for (name, is_so) in [("header_digest", login.header), ("data_digest", login.data)] {
        if is_so {
            params[name] = true.into();
        }
    }
    Call::new("scsi_create_target_node", params, node.line)
}

/// `Removable Yes`: of all volumes of the node.
fn removable(block: &Block, node: &FcTargetNode, out: &mut Output) {
    if block.flag("Removable", false, &mut out.log) == Some(true) {
        for bdev in node.luns.values() {
            let params = json!({"bdev_name": bdev, "removable": true});
            out.calls.push(Call::new("scsi_set_volume", params, node.line));
        }
    }
}

/// What an iSCSI login must bring.
#[derive(Default)]
struct Login {
    auth: Map<String, Value>,
    header: bool,
    data: bool,
}

impl Login {
    fn read(block: &Block, kind: Use, log: &mut Log) -> Self {
        if kind == Use::Fc {
            for item in ["AuthMethod", "AuthGroup", "UseDigest"].iter().filter_map(|key| block.item(key)) {
                let message = format!("[{}] {} has no meaning for FC; it is ignored", block.name, item.key);
                log.warn(item.line, message, "remove it");
            }
            return Self::default();
        }
        let mut login = Self { auth: auth(block, "AuthMethod", "AuthGroup", log), ..Self::default() };
        for item in block.items("UseDigest") {
            for word in (0..item.len()).filter_map(|n| item.value(n)) {
                match word.to_ascii_lowercase().as_str() {
                    "header" => login.header = true,
                    "data" => login.data = true,
                    "auto" => {}
                    _ => {
                        let message = format!("[{}] UseDigest: {} is not Header, Data or Auto", block.name, show(word));
                        log.error(item.line, message, "write one of these");
                    }
                }
            }
        }
        login
    }
}

/// Where a node is offered; of FC if that cannot be told.
fn kind_of(block: &Block, portals: &Uses) -> Use {
    let groups = block.items("Mapping").filter_map(|item| numbered_name(item.value(0)?, "PortalGroup"));
    let uses: Vec<Use> = groups.filter_map(|number| portals.get(&number)).copied().collect();
    let on = |one: Use| uses.iter().any(|u| *u == one || *u == Use::Both);
    match (on(Use::Fc), on(Use::Iscsi)) {
        (true, true) => Use::Both,
        (false, true) => Use::Iscsi,
        _ => Use::Fc,
    }
}

fn node(
    block: &Block,
    kind: Use,
    base: &str,
    portals: &Uses,
    initiators: &Uses,
    out: &mut Output,
) -> Option<FcTargetNode> {
    let name = block.text("TargetName").filter(|t| !t.is_empty());
    if name.is_none() {
        out.log.error(block.line, format!("[{}] has no TargetName", block.name), "add TargetName disk1");
    }
    let mappings = mappings(block, portals, initiators, &mut out.log);
    let luns = luns(block, kind, out);
    let depth = block.number("QueueDepth", 1..=65535, "64 is used", &mut out.log);
    let name = name?;
    let name = if kind == Use::Fc || is_name(name) { name.to_owned() } else { format!("{base}:{name}") };
    if kind != Use::Fc && !is_name(&name) {
        let message = format!("[{}] TargetName: {} cannot be an iSCSI name", block.name, show(&name));
        out.log.error(block.line, message, "at most 223 characters, no blanks and commas");
        return None;
    }
    if mappings.is_empty() || (kind == Use::Fc && !luns.contains_key(&0)) {
        return None;
    }
    Some(FcTargetNode {
        number: block.number,
        name,
        alias: block.text("TargetAlias").map(str::to_owned),
        mappings,
        luns,
        queue_depth: depth.and_then(|n| u32::try_from(n).ok()).unwrap_or(QUEUE_DEPTH),
        line: block.line,
    })
}

fn mappings(block: &Block, portals: &Uses, initiators: &Uses, log: &mut Log) -> Vec<FcMapping> {
    let mut mappings: Vec<FcMapping> = Vec::new();
    let mut seen = HashSet::new();
    for item in block.items("Mapping") {
        let portal_group = group(block, item, 0, "PortalGroup", portals, log);
        let initiator_group = group(block, item, 1, "InitiatorGroup", initiators, log);
        let (Some(portal_group), Some(initiator_group)) = (portal_group, initiator_group) else {
            continue;
        };
        if !fits(block, item, (portal_group, portals), (initiator_group, initiators), log) {
            continue;
        }
        if !seen.insert((portal_group, initiator_group)) {
            log.warn(item.line, format!("[{}]: this mapping stands twice", block.name), "remove one");
        } else {
            mappings.push(FcMapping { portal_group, initiator_group, line: item.line });
        }
    }
    if block.item("Mapping").is_none() {
        let remedy = "add Mapping PortalGroup1 InitiatorGroup1";
        log.error(block.line, format!("[{}] has no Mapping, so nobody sees it", block.name), remedy);
    }
    mappings
}

/// Whether somebody of the initiator group can come to the portal group.
fn fits(block: &Block, item: &Item, portal: (u32, &Uses), initiator: (u32, &Uses), log: &mut Log) -> bool {
    let (fc, ip) = match (portal.1.get(&portal.0), initiator.1.get(&initiator.0)) {
        (Some(Use::Fc), Some(Use::Iscsi)) => ("InitiatorGroup", "PortalGroup"),
        (Some(Use::Iscsi), Some(Use::Fc)) => ("PortalGroup", "InitiatorGroup"),
        _ => return true,
    };
    let number = |kind: &str| if kind == "PortalGroup" { portal.0 } else { initiator.0 };
    let message = format!(
        "[{}] Mapping: {fc}{} is for iSCSI and {ip}{} for FC, so nobody can come",
        block.name,
        number(fc),
        number(ip)
    );
    log.error(item.line, message, "map groups of one kind");
    false
}

/// Number of the group that a mapping names, if it is there.
fn group(block: &Block, item: &Item, index: usize, kind: &str, uses: &Uses, log: &mut Log) -> Option<u32> {
    let text = item.value(index).unwrap_or_default();
    let Some(number) = numbered_name(text, kind) else {
        let message = format!("[{}] Mapping: {} is not the name of a {kind}", block.name, show(text));
        log.error(item.line, message, "write Mapping PortalGroup<n> InitiatorGroup<n>");
        return None;
    };
    match uses.get(&number) {
        Some(Use::Broken) => None,
        Some(_) => Some(number),
        None => {
            let message = format!("[{}] Mapping: there is no [{kind}{number}]", block.name);
            log.error(item.line, message, "add the section, or correct the number");
            None
        }
    }
}

fn luns(block: &Block, kind: Use, out: &mut Output) -> BTreeMap<u32, String> {
    let mut luns: BTreeMap<u32, String> = BTreeMap::new();
    let mut zero = false;
    for item in &block.items {
        let (Some(number), Some(bdev)) = (numbered_name(&item.key, "LUN"), item.value(0)) else {
            continue;
        };
        let user = format!("[{}] {}", block.name, item.key);
        zero |= number == 0;
        if number >= limits::LUNS {
            out.log.error(item.line, format!("{user}: LUNs go from 0 to {}", limits::LUNS - 1), "lower the number");
        } else if out.volumes.check(&user, bdev, item.line, &mut out.log) {
            let twice = luns.iter().find(|(other, known)| **other != number && *known == bdev).map(|(other, _)| *other);
            if let Some(other) = twice {
                let message = format!("{user}: LUN{other} is {} already", show(bdev));
                out.log.error(item.line, message, "give each LUN a block device of its own");
            }
            luns.entry(number).or_insert_with(|| bdev.to_owned());
        }
    }
    if !zero && kind != Use::Fc {
        let message = format!("[{}] has no LUN0; some hosts look for LUN0 first", block.name);
        out.log.warn(block.line, message, "add LUN0 <block device>");
    } else if !zero {
        let message = format!("[{}] has no LUN0; hosts look for LUN0 first and find nothing without it", block.name);
        out.log.error(block.line, message, "add LUN0 <block device>");
    }
    luns
}
