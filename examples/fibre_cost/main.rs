//! What the target side of a Fibre Channel port costs for each I/O, with one thread and no system calls: an initiator's node, a ring of
//! frames, the target's node, its lane, a core (SCSI over FCP, or NVMe over FC-NVMe), a device that keeps nothing or one in RAM.
//!
//! The three parts run one after the other, turn by turn, and each is timed on its own; reading the clock is taken off. Target side
//! is the node and the core. Prints one JSON object. The cases run in rounds, one after the other, so that a noisy moment hits all;
//! rounds are short and medians are taken, so that one that was interrupted is an outlier.
//!
//! «pair_iops» is something else: the initiator on a thread of its own, both busy all the time, frames crossing from core to core.
//!
//! `fibre_cost [rounds] [milliseconds of a case in a round] [what a case's name must contain]`

mod bench;
mod disk;
mod fcp_core;
mod nvme_core;

use bench::{Bench, Spent};
use std::collections::BTreeMap;
use std::time::Duration;

/// Commands that are open at once.
const DEPTHS: [usize; 3] = [1, 32, 128];

/// What a case is: its bench, whether it writes, how many at once.
struct Case {
    bench: usize,
    write: bool,
    depth: usize,
    name: String,
}

fn benches() -> Vec<(String, Bench)> {
    let mut benches = Vec::new();
    for disk in ["null", "ram"] {
        benches.push((format!("fcp-{disk}"), fcp_core::bench(disk)));
        benches.push((format!("nvme-{disk}"), nvme_core::bench(disk)));
    }
    benches.iter_mut().for_each(|(_, bench)| bench.fill());
    benches
}

fn cases(benches: &[(String, Bench)], wanted: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (bench, (name, _)) in benches.iter().enumerate() {
        for (write, kind) in [(false, "read"), (true, "write")] {
            for depth in DEPTHS {
                let name = format!("{name}-4k-{kind}-q{depth}");
                if name.contains(wanted) {
                    cases.push(Case { bench, write, depth, name });
                }
            }
        }
    }
    cases
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The medians of the rounds.
fn report(rounds: &[Spent], pairs: &[f64]) -> serde_json::Value {
    let of = |part: fn(&Spent) -> f64| median(rounds.iter().map(part).collect());
    let least = rounds.iter().map(Spent::target).fold(f64::INFINITY, f64::min);
    let target = of(Spent::target);
    let round = |value: f64| (value * 10.0).round() / 10.0;
    serde_json::json!({
        "target_ns": round(target),
        "node_ns": round(of(|spent| spent.node)),
        "core_ns": round(of(|spent| spent.core)),
        "initiator_ns": round(of(|spent| spent.host)),
        "target_ns_least": round(least),
        "target_iops_per_core": (1e9 / target).round(),
        "pair_iops": median(pairs.to_vec()).round(),
        "pair_iops_most": pairs.iter().copied().fold(0.0, f64::max).round(),
    })
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rounds, length) = (number(50), Duration::from_millis(number(10)));
    let wanted = arguments.next().unwrap_or_default();
    let mut benches = benches();
    let cases = cases(&benches, &wanted);
    let mut spent: BTreeMap<&str, Vec<Spent>> = BTreeMap::new();
    let mut pairs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for case in &cases {
            let bench = &mut benches[case.bench].1;
            spent.entry(&case.name).or_default().push(bench.run(case.write, case.depth, length));
            pairs.entry(&case.name).or_default().push(bench.run_pair(case.write, case.depth, length));
        }
    }
    let cases: serde_json::Map<_, _> =
        cases.iter().map(|case| (case.name.clone(), report(&spent[&*case.name], &pairs[&*case.name]))).collect();
    let result = serde_json::json!({ "rounds": rounds, "milliseconds": length.as_millis() as u64, "medians": cases });
    println!("{result:#}");
}
