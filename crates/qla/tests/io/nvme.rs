//! FC-NVMe, command by command.

use super::disk::unit;
use super::host::{Io, Over};
use super::rig::*;
use fc::fc2::Failure;
use wire::fcnvme::{Ersp, RSP};

fn nvme(options: Options) -> Rig {
    Rig::new(Options { fcp: 0, ..options })
}

/// RSP, or an ERSP that says the same.
fn good(over: &Over, length: u32) -> bool {
    let response = over.result.as_ref().expect("a response");
    if *response == RSP {
        return false;
    }
    let ersp = Ersp::parse(response).expect("an ERSP");
    assert_eq!((ersp.result.0, ersp.transferred.get(), ersp.cqe.dw0.get()), (0, length, 0x0102_0304));
    assert!(ersp.cqe.status().is_success());
    true
}

#[test]
fn what_is_written_is_read_by_all_lanes() {
    let mut rig = nvme(Options { queues: 3, ..Options::default() });
    let (mut long, mut short) = (0, 0);
    for connection in 0..6 {
        for (block, blocks) in [(0, 1), (7, 33), (200, 200)] {
            let bytes = pattern(block, blocks, connection);
            let over = rig.run(0, &Io { connection, ..io(true, block, blocks) }, &bytes);
            let count = |is_long| if is_long { (1, 0) } else { (0, 1) };
            let (a, b) = count(good(&over, blocks * 512));
            assert_eq!(rig.stored(&io(true, block, blocks)), bytes);
            let over = rig.run(0, &Io { connection, ..io(false, block, blocks) }, &[]);
            let (c, d) = count(good(&over, blocks * 512));
            assert_eq!(over.data, bytes);
            (long, short) = (long + a + c, short + b + d);
        }
    }
    assert!(long > 5 && short > 5, "both kinds of response: {long}, {short}");
    assert!(rig.disks.iter().all(|disk| disk.commands == 12), "each lane has its connections");
    rig.is_clean();
}

#[test]
fn a_status_and_a_result_are_told() {
    let mut rig = nvme(Options::default());
    for write in [false, true] {
        let command = |unit| Io { unit, ..io(write, 0, 8) };
        let over = rig.run(0, &command(unit::CONDITION), &pattern(0, 8, 0)[..4096 * usize::from(write)]);
        let ersp = over.result.expect("a response");
        let ersp = Ersp::parse(&ersp).expect("an ERSP");
        assert_eq!((ersp.result.0, ersp.transferred.get()), (0, 0));
        assert_eq!(ersp.cqe.status().0 & 0x7ff, 0x281);
        let over = rig.run(0, &command(unit::BUSY), &pattern(0, 8, 0)[..4096 * usize::from(write)]);
        let ersp = over.result.expect("a response");
        assert_eq!(Ersp::parse(&ersp).expect("an ERSP").result.0, 1);
    }
    rig.is_clean();
}

#[test]
fn a_command_that_is_not_answered_is_aborted_and_gone() {
    let mut rig = nvme(Options::default());
    for connection in 0..2 {
        let command = Io { unit: unit::SLOW, connection, ..io(false, 0, 8) };
        let context = rig.hosts[0].send(&command, &[], 200 * MS, rig.now).expect("sent");
        let over = rig.over(0, context);
        assert!(matches!(over.result, Err(Failure::TimedOut)), "{:?}", over.result);
        rig.is_clean();
        assert_eq!(rig.disks[connection as usize].aborts, 1);
        let over = rig.run(0, &Io { connection, ..io(false, 0, 8) }, &[]);
        good(&over, 4096);
    }
    rig.is_clean();
}

#[test]
fn link_service_requests_are_answered() {
    let mut rig = nvme(Options::default());
    for length in [48_u32, 80, 1024] {
        let mut payload = vec![0x5a; length as usize];
        payload[0] = 3;
        payload[4..8].copy_from_slice(&(length - 8).to_be_bytes());
        let session = rig.hosts[0].session.expect("logged in");
        let now = rig.now;
        rig.hosts[0].node.ls(session, &payload, 5_000 * MS, 0, now).expect("sent");
        rig.until(5_000, |rig| !rig.hosts[0].replies.is_empty());
        payload[0] = 2;
        assert_eq!(rig.hosts[0].replies.pop(), Some(payload));
    }
    assert_eq!(rig.disks[0].requests, 3);
    rig.is_clean();
}
