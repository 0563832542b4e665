//! The Unix link: a switch and ports that reach it by a socket.

use fabric::link::{BACKLOG, UnixLink, UnixListener};
use fabric::{Config, Listener, Switch};
use fc::{Frame, FrameBox, Frames, Link, LinkEvent};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

struct Rig {
    switch: Switch,
    began: Instant,
    dir: tempfile::TempDir,
}

fn config() -> Config {
    Config { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 }
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let frames = Frames::new(4096);
        let mut switch = Switch::new(config(), frames.clone());
        switch.listen(Box::new(UnixListener::bind(&dir.path().join("sw"), frames).unwrap()));
        Self { switch, began: Instant::now(), dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("sw")
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn until<T>(&mut self, what: &str, mut check: impl FnMut(&mut Switch, u64) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let now = self.now();
            self.switch.poll(now);
            if let Some(result) = check(&mut self.switch, now) {
                return result;
            }
        }
        panic!("never: {what}");
    }

    fn host(&mut self, name: u64) -> (UnixLink, PortId) {
        let mut link = UnixLink::new(self.path(), Frames::new(1024)).unwrap();
        self.until("link up", |_, now| link.event(now).filter(|event| matches!(event, LinkEvent::Up(_))));
        let id = self.flogi(&mut link, name);
        (link, id)
    }

    fn flogi(&mut self, link: &mut UnixLink, name: u64) -> PortId {
        let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC)
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(1, 0xffff);
        link.send(Frame::new(&header, &Login::fabric(Command::FLOGI, Wwn(name), Wwn(1), 2112, true).to_bytes()));
        link.flush(0);
        let reply = self.until("FLOGI", |_, now| link.receive(now));
        assert_eq!(reply.payload()[0], 2);
        reply.header().d_id()
    }
}

fn data(from: PortId, to: PortId, number: u32) -> FrameBox {
    let mut payload = [0; 2112];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    Frame::new(&FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, from, to), &payload)
}

fn number(frame: &FrameBox) -> u32 {
    u32::from_be_bytes(frame.payload()[..4].try_into().unwrap())
}

fn raw(path: &Path) -> OwnedFd {
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None).unwrap();
    connect(fd.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
    fd
}

#[test]
fn frames_go_both_ways_in_order_and_none_is_lost() {
    let mut rig = Rig::new();
    let (mut a, of_a) = rig.host(0x2100_0000_0000_000a);
    let (mut b, of_b) = rig.host(0x2100_0000_0000_000b);
    let mut pools = [Frames::new(0), Frames::new(0)];
    let (mut sent, mut there, mut back) = (0, 0, 0);
    rig.until("all frames", |_, now| {
        while a.room() > 0 && sent < 20_000 {
            a.send(data(of_a, of_b, sent));
            sent += 1;
        }
        a.flush(now);
        while b.room() > 0
            && let Some(frame) = b.receive(now)
        {
            assert_eq!(number(&frame), there);
            there += 1;
            b.send(data(of_b, of_a, number(&frame)));
            pools[0].give(frame);
        }
        b.flush(now);
        while let Some(frame) = a.receive(now) {
            assert_eq!(number(&frame), back);
            back += 1;
            // The link's pool has 1,024 frames: what it hands out must come back to it.
            a.send(data(of_a, PortId(0x03_ffff), 0));
            drop(frame);
        }
        (back == 20_000).then_some(())
    });
    assert_eq!((a.describe(), a.room() <= BACKLOG), (format!("unix:{}", rig.path().display()), true));
}

#[test]
fn a_peer_that_vanishes_is_logged_out_and_one_that_comes_again_has_its_address() {
    let mut rig = Rig::new();
    let (a, of_a) = rig.host(0x2100_0000_0000_000a);
    drop(a);
    rig.until("port gone", |switch, _| switch.ports().is_empty().then_some(()));
    let (_a, again) = rig.host(0x2100_0000_0000_000a);
    assert_eq!(again, of_a);
}

#[test]
fn a_switch_that_vanishes_takes_the_link_down_until_another_is_there() {
    let mut rig = Rig::new();
    let (mut a, _) = rig.host(0x2100_0000_0000_000a);
    let frames = Frames::new(64);
    rig.switch = Switch::new(config(), frames.clone());
    assert!(!rig.path().exists(), "who listens no more leaves no socket behind");
    rig.until("down", |_, now| a.event(now).filter(|event| *event == LinkEvent::Down));
    rig.until("given up", |_, now| {
        assert_eq!(a.event(now), None);
        a.deadline()
    });
    rig.switch.listen(Box::new(UnixListener::bind(&rig.path(), frames).unwrap()));
    rig.until("up again", |_, now| a.event(now).filter(|event| matches!(event, LinkEvent::Up(_))));
    rig.flogi(&mut a, 0x2100_0000_0000_000a);
}

