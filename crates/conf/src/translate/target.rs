//! `[TargetNode<n>]`: FCP target nodes with their LUNs, or iSCSI targets.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::Output;
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
    let iscsi_file = blocks.has("iSCSI") && !blocks.has("QFC") && out.fc.portal_groups.is_empty();
    let mut numbers = HashSet::new();
    for block in blocks.all("TargetNode") {
        if is_iscsi(block, portals, iscsi_file) {
            out.log.warn(block.line, format!("[{}]: iSCSI is not there yet; the target is ignored", block.name), "");
            continue;
        }
        let node = node(block, portals, initiators, out);
        if numbered(block, numbers.contains(&block.number), &mut out.log) {
            numbers.insert(block.number);
            if let Some(node) = node.filter(|node| is_new(block, node, out)) {
                out.calls.push(create(&node));
                out.fc.target_nodes.push(node);
            }
        }
    }
}

/// Whether the node has a name of its own. Says so too if initiators of its mappings see another node.
fn is_new(block: &Block, node: &FcTargetNode, out: &mut Output) -> bool {
    if let Some(other) = out.fc.target_nodes.iter().find(|other| other.name == node.name) {
        let message = format!("[{}]: line {} has TargetName {} already", block.name, other.line, show(&node.name));
        out.log.error(block.line, message, "give it another name");
        return false;
    }
    for mapping in &node.mappings {
        let same =
            |m: &FcMapping| (m.portal_group, m.initiator_group) == (mapping.portal_group, mapping.initiator_group);
        if let Some(other) = out.fc.target_nodes.iter().find(|other| other.mappings.iter().any(same)) {
            let message = format!(
                "[{}]: PortalGroup{} and InitiatorGroup{} are mapped to {} already: these initiators see that and not {}",
                block.name,
                mapping.portal_group,
                mapping.initiator_group,
                show(&other.name),
                show(&node.name)
            );
            out.log.warn(
                mapping.line,
                message,
                "put all LUNs into one target node, or give each node initiators of its own",
            );
        }
    }
    true
}

fn create(node: &FcTargetNode) -> Call {
    let luns: Vec<Value> = node.luns.iter().map(|(lun, bdev)| json!({"lun_id": lun, "bdev_name": bdev})).collect();
    let map = |mapping: &FcMapping| json!({"pg_tag": mapping.portal_group, "ig_tag": mapping.initiator_group});
    let maps: Vec<Value> = node.mappings.iter().map(map).collect();
    let params = json!({
        "name": node.name,
        "alias_name": node.alias.clone().unwrap_or_default(),
        "luns": luns,
        "pg_ig_maps": maps,
        "queue_depth": node.queue_depth,
    });
    Call::new("scsi_create_target_node", params, node.line)
}

fn is_iscsi(block: &Block, portals: &Uses, iscsi_file: bool) -> bool {
    let mut uses = block
        .items("Mapping")
        .filter_map(|item| numbered_name(item.value(0)?, "PortalGroup"))
        .filter_map(|number| portals.get(&number))
        .peekable();
    match uses.peek() {
        None => iscsi_file,
        Some(_) => uses.all(|u| *u == Use::Iscsi),
    }
}

fn node(block: &Block, portals: &Uses, initiators: &Uses, out: &mut Output) -> Option<FcTargetNode> {
    let name = block.text("TargetName").filter(|t| !t.is_empty());
    if name.is_none() {
        out.log.error(block.line, format!("[{}] has no TargetName", block.name), "add TargetName disk1");
    }
    for key in ["AuthMethod", "AuthGroup", "UseDigest"] {
        if let Some(item) = block.item(key) {
            let message = format!("[{}] {key} has no meaning for FC; it is ignored", block.name);
            out.log.warn(item.line, message, "remove it");
        }
    }
    let mappings = mappings(block, portals, initiators, &mut out.log);
    let luns = luns(block, out);
    let depth = block.number("QueueDepth", 1..=65535, "64 is used", &mut out.log);
    let name = name?.to_owned();
    if mappings.is_empty() || !luns.contains_key(&0) {
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

/// Number of the group that a mapping names, if it is there and of FC.
fn group(block: &Block, item: &Item, index: usize, kind: &str, uses: &Uses, log: &mut Log) -> Option<u32> {
    let text = item.value(index).unwrap_or_default();
    let Some(number) = numbered_name(text, kind) else {
        let message = format!("[{}] Mapping: {} is not the name of a {kind}", block.name, show(text));
        log.error(item.line, message, "write Mapping PortalGroup<n> InitiatorGroup<n>");
        return None;
    };
    match uses.get(&number) {
        Some(Use::Fc) => Some(number),
        Some(Use::Broken) => None,
        Some(Use::Iscsi) => {
            log.error(
                item.line,
                format!("[{}] Mapping: {kind}{number} is for iSCSI", block.name),
                "name a group of FC",
            );
            None
        }
        None => {
            let message = format!("[{}] Mapping: there is no [{kind}{number}]", block.name);
            log.error(item.line, message, "add the section, or correct the number");
            None
        }
    }
}

fn luns(block: &Block, out: &mut Output) -> BTreeMap<u32, String> {
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
    if !zero {
        let message = format!("[{}] has no LUN0; hosts look for LUN0 first and find nothing without it", block.name);
        out.log.error(block.line, message, "add LUN0 <block device>");
    }
    luns
}
