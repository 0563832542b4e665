//! `[Nvme]`: drives polled from user space. They are not there yet; their calls are listed apart.

use serde_json::{Map, Value};

use super::Output;
use crate::diag::show;
use crate::group::Block;
use crate::parse::Item;
use crate::plan::Call;

const REMEDY: &str = "a drive that the kernel serves can be used with [URING]: URING /dev/nvme0n1 Nvme0n1";

pub(crate) fn read(block: &Block, out: &mut Output) {
    let mut any = false;
    for item in block.items("TransportID") {
        any = true;
        let (Some(trid), Some(base)) = (item.value(0), item.value(1)) else {
            continue;
        };
        let message = format!("[Nvme] {}: local NVMe drives are not there yet; the line is ignored", show(base));
        out.log.warn(item.line, message, REMEDY);
        out.volumes.add_absent_numbered(&format!("{base}n"), item.line);
        if let Some(params) = params(block, item, trid, base, out) {
            out.not_yet.push(Call::new("bdev_nvme_attach_controller", Value::Object(params), item.line));
        }
    }
    if !any {
        out.log.warn(block.line, "[Nvme]: local NVMe drives are not there yet; the section is ignored", REMEDY);
    }
}

fn params(block: &Block, item: &Item, trid: &str, base: &str, out: &mut Output) -> Option<Map<String, Value>> {
    let mut params = Map::new();
    params.insert("name".into(), base.into());
    for pair in trid.split_ascii_whitespace() {
        let (key, value) = pair.split_once([':', '=']).unwrap_or((pair, ""));
        let key = key.to_ascii_lowercase();
        let known = ["trtype", "adrfam", "traddr", "trsvcid", "subnqn", "hostaddr", "hostsvcid", "priority"];
        if known.contains(&key.as_str()) && !value.is_empty() {
            params.insert(key, value.into());
        } else {
            out.log.warn(item.line, format!("[Nvme] TransportID: {} is not understood", show(pair)), "write key:value");
        }
    }
    if !params.contains_key("trtype") || !params.contains_key("traddr") {
        let remedy = "write \"trtype:PCIe traddr:0000:04:00.0\" with the double quotes";
        out.log.warn(item.line, "[Nvme] TransportID needs trtype and traddr", remedy);
        return None;
    }
    if let Some(host) = block.text("HostNQN") {
        params.insert("hostnqn".into(), host.into());
    }
    let checks: Vec<&str> = (2..item.len()).filter_map(|i| item.value(i)).collect();
    for (word, name) in [("reftag", "prchk_reftag"), ("guard", "prchk_guard")] {
        if checks.iter().any(|c| c.contains(word)) {
            params.insert(name.into(), true.into());
        }
    }
    Some(params)
}
