//! What one core counts of one device.

use crate::{Op, Status};
use stats::{Counter, Histogram};

/// Counters of one core for one device. The core alone writes; anyone reads.
#[derive(Default)]
pub struct Meter {
    /// Reads done.
    pub reads: Counter,
    /// Bytes read.
    pub read_bytes: Counter,
    /// Writes done (write zeroes too).
    pub writes: Counter,
    /// Bytes written.
    pub write_bytes: Counter,
    /// Unmaps done.
    pub unmaps: Counter,
    /// Flushes done.
    pub flushes: Counter,
    /// Operations that ended in an error.
    pub errors: Counter,
    /// Latency of reads, in nanoseconds.
    pub read_latency: Histogram,
    /// Latency of writes, in nanoseconds.
    pub write_latency: Histogram,
}

impl Meter {
    /// Counts an operation that ended after `ns` nanoseconds and moved `bytes`.
    pub fn count(&self, op: Op, status: Status, bytes: u32, ns: u64) {
        if status != Status::Ok {
            return self.errors.add(1);
        }
        match op {
            Op::Read { .. } => {
                self.reads.add(1);
                self.read_bytes.add(u64::from(bytes));
                self.read_latency.record(ns);
            }
            Op::Write { .. } | Op::WriteZeroes { .. } => {
                self.writes.add(1);
                self.write_bytes.add(u64::from(bytes));
                self.write_latency.record(ns);
            }
            Op::Unmap { .. } => self.unmaps.add(1),
            Op::Flush => self.flushes.add(1),
            Op::Provisioning { .. } => {}
        }
    }
}
