//! `Hba` lines of `[QFC]`: the adapters that the target shall drive. Without one, those that are found; and where there is none,
//! models in its process with the names that the file has for its ports. So a file for real adapters is served without them, too.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Output;
use super::global::is_pci_function;
use crate::address::{Wwn, node_and_port};
use crate::diag::{Log, show};
use crate::group::Blocks;
use crate::parse::Item;
use crate::plan::Call;

/// What makes an adapter be looked for.
const AUTO: &str = "auto";

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    let Some(block) = blocks.get("QFC") else { return };
    for item in block.items("Hba") {
        if let Some(params) = adapter(item, &mut out.log) {
            out.calls.push(Call::new("hba_attach", params, item.line));
        }
    }
    if block.item("Hba").is_none() && !blocks.has("SoftPort") {
        let params = json!({ "address": AUTO, "names": names(out) });
        out.calls.push(Call::new("hba_attach", params, block.line));
    }
}

/// `Hba <address> [nn-...:pn-...]`.
fn adapter(item: &Item, log: &mut Log) -> Option<Value> {
    let text = item.value(0).unwrap_or_default();
    let socket = text.strip_prefix("vfio-user:").is_some_and(|path| path.starts_with('/'));
    if !(socket || is_pci_function(text) || ["virtual", AUTO].contains(&text)) {
        let message = format!("[QFC] Hba: {} is no adapter", show(text));
        log.error(item.line, message, "write 0000:3b:00.0, vfio-user:/run/hba.sock, virtual or auto");
        return None;
    }
    let mut params = json!({ "address": text });
    if let Some(names) = item.value(1) {
        let Some((node, port)) = node_and_port(names) else {
            let message = format!("[QFC] Hba: {} are not the names of a port", show(names));
            log.error(item.line, message, "write nn-0x<16 hexadecimal digits>:pn-0x<16 hexadecimal digits>");
            return None;
        };
        (params["wwnn"], params["wwpn"]) = (json!(node.to_string()), json!(port.to_string()));
    }
    Some(params)
}

/// The names of ports that the file has, each once: of `Listen FC` with its node name, of `Portal` without.
fn names(out: &Output) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let listeners = out.fc.listeners.iter().map(|listener| (Some(listener.node), listener.port));
    let portals = out.fc.portal_groups.iter().flat_map(|group| &group.portals).map(|portal| (None, portal.port));
    let fresh = listeners.chain(portals).filter(|(_, port)| seen.insert(*port));
    let text = |(node, port): (Option<Wwn>, Wwn)| match node {
        Some(node) => format!("nn-{node}:pn-{port}"),
        None => port.to_string(),
    };
    fresh.map(text).collect()
}
