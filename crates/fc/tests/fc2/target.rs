//! Commands of peers: what goes out, bit by bit; what comes in, in any order.

use crate::rig::*;
use dma::Data;
use fc::fc2::{Limits, Payload, Upcall};
use fc::{Fc4, Frame, Residual, Response, Xid};
use wire::fc::{FCtl, PortId, RCtl, Type, UNASSIGNED};

/// A command whose OX_ID says its place, so that `rx_id` finds it.
pub fn command(rig: &mut Rig) -> (Xid, u16, u16) {
    for ox_id in 0x70..0x80 {
        if rig.engine.rec(DISK, HOST, HOST, ox_id, UNASSIGNED).is_none() {
            let xid = rig.command(ox_id);
            let status = rig.engine.rec(DISK, HOST, HOST, ox_id, UNASSIGNED).expect("it is open");
            return (xid, ox_id, status.rx_id);
        }
    }
    unreachable!("so many are not open")
}

#[test]
fn a_read_goes_out_as_the_standard_has_it() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = painted(&mut rig.pool, 4096 + 6, 0);
    rig.engine.transmit(xid, 0, data, Some(good())).unwrap();
    let frames = rig.sent();
    assert_eq!(frames.len(), 4);
    let expected = [(0x80_0008, 0, 2048), (0x80_0008, 2048, 2048), (0x88_000a, 4096, 8)];
    for (count, (frame, (f_ctl, at, len))) in frames.iter().zip(expected).enumerate() {
        let header = frame.header();
        assert_eq!((header.r_ctl, header.type_), (RCtl::SOLICITED_DATA, Type::FCP));
        assert_eq!((header.s_id(), header.d_id()), (DISK, HOST));
        assert_eq!((header.ox_id(), header.rx_id()), (ox_id, rx_id));
        assert_eq!((header.f_ctl(), header.parameter()), (FCtl(f_ctl), at));
        assert_eq!((header.seq_id, usize::from(header.seq_cnt())), (0, count));
        assert_eq!(frame.payload().len(), len);
    }
    assert!(is_painted(frames[0].payload(), 0) && is_painted(frames[1].payload(), 2048));
    assert!(is_painted(&frames[2].payload()[..6], 4096) && frames[2].payload()[6..] == [0, 0]);
    // A sequence of its own that counts on, as the initiative was not away: exchange responder, last sequence, its end.
    let header = frames[3].header();
    assert_eq!((header.r_ctl, header.type_, header.f_ctl()), (RCtl::COMMAND_STATUS, Type::FCP, FCtl(0x98_0000)));
    assert_eq!((header.seq_id, header.seq_cnt(), header.parameter()), (1, 3, 0));
    assert_eq!(frames[3].payload(), fcp_rsp(0, 0, 0));
    let Upcall::Sent { xid: ended, context, data, ok: true, over: true } = rig.upcall() else { panic!("sent") };
    assert_eq!((ended, context), (xid, u64::from(ox_id) + 1000));
    rig.home(data);
    rig.check_end();
}

#[test]
fn frames_are_no_larger_than_agreed() {
    for (max_payload, sizes) in [(256u16, 256), (1000, 512), (2112, 2048), (0, 256), (u16::MAX, 2048)] {
        let mut rig = Rig::new();
        let (xid, ..) = command(&mut rig);
        rig.engine.accept(xid, max_payload, 0);
        let data = painted(&mut rig.pool, 4096, 0);
        rig.engine.transmit(xid, 0, data, None).unwrap();
        assert!(rig.sent().iter().all(|frame| frame.payload().len() == sizes), "{max_payload}");
        let Upcall::Sent { data, over: false, ok: true, .. } = rig.upcall() else { panic!("sent") };
        rig.home(data);
        rig.engine.respond(xid, good()).unwrap();
        assert_eq!(rig.one().header().r_ctl, RCtl::COMMAND_STATUS);
        assert!(matches!(rig.upcall(), Upcall::Sent { over: true, ok: true, .. }));
        rig.check_end();
    }
}

