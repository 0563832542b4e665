//! Requests and replies of link services.

use crate::rig::*;
use fc::fc2::{Failure, Payload, Route, Upcall};
use fc::{Frame, FrameBox};
use wire::fc::bls::BaAcc;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};

const TIMEOUT: ring::Tick = 4 * SECOND;

fn message(len: u32) -> Vec<u8> {
    bytes(9, len)
}

/// What a peer makes of frames: it turns their direction and hands them over.
fn deliver(to: &mut Rig, frames: &[FrameBox]) {
    for frame in frames {
        let now = to.now;
        to.engine.arrive(Frame::new(frame.header(), frame.payload()), now);
    }
}

fn ask(rig: &mut Rig, r_ctl: RCtl, type_: Type, len: u32, max_payload: u16) -> Vec<FrameBox> {
    let route = Route { max_payload, ..route() };
    rig.engine.request(route, r_ctl, type_, &message(len), TIMEOUT, 31, rig.now).unwrap();
    rig.sent()
}

fn asked(rig: &mut Rig) -> (fc::Xid, Vec<u8>) {
    let Upcall::Request { xid, local, remote, payload, .. } = rig.upcall() else { panic!("a request") };
    assert_eq!((local, remote), (DISK, HOST));
    let bytes = payload.bytes().to_vec();
    rig.recycle(payload);
    (xid, bytes)
}

fn replied(rig: &mut Rig) -> Result<Vec<u8>, Failure> {
    let Upcall::Reply { context: 31, result, .. } = rig.upcall() else { panic!("a reply") };
    result.map(|payload| {
        let bytes = payload.bytes().to_vec();
        rig.recycle(payload);
        bytes
    })
}

#[test]
fn requests_and_replies_of_every_length() {
    let kinds = [
        (RCtl::ELS_REQUEST, Type::ELS, RCtl::ELS_REPLY),
        (RCtl::UNSOLICITED_CONTROL, Type::CT, RCtl::SOLICITED_CONTROL),
        (RCtl::FC4_LS_REQUEST, Type::NVME, RCtl::FC4_LS_REPLY),
    ];
    for (r_ctl, type_, reply) in kinds {
        let (mut host, mut disk) = (Rig::new(), Rig::new());
        for len in [0, 1, 4, 116, 255, 256, 257, 1021, 5000] {
            let frames = ask(&mut host, r_ctl, type_, len, 256);
            assert_eq!(frames.len(), len.div_ceil(256).max(1) as usize);
            for (count, frame) in frames.iter().enumerate() {
                let last = count + 1 == frames.len();
                let fill = if last { len.wrapping_neg() & 3 } else { 0 };
                let f_ctl = if last { 0x29_0000 } else { 0x20_0000 } | fill;
                assert_eq!((frame.header().f_ctl(), usize::from(frame.header().seq_cnt())), (FCtl(f_ctl), count));
                assert_eq!((frame.header().r_ctl, frame.header().rx_id()), (r_ctl, UNASSIGNED));
            }
            deliver(&mut disk, &frames);
            let (xid, came) = asked(&mut disk);
            assert_eq!(came, message(len));
            disk.engine.answer(xid, 512, &message(len + 1));
            disk.engine.answer(xid, 512, &message(7));
            let frames = disk.sent();
            let last = frames.last().unwrap().header();
            assert_eq!((last.f_ctl().0 & !3, last.r_ctl, last.type_), (0x98_0000, reply, type_));
            assert!(frames[..frames.len() - 1].iter().all(|frame| frame.header().f_ctl() == FCtl(0x90_0000)));
            deliver(&mut host, &frames);
            assert_eq!(replied(&mut host).unwrap(), message(len + 1));
        }
        assert_eq!((host.engine.open(), disk.engine.open()), (0, 0));
        host.check_end();
        disk.check_end();
    }
}

#[test]
fn frames_of_a_request_come_in_any_order_and_twice() {
    let (mut host, mut disk) = (Rig::new(), Rig::new());
    let frames = ask(&mut host, RCtl::ELS_REQUEST, Type::ELS, 1000, 256);
    let order = [3, 1, 1, 0, 3, 2];
    let shuffled: Vec<FrameBox> =
        order.iter().map(|at: &usize| Frame::new(frames[*at].header(), frames[*at].payload())).collect();
    deliver(&mut disk, &shuffled);
    let (xid, came) = asked(&mut disk);
    assert_eq!(came, message(1000));
    // A late one is no new request.
    deliver(&mut disk, &frames[..1]);
    disk.quiet();
    disk.engine.discard(xid);
    disk.none();
    disk.check_end();
    host.engine.end_all();
    assert_eq!(replied(&mut host).unwrap_err(), Failure::LinkDown);
}

