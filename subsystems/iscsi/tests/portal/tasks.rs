//! Task management, and its order among commands.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::Rig;
use wire::iscsi::{AsyncEvent, Opcode, RESERVED_TAG, RejectReason, TaskFunction as F};

const WRITE: u8 = 0x80 | 0x20;
const NOW: u8 = 0x42;
const IN_TURN: u8 = 0x02;

/// A write that waits for its data; its tag.
fn open_write(rig: &mut Rig, initiator: &mut Initiator) -> (u32, u32) {
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
    initiator.send(bhs, &[]);
    let r2t = initiator.receive(rig).unwrap();
    assert_eq!((r2t.opcode(), r2t.itt()), (Opcode::R2T, itt));
    (itt, r2t.u32(20))
}

/// Runs a function; how it ended.
fn run(rig: &mut Rig, initiator: &mut Initiator, opcode: u8, function: F, tag: u32, number: u32) -> u8 {
    let itt = initiator.function(rig, opcode, function.0, tag, number);
    let pdu = initiator.receive(rig).expect("a response");
    assert_eq!((pdu.opcode(), pdu.itt()), (Opcode::TASK_RESPONSE, itt), "{pdu:?}");
    pdu.bytes[2]
}

#[test]
fn abort_task() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    for opcode in [NOW, IN_TURN] {
        let number = initiator.cmd_sn;
        let (itt, ttt) = open_write(&mut rig, &mut initiator);
        assert_eq!(run(&mut rig, &mut initiator, opcode, F::ABORT_TASK, itt, number), 0);
        // Data that was on its way is dropped, and nobody answers the write.
        initiator.data_out(itt, ttt, (0, 0), &pattern(1, 16_384), true);
        initiator.silence(&mut rig);
        assert_eq!(run(&mut rig, &mut initiator, opcode, F::ABORT_TASK, itt, number), 1, "it is not there any more");
    }
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn abort_of_a_task_that_is_on_its_way() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let number = initiator.cmd_sn;
    let (late, _) = initiator.scsi(&[0; 6], 0x80, 0);
    let tag = u32::from_be_bytes(late[16..20].try_into().unwrap());
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::ABORT_TASK, tag, number), 0);
    // Its number counts as received, so it is a second one.
    initiator.send(late, &[]);
    initiator.silence(&mut rig);
    assert_eq!(initiator.command(&mut rig, &[0; 6], 0, 0).status(), 0);
    // A number that is no way off is none.
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::ABORT_TASK, 77, number.wrapping_add(500)), 1);
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn functions_of_a_logical_unit() {
    let mut rig = Rig::new();
    for function in [F::ABORT_TASK_SET, F::CLEAR_TASK_SET, F::LOGICAL_UNIT_RESET, F::TARGET_WARM_RESET] {
        let mut initiator = Initiator::ready(&mut rig, How::default());
        for _ in 0..3 {
            open_write(&mut rig, &mut initiator);
        }
        assert_eq!(run(&mut rig, &mut initiator, NOW, function, RESERVED_TAG, 0), 0, "{function}");
        initiator.silence(&mut rig);
        initiator.ping(&mut rig, false);
        initiator.logout(&mut rig);
        rig.settle();
    }
}

#[test]
fn what_is_not_there_or_not_served() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::TASK_REASSIGN, 5, 0), 4);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::CLEAR_ACA, 0, 0), 5);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::QUERY_TASK, 5, 0), 5, "not agreed on");
    assert_eq!(run(&mut rig, &mut initiator, NOW, F(0x55), 5, 0), 5);
    let (mut bhs, _) = initiator.request(NOW, 0x80 | F::LOGICAL_UNIT_RESET.0);
    bhs[9] = 9;
    initiator.send(bhs, &[]);
    assert_eq!(initiator.receive(&mut rig).unwrap().bytes[2], 2, "no such logical unit");
    initiator.logout(&mut rig);
    let mut initiator = Initiator::ready(&mut rig, How::default().key("iSCSIProtocolLevel", 2));
    let (itt, _) = open_write(&mut rig, &mut initiator);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::QUERY_TASK, itt, 0), 7);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::QUERY_TASK_SET, 0, 0), 7);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::I_T_NEXUS_RESET, 0, 0), 0);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::QUERY_TASK, itt, 0), 0);
    assert_eq!(run(&mut rig, &mut initiator, NOW, F::QUERY_ASYNC_EVENT, 0, 0), 5);
    initiator.logout(&mut rig);
    rig.settle();
}

