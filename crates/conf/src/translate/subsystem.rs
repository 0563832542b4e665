//! `[Subsystem<n>]`: read one by one, emitted kind by kind with the listeners last, so that no host
//! connects to a subsystem that is half built.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Output;
use super::listen::Place;
use super::names::{check_nqn, check_text};
use super::namespaces::{Namespace, max_namespaces, namespaces};
use crate::diag::{Log, show};
use crate::fc::FcListener;
use crate::group::{Block, Blocks};
use crate::plan::Call;

/// The well-known NQN of discovery services.
const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";

#[derive(Debug)]
pub(crate) struct Subsystem {
    nqn: String,
    params: Map<String, Value>,
    hosts: Vec<(String, usize)>,
    namespaces: Vec<Namespace>,
    pub(crate) listens: Vec<Listen>,
    line: usize,
}

#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) place: Place,
    pub(crate) line: usize,
}

/// Reads all subsystems.
pub(crate) fn read(blocks: &Blocks, out: &mut Output) -> Vec<Subsystem> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut subsystems = Vec::new();
    for block in blocks.all("Subsystem") {
        let Some(subsystem) = one(block, out) else {
            continue;
        };
        if subsystem.nqn == DISCOVERY {
            let message = format!("[{}]: {DISCOVERY} is the discovery subsystem's own NQN", block.name);
            out.log.error(block.line, message, "give it another NQN");
            continue;
        }
        if !seen.insert(subsystem.nqn.clone()) {
            let message = format!("[{}]: another subsystem has NQN {} already", block.name, show(&subsystem.nqn));
            out.log.error(block.line, message, "give it another NQN");
            continue;
        }
        subsystems.push(subsystem);
    }
    subsystems
}

fn one(block: &Block, out: &mut Output) -> Option<Subsystem> {
    let nqn = required(block, "NQN", "add NQN nqn.2016-06.io.spdk:cnode1", &mut out.log);
    let serial = required(block, "SN", "add SN SPDK00000000000001", &mut out.log);
    old_keys(block, &mut out.log);
    let (nqn, serial) = (nqn?, serial?);
    check_nqn(block, "NQN", &mut out.log);
    let mut params = Map::new();
    params.insert("nqn".into(), nqn.into());
    params.insert("serial_number".into(), serial.into());
    if let Some(model) = block.text("MN") {
        params.insert("model_number".into(), model.into());
    }
    check_text(block, "SN", 20, &mut out.log);
    check_text(block, "MN", 40, &mut out.log);
    let (namespaces, highest) = namespaces(block, out);
    if let Some(max) = max_namespaces(block, highest, &mut out.log) {
        params.insert("max_namespaces".into(), max.into());
    }
    let any_host = block.flag("AllowAnyHost", false, &mut out.log).unwrap_or(false);
    params.insert("allow_any_host".into(), any_host.into());
    let hosts = hosts(block, any_host, &mut out.log);
    let listens = listens(block, out);
    if block.item("Listen").is_none() {
        any_listener(block, &mut params, &mut out.log);
    }
    Some(Subsystem { nqn: nqn.to_owned(), params, hosts, namespaces, listens, line: block.line })
}

fn required<'a>(block: &'a Block, key: &str, remedy: &str, log: &mut Log) -> Option<&'a str> {
    let text = block.text(key).filter(|t| !t.is_empty());
    if text.is_none() {
        log.error(block.line, format!("[{}] has no {key}", block.name), remedy);
    }
    text
}

fn old_keys(block: &Block, log: &mut Log) {
    if let Some(item) = block.item("Mode") {
        let text = item.value(0).unwrap_or_default();
        if text.eq_ignore_ascii_case("Virtual") {
            log.warn(item.line, "Mode has no meaning any more; it is ignored", "remove it");
        } else {
            let remedy = "remove it and name block devices with Namespace";
            log.error(item.line, format!("Mode {} does not exist any more", show(text)), remedy);
        }
    }
    for key in ["Core", "NVMe"] {
        if let Some(item) = block.item(key) {
            log.warn(item.line, format!("{key} has no meaning any more; it is ignored"), "remove it");
        }
    }
}