#[test]
fn responses_look_as_their_standards_say() {
    let mut rig = Rig::new();
    let mut send = |response| {
        let (xid, ..) = command(&mut rig);
        rig.engine.respond(xid, response).unwrap();
        rig.upcall_after_send()
    };
    let Response::Fcp(mut parts) = response(2, Residual::Under(512)) else { unreachable!() };
    (parts.sense[0], parts.sense_len, parts.qualifier) = (0x70, 18, 0x1234);
    let frame = send(Response::Fcp(parts));
    let payload = frame.payload();
    assert_eq!(payload[..12], [0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x0a, 2]);
    assert_eq!(payload[12..24], [0, 0, 2, 0, 0, 0, 0, 18, 0, 0, 0, 0]);
    assert_eq!((payload.len(), payload[24], frame.header().f_ctl().fill_bytes()), (44, 0x70, 2));
    (parts.sense_len, parts.residual, parts.code) = (0, Residual::Over(7), Some(8));
    let frame = send(Response::Fcp(parts));
    assert_eq!(frame.payload()[10..], [5, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 0]);
    let frame = send(Response::Nvme);
    assert_eq!((frame.header().r_ctl, frame.payload()), (RCtl::COMMAND_STATUS, &[0; 12][..]));
    let cqe = std::array::from_fn(|at| at as u8 + 1);
    let frame = send(Response::NvmeExtended { result: 3, rsn: 0x0102_0304, transferred: 4096, cqe });
    assert_eq!(frame.header().r_ctl, RCtl::EXTENDED_COMMAND_STATUS);
    assert_eq!(frame.payload()[..16], [3, 0, 0, 8, 1, 2, 3, 4, 0, 0, 16, 0, 0, 0, 0, 0]);
    assert_eq!(frame.payload()[16..], cqe);
    rig.check_end();
}

impl Rig {
    pub fn upcall_after_send(&mut self) -> fc::FrameBox {
        let frame = self.one();
        assert!(matches!(self.upcall(), Upcall::Sent { ok: true, over: true, .. }));
        frame
    }

    /// Takes [`Upcall::Received`].
    pub fn received(&mut self) -> (Data, bool) {
        let Upcall::Received { data, ok, .. } = self.upcall() else { panic!("received") };
        (data, ok)
    }

    /// Ends a command by a response.
    pub fn end(&mut self, xid: Xid) {
        self.engine.respond(xid, good()).unwrap();
        self.upcall_after_send();
    }
}

#[test]
fn data_are_asked_for_in_bursts_and_come_in_any_order() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = rig.pool.take(12_000).unwrap();
    rig.engine.receive(xid, 500, data).unwrap();
    let frame = rig.one();
    assert_eq!((frame.header().r_ctl, frame.header().f_ctl()), (RCtl::DATA_DESCRIPTOR, FCtl(0x89_0000)));
    assert_eq!((frame.header().seq_id, frame.header().seq_cnt()), (0, 0));
    assert_eq!(frame.payload(), xfer_rdy(500, 8192));
    // Four frames, some twice, the last first.
    for part in [3, 1, 1, 0, 3, 2] {
        let at = 500 + part * 2048;
        rig.arrive(host_data(ox_id, rx_id, at, part == 3), &bytes(at, 2048));
    }
    let frame = rig.one();
    // The initiative was away: the next sequence counts from 0.
    assert_eq!((frame.header().seq_id, frame.header().seq_cnt()), (1, 0));
    assert_eq!(frame.payload(), xfer_rdy(8692, 3808));
    rig.quiet();
    // Late ones of the first burst change nothing.
    rig.arrive(host_data(ox_id, rx_id, 500, false), &[0xff; 2048]);
    rig.arrive(host_data(ox_id, rx_id, 8692, true), &bytes(8692, 2112));
    rig.quiet();
    rig.arrive(host_data(ox_id, rx_id, 10_804, true), &bytes(10_804, 1696));
    let (data, ok) = rig.received();
    assert!(ok && is_painted(data.bytes(), 500));
    rig.home(data);
    rig.none();
    rig.end(xid);
    rig.check_end();
}

#[test]
fn fill_bytes_and_optional_headers_are_no_data() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = rig.pool.take(10).unwrap();
    rig.engine.receive(xid, 0, data).unwrap();
    assert_eq!(rig.one().payload(), xfer_rdy(0, 10));
    let mut header = host_data(ox_id, rx_id, 0, true);
    header.f_ctl[2] |= 2;
    header.df_ctl = 0x20;
    let mut payload = vec![0xee; 16];
    payload.extend(bytes(0, 10));
    payload.extend([0xee; 2]);
    rig.arrive(header, &payload);
    let (data, ok) = rig.received();
    assert!(ok && is_painted(data.bytes(), 0));
    rig.home(data);
    rig.end(xid);
    rig.check_end();
}

