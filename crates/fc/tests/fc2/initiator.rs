//! Commands that we send.

use crate::rig::*;
use fc::fc2::{Direction, Failure, Payload, Upcall};
use fc::{Fc4, Xid};
use wire::fc::bls::{BaAcc, BaRjt};
use wire::fc::els::{Command, ExchangeId};
use wire::fc::{FCtl, FrameHeader, RCtl, Type, UNASSIGNED};

const RX: u16 = 0x4321;

impl Rig {
    /// Sends a command. Its name and OX_ID.
    fn begin(&mut self, fc4: Fc4, data: Direction) -> (Xid, u16) {
        let xid = self.engine.command(route(), fc4, &[7; 32], data, 30 * SECOND, 5, self.now).expect("there is room");
        let frame = self.one();
        let header = frame.header();
        assert_eq!((header.r_ctl, header.type_), (RCtl::UNSOLICITED_COMMAND, Type::FCP));
        assert_eq!((header.f_ctl(), header.rx_id()), (FCtl::REQUEST, UNASSIGNED));
        assert_eq!((header.s_id(), header.d_id(), header.seq_cnt()), (HOST, DISK, 0));
        assert_eq!(frame.payload(), [7; 32]);
        (xid, header.ox_id())
    }

    fn read(&mut self, len: u32) -> (Xid, u16) {
        let data = painted(&mut self.pool, len, 77);
        self.begin(Fc4::Fcp, Direction::In(data))
    }

    fn write(&mut self, len: u32) -> (Xid, u16) {
        let data = painted(&mut self.pool, len, 0);
        self.begin(Fc4::Fcp, Direction::Out(data))
    }

    fn respond(&mut self, ox_id: u16, payload: &[u8]) {
        self.arrive(from_disk(RCtl::COMMAND_STATUS, 0x98_0000, ox_id, RX), payload);
    }

    /// Takes the end of a command: how it ended, and what came and went.
    fn ended(&mut self) -> (Result<Vec<u8>, Failure>, u32, u32) {
        let Upcall::Ended { context: 5, data, result, received, sent, .. } = self.upcall() else { panic!("ended") };
        if received == data.len() {
            assert!(is_painted(data.bytes(), 0));
        }
        self.home(data);
        let result = result.map(|payload| {
            let bytes = payload.bytes().to_vec();
            self.recycle(payload);
            bytes
        });
        (result, received, sent)
    }
}

fn basic(r_ctl: RCtl, ox_id: u16) -> FrameHeader {
    from_disk(r_ctl, 0x99_0000, ox_id, RX)
}

#[test]
fn data_are_placed_by_offset_and_counted_once() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.read(8192);
    for part in [2, 0, 0, 3, 1, 2] {
        rig.arrive(disk_data(ox_id, RX, part * 2048, false), &bytes(part * 2048, 2048));
    }
    rig.quiet();
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    let (result, received, sent) = rig.ended();
    assert_eq!((result.unwrap(), received, sent), (fcp_rsp(0, 0, 0).to_vec(), 8192, 0));
    rig.check_end();
}

#[test]
fn a_response_waits_for_data_that_are_late_but_not_for_ever() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.read(4096);
    rig.arrive(disk_data(ox_id, RX, 2048, true), &bytes(2048, 2048));
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    rig.respond(ox_id, &fcp_rsp(2, 0, 0));
    rig.pass(1900 * MS);
    rig.quiet();
    rig.arrive(disk_data(ox_id, RX, 0, false), &bytes(0, 2048));
    let (result, received, _) = rig.ended();
    assert_eq!((result.unwrap(), received), (fcp_rsp(0, 0, 0).to_vec(), 4096));
    // The same, and they are lost.
    let (_, ox_id) = rig.read(4096);
    rig.arrive(disk_data(ox_id, RX, 2048, true), &bytes(2048, 2048));
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    rig.pass(2100 * MS);
    let Upcall::Ended { data, result, received: 2048, .. } = rig.upcall() else { panic!("ended") };
    assert_eq!(result.unwrap_err(), Failure::DataLost);
    let copy = data.bytes().to_vec();
    rig.arrive(disk_data(ox_id, RX, 0, false), &[0xaa; 2048]);
    assert_eq!(data.bytes(), copy, "nothing is written after the end");
    rig.home(data);
    rig.check_end();
}

