//! Several groups as values on one thread: two cores that share disks and ask each other for answers.

use ring::mailbox;
use sim::{Common, Line, Scenario, SoftPort, SoftSet, World, attempt};

type Core = World<SoftPort, SoftSet>;

fn two_cores(seed: u64) -> [Core; 2] {
    let scenario = Scenario { detach: None, ..Scenario::from_seed(seed) };
    let common = Common::new(&scenario, 2);
    // Small mailboxes, so that they are full now and then.
    let (to_b, at_b) = mailbox(2, || {});
    let (to_a, at_a) = mailbox(2, || {});
    let lines = [Line { to: to_b, from: at_a }, Line { to: to_a, from: at_b }];
    let mut number = 0;
    lines.map(|line| {
        number += 1;
        let core = (number - 1, 2);
        World::core(scenario.clone(), &common, core, Some(line), |port| port, &|disk| Box::new(disk), |set| set)
    })
}

fn run(cores: &mut [Core; 2]) -> u64 {
    let mut hung_up = false;
    while !cores.iter_mut().all(Core::is_over) {
        let work: usize = cores.iter_mut().map(Core::turn).sum();
        let due = if work > 0 { Some(0) } else { cores.iter_mut().filter_map(Core::due).min() };
        if !hung_up && cores.iter_mut().all(Core::is_done) {
            hung_up = true;
            cores.iter_mut().for_each(Core::hang_up);
        } else {
            let due = due.expect("nothing will ever happen, and not all is over");
            let due = due.max(cores[0].now());
            cores.iter_mut().for_each(|core| core.pass_time(due));
        }
    }
    cores.iter_mut().for_each(Core::check_end);
    cores.iter().map(|core| core.group.port.replies).sum()
}

#[test]
fn two_cores_keep_every_rule_together() {
    let mut replies = 0;
    for seed in 0..300 {
        match attempt(|| run(&mut two_cores(seed))) {
            Ok(count) => replies += count,
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    assert!(replies > 300 * 40, "the runs did something: {replies}");
}
