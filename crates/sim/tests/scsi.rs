//! The SCSI device server: thousands of seeds, each a whole run; and planted faults, each of which is found.

use sim::attempt;
use sim::fibre::{Fault, MS};
use sim::scsi::{Plan, Scsi, Tally};

const SEEDS: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn every_seed_keeps_every_rule() {
    if let Some(seed) = number("QFC_SEED") {
        let plan = Plan { trace: true, ..Plan::from_seed(seed) };
        eprintln!("{plan:?}");
        eprintln!("{:?}", Scsi::new(plan).run());
        return;
    }
    let seeds = number("QFC_SEEDS").unwrap_or(SEEDS);
    let mut all = Tally::default();
    for seed in 0..seeds {
        match attempt(|| Scsi::new(Plan::from_seed(seed)).run()) {
            Ok(Tally { ended, good, copies, silent, conflicts }) => {
                (all.ended, all.good, all.copies) = (all.ended + ended, all.good + good, all.copies + copies);
                (all.silent, all.conflicts) = (all.silent + silent, all.conflicts + conflicts);
            }
            Err(why) => panic!("seed {seed}: {why}\nreplay it with QFC_SEED={seed}"),
        }
    }
    println!("{seeds} seeds: {all:?}");
    assert!(
        all.good > 20 * seeds && all.copies > seeds && all.silent > seeds && all.conflicts > seeds,
        "much happened"
    );
}

#[test]
fn each_planted_fault_is_found() {
    for fault in [Fault::ForgetsWrites, Fault::ReadsNeighbours, Fault::WritesLater, Fault::LosesOne] {
        let run = |seed| {
            let plan = Plan { fault, ..Plan::from_seed(seed) };
            // This one needs a command that is aborted while the volume has it.
            let busy = Plan { slowness: 50 * MS, trouble: 6, ..plan.clone() };
            Scsi::new(if fault == Fault::WritesLater { busy } else { plan }).run()
        };
        let found = (0..200).find_map(|seed| attempt(|| run(seed)).err().map(|why| (seed, why)));
        let (seed, why) = found.unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: seed {seed}: {}", why.lines().next().unwrap_or_default());
    }
}