#[test]
fn a_response_that_tells_of_fewer_bytes_is_believed_when_those_came() {
    let mut rig = Rig::new();
    for (came, rsp, good) in [
        (2048, fcp_rsp(0, 8, 6144), true),
        (1024, fcp_rsp(0, 8, 6144), false),
        (0, fcp_rsp(0, 8, 8192), true),
        (0, fcp_rsp(0, 8, 8193), false),
        (4096, fcp_rsp(0, 8, 6144), false),
        (0, fcp_rsp(0, 0, 0), false),
        (0, fcp_rsp(2, 0, 0), true),
        (8192, fcp_rsp(0, 4, 100), true),
        (0, fcp_rsp(8, 0, 0), true),
    ] {
        let (_, ox_id) = rig.read(8192);
        for at in (0..came).step_by(1024) {
            rig.arrive(disk_data(ox_id, RX, at, false), &bytes(at, 1024));
        }
        rig.respond(ox_id, &rsp);
        rig.pass(3 * SECOND);
        let (result, received, _) = rig.ended();
        assert_eq!((result.is_ok(), received), (good, came), "{came} {rsp:?}");
        rig.pass(11 * SECOND);
    }
    rig.check_end();
}

#[test]
fn malformed_responses_are_no_success() {
    let mut rig = Rig::new();
    let mut long_sense = fcp_rsp(2, 2, 0);
    long_sense[19] = 1;
    let mut odd_info = [fcp_rsp(0, 1, 0).to_vec(), vec![0; 12]].concat();
    odd_info[23] = 12;
    for payload in [&fcp_rsp(0, 0, 0)[..20], &[][..], &long_sense[..], &odd_info[..]] {
        let (_, ox_id) = rig.begin(Fc4::Fcp, Direction::None);
        rig.respond(ox_id, payload);
        assert_eq!(rig.ended().0.unwrap_err(), Failure::Protocol, "{payload:?}");
    }
    let (_, ox_id) = rig.begin(Fc4::Nvme, Direction::None);
    rig.respond(ox_id, &[0; 16]);
    assert_eq!(rig.ended().0.unwrap_err(), Failure::Protocol);
    rig.check_end();
}

#[test]
fn nvme_responses_vouch_for_the_data() {
    let mut rig = Rig::new();
    let ersp = |transferred: u32, status: u16| {
        let mut payload = [0; 32];
        payload[3] = 8;
        payload[8..12].copy_from_slice(&transferred.to_be_bytes());
        payload[30..].copy_from_slice(&(status << 1).to_le_bytes());
        payload
    };
    let cases =
        [(4096, None, true), (0, None, false), (4096, Some(ersp(4096, 0)), true), (2048, Some(ersp(4096, 0)), false)];
    for (came, extended, good) in
        cases.into_iter().chain([(0, Some(ersp(0, 2)), true), (0, Some(ersp(5000, 0)), false)])
    {
        let data = rig.pool.take(4096).unwrap();
        let (_, ox_id) = rig.begin(Fc4::Nvme, Direction::In(data));
        if came > 0 {
            rig.arrive(disk_data(ox_id, RX, 0, true), &bytes(0, 2048));
        }
        if came > 2048 {
            rig.arrive(disk_data(ox_id, RX, 2048, true), &bytes(2048, 2048));
        }
        match extended {
            Some(payload) => {
                rig.arrive(from_disk(RCtl::EXTENDED_COMMAND_STATUS, 0x98_0000, ox_id, RX), &payload);
            }
            None => rig.respond(ox_id, &[0; 12]),
        }
        rig.pass(3 * SECOND);
        assert_eq!(rig.ended().0.is_ok(), good, "{came} {extended:?}");
        rig.pass(11 * SECOND);
    }
    rig.check_end();
}

