//! What a verification found.

use super::pattern::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// One block that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The logical block.
    pub lba: u64,
    /// When: `read` in the course of the run, `sweep` at its end, `check`.
    pub during: &'static str,
    /// After how many reconnects.
    pub reconnects: u32,
    /// What is wrong.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}: ", self.lba)?;
        match &self.verdict {
            Verdict::Good { generation } => write!(f, "good, generation {generation}"),
            Verdict::Stale { found, wanted } => {
                write!(f, "STALE: has generation {found}, but {wanted} was acknowledged")
            }
            Verdict::Lost { instead, wanted } => {
                write!(f, "LOST: has {instead}, but generation {wanted} was acknowledged")
            }
            Verdict::Torn { first, second, at } => {
                write!(f, "TORN: generation {first} up to byte {at}, then generation {second}")
            }
            Verdict::Misplaced { belongs_to, generation } => {
                write!(f, "MISPLACED: has block {belongs_to}'s generation {generation}")
            }
            Verdict::Unwritten { found, newest } => {
                write!(f, "UNWRITTEN: has generation {found}, but {newest} was the last one sent")
            }
            Verdict::Corrupt { generation, at, bytes } => {
                write!(f, "CORRUPT: generation {generation} with {bytes} wrong bytes, the first at byte {at}")
            }
        }?;
        write!(f, " ({}, after {} reconnects)", self.during, self.reconnects)
    }
}

/// Findings that are kept in full; more are only counted.
const KEPT: usize = 1000;

/// The result of a verification.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Where.
    pub target: String,
    /// The run, in every block.
    pub run: u64,
    /// Seconds in all.
    pub seconds: f64,
    /// Writes acknowledged.
    pub writes: u64,
    /// Reads done.
    pub reads: u64,
    /// Flushes done.
    pub flushes: u64,
    /// Blocks that were read and looked at.
    pub blocks_checked: u64,
    /// Different blocks that were ever written.
    pub blocks_written: u64,
    /// Blocks whose last write was never acknowledged.
    pub blocks_uncertain: u64,
    /// Connections lost and made again.
    pub reconnects: u32,
    /// Longest time without a connection, in seconds.
    pub longest_outage: f64,
    /// Commands that the controller gave up and that may be repeated.
    pub retryable_errors: u64,
    /// Commands that failed for good: status, and how many.
    pub errors: BTreeMap<String, u64>,
    /// Blocks that are wrong, by kind.
    pub wrong: BTreeMap<&'static str, u64>,
    /// The first of them.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty() && self.errors.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        let kind = match finding.verdict {
            Verdict::Good { .. } => return,
            Verdict::Stale { .. } => "stale",
            Verdict::Lost { .. } => "lost",
            Verdict::Torn { .. } => "torn",
            Verdict::Misplaced { .. } => "misplaced",
            Verdict::Unwritten { .. } => "unwritten",
            Verdict::Corrupt { .. } => "corrupt",
        };
        *self.wrong.entry(kind).or_default() += 1;
        if self.findings.len() < KEPT {
            self.findings.push(finding);
        }
    }
}
