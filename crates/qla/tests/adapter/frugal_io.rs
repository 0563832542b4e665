//! No allocation in the adapter's turns while commands go by, whichever way lanes send.

use super::rig::{Rig, names, nvme_iu, read};
use fc::fc2::Direction;
use fc::{Fc4, PortState};
use frugal::without_allocation;

fn commands_go_by(queue_pairs: u16) {
    let settings = qla::Settings { queue_pairs, ..qla::Settings::default() };
    let mut rig = Rig::with(settings, emu::isp::Identity::new(names(2)));
    rig.serve_both();
    rig.until(5_000, |rig| rig.shown().state == PortState::Online);
    let (fcp, nvme) = (rig.login(Fc4::Fcp), rig.login(Fc4::Nvme));
    for round in 0..40 {
        rig.command(fcp, &read(0), Direction::None);
        rig.command(nvme, &nvme_iu(0, round), Direction::None);
        // Between signs of life, which are no I/O.
        for _ in 0..6 {
            rig.now += 10_000;
            rig.turn_but_for_the_adapter();
            let now = rig.now;
            without_allocation(|| rig.adapter.poll(now));
        }
        rig.forget_events();
    }
    assert_eq!(rig.commands(), 80);
    assert!(rig.is_quiet());
}

#[test]
fn by_queue_pairs() {
    commands_go_by(8);
}

#[test]
fn by_the_base_queue() {
    commands_go_by(0);
}
