//! What initiators must not do: each ends in the standard's answer, and nothing is left behind.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::Rig;
use wire::iscsi::{Opcode, RESERVED_TAG, RejectReason as R};

const WRITE: u8 = 0x20;
const FINAL: u8 = 0x80;
const UNEXPECTED: (u8, u16) = (0xb, 0x0c0c);
const AMOUNT: (u8, u16) = (0xb, 0x0c0d);

/// Runs `what` on a session of its own; the session goes on, and nothing is left.
fn on_a_session(how: How, what: impl FnOnce(&mut Rig, &mut Initiator)) {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, how);
    what(&mut rig, &mut initiator);
    initiator.ping(&mut rig, false);
    assert_eq!(initiator.command(&mut rig, &[0; 6], 0, 0).status(), 0);
    initiator.logout(&mut rig);
    rig.settle();
}

fn rejected(rig: &mut Rig, initiator: &mut Initiator, bhs: [u8; 48], data: &[u8]) -> R {
    initiator.send(bhs, data);
    let pdu = initiator.receive(rig).expect("a reject");
    let mut sent = bhs;
    sent[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
    assert_eq!(pdu.data, sent, "the header comes back");
    pdu.reject()
}

#[test]
fn requests_that_are_none() {
    on_a_session(How::default(), |rig, initiator| {
        for (opcode, reason) in [
            (0x5f, R::COMMAND_NOT_SUPPORTED),
            (0x47, R::COMMAND_NOT_SUPPORTED),
            (0x21, R::PROTOCOL_ERROR),
            (0x3f, R::PROTOCOL_ERROR),
            (0x43, R::PROTOCOL_ERROR),
            (0x10, R::SNACK_REJECT),
        ] {
            let (bhs, _) = initiator.request(opcode | 0x40, 0x80);
            assert_eq!(rejected(rig, initiator, bhs, &[1; 7]), reason, "{opcode:#x}");
        }
    });
}

#[test]
fn commands_that_are_wrong() {
    on_a_session(How::default(), |rig, initiator| {
        let (bhs, _) = initiator.scsi(&[0; 6], 0x80 | 0x60, 512);
        assert_eq!(rejected(rig, initiator, bhs, &[]), R::COMMAND_NOT_SUPPORTED, "both ways");
        let (bhs, _) = initiator.scsi(&cdb10(0x28, 0, 1), 0x80 | 0x40, 512);
        assert_eq!(rejected(rig, initiator, bhs, &[0; 512]), R::PROTOCOL_ERROR, "a read with data");
        let (mut bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
        bhs[1] |= 7;
        assert_eq!(rejected(rig, initiator, bhs, &[]), R::INVALID_FIELD, "an attribute that is none");
        let (mut bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
        bhs[16..20].fill(0xff);
        assert_eq!(rejected(rig, initiator, bhs, &[]), R::INVALID_FIELD, "the reserved tag");
        let (mut bhs, _) = initiator.request(0, 0x80);
        bhs[16..20].fill(0xff);
        assert_eq!(rejected(rig, initiator, bhs, &[]), R::PROTOCOL_ERROR, "a NOP without a tag is immediate");
        let (bhs, _) = initiator.request(0x46, 0x80 | 5);
        assert_eq!(rejected(rig, initiator, bhs, &[]), R::INVALID_FIELD, "a reason for logout that is none");
        let (mut bhs, _) = initiator.request(0x44, 0x80);
        bhs[20..24].fill(0xff);
        assert_eq!(rejected(rig, initiator, bhs, b"no pairs at all"), R::PROTOCOL_ERROR);
    });
}

#[test]
fn additional_headers() {
    on_a_session(How::default(), |rig, initiator| {
        let mut with = |initiator: &mut Initiator, ahs: &[u8]| {
            let (mut bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
            bhs[4] = ahs.len() as u8 / 4;
            initiator.send_bytes(&bhs);
            initiator.send_bytes(ahs);
            initiator.receive(rig).unwrap()
        };
        // A CDB of 32 bytes is looked at: this one is no command.
        let mut long = [0; 20];
        long[..3].copy_from_slice(&[0, 17, 1]);
        assert_eq!(with(initiator, &long).status(), 0, "TEST UNIT READY with more behind it");
        let mut longer = [0; 24];
        longer[..3].copy_from_slice(&[0, 21, 1]);
        assert_eq!(with(initiator, &longer).reject(), R::COMMAND_NOT_SUPPORTED);
        assert_eq!(with(initiator, &[0, 5, 2, 0, 0, 0, 2, 0]).reject(), R::COMMAND_NOT_SUPPORTED, "a read length");
        assert_eq!(with(initiator, &[0, 9, 1, 0]).reject(), R::INVALID_FIELD);
    });
}

#[test]
fn numbers_outside_the_window_never_were() {
    on_a_session(How::default(), |rig, initiator| {
        for wrong in [initiator.cmd_sn - 1, initiator.max_cmd_sn + 1, initiator.cmd_sn.wrapping_add(1 << 31)] {
            let (mut bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
            initiator.cmd_sn -= 1;
            bhs[24..28].copy_from_slice(&wrong.to_be_bytes());
            initiator.send(bhs, &[]);
            initiator.silence(rig);
        }
    });
}

#[test]
fn a_tag_that_is_in_use() {
    on_a_session(How::default(), |rig, initiator| {
        let data = pattern(3, 16_384);
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
        initiator.send(bhs, &[]);
        let r2t = initiator.receive(rig).unwrap();
        let (mut again, _) = initiator.scsi(&[0; 6], 0x80, 0);
        again[16..20].copy_from_slice(&itt.to_be_bytes());
        assert_eq!(rejected(rig, initiator, again, &[]), R::TASK_IN_PROGRESS);
        let (mut again, _) = initiator.request(0x42, 0x82);
        again[16..20].copy_from_slice(&itt.to_be_bytes());
        assert_eq!(rejected(rig, initiator, again, &[]), R::TASK_IN_PROGRESS);
        initiator.data_out(itt, r2t.u32(20), (0, 0), &data, true);
        assert_eq!(initiator.receive(rig).unwrap().status(), 0);
    });
}

#[test]
fn data_that_was_not_to_come() {
    on_a_session(How::default().key("ImmediateData", "No"), |rig, initiator| {
        let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 1), FINAL | WRITE, 512);
        initiator.send(bhs, &[0; 512]);
        assert_eq!(initiator.receive(rig).unwrap().sense(), UNEXPECTED);
    });
    on_a_session(How::default().key("InitialR2T", "Yes"), |rig, initiator| {
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 2), WRITE, 1024);
        initiator.send(bhs, &[0; 512]);
        initiator.silence(rig);
        initiator.data_out(itt, RESERVED_TAG, (0, 512), &[0; 512], true);
        assert_eq!(initiator.receive(rig).unwrap().sense(), UNEXPECTED);
    });
    on_a_session(How::default(), |rig, initiator| {
        // Behind the end of what comes unsolicited.
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
        initiator.send(bhs, &[0; 512]);
        let r2t = initiator.receive(rig).unwrap();
        let mut out = [0; 48];
        (out[0], out[1]) = (5, 0x80);
        out[16..20].copy_from_slice(&itt.to_be_bytes());
        out[20..24].fill(0xff);
        assert_eq!(rejected(rig, initiator, out, &[0; 512]), R::PROTOCOL_ERROR);
        initiator.data_out(itt, r2t.u32(20), (0, 512), &[0; 15_872], true);
        assert_eq!(initiator.receive(rig).unwrap().status(), 0);
    });
}

#[test]
fn more_data_than_was_agreed_on() {
    on_a_session(How::default().key("InitialR2T", "No"), |rig, initiator| {
        let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
        initiator.send(bhs, &[0; 8193]);
        assert_eq!(initiator.receive(rig).unwrap().sense(), AMOUNT, "beyond the first burst at once");
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 32), WRITE, 16_384);
        initiator.send(bhs, &[0; 8000]);
        initiator.data_out(itt, RESERVED_TAG, (0, 8000), &[0; 512], true);
        assert_eq!(initiator.receive(rig).unwrap().sense(), AMOUNT, "beyond the first burst later");
        let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 1), FINAL | WRITE, 512);
        initiator.send(bhs, &[0; 1024]);
        assert_eq!(initiator.receive(rig).unwrap().sense(), AMOUNT, "beyond what was expected");
    });
}

