//! The initiator against a scripted controller: what it sends, what it takes, what it refuses.

mod common;

use common::{Peer, script};
use host::{Error, Link, LinkOptions, Payload, Queue, QueueOptions};
use std::net::SocketAddr;
use std::time::Duration;
use wire::IntoBytes;
use wire::nvme::{Cqe, Sqe, Status};
use wire::tcp::{C2HData, CapsuleResp, Fault, Fes, H2CData, ICReq, ICResp, PduType, R2T, Sender, TermReq};

const LIMIT: Duration = Duration::from_secs(5);

fn queue(address: SocketAddr, options: &LinkOptions) -> Queue {
    let link = Link::open(address, options).unwrap();
    Queue::tcp(link, QueueOptions { entries: 16, buffer: 65536, in_capsule: 4096, flow_control: true, strict: true })
}

fn plain(address: SocketAddr) -> Queue {
    queue(address, &LinkOptions::default())
}

fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn a_read_in_pieces_byte_by_byte() {
    for (digest, hpda) in [(false, 0), (true, 0), (true, 7)] {
        let (address, peer) = script(move |mut p| {
            p.negotiate(0, 4096);
            let command = p.read().unwrap();
            let data = pattern(3000);
            let mut bytes = Vec::new();
            for (at, end) in [(0, 1000), (1000, 1004), (1004, 3000)] {
                let last = end == 3000;
                let pdu = C2HData::new(&p.to, command.cid(), at, end - at, last, last);
                bytes.extend(p.framed(&pdu.to_bytes(), &data[at as usize..end as usize]));
            }
            for byte in bytes {
                p.send(&[byte]);
            }
        });
        let mut q = queue(address, &LinkOptions { hdgst: digest, ddgst: digest, hpda, ..LinkOptions::default() });
        let slot = q.take().unwrap();
        q.start(slot, Sqe::new(2, 1), Payload::Read(3000));
        let cqe = q.wait_for(slot, "read", LIMIT).unwrap();
        assert!(cqe.status().is_success());
        assert_eq!(q.buffer(slot)[..3000], pattern(3000));
        assert_eq!((q.seen().data, q.seen().successes, q.outstanding()), (3, 1, 0));
        peer.join().unwrap();
    }
}

#[test]
fn a_write_by_r2t_is_split_by_maxh2cdata() {
    for digest in [false, true] {
        let (address, peer) = script(move |mut p| {
            p.negotiate(3, 4096);
            let command = p.read().unwrap();
            let (cid, mut got) = (command.cid(), Vec::new());
            assert!(command.data.is_empty());
            assert_eq!(command.command().sqe.dptr, wire::nvme::SglDescriptor::transport(20_000));
            for (tag, at, len) in [(9, 0, 12_000), (10, 12_000, 8_000)] {
                let r2t = R2T::new(&p.to, cid, tag, at, len).to_bytes();
                p.send_pdu(&r2t, &[]);
                let mut left = len;
                while left > 0 {
                    let pdu = p.read().unwrap();
                    let h: H2CData = wire::read(&pdu.header).unwrap();
                    assert_eq!((h.cccid.get(), h.ttag.get(), h.datao.get()), (cid, tag, got.len() as u32));
                    assert_eq!(h.datal.get(), left.min(4096));
                    assert!(u32::from(pdu.ch.pdo).is_multiple_of(16), "CPDA 3 is multiples of 16");
                    left -= h.datal.get();
                    assert_eq!(h.last(), left == 0);
                    got.extend(pdu.data);
                }
            }
            assert_eq!(got, pattern(20_000));
            p.success(cid);
        });
        let mut q = queue(address, &LinkOptions { hdgst: digest, ddgst: digest, ..LinkOptions::default() });
        let slot = q.take().unwrap();
        q.buffer_mut(slot)[..20_000].copy_from_slice(&pattern(20_000));
        q.start(slot, Sqe::new(1, 1), Payload::Write(20_000));
        assert!(q.wait_for(slot, "write", LIMIT).unwrap().status().is_success());
        assert_eq!((q.seen().r2ts, q.seen().sent_data), (2, 5));
        peer.join().unwrap();
    }
}

