//! Resets: at every moment of the start, under load, with a link that flaps, an adapter that goes away.

use super::rig::{MS, Rig, names, read};
use fc::fc2::Direction;
use fc::{Fc4, Port, PortState};
use wire::isp::mailbox::{Command, Status};

/// Polls the adapter when it wants to be polled: no step of a start goes by unseen. `false` when it is online.
fn step(rig: &mut Rig) -> bool {
    rig.now = rig.adapter.deadline().unwrap_or(rig.now + MS).max(rig.now + 1_000).min(rig.now + MS);
    rig.turn();
    rig.shown().state != PortState::Online
}

fn comes_up(rig: &mut Rig, what: &str) {
    rig.until(20_000, |rig| rig.shown().state == PortState::Online);
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8), "{what}");
    assert!(rig.is_quiet());
}

/// Does something after each step of a start.
fn at_every_step(what: &str, expects_reset: bool, strike: impl Fn(&mut Rig)) {
    let mut steps = 0;
    loop {
        let mut rig = Rig::new();
        rig.serve_both();
        if !(0..steps).all(|_| step(&mut rig)) {
            break;
        }
        strike(&mut rig);
        comes_up(&mut rig, &format!("{what} after step {steps}"));
        assert!(!expects_reset || rig.resets() >= 1, "{what} after step {steps}");
        // Later steps are further apart, for the sake of time.
        steps += 1 + steps / 24;
    }
    assert!(steps > 40, "{steps}");
}

#[test]
fn a_reset_at_every_step_of_the_start() {
    at_every_step("a reset", true, |rig| rig.port.reset().unwrap());
}

#[test]
fn dead_firmware_at_every_step_of_the_start() {
    at_every_step("a pause", false, |rig| rig.faults(|faults| faults.pause = true));
}

#[test]
fn a_system_error_at_every_step_of_the_start() {
    at_every_step("a system error", false, |rig| rig.faults(|faults| faults.system_error = true));
}

#[test]
fn a_port_taken_down_at_every_step_of_the_start() {
    at_every_step("down and up", false, |rig| {
        rig.port.set_up(false);
        rig.turn();
        rig.turn();
        rig.port.set_up(true);
    });
}

#[test]
fn each_command_of_the_start_may_fail_once_or_stick_once() {
    use Command as C;
    let start = [
        C::DUMP_RAM,
        C::REGISTER_TEST,
        C::LOAD_RAM,
        C::VERIFY_CHECKSUM,
        C::EXECUTE_FIRMWARE,
        C::GET_VERSION,
        C::GET_RESOURCE_COUNTS,
        C::SET_FIRMWARE_OPTIONS,
        C::MID_INIT_FIRMWARE,
        C::INIT_QUEUE,
        C::GET_FIRMWARE_STATE,
        C::EXECUTE_IOCB_A64,
        C::SEND_CHANGE_REQUEST,
        C::DATA_RATE,
    ];
    for command in start {
        for sticks in [false, true] {
            let mut rig = Rig::new();
            rig.faults(|faults| match sticks {
                true => faults.stick_mailbox = Some(command),
                false => faults.fail_mailbox = Some((command, Status::COMMAND_ERROR, 7)),
            });
            rig.serve_both();
            // A command that sticks is waited for half a minute, a queue's a whole one.
            if sticks {
                rig.sleep(70_000);
            }
            rig.until(10_000, |rig| rig.shown().state == PortState::Online);
            let session = rig.login(Fc4::Fcp);
            assert!(rig.reads(session, 8), "{command} {sticks}");
            let nvme = rig.login(Fc4::Nvme);
            assert!(rig.nvme_reads(nvme, 512, 1), "{command} {sticks}");
        }
    }
}

#[test]
fn a_reset_under_load_loses_nothing_that_is_owed() {
    for moment in 0..12 {
        let mut rig = Rig::online();
        let (fcp, nvme) = (rig.login(Fc4::Fcp), rig.login(Fc4::Nvme));
        for n in 0..8 {
            let data = rig.pool.take(4096).unwrap();
            rig.command(fcp, &read(8), Direction::In(data));
            rig.command(nvme, &super::rig::nvme_iu(0, n), Direction::None);
        }
        for _ in 0..moment {
            rig.now += 20_000;
            rig.turn();
        }
        rig.port.reset().unwrap();
        rig.until(10_000, |rig| rig.resets() == 1 && rig.shown().state == PortState::Online);
        rig.pass(100);
        assert!(rig.is_quiet(), "{moment}");
        let (fcp, nvme) = (rig.login(Fc4::Fcp), rig.login(Fc4::Nvme));
        assert!(rig.reads(fcp, 8) && rig.nvme_reads(nvme, 4096, 3), "{moment}");
    }
}

#[test]
fn a_link_that_flaps() {
    let mut rig = Rig::online();
    for round in 0..6 {
        let session = rig.login(Fc4::Fcp);
        rig.disks.iter_mut().for_each(|disk| disk.lazy = true);
        rig.command(session, &read(0), Direction::None);
        rig.pass(5);
        rig.runner.model().firmware_mut().set_cable(false);
        rig.until(2_000, |rig| rig.shown().state == PortState::LinkDown);
        rig.pass(round * 37 + 1);
        assert!(rig.disks.iter().all(|disk| disk.sessions.is_empty()));
        rig.disks.iter_mut().for_each(|disk| disk.lazy = false);
        rig.runner.model().firmware_mut().set_cable(true);
        rig.until(10_000, |rig| rig.shown().state == PortState::Online);
    }
    rig.pass(100);
    assert!(rig.is_quiet());
    assert_eq!(rig.resets(), 0);
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn no_cable_at_the_start() {
    let mut rig = Rig::new();
    rig.serve_both();
    rig.runner.model().firmware_mut().set_cable(false);
    rig.sleep(5_000);
    assert_eq!((rig.shown().state, rig.resets()), (PortState::LinkDown, 0));
    assert_eq!(rig.port.adapter().state, "link down");
    rig.runner.model().firmware_mut().set_cable(true);
    rig.until(10_000, |rig| rig.shown().state == PortState::Online);
}

#[test]
fn an_adapter_that_goes_away_is_given_up_and_nothing_hangs() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = true);
    for _ in 0..4 {
        rig.command(session, &read(0), Direction::None);
    }
    rig.pass(10);
    assert_eq!(rig.commands(), 4);
    // Another's runner in place of ours: ours ends, and its device is gone.
    rig.runner = Rig::runner_of_nobody();
    for _ in 0..200 {
        rig.now += MS;
        rig.adapter.poll(rig.now);
        let now = rig.now;
        rig.disks.iter_mut().for_each(|disk| disk.poll(now));
    }
    let shown = rig.shown();
    assert_eq!(shown.state, PortState::Refused);
    assert!(shown.reason.unwrap().contains("gone"));
    assert_eq!(rig.disks.iter().map(|disk| disk.aborts).sum::<u64>(), 4);
    assert!(rig.is_quiet());
    assert_eq!(rig.port.names(), names(2));
}
