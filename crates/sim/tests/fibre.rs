//! Fibre Channel with everything in it: thousands of seeds, each a whole run; and planted faults, each of which is found.

use sim::attempt;
use sim::fibre::{Fault, Fibre, MS, Plan, Tally};

const SEEDS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn every_seed_keeps_every_rule() {
    if let Some(seed) = number("QFC_SEED") {
        let plan = Plan { trace: true, ..Plan::from_seed(seed) };
        eprintln!("{plan:?}");
        eprintln!("{:?}", Fibre::new(plan).run());
        return;
    }
    let seeds = number("QFC_SEEDS").unwrap_or(SEEDS);
    let (mut ended, mut good, mut troubles) = (0, 0, 0);
    for seed in 0..seeds {
        match attempt(|| Fibre::new(Plan::from_seed(seed)).run()) {
            Ok(Tally { ended: some, good: well, troubles: made, .. }) => {
                (ended, good, troubles) = (ended + some, good + well, troubles + made);
            }
            Err(why) => panic!("seed {seed}: {why}\nreplay it with QFC_SEED={seed}"),
        }
    }
    assert!(good > 10 * seeds && ended > good + seeds && troubles > seeds, "the runs did something");
    println!("{seeds} seeds, {ended} commands, {good} well, {troubles} troubles");
}

#[test]
fn each_planted_fault_is_found() {
    let faults = [
        Fault::ForgetsWrites,
        Fault::ReadsNeighbours,
        Fault::WritesLater,
        Fault::LosesOne,
        Fault::KeepsFrames,
        Fault::SpoilsData,
        Fault::MisplacesData,
    ];
    for fault in faults {
        let run = |seed| {
            let plan = Plan { fault, ..Plan::from_seed(seed) };
            // This one needs a command that is aborted while the volume has it.
            let busy = Plan { slowness: 50 * MS, trouble: 20, ..plan };
            Fibre::new(if fault == Fault::WritesLater { busy } else { plan }).run()
        };
        let found = (0..400).find_map(|seed| attempt(|| run(seed)).err().map(|why| (seed, why)));
        let (seed, why) = found.unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: seed {seed}: {}", why.lines().next().unwrap_or_default());
    }
}
