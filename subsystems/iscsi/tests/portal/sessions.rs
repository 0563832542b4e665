//! Sessions and connections that begin, join, take each other's place, fall silent and end.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::{Rig, SECOND, TARGET};
use iscsi_target::limits::FRESH_CONNECTIONS;
use iscsi_target::{Order, Settings};
use wire::iscsi::{AsyncEvent, Opcode, RESERVED_TAG, RejectReason, TaskFunction};

const WRITE: u8 = 0x80 | 0x20;

fn isid(isid: u8) -> How {
    How { isid, ..How::default() }
}

/// Another connection of the session of `first`.
fn join(rig: &mut Rig, first: &Initiator, cid: u16) -> Initiator {
    let mut other = Initiator::connect(rig);
    let how = How { tsih: first.tsih, cid, cmd_sn: first.cmd_sn, ..How::default() };
    let answer = other.try_login(rig, how).expect("an answer");
    assert_eq!((&answer.bytes[36..38], other.tsih), (&[0, 0][..], first.tsih), "{answer:?}");
    other
}

fn refused(rig: &mut Rig, how: How) -> u16 {
    let mut initiator = Initiator::connect(rig);
    let answer = initiator.try_login(rig, how).expect("an answer");
    initiator.gone(rig);
    u16::from_be_bytes([answer.bytes[36], answer.bytes[37]])
}

#[test]
fn a_thousand_logins_and_logouts() {
    let mut rig = Rig::new();
    for n in 0..1000 {
        let mut initiator = Initiator::ready(&mut rig, isid(n as u8));
        if n % 3 == 0 {
            let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
            initiator.send(bhs, &[7; 512]);
        }
        if n % 2 == 0 {
            initiator.logout(&mut rig);
        }
        // Otherwise it hangs up without a word.
    }
    rig.settle();
}

#[test]
fn sixty_four_sessions() {
    let mut rig = Rig::new();
    let mut all: Vec<Initiator> = (0..64).map(|n| Initiator::ready(&mut rig, isid(n))).collect();
    for round in 0..3 {
        for (n, initiator) in all.iter_mut().enumerate() {
            let data = pattern(n as u8 ^ round, 16_384);
            let (bhs, itt) = initiator.scsi(&cdb10(0x2a, n as u32 * 32, 32), WRITE, 16_384);
            initiator.send(bhs, &data[..8192]);
            assert_eq!(initiator.serve(&mut rig, itt, &data, 8192).0.status(), 0);
            assert!(initiator.read(&mut rig, n as u32 * 32, 32) == data);
        }
    }
    let report = rig.report();
    assert_eq!(report.len(), 64);
    assert_eq!([0, 1].map(|home| report.iter().filter(|session| session.home == home).count()), [32, 32]);
    assert!(report.iter().all(|session| session.target.as_deref() == Some(TARGET) && session.connections.len() == 1));
    for mut initiator in all {
        initiator.logout(&mut rig);
    }
    rig.settle();
}

#[test]
fn commands_of_several_connections_act_in_order() {
    let mut rig = Rig::new();
    let mut one = Initiator::ready(&mut rig, How::default().key("MaxConnections", 2).key("InitialR2T", "No"));
    let mut two = join(&mut rig, &one, 1);
    let data = pattern(5, 4096);
    // The younger one, with all its data, comes first.
    two.cmd_sn = one.cmd_sn + 1;
    let (bhs, second) = two.scsi(&cdb10(0x2a, 0, 8), 0x20, 4096);
    two.send(bhs, &data[..1000]);
    two.data_out(second, RESERVED_TAG, (0, 1000), &data[1000..], true);
    two.silence(&mut rig);
    let (bhs, first) = one.scsi(&cdb10(0x2a, 0, 8), WRITE, 4096);
    let first = first + 1000;
    let mut bhs = bhs;
    bhs[16..20].copy_from_slice(&first.to_be_bytes());
    one.send(bhs, &[0x11; 4096]);
    assert_eq!((one.receive(&mut rig).unwrap().itt(), two.receive(&mut rig).unwrap().itt()), (first, second));
    one.cmd_sn += 1;
    assert!(one.read(&mut rig, 0, 8) == data, "the younger write was the last");
    one.logout(&mut rig);
    two.gone(&mut rig);
    rig.settle();
}

#[test]
fn a_gap_in_the_numbers_does_not_last() {
    let mut rig = Rig::new();
    let mut one = Initiator::ready(&mut rig, How::default().key("MaxConnections", 2));
    one.cmd_sn += 1;
    let (bhs, _) = one.scsi(&[0; 6], 0x80, 0);
    one.send(bhs, &[]);
    one.silence(&mut rig);
    rig.pass(11);
    assert_eq!(one.receive(&mut rig).unwrap().event(), AsyncEvent::SESSION_DROP);
    one.gone(&mut rig);
    rig.settle();
}

