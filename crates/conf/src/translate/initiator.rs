//! `[InitiatorGroup<n>]`: FC ports by name, iSCSI names, and networks.

use std::collections::HashMap;
use std::net::IpAddr;

use serde_json::json;

use super::Output;
use super::iscsi::is_name;
use super::portal::{Use, numbered};
use crate::address::Wwn;
use crate::diag::{Log, show};
use crate::fc::{FcInitiatorGroup, InitiatorRule};
use crate::group::{Block, Blocks};
use crate::parse::Item;
use crate::plan::Call;
use crate::read::decimal;

/// A line of a group.
#[derive(Clone, PartialEq, Eq)]
enum Line {
    Rule(InitiatorRule),
    /// An iSCSI name, with `!` before it if it keeps out.
    Name(String),
}

/// Reads all initiator groups; those that FC can use go to the output, the use of each is returned.
pub(crate) fn read(blocks: &Blocks, portals: &HashMap<u32, Use>, out: &mut Output) -> HashMap<u32, Use> {
    let mut uses = HashMap::new();
    let on_ip = portals.values().any(|portal| matches!(portal, Use::Iscsi | Use::Both));
    for block in blocks.all("InitiatorGroup") {
        if !numbered(block, uses.contains_key(&block.number), &mut out.log) {
            continue;
        }
        let networks = if on_ip { networks(block, &mut out.log) } else { ignored(block, &mut out.log) };
        let (Some(lines), Some(networks)) = (lines(block, &mut out.log), networks) else {
            uses.insert(block.number, Use::Broken);
            continue;
        };
        let group_use = use_of(&lines);
        out.calls.push(create(block, &lines, &networks));
        if group_use != Use::Iscsi && !(on_ip && group_use == Use::Both) {
            let rules = lines.iter().filter_map(|line| match line {
                Line::Rule(rule) => Some(*rule),
                Line::Name(_) => None,
            });
            let group = FcInitiatorGroup { number: block.number, rules: rules.collect(), line: block.line };
            out.fc.initiator_groups.push(group);
        }
        uses.insert(block.number, group_use);
    }
    uses
}

/// Lines that name nobody in particular are of both.
fn use_of(lines: &[Line]) -> Use {
    let fc = lines.iter().any(|line| matches!(line, Line::Rule(InitiatorRule::Allow(_) | InitiatorRule::Deny(_))));
    let all = lines.iter().any(|line| matches!(line, Line::Rule(InitiatorRule::AllowAll)));
    let iscsi = lines.iter().any(|line| matches!(line, Line::Name(_)));
    match (fc, iscsi, all) {
        (true, false, false) => Use::Fc,
        (false, true, false) => Use::Iscsi,
        _ => Use::Both,
    }
}