#[test]
fn answers_to_r2ts_that_are_wrong() {
    on_a_session(How::default(), |rig, initiator| {
        let data = pattern(1, 16_384);
        // DataSN, offset, length, whether F.
        for (numbers, len, sound) in [
            ((1, 0), 16_384, false),
            ((0, 512), 15_872, false),
            ((0, 0), 512, false),
            ((0, 0), 16_385, false),
            ((0, u32::MAX - 3), 512, false),
            ((0, 0), 16_384, true),
        ] {
            let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
            initiator.send(bhs, &[]);
            let r2t = initiator.receive(rig).unwrap();
            let bytes = [&data[..], &[0]].concat();
            initiator.data_out(itt, r2t.u32(20), numbers, &bytes[..len], true);
            let response = initiator.receive(rig).unwrap();
            if sound {
                assert_eq!(response.status(), 0);
            } else {
                assert_eq!(response.sense(), AMOUNT, "{numbers:?} {len}");
            }
        }
        assert!(initiator.read(rig, 0, 32) == data);
    });
}

#[test]
fn transfer_tags_that_are_wrong() {
    on_a_session(How::default(), |rig, initiator| {
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
        initiator.send(bhs, &[]);
        let r2t = initiator.receive(rig).unwrap();
        for wrong in [r2t.u32(20) ^ 1, r2t.u32(20) ^ 1 << 16, 0xffff, 0] {
            if wrong == r2t.u32(20) {
                continue;
            }
            let mut out = [0; 48];
            (out[0], out[1]) = (5, 0x80);
            out[16..20].copy_from_slice(&itt.to_be_bytes());
            out[20..24].copy_from_slice(&wrong.to_be_bytes());
            assert_eq!(rejected(rig, initiator, out, &[0; 16]), R::PROTOCOL_ERROR);
        }
        // Of a task that nobody knows: dropped.
        initiator.data_out(0x1234_5678, r2t.u32(20), (0, 0), &[0; 512], true);
        initiator.silence(rig);
        initiator.data_out(itt, r2t.u32(20), (0, 0), &[0; 16_384], true);
        assert_eq!(initiator.receive(rig).unwrap().status(), 0);
    });
}