#[test]
fn who_may_not_join() {
    let mut rig = Rig::new();
    let mut one = Initiator::ready(&mut rig, How::default().key("MaxConnections", 2));
    let two = join(&mut rig, &one, 1);
    let tsih = one.tsih;
    assert_eq!(refused(&mut rig, How { tsih, cid: 2, ..How::default() }), 0x0206);
    assert_eq!(refused(&mut rig, How { tsih: tsih + 1, cid: 2, ..How::default() }), 0x020a);
    assert_eq!(refused(&mut rig, How { tsih, cid: 2, isid: 9, ..How::default() }), 0x020a);
    drop(two);
    one.logout(&mut rig);
    rig.settle();
}

#[test]
fn connections_are_closed_one_by_one() {
    let mut rig = Rig::new();
    let mut one = Initiator::ready(&mut rig, How::default().key("MaxConnections", 4));
    let (mut two, mut three) = (join(&mut rig, &one, 1), join(&mut rig, &one, 2));
    let leave = |rig: &mut Rig, by: &mut Initiator, reason: u8, cid: u16| {
        let (mut bhs, _) = by.request(0x46, 0x80 | reason);
        bhs[20..22].copy_from_slice(&cid.to_be_bytes());
        by.send(bhs, &[]);
        let pdu = by.receive(rig).unwrap();
        assert_eq!(pdu.opcode(), Opcode::LOGOUT_RESPONSE);
        pdu.bytes[2]
    };
    assert_eq!(leave(&mut rig, &mut one, 1, 9), 1, "no such connection");
    assert_eq!(leave(&mut rig, &mut one, 2, 1), 2, "no recovery");
    assert_eq!(leave(&mut rig, &mut one, 1, 1), 0, "another one");
    two.gone(&mut rig);
    assert_eq!(leave(&mut rig, &mut three, 1, 2), 0, "its own");
    three.gone(&mut rig);
    one.ping(&mut rig, false);
    one.logout(&mut rig);
    rig.settle();
}

#[test]
fn a_new_session_takes_the_place_of_the_old_one() {
    let mut rig = Rig::new();
    let mut old = Initiator::ready(&mut rig, How::default());
    let (bhs, itt) = old.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
    old.send(bhs, &[]);
    assert_eq!((old.receive(&mut rig).unwrap().opcode(), itt > 0), (Opcode::R2T, true));
    let mut new = Initiator::ready(&mut rig, How::default());
    assert_ne!(new.tsih, old.tsih);
    old.gone(&mut rig);
    new.ping(&mut rig, false);
    let mut other = Initiator::ready(&mut rig, isid(2));
    new.logout(&mut rig);
    other.logout(&mut rig);
    rig.settle();
}

#[test]
fn a_new_connection_takes_the_place_of_the_old_one() {
    let mut rig = Rig::new();
    let mut old = Initiator::ready(&mut rig, How::default());
    let (bhs, _) = old.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
    old.send(bhs, &[]);
    assert_eq!(old.receive(&mut rig).unwrap().opcode(), Opcode::R2T);
    let mut new = join(&mut rig, &old, 0);
    old.gone(&mut rig);
    new.ping(&mut rig, false);
    new.logout(&mut rig);
    rig.settle();
}

#[test]
fn logins_that_do_not_come_to_an_end() {
    let mut rig = Rig::new();
    let mut silent: Vec<Initiator> = (0..300).map(|_| Initiator::connect(&mut rig)).collect();
    rig.turns(100);
    assert_eq!(rig.census()[1], 2 * FRESH_CONNECTIONS);
    for initiator in silent.iter_mut().take(20) {
        initiator.send_bytes(&[0x43, 0x87, 0, 0]);
    }
    rig.pass(16);
    silent.iter_mut().for_each(|initiator| initiator.gone(&mut rig));
    rig.settle();
    let mut garbage = Initiator::connect(&mut rig);
    garbage.send_bytes(&[0x5a; 4096]);
    garbage.gone(&mut rig);
    let mut http = Initiator::connect(&mut rig);
    http.send_bytes(b"GET / HTTP/1.1\r\nHost: storage\r\nAccept: */*\r\n\r\n..");
    // What it says is the start of a longer header.
    rig.pass(16);
    http.gone(&mut rig);
    rig.settle();
}

#[test]
fn a_flood_of_logins_leaves_room() {
    let settings = Settings { sessions: 3, ..Settings::default() };
    let mut rig = Rig::with(crate::rig::options(), settings);
    let mut all: Vec<Initiator> = (0..3).map(|n| Initiator::ready(&mut rig, isid(n))).collect();
    assert_eq!(refused(&mut rig, isid(9)), 0x0302);
    all.pop().unwrap().logout(&mut rig);
    rig.turns(50);
    all.push(Initiator::ready(&mut rig, isid(9)));
    all.iter_mut().for_each(|initiator| initiator.logout(&mut rig));
    rig.settle();
}

