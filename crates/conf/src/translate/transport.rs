//! `[Nvmf]` and `[Transport<n>]`: the target and its transports.

use serde_json::{Map, Value, json};

use super::Output;
use super::listen::Kind;
use super::subsystem::Subsystem;
use crate::diag::Log;
use crate::group::{Block, Blocks};
use crate::plan::Call;

/// A key with a number: its parameter, its range, and the transports that have it.
struct NumberKey {
    key: &'static str,
    param: &'static str,
    least: u64,
    most: u64,
    kinds: &'static [Kind],
}

const fn number(key: &'static str, param: &'static str, least: u64, most: u64, kinds: &'static [Kind]) -> NumberKey {
    NumberKey { key, param, least, most, kinds }
}

const ALL: &[Kind] = &Kind::ALL;
const IP: &[Kind] = &[Kind::Tcp, Kind::Rdma];
const TCP: &[Kind] = &[Kind::Tcp];
const RDMA: &[Kind] = &[Kind::Rdma];
const U16: u64 = u16::MAX as u64;
const U32: u64 = u32::MAX as u64;

const NUMBERS: &[NumberKey] = &[
    number("MaxQueueDepth", "max_queue_depth", 1, U16, ALL),
    // Counts the admin queue; the parameter does not.
    number("MaxQueuesPerSession", "max_io_qpairs_per_ctrlr", 2, U16, ALL),
    number("InCapsuleDataSize", "in_capsule_data_size", 0, U32, ALL),
    number("MaxIOSize", "max_io_size", 4096, U32, ALL),
    number("IOUnitSize", "io_unit_size", 1, U32, ALL),
    number("MaxAQDepth", "max_aq_depth", 1, U32, ALL),
    number("NumSharedBuffers", "num_shared_buffers", 1, U32, ALL),
    number("BufCacheSize", "buf_cache_size", 0, U32, IP),
    number("MaxSRQDepth", "max_srq_depth", 1, U32, RDMA),
    number("SockPriority", "sock_priority", 0, 6, TCP),
];

/// Keys with a boolean: parameter, default, transports.
const FLAGS: &[(&str, &str, bool, &[Kind])] = &[
    ("NoSRQ", "no_srq", false, RDMA),
    ("C2HSuccess", "c2h_success", true, TCP),
    ("DifInsertOrStrip", "dif_insert_or_strip", false, ALL),
];

/// The keys that stood in `[Nvmf]` before SPDK 18.10.
const OLD_KEYS: [&str; 5] = ["MaxQueueDepth", "MaxQueuesPerSession", "InCapsuleDataSize", "MaxIOSize", "IOUnitSize"];

struct Transport {
    kind: Kind,
    params: Map<String, Value>,
    line: usize,
}

/// Emits the target's and the transports' calls. Subsystems tell which transports are needed.
pub(crate) fn emit(blocks: &Blocks, subsystems: &[Subsystem], out: &mut Output) {
    let old = blocks.get("Nvmf").map(|block| target(block, out)).unwrap_or_default();
    let mut transports: Vec<Transport> = Vec::new();
    for block in blocks.all("Transport") {
        let Some(kind) = kind(block, &transports, &mut out.log) else {
            continue;
        };
        let params = params(block, kind, true, &mut out.log);
        transports.push(Transport { kind, params, line: block.line });
    }
    add_missing(subsystems, &mut transports, &mut out.log);
    for transport in transports {
        create(transport, &old, out);
    }
}

/// `[Nvmf]`; returns the transport parameters found in it.
fn target(block: &Block, out: &mut Output) -> Map<String, Value> {
    let max = block.number("MaxSubsystems", 0..=U32, "the built-in limit is used", &mut out.log);
    if let Some(max) = max.filter(|n| *n > 0) {
        out.calls.push(Call::new("nvmf_set_max_subsystems", json!({"max_subsystems": max}), block.line));
    }
    for (key, why) in [
        ("AcceptorPollRate", "new connections are accepted as they come, without polling"),
        ("ConnectionScheduler", "connections are spread over the reactors in turn"),
        ("AdminCmdPassthruIdentifyCtrlr", "commands are not passed through to drives"),
        ("AcceptorCore", "new connections are accepted without a core of their own"),
    ] {
        if let Some(item) = block.item(key) {
            out.log.warn(item.line, format!("[Nvmf] {key} has no meaning here yet: {why}"), "remove it");
        }
    }
    for key in OLD_KEYS {
        if let Some(item) = block.item(key) {
            let message = format!("[Nvmf] {key} is a setting of transports; it is used for every one without its own");
            out.log.warn(item.line, message, "write it into [Transport1]");
        }
    }
    params(block, Kind::Tcp, false, &mut out.log)
}