#[test]
fn small_writes_go_in_the_capsule() {
    let (address, peer) = script(|mut p| {
        p.negotiate(15, 4096);
        for n in [1u32, 512, 4096] {
            let c = p.read().unwrap();
            assert_eq!(c.data, pattern(n as usize));
            assert_eq!(c.command().sqe.dptr, wire::nvme::SglDescriptor::in_capsule(0, n));
            p.success(c.cid());
        }
    });
    let mut q = queue(address, &LinkOptions { hdgst: true, ddgst: true, ..LinkOptions::default() });
    for n in [1u32, 512, 4096] {
        let slot = q.take().unwrap();
        q.buffer_mut(slot)[..n as usize].copy_from_slice(&pattern(n as usize));
        q.start(slot, Sqe::new(1, 1), Payload::Write(n));
        assert!(q.wait_for(slot, "write", LIMIT).unwrap().status().is_success());
        q.give(slot);
    }
    peer.join().unwrap();
}

#[test]
fn a_controller_may_give_up_in_the_middle_of_a_write() {
    let (address, peer) = script(|mut p| {
        p.negotiate(0, 4096);
        let c = p.read().unwrap();
        let r2t = R2T::new(&p.to, c.cid(), 1, 0, 60_000).to_bytes();
        p.send_pdu(&r2t, &[]);
        p.respond(Cqe::new(c.cid(), Status::INTERNAL_ERROR));
        // What was under way arrives, and the connection goes on.
        loop {
            let pdu = p.read().unwrap();
            if pdu.ch.kind == PduType::CAPSULE_CMD {
                return p.success(pdu.cid());
            }
        }
    });
    let mut q = plain(address);
    let slot = q.take().unwrap();
    q.start(slot, Sqe::new(1, 1), Payload::Write(60_000));
    assert_eq!(q.wait_for(slot, "write", LIMIT).unwrap().status(), Status::INTERNAL_ERROR);
    q.start(slot, Sqe::new(0, 1), Payload::None);
    assert!(q.wait_for(slot, "flush", LIMIT).unwrap().status().is_success());
    peer.join().unwrap();
}

#[test]
fn many_commands_at_once_out_of_order() {
    let (address, peer) = script(|mut p| {
        p.negotiate(0, 4096);
        let mut cids: Vec<u16> = (0..15).map(|_| p.read().unwrap().cid()).collect();
        cids.reverse();
        for cid in cids {
            let pdu = C2HData::new(&p.to, cid, 0, 8, true, false).to_bytes();
            p.send_pdu(&pdu, &u64::from(cid).to_le_bytes());
            p.success(cid);
        }
    });
    let mut q = plain(address);
    let slots: Vec<_> = std::iter::from_fn(|| q.take()).collect();
    assert_eq!(slots.len(), 15);
    for slot in &slots {
        q.start(*slot, Sqe::new(2, 1), Payload::Read(8));
    }
    let mut seen = 0;
    while seen < 15 {
        q.poll().unwrap();
        while let Some(done) = q.next_done() {
            assert_eq!(q.buffer(done.slot)[..8], u64::from(done.cqe.cid.get()).to_le_bytes());
            seen += 1;
        }
    }
    peer.join().unwrap();
}

