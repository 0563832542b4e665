//! `[QFC]`: the Fibre Channel ports.

use serde_json::{Value, json};

use super::Output;
use crate::cores;
use crate::diag::{Log, show};
use crate::fc::{Backend, FcPortOptions, FcTransport, FcpRouting, NvmeRouting};
use crate::group::{Block, Blocks};
use crate::parse::Item;
use crate::plan::Call;
use crate::suggest::did_you_mean;

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    let Some(block) = blocks.get("QFC") else {
        return;
    };
    let log = &mut out.log;
    let options = FcPortOptions {
        transport: transport(block, log),
        backend_fcp: backend(block, "BackendAppFcp", "spdkscsi", log),
        backend_nvme: backend(block, "BackendAppNvme", "spdknvme", log),
        unbind_from_kernel: block.flag("UnbindFromKernel", false, log).unwrap_or(false),
        load_firmware_from_file: block.flag("LoadFWfromFile", false, log).unwrap_or(false),
        multi_atio: block.flag("MultiAtioEnable", false, log).unwrap_or(false),
        atio_queues: either(block, ["NumberOfATIO", "NumberOfATIOQ"], log),
        nvme_atio_queues: either(block, ["NvmeConnectionID_ATIO", "NumberOfNvmeATIO"], log),
        fcp_routing: routing(block, "FCPQRouting", "roundrobin", FcpRouting::RoundRobin, log),
        nvme_routing: routing(block, "NVMeQRouting", "connid", NvmeRouting::ConnectionId, log),
        line: block.line,
    };
    let params = said(block, &options);
    if params.as_object().is_some_and(|params| !params.is_empty()) {
        out.calls.push(Call::new("fc_set_options", params, block.line));
    }
    check_counts(block, &options, out.options.reactor_mask.as_deref(), log);
    out.fc.ports = Some(options);
}

/// What the section says, as `fc_set_options` wants it. (What it says of back ends and routing has one meaning only.)
fn said(block: &Block, options: &FcPortOptions) -> Value {
    let transport = match options.transport {
        FcTransport::Fcp => "FCP",
        FcTransport::Nvme => "NVME",
        FcTransport::Both => "BOTH",
    };
    let mut params = json!({});
    for (key, name, value) in [
        ("Transport", "transport", json!(transport)),
        ("UnbindFromKernel", "unbind_from_kernel", json!(options.unbind_from_kernel)),
        ("LoadFWfromFile", "load_firmware_from_file", json!(options.load_firmware_from_file)),
        ("MultiAtioEnable", "multi_atio", json!(options.multi_atio)),
    ] {
        if block.item(key).is_some() {
            params[name] = value;
        }
    }
    for (name, count) in [("atio_queues", options.atio_queues), ("nvme_atio_queues", options.nvme_atio_queues)] {
        if let Some(count) = count {
            params[name] = json!(count);
        }
    }
    params
}

fn transport(block: &Block, log: &mut Log) -> FcTransport {
    let Some(item) = block.item("Transport") else {
        return FcTransport::Both;
    };
    let text = item.value(0).unwrap_or_default();
    match text.to_ascii_uppercase().as_str() {
        "FCP" => FcTransport::Fcp,
        "NVME" => FcTransport::Nvme,
        "BOTH" => FcTransport::Both,
        _ => {
            let remedy = did_you_mean(text, ["FCP", "NVME", "BOTH"], "write FCP, NVME or BOTH");
            log.error(item.line, format!("[QFC] Transport: {} is not known", show(text)), remedy);
            FcTransport::Both
        }
    }
}

fn backend(block: &Block, key: &str, known: &str, log: &mut Log) -> Backend {
    let default = Backend { name: known.to_owned(), reactor: None };
    let Some(item) = block.item(key) else {
        return default;
    };
    let text = item.value(0).unwrap_or_default();
    let (name, reactor) = text.split_once(':').unwrap_or((text, "-1"));
    if !name.eq_ignore_ascii_case(known) {
        let message = format!("[QFC] {key}: backend {} is not known; {known} is used", show(name));
        log.warn(item.line, message, format!("write {known}:-1"));
        return default;
    }
    Backend { reactor: reactor_number(item, key, reactor, log), ..default }
}

fn reactor_number(item: &Item, key: &str, text: &str, log: &mut Log) -> Option<u32> {
    if text == "-1" {
        return None;
    }
    let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let message = match number {
        None => format!("[QFC] {key}: {} is not the number of a reactor; any (-1) is used", show(text)),
        Some(number) => format!("[QFC] {key}: every reactor serves commands here, not number {number} alone"),
    };
    log.warn(item.line, message, "write -1 for any");
    number
}

/// A number with two spellings; the first that is given counts.
fn either(block: &Block, keys: [&str; 2], log: &mut Log) -> Option<u32> {
    let none = "it is ignored";
    let values = keys.map(|key| block.number(key, 0..=1024, none, log).and_then(|n| u32::try_from(n).ok()));
    if let ([Some(a), Some(b)], Some(item)) = (values, block.item(keys[1]))
        && a != b
    {
        let message = format!("[QFC] {} and {} mean the same and differ; {a} is used", keys[0], keys[1]);
        log.warn(item.line, message, "keep one of them");
    }
    values[0].or(values[1])
}

fn routing<T>(block: &Block, key: &str, known: &str, value: T, log: &mut Log) -> T {
    if let Some(item) = block.item(key) {
        let text = item.value(0).unwrap_or_default();
        if !text.eq_ignore_ascii_case(known) {
            let message = format!("[QFC] {key}: {} is not known; {known} is used", show(text));
            log.warn(item.line, message, format!("write {known}"));
        }
    }
    value
}

/// The counts of ATIO queues against each other and against the reactors of the file's mask.
/// The command line may name another mask, so the latter is no error.
fn check_counts(block: &Block, options: &FcPortOptions, mask: Option<&str>, log: &mut Log) {
    let line = ["NumberOfATIO", "NumberOfATIOQ", "NvmeConnectionID_ATIO", "NumberOfNvmeATIO"]
        .iter()
        .find_map(|key| block.item(key))
        .map_or(block.line, |item| item.line);
    if !options.multi_atio {
        return;
    }
    let Some(total) = options.atio_queues else {
        log.error(block.line, "[QFC] MultiAtioEnable Yes needs NumberOfATIO", "add NumberOfATIO 2");
        return;
    };
    if options.nvme_atio_queues.is_some_and(|nvme| nvme > total) {
        log.error(line, "[QFC] there are more ATIO queues for NVMe than in total", "raise NumberOfATIO");
    }
    if let Some(reactors) = mask.and_then(cores::count).filter(|reactors| total >= *reactors) {
        let message = format!("[QFC] {total} ATIO queues need more than the {reactors} reactor(s) of ReactorMask");
        log.warn(line, message, "lower NumberOfATIO, or name more cores in ReactorMask or -m");
    }
}
