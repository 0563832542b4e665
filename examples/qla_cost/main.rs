//! What an I/O costs in the driver of QLogic adapters, with one thread: the far side (null chip or model), the home core's part (ATIO queue, intake), a
//! core with its lane.
//!
//! Ways:
//! - `null`: an adapter that is nothing but rings: it puts commands into the ATIO queue and completes CTIOs at once, moving no data. What the driver costs
//!   is seen best here, and register accesses are counted.
//! - `model`: the model of an adapter in the process, its switch, an initiator: everything but the driver is a model there, and timed apart.
//!
//! Cores: `bare` answers every command with memory that it has (the lane without a stack); `fcp`, `nvme`: the target stack with a device that keeps
//! nothing.
//!
//! The parts run one after the other, turn by turn, each timed on its own; reading the clock is taken off. Cases run in rounds, so that a noisy moment
//! hits all; medians of rounds are printed, as one JSON object.
//!
//! `qla_cost [rounds] [milliseconds of a case in a round] [what a case's name must contain]`

mod bare;
mod bench;
#[path = "../fibre_cost/disk.rs"]
mod disk;
#[path = "../fibre_cost/fcp_core.rs"]
mod fcp_core;
mod host;
mod model;
mod null;
#[path = "../fibre_cost/nvme_core.rs"]
mod nvme_core;

use bench::{Bench, Spent, Way};
use std::collections::BTreeMap;
use std::time::Duration;

/// Commands that are open at once.
const DEPTHS: [usize; 3] = [1, 32, 128];

struct Case {
    bench: usize,
    write: bool,
    depth: usize,
    name: String,
}

/// Makes a bench.
type Maker = fn(&str) -> Bench;

fn benches(wanted: &str) -> Vec<(String, Bench)> {
    let mut benches = Vec::new();
    for (way, name) in [(Way::Null, "null"), (Way::Model, "model")] {
        let makers: [(&str, Maker); 4] = [
            ("bare-fcp", |_| bare::fcp()),
            ("bare-nvme", |_| bare::nvme()),
            ("fcp", fcp_core::bench),
            ("nvme", nvme_core::bench),
        ];
        for (core, make) in makers {
            let name = format!("{name}-{core}");
            let bare_model = way == Way::Model && core.starts_with("bare");
            if !bare_model && (name.contains(wanted) || wanted.contains(&name)) {
                bench::set_way(way);
                benches.push((name, make("null")));
            }
        }
    }
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
fn report(rounds: &[Spent]) -> serde_json::Value {
    let of = |part: fn(&Spent) -> f64| median(rounds.iter().map(part).collect());
    let least = rounds.iter().map(Spent::near).fold(f64::INFINITY, f64::min);
    let round = |value: f64| (value * 10.0).round() / 10.0;
    let counted = |part: fn(&Spent) -> Option<f64>| {
        let all: Option<Vec<f64>> = rounds.iter().map(part).collect();
        all.map(|all| (median(all) * 10_000.0).round() / 10_000.0)
    };
    serde_json::json!({
        "home_ns": round(of(|spent| spent.home)),
        "core_ns": round(of(|spent| spent.core)),
        "home_and_core_ns": round(of(Spent::near)),
        "home_and_core_ns_least": round(least),
        "iops_per_core": (1e9 / of(Spent::near)).round(),
        "far_side_ns": round(of(|spent| spent.far)),
        "commands_per_turn": round(of(|spent| spent.batch)),
        "doorbells_per_io": counted(|spent| spent.doorbells),
        "register_accesses_per_io": counted(|spent| spent.accesses),
    })
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rounds, length) = (number(50), Duration::from_millis(number(10)));
    let wanted = arguments.next().unwrap_or_default();
    let mut benches = benches(&wanted);
    let cases = cases(&benches, &wanted);
    let mut spent: BTreeMap<&str, Vec<Spent>> = BTreeMap::new();
    for _ in 0..rounds {
        for case in &cases {
            let bench = &mut benches[case.bench].1;
            spent.entry(&case.name).or_default().push(bench.run(case.write, case.depth, length));
        }
    }
    let cases: serde_json::Map<_, _> =
        cases.iter().map(|case| (case.name.clone(), report(&spent[&*case.name]))).collect();
    let result = serde_json::json!({ "rounds": rounds, "milliseconds": length.as_millis() as u64, "medians": cases });
    println!("{result:#}");
}
