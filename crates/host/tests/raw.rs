//! The raw mode hears what a peer says, and helps with a right start.

mod common;

use common::script;
use common::target::{Deed, NQN, start};
use host::raw::{Connection, Heard, Pdu};
use std::time::Duration;
use wire::nvm::Rw;
use wire::nvme::{NvmOpcode, SglDescriptor, Sqe};
use wire::tcp::{Fault, Framing, PduType, Sender, TermReq};

#[test]
fn a_right_start_and_a_read() {
    let (address, _) = start(Box::new(|_, _| Deed::Write));
    let (_admin, cntlid) = Connection::admin(address, NQN, "nqn.2014-08.org.example:host").unwrap();
    let mut io = Connection::io(address, 1, cntlid, NQN, "nqn.2014-08.org.example:host").unwrap();
    let mut sqe = Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0);
    sqe.dptr = SglDescriptor::transport(512);
    let data = io.command(sqe, &[]).unwrap().pdu().unwrap();
    assert_eq!((data.kind(), data.data.len(), data.c2h_data().unwrap().success()), (PduType::C2H_DATA, 512, true));
    assert_eq!(io.hear(Duration::from_millis(20)).unwrap(), Heard::Silence { partial: 0 });
}

#[test]
fn ends_are_told_apart() {
    let (address, peer) = script(|mut p| {
        let hello = p.read().unwrap();
        assert_eq!(hello.ch.flags, 0);
        let (pdu, n) = TermReq::pdu(Sender::Controller, Fault::unsupported(8), &hello.header);
        p.send(&pdu[..n]);
    });
    let mut c = Connection::open(address).unwrap();
    c.send(&Pdu::icreq(0, false, false, 1).set(8, &[9])).unwrap();
    let end = c.until_closed(Duration::from_secs(2)).unwrap();
    assert_eq!((end.closed, end.fault, end.pdus.len()), (true, Some(Fault::unsupported(8)), 1));
    assert_eq!(end.pdus[0].data[8], 9, "the PDU in error comes back");
    peer.join().unwrap();

    let (address, peer) = script(|mut p| p.send(&[5, 0, 99, 0, 1, 2, 3, 4]));
    let heard = Connection::open(address).unwrap().hear(Duration::from_secs(2)).unwrap();
    assert!(matches!(heard, Heard::Nonsense { fault, .. } if fault == Fault::field(2)), "{heard:?}");
    peer.join().unwrap();

    let (address, peer) = script(|mut p| p.send(&[5, 0, 24, 0]));
    let heard = Connection::open(address).unwrap().hear(Duration::from_secs(2)).unwrap();
    assert_eq!(heard, Heard::Closed { partial: 4 });
    peer.join().unwrap();
}

#[test]
fn slow_bytes_arrive_as_they_are() {
    let (address, peer) = script(|mut p| {
        let pdu = p.read().unwrap();
        assert_eq!(pdu.command().sqe.opcode, 2);
    });
    let mut c = Connection::open(address).unwrap();
    c.send_slowly(&Pdu::command(&Framing::PLAIN, Sqe::new(2, 1), &[]).bytes(), Duration::from_micros(100)).unwrap();
    peer.join().unwrap();
}