#[test]
fn a_data_segment_that_is_too_long() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let (mut bhs, _) = initiator.request(0x40, 0x80);
    bhs[5..8].copy_from_slice(&[4, 0, 0]);
    initiator.send_bytes(&bhs);
    assert_eq!(initiator.receive(&mut rig).unwrap().reject(), R::PROTOCOL_ERROR);
    initiator.gone(&mut rig);
    rig.settle();
}

#[test]
fn nobody_is_asked_again_after_a_logout() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let (bhs, _) = initiator.scsi(&cdb10(0x2a, 0, 32), FINAL | WRITE, 16_384);
    initiator.send(bhs, &[]);
    let (logout, _) = initiator.request(0x46, 0x80);
    initiator.send(logout, &[]);
    let (bhs, _) = initiator.scsi(&[0; 6], 0x80, 0);
    initiator.send(bhs, &[]);
    let mut seen = Vec::new();
    while let Some(pdu) = initiator.receive(&mut rig) {
        seen.push(pdu.opcode());
    }
    assert!(seen.contains(&Opcode::LOGOUT_RESPONSE) && !seen.contains(&Opcode::SCSI_RESPONSE), "{seen:?}");
    drop(initiator);
    rig.settle();
}

/// Any bytes behind a login: answers or a closed connection, and nothing left.
#[test]
fn garbage() {
    let mut rig = Rig::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..300_u64 {
        let mut initiator = Initiator::ready(&mut rig, How::default().key("InitialR2T", "No"));
        for _ in 0..20 {
            let (mut bhs, _) =
                initiator.request([0x01, 0x41, 0x05, 0x42, 0x00, 0x04, 0x10][random() as usize % 7], random() as u8);
            for _ in 0..random() % 4 {
                bhs[random() as usize % 48] = random() as u8;
            }
            if random() % 2 == 0 {
                bhs[32] = [0x28, 0x2a, 0x00, 0x12][random() as usize % 4];
                bhs[20..24].copy_from_slice(&(random() as u32 % 20_000).to_be_bytes());
            }
            bhs[4] = 0;
            let data = vec![0x5a; random() as usize % 3 * 700];
            initiator.send(bhs, &data);
            rig.turn();
        }
        if round % 2 == 0 {
            for _ in 0..3 {
                rig.turn();
            }
        }
    }
    rig.settle();
}
