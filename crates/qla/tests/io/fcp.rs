//! FCP, command by command: what the initiator gets is what the disk said.

use super::disk::{QUALIFIER, sense, unit};
use super::host::{Io, Over};
use super::rig::*;
use emu::isp::{Board, Identity};
use fc::fc2::Failure;
use qla::Settings;
use wire::fcp::{Cmnd, Residual, Rsp, RspCode, TaskManagement};

fn fcp(options: Options) -> Rig {
    Rig::new(Options { nvme: 0, ..options })
}

fn good(over: &Over) {
    let response = over.result.as_ref().expect("a response");
    assert_eq!(Rsp::parse(response), Some(Rsp::default()));
}

fn writes_and_reads(mut rig: Rig) {
    // Within a frame, over several, over several pieces of the disk and of the model.
    for (block, blocks) in [(0, 1), (1, 4), (7, 33), (100, 64), (200, 200)] {
        let bytes = pattern(block, blocks, 7);
        let over = rig.run(0, &io(true, block, blocks), &bytes);
        good(&over);
        assert_eq!(rig.stored(&io(true, block, blocks)), bytes);
        let over = rig.run(0, &io(false, block, blocks), &[]);
        good(&over);
        assert_eq!(over.data, bytes);
        assert_eq!(over.received, blocks * 512);
    }
    rig.is_clean();
}

#[test]
fn what_is_written_is_read() {
    writes_and_reads(fcp(Options::default()));
}

#[test]
fn by_the_base_queue_of_the_home() {
    writes_and_reads(fcp(Options {
        settings: Settings { queue_pairs: 0, ..Settings::default() },
        ..Options::default()
    }));
}

#[test]
fn by_a_2031_whose_pointers_are_registers() {
    let identity = Identity { board: Board::Qle2670, ..Identity::new(names(1)) };
    let settings = Settings { serves: vec![fc::Fc4::Fcp], ..Settings::default() };
    writes_and_reads(fcp(Options { identity, settings, ..Options::default() }));
}

fn read(unit: u8) -> Io {
    Io { unit, ..io(false, 10, 8) }
}

#[test]
fn an_underrun_is_told() {
    let mut rig = fcp(Options::default());
    rig.store.borrow_mut().iter_mut().zip(0..).for_each(|(byte, n): (_, u32)| *byte = n as u8 ^ (n >> 8) as u8);
    let over = rig.run(0, &read(unit::SHORT), &[]);
    let rsp = over.result.expect("a response");
    assert_eq!(Rsp::parse(&rsp), Some(Rsp { residual: Residual::Under(2048), ..Rsp::default() }));
    assert_eq!(over.data[..2048], rig.stored(&read(unit::DISK))[..2048]);
    rig.is_clean();
}

#[test]
fn no_byte_of_sense_is_lost() {
    let mut rig = fcp(Options::default());
    for (unit, len) in [(unit::CONDITION, 18), (unit::LONG_SENSE, 40)] {
        // Data, then the response.
        let over = rig.run(0, &read(unit), &[]);
        let rsp = over.result.expect("a response");
        let rsp = Rsp::parse(&rsp).expect("a sound one");
        let expected: Vec<_> = (0..len).map(sense).collect();
        assert_eq!((rsp.status, rsp.sense, over.received), (2, &expected[..], 4096));
        assert_eq!(over.data, rig.stored(&read(unit)));
        // The response alone.
        let over = rig.run(0, &Io { unit, ..io(true, 10, 8) }, &pattern(10, 8, 1));
        let rsp = over.result.expect("a response");
        assert_eq!(Rsp::parse(&rsp).expect("a sound one").sense, expected);
    }
    rig.is_clean();
}

#[test]
fn a_retry_delay_is_told() {
    let mut rig = fcp(Options::default());
    let over = rig.run(0, &read(unit::BUSY), &[]);
    let rsp = over.result.expect("a response");
    let rsp = Rsp::parse(&rsp).expect("a sound one");
    assert_eq!((rsp.status, rsp.qualifier), (8, QUALIFIER));
    rig.is_clean();
}

#[test]
fn task_management_is_answered_with_its_code() {
    let mut rig = fcp(Options::default());
    for (function, code) in [(0x10, RspCode::COMPLETE), (0x20, RspCode::REJECTED)] {
        let iu = Cmnd::task_management([0, 1, 0, 0, 0, 0, 0, 0], TaskManagement(function));
        let context = rig.hosts[0].send_iu(&iu, rig.now).expect("sent");
        let over = rig.over(0, context);
        assert_eq!(Rsp::parse(&over.result.expect("a response")), Some(Rsp::task_management(code)));
    }
    rig.is_clean();
}

#[test]
fn a_command_that_is_not_answered_is_aborted_and_gone() {
    for unit in [unit::SLOW, unit::DEAD] {
        let mut rig = fcp(Options::default());
        let context = rig.hosts[0].send(&read(unit), &[], 200 * MS, rig.now).expect("sent");
        let over = rig.over(0, context);
        assert!(matches!(over.result, Err(Failure::TimedOut | Failure::Rejected)), "{:?}", over.result);
        assert_eq!(rig.disks[0].aborts, u64::from(unit == unit::SLOW));
        rig.is_clean();
        // BA_ACC came: nothing more is heard of the exchange, and the session is sound.
        good(&rig.run(0, &read(unit::DISK), &[]));
        assert_eq!(rig.port.adapter().resets, 0);
        rig.is_clean();
    }
}

#[test]
fn more_commands_than_places_are_told_task_set_full() {
    let settings = Settings { places: 4, ..Settings::default() };
    let mut rig = fcp(Options { settings, queues: 1, ..Options::default() });
    let contexts: Vec<_> =
        (0..20).map(|_| rig.hosts[0].send(&read(unit::SLOW), &[], 10_000 * MS, rig.now).expect("sent")).collect();
    rig.until(1_000, |rig| rig.hosts[0].over.len() == 16);
    for over in rig.hosts[0].over.values() {
        let response = over.result.as_ref().expect("a response");
        let rsp = Rsp::parse(response).expect("a sound one");
        assert_eq!((rsp.status, rsp.residual), (0x28, Residual::Under(4096)));
    }
    rig.hosts[0].over.clear();
    rig.disks[0].release();
    for context in contexts.into_iter().take(4) {
        good(&rig.over(0, context));
    }
    good(&rig.run(0, &read(unit::DISK), &[]));
    rig.is_clean();
}

#[test]
fn an_initiator_that_leaves_takes_its_commands_with_it() {
    let mut rig = fcp(Options { fcp: 2, ..Options::default() });
    for _ in 0..10 {
        rig.hosts[0].send(&read(unit::SLOW), &[], 10_000 * MS, rig.now).expect("sent");
        rig.hosts[0].send(&io(true, 0, 64), &pattern(0, 64, 0), 10_000 * MS, rig.now).expect("sent");
    }
    rig.pass(1);
    let session = rig.hosts[0].session.expect("logged in");
    rig.hosts[0].node.logout(session);
    rig.until(20_000, |rig| rig.hosts[0].open.is_empty() && rig.hosts[0].session.is_none());
    good(&rig.run(1, &read(unit::DISK), &[]));
    rig.is_clean();
    rig.hosts[0].over.clear();
    rig.login();
    good(&rig.run(0, &read(unit::DISK), &[]));
    assert_eq!(rig.port.adapter().resets, 0);
    rig.is_clean();
}
