//! A turn of a group in steady state neither allocates nor frees, whatever the commands.

use sim::{Scenario, World};

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

#[test]
fn a_turn_neither_allocates_nor_frees() {
    let mut replies = 0;
    for seed in 0..4 {
        let mut world = World::new(Scenario::steady(seed));
        world.group.set.parks_for_ever = false;
        for turn in 0..15_000 {
            let work = if turn < 500 {
                world.turn()
            } else {
                world.turn_with(|group, now| frugal::without_allocation(|| group.poll(now)))
            };
            let due = if work > 0 { world.now() } else { world.due().expect("commands without end") };
            world.pass_time(due);
        }
        replies += world.group.port.replies;
        assert!(world.group.counters().buffer_waits.get() > 0, "some waited for buffers");
        world.hang_up();
        world.run();
    }
    assert!(replies > 10_000, "the turns did something: {replies}");
}
