//! Latency histograms of block devices in SPDK's shape. The cores record them always; "enable" notes where they stood.

use super::Built;
use super::bdev::IO_TYPES;
use super::inspect::TICK_RATE;
use crate::{DecodeError, Method, RpcError, When};
use ::bdev::{Meter, Registry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stats::Snapshot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Buckets a doubling are 2 to the power of this in [`stats::Histogram`]; finer ones cannot be told.
const FINEST: u8 = 6;

fn granularity() -> u8 {
    7
}

fn min_nsec() -> u64 {
    1000
}

fn max_nsec() -> u64 {
    120_000_000_000
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Enable {
    /// Name or UUID of the block device
    name: String,
    /// On or off
    enable: bool,
    /// Kind of operation: read or write; both when absent
    opc: Option<String>,
    /// Buckets per doubling of the latency, as a power of two; 6 is the finest here
    #[serde(default = "granularity")]
    granularity: u8,
    /// Shortest latency told apart, nanoseconds
    #[serde(default = "min_nsec")]
    min_nsec: u64,
    /// Longest latency told apart, nanoseconds
    #[serde(default = "max_nsec")]
    max_nsec: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// Name or UUID of the block device
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Read,
    Write,
}

/// A histogram that a client asked for.
struct Enabled {
    meters: Arc<[Meter]>,
    kind: Kind,
    shape: Shape,
    from: Snapshot,
}

/// SPDK's buckets: ranges (doublings) `min..=max` of `2^granularity` buckets each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    granularity: u8,
    min: u32,
    max: u32,
}

struct Histograms {
    registry: Arc<Registry>,
    enabled: Mutex<HashMap<String, Enabled>>,
}

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let enable = Arc::new(Histograms { registry: built.app.bdevs.clone(), enabled: Mutex::default() });
    let get = enable.clone();
    vec![
        Method::new("bdev_enable_histogram", When::Runtime, "Starts or ends a latency histogram", move |p: Enable| {
            enable.set(&p)
        })
        .decode_error(DecodeError::Internal)
        .alias("enable_bdev_histogram"),
        Method::new(
            "bdev_get_histogram",
            When::Runtime,
            "Tells a latency histogram (base64 of 64-bit counts)",
            move |p: Name| get.get(&p.name),
        )
        .decode_error(DecodeError::Internal)
        .alias("get_bdev_histogram"),
    ]
}

impl Histograms {
    fn set(&self, p: &Enable) -> Result<bool, RpcError> {
        let (name, meters) = self.find(&p.name)?;
        let kind = kind(p.opc.as_deref())?;
        let mut enabled = self.enabled.lock().unwrap_or_else(PoisonError::into_inner);
        enabled.retain(|name, _| self.registry.get(name).is_some());
        if p.enable {
            let shape = Shape::new(p.granularity, p.min_nsec, p.max_nsec)?;
            let from = merged(&meters, kind);
            enabled.insert(name, Enabled { meters, kind, shape, from });
        } else {
            enabled.remove(&name);
        }
        Ok(true)
    }

    fn get(&self, name: &str) -> Result<Value, RpcError> {
        let (name, meters) = self.find(name)?;
        let all = self.enabled.lock().unwrap_or_else(PoisonError::into_inner);
        let enabled = all.get(&name).filter(|enabled| Arc::ptr_eq(&enabled.meters, &meters));
        // EFAULT is what SPDK says of a histogram that is not enabled.
        let enabled = enabled.ok_or_else(|| RpcError::internal_errno(14).because("the histogram is not enabled"))?;
        let counts = enabled.shape.counts(&merged(&meters, enabled.kind).minus(&enabled.from));
        let bytes: Vec<u8> = counts.iter().flat_map(|count| count.to_le_bytes()).collect();
        Ok(json!({
            "histogram": base64(&bytes),
            "granularity": enabled.shape.granularity,
            "min_range": enabled.shape.min,
            "max_range": enabled.shape.max,
            "tsc_rate": TICK_RATE,
        }))
    }

