//! Methods about what was read and written. Counters have one writer, a core, so a reset only notes where they stood.

use super::Built;
use super::inspect::TICK_RATE;
use crate::{DecodeError, Method, RpcError, When};
use ::bdev::{Meter, Registry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stats::Snapshot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ResetMode {
    /// Everything
    All,
    /// Greatest and least latencies only: they come from the histograms, which only `all` resets
    Maxmin,
    /// Errors by kind only: these are not counted here
    Error,
    /// Nothing
    #[default]
    None,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetIostat {
    /// Only this device (what clients before SPDK 26 send)
    name: Option<String>,
    /// Only these devices
    names: Option<Vec<String>>,
    /// Core by core, for exactly one device
    #[serde(default)]
    per_channel: bool,
    /// Reset what was read
    #[serde(default)]
    reset_mode: ResetMode,
}

fn all() -> ResetMode {
    ResetMode::All
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResetIostat {
    /// Only this device
    name: Option<String>,
    /// What to reset
    #[serde(default = "all")]
    mode: ResetMode,
}

/// What one core counted of one device until some time.
#[derive(Clone, Default)]
struct Tally {
    reads: u64,
    read_bytes: u64,
    writes: u64,
    write_bytes: u64,
    unmaps: u64,
    flushes: u64,
    errors: u64,
    read_latency: Snapshot,
    write_latency: Snapshot,
}

impl Tally {
    fn of(meter: &Meter) -> Self {
        Self {
            reads: meter.reads.get(),
            read_bytes: meter.read_bytes.get(),
            writes: meter.writes.get(),
            write_bytes: meter.write_bytes.get(),
            unmaps: meter.unmaps.get(),
            flushes: meter.flushes.get(),
            errors: meter.errors.get(),
            read_latency: meter.read_latency.snapshot(),
            write_latency: meter.write_latency.snapshot(),
        }
    }

    fn minus(&self, earlier: &Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            read_bytes: self.read_bytes - earlier.read_bytes,
            writes: self.writes - earlier.writes,
            write_bytes: self.write_bytes - earlier.write_bytes,
            unmaps: self.unmaps - earlier.unmaps,
            flushes: self.flushes - earlier.flushes,
            errors: self.errors - earlier.errors,
            read_latency: self.read_latency.minus(&earlier.read_latency),
            write_latency: self.write_latency.minus(&earlier.write_latency),
        }
    }

    fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.read_bytes += other.read_bytes;
        self.writes += other.writes;
        self.write_bytes += other.write_bytes;
        self.unmaps += other.unmaps;
        self.flushes += other.flushes;
        self.errors += other.errors;
        self.read_latency.merge(&other.read_latency);
        self.write_latency.merge(&other.write_latency);
    }

    fn to_value(&self) -> Value {
        json!({
            "bytes_read": self.read_bytes,
            "num_read_ops": self.reads,
            "bytes_written": self.write_bytes,
            "num_write_ops": self.writes,
            "bytes_unmapped": 0,
            "num_unmap_ops": self.unmaps,
            "bytes_copied": 0,
            "num_copy_ops": 0,
            "read_latency_ticks": self.read_latency.sum(),
            "max_read_latency_ticks": self.read_latency.max(),
            "min_read_latency_ticks": least(&self.read_latency),
            "write_latency_ticks": self.write_latency.sum(),
            "max_write_latency_ticks": self.write_latency.max(),
            "min_write_latency_ticks": least(&self.write_latency),
            "unmap_latency_ticks": 0,
            "max_unmap_latency_ticks": 0,
            "min_unmap_latency_ticks": 0,
            "copy_latency_ticks": 0,
            "max_copy_latency_ticks": 0,
            "min_copy_latency_ticks": 0,
            "num_flush_ops": self.flushes,
            "num_failed_ops": self.errors,
        })
    }
}

fn least(latency: &Snapshot) -> u64 {
    latency.buckets().next().map_or(0, |(low, _, _)| low)
}

/// Where the counters of a device stood at its last reset. The meters tell a device from a later one of the same name.
struct Mark {
    meters: Arc<[Meter]>,
    tallies: Vec<Tally>,
}

struct Iostat {
    registry: Arc<Registry>,
    marks: Mutex<HashMap<String, Mark>>,
    start: Instant,
}

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let stat = Iostat { registry: built.app.bdevs.clone(), marks: Mutex::default(), start: Instant::now() };
    let get = Arc::new(stat);
    let reset = get.clone();
    vec![
        Method::new("bdev_get_iostat", When::Runtime, "Tells what was read and written", move |p: GetIostat| {
            get.report(&p)
        })
        .decode_error(DecodeError::Internal)
        .alias("get_bdevs_iostat"),
        Method::new("bdev_reset_iostat", When::Runtime, "Starts counting anew", move |p: ResetIostat| {
            for name in reset.chosen(p.name.map(|name| vec![name]).as_deref())? {
                reset.reset(&name, p.mode);
            }
            Ok(true)
        })
        .decode_error(DecodeError::Internal),
    ]
}

