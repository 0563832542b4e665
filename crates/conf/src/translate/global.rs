//! `[Global]` and `[Rpc]`: what must be known before anything starts.

use super::Output;
use crate::cores;
use crate::diag::{Log, show};
use crate::group::{Block, Blocks};
use crate::plan::{Idle, StartOptions};

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    if let Some(block) = blocks.get("Global") {
        masks(block, &mut out.options, &mut out.log);
        pci(block, &mut out.options, &mut out.log);
        idle(block, &mut out.options, &mut out.log);
        for key in ["LogFacility", "InstanceID"] {
            if let Some(item) = block.item(key) {
                out.log.warn(item.line, format!("[Global] {key} has no meaning here; it is ignored"), "remove it");
            }
        }
    }
    if let Some(block) = blocks.get("Rpc") {
        rpc(block, &mut out.options, &mut out.log);
    }
}

fn masks(block: &Block, options: &mut StartOptions, log: &mut Log) {
    if let Some(item) = block.item("ReactorMask") {
        let mask: String = (0..item.len()).filter_map(|i| item.value(i)).collect();
        match cores::count(&mask) {
            Some(_) => options.reactor_mask = Some(mask),
            None => log.error(
                item.line,
                format!("[Global] ReactorMask: {} is neither a mask nor a core list", show(&mask)),
                "write a mask like 0xF or a list like [0-3]",
            ),
        }
    }
    if let Some(item) = block.item("TpointGroupMask") {
        match item.value(0).filter(|text| cores::is_hex(text)) {
            Some(mask) => options.tpoint_group_mask = Some(mask.to_owned()),
            None => {
                log.warn(item.line, "[Global] TpointGroupMask is not a hexadecimal mask; none is used", "write 0x...")
            }
        }
    }
    if let Some(item) = block.item("SharedMemoryID") {
        match item.value(0).and_then(|t| t.parse::<i32>().ok()).filter(|id| *id >= -1) {
            Some(id) => options.shm_id = Some(id),
            None => {
                log.warn(item.line, "[Global] SharedMemoryID is not a number from -1; -1 is used", "write a number")
            }
        }
    }
}

fn pci(block: &Block, options: &mut StartOptions, log: &mut Log) {
    options.no_pci = block.flag("NoPci", false, log);
    options.pci_allowed = functions(block, "PciWhitelist", log);
    options.pci_blocked = functions(block, "PciBlacklist", log);
    if let (Some(_), Some(item)) = (block.item("PciWhitelist"), block.item("PciBlacklist")) {
        log.error(item.line, "[Global] PciBlacklist and PciWhitelist exclude each other", "keep one of them");
    }
}

fn functions(block: &Block, key: &str, log: &mut Log) -> Vec<String> {
    let mut functions = Vec::new();
    for item in block.items(key) {
        let Some(text) = item.value(0) else { continue };
        if is_pci_function(text) {
            functions.push(text.to_owned());
        } else {
            // Leaving out one of these could open a device that must not be touched.
            log.error(item.line, format!("[Global] {key}: {} is not a PCI function", show(text)), "write 0000:04:00.0");
        }
    }
    functions
}

/// `[domain:]bus:device.function` in hexadecimal; `.` between all parts is seen, too.
pub(super) fn is_pci_function(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let hex = |part: &&str| !part.is_empty() && part.len() <= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
    (3..=4).contains(&parts.len()) && parts.iter().all(hex)
}

fn idle(block: &Block, options: &mut StartOptions, log: &mut Log) {
    if let Some(item) = block.item("Idle") {
        let text = item.value(0).unwrap_or_default();
        match text.to_ascii_lowercase().as_str() {
            "spin" => options.idle = Some(Idle::Spin),
            "adaptive" => options.idle = Some(Idle::Adaptive),
            _ => log.warn(
                item.line,
                format!("[Global] Idle: {} is not known; adaptive is used", show(text)),
                "write spin or adaptive",
            ),
        }
    }
    options.idle_spin_us = block.number("IdleSpinUs", 0..=60_000_000, "the built-in time is used", log);
}

fn rpc(block: &Block, options: &mut StartOptions, log: &mut Log) {
    let enabled = block.flag("Enable", true, log).unwrap_or(true);
    let Some(item) = block.item("Listen").filter(|_| enabled) else {
        log.warn(block.line, "[Rpc] does not switch anything off here: the RPC socket is always there", "see -r");
        return;
    };
    let text = item.value(0).unwrap_or_default();
    if text.starts_with('/') {
        options.rpc_listen = Some(text.to_owned());
    } else {
        let message =
            format!("[Rpc] Listen: {} is not the path of a Unix socket; the default socket is used", show(text));
        log.warn(item.line, message, "the RPC service is not offered on IP addresses; write a path");
    }
}
