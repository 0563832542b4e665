//! Thousands of seeds, each a whole run.

use sim::{Scenario, World, attempt};

const SEEDS: u64 = 4000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn every_seed_keeps_every_rule() {
    if let Some(seed) = number("QFC_SEED") {
        let scenario = Scenario { trace: true, ..Scenario::from_seed(seed) };
        eprintln!("{scenario:?}");
        eprintln!("{:?}", World::new(scenario).run());
        return;
    }
    let seeds = number("QFC_SEEDS").unwrap_or(SEEDS);
    let (mut turns, mut replies) = (0, 0);
    for seed in 0..seeds {
        match attempt(|| World::new(Scenario::from_seed(seed)).run()) {
            Ok(summary) => (turns, replies) = (turns + summary.turns, replies + summary.replies),
            Err(why) => panic!("seed {seed}: {why}\nreplay it with QFC_SEED={seed}"),
        }
    }
    assert!(replies > 20 * seeds, "the runs did something");
    println!("{seeds} seeds, {turns} turns, {replies} replies");
}
