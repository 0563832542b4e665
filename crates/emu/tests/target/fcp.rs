//! SCSI commands: data both ways, every way to say the status, task management, shortages.

use super::rig::{BASE, BLOCK, DISK, Options, Rig, ctio, data, disk_cdb, status};
use fc::Fc4;
use fc::fc2::{Direction as Data, Limits};
use wire::fcp::{Cmnd, Direction, Residual, Rsp, RspCode, TaskManagement};
use wire::isp::iocb::{
    Atio7, Ctio7Completion, CtioFlags, CtioStatus, Dsd64, EntryHeader, EntryType, FcpStatus, NO_EXCHANGE, atio_payload,
};

const LUN: [u8; 8] = [0, 3, 0, 0, 0, 0, 0, 0];

pub fn read(block: u32, blocks: u16) -> [u8; 32] {
    Cmnd::simple(LUN, &disk_cdb(0x28, block, blocks), Direction::Read, u32::from(blocks) * BLOCK)
}

pub fn write(block: u32, blocks: u16) -> [u8; 32] {
    Cmnd::simple(LUN, &disk_cdb(0x2a, block, blocks), Direction::Write, u32::from(blocks) * BLOCK)
}

fn pattern(seed: u32, bytes: u32) -> Vec<u8> {
    (0..bytes).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).collect()
}

#[test]
fn what_is_written_is_read() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    for (n, blocks) in [1u16, 8, 127, 256, 3].into_iter().enumerate() {
        let (block, bytes) = (n as u32 * 300, u32::from(blocks) * BLOCK);
        let expected = pattern(n as u32, bytes);
        let mut buffer = rig.pool.take(bytes).unwrap();
        buffer.bytes_mut().copy_from_slice(&expected);
        rig.command(session, &write(block, blocks), Data::Out(buffer), 1);
        rig.pass(60);
        let (result, buffer, _, sent) = rig.ended(1).expect("it ended");
        assert_eq!((Rsp::parse(&result.unwrap()).unwrap(), sent), (Rsp::default(), bytes));
        rig.pool.give(buffer);
        let at = (block * BLOCK) as usize;
        assert!(rig.disk()[at..at + bytes as usize] == expected, "{blocks} blocks");
        let buffer = rig.pool.take(bytes).unwrap();
        rig.command(session, &read(block, blocks), Data::In(buffer), 2);
        rig.pass(60);
        let (result, buffer, received, _) = rig.ended(2).expect("it ended");
        assert_eq!((Rsp::parse(&result.unwrap()).unwrap(), received), (Rsp::default(), bytes));
        assert!(buffer.bytes() == expected, "{blocks} blocks");
        rig.pool.give(buffer);
        // Of the write only the status has a completion.
        let done = rig.completions();
        assert_eq!(done.len(), 3);
        assert!(done.iter().all(|(status, flags)| *status == CtioStatus::SUCCESS && !flags.terminate()));
    }
}

#[test]
fn many_commands_share_little_memory() {
    let classes = vec![dma::Class { size: 4096, count: 2 }];
    let mut rig = Rig::with(Options { classes, ..Options::default() });
    let session = rig.login(Fc4::Fcp).expect("a session");
    let expected = pattern(7, 64 * BLOCK);
    rig.disk()[..expected.len()].copy_from_slice(&expected);
    for n in 0..10 {
        let mut buffer = rig.pool.take(64 * BLOCK).unwrap();
        buffer.bytes_mut().fill(n as u8);
        let (iu, way) =
            if n % 2 == 0 { (read(0, 64), Data::In(buffer)) } else { (write(1000 + 64 * n, 64), Data::Out(buffer)) };
        rig.command(session, &iu, way, u64::from(n));
    }
    rig.pass(500);
    for n in 0..10u32 {
        let (result, buffer, ..) = rig.ended(u64::from(n)).expect("it ended");
        assert_eq!(Rsp::parse(&result.unwrap()).unwrap(), Rsp::default());
        if n % 2 == 0 {
            assert!(buffer.bytes() == expected);
        }
        let at = ((1000 + 64 * n) * BLOCK) as usize;
        assert!(n % 2 == 0 || rig.disk()[at..at + (64 * BLOCK) as usize].iter().all(|byte| *byte == n as u8));
        rig.pool.give(buffer);
    }
    assert!(rig.firmware.counters().waited > 0);
}