impl Iostat {
    fn report(&self, p: &GetIostat) -> Result<Value, RpcError> {
        let wanted = p.name.clone().map(|name| vec![name]).or_else(|| p.names.clone());
        let one = wanted.as_ref().is_some_and(|names| names.len() == 1);
        if p.per_channel && !one {
            return Err(RpcError::errno(22).because("per_channel is for exactly one name"));
        }
        let names = self.chosen(wanted.as_deref())?;
        let mut report = json!({ "tick_rate": TICK_RATE, "ticks": self.start.elapsed().as_nanos() as u64 });
        if p.per_channel {
            report["name"] = json!(names[0]);
            report["channels"] =
                self.per_core(&names[0]).iter().enumerate().map(|(n, tally)| channel(n, tally)).collect();
        } else {
            report["bdevs"] = names.iter().map(|name| self.whole(name)).collect();
        }
        names.iter().for_each(|name| self.reset(name, p.reset_mode));
        Ok(report)
    }

    /// The registry's own names of the devices asked for, all when none is.
    fn chosen(&self, names: Option<&[String]>) -> Result<Vec<String>, RpcError> {
        let own =
            |name: &String| self.registry.get(name).map(|device| device.info().name).ok_or_else(|| RpcError::errno(19));
        match names {
            Some(names) => names.iter().map(own).collect(),
            None => Ok(self.registry.list().iter().map(|device| device.info().name).collect()),
        }
    }

    fn whole(&self, name: &str) -> Value {
        let mut sum = Tally::default();
        self.per_core(name).iter().for_each(|tally| sum.add(tally));
        with("name", json!(name), sum.to_value())
    }

    fn per_core(&self, name: &str) -> Vec<Tally> {
        let Some(meters) = self.registry.meters(name) else {
            return Vec::new();
        };
        let now: Vec<Tally> = meters.iter().map(Tally::of).collect();
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        match marks.get(name).filter(|mark| Arc::ptr_eq(&mark.meters, &meters)) {
            Some(mark) => now.iter().zip(&mark.tallies).map(|(now, then)| now.minus(then)).collect(),
            None => now,
        }
    }

    fn reset(&self, name: &str, mode: ResetMode) {
        let Some(meters) = self.registry.meters(name) else {
            return;
        };
        if mode != ResetMode::All {
            return;
        }
        let tallies = meters.iter().map(Tally::of).collect();
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        // Forget devices that are gone, so that their counters can go too.
        marks.retain(|name, _| self.registry.get(name).is_some());
        marks.insert(name.to_owned(), Mark { meters, tallies });
    }
}

fn channel(core: usize, tally: &Tally) -> Value {
    with("thread_id", json!(core + 1), tally.to_value())
}

/// An object with one member put before the others.
fn with(name: &str, value: Value, rest: Value) -> Value {
    let mut map = serde_json::Map::from_iter([(name.to_owned(), value)]);
    if let Value::Object(rest) = rest {
        map.extend(rest);
    }
    Value::Object(map)
}