#[test]
fn what_is_not_whole_in_time_is_forgotten() {
    let (mut host, mut disk) = (Rig::new(), Rig::new());
    let frames = ask(&mut host, RCtl::ELS_REQUEST, Type::ELS, 1000, 256);
    deliver(&mut disk, &frames[..3]);
    assert_eq!(disk.engine.open(), 1);
    disk.pass(2100 * MS);
    assert_eq!(disk.engine.open(), 0);
    disk.quiet();
    // Half a reply: the request times out, is aborted on the wire, and rests.
    let rx_id = 0x77;
    let mut half = from_disk(RCtl::ELS_REPLY, 0x90_0000, frames[0].header().ox_id(), rx_id);
    half.type_ = Type::ELS;
    host.arrive(half, &[2; 256]);
    host.pass(3900 * MS);
    host.quiet();
    host.pass(200 * MS);
    assert_eq!(replied(&mut host).unwrap_err(), Failure::TimedOut);
    let frame = host.one();
    assert_eq!((frame.header().r_ctl, frame.header().rx_id()), (RCtl::ABTS, rx_id));
    let mut late = half;
    late.f_ctl = [0x98, 0, 0];
    host.arrive(late, &[2, 0, 0, 0]);
    host.quiet();
    let mut accept = from_disk(RCtl::BA_ACC, 0x99_0000, half.ox_id(), rx_id);
    accept.type_ = Type::BLS;
    host.arrive(accept, &BaAcc::nothing_to_recover(half.ox_id(), rx_id).to_bytes());
    host.quiet();
    host.check_end();
}

#[test]
fn a_message_without_end_is_not_gathered_for_ever() {
    let mut disk = Rig::new();
    let header = |count| {
        FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, HOST, DISK)
            .with_f_ctl(FCtl(0x20_0000))
            .with_exchange(9, UNASSIGNED)
            .with_sequence(0, count)
    };
    (0..200).for_each(|count| disk.arrive(header(count), &[1; 2048]));
    assert!(disk.engine.counters().errors > 0);
    disk.quiet();
    disk.pass(2100 * MS);
    disk.check_end();
}

#[test]
fn an_aborted_request_needs_no_answer() {
    let (mut host, mut disk) = (Rig::new(), Rig::new());
    let frames = ask(&mut host, RCtl::FC4_LS_REQUEST, Type::NVME, 64, 2112);
    deliver(&mut disk, &frames);
    let (xid, _) = asked(&mut disk);
    host.pass(5 * SECOND);
    assert_eq!(replied(&mut host).unwrap_err(), Failure::TimedOut);
    let aborts = host.sent();
    deliver(&mut disk, &aborts);
    disk.engine.answer(xid, 2112, &[2, 0, 0, 0]);
    let accepts = disk.sent();
    assert_eq!((accepts.len(), accepts[0].header().r_ctl), (1, RCtl::BA_ACC));
    deliver(&mut host, &accepts);
    host.pass(10_100 * MS);
    let rrq = host.sent();
    deliver(&mut disk, &rrq);
    let (rrq, came) = asked(&mut disk);
    assert_eq!(came[0], 0x12);
    let id = wire::parse::<wire::fc::els::ExchangeId>(&came).unwrap();
    let known = disk.engine.rrq(DISK, HOST, id.originator(), id.ox_id(), id.rx_id());
    // Its own time is over at the same moment; either is right.
    let _ = known;
    disk.engine.answer(rrq, 2112, &[2, 0, 0, 0]);
    let frames = disk.sent();
    deliver(&mut host, &frames);
    host.check_end();
    disk.check_end();
}

#[test]
fn who_has_no_address_yet_hears_the_reply() {
    let mut host = Rig::new();
    let flogi = Route { local: PortId::NONE, remote: PortId::FABRIC, max_payload: 256 };
    host.engine.request(flogi, RCtl::ELS_REQUEST, Type::ELS, &[4; 116], TIMEOUT, 31, host.now).unwrap();
    let frame = host.one();
    let mut reply = FrameHeader::new(RCtl::ELS_REPLY, Type::ELS, PortId::FABRIC, HOST)
        .with_f_ctl(FCtl::REPLY)
        .with_exchange(frame.header().ox_id(), 0x10);
    host.arrive(reply, &[2; 116]);
    let Upcall::Reply { local, remote, result: Ok(Payload::Frame(frame)), .. } = host.upcall() else {
        panic!("a reply")
    };
    assert_eq!((local, remote), (HOST, PortId::FABRIC));
    host.frames.give(frame);
    // A reply to somebody else, or of another kind, is none.
    host.engine.request(route(), RCtl::ELS_REQUEST, Type::ELS, &[3; 116], TIMEOUT, 31, host.now).unwrap();
    let ox_id = host.one().header().ox_id();
    reply = reply.with_exchange(ox_id, 0x10);
    host.arrive(reply, &[2; 116]);
    reply.s_id = DISK.to_bytes();
    reply.r_ctl = RCtl::SOLICITED_CONTROL;
    host.arrive(reply, &[2; 116]);
    host.quiet();
    reply.r_ctl = RCtl::ELS_REPLY;
    host.arrive(reply, &[2; 116]);
    assert!(replied(&mut host).is_ok());
    host.check_end();
}