fn kind(block: &Block, before: &[Transport], log: &mut Log) -> Option<Kind> {
    let Some(item) = block.item("Type").filter(|i| !i.is_empty()) else {
        log.error(block.line, format!("[{}] has no Type", block.name), "add Type TCP");
        return None;
    };
    match Kind::parse(item.value(0).unwrap_or_default()) {
        Err((message, remedy)) => {
            log.error(item.line, format!("[{}] Type: {message}", block.name), remedy);
            None
        }
        Ok(kind) if before.iter().any(|t| t.kind == kind) => {
            let message = format!("[{}]: there is a {} transport already", block.name, kind.name());
            log.error(item.line, message, "remove one of them");
            None
        }
        Ok(kind) => Some(kind),
    }
}

/// The parameters that a section gives. `strict`: of a `[Transport]` section, where keys of other
/// types are told; otherwise the old keys of `[Nvmf]`.
fn params(block: &Block, kind: Kind, strict: bool, log: &mut Log) -> Map<String, Value> {
    let mut params = Map::new();
    for spec in NUMBERS {
        if !strict && !OLD_KEYS.contains(&spec.key) {
            continue;
        }
        if strict && !fits(block, spec.key, spec.kinds, kind, log) {
            continue;
        }
        let Some(mut n) = block.number(spec.key, spec.least..=spec.most, "the built-in default is used", log) else {
            continue;
        };
        if spec.key == "MaxQueuesPerSession" {
            n -= 1;
        }
        params.insert(spec.param.to_owned(), n.into());
    }
    for (key, param, default, kinds) in FLAGS {
        if !strict || !fits(block, key, kinds, kind, log) {
            continue;
        }
        if let Some(flag) = block.flag(key, *default, log) {
            params.insert((*param).to_owned(), flag.into());
        }
    }
    params
}

fn fits(block: &Block, key: &str, kinds: &[Kind], kind: Kind, log: &mut Log) -> bool {
    if let Some(item) = block.item(key).filter(|_| !kinds.contains(&kind)) {
        let message = format!("[{}] {key} has no meaning for {}; it is ignored", block.name, kind.name());
        log.warn(item.line, message, "remove it");
        return false;
    }
    true
}

/// A transport with defaults for each type that subsystems listen on and no section describes. Over Fibre Channel that is
/// the rule: the original had no section for it.
fn add_missing(subsystems: &[Subsystem], transports: &mut Vec<Transport>, log: &mut Log) {
    for kind in Kind::ALL {
        if transports.iter().any(|t| t.kind == kind) {
            continue;
        }
        let mut listens = subsystems.iter().flat_map(|s| &s.listens);
        let Some(listen) = listens.find(|l| l.place.kind() == kind) else {
            continue;
        };
        let name = kind.name();
        let message =
            format!("Listen {name}: no [Transport] section has Type {name}; one with default settings is used");
        if kind != Kind::Fc {
            log.warn(listen.line, message, format!("add a section [Transport1] with Type {name}"));
        }
        transports.push(Transport { kind, params: Map::new(), line: listen.line });
    }
}

fn create(transport: Transport, old: &Map<String, Value>, out: &mut Output) {
    let name = transport.kind.name();
    let mut params = Map::new();
    params.insert("trtype".to_owned(), name.into());
    params.extend(transport.params);
    for (key, value) in old {
        params.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let call = Call::new("nvmf_create_transport", Value::Object(params), transport.line);
    match transport.kind.served() {
        Ok(()) => out.calls.push(call),
        Err(why) => {
            out.log.warn(transport.line, format!("transport {name}: {why}; it is not created"), "");
            out.not_yet.push(call);
        }
    }
}