#[test]
fn data_beyond_the_memory_end_the_command() {
    let mut rig = Rig::new();
    for at in [4096, 3000, u32::MAX - 3] {
        let (_, ox_id) = rig.read(4096);
        rig.arrive(disk_data(ox_id, RX, at, false), &[0xaa; 2048]);
        assert_eq!(rig.one().header().r_ctl, RCtl::ABTS);
        rig.arrive(disk_data(ox_id, RX, 0, false), &[0xaa; 2048]);
        rig.respond(ox_id, &fcp_rsp(0, 0, 0));
        rig.arrive(basic(RCtl::BA_RJT, ox_id), &BaRjt::UNKNOWN_EXCHANGE.to_bytes());
        let Upcall::Ended { data, result, .. } = rig.upcall() else { panic!("ended") };
        assert_eq!(result.unwrap_err(), Failure::Protocol);
        assert!(is_painted(data.bytes(), 77), "nothing was written");
        rig.home(data);
    }
    rig.check_end();
}

#[test]
fn frames_of_others_are_not_taken_for_the_targets() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.read(4096);
    rig.arrive(disk_data(ox_id, RX, 0, false), &bytes(0, 2048));
    let mut other = disk_data(ox_id, RX, 2048, false);
    other.s_id = [1, 2, 3];
    rig.arrive(other, &[0xaa; 2048]);
    let mut other = disk_data(ox_id, RX, 2048, false);
    other.d_id = [1, 2, 3];
    rig.arrive(other, &[0xaa; 2048]);
    rig.arrive(disk_data(ox_id, RX + 1, 2048, false), &[0xaa; 2048]);
    rig.arrive(disk_data(ox_id ^ 0x100, RX, 2048, false), &[0xaa; 2048]);
    let mut unplaced = disk_data(ox_id, RX, 2048, false);
    unplaced.f_ctl[2] = 0;
    rig.arrive(unplaced, &[0xaa; 2048]);
    rig.arrive(disk_data(ox_id, RX, 2048, true), &bytes(2048, 2048));
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    assert!(rig.ended().0.is_ok());
    rig.check_end();
}

#[test]
fn xfer_rdy_is_answered_by_one_sequence() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.write(6002);
    let ask = from_disk(RCtl::DATA_DESCRIPTOR, 0x89_0000, ox_id, RX);
    rig.arrive(ask, &xfer_rdy(0, 4096));
    rig.arrive(ask, &xfer_rdy(0, 4096));
    let frames = rig.sent();
    let seen: Vec<_> = frames
        .iter()
        .map(|frame| (frame.header().f_ctl().0, frame.header().parameter(), frame.header().seq_cnt()))
        .collect();
    assert_eq!(seen, [(0x00_0008, 0, 0), (0x09_0008, 2048, 1)]);
    assert!(frames.iter().all(|frame| frame.header().rx_id() == RX && frame.header().seq_id == 1));
    // Asked for twice, late.
    rig.arrive(ask, &xfer_rdy(0, 4096));
    rig.none();
    rig.arrive(ask, &xfer_rdy(4096, 1906));
    let frame = rig.one();
    assert_eq!((frame.header().f_ctl(), frame.payload().len()), (FCtl(0x09_000a), 1908));
    assert_eq!((frame.header().seq_id, frame.header().seq_cnt()), (2, 0));
    assert!(is_painted(&frame.payload()[..1906], 4096));
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    let (result, received, sent) = rig.ended();
    assert!(result.is_ok() && (received, sent) == (0, 6002));
    rig.check_end();
}

