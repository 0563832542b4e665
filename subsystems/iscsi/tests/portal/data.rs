//! Data both ways, in all the ways that can be agreed on.

use crate::initiator::{How, Initiator, cdb10, pattern};
use crate::rig::{Rig, options};
use iscsi::Options;
use wire::iscsi::{Opcode, RESERVED_TAG};

const WRITE: u8 = 0x20;
const READ: u8 = 0x40;
const FINAL: u8 = 0x80;

/// Writes 40 KiB as the four combinations allow, with bursts of 16 KiB and a first burst of 8 KiB.
fn write_and_read(rig: &mut Rig, immediate: bool, initial_r2t: bool, outstanding: u16) {
    let yes_no = |yes| if yes { "Yes" } else { "No" };
    let how = How::default()
        .key("ImmediateData", yes_no(immediate))
        .key("InitialR2T", yes_no(initial_r2t))
        .key("FirstBurstLength", 8192)
        .key("MaxBurstLength", 16_384)
        .key("MaxOutstandingR2T", outstanding);
    let mut initiator = Initiator::ready(rig, how);
    let data = pattern(immediate as u8 * 2 + initial_r2t as u8, 40_960);
    let now = if immediate { 3000 } else { 0 };
    let flags = WRITE | if initial_r2t { FINAL } else { 0 };
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 8, 80), flags, 40_960);
    initiator.send(bhs, &data[..now]);
    let mut sent = now;
    if !initial_r2t {
        for (n, end) in [(0, 5000), (1, 8192)] {
            initiator.data_out(itt, RESERVED_TAG, (n, sent as u32), &data[sent..end], end == 8192);
            sent = end;
            rig.turn();
        }
    }
    let (response, r2ts) = initiator.serve(rig, itt, &data, 4096);
    assert_eq!((response.opcode(), response.status(), response.bytes[1]), (Opcode::SCSI_RESPONSE, 0, 0x80));
    assert_eq!(r2ts, (40_960 - sent as u32).div_ceil(16_384), "{immediate} {initial_r2t}");
    assert_eq!(response.u32(36), r2ts, "ExpDataSN");
    assert_eq!(initiator.read(rig, 8, 80), data);
    initiator.logout(rig);
    rig.settle();
}

#[test]
fn four_ways_to_send() {
    for outstanding in [1, 4] {
        let mut rig = Rig::with(Options { max_outstanding_r2t: 4, ..options() }, Default::default());
        for (immediate, initial_r2t) in [(true, true), (true, false), (false, true), (false, false)] {
            write_and_read(&mut rig, immediate, initial_r2t, outstanding);
        }
    }
}

#[test]
fn a_whole_write_in_the_command() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default().key("InitialR2T", "Yes"));
    for len in [512, 4096, 8192] {
        let data = pattern(len as u8 ^ 5, len);
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, len as u16 / 512), FINAL | WRITE, len as u32);
        initiator.send(bhs, &data);
        let (response, r2ts) = initiator.serve(&mut rig, itt, &data, 512);
        assert_eq!((response.status(), r2ts), (0, 0));
        assert_eq!(initiator.read(&mut rig, 0, len as u16 / 512), data);
    }
    initiator.logout(&mut rig);
    rig.settle();
}

