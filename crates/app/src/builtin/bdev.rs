//! Methods about block devices of any kind.

use super::Built;
use crate::{DecodeError, Method, NoParams, Notify, RpcError, When};
use ::bdev::{Bdev, Event, Info, Registry, Watcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// SPDK's names of I/O types, in its order.
pub(super) const IO_TYPES: [&str; 22] = [
    "read",
    "write",
    "unmap",
    "flush",
    "reset",
    "nvme_admin",
    "nvme_io",
    "nvme_io_md",
    "write_zeroes",
    "zcopy",
    "get_zone_info",
    "zone_management",
    "zone_append",
    "compare",
    "compare_and_write",
    "abort",
    "seek_hole",
    "seek_data",
    "copy",
    "nvme_iov_md",
    "nvme_nssr",
    "write_uncorrectable",
];

/// How often a device that is waited for is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// The longest wait for a device.
const LONGEST: Duration = Duration::from_secs(3600);

/// Turns what happens to devices into notifications.
pub(crate) struct Announcer(pub(crate) Arc<Notify>);

impl Announcer {
    pub(crate) fn new(notify: Arc<Notify>) -> Self {
        ["bdev_register", "bdev_unregister", "bdev_resize"].iter().for_each(|kind| notify.announce(kind));
        Self(notify)
    }
}

impl Watcher for Announcer {
    fn on_bdev(&self, event: &Event) -> Result<(), String> {
        match event {
            Event::Added(name) => self.0.send("bdev_register", name),
            Event::Removing(name) => self.0.send("bdev_unregister", name),
            Event::Resized(name) => self.0.send("bdev_resize", name),
        };
        Ok(())
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetBdevs {
    /// Only this one, by name or UUID
    name: Option<String>,
    /// Milliseconds to wait for it
    timeout: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// Name or UUID of the block device
    name: String,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    bdev_io_pool_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bdev_io_cache_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bdev_auto_examine: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iobuf_small_cache_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iobuf_large_cache_size: Option<u32>,
}

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let (get, examine, generic) = (built.app.bdevs.clone(), built.app.bdevs.clone(), built.generic.clone());
    vec![
        Method::new("bdev_get_bdevs", When::Runtime, "Describes the block devices", move |p: GetBdevs| match p.name {
            None => Ok(get.list().iter().map(|device| describe(&get, device)).collect()),
            Some(name) => await_device(&get, &name, Duration::from_millis(p.timeout.unwrap_or(0)))
                .map(|device| vec![describe(&get, &device)]),
        })
        .decode_error(DecodeError::Internal)
        .alias("get_bdevs"),
        Method::new(
            "bdev_examine",
            When::Runtime,
            "Accepted for a device that is there; nothing is found on devices yet",
            move |p: Name| examine.get(&p.name).map(|_| true).ok_or_else(|| RpcError::errno(19)),
        ),
        Method::new(
            "bdev_wait_for_examine",
            When::Runtime,
            "Waits until devices are examined: they always are",
            |_: NoParams| Ok(true),
        ),
        Method::new(
            "bdev_set_options",
            When::Startup,
            "Kept and saved; pools are sized from queue depths here",
            move |p: SetOptions| {
                generic
                    .set_bdev_options(serde_json::to_value(p).map_err(|error| RpcError::internal(error.to_string()))?);
                Ok(true)
            },
        )
        .alias("set_bdev_options"),
    ]
}

/// The device of that name, now or within `wait`.
fn await_device(registry: &Registry, name: &str, wait: Duration) -> Result<Arc<dyn Bdev>, RpcError> {
    let until = Instant::now() + wait.min(LONGEST);
    loop {
        if let Some(device) = registry.get(name) {
            return Ok(device);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RpcError::errno(19));
        }
        std::thread::sleep(left.min(LOOK));
    }
}

fn describe(registry: &Registry, device: &Arc<dyn Bdev>) -> Value {
    let info = device.info();
    let claim = registry.claimed_by(&info.name);
    let mut value = json!({
        "name": info.name,
        "aliases": [info.uuid.to_string()],
        "product_name": info.product,
        "block_size": info.block_size,
        "num_blocks": info.blocks,
        "preferred_write_alignment": info.physical_block_size / info.block_size.max(1),
        "preferred_write_granularity": info.physical_block_size / info.block_size.max(1),
        "uuid": info.uuid.to_string(),
        "assigned_rate_limits": { "rw_ios_per_sec": 0, "rw_mbytes_per_sec": 0, "r_mbytes_per_sec": 0, "w_mbytes_per_sec": 0 },
        "claimed": claim.is_some(),
        "zoned": false,
        "supported_io_types": io_types(&info),
        "memory_domains": [],
        "driver_specific": device.driver_specific(),
    });
    if let Some(user) = claim {
        value["claim_type"] = json!("exclusive_write");
        value["claimed_by"] = json!(user);
    }
    value
}

fn io_types(info: &Info) -> Map<String, Value> {
    let features = info.features;
    let supported = |name: &str| match name {
        "read" | "flush" | "reset" | "abort" => true,
        "write" => features.write,
        "unmap" => features.unmap,
        "write_zeroes" => features.write_zeroes,
        // Compare is done by the command set, on any device that can be read.
        "compare" => true,
        _ => false,
    };
    IO_TYPES.iter().map(|name| ((*name).to_owned(), Value::Bool(supported(name)))).collect()
}