fn lines(block: &Block, log: &mut Log) -> Option<Vec<Line>> {
    let items: Vec<&Item> = block.items("InitiatorName").collect();
    if items.is_empty() {
        log.error(block.line, format!("[{}] has no InitiatorName", block.name), "add InitiatorName ALL");
        return None;
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut broken = false;
    for item in items {
        match line(block, item, log) {
            None => broken = true,
            Some(line) if lines.contains(&line) => {
                let message = format!("[{}]: {} stands twice", block.name, show(item.value(0).unwrap_or_default()));
                log.warn(item.line, message, "remove one");
            }
            Some(line) => lines.push(line),
        }
    }
    warn_about_order(block, &lines, log);
    (!broken).then_some(lines)
}

/// Not only a warning if it cannot be read: it is about who may see a volume.
fn line(block: &Block, item: &Item, log: &mut Log) -> Option<Line> {
    let text = item.value(0).unwrap_or_default();
    let (deny, name) = text.strip_prefix('!').map_or((false, text), |name| (true, name));
    let all = ["ALL", "ANY"].iter().any(|w| w.eq_ignore_ascii_case(name));
    match (deny, all, Wwn::parse_port(name)) {
        (false, true, _) => Some(Line::Rule(InitiatorRule::AllowAll)),
        (true, true, _) => Some(Line::Rule(InitiatorRule::DenyAll)),
        (false, _, Some(wwn)) => Some(Line::Rule(InitiatorRule::Allow(wwn))),
        (true, _, Some(wwn)) => Some(Line::Rule(InitiatorRule::Deny(wwn))),
        (_, _, None) if is_name(name) => Some(Line::Name(text.to_owned())),
        (_, _, None) => {
            let message = format!(
                "[{}] InitiatorName: {} is neither the WWPN of an initiator nor an iSCSI name",
                block.name,
                show(text)
            );
            log.error(item.line, message, "write ALL, 16 hexadecimal digits, iqn.<name>, or one of these after '!'");
            None
        }
    }
}

/// Networks of the group; none: everywhere. `None` if one cannot be read: it is about who may see a volume.
fn networks(block: &Block, log: &mut Log) -> Option<Vec<String>> {
    let mut networks: Vec<String> = Vec::new();
    let mut broken = false;
    for item in block.items("Netmask") {
        let text = item.value(0).unwrap_or_default();
        if !is_network(text) {
            broken = true;
            let message = format!("[{}] Netmask: {} is no network", block.name, show(text));
            log.error(
                item.line,
                message,
                "write ANY, an IP address, or one and its bits, as in 192.168.2.0/24 or [fd00::]/8",
            );
        } else if networks.iter().any(|known| known.eq_ignore_ascii_case(text)) {
            log.warn(item.line, format!("[{}]: Netmask {} stands twice", block.name, show(text)), "remove one");
        } else {
            networks.push(text.to_owned());
        }
    }
    (!broken).then_some(networks)
}

fn ignored(block: &Block, log: &mut Log) -> Option<Vec<String>> {
    if let Some(item) = block.item("Netmask") {
        let message = format!("[{}] Netmask has no meaning for FC; it is ignored", block.name);
        log.warn(item.line, message, "remove it");
    }
    Some(Vec::new())
}

fn is_network(text: &str) -> bool {
    if ["ANY", "ALL"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return true;
    }
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let Ok(address) = bare.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| !bits.is_empty() && decimal(bits).is_some_and(|bits| bits <= most))
}

fn create(block: &Block, lines: &[Line], networks: &[String]) -> Call {
    let text = |line: &Line| match line {
        Line::Rule(InitiatorRule::AllowAll) => "ALL".to_owned(),
        Line::Rule(InitiatorRule::DenyAll) => "!ALL".to_owned(),
        Line::Rule(InitiatorRule::Allow(wwn)) => wwn.to_string(),
        Line::Rule(InitiatorRule::Deny(wwn)) => format!("!{wwn}"),
        Line::Name(name) => name.clone(),
    };
    let initiators: Vec<String> = lines.iter().map(text).collect();
    let mut params = json!({"tag": block.number, "initiators": initiators});
    if !networks.is_empty() {
        params["netmasks"] = json!(networks);
    }
    if let Some(comment) = block.text("Comment") {
        params["comment"] = comment.into();
    }
    Call::new("scsi_create_initiator_group", params, block.line)
}

/// The first rule that fits decides, so an exclusion after ALL excludes nobody.
fn warn_about_order(block: &Block, lines: &[Line], log: &mut Log) {
    let all = lines.iter().position(|line| *line == Line::Rule(InitiatorRule::AllowAll));
    let deny = lines.iter().rposition(|line| match line {
        Line::Rule(rule) => matches!(rule, InitiatorRule::Deny(_) | InitiatorRule::DenyAll),
        Line::Name(name) => name.starts_with('!'),
    });
    if let (Some(all), Some(deny)) = (all, deny)
        && all < deny
    {
        let message =
            format!("[{}]: an exclusion after ALL has no effect, as the first line that fits decides", block.name);
        log.warn(block.line, message, "put the lines with '!' first");
    }
}
