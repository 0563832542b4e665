//! `[InitiatorGroup<n>]`: FC ports by name, or iSCSI names and networks.

use std::collections::HashMap;

use serde_json::json;

use super::Output;
use super::portal::{Use, numbered};
use crate::address::Wwn;
use crate::diag::{Log, show};
use crate::fc::{FcInitiatorGroup, InitiatorRule};
use crate::group::{Block, Blocks};
use crate::parse::Item;
use crate::plan::Call;

/// Reads all initiator groups; the groups of FC go to the output, the use of each is returned.
pub(crate) fn read(blocks: &Blocks, out: &mut Output) -> HashMap<u32, Use> {
    let mut uses = HashMap::new();
    let iscsi_file = blocks.has("iSCSI") && !blocks.has("QFC") && out.fc.portal_groups.is_empty();
    for block in blocks.all("InitiatorGroup") {
        if !numbered(block, uses.contains_key(&block.number), &mut out.log) {
            continue;
        }
        let (group_use, rules) = rules(block, iscsi_file, &mut out.log);
        if group_use == Use::Fc {
            let group = FcInitiatorGroup { number: block.number, rules, line: block.line };
            out.calls.push(create(&group, block.text("Comment")));
            out.fc.initiator_groups.push(group);
        }
        uses.insert(block.number, group_use);
    }
    uses
}

fn rules(block: &Block, iscsi_file: bool, log: &mut Log) -> (Use, Vec<InitiatorRule>) {
    let names = || block.items("InitiatorName").filter_map(|i| i.value(0));
    let iscsi = names().any(is_iscsi_name) || (iscsi_file && names().all(|n| Wwn::parse_port(n).is_none()));
    if iscsi {
        log.warn(block.line, format!("[{}]: iSCSI is not there yet; the group is ignored", block.name), "");
        return (Use::Iscsi, Vec::new());
    }
    if let Some(item) = block.item("Netmask") {
        let message = format!("[{}] Netmask has no meaning for FC; it is ignored", block.name);
        log.warn(item.line, message, "remove it");
    }
    let items: Vec<&Item> = block.items("InitiatorName").collect();
    if items.is_empty() {
        log.error(block.line, format!("[{}] has no InitiatorName", block.name), "add InitiatorName ALL");
        return (Use::Broken, Vec::new());
    }
    let mut rules: Vec<InitiatorRule> = Vec::new();
    let mut broken = false;
    for item in items {
        match rule(block, item, log) {
            None => broken = true,
            Some(rule) if rules.contains(&rule) => {
                let message = format!("[{}]: {} stands twice", block.name, show(item.value(0).unwrap_or_default()));
                log.warn(item.line, message, "remove one");
            }
            Some(rule) => rules.push(rule),
        }
    }
    if broken {
        return (Use::Broken, Vec::new());
    }
    warn_about_order(block, &rules, log);
    (Use::Fc, rules)
}

fn create(group: &FcInitiatorGroup, comment: Option<&str>) -> Call {
    let line = |rule: &InitiatorRule| match rule {
        InitiatorRule::AllowAll => "ALL".to_owned(),
        InitiatorRule::DenyAll => "!ALL".to_owned(),
        InitiatorRule::Allow(wwn) => wwn.to_string(),
        InitiatorRule::Deny(wwn) => format!("!{wwn}"),
    };
    let initiators: Vec<String> = group.rules.iter().map(line).collect();
    let mut params = json!({"tag": group.number, "initiators": initiators});
    if let Some(comment) = comment {
        params["comment"] = comment.into();
    }
    Call::new("scsi_create_initiator_group", params, group.line)
}

fn is_iscsi_name(text: &str) -> bool {
    let text = text.trim_start_matches('!').to_ascii_lowercase();
    text.starts_with("iqn.") || text.starts_with("eui.")
}

/// Not only a warning if it cannot be read: it is about who may see a volume.
fn rule(block: &Block, item: &Item, log: &mut Log) -> Option<InitiatorRule> {
    let text = item.value(0).unwrap_or_default();
    let (deny, name) = text.strip_prefix('!').map_or((false, text), |name| (true, name));
    let all = ["ALL", "ANY"].iter().any(|w| w.eq_ignore_ascii_case(name));
    match (deny, all, Wwn::parse_port(name)) {
        (false, true, _) => Some(InitiatorRule::AllowAll),
        (true, true, _) => Some(InitiatorRule::DenyAll),
        (false, _, Some(wwn)) => Some(InitiatorRule::Allow(wwn)),
        (true, _, Some(wwn)) => Some(InitiatorRule::Deny(wwn)),
        (_, _, None) => {
            let message = format!("[{}] InitiatorName: {} is not the WWPN of an initiator", block.name, show(text));
            log.error(item.line, message, "write ALL, 16 hexadecimal digits, or either after '!'");
            None
        }
    }
}

/// The first rule that fits decides, so an exclusion after ALL excludes nobody.
fn warn_about_order(block: &Block, rules: &[InitiatorRule], log: &mut Log) {
    let all = rules.iter().position(|r| *r == InitiatorRule::AllowAll);
    let deny = rules.iter().rposition(|r| matches!(r, InitiatorRule::Deny(_) | InitiatorRule::DenyAll));
    if let (Some(all), Some(deny)) = (all, deny)
        && all < deny
    {
        let message =
            format!("[{}]: an exclusion after ALL has no effect, as the first line that fits decides", block.name);
        log.warn(block.line, message, "put the lines with '!' first");
    }
}