#[test]
fn the_atio_has_the_frame_as_it_was() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    rig.serves = false;
    let mut iu = read(0x0102_0304, 9);
    iu[9] = 1;
    rig.command(session, &iu, Data::None, 1);
    rig.pass(5);
    let entries = rig.atio(EntryType::ATIO_7).expect("a command");
    let atio = Atio7::of(&entries[0]);
    assert_eq!((entries.len(), atio.length(), atio.attribute()), (1, 0x38, 1));
    assert_eq!((atio.frame.s_id(), atio.frame.d_id()), (session.local_id, session.peer_id));
    assert_eq!((atio.frame.r_ctl.0, atio.frame.type_.0), (6, 8));
    assert_eq!(atio_payload(&entries), Some(&iu[..]));
    // A long CDB goes on in the next slot.
    let head = *wire::parse::<wire::fcp::CmndHead>(&iu).unwrap();
    let mut long = [0; 64];
    let length = Cmnd { head: &head, additional_cdb: &[0xcc; 16], data_length: 512, read_length: None }
        .write(&mut long)
        .unwrap();
    rig.command(session, &long[..length], Data::None, 2);
    rig.pass(5);
    let entries = rig.atio(EntryType::ATIO_7).expect("a command");
    assert_eq!((entries.len(), entries[0][1]), (2, 2));
    assert_eq!(atio_payload(&entries), Some(&long[..length]));
}

/// Sends a command that the test answers by itself.
fn held(rig: &mut Rig, session: fc::SessionInfo, iu: &[u8], way: Data) -> Vec<[u8; 64]> {
    rig.serves = false;
    rig.command(session, iu, way, 1);
    rig.pass(5);
    rig.atio(EntryType::ATIO_7).expect("a command")
}

fn answered(rig: &mut Rig) -> Vec<u8> {
    rig.pass(20);
    let (result, buffer, ..) = rig.ended(1).expect("it ended");
    rig.pool.give(buffer);
    result.expect("a response")
}

#[test]
fn every_way_to_say_the_status() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let mut sense = [0; 18];
    (sense[0], sense[2], sense[7], sense[12]) = (0x70, 5, 10, 0x24);
    // Mode 1, sense and residual.
    let way = Data::In(rig.pool.take(512).unwrap());
    let atio = held(&mut rig, session, &read(0, 1), way);
    let mut entry = status(&atio, 2);
    entry.scsi_status.set(FcpStatus::new(2, Residual::Under(512)).0);
    entry.residual.set(512);
    rig.order(0, &[*entry.with_inline(&[], &sense).entry()]);
    let response = answered(&mut rig);
    let rsp = Rsp::parse(&response).unwrap();
    assert_eq!((rsp.status, rsp.residual, rsp.sense), (2, Residual::Under(512), &sense[..]));
    // Mode 2: the response IU in memory.
    let way = Data::In(rig.pool.take(512).unwrap());
    let atio = held(&mut rig, session, &read(0, 1), way);
    let wanted = Rsp { status: 8, qualifier: 77, sense: &sense, ..Rsp::default() };
    let mut iu = [0; 64];
    let length = wanted.write(&mut iu).unwrap();
    rig.disk()[..length].copy_from_slice(&iu[..length]);
    let mut entry = ctio(&atio, CtioFlags(0).with_mode_2(true).with_send_status(true));
    entry.transfer_length.set(length as u32);
    (entry.dsd[0], entry.dseg_count) = (Dsd64::new(BASE + DISK as u64, length as u32), 1.into());
    rig.order(0, &[*entry.entry()]);
    assert_eq!(answered(&mut rig), iu[..length]);
    // Mode 0 without data: GOOD with an underrun.
    let way = Data::In(rig.pool.take(512).unwrap());
    let atio = held(&mut rig, session, &read(0, 1), way);
    let mut entry = ctio(&atio, CtioFlags(0).with_send_status(true));
    (entry.residual, entry.scsi_status) = (512.into(), FcpStatus::new(0, Residual::Under(512)).0.into());
    rig.order(0, &[*entry.entry()]);
    assert_eq!(Rsp::parse(&answered(&mut rig)).unwrap(), Rsp { residual: Residual::Under(512), ..Rsp::default() });
    assert_eq!(rig.completions().len(), 3);
}