fn hosts(block: &Block, any_host: bool, log: &mut Log) -> Vec<(String, usize)> {
    check_nqn(block, "Host", log);
    let mut hosts: Vec<(String, usize)> = Vec::new();
    let mut seen = HashSet::new();
    for item in block.items("Host") {
        let Some(nqn) = item.value(0) else { continue };
        if !seen.insert(nqn) {
            log.warn(item.line, format!("[{}] Host {} stands twice", block.name, show(nqn)), "remove one");
        } else {
            hosts.push((nqn.to_owned(), item.line));
        }
    }
    match (any_host, hosts.first()) {
        (false, None) => log.warn(
            block.line,
            format!("[{}] has neither Host nor AllowAnyHost Yes: no host may connect to it", block.name),
            "add AllowAnyHost Yes, or a Host line for each host",
        ),
        (true, Some((_, line))) => log.warn(
            *line,
            format!("[{}] has AllowAnyHost Yes, so its Host lines keep nobody out", block.name),
            "write AllowAnyHost No if only these hosts may connect",
        ),
        _ => {}
    }
    hosts
}

fn listens(block: &Block, out: &mut Output) -> Vec<Listen> {
    let mut listens: Vec<Listen> = Vec::new();
    let mut seen = HashSet::new();
    for item in block.items("Listen") {
        let kind = item.value(0).unwrap_or_default();
        match Place::parse(kind, item.value(1).unwrap_or_default()) {
            // Not only a warning: without this line the subsystem is not where hosts look for it.
            Err((message, remedy)) => out.log.error(item.line, format!("[{}] Listen: {message}", block.name), remedy),
            Ok(place) if !seen.insert(place.clone()) => {
                out.log.warn(item.line, format!("[{}] Listen: this address stands twice", block.name), "remove one");
            }
            Ok(place) => listens.push(Listen { place, line: item.line }),
        }
    }
    listens
}

/// As in the original, a subsystem without `Listen` is served on every listener of the target.
fn any_listener(block: &Block, params: &mut Map<String, Value>, log: &mut Log) {
    let message = format!("[{}] has no Listen: it is served on every listener of the target", block.name);
    log.warn(block.line, message, "add Listen TCP <address>:4420 to say where");
    params.insert("any_listener".into(), true.into());
}

/// Emits the calls of all subsystems, kind by kind.
pub(crate) fn emit(subsystems: &[Subsystem], out: &mut Output) {
    for s in subsystems {
        out.calls.push(Call::new("nvmf_create_subsystem", Value::Object(s.params.clone()), s.line));
    }
    for s in subsystems {
        for (host, line) in &s.hosts {
            out.calls.push(Call::new("nvmf_subsystem_add_host", json!({"nqn": s.nqn, "host": host}), *line));
        }
    }
    for s in subsystems {
        for (namespace, line) in &s.namespaces {
            let params = json!({"nqn": s.nqn, "namespace": namespace});
            out.calls.push(Call::new("nvmf_subsystem_add_ns", params, *line));
        }
    }
    for s in subsystems {
        s.listens.iter().for_each(|listen| emit_listener(s, listen, out));
    }
}

fn emit_listener(subsystem: &Subsystem, listen: &Listen, out: &mut Output) {
    let nqn = &subsystem.nqn;
    let params = json!({"nqn": nqn, "listen_address": listen.place.listen_address()});
    let call = Call::new("nvmf_subsystem_add_listener", params, listen.line);
    let kind = listen.place.kind();
    if let Place::Fc { node, port } = listen.place {
        out.fc.listeners.push(FcListener { nqn: nqn.clone(), node, port, line: listen.line });
    }
    match kind.served() {
        Ok(()) => out.calls.push(call),
        Err(why) => {
            let message = format!("Listen {}: {why}; the subsystem is not served there", kind.name());
            out.log.warn(listen.line, message, "add Listen TCP <address>:4420");
            out.not_yet.push(call);
        }
    }
}
