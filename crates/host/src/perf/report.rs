//! What a run measured, as numbers for people and programs.

use super::worker::Part;
use super::{Job, Workload};
use crate::VolumeAddress;
use serde::Serialize;
use std::time::Duration;

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Mean.
    pub avg: f64,
    /// Median.
    pub p50: f64,
    /// 90 of 100 are not above it, and so on.
    pub p90: f64,
    /// See above.
    pub p99: f64,
    /// See above.
    pub p99_9: f64,
    /// The largest.
    pub max: f64,
}

impl Latency {
    fn of(s: &stats::Snapshot) -> Latency {
        let us = |ns: u64| ns as f64 / 1000.0;
        let p = |percent| us(s.percentile(percent));
        Latency { avg: s.mean() / 1000.0, p50: p(50.0), p90: p(90.0), p99: p(99.0), p99_9: p(99.9), max: us(s.max()) }
    }
}

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where it ran.
    pub target: String,
    /// What ran.
    pub workload: Workload,
    /// Percentage of reads.
    pub reads_percent: u8,
    /// Commands outstanding on each queue.
    pub depth: u16,
    /// Queues.
    pub queues: u16,
    /// Threads.
    pub threads: u16,
    /// Bytes of a command.
    pub io_bytes: u32,
    /// Seconds measured.
    pub seconds: f64,
    /// Commands measured.
    pub ios: u64,
    /// Commands a second.
    pub iops: f64,
    /// Mebibytes a second.
    pub mib_per_s: f64,
    /// Of all commands, in microseconds.
    pub latency_us: Latency,
    /// Of reads, where there are both.
    pub read_latency_us: Option<Latency>,
    /// Of writes, where there are both.
    pub write_latency_us: Option<Latency>,
    /// Microseconds from the first SYN to an enabled, identified controller.
    pub admin_connect_us: f64,
    /// Microseconds that each I/O queue took to connect.
    pub connect_us: Vec<f64>,
    /// All I/O queues together.
    pub connect_total_us: f64,
    #[serde(skip)]
    reads: stats::Snapshot,
    #[serde(skip)]
    writes: stats::Snapshot,
}

impl Report {
    pub(super) fn new(job: &Job, address: &VolumeAddress, admin: Duration, connects: Vec<Duration>) -> Report {
        let us = |d: &Duration| d.as_secs_f64() * 1e6;
        Report {
            target: address.to_string(),
            workload: job.workload,
            reads_percent: job.workload.reads(job.mix),
            depth: job.depth,
            queues: job.queues,
            threads: super::threads(job),
            io_bytes: job.io_bytes,
            seconds: 0.0,
            ios: 0,
            iops: 0.0,
            mib_per_s: 0.0,
            latency_us: Latency::default(),
            read_latency_us: None,
            write_latency_us: None,
            admin_connect_us: us(&admin),
            connect_total_us: connects.iter().map(us).sum(),
            connect_us: connects.iter().map(us).collect(),
            reads: stats::Snapshot::default(),
            writes: stats::Snapshot::default(),
        }
    }

    /// Threads run at the same time: their rates add up.
    pub(super) fn add(&mut self, part: &Part) {
        let count = part.reads.count() + part.writes.count();
        self.seconds = self.seconds.max(part.time.as_secs_f64());
        self.ios += count;
        if !part.time.is_zero() {
            self.iops += count as f64 / part.time.as_secs_f64();
        }
        self.reads.merge(&part.reads);
        self.writes.merge(&part.writes);
    }

    pub(super) fn finish(&mut self) {
        self.mib_per_s = self.iops * f64::from(self.io_bytes) / f64::from(1 << 20);
        let mut all = self.reads.clone();
        all.merge(&self.writes);
        self.latency_us = Latency::of(&all);
        if self.reads.count() > 0 && self.writes.count() > 0 {
            self.read_latency_us = Some(Latency::of(&self.reads));
            self.write_latency_us = Some(Latency::of(&self.writes));
        }
    }
}