    fn find(&self, name: &str) -> Result<(String, Arc<[Meter]>), RpcError> {
        let device = self.registry.get(name).ok_or_else(|| RpcError::errno(19))?;
        let name = device.info().name;
        let meters = self.registry.meters(&name).ok_or_else(|| RpcError::errno(19))?;
        Ok((name, meters))
    }
}

fn kind(opc: Option<&str>) -> Result<Kind, RpcError> {
    match opc {
        None | Some("all") => Ok(Kind::All),
        Some("read") => Ok(Kind::Read),
        Some("write") => Ok(Kind::Write),
        Some(known) if IO_TYPES.contains(&known) => {
            Err(RpcError::errno(95).because(format!("opc: the latency of {known} is not measured")))
        }
        Some(_) => Err(RpcError::internal("Invalid Io type")),
    }
}

fn merged(meters: &[Meter], kind: Kind) -> Snapshot {
    let mut sum = Snapshot::default();
    for meter in meters {
        if kind != Kind::Write {
            sum.merge(&meter.read_latency.snapshot());
        }
        if kind != Kind::Read {
            sum.merge(&meter.write_latency.snapshot());
        }
    }
    sum
}

impl Shape {
    fn new(granularity: u8, min_nsec: u64, max_nsec: u64) -> Result<Self, RpcError> {
        if min_nsec >= max_nsec || granularity == 0 {
            return Err(RpcError::errno(22).because("min_nsec must be below max_nsec and granularity at least 1"));
        }
        let granularity = granularity.min(FINEST);
        let (min, max) = (range(granularity, min_nsec), range(granularity, max_nsec - 1));
        Ok(Self { granularity, min, max })
    }

    /// The counts in SPDK's order; what is shorter or longer than told apart falls into the first or last bucket.
    fn counts(self, snapshot: &Snapshot) -> Vec<u64> {
        let per_range = 1usize << self.granularity;
        let mut counts = vec![0; per_range * (self.max - self.min + 1) as usize];
        let last = counts.len() - 1;
        for (low, _, count) in snapshot.buckets() {
            let range = range(self.granularity, low);
            let index = if range < self.min {
                0
            } else if range > self.max {
                last
            } else {
                let bucket = (low >> range.saturating_sub(1)) as usize & (per_range - 1);
                (range - self.min) as usize * per_range + bucket
            };
            counts[index] += count;
        }
        counts
    }
}

/// Range 0 holds the values below `2^granularity`, range n those of the n-th doubling from there on.
fn range(granularity: u8, value: u64) -> u32 {
    (64 - value.leading_zeros()).saturating_sub(u32::from(granularity))
}

/// RFC 4648, section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * n)) as usize & 63] as char;
            text.push(if n <= three.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648_section_10() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in vectors {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn ranges_are_spdks() {
        // With 2^7 buckets: range 0 is 0..=127, range 1 is 128..=255, range 2 is 256..=511.
        let ranges: Vec<u32> = [0, 127, 128, 255, 256, 511, 512, u64::MAX].map(|value| range(7, value)).to_vec();
        assert_eq!(ranges, [0, 0, 1, 1, 2, 2, 3, 57]);
    }

    #[test]
    fn counts_fall_where_spdk_puts_them() {
        let histogram = stats::Histogram::new();
        [1, 1500, 1500, 50_000, 1 << 39].iter().for_each(|ns| histogram.record(*ns));
        let shape = Shape::new(7, 1000, 1_000_000).unwrap();
        assert_eq!((shape.granularity, shape.min, shape.max), (6, 4, 14));
        let counts = shape.counts(&histogram.snapshot());
        // 1500 lies in 1024..2048 (range 5 of 64 buckets of 16): bucket (1500 - 1024) / 16 = 29 of the second range here.
        assert_eq!((counts.len(), counts[0], counts[64 + 29], *counts.last().unwrap()), (11 * 64, 1, 2, 1));
        assert_eq!(counts.iter().sum::<u64>(), 5);
    }
}
