//! Header and data digests.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::Rig;
use wire::iscsi::{Opcode, RejectReason};

fn with(header: bool, data: bool) -> How {
    let value = |on| if on { "CRC32C" } else { "None" };
    How::default().key("HeaderDigest", value(header)).key("DataDigest", value(data))
}

/// A PDU as it should be, changed at one place: counted from the end if below 0.
fn harmed(initiator: &Initiator, mut bhs: [u8; 48], data: &[u8], at: isize) -> Vec<u8> {
    bhs[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
    let mut bytes = bhs.to_vec();
    if initiator.header_digest {
        bytes.extend(crc32c::crc32c(&bhs).to_le_bytes());
    }
    let from = bytes.len();
    bytes.extend(data);
    if initiator.data_digest {
        let crc = crc32c::crc32c(&bytes[from..]);
        bytes.extend(crc.to_le_bytes());
    }
    let at = if at < 0 { bytes.len() as isize + at } else { at } as usize;
    bytes[at] ^= 4;
    bytes
}

#[test]
fn data_both_ways_under_digests() {
    let mut rig = Rig::new();
    for (header, data) in [(true, false), (false, true), (true, true)] {
        let mut initiator = Initiator::ready(&mut rig, with(header, data).key("MaxRecvDataSegmentLength", 1001));
        let bytes = pattern(u8::from(header), 40_960);
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 80), 0x80 | 0x20, 40_960);
        initiator.send(bhs, &bytes[..4096]);
        let (response, _) = initiator.serve(&mut rig, itt, &bytes, 4097);
        assert_eq!(response.status(), 0);
        assert!(initiator.read(&mut rig, 0, 80) == bytes);
        let response = initiator.command(&mut rig, &[0xff; 6], 0, 0);
        assert_eq!(response.sense(), (5, 0x2000));
        initiator.ping(&mut rig, true);
        initiator.logout(&mut rig);
    }
    rig.settle();
}

#[test]
fn a_harmed_header_ends_the_connection() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, with(true, false));
    let (bhs, _) = initiator.request(0x40, 0x80);
    let bytes = harmed(&initiator, bhs, &[], 17);
    initiator.send_bytes(&bytes);
    initiator.gone(&mut rig);
    rig.settle();
}

#[test]
fn a_command_whose_data_is_harmed_never_was() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, with(true, true));
    let data = pattern(7, 4096);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 8), 0x80 | 0x20, 4096);
    let bytes = harmed(&initiator, bhs, &data, -100);
    initiator.send_bytes(&bytes);
    let reject = initiator.receive(&mut rig).unwrap();
    assert_eq!((reject.reject(), &reject.data[16..20]), (RejectReason::DATA_DIGEST_ERROR, &itt.to_be_bytes()[..]));
    // The same again, with the same number.
    initiator.send(bhs, &data);
    let response = initiator.receive(&mut rig).unwrap();
    assert_eq!((response.opcode(), response.status(), response.itt()), (Opcode::SCSI_RESPONSE, 0, itt));
    assert!(initiator.read(&mut rig, 0, 8) == data);
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn harmed_data_fails_the_command_when_its_sequence_is_over() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, with(false, true));
    let data = pattern(7, 8192);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 16), 0x80 | 0x20, 8192);
    initiator.send(bhs, &[]);
    let r2t = initiator.receive(&mut rig).unwrap();
    let mut out = [0; 48];
    out[0] = 5;
    out[16..20].copy_from_slice(&itt.to_be_bytes());
    out[20..24].copy_from_slice(&r2t.u32(20).to_be_bytes());
    let bytes = harmed(&initiator, out, &data[..4096], 60);
    initiator.send_bytes(&bytes);
    assert_eq!(initiator.receive(&mut rig).unwrap().reject(), RejectReason::DATA_DIGEST_ERROR);
    initiator.silence(&mut rig);
    initiator.data_out(itt, r2t.u32(20), (1, 4096), &data[4096..], true);
    let response = initiator.receive(&mut rig).unwrap();
    assert_eq!((response.status(), response.sense()), (2, (0xb, 0x4705)));
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn a_harmed_ping_is_rejected() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, with(false, true));
    let (bhs, _) = initiator.request(0, 0x80);
    let bytes = harmed(&initiator, bhs, b"ping", 50);
    initiator.send_bytes(&bytes);
    assert_eq!(initiator.receive(&mut rig).unwrap().reject(), RejectReason::DATA_DIGEST_ERROR);
    initiator.cmd_sn -= 1;
    initiator.ping(&mut rig, false);
    initiator.logout(&mut rig);
    rig.settle();
}