#[test]
fn a_write_of_which_not_all_was_asked_for_is_no_success() {
    let mut rig = Rig::new();
    for (rsp, good) in [(fcp_rsp(0, 0, 0), false), (fcp_rsp(0, 8, 4096), true), (fcp_rsp(2, 0, 0), true)] {
        let (_, ox_id) = rig.write(8192);
        rig.arrive(from_disk(RCtl::DATA_DESCRIPTOR, 0x89_0000, ox_id, RX), &xfer_rdy(0, 4096));
        rig.sent();
        rig.respond(ox_id, &rsp);
        assert_eq!(rig.ended().0.is_ok(), good, "{rsp:?}");
    }
    rig.check_end();
}

#[test]
fn requests_for_what_is_not_there_end_the_command() {
    let mut rig = Rig::new();
    for (at, len) in [(0, 4097), (4096, 1), (u32::MAX, 2), (0, 0)] {
        let (_, ox_id) = rig.write(4096);
        rig.arrive(from_disk(RCtl::DATA_DESCRIPTOR, 0x89_0000, ox_id, RX), &xfer_rdy(at, len));
        assert_eq!(rig.one().header().r_ctl, RCtl::ABTS, "{at} {len}");
        rig.arrive(basic(RCtl::BA_ACC, ox_id), &BaAcc::nothing_to_recover(ox_id, RX).to_bytes());
        assert_eq!(rig.ended().0.unwrap_err(), Failure::Protocol);
    }
    // A second one while the first is being answered; a read that is asked for data.
    let (_, ox_id) = rig.write(16384);
    let ask = from_disk(RCtl::DATA_DESCRIPTOR, 0x89_0000, ox_id, RX);
    rig.arrive(ask, &xfer_rdy(0, 8192));
    rig.arrive(ask, &xfer_rdy(8192, 4096));
    assert_eq!(rig.one().header().r_ctl, RCtl::ABTS);
    let (_, ox_id) = rig.read(4096);
    rig.arrive(from_disk(RCtl::DATA_DESCRIPTOR, 0x89_0000, ox_id, RX), &xfer_rdy(0, 4096));
    assert_eq!(rig.one().header().r_ctl, RCtl::ABTS);
    rig.engine.end_all();
    (0..2).for_each(|_| assert_eq!(rig.ended().0.unwrap_err(), Failure::LinkDown));
    rig.check_end();
}

#[test]
fn an_abort_ends_with_the_answer_and_reinstates_the_identifier() {
    let mut rig = Rig::new();
    let (xid, ox_id) = rig.read(4096);
    rig.arrive(disk_data(ox_id, RX, 0, false), &bytes(0, 2048));
    rig.engine.abort(xid, rig.now);
    rig.engine.abort(xid, rig.now);
    let frame = rig.one();
    let header = frame.header();
    assert_eq!((header.r_ctl, header.type_, header.f_ctl()), (RCtl::ABTS, Type::BLS, FCtl(0x09_0000)));
    assert_eq!((header.ox_id(), header.rx_id(), frame.payload().len()), (ox_id, RX, 0));
    assert_eq!((header.seq_id, header.seq_cnt()), (0, 1), "the next frame of the last sequence");
    rig.quiet();
    // The target was faster: what it sent is not looked at any more.
    rig.arrive(disk_data(ox_id, RX, 2048, true), &bytes(2048, 2048));
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    rig.quiet();
    rig.arrive(basic(RCtl::BA_ACC, ox_id), &BaAcc::exchange(ox_id, RX).to_bytes());
    let (result, received, _) = rig.ended();
    assert_eq!((result.unwrap_err(), received), (Failure::Aborted, 2048));
    rig.pass(9900 * MS);
    rig.none();
    rig.pass(200 * MS);
    let frame = rig.one();
    assert_eq!((frame.header().r_ctl, frame.header().type_), (RCtl::ELS_REQUEST, Type::ELS));
    assert_eq!(frame.payload(), ExchangeId::new(Command::RRQ, HOST, ox_id, RX).to_bytes());
    let mut reply = from_disk(RCtl::ELS_REPLY, 0x98_0000, frame.header().ox_id(), 0x99);
    reply.type_ = Type::ELS;
    rig.arrive(reply, &[2, 0, 0, 0]);
    assert_eq!(rig.engine.open(), 0);
    rig.check_end();
}

