//! Faults that the model has on order: lost entries, stuck commands, spurious events, bad entry statuses.

use super::rig::{Rig, names, read};
use fc::fc2::Direction;
use fc::{Fc4, PortState};
use wire::isp::mailbox::Command;

/// After whatever it was: online, logged in, data moves, nothing is left.
fn recovers(rig: &mut Rig) {
    rig.until(60_000, |rig| rig.shown().state == PortState::Online);
    rig.pass(50);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = false);
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
    rig.pass(50);
    assert!(rig.is_quiet(), "everything ended");
}

#[test]
fn a_system_error_under_load() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = true);
    for _ in 0..8 {
        rig.command(session, &read(0), Direction::None);
    }
    rig.pass(10);
    rig.faults(|faults| faults.system_error = true);
    rig.until(1_000, |rig| rig.resets() == 1);
    assert!(rig.port.adapter().last_fault.unwrap().contains("SYSTEM_ERROR"));
    recovers(&mut rig);
    assert_eq!(rig.disks.iter().map(|disk| disk.aborts).sum::<u64>(), 8);
}

#[test]
fn firmware_that_pauses_or_hangs() {
    let mut rig = Rig::online();
    rig.faults(|faults| faults.pause = true);
    rig.until(1_000, |rig| rig.resets() == 1);
    recovers(&mut rig);
    rig.faults(|faults| faults.stick_mailbox = Some(Command::NOP));
    rig.sleep(20_000);
    assert_eq!(rig.resets(), 2);
    recovers(&mut rig);
}

#[test]
fn a_chip_without_progress_is_noticed_and_given_up_in_the_end() {
    let mut rig = Rig::online();
    rig.login(Fc4::Fcp);
    rig.faults(|faults| faults.frozen = true);
    rig.sleep(400_000);
    let shown = rig.shown();
    assert_eq!(shown.state, PortState::Refused, "{shown:?}");
    assert!(shown.reason.unwrap().contains("given up after 6 resets in a row"));
    assert!(rig.disks.iter().all(|disk| disk.sessions.is_empty()));
    // The operator has it start again.
    rig.faults(|faults| faults.frozen = false);
    rig.port.reset().unwrap();
    recovers(&mut rig);
}

#[test]
fn a_lost_acknowledgement_leads_to_a_reset() {
    let mut rig = Rig::online();
    rig.faults(|faults| faults.lose_iocbs = 1);
    let id = rig.switch.id_of(names(2).port).unwrap();
    rig.node.login(fc::PortKey::PHYSICAL, fc::Peer::Id(id), Fc4::Fcp);
    rig.sleep(15_000);
    assert_eq!(rig.resets(), 1);
    assert!(rig.port.adapter().last_fault.unwrap().contains("acknowledgement of a login"));
    recovers(&mut rig);
}

#[test]
fn a_lost_completion_of_a_command_leads_to_a_reset() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.faults(|faults| faults.lose_responses = 1);
    rig.command(session, &read(0), Direction::None);
    rig.sleep(40_000);
    assert_eq!(rig.resets(), 1, "{:?}", rig.port.adapter());
    recovers(&mut rig);
}

#[test]
fn a_command_that_never_came_harms_nobody() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.faults(|faults| faults.lose_atios = 1);
    let context = rig.command(session, &read(0), Direction::None);
    rig.sleep(25_000);
    rig.pass(50);
    assert!(rig.ended(context).expect("an end").0.is_err());
    assert!(rig.reads(session, 8) || rig.session().is_some());
}

#[test]
fn bad_entry_statuses_are_borne() {
    // Busy, type, parameter, count, order, DMA.
    for status in [2, 4, 8, 16, 32, 64, 0xff] {
        let mut rig = Rig::online();
        rig.faults(|faults| faults.entry_status = Some(status));
        let id = rig.switch.id_of(names(2).port).unwrap();
        rig.node.login(fc::PortKey::PHYSICAL, fc::Peer::Id(id), Fc4::Fcp);
        rig.pass(200);
        rig.sleep(30_000);
        let session = rig.login(Fc4::Fcp);
        assert!(rig.reads(session, 8), "{status:#x}");
        rig.faults(|faults| faults.entry_status = Some(status));
        rig.reads(session, 8);
        rig.sleep(30_000);
        rig.until(30_000, |rig| rig.shown().state == PortState::Online);
        let session = rig.login(Fc4::Fcp);
        assert!(rig.reads(session, 8), "{status:#x}");
        assert!(rig.is_quiet(), "{status:#x}");
    }
}

#[test]
fn spurious_events_change_nothing() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    for code in 0x8000..0x8100u16 {
        // Those that mean a reset or a link that went are tried elsewhere.
        let meant = [0x8001, 0x8002, 0x8003, 0x8004, 0x8010, 0x8012, 0x8013, 0x8017, 0x8036];
        if !meant.contains(&code) {
            rig.faults(|faults| faults.events.push([code, 1, 2, 3, 4, 5, 6, 7]));
            rig.pass(1);
        }
    }
    rig.pass(300);
    assert_eq!((rig.resets(), rig.shown().state), (0, PortState::Online));
    assert!(rig.reads(session, 8));
}

#[test]
fn events_that_mean_a_reset() {
    for code in [0x8001, 0x8002, 0x8003, 0x8004, 0x8017] {
        let mut rig = Rig::online();
        rig.login(Fc4::Fcp);
        rig.faults(|faults| faults.events.push([code, 1, 2, 3, 0, 0, 0, 0]));
        rig.until(1_000, |rig| rig.resets() == 1);
        recovers(&mut rig);
    }
}