/// What a controller does wrong after it got a command of 8 bytes (read or write), and the field that is named.
type Wrong = (&'static str, Payload, fn(&mut Peer, u16));

fn wrongs() -> Vec<Wrong> {
    fn data(p: &mut Peer, cid: u16, at: u32, len: u32, last: bool, change: impl FnOnce(&mut [u8])) {
        let mut pdu = C2HData::new(&p.to, cid, at, len, last, false).to_bytes();
        change(&mut pdu);
        p.send_pdu(&pdu, &vec![1; len as usize]);
    }
    fn response(p: &mut Peer, cqe: Cqe, change: impl FnOnce(&mut [u8])) {
        let mut pdu = CapsuleResp::new(&p.to, cqe).to_bytes();
        change(&mut pdu);
        p.send_pdu(&pdu, &[]);
    }
    const READ: Payload = Payload::Read(8);
    const WRITE: Payload = Payload::Write(8192);
    const NONE: Payload = Payload::None;
    vec![
        ("CAPSULE_RESP.CQE.CID", NONE, |p, cid| response(p, Cqe::new(cid ^ 1, Status::SUCCESS), |_| {})),
        ("CAPSULE_RESP.CQE.CID", NONE, |p, cid| response(p, Cqe::new(cid.wrapping_add(16), Status::SUCCESS), |_| {})),
        ("CAPSULE_RESP.CQE.CID", NONE, |p, cid| {
            p.success(cid);
            p.success(cid);
        }),
        ("CAPSULE_RESP.CQE.SQHD", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS).with_sqhd(16), |_| {})),
        ("CAPSULE_RESP.CQE.SQID", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[18] = 1)),
        ("CAPSULE_RESP.CQE.Status", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[22] |= 1)),
        ("CAPSULE_RESP.CQE.Status", READ, |p, cid| p.success(cid)),
        ("CAPSULE_RESP.CQE.Status", WRITE, |p, cid| p.success(cid)),
        ("CAPSULE_RESP.FLAGS", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[1] |= 4)),
        ("CAPSULE_RESP.FLAGS", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[1] |= 1)),
        ("CAPSULE_RESP.HLEN", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[2] = 20)),
        ("CAPSULE_RESP.PDO", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[3] = 24)),
        ("CAPSULE_RESP.PLEN", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[4] = 25)),
        ("CAPSULE_CMD.PDU-Type", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[0] = 4)),
        ("PduType(0xb).PDU-Type", NONE, |p, cid| response(p, Cqe::new(cid, Status::SUCCESS), |b| b[0] = 11)),
        ("IC_RESP.PDU-Type", NONE, |p, _| p.send(ICResp::new(0, false, false, 4096).as_bytes())),
        ("C2H_DATA.CCCID", NONE, |p, cid| data(p, cid, 0, 8, true, |_| {})),
        ("C2H_DATA.CCCID", READ, |p, cid| data(p, cid ^ 3, 0, 8, true, |_| {})),
        ("C2H_DATA.DATAO", READ, |p, cid| data(p, cid, 4, 4, true, |_| {})),
        ("C2H_DATA.DATAL", READ, |p, cid| data(p, cid, 0, 12, true, |_| {})),
        ("C2H_DATA.DATAL", READ, |p, cid| data(p, cid, 0, 8, true, |b| b[16] = 4)),
        ("C2H_DATA.LAST_PDU", READ, |p, cid| data(p, cid, 0, 8, false, |_| {})),
        ("C2H_DATA.LAST_PDU", READ, |p, cid| data(p, cid, 0, 4, true, |_| {})),
        ("C2H_DATA.SUCCESS", READ, |p, cid| data(p, cid, 0, 4, false, |b| b[1] |= 8)),
        ("C2H_DATA.FLAGS", READ, |p, cid| data(p, cid, 0, 8, true, |b| b[1] |= 0x10)),
        ("C2H_DATA.reserved bytes", READ, |p, cid| data(p, cid, 0, 8, true, |b| b[20] = 1)),
        ("R2T.CCCID", READ, |p, cid| {
            let r = R2T::new(&p.to, cid, 1, 0, 8).to_bytes();
            p.send(&r);
        }),
        ("R2T.R2TO", WRITE, |p, cid| {
            let r = R2T::new(&p.to, cid, 1, 4096, 4096).to_bytes();
            p.send(&r);
        }),
        ("R2T.R2TL", WRITE, |p, cid| {
            let r = R2T::new(&p.to, cid, 1, 0, 8193).to_bytes();
            p.send(&r);
        }),
        ("R2T.R2TL", WRITE, |p, cid| {
            let r = R2T::new(&p.to, cid, 1, 0, 0).to_bytes();
            p.send(&r);
        }),
        ("R2T.CCCID", WRITE, |p, cid| {
            let both =
                [R2T::new(&p.to, cid, 1, 0, 4096).to_bytes(), R2T::new(&p.to, cid, 2, 4096, 4096).to_bytes()].concat();
            p.send(&both);
        }),
    ]
}

#[test]
fn every_wrong_field_is_named_and_told() {
    for (i, (field, payload, body)) in wrongs().into_iter().enumerate() {
        let (address, peer) = script(move |mut p| {
            p.negotiate(0, 4096);
            let cid = p.read().unwrap().cid();
            body(&mut p, cid);
            let last = std::iter::from_fn(|| p.read()).last().expect("a TermReq");
            assert_eq!(last.ch.kind, PduType::H2C_TERM_REQ, "case {i}, {field}");
        });
        let mut q = plain(address);
        let slot = q.take().unwrap();
        q.start(slot, Sqe::new(2, 1), payload);
        let begin = std::time::Instant::now();
        let error = loop {
            assert!(begin.elapsed() < LIMIT, "case {i}, {field}: nothing was noticed");
            match q.wait(Duration::from_millis(50)) {
                Ok(()) => while q.next_done().is_some() {},
                Err(error) => break error,
            }
        };
        let Error::Violation(v) = &error else { panic!("case {i}, {field}: {error}") };
        assert_eq!(format!("{:?}.{}", v.pdu, v.field), field, "case {i}: {v}");
        assert!(q.is_dead() && q.poll().is_err());
        drop(q);
        peer.join().unwrap();
    }
}

