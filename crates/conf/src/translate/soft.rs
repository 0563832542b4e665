//! `[Fabric<n>]` and `[SoftPort<n>]`: the soft switch and software FC ports, which the original did not have.

use serde_json::{Value, json};

use super::Output;
use crate::address::{Wwn, node_and_port};
use crate::diag::{Log, show};
use crate::group::{Block, Blocks};
use crate::parse::Item;
use crate::plan::Call;

/// Reads both kinds: fabrics first, since ports are put on them.
pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    blocks.all("Fabric").for_each(|block| fabric(block, out));
    blocks.all("SoftPort").for_each(|block| port(block, out));
}

/// `[Fabric]` is `fabric`, `[Fabric1]` is `fabric1`, unless it has a name.
fn name(block: &Block) -> String {
    let number = if block.number == 0 { String::new() } else { block.number.to_string() };
    block.text("Name").map_or_else(|| format!("fabric{number}"), str::to_owned)
}

fn fabric(block: &Block, out: &mut Output) {
    let name = name(block);
    let mut params = json!({ "name": name });
    if let Some(item) = block.item("WWN") {
        put(&mut params, "wwn", wwn(block, item, 0, &mut out.log));
    }
    let default = "one is chosen";
    put(&mut params, "domain", block.number("Domain", 1..=239, default, &mut out.log).map(Value::from));
    out.calls.push(Call::new("fabric_create", params, block.line));
    for item in block.items("Listen") {
        let link = item.value(0).unwrap_or_default();
        if is_link(block, item, link, &["unix", "fcoe"], &mut out.log) {
            let (kind, to) = link.split_once(':').unwrap_or((link, ""));
            let key = if kind == "unix" { "path" } else { "interface" };
            out.calls.push(Call::new("fabric_listen", json!({ "fabric": name, key: to }), item.line));
        }
    }
    zones(block, &name, out);
    for item in block.items("VirtualHba") {
        if let Some(params) = virtual_hba(block, item, &name, &mut out.log) {
            out.calls.push(Call::new("fabric_hba_create", params, item.line));
        }
    }
}

/// `VirtualHba <socket> [nn-...:pn-...] [fcp|nvme]`.
fn virtual_hba(block: &Block, item: &Item, fabric: &str, log: &mut Log) -> Option<Value> {
    let mut params = json!({ "fabric": fabric, "socket": item.value(0).unwrap_or_default() });
    for text in (1..item.len()).filter_map(|index| item.value(index)) {
        let priority = text.to_ascii_lowercase();
        if ["fcp", "nvme"].contains(&priority.as_str()) {
            params["fc4_priority"] = json!(priority);
        } else if let Some((node, port)) = node_and_port(text) {
            (params["wwnn"], params["wwpn"]) = (json!(node.to_string()), json!(port.to_string()));
        } else {
            let message = format!("[{}] VirtualHba: {} is neither names nor a protocol", block.name, show(text));
            log.error(item.line, message, "write VirtualHba /run/vm1.sock nn-0x...:pn-0x... nvme");
            return None;
        }
    }
    Some(params)
}

fn zones(block: &Block, name: &str, out: &mut Output) {
    for (key, method) in [("Alias", "fabric_alias_create"), ("Zone", "fabric_zone_create")] {
        for item in block.items(key) {
            let members: Vec<&str> = (1..item.len()).filter_map(|index| item.value(index)).collect();
            let params = json!({ "fabric": name, "name": item.value(0).unwrap_or_default(), "members": members });
            out.calls.push(Call::new(method, params, item.line));
        }
    }
    if let Some(item) = block.item("Zone") {
        out.calls.push(Call::new("fabric_zone_activate", json!({ "fabric": name }), item.line));
    }
}

fn port(block: &Block, out: &mut Output) {
    let Some(item) = block.item("Names") else {
        let message = format!("[{}] has no Names", block.name);
        return out.log.error(block.line, message, "add Names nn-0x20000024ff000001:pn-0x21000024ff000001");
    };
    let Some((node, port)) = names(block, item, &mut out.log) else { return };
    let link = block.text("Link").unwrap_or("fabric");
    let link_item = block.item("Link").unwrap_or(item);
    if !is_link(block, link_item, link, &["fabric", "unix", "fcoe", "vn2vn"], &mut out.log) {
        return;
    }
    let mut params = json!({ "wwnn": node.to_string(), "wwpn": port.to_string(), "link": link });
    put(&mut params, "transport", transport(block, &mut out.log).map(Value::from));
    put(&mut params, "core", block.number("Core", 0..=1023, "one is chosen", &mut out.log).map(Value::from));
    out.calls.push(Call::new("fc_port_create", params, block.line));
    for item in block.items("VPort") {
        if let Some((vnode, vport)) = names(block, item, &mut out.log) {
            let params = json!({ "parent": port.to_string(), "wwnn": vnode.to_string(), "wwpn": vport.to_string() });
            out.calls.push(Call::new("fc_vport_create", params, item.line));
        }
    }
}

fn put(params: &mut Value, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        params[key] = value;
    }
}

fn names(block: &Block, item: &Item, log: &mut Log) -> Option<(Wwn, Wwn)> {
    let text = item.value(0).unwrap_or_default();
    let names = node_and_port(text);
    if names.is_none() {
        let message = format!("[{}] {}: {} are not the names of a port", block.name, item.key, show(text));
        log.error(item.line, message, "write nn-0x<16 hexadecimal digits>:pn-0x<16 hexadecimal digits>");
    }
    names
}

fn wwn(block: &Block, item: &Item, index: usize, log: &mut Log) -> Option<Value> {
    let text = item.value(index).unwrap_or_default();
    let wwn = Wwn::parse(text);
    if wwn.is_none() {
        let message = format!("[{}] {}: {} is no World Wide Name", block.name, item.key, show(text));
        log.error(item.line, message, "write 16 hexadecimal digits");
    }
    wwn.map(|wwn| wwn.to_string().into())
}

fn is_link(block: &Block, item: &Item, link: &str, kinds: &[&str], log: &mut Log) -> bool {
    let (kind, to) = link.split_once(':').unwrap_or((link, ""));
    let known = kinds.contains(&kind) && (kind == "fabric" || !to.is_empty());
    if !known {
        let message = format!("[{}] {}: {} is no link", block.name, item.key, show(link));
        let forms = kinds.iter().map(|kind| match *kind {
            "fabric" => "fabric",
            "unix" => "unix:/run/fabric.sock",
            "fcoe" => "fcoe:eth0",
            _ => "vn2vn:eth0",
        });
        log.error(item.line, message, format!("write {}", forms.collect::<Vec<_>>().join(", ")));
    }
    known
}

fn transport(block: &Block, log: &mut Log) -> Option<String> {
    let item = block.item("Transport")?;
    let text = item.value(0).unwrap_or_default().to_ascii_uppercase();
    if ["FCP", "NVME", "BOTH"].contains(&text.as_str()) {
        return Some(text);
    }
    let message = format!("[{}] Transport: {} is not known", block.name, show(&text));
    log.error(item.line, message, "write FCP, NVME or BOTH");
    None
}
