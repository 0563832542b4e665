//! `fip_machine`: Ethernet frames of any content to the switch's side of FCoE, an ENode's and a VN2VN port's. Input: records of a byte
//! (how much time passes), two bytes of length and an Ethernet frame, which all three hear whatever its address.

use fabric::fcoe::{EnodeLink, Ether, Fcf, FcfConfig, Status, Vn2vnLink};
use fabric::{Config, Switch};
use fc::{Frame, Frames, Link, Names};
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};
use wire::fcoe::Mac;

/// Most ENodes that the switch lets in.
const ENODES: usize = 4;

type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// An interface: what comes is put in by hand, what goes is checked and dropped.
struct Port {
    mac: Mac,
    came: Queue,
}

impl Ether for Port {
    fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let came = self.came.lock().expect("one thread").pop_front();
        came.map(|bytes| see(&bytes))
    }
    fn room(&mut self) -> usize {
        64
    }
    fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool {
        let length = fill(&mut [0; 4096]);
        assert!((60..=14 + 2500).contains(&length), "a frame of {length} bytes");
        true
    }
    fn flush(&mut self) {}
    fn is_pending(&self) -> bool {
        false
    }
    fn status(&mut self) -> Status {
        Status { mac: self.mac, mtu: 2500, up: true }
    }
    fn join(&mut self, _mac: Mac) {}
    fn leave(&mut self, _mac: Mac) {}
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn name(&self) -> &str {
        "fuzz"
    }
}

fn turn(link: &mut impl Link, now: u64) {
    while link.event(now).is_some() {}
    while link.receive(now).is_some() {}
    link.flush(now);
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let queues: [Queue; 3] = Default::default();
    let port = |n: usize| Port { mac: Mac([2, 0, 0, 0, 0, n as u8 + 1]), came: queues[n].clone() };
    let names = |n: u64| Names { node: Wwn(0x2000_0000_0000_0000 + n), port: Wwn(0x2100_0000_0000_0000 + n) };
    let config = Config { name: "fuzz".into(), wwn: Wwn(0x1000_0000_0000_0002), domain: 1 };
    let mut switch = Switch::new(config, Frames::new(256));
    let fcf = FcfConfig { enodes: ENODES, ..FcfConfig::new(Wwn(0x1000_0000_0000_0001), Wwn(0x1000_0000_0000_0002)) };
    switch.listen(Box::new(Fcf::new(port(0), fcf, Frames::new(64))));
    let mut host = EnodeLink::new(port(1), names(1), Frames::new(64));
    let mut neighbour = Vn2vnLink::new(port(2), names(2), Frames::new(64));
    // Long enough for the neighbour to have its address.
    let mut now = 1;
    for _ in 0..10 {
        now += 200_000_000;
        switch.poll(now);
        turn(&mut host, now);
        turn(&mut neighbour, now);
    }
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let login = Login::fabric(Command::FLOGI, names(1).port, names(1).node, 2112, true).to_bytes();
    let mut rest = data;
    while let [time, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (bytes, next) = tail.split_at(length);
        rest = next;
        queues.iter().for_each(|queue| queue.lock().expect("one thread").push_back(bytes.to_vec()));
        now += u64::from(*time) * 50_000_000;
        switch.poll(now);
        turn(&mut host, now);
        // Nothing as long as it is down; a login under way as soon as it is up.
        host.send(Frame::new(&header, &login));
        turn(&mut neighbour, now);
        assert!(switch.ports().len() <= ENODES, "more ENodes than it lets in");
    }
}
