//! A device that delays another.

use crate::channel::Queue;
use bdev::{Bdev, Channel, Gone, Info};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Which latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of most reads.
    AvgRead,
    /// Of one read in a hundred.
    P99Read,
    /// Of most writes.
    AvgWrite,
    /// Of one write in a hundred.
    P99Write,
}

/// The four latencies, in microseconds, shared with the channels. Each may change at any time.
#[derive(Debug, Default)]
pub struct Latencies([AtomicU64; 4]);

impl Latencies {
    /// Latencies in the order of [`Kind`], in microseconds.
    pub fn new(us: [u64; 4]) -> Self {
        Self(us.map(AtomicU64::new))
    }

    /// One of them, in microseconds.
    pub fn get(&self, kind: Kind) -> u64 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }

    /// Changes one of them, for what ends below from now on.
    pub fn set(&self, kind: Kind, us: u64) {
        self.0[kind as usize].store(us, Ordering::Relaxed);
    }
}

/// A device that delays another.
pub struct Delay {
    name: String,
    uuid: Uuid,
    base: Arc<dyn Bdev>,
    latencies: Arc<Latencies>,
    gone: Gone,
    /// Channels opened, from which each takes its seed.
    channels: AtomicU64,
}

impl Delay {
    /// A device called `name` in front of `base`. Without a UUID it has one made from that of `base`.
    pub fn new(name: &str, uuid: Option<Uuid>, base: Arc<dyn Bdev>, latencies: Latencies) -> Self {
        let uuid = uuid.unwrap_or_else(|| Uuid::new_v5(&base.info().uuid, b"delay"));
        let (latencies, gone, channels) = (Arc::new(latencies), Gone::default(), AtomicU64::new(0));
        Self { name: name.to_owned(), uuid, base, latencies, gone, channels }
    }

    /// Its latencies.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Its parameters, as they are given to `bdev_delay_create`.
    pub fn params(&self) -> Value {
        json!({
            "name": self.name,
            "base_bdev_name": self.base.info().name,
            "uuid": self.uuid,
            "avg_read_latency": self.latencies.get(Kind::AvgRead),
            "p99_read_latency": self.latencies.get(Kind::P99Read),
            "avg_write_latency": self.latencies.get(Kind::AvgWrite),
            "p99_write_latency": self.latencies.get(Kind::P99Write),
        })
    }
}

impl Bdev for Delay {
    fn info(&self) -> Info {
        Info { name: self.name.clone(), product: "delay", uuid: self.uuid, ..self.base.info() }
    }

    fn channel(&self, depth: u32) -> Result<Box<dyn Channel>, String> {
        let seed = self.channels.fetch_add(1, Ordering::Relaxed);
        let base = self.base.channel(depth)?;
        Ok(Box::new(Queue::new(base, self.latencies.clone(), self.gone.clone(), depth, seed)))
    }

    fn driver_specific(&self) -> Value {
        json!({ "delay": self.params() })
    }

    fn base(&self) -> Option<String> {
        Some(self.base.info().name)
    }

    fn removed(&self) {
        self.gone.set();
    }
}
