//! Packet sockets on a pair of virtual Ethernet interfaces, in a network namespace of the test's own.

use os::{Epoll, Interest, PACKET_BYTES, PacketSocket, Ready};
use std::process::Command;
use std::time::{Duration, Instant};

/// Moves this thread into a network of its own with `a0` and `a1` joined; `false` where that is not permitted.
fn own_network() -> bool {
    if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
        println!("skipped: no network namespace ({error})");
        return false;
    }
    let steps = ["link add a0 mtu 2500 type veth peer name a1 mtu 2500", "link set a0 up", "link set a1 up"];
    let done = |step: &&str| Command::new("ip").args(step.split(' ')).status().is_ok_and(|status| status.success());
    if let Some(step) = steps.iter().find(|step| !done(step)) {
        println!("skipped: 'ip {step}' failed");
        return false;
    }
    true
}

fn frame(to: [u8; 6], from: [u8; 6], ethertype: u16, len: usize) -> Vec<u8> {
    let mut frame = [&to[..], &from, &ethertype.to_be_bytes()].concat();
    frame.extend((0..len).map(|i| i as u8));
    frame
}

fn send(socket: &mut PacketSocket, frame: &[u8]) {
    let sent = socket.send(|slot| {
        slot[..frame.len()].copy_from_slice(frame);
        frame.len()
    });
    assert!(sent, "no room");
    socket.flush();
}

fn within(mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while !done() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

#[test]
fn frames_between_two_interfaces() {
    if !own_network() {
        return;
    }
    let open = |name| PacketSocket::open(name, &[0x8906, 0x8914], 64).expect("a packet socket");
    let (mut a, mut b) = (open("a0"), open("a1"));
    assert!(within(|| a.interface().unwrap().up), "no carrier");
    let (from, to) = (a.interface().unwrap(), b.interface().unwrap());
    assert_eq!((from.mtu, to.mtu), (2500, 2500));
    assert_ne!(from.mac, to.mac);
    // Another EtherType is not seen, these two are, whole and in order; nothing that was sent comes back to its sender.
    for (ethertype, len) in [(0x0800, 100), (0x8906, 2158), (0x8914, 46), (0x8906, 46)] {
        send(&mut a, &frame(to.mac, from.mac, ethertype, len));
    }
    for (ethertype, len) in [(0x8906, 2158), (0x8914, 46), (0x8906, 46)] {
        assert!(within(|| b.is_pending()));
        let came = b.receive(<[u8]>::to_vec).unwrap();
        assert_eq!(came, frame(to.mac, from.mac, ethertype, len));
    }
    assert!(b.receive(|_| ()).is_none() && a.receive(|_| ()).is_none());
    // More than the ring holds, both ways, many times around.
    for round in 0..20 {
        for n in 0..40 {
            send(&mut a, &frame(to.mac, from.mac, 0x8906, 100 + n));
        }
        for n in 0..40 {
            assert!(within(|| b.is_pending()), "round {round} frame {n}");
            assert_eq!(b.receive(|frame| frame.len()), Some(14 + 100 + n));
        }
        assert!(within(|| a.room() == 64));
    }
    assert_eq!(b.take_drops(), 0);
    // A full ring drops, and says so.
    for _ in 0..100 {
        send(&mut a, &frame(to.mac, from.mac, 0x8906, 100));
        assert!(within(|| a.room() > 0));
    }
    let mut kept = 0;
    while b.receive(|_| ()).is_some() {
        kept += 1;
    }
    assert_eq!((kept, b.take_drops()), (64, 36));
    a.join([0x01, 0x10, 0x18, 1, 0, 1]).expect("a group");
    a.join([0x0e, 0xfc, 0, 1, 2, 3]).expect("a further address");
    a.leave([0x0e, 0xfc, 0, 1, 2, 3]).expect("joined before");
    sleeping(&mut a, &mut b, &frame(to.mac, from.mac, 0x8914, PACKET_BYTES.min(2400)));
    assert!(Command::new("ip").args(["link", "set", "a1", "down"]).status().unwrap().success());
    assert!(within(|| !a.interface().unwrap().up), "the other end is down");
    assert!(PacketSocket::open("nothing", &[], 16).is_err());
    assert!(PacketSocket::open("lo", &[0x8906], 16).is_err(), "no Ethernet");
}

/// Epoll says that a frame is there, and only then.
fn sleeping(a: &mut PacketSocket, b: &mut PacketSocket, frame: &[u8]) {
    let epoll = Epoll::new().unwrap();
    epoll.add(b.fd(), 7, Interest::READ).unwrap();
    let ready = |wait| {
        let mut ready = [Ready::NONE; 4];
        let count = epoll.wait(&mut ready, Some(wait)).unwrap();
        ready[..count].iter().map(Ready::token).collect::<Vec<_>>()
    };
    assert_eq!(ready(Duration::from_millis(20)), []);
    send(a, frame);
    assert_eq!(ready(Duration::from_secs(5)), [7]);
    assert_eq!(b.receive(<[u8]>::to_vec).as_deref(), Some(frame));
    assert_eq!(ready(Duration::from_millis(20)), []);
}