#[test]
fn wrong_digests_are_found() {
    for (field, at) in [("HDGST", 25), ("DDGST", 28 + 9), ("DDGST", 28 + 3)] {
        let (address, peer) = script(move |mut p| {
            p.negotiate(0, 4096);
            let cid = p.read().unwrap().cid();
            let mut bytes = p.framed(&C2HData::new(&p.to, cid, 0, 8, true, true).to_bytes(), &[3; 8]);
            bytes[at] ^= 1;
            p.send(&bytes);
        });
        let mut q = queue(address, &LinkOptions { hdgst: true, ddgst: true, ..LinkOptions::default() });
        let slot = q.take().unwrap();
        q.start(slot, Sqe::new(2, 1), Payload::Read(8));
        match q.wait_for(slot, "read", LIMIT) {
            Err(Error::Violation(v)) => assert_eq!(v.field, field),
            other => panic!("{other:?}"),
        }
        peer.join().unwrap();
    }
}

#[test]
fn the_targets_last_words_are_told() {
    let (address, peer) = script(|mut p| {
        p.negotiate(0, 4096);
        let c = p.read().unwrap();
        let (pdu, n) = TermReq::pdu(Sender::Controller, Fault::field(3), c.header.as_bytes());
        p.send(&pdu[..n]);
    });
    let mut q = plain(address);
    let slot = q.take().unwrap();
    q.start(slot, Sqe::new(2, 1), Payload::Read(8));
    match q.wait_for(slot, "read", LIMIT) {
        Err(Error::Terminated { fault }) => assert_eq!((fault.fes, fault.fei), (Fes::INVALID_HEADER_FIELD, 3)),
        other => panic!("{other:?}"),
    }
    peer.join().unwrap();
}

#[test]
fn an_end_and_a_silence_are_errors() {
    let (address, _peer) = script(|mut p| {
        p.negotiate(0, 4096);
        p.read();
    });
    let mut q = plain(address);
    let slot = q.take().unwrap();
    q.start(slot, Sqe::new(0, 1), Payload::None);
    assert!(matches!(q.wait_for(slot, "flush", LIMIT), Err(Error::Closed { .. } | Error::Lost { .. })));
    let (address, _peer) = script(|mut p| {
        p.negotiate(0, 4096);
        p.read();
        p.read();
    });
    let mut q = plain(address);
    let slot = q.take().unwrap();
    q.start(slot, Sqe::new(0, 1), Payload::None);
    let error = q.wait_for(slot, "flush", Duration::from_millis(50)).unwrap_err();
    assert!(matches!(&error, Error::Timeout { .. }) && error.to_string().contains("flush"), "{error}");
}

#[test]
fn a_wrong_icresp_is_refused() {
    type Change = fn(&mut [u8]);
    let cases: [(&str, Change); 8] = [
        ("IC_RESP.PFV", |b| b[8] = 1),
        ("IC_RESP.CPDA", |b| b[10] = 32),
        ("IC_RESP.DGST", |b| b[11] = 1),
        ("IC_RESP.DGST", |b| b[11] = 4),
        ("IC_RESP.MAXH2CDATA", |b| b[13] = 0x0f),
        ("IC_RESP.MAXH2CDATA", |b| b[12] = 1),
        ("IC_RESP.reserved bytes 16..127", |b| b[127] = 1),
        ("IC_RESP.PLEN", |b| b[4] = 127),
    ];
    for (field, change) in cases {
        let (address, peer) = script(move |mut p| {
            let request: ICReq = wire::read(&p.read().unwrap().header).unwrap();
            assert_eq!((request.hpda, request.maxr2t(), request.dgst), (0, 1, 0));
            let mut bytes = ICResp::new(0, false, false, 4096).to_bytes();
            change(&mut bytes);
            p.send(&bytes);
            assert_eq!(p.read().unwrap().ch.kind, PduType::H2C_TERM_REQ, "{field}");
        });
        match Link::open(address, &LinkOptions::default()) {
            Err(Error::Violation(v)) => assert_eq!(format!("{:?}.{}", v.pdu, v.field), field),
            other => panic!("{field}: {other:?}"),
        }
        peer.join().unwrap();
    }
}
