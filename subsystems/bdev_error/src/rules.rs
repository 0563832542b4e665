//! What shall go wrong, shared by the control plane and all channels without a lock.

use bdev::Op;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It fails: a read as not readable, the others as not writable.
    Failure,
    /// It is held until it is resumed, cancelled or reset.
    Pending,
    /// One byte of its data is changed.
    CorruptData,
    /// It fails for want of memory: the caller may try again.
    Nomem,
    /// It fails with the given NVMe status.
    NvmeFailure,
}

/// What to inject.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    /// What happens.
    pub kind: Kind,
    /// To how many operations.
    pub num: u32,
    /// Only while at least so many operations of the same channel are below.
    pub queue_depth: u64,
    /// Which byte of the data is changed; beyond its end nothing is.
    pub corrupt_offset: u64,
    /// What it is exclusive-ored with.
    pub corrupt_value: u8,
    /// NVMe status code type.
    pub sct: u8,
    /// NVMe status code.
    pub sc: u8,
}

/// One rule. Its parts are read one by one: an operation that meets it while it is being changed may see a mixture.
#[derive(Debug, Default)]
pub struct Rule {
    /// How many operations it is still for; all else is only looked at when this is above 0.
    left: AtomicU32,
    /// Kind, value, status code type and status code, a byte each.
    what: AtomicU32,
    queue_depth: AtomicU64,
    corrupt_offset: AtomicU64,
}

const KINDS: [Kind; 5] = [Kind::Failure, Kind::Pending, Kind::CorruptData, Kind::Nomem, Kind::NvmeFailure];

impl Rule {
    /// Makes it this injection.
    pub fn set(&self, injection: Injection) {
        let Injection { kind, num, queue_depth, corrupt_offset, corrupt_value, sct, sc } = injection;
        self.left.store(0, Relaxed);
        self.what.store(u32::from_le_bytes([kind as u8, corrupt_value, sct, sc]), Relaxed);
        self.queue_depth.store(queue_depth, Relaxed);
        self.corrupt_offset.store(corrupt_offset, Relaxed);
        self.left.store(num, Release);
    }

    /// Ends it.
    pub fn clear(&self) {
        self.left.store(0, Relaxed);
    }

    /// Whether it is for some more operations.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.left.load(Relaxed) > 0
    }

    /// What happens to an operation when `below` others are below. Counts it.
    #[inline]
    pub fn strike(&self, below: u64) -> Option<Injection> {
        if self.left.load(Acquire) == 0 || below < self.queue_depth.load(Relaxed) {
            return None;
        }
        let left = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok()?;
        Some(Injection { num: left, ..self.what() })
    }

    /// As it is now.
    pub fn what(&self) -> Injection {
        let [kind, corrupt_value, sct, sc] = self.what.load(Relaxed).to_le_bytes();
        Injection {
            kind: KINDS[usize::from(kind)],
            num: self.left.load(Relaxed),
            queue_depth: self.queue_depth.load(Relaxed),
            corrupt_offset: self.corrupt_offset.load(Relaxed),
            corrupt_value,
            sct,
            sc,
        }
    }
}

/// All rules of a device.
#[derive(Debug, Default)]
pub struct Rules {
    /// For reads.
    pub read: Rule,
    /// For writes.
    pub write: Rule,
    /// For unmaps.
    pub unmap: Rule,
    /// For flushes.
    pub flush: Rule,
    /// Counts the calls to resume what is pending.
    resumes: AtomicU64,
}

impl Rules {
    /// The rule for an operation; write zeroes have none.
    #[inline]
    pub fn of(&self, op: Op) -> Option<&Rule> {
        match op {
            Op::Read { .. } => Some(&self.read),
            Op::Write { .. } => Some(&self.write),
            Op::Unmap { .. } => Some(&self.unmap),
            Op::Flush => Some(&self.flush),
            Op::WriteZeroes { .. } | Op::Provisioning { .. } => None,
        }
    }

    /// All of them.
    pub fn all(&self) -> [&Rule; 4] {
        [&self.read, &self.write, &self.unmap, &self.flush]
    }

    /// Sends on what is pending, and holds no more.
    pub fn resume(&self) {
        self.all().into_iter().filter(|rule| rule.what().kind == Kind::Pending).for_each(Rule::clear);
        self.resumes.fetch_add(1, Release);
    }

    /// How often [`resume`](Self::resume) was called.
    #[inline]
    pub fn resumes(&self) -> u64 {
        self.resumes.load(Acquire)
    }
}