#[test]
fn task_management_is_answered_by_response_info() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let iu = Cmnd::task_management(LUN, TaskManagement::NONE.with_lun_reset(true));
    let atio = held(&mut rig, session, &iu, Data::None);
    assert_eq!(atio[0][42], 0x10);
    rig.order(0, &[*status(&atio, 0).with_inline(&[0, 0, 0, 4, 0, 0, 0, 0], &[]).entry()]);
    assert_eq!(Rsp::parse(&answered(&mut rig)).unwrap(), Rsp::task_management(RspCode::REJECTED));
}

#[test]
fn a_terminated_command_gets_no_response() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let atio = held(&mut rig, session, &write(0, 8), Data::None);
    let mut end = ctio(&atio, CtioFlags(0).with_mode_1(true).with_terminate(true));
    end.nport_handle.set(0xffff);
    rig.order(0, &[*end.entry()]);
    rig.pass(20);
    assert!(rig.ended(1).is_none());
    assert_eq!(rig.completions()[0].0, CtioStatus::SUCCESS);
    // Once more there is nothing to end.
    rig.order(0, &[*end.entry()]);
    assert_eq!(
        {
            rig.pass(1);
            rig.completions()[0].0
        },
        CtioStatus::INVALID_RX_ID
    );
}

#[test]
fn data_that_do_not_come_are_given_up() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let ready = fabric::Match { r_ctl: Some(wire::fc::RCtl::DATA_DESCRIPTOR), ..fabric::Match::default() };
    rig.switch.inject(fabric::Rule {
        matches: ready,
        action: fabric::Action::Drop,
        count: None,
        probability: 1.0,
        seed: 1,
    });
    let buffer = rig.pool.take(4096).unwrap();
    let atio = held(&mut rig, session, &write(0, 8), Data::Out(buffer));
    let mut late = data(&atio, CtioFlags(0).with_data_out(true), (0, 4096), BASE);
    late[0][10] = 3;
    rig.order(0, &late);
    rig.pass(2900);
    assert!(rig.completions().is_empty());
    rig.pass(200);
    let (status, flags) = rig.completions()[0];
    assert_eq!((status, flags.terminate()), (CtioStatus::TIMEOUT, false));
    // The exchange is open still: the driver says what it thinks of that.
    rig.order(0, &[*super::rig::status(&atio, 8).entry()]);
    rig.pass(5);
    assert_eq!(rig.completions()[0].0, CtioStatus::SUCCESS);
}

#[test]
fn without_exchanges_the_driver_says_busy() {
    let limits = Limits { exchanges: 128, reserve: 4, ..Limits::default() };
    let mut rig = Rig::with(Options { limits, ..Options::default() });
    let session = rig.login(Fc4::Fcp).expect("a session");
    rig.serves = false;
    for context in 0..120 {
        rig.command(session, &read(0, 1), Data::None, context);
    }
    rig.pass(50);
    let atios: Vec<_> = std::iter::from_fn(|| rig.atio(EntryType::ATIO_7)).collect();
    let (short, normal): (Vec<_>, Vec<_>) =
        atios.iter().partition(|atio| Atio7::of(&atio[0]).exchange_address.get() == NO_EXCHANGE);
    assert_eq!((normal.len(), short.len()), (112, 8));
    for atio in &short {
        let mut busy = status(atio, 8);
        busy.flags.set(busy.flags().with_no_completion(true).0);
        rig.order(0, &[*busy.entry()]);
    }
    rig.pass(20);
    let busy = (0..120)
        .filter_map(|context| rig.ended(context))
        .map(|(result, ..)| Rsp::parse(&result.unwrap()).unwrap().status);
    assert_eq!(busy.collect::<Vec<_>>(), [8; 8]);
    assert!(rig.completions().is_empty());
    for atio in &normal {
        rig.order(0, &[*status(atio, 0).entry()]);
    }
    rig.pass(20);
    assert_eq!(rig.completions().len(), 112);
}

#[test]
fn in_initiator_mode_there_is_no_target() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let atio = held(&mut rig, session, &read(0, 1), Data::None);
    let mut icb = wire::isp::icb::Icb::defaults();
    icb.port_name = super::rig::names(2).port.to_bytes();
    let now = rig.now;
    rig.firmware.start(&icb, [0; 3], now);
    rig.outputs.clear();
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(1);
    let (_, entry) = rig.response(EntryType::CTIO_7).expect("it came back");
    assert!(EntryHeader::of(&entry).status().invalid_type(), "{:?}", Ctio7Completion::of(&entry));
}
