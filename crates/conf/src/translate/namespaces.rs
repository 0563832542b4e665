//! `Namespace` lines and `MaxNamespaces` of a subsystem.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Output;
use crate::diag::{Log, show};
use crate::group::Block;
use crate::limits;
use crate::parse::Item;
use crate::read::any_base;

/// `max_namespaces` of SPDK's RPC if it is not given.
const NAMESPACES_DEFAULT: u64 = 32;

/// The `namespace` parameter and the line.
pub(crate) type Namespace = (Map<String, Value>, usize);
/// The namespaces and the highest ID among them.
pub(crate) fn namespaces(block: &Block, out: &mut Output) -> (Vec<Namespace>, u64) {
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

fn nsid(item: &Item, user: &str, ids: &mut Ids, params: &mut Map<String, Value>, log: &mut Log) -> bool {
    let Some(text) = item.value(1) else {
        // The target will take the next free one: a later line must not name the same.
        return ids.take_next() || too_many(item, user, log);
    };
    let Some(id) = any_base(text).filter(|id| (1..=limits::NAMESPACES).contains(id)) else {
        let message = format!("{user}: {} is not a namespace ID from 1 to {}", show(text), limits::NAMESPACES);
        log.error(item.line, message, "leave it out for the next free one");
        return false;
    };
    if !ids.taken.insert(id) {
        log.error(item.line, format!("{user}: namespace ID {id} is in use already"), "give each its own");
        return false;
    }
    params.insert("nsid".into(), id.into());
    true
}

fn too_many(item: &Item, user: &str, log: &mut Log) -> bool {
    log.error(item.line, format!("{user}: no namespace ID is left"), "use another subsystem");
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
        log.error(item.line, format!("{user}: {} is not a UUID", show(text)), remedy);
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
pub(crate) fn max_namespaces(block: &Block, needed: u64, log: &mut Log) -> Option<u64> {
    let default = "the default is used";
    match block.number("MaxNamespaces", 0..=limits::NAMESPACES, default, log) {
        // The original: fixed to those of the file.
        Some(0) => Some(needed.max(1)),
        Some(max) if max < needed => {
            let line = block.item("MaxNamespaces").map_or(block.line, |i| i.line);
            let message = format!("[{}] MaxNamespaces {max} is too few; {needed} is used", block.name);
            log.warn(line, message, "raise it");
            Some(needed)
        }
        None if needed > NAMESPACES_DEFAULT => Some(needed),
        given => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
