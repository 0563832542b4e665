//! `[iSCSI]`: options of the portals, and what CHAP asks for.

use serde_json::{Map, Value, json};

use super::Output;
use crate::diag::{Log, show};
use crate::group::{Block, Blocks};
use crate::parse::Item;
use crate::plan::Call;
use crate::schema::numbered_name;

/// What names of target nodes begin with that have no kind of their own: the original's.
const NODE_BASE: &str = "iqn.2016-06.io.spdk";

/// Keys of older files.
const OLD: &[&str] = &[
    "MinConnectionsPerCore",
    "MinConnectionIdleInterval",
    "FlushTimeout",
    "InitialR2T",
    "DataPDUInOrder",
    "DataSequenceInOrder",
];

/// Keys with a number: name, parameter, range, what is used instead.
const NUMBERS: &[(&str, &str, u64, u64, &str)] = &[
    ("Timeout", "nop_timeout", 1, 3600, "60 is used"),
    ("NopInInterval", "nop_in_interval", 0, 60, "30 is used"),
    ("MaxSessions", "max_sessions", 1, 65_535, "1024 is used"),
    ("MaxConnectionsPerSession", "max_connections_per_session", 1, 65_535, "2 is used"),
    ("MaxQueueDepth", "max_queue_depth", 1, 256, "64 is used"),
    ("DefaultTime2Wait", "default_time2wait", 0, 3600, "2 is used"),
    ("DefaultTime2Retain", "default_time2retain", 0, 3600, "20 is used"),
    ("FirstBurstLength", "first_burst_length", 512, 16_777_215, "65536 is used"),
    ("ErrorRecoveryLevel", "error_recovery_level", 0, 2, "0 is used"),
];

/// Reads the section into `iscsi_set_options`, which must come before anything that listens.
pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    for block in blocks.all("AuthGroup") {
        let message = format!("[{}] belongs in the file that [iSCSI] AuthFile names; it is ignored", block.name);
        out.log.warn(block.line, message, "move it there, and let only its owner read that file (chmod 600)");
    }
    let Some(block) = blocks.get("iSCSI") else { return };
    let mut params = Map::new();
    for (key, name) in [("AuthFile", "auth_file"), ("NodeBase", "node_base")] {
        if let Some(text) = block.text(key).filter(|text| !text.is_empty()) {
            params.insert(name.into(), text.into());
        }
    }
    for (key, name, least, most, instead) in NUMBERS {
        if let Some(number) = block.number(key, *least..=*most, instead, &mut out.log) {
            params.insert((*name).into(), number.into());
        }
    }
    for (key, name, default) in
        [("ImmediateData", "immediate_data", true), ("AllowDuplicateIsid", "allow_duplicated_isid", false)]
    {
        if let Some(flag) = block.flag(key, default, &mut out.log) {
            params.insert(name.into(), flag.into());
        }
    }
    params.extend(auth(block, "DiscoveryAuthMethod", "DiscoveryAuthGroup", &mut out.log));
    remarks(block, &mut out.log);
    if !params.is_empty() {
        out.calls.push(Call::new("iscsi_set_options", Value::Object(params), block.line));
    }
}

fn remarks(block: &Block, log: &mut Log) {
    for item in block.items.iter().filter(|item| OLD.iter().any(|old| old.eq_ignore_ascii_case(&item.key))) {
        let message = format!("[{}] {} is of older versions; it is ignored", block.name, item.key);
        log.warn(item.line, message, "remove it");
    }
    let level = block.item("ErrorRecoveryLevel").filter(|item| matches!(item.value(0), Some("1" | "2")));
    if let Some(item) = level {
        log.warn(item.line, "[iSCSI] ErrorRecoveryLevel: only 0 is offered".to_owned(), "write 0, or remove it");
    }
    if let Some(item) = block.item("AllowDuplicateIsid").filter(|item| item.value(0).is_some_and(|text| text != "No")) {
        let message = "[iSCSI] AllowDuplicateIsid: a session with the same identifier takes the old one's place";
        log.warn(item.line, message.to_owned(), "remove it");
    }
}

/// The prefix of names that are of no kind.
pub(crate) fn node_base(blocks: &Blocks) -> String {
    let base = blocks.get("iSCSI").and_then(|block| block.text("NodeBase")).filter(|text| !text.is_empty());
    base.unwrap_or(NODE_BASE).to_owned()
}

/// Whether a name is of a kind that the standard has (RFC 7143 4.2.7).
pub(crate) fn is_name(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let typed = ["iqn.", "eui.", "naa."].iter().any(|kind| lower.len() > kind.len() && lower.starts_with(kind));
    typed && text.len() <= 223 && !text.chars().any(|c| c == ',' || c.is_whitespace() || c.is_control())
}

/// `disable_chap`, `require_chap`, `mutual_chap` and `chap_group` of a section; empty if it says nothing.
pub(crate) fn auth(block: &Block, method: &str, group: &str, log: &mut Log) -> Map<String, Value> {
    let mut params = Map::new();
    let words = block.items(method).flat_map(|item| (0..item.len()).map(move |n| (item, item.value(n))));
    let words: Vec<(&Item, &str)> = words.filter_map(|(item, word)| Some((item, word?))).collect();
    let has = |name: &str| words.iter().any(|(_, word)| word.eq_ignore_ascii_case(name));
    for (item, word) in &words {
        if !["None", "Auto", "CHAP", "Mutual"].iter().any(|known| known.eq_ignore_ascii_case(word)) {
            let message = format!("[{}] {method}: {} is not None, Auto, CHAP or Mutual", block.name, show(word));
            log.error(item.line, message, "write one of these");
        }
    }
    let (none, chap, mutual) = (has("None"), has("CHAP") || has("Mutual"), has("Mutual"));
    if let Some((item, _)) = words.first().filter(|_| none && chap) {
        log.error(item.line, format!("[{}] {method}: None and CHAP exclude each other", block.name), "keep one");
    } else if !words.is_empty() {
        params.insert("disable_chap".into(), json!(none));
        params.insert("require_chap".into(), json!(chap));
        params.insert("mutual_chap".into(), json!(mutual));
    }
    if let Some(number) = auth_group(block, group, log) {
        params.insert("chap_group".into(), json!(number));
    } else if let Some((item, _)) = words.first().filter(|_| chap && block.item(group).is_none()) {
        let message = format!("[{}] {method}: without {group} nobody can log in with CHAP", block.name);
        log.warn(item.line, message, format!("add {group} AuthGroup1, and [iSCSI] AuthFile with that group"));
    }
    params
}

fn auth_group(block: &Block, key: &str, log: &mut Log) -> Option<u32> {
    let item = block.item(key)?;
    let text = item.value(0)?;
    if text.eq_ignore_ascii_case("None") {
        return Some(0);
    }
    let number = numbered_name(text, "AuthGroup").filter(|number| (1..=65_535).contains(number));
    if number.is_none() {
        let message = format!("[{}] {key}: {} is not the name of an AuthGroup", block.name, show(text));
        log.error(item.line, message, "write AuthGroup<n>, or None");
    }
    number
}