#[test]
fn silent_peers_are_pinged_and_then_dropped() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    for _ in 0..3 {
        rig.pass(31);
        let ping = initiator.receive(&mut rig).unwrap();
        assert_eq!((ping.opcode(), ping.itt()), (Opcode::NOP_IN, RESERVED_TAG));
        assert_ne!(ping.u32(20), RESERVED_TAG);
        let mut answer = [0; 48];
        (answer[0], answer[1]) = (0x40, 0x80);
        answer[16..20].fill(0xff);
        answer[20..24].copy_from_slice(&ping.u32(20).to_be_bytes());
        answer[24..28].copy_from_slice(&initiator.cmd_sn.to_be_bytes());
        initiator.send(answer, &[]);
        rig.turns(3);
    }
    rig.pass(31);
    assert_eq!(initiator.receive(&mut rig).unwrap().opcode(), Opcode::NOP_IN);
    rig.pass(58);
    assert_eq!(rig.census()[1], 1);
    rig.pass(3);
    initiator.gone(&mut rig);
    rig.settle();
}

#[test]
fn who_owes_data_too_long_is_dropped() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
    initiator.send(bhs, &[]);
    assert_eq!(initiator.receive(&mut rig).unwrap().opcode(), Opcode::R2T);
    rig.pass(29);
    assert_eq!(rig.census()[1], 1);
    rig.pass(2);
    assert_eq!(rig.census()[1], 0);
    rig.settle();
}

#[test]
fn initiators_are_asked_to_leave() {
    let mut rig = Rig::new();
    let mut obeys = Initiator::ready(&mut rig, isid(1));
    let mut stays = Initiator::ready(&mut rig, isid(2));
    rig.order(|| Order::EndSessions { target: Some("iqn.another".into()), now: false });
    obeys.silence(&mut rig);
    rig.order(|| Order::EndSessions { target: Some(TARGET.into()), now: false });
    assert_eq!(obeys.receive(&mut rig).unwrap().event(), AsyncEvent::LOGOUT_REQUEST);
    assert_eq!(stays.receive(&mut rig).unwrap().event(), AsyncEvent::LOGOUT_REQUEST);
    obeys.logout(&mut rig);
    stays.ping(&mut rig, true);
    rig.pass(4);
    stays.gone(&mut rig);
    rig.settle();
}

#[test]
fn a_stop_is_told() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    rig.drain();
    assert_eq!(initiator.receive(&mut rig).unwrap().event(), AsyncEvent::LOGOUT_REQUEST);
    rig.now += 5 * SECOND;
    initiator.gone(&mut rig);
    rig.settle();
}

#[test]
fn discovery() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::login(&mut rig, How::default().key("SessionType", "Discovery"));
    let (mut bhs, itt) = initiator.request(0x04, 0x80);
    bhs[20..24].fill(0xff);
    initiator.send(bhs, b"SendTargets=All\0");
    let answer = initiator.receive(&mut rig).unwrap();
    assert_eq!((answer.opcode(), answer.itt()), (Opcode::TEXT_RESPONSE, itt));
    let text = String::from_utf8(answer.data.clone()).unwrap();
    assert_eq!(text, format!("TargetName={TARGET}\0TargetAddress={},1\0", rig.address));
    let (bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
    initiator.send(bhs, &[]);
    assert_eq!(initiator.receive(&mut rig).unwrap().reject(), RejectReason::PROTOCOL_ERROR);
    let function = TaskFunction::LOGICAL_UNIT_RESET.0;
    initiator.function(&mut rig, 0x42, function, RESERVED_TAG, 0);
    assert_eq!(initiator.receive(&mut rig).unwrap().reject(), RejectReason::PROTOCOL_ERROR);
    initiator.logout(&mut rig);
    rig.settle();
}

/// Who reads the answer to a logout finds nothing of the nexus left, whichever core its next session is on.
#[test]
fn a_logout_is_answered_when_the_nexus_is_gone() {
    let mut rig = Rig::new();
    for _ in 0..20 {
        let mut initiator = Initiator::ready(&mut rig, How::default());
        // RESERVE (6).
        assert_eq!(initiator.command(&mut rig, &[0x16, 0, 0, 0, 0, 0], 0, 0).status(), 0);
        let (bhs, _) = initiator.request(0x46, 0x80);
        initiator.send(bhs, &[]);
        assert_eq!(initiator.receive(&mut rig).unwrap().opcode(), Opcode::LOGOUT_RESPONSE);
        let mut other = Initiator::ready(&mut rig, isid(2));
        assert_eq!(other.command(&mut rig, &[0x16, 0, 0, 0, 0, 0], 0, 0).status(), 0, "no conflict");
        other.logout(&mut rig);
        initiator.gone(&mut rig);
    }
    rig.settle();
}

/// Many requests at once, and a logout behind them: all are answered, in order.
#[test]
fn a_flood_of_pings_and_a_logout() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let mut bytes = Vec::new();
    for _ in 0..2000 {
        let (mut bhs, _) = initiator.request(0x40, 0x80);
        bhs[20..24].fill(0xff);
        bytes.extend(bhs);
    }
    let (logout, _) = initiator.request(0x46, 0x80);
    bytes.extend(logout);
    initiator.send_bytes(&bytes);
    for _ in 0..2000 {
        assert_eq!(initiator.receive(&mut rig).unwrap().opcode(), Opcode::NOP_IN);
    }
    assert_eq!(initiator.receive(&mut rig).unwrap().opcode(), Opcode::LOGOUT_RESPONSE);
    initiator.gone(&mut rig);
    rig.settle();
}
