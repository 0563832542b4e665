//! `[Subsystem<n>]`: read one by one, emitted kind by kind with the listeners last, so that no host
//! connects to a subsystem that is half built.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::Output;
use super::listen::Place;
use crate::diag::{Log, show};
use crate::fc::FcListener;
use crate::group::{Block, Blocks};
use crate::limits;
use crate::parse::Item;
use crate::plan::Call;
use crate::read::any_base;

/// `max_namespaces` of SPDK's RPC if it is not given.
const NAMESPACES_DEFAULT: u64 = 32;

/// The `namespace` parameter and the line.
type Namespace = (Map<String, Value>, usize);

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
        if !seen.insert(subsystem.nqn.clone()) {
            let message = format!(
                "[{}]: another subsystem has NQN {} already",
                block.name,
                show(&subsystem.nqn)
            );
            out.log.error(block.line, message, "give it another NQN");
            continue;
        }
        subsystems.push(subsystem);
    }
    subsystems
}

fn one(block: &Block, out: &mut Output) -> Option<Subsystem> {
    let nqn = required(
        block,
        "NQN",
        "add NQN nqn.2016-06.io.spdk:cnode1",
        &mut out.log,
    );
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
    let any_host = block
        .flag("AllowAnyHost", false, &mut out.log)
        .unwrap_or(false);
    params.insert("allow_any_host".into(), any_host.into());
    let hosts = hosts(block, any_host, &mut out.log);
    let listens = listens(block, nqn, out);
    Some(Subsystem {
        nqn: nqn.to_owned(),
        params,
        hosts,
        namespaces,
        listens,
        line: block.line,
    })
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
            log.warn(
                item.line,
                "Mode has no meaning any more; it is ignored",
                "remove it",
            );
        } else {
            let remedy = "remove it and name block devices with Namespace";
            log.error(
                item.line,
                format!("Mode {} does not exist any more", show(text)),
                remedy,
            );
        }
    }
    for key in ["Core", "NVMe"] {
        if let Some(item) = block.item(key) {
            log.warn(
                item.line,
                format!("{key} has no meaning any more; it is ignored"),
                "remove it",
            );
        }
    }
}

/// NVMe Base Specification, "NVMe Qualified Names": at most 223 bytes, `nqn.yyyy-mm.` and a name.
fn is_nqn(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |r: std::ops::Range<usize>| b[r].iter().all(u8::is_ascii_digit);
    (13..=223).contains(&b.len())
        && text.starts_with("nqn.")
        && digits(4..8)
        && b[8] == b'-'
        && digits(9..11)
        && b[11] == b'.'
}

fn check_nqn(block: &Block, key: &str, log: &mut Log) {
    for item in block.items(key) {
        let text = item.value(0).unwrap_or_default();
        if !is_nqn(text) {
            let message = format!(
                "[{}] {}: {} is not a valid NQN",
                block.name,
                item.key,
                show(text)
            );
            log.error(
                item.line,
                message,
                "write nqn.<year>-<month>.<domain>:<name>, at most 223 bytes",
            );
        }
    }
}

/// Serial and model numbers are fixed-size fields of printable ASCII in Identify Controller.
fn check_text(block: &Block, key: &str, most: usize, log: &mut Log) {
    let Some(item) = block.item(key) else { return };
    let text = item.value(0).unwrap_or_default();
    if text.len() > most || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let message = format!(
            "[{}] {key}: {} is longer than {most} characters or not ASCII",
            block.name,
            show(text)
        );
        log.error(item.line, message, "shorten it");
    }
}

