//! Resets: at every moment of the start, under load, with a link that flaps, an adapter that goes away.

use super::rig::{MS, Rig, names, read};
use fc::fc2::Direction;
use fc::{Fc4, Port, PortState};
use wire::isp::mailbox::{Command, Status};

#[test]
fn a_reset_at_every_moment_of_the_start() {
    // Steps of the start are microseconds to milliseconds apart: a reset after each.
    for moment in 0..60 {
        let mut rig = Rig::new();
        rig.serve_both();
        for _ in 0..moment {
            rig.now += MS / 4 * (1 + moment % 7);
            rig.turn();
        }
        rig.port.reset().unwrap();
        rig.until(10_000, |rig| rig.shown().state == PortState::Online);
        let session = rig.login(Fc4::Fcp);
        assert!(rig.reads(session, 8), "{moment}");
        assert!(rig.is_quiet());
    }
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