/// An immediate function waits for older commands that come by another connection.
#[test]
fn a_function_acts_on_all_older_commands() {
    let mut rig = Rig::new();
    let mut one = Initiator::ready(&mut rig, How::default().key("MaxConnections", 2));
    let mut two = Initiator::connect(&mut rig);
    two.try_login(&mut rig, How { tsih: one.tsih, cid: 1, cmd_sn: one.cmd_sn, ..How::default() }).unwrap();
    two.cmd_sn = one.cmd_sn + 1;
    let (mut bhs, _) = two.request(NOW, 0x80 | F::ABORT_TASK_SET.0);
    let reset = 0x7000_0000_u32;
    bhs[16..20].copy_from_slice(&reset.to_be_bytes());
    two.send(bhs, &[]);
    two.silence(&mut rig);
    let (bhs, _) = one.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
    one.send(bhs, &[]);
    let answer = two.receive(&mut rig).unwrap();
    assert_eq!((answer.opcode(), answer.itt(), answer.bytes[2]), (Opcode::TASK_RESPONSE, reset, 0));
    // The write is over: there is no response to it, perhaps an R2T that was on its way.
    while let Some(pdu) = one.receive(&mut rig) {
        assert_eq!(pdu.opcode(), Opcode::R2T);
    }
    one.ping(&mut rig, false);
    one.logout(&mut rig);
    two.gone(&mut rig);
    rig.settle();
}

#[test]
fn a_cold_reset_ends_all_sessions_of_the_target() {
    let mut rig = Rig::new();
    let mut all: Vec<Initiator> =
        (0..5).map(|isid| Initiator::ready(&mut rig, How { isid, ..How::default() })).collect();
    open_write(&mut rig, &mut all[1]);
    assert_eq!(run(&mut rig, &mut all[0], NOW, F::TARGET_COLD_RESET, RESERVED_TAG, 0), 0);
    for initiator in &mut all {
        assert_eq!(initiator.receive(&mut rig).unwrap().event(), AsyncEvent::SESSION_DROP);
        initiator.gone(&mut rig);
    }
    rig.settle();
}

#[test]
fn the_window_and_what_is_beyond_it() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let mut open: Vec<u32> = (0..16).map(|_| open_write(&mut rig, &mut initiator).0).collect();
    assert_eq!(initiator.max_cmd_sn.wrapping_add(1), initiator.cmd_sn, "the window is shut");
    // One more is ignored.
    let (bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
    initiator.cmd_sn -= 1;
    initiator.send(bhs, &[]);
    initiator.silence(&mut rig);
    // Immediate ones have places of their own, but not for ever.
    for _ in 0..16 {
        let (mut bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 64), WRITE, 32_768);
        initiator.cmd_sn -= 1;
        bhs[0] |= 0x40;
        initiator.send(bhs, &[]);
        rig.turn();
        open.push(itt);
    }
    let (mut bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
    initiator.cmd_sn -= 1;
    bhs[0] |= 0x40;
    initiator.send(bhs, &[]);
    let mut pdu = initiator.receive(&mut rig).unwrap();
    while pdu.opcode() == Opcode::R2T {
        pdu = initiator.receive(&mut rig).unwrap();
    }
    assert_eq!(pdu.reject(), RejectReason::TOO_MANY_IMMEDIATE);
    assert_eq!(rig.census()[2], 32);
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn a_window_that_a_stranger_opens_is_told() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    for _ in 0..16 {
        open_write(&mut rig, &mut initiator);
    }
    assert_eq!(initiator.max_cmd_sn.wrapping_add(1), initiator.cmd_sn);
    let mut stranger = Initiator::ready(&mut rig, How { isid: 2, ..How::default() });
    assert_eq!(run(&mut rig, &mut stranger, NOW, F::LOGICAL_UNIT_RESET, RESERVED_TAG, 0), 0);
    let told = initiator.receive(&mut rig).expect("the numbers");
    assert_eq!((told.opcode(), told.itt(), told.u32(20)), (Opcode::NOP_IN, RESERVED_TAG, RESERVED_TAG));
    initiator.ping(&mut rig, false);
    initiator.logout(&mut rig);
    stranger.logout(&mut rig);
    rig.settle();
}