#[test]
fn an_abort_without_an_answer_is_repeated_and_then_given_up() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.read(4096);
    rig.pass(29 * SECOND);
    rig.none();
    rig.pass(1100 * MS);
    assert_eq!(rig.one().header().r_ctl, RCtl::ABTS);
    rig.pass(10_100 * MS);
    assert_eq!(rig.one().header().r_ctl, RCtl::ABTS);
    rig.quiet();
    rig.pass(10_100 * MS);
    assert_eq!(rig.ended().0.unwrap_err(), Failure::TimedOut);
    // A late answer changes nothing.
    rig.arrive(basic(RCtl::BA_ACC, ox_id), &BaAcc::exchange(ox_id, RX).to_bytes());
    rig.quiet();
    rig.pass(10_100 * MS);
    rig.none();
    assert_eq!(rig.engine.open(), 0);
    rig.check_end();
}

#[test]
fn what_never_left_is_not_aborted_on_the_wire() {
    let mut rig = Rig::new();
    let xid = rig.engine.command(route(), Fc4::Fcp, &[7; 32], Direction::None, SECOND, 5, rig.now).unwrap();
    rig.engine.abort(xid, rig.now);
    rig.none();
    assert_eq!(rig.ended().0.unwrap_err(), Failure::Aborted);
    assert_eq!(rig.engine.open(), 0);
    rig.engine.abort(xid, rig.now);
    rig.check_end();
}

#[test]
fn rejects_and_aborts_of_the_target_end_a_command() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.begin(Fc4::Fcp, Direction::None);
    let mut reject = from_disk(RCtl::P_RJT, 0xd8_0000, ox_id, UNASSIGNED);
    reject.type_ = Type::BLS;
    rig.arrive(reject, &[]);
    assert_eq!(rig.ended().0.unwrap_err(), Failure::Rejected);
    let (_, ox_id) = rig.read(512);
    rig.arrive(basic(RCtl::ABTS, ox_id), &[]);
    let frame = rig.one();
    assert_eq!((frame.header().r_ctl, frame.header().f_ctl()), (RCtl::BA_ACC, FCtl(0x19_0000)));
    assert_eq!(rig.ended().0.unwrap_err(), Failure::Rejected);
    rig.arrive(basic(RCtl::ABTS, ox_id ^ 0x1000), &[]);
    assert_eq!(rig.one().header().r_ctl, RCtl::BA_RJT);
    rig.check_end();
}

#[test]
fn a_full_table_gives_the_memory_back() {
    let mut rig = Rig::new();
    let mut names = Vec::new();
    loop {
        let data = painted(&mut rig.pool, 512, 0);
        match rig.engine.command(route(), Fc4::Fcp, &[7; 32], Direction::Out(data), SECOND, 5, rig.now) {
            Ok(xid) => names.push(xid),
            Err((_, data)) => break rig.home(data.into_data()),
        }
    }
    assert_eq!(names.len(), 16);
    assert!(rig.engine.request(route(), RCtl::ELS_REQUEST, Type::ELS, &[], SECOND, 0, rig.now).is_err());
    names.iter().for_each(|xid| rig.engine.abort(*xid, rig.now));
    names.iter().for_each(|_| assert_eq!(rig.ended().0.unwrap_err(), Failure::Aborted));
    rig.check_end();
}

#[test]
fn payloads_of_one_frame_are_not_copied() {
    let mut rig = Rig::new();
    let (_, ox_id) = rig.begin(Fc4::Fcp, Direction::None);
    rig.respond(ox_id, &fcp_rsp(0, 0, 0));
    let Upcall::Ended { result: Ok(payload @ Payload::Frame(_)), .. } = rig.upcall() else { panic!("ended") };
    let free = rig.frames.free();
    rig.recycle(payload);
    assert_eq!(rig.frames.free(), free, "it is the engine's own now");
    rig.check_end();
}
