//! `[Bdev]`, `[Malloc]`, `[Null]`, `[AIO]`, `[URING]`, `[BdevError]`: block devices that are here.

use serde_json::{Map, Value, json};

use super::Output;
use crate::diag::Log;
use crate::group::{Block, Blocks};
use crate::limits;
use crate::parse::Item;
use crate::plan::Call;

const MIB: u64 = 1024 * 1024;
/// Largest block size of a RAM or null device.
const BLOCK_MAX: u64 = 64 * 1024;
const SKIPPED: &str = "this line is ignored";

pub(crate) fn read(blocks: &Blocks, out: &mut Output) {
    if let Some(block) = blocks.get("Bdev") {
        options(block, out);
    }
    if let Some(block) = blocks.get("Malloc") {
        malloc(block, out);
    }
    if let Some(block) = blocks.get("Null") {
        block.items("Dev").for_each(|item| null(block, item, out));
    }
    for (section, method) in [("AIO", "bdev_aio_create"), ("URING", "bdev_uring_create")] {
        if let Some(block) = blocks.get(section) {
            block.items(section).for_each(|item| file(block, item, method, out));
        }
    }
}

fn options(block: &Block, out: &mut Output) {
    let mut params = Map::new();
    for (key, name, default) in [
        ("BdevIoPoolSize", "bdev_io_pool_size", "65535 is used"),
        ("BdevIoCacheSize", "bdev_io_cache_size", "256 is used"),
    ] {
        if let Some(n) = block.number(key, 1..=u32::MAX.into(), default, &mut out.log) {
            params.insert(name.to_owned(), n.into());
        }
    }
    if !params.is_empty() {
        out.calls.push(Call::new("bdev_set_options", Value::Object(params), block.line));
    }
}

fn malloc(block: &Block, out: &mut Output) {
    let none = "no RAM disk is made";
    let log = &mut out.log;
    let count = block.number("NumberOfLuns", 1..=limits::MALLOC_LUNS, none, log);
    let mib = block.number("LunSizeInMB", 1..=u64::MAX / MIB, none, log);
    let (Some(count), Some(mib)) = (count, mib) else {
        log.warn(block.line, "[Malloc] needs NumberOfLuns and LunSizeInMB; no RAM disk is made", "add what is missing");
        return;
    };
    let size = block.number("BlockSize", 512..=BLOCK_MAX, "512 is used", log);
    let size =
        checked_block_size(block, block.item("BlockSize"), size.unwrap_or(512), "512 is used", log).unwrap_or(512);
    for i in 0..count {
        let name = format!("Malloc{i}");
        if out.volumes.add(&name, block.line, &mut out.log) {
            let params = json!({"name": name, "num_blocks": mib * MIB / size, "block_size": size});
            out.calls.push(Call::new("bdev_malloc_create", params, block.line));
        }
    }
}

/// A block size must be a power of two: then every size in MiB is a whole number of blocks.
fn checked_block_size(block: &Block, item: Option<&Item>, size: u64, default: &str, log: &mut Log) -> Option<u64> {
    if size.is_power_of_two() {
        return Some(size);
    }
    let line = item.map_or(block.line, |i| i.line);
    let message = format!("[{}] block size {size} is not a power of two; {default}", block.name);
    log.warn(line, message, "write 512 or 4096");
    None
}

fn null(block: &Block, item: &Item, out: &mut Output) {
    if let Some(params) = null_params(block, item, &mut out.log) {
        create(item, "bdev_null_create", params, out);
    }
}

fn null_params(block: &Block, item: &Item, log: &mut Log) -> Option<Map<String, Value>> {
    let name = item.value(0)?;
    let mib = block.value_number(item, 1, 1..=u64::MAX / MIB, SKIPPED, log)?;
    let size = optional(block, item, 2, 512..=BLOCK_MAX, 512, log)?;
    let size = checked_block_size(block, Some(item), size, SKIPPED, log)?;
    let md = optional(block, item, 3, 0..=BLOCK_MAX, 0, log)?;
    let dif = optional(block, item, 4, 0..=3, 0, log)?;
    let mut params = Map::new();
    params.insert("name".into(), name.into());
    params.insert("num_blocks".into(), (mib * MIB / size).into());
    params.insert("block_size".into(), size.into());
    for (key, n) in [("md_size", md), ("dif_type", dif)] {
        if n > 0 {
            params.insert(key.into(), n.into());
        }
    }
    Some(params)
}

/// A value that may be absent, but not wrong.
fn optional(
    block: &Block,
    item: &Item,
    index: usize,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
    log: &mut Log,
) -> Option<u64> {
    match item.value(index) {
        None => Some(default),
        Some(_) => block.value_number(item, index, range, SKIPPED, log),
    }
}

fn file(block: &Block, item: &Item, method: &str, out: &mut Output) {
    let (Some(path), Some(name)) = (item.value(0), item.value(1)) else {
        return;
    };
    let mut params = Map::new();
    params.insert("name".into(), name.into());
    params.insert("filename".into(), path.into());
    if item.value(2).is_some() {
        let size = block.value_number(item, 2, 512..=BLOCK_MAX, "the file's own is used", &mut out.log);
        let size = size.and_then(|n| checked_block_size(block, Some(item), n, "the file's own is used", &mut out.log));
        size.map(|n| params.insert("block_size".into(), n.into()));
    }
    create(item, method, params, out);
}

fn create(item: &Item, method: &str, params: Map<String, Value>, out: &mut Output) {
    let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        out.log.warn(item.line, format!("{}: the name is empty; {SKIPPED}", item.key), "give it a name");
    } else if out.volumes.add(name, item.line, &mut out.log) {
        out.calls.push(Call::new(method, Value::Object(params), item.line));
    }
}

/// `[BdevError]`: after all devices it can stand on.
pub(crate) fn read_errors(blocks: &Blocks, out: &mut Output) {
    let Some(block) = blocks.get("BdevError") else {
        return;
    };
    for item in block.items("BdevError") {
        let Some(base) = item.value(0) else { continue };
        let name = format!("EE_{base}");
        if out.volumes.is_absent(base) {
            out.volumes.add_absent(&name, item.line);
        }
        let usable = out.volumes.check("[BdevError]", base, item.line, &mut out.log);
        if usable && out.volumes.add(&name, item.line, &mut out.log) {
            out.calls.push(Call::new("bdev_error_create", json!({"base_name": base}), item.line));
        }
    }
}