/// None of these may touch the memory, and none may count.
#[test]
fn frames_outside_of_what_was_asked_for_are_dropped() {
    let mut rig = Rig::with(Limits { max_burst: 2048, ..limits() }, FRAMES);
    let (xid, ox_id, rx_id) = command(&mut rig);
    let (other, other_ox, other_rx) = command(&mut rig);
    let data = painted(&mut rig.pool, 8192, 0);
    rig.engine.receive(xid, 4096, data).unwrap();
    rig.one();
    let junk = [0xaa; 512];
    let mut unplaced = host_data(ox_id, rx_id, 4096, false);
    unplaced.f_ctl[2] = 0;
    let stranger = PortId(0x010101);
    let mut wrong_source = host_data(ox_id, rx_id, 4096, false);
    wrong_source.s_id = stranger.to_bytes();
    let mut wrong_destination = host_data(ox_id, rx_id, 4096, false);
    wrong_destination.d_id = stranger.to_bytes();
    let bad = [
        host_data(ox_id, rx_id, 4095, false),
        host_data(ox_id, rx_id, 0, false),
        host_data(ox_id, rx_id, 4096 + 2048, false),
        host_data(ox_id, rx_id, 4096 + 1537, false),
        host_data(ox_id, rx_id, u32::MAX - 100, false),
        unplaced,
        wrong_source,
        wrong_destination,
        host_data(ox_id, other_rx, 4096, false),
        host_data(other_ox, rx_id, 4096, false),
        host_data(other_ox, other_rx, 4096, false),
        host_data(ox_id, rx_id ^ 0x4000, 4096, false),
        from_disk(RCtl::SOLICITED_DATA, 0x80_0008, rx_id, ox_id).with_parameter(4096),
    ];
    let before = rig.engine.counters();
    bad.iter().for_each(|header| rig.arrive(*header, &junk));
    rig.arrive(host_data(ox_id, rx_id, 4096, false), &[]);
    let after = rig.engine.counters();
    let dropped = after.strays + after.errors - before.strays - before.errors;
    assert_eq!(dropped, bad.len() as u64 + 1);
    rig.quiet();
    rig.engine.cancel(xid);
    let (data, ok) = rig.received();
    assert!(!ok && is_painted(data.bytes(), 0), "nothing was written");
    rig.home(data);
    rig.end(xid);
    rig.end(other);
    rig.check_end();
}

#[test]
fn lost_data_are_noticed_after_e_d_tov() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = rig.pool.take(8192).unwrap();
    rig.engine.receive(xid, 0, data).unwrap();
    rig.one();
    // The first frame may take longer than the others.
    rig.pass(5 * SECOND);
    rig.arrive(host_data(ox_id, rx_id, 0, false), &bytes(0, 2048));
    rig.pass(1900 * MS);
    rig.arrive(host_data(ox_id, rx_id, 6144, true), &bytes(6144, 2048));
    rig.pass(1900 * MS);
    rig.quiet();
    rig.pass(200 * MS);
    let (data, ok) = rig.received();
    assert!(!ok);
    let copy = data.bytes().to_vec();
    // What comes now comes too late.
    rig.arrive(host_data(ox_id, rx_id, 2048, false), &[1; 2048]);
    assert_eq!(data.bytes(), copy);
    rig.home(data);
    rig.quiet();
    rig.engine.terminate(xid).unwrap();
    assert!(matches!(rig.upcall(), Upcall::Sent { ok: true, over: true, .. }));
    rig.none();
    rig.check_end();
}

#[test]
fn the_same_command_twice_is_one_command() {
    let mut rig = Rig::new();
    let xid = rig.command(0x33);
    rig.arrive(command_header(0x33), &[1; 32]);
    rig.quiet();
    // Another port may use the same OX_ID.
    let mut header = command_header(0x33);
    header.s_id = [1, 1, 1];
    rig.arrive(header, &[0; 32]);
    let Upcall::Command { xid: other, payload, fc4: Fc4::Fcp, .. } = rig.upcall() else { panic!("a command") };
    rig.recycle(payload);
    rig.engine.discard(other);
    rig.end(xid);
    // And so may the same, once it is over.
    let xid = rig.command(0x33);
    rig.end(xid);
    rig.check_end();
}

#[test]
fn nvme_commands_are_told_by_their_first_bytes() {
    let mut rig = Rig::new();
    rig.arrive(command_header(1), &[0xfd, 0x28, 0, 24]);
    let Upcall::Command { xid, payload, fc4: Fc4::Nvme, .. } = rig.upcall() else { panic!("a command") };
    rig.recycle(payload);
    rig.engine.discard(xid);
    // A command of several frames is none.
    rig.arrive(from_host(RCtl::UNSOLICITED_COMMAND, 0x20_0000, 2, UNASSIGNED), &[0; 32]);
    rig.arrive(command_header(2).with_sequence(0, 1), &[0; 32]);
    rig.check_end();
}