#[test]
fn either_side_can_go_down_and_up() {
    let mut rig = Rig::new();
    let (mut a, _) = rig.host(0x2100_0000_0000_000a);
    let now = rig.now();
    rig.switch.set_up(0, false, now).unwrap();
    rig.until("down", |_, now| a.event(now).filter(|event| *event == LinkEvent::Down));
    assert_eq!(a.room(), 0);
    let now = rig.now();
    rig.switch.set_up(0, true, now).unwrap();
    rig.until("up", |_, now| a.event(now).filter(|event| matches!(event, LinkEvent::Up(_))));
    rig.flogi(&mut a, 0x2100_0000_0000_000a);
    a.set_up(false);
    assert_eq!(a.event(0), Some(LinkEvent::Down));
    rig.until("logged out", |switch, _| switch.ports()[0].n_ports.is_empty().then_some(()));
    a.set_up(true);
    rig.until("up", |_, now| a.event(now).filter(|event| matches!(event, LinkEvent::Up(_))));
    rig.flogi(&mut a, 0x2100_0000_0000_000a);
}

#[test]
fn whoever_sends_garbage_loses_its_own_link_only() {
    let mut rig = Rig::new();
    let (mut a, of_a) = rig.host(0x2100_0000_0000_000a);
    let path = rig.path();
    let up = *b"qfcl\x01\x01\x08\x40";
    let long = [0; 3000];
    for garbage in
        [&b"x"[..], b"qfcl\x02\x01\x08\x40", b"qfcl\x01\x07\x08\x40", b"qfcl\x01\x01\0\x08", b"qfcl\x01\x01\x08", &long]
    {
        let peer = raw(&path);
        send(peer.as_raw_fd(), &up, MsgFlags::empty()).unwrap();
        rig.until("attached", |switch, _| (switch.ports().len() == 2).then_some(()));
        send(peer.as_raw_fd(), garbage, MsgFlags::empty()).unwrap();
        rig.until("thrown out", |switch, _| (switch.ports().len() == 1).then_some(()));
    }
    let silent: Vec<OwnedFd> = (0..20).map(|_| raw(&path)).collect();
    rig.until("attached", |switch, _| (switch.ports().len() == 21).then_some(()));
    assert_eq!(rig.flogi(&mut a, 0x2100_0000_0000_000a), of_a);
    drop(silent);
    rig.until("gone", |switch, _| (switch.ports().len() == 1).then_some(()));
}

#[test]
fn one_that_reads_nothing_does_not_stop_others() {
    let mut rig = Rig::new();
    let (mut a, of_a) = rig.host(0x2100_0000_0000_000a);
    let (mut b, of_b) = rig.host(0x2100_0000_0000_000b);
    let (_deaf, of_deaf) = rig.host(0x2100_0000_0000_000c);
    let mut sent = 0u32;
    rig.until("everything stands", |switch, now| {
        while a.room() > 0 {
            a.send(data(of_a, of_deaf, 0));
            sent += 1;
        }
        a.flush(now);
        (switch.ports()[2].counters.discarded_hold_time > 0).then_some(())
    });
    assert!(sent > BACKLOG as u32);
    rig.until("room", |_, now| {
        a.flush(now);
        (a.room() > 0).then_some(())
    });
    a.send(data(of_a, of_b, 7));
    let got = rig.until("the frame behind", |_, now| {
        a.flush(now);
        b.receive(now)
    });
    assert_eq!(number(&got), 7);
}

#[test]
fn a_place_is_taken_only_if_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let bind = |path: &Path| UnixListener::bind(path, Frames::new(1)).map(|listener| listener.describe());
    let first = UnixListener::bind(&path, Frames::new(1)).unwrap();
    assert!(bind(&path).unwrap_err().contains("a process listens there"));
    drop(first);
    let dead = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::empty(), None).unwrap();
    nix::sys::socket::bind(dead.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    drop(dead);
    assert!(path.exists());
    assert_eq!(bind(&path), Ok(format!("unix:{}", path.display())));
    std::fs::write(&path, "precious").unwrap();
    assert!(bind(&path).unwrap_err().contains("no socket"));
    assert!(bind(&dir.path().join("y".repeat(120))).unwrap_err().contains("too long"));
    assert!(bind(&dir.path().join("no/where")).is_err());
}