/// More data than there are buffers for, immediate data in front of data that buffers are held for.
#[test]
fn writes_that_wait_for_buffers_hold_up_nobody() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default().key("InitialR2T", "No"));
    let data = pattern(9, 262_144);
    let mut open = Vec::new();
    for n in 0..12_u32 {
        let (bhs, itt) = initiator.scsi(&cdb10(0x2a, n * 512, 512), FINAL | WRITE, 262_144);
        initiator.send(bhs, &data[..8192]);
        rig.turn();
        open.push(itt);
    }
    let mut over = 0;
    while over < open.len() {
        let pdu = initiator.receive(&mut rig).expect("an R2T or a response");
        if pdu.opcode() == Opcode::SCSI_RESPONSE {
            assert_eq!(pdu.status(), 0);
            over += 1;
            continue;
        }
        let (from, len) = (pdu.u32(40) as usize, pdu.u32(44) as usize);
        initiator.data_out(pdu.itt(), pdu.u32(20), (0, from as u32), &data[from..from + len], true);
    }
    for n in 0..12 {
        assert!(initiator.read(&mut rig, n * 512, 512) == data, "write {n}");
    }
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn reads_are_cut_as_the_initiator_wants() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let data = pattern(3, 65_536);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 128), FINAL | WRITE, 65_536);
    initiator.send(bhs, &[]);
    initiator.serve(&mut rig, itt, &data, 8192);
    initiator.logout(&mut rig);
    for (segment, burst, pdus, finals) in [
        (8192, 16_384, 8, 4),
        (512, 16_384, 128, 4),
        (1000, 512, 128, 128),
        (262_144, 16_384, 4, 4),
        (777, 1024, 128, 64),
    ] {
        let how = How::default()
            .key("MaxRecvDataSegmentLength", segment)
            .key("MaxBurstLength", burst)
            .key("FirstBurstLength", 512);
        let mut initiator = Initiator::ready(&mut rig, how);
        let (bhs, _) = initiator.scsi(&cdb10(0x28, 0, 128), FINAL | READ, 65_536);
        initiator.send(bhs, &[]);
        let (mut all, mut count, mut ends) = (Vec::<u8>::new(), 0, 0);
        while all.len() < data.len() {
            let pdu = initiator.receive(&mut rig).expect("data");
            assert_eq!(pdu.u32(40) as usize, all.len());
            assert!(pdu.data.len() <= segment);
            all.extend(&pdu.data);
            count += 1;
            ends += usize::from(pdu.bytes[1] >> 7);
        }
        assert!(all == data, "{segment} {burst}");
        assert_eq!((count, ends), (pdus, finals), "{segment} {burst}");
        initiator.logout(&mut rig);
    }
    rig.settle();
}

#[test]
fn residuals() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    // Fewer bytes than the initiator expects, and more.
    let under = initiator.command(&mut rig, &cdb10(0x28, 0, 1), READ, 1024);
    assert_eq!((under.opcode(), under.bytes[1], under.u32(44), under.data.len()), (Opcode::DATA_IN, 0x83, 512, 512));
    let over = initiator.command(&mut rig, &cdb10(0x28, 0, 2), READ, 512);
    assert_eq!((over.bytes[1], over.u32(44), over.data.len()), (0x85, 512, 512));
    let none = initiator.command(&mut rig, &cdb10(0x28, 0, 1), READ, 0);
    assert_eq!((none.opcode(), none.bytes[1] & 0x0f, none.u32(44)), (Opcode::SCSI_RESPONSE, 4, 512));
    let data = pattern(1, 1024);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0, 1), FINAL | WRITE, 1024);
    initiator.send(bhs, &data);
    let (response, _) = initiator.serve(&mut rig, itt, &data, 512);
    assert_eq!((response.status(), response.bytes[1], response.u32(44)), (0, 0x82, 512));
    initiator.logout(&mut rig);
    rig.settle();
}

#[test]
fn sense_data_comes_with_the_response() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default());
    let response = initiator.command(&mut rig, &cdb10(0x28, 0x7fff_ffff, 1), READ, 512);
    assert_eq!((response.status(), response.sense()), (2, (5, 0x2100)));
    assert_eq!((response.bytes[1] & 6, response.u32(44)), (2, 512));
    initiator.logout(&mut rig);
    rig.settle();
}

/// A write that fails before its data: what comes unsolicited is dropped.
#[test]
fn data_of_a_command_that_failed_is_dropped() {
    let mut rig = Rig::new();
    let mut initiator = Initiator::ready(&mut rig, How::default().key("InitialR2T", "No"));
    let data = pattern(1, 8192);
    let (bhs, itt) = initiator.scsi(&cdb10(0x2a, 0x7fff_ffff, 16), WRITE, 8192);
    initiator.send(bhs, &data[..4096]);
    let response = initiator.receive(&mut rig).unwrap();
    assert_eq!(response.sense(), (5, 0x2100));
    initiator.data_out(itt, RESERVED_TAG, (0, 4096), &data[4096..], true);
    initiator.silence(&mut rig);
    initiator.ping(&mut rig, false);
    initiator.logout(&mut rig);
    rig.settle();
}