fn hosts(block: &Block, any_host: bool, log: &mut Log) -> Vec<(String, usize)> {
    check_nqn(block, "Host", log);
    let mut hosts: Vec<(String, usize)> = Vec::new();
    let mut seen = HashSet::new();
    for item in block.items("Host") {
        let Some(nqn) = item.value(0) else { continue };
        if !seen.insert(nqn) {
            log.warn(
                item.line,
                format!("[{}] Host {} stands twice", block.name, show(nqn)),
                "remove one",
            );
        } else {
            hosts.push((nqn.to_owned(), item.line));
        }
    }
    match (any_host, hosts.first()) {
        (false, None) => log.warn(
            block.line,
            format!(
                "[{}] has neither Host nor AllowAnyHost Yes: no host may connect to it",
                block.name
            ),
            "add AllowAnyHost Yes, or a Host line for each host",
        ),
        (true, Some((_, line))) => log.warn(
            *line,
            format!(
                "[{}] has AllowAnyHost Yes, so its Host lines keep nobody out",
                block.name
            ),
            "write AllowAnyHost No if only these hosts may connect",
        ),
        _ => {}
    }
    hosts
}

/// The namespaces and the highest ID among them.
fn namespaces(block: &Block, out: &mut Output) -> (Vec<Namespace>, u64) {
    let mut namespaces = Vec::new();
    let mut ids = Ids::default();
    let user = format!("[{}] Namespace", block.name);
    for item in block.items("Namespace") {
        let Some(bdev) = item.value(0) else { continue };
        if !out.volumes.check(&user, bdev, item.line, &mut out.log) {
            continue;
        }
        let mut params = Map::new();
        params.insert("bdev_name".into(), bdev.into());
        let good = nsid(item, &user, &mut ids, &mut params, &mut out.log);
        if good && uuid(item, &user, &mut params, &mut out.log) {
            namespaces.push((params, item.line));
        }
    }
    (namespaces, ids.taken.last().copied().unwrap_or(0))
}

fn nsid(
    item: &Item,
    user: &str,
    ids: &mut Ids,
    params: &mut Map<String, Value>,
    log: &mut Log,
) -> bool {
    let Some(text) = item.value(1) else {
        // The target will take the next free one: a later line must not name the same.
        return ids.take_next() || too_many(item, user, log);
    };
    let Some(id) = any_base(text).filter(|id| (1..=limits::NAMESPACES).contains(id)) else {
        let message = format!(
            "{user}: {} is not a namespace ID from 1 to {}",
            show(text),
            limits::NAMESPACES
        );
        log.error(item.line, message, "leave it out for the next free one");
        return false;
    };
    if !ids.taken.insert(id) {
        log.error(
            item.line,
            format!("{user}: namespace ID {id} is in use already"),
            "give each its own",
        );
        return false;
    }
    params.insert("nsid".into(), id.into());
    true
}

fn too_many(item: &Item, user: &str, log: &mut Log) -> bool {
    log.error(
        item.line,
        format!("{user}: no namespace ID is left"),
        "use another subsystem",
    );
    false
}

/// The namespace IDs of a subsystem.
#[derive(Default)]
struct Ids {
    taken: BTreeSet<u64>,
    /// All up to this one are taken.
    full_to: u64,
}

impl Ids {
    /// Takes the lowest free one, as the target will; false if none is left.
    fn take_next(&mut self) -> bool {
        while self.taken.contains(&(self.full_to + 1)) {
            self.full_to += 1;
        }
        self.full_to < limits::NAMESPACES && self.taken.insert(self.full_to + 1)
    }
}