#[test]
fn a_full_table_says_busy_and_keeps_places_for_link_services() {
    let mut rig = Rig::new();
    let commands: Vec<Xid> = (0..12).map(|ox_id| rig.command(ox_id)).collect();
    rig.arrive(command_header(99), &[0; 32]);
    rig.quiet();
    let frame = rig.one();
    assert_eq!((frame.header().r_ctl, frame.header().ox_id()), (RCtl::COMMAND_STATUS, 99));
    assert_eq!((frame.header().d_id(), frame.payload()), (HOST, &fcp_rsp(8, 0, 0)[..]));
    rig.arrive(command_header(98), &[0xfd, 0x28, 0, 24]);
    rig.none();
    let mut els = from_host(RCtl::ELS_REQUEST, 0x29_0000, 77, UNASSIGNED);
    els.type_ = Type::ELS;
    rig.arrive(els, &[5, 0, 0, 0]);
    let Upcall::Request { xid, payload, .. } = rig.upcall() else { panic!("a request") };
    rig.recycle(payload);
    rig.engine.answer(xid, 2112, &[2, 0, 0, 0]);
    rig.one();
    commands.into_iter().for_each(|xid| rig.end(xid));
    assert_eq!(rig.engine.counters().refused, 2);
    rig.check_end();
}

#[test]
fn a_large_read_does_not_hold_up_a_small_one() {
    let mut rig = Rig::new();
    let (large, ..) = command(&mut rig);
    let (small, ..) = command(&mut rig);
    let data = painted(&mut rig.pool, 65536, 0);
    rig.engine.transmit(large, 0, data, Some(good())).unwrap();
    let data = painted(&mut rig.pool, 512, 0);
    rig.engine.transmit(small, 0, data, Some(good())).unwrap();
    let frames = rig.sent();
    let ox_id = frames[0].header().ox_id();
    let other = frames.iter().position(|frame| frame.header().ox_id() != ox_id).unwrap();
    assert!(other <= 4, "the small one waits for {other} frames");
    for _ in 0..2 {
        let Upcall::Sent { data, ok: true, over: true, .. } = rig.upcall() else { panic!("sent") };
        rig.home(data);
    }
    rig.check_end();
}

#[test]
fn without_frames_it_waits() {
    let mut rig = Rig::with(limits(), 0);
    rig.engine.arrive(Frame::new(&command_header(3), &[0; 32]), rig.now);
    let Upcall::Command { xid, payload, .. } = rig.upcall() else { panic!("a command") };
    let data = painted(&mut rig.pool, 1000, 0);
    rig.engine.accept(xid, 512, 0);
    rig.engine.transmit(xid, 0, data, Some(good())).unwrap();
    assert!(rig.engine.next_frame(rig.now).is_none() && rig.engine.is_pending());
    rig.recycle(payload);
    for kind in [RCtl::SOLICITED_DATA, RCtl::SOLICITED_DATA, RCtl::COMMAND_STATUS] {
        let frame = rig.engine.next_frame(rig.now).expect("there is one frame");
        assert_eq!(frame.header().r_ctl, kind);
        assert!(rig.engine.next_frame(rig.now).is_none());
        rig.recycle(Payload::Frame(frame));
    }
    let Upcall::Sent { data, ok: true, over: true, .. } = rig.upcall() else { panic!("sent") };
    rig.home(data);
    assert!(rig.engine.next_frame(rig.now).is_none() && !rig.engine.is_pending());
    rig.check_end();
}

#[test]
fn orders_to_what_is_over_give_the_memory_back() {
    let mut rig = Rig::new();
    let xid = rig.command(3);
    let data = painted(&mut rig.pool, 512, 0);
    rig.engine.receive(xid, 0, data).unwrap();
    let data = painted(&mut rig.pool, 512, 0);
    let gone = rig.engine.transmit(xid, 0, data, None).expect_err("a receive is under way");
    rig.home(gone.0);
    rig.engine.cancel(xid);
    rig.engine.cancel(xid);
    let (data, _) = rig.received();
    rig.home(data);
    rig.end(xid);
    let data = painted(&mut rig.pool, 512, 0);
    let gone = rig.engine.receive(xid, 0, data).expect_err("it is over");
    rig.home(gone.0);
    assert!(rig.engine.respond(xid, good()).is_err() && rig.engine.terminate(xid).is_err());
    rig.engine.cancel(xid);
    rig.engine.discard(xid);
    rig.check_end();
}