fn uuid(item: &Item, user: &str, params: &mut Map<String, Value>, log: &mut Log) -> bool {
    let Some(text) = item.value(2) else {
        return true;
    };
    if !is_uuid(text) {
        let remedy = "write 8-4-4-4-12 hexadecimal digits";
        log.error(
            item.line,
            format!("{user}: {} is not a UUID", show(text)),
            remedy,
        );
        return false;
    }
    params.insert("uuid".into(), text.into());
    true
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// What to ask for so that every namespace of the file fits; `None` leaves SPDK's default.
fn max_namespaces(block: &Block, needed: u64, log: &mut Log) -> Option<u64> {
    let default = "the default is used";
    match block.number("MaxNamespaces", 0..=limits::NAMESPACES, default, log) {
        // The original: fixed to those of the file.
        Some(0) => Some(needed.max(1)),
        Some(max) if max < needed => {
            let line = block.item("MaxNamespaces").map_or(block.line, |i| i.line);
            let message = format!(
                "[{}] MaxNamespaces {max} is too few; {needed} is used",
                block.name
            );
            log.warn(line, message, "raise it");
            Some(needed)
        }
        None if needed > NAMESPACES_DEFAULT => Some(needed),
        given => given,
    }
}

fn listens(block: &Block, nqn: &str, out: &mut Output) -> Vec<Listen> {
    let mut listens: Vec<Listen> = Vec::new();
    let mut seen = HashSet::new();
    for item in block.items("Listen") {
        let kind = item.value(0).unwrap_or_default();
        match Place::parse(kind, item.value(1).unwrap_or_default()) {
            // Not only a warning: without this line the subsystem is not where hosts look for it.
            Err((message, remedy)) => out.log.error(
                item.line,
                format!("[{}] Listen: {message}", block.name),
                remedy,
            ),
            Ok(place) if !seen.insert(place.clone()) => {
                out.log.warn(
                    item.line,
                    format!("[{}] Listen: this address stands twice", block.name),
                    "remove one",
                );
            }
            Ok(place) => listens.push(Listen {
                place,
                line: item.line,
            }),
        }
    }
    if block.item("Listen").is_none() {
        let message = format!(
            "[{}] has no Listen: the original served it on every listener of the target; here no host reaches it until it has one",
            block.name
        );
        out.log
            .warn(block.line, message, "add Listen TCP <address>:4420");
        out.any_listener.push(nqn.to_owned());
    }
    listens
}

/// Emits the calls of all subsystems, kind by kind.
pub(crate) fn emit(subsystems: &[Subsystem], out: &mut Output) {
    for s in subsystems {
        out.calls.push(Call::new(
            "nvmf_create_subsystem",
            Value::Object(s.params.clone()),
            s.line,
        ));
    }
    for s in subsystems {
        for (host, line) in &s.hosts {
            out.calls.push(Call::new(
                "nvmf_subsystem_add_host",
                json!({"nqn": s.nqn, "host": host}),
                *line,
            ));
        }
    }
    for s in subsystems {
        for (namespace, line) in &s.namespaces {
            let params = json!({"nqn": s.nqn, "namespace": namespace});
            out.calls
                .push(Call::new("nvmf_subsystem_add_ns", params, *line));
        }
    }
    for s in subsystems {
        s.listens
            .iter()
            .for_each(|listen| emit_listener(s, listen, out));
    }
}

fn emit_listener(subsystem: &Subsystem, listen: &Listen, out: &mut Output) {
    let nqn = &subsystem.nqn;
    let params = json!({"nqn": nqn, "listen_address": listen.place.listen_address()});
    let call = Call::new("nvmf_subsystem_add_listener", params, listen.line);
    let kind = listen.place.kind();
    match kind.served() {
        Ok(()) => out.calls.push(call),
        Err(why) => {
            let message = format!(
                "Listen {}: {why}; the subsystem is not served there",
                kind.name()
            );
            out.log
                .warn(listen.line, message, "add Listen TCP <address>:4420");
            match listen.place {
                Place::Fc { node, port } => {
                    out.fc.listeners.push(FcListener {
                        nqn: nqn.clone(),
                        node,
                        port,
                        line: listen.line,
                    });
                }
                Place::Ip(..) => out.not_yet.push(call),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nqns() {
        assert!(is_nqn("nqn.2016-06.io.spdk:cnode1"));
        assert!(is_nqn(
            "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        ));
        for text in [
            "",
            "nqn.",
            "iqn.2016-06.io.spdk:x",
            "nqn.2016-6.io.spdk:x",
            "nqn.2016-06.",
            "nqn.2016§06.xyzzy",
        ] {
            assert!(!is_nqn(text), "{text}");
        }
        assert!(!is_nqn(&format!("nqn.2016-06.io.spdk:{}", "x".repeat(300))));
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        assert!(
            !is_uuid("f81d4fae7dec11d0a76500a0c91e6bf6")
                && !is_uuid("")
                && !is_uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bfg")
        );
    }
}
