//! Whatever comes, nothing panics, and tables stay bounded.

use super::*;
use crate::Listener;
use std::sync::{Arc, Mutex};

/// A number generator of our own: a failing run is repeated by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below.max(1)
    }
}

/// A station that writes down what it hears: good messages to spoil.
fn overheard() -> Vec<Vec<u8>> {
    let lan = Lan::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut spy = lan.station(mac(99));
    let (all, own) =
        ([wire::fip::ALL_ENODES, wire::fip::ALL_FCFS, wire::fip::ALL_VN2VN], [mac(1), mac(2), mac(3), mac(4)]);
    all.into_iter().chain(own).chain([Mac([0x0e, 0xfc, 0, 1, 0, 1])]).for_each(|mac| spy.join(mac));
    let mut fcf = Fcf::new(lan.station(mac(1)), FcfConfig::new(Wwn(1), Wwn(2)), Frames::new(32));
    let mut host = EnodeLink::new(lan.station(mac(2)), names(2), Frames::new(32));
    let mut pair = [3, 4].map(|n| Vn2vnLink::new(lan.station(mac(n)), names(n.into()), Frames::new(32)));
    for step in 0..500 {
        let now = step * STEP;
        fcf.poll(now);
        if step == 100 {
            host.send(login(Command::FLOGI, 2, 1));
            let frame = login(Command::FLOGI, 9, 1);
            let mut slot = [0; 2200];
            let length = packet::put_frame(&mut slot, mac(1), mac(2), &frame);
            heard.lock().unwrap().push(slot[..length].to_vec());
        }
        events(&mut host, now);
        frames(&mut host, now);
        for link in &mut pair {
            events(link, now);
            frames(link, now);
        }
        while spy.receive(|bytes| heard.lock().unwrap().push(bytes.to_vec())).is_some() {}
    }
    let heard = heard.lock().unwrap().clone();
    assert!(heard.len() > 15, "{}", heard.len());
    heard
}

fn spoil(good: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = good[random.next(good.len())].clone();
    for _ in 0..random.next(6) {
        let at = random.next(bytes.len().min(300));
        match random.next(3) {
            0 => bytes[at] = random.next(256) as u8,
            1 => bytes[at] ^= 1 << random.next(8),
            _ => bytes.truncate(at.max(14)),
        }
    }
    if random.next(2) == 0 {
        // From another station each time: tables fill up.
        bytes[6..12].copy_from_slice(&Mac([2, 0, 0, 1, random.next(256) as u8, random.next(256) as u8]).0);
    }
    bytes
}

#[test]
fn spoiled_messages() {
    let good = overheard();
    let (lan, mut random) = (Lan::new(), Random(0x5eed));
    let mut fcf = Fcf::new(lan.station(mac(1)), FcfConfig::new(Wwn(1), Wwn(2)), Frames::new(128));
    let mut host = EnodeLink::new(lan.station(mac(2)), names(2), Frames::new(128));
    let mut pair = [3, 4].map(|n| Vn2vnLink::new(lan.station(mac(n)), names(n.into()), Frames::new(128)));
    let mut accepted = Vec::new();
    for round in 0..20_000 {
        let now = round * STEP;
        for _ in 0..4 {
            lan.inject(&spoil(&good, &mut random));
        }
        fcf.poll(now);
        accepted.extend(std::iter::from_fn(|| fcf.accept(now)));
        for link in &mut accepted {
            events(link, now);
            // As a switch would that accepts whatever is asked.
            for frame in frames(link, now) {
                let header = FrameHeader {
                    d_id: PortId(0x010000 + random.next(99) as u32).to_bytes(),
                    ..els::reply_header(frame.header())
                };
                link.send(Frame::new(&header, &[2; 116]));
            }
        }
        accepted.retain(|link| !link.is_gone());
        assert!(accepted.len() <= 64, "{}", accepted.len());
        fcf.flush(now);
        events(&mut host, now);
        frames(&mut host, now);
        host.send(login(Command::FLOGI, 2, 1));
        host.flush(now);
        for link in &mut pair {
            events(link, now);
            frames(link, now);
            link.flush(now);
        }
    }
    let counters = fcf.counters();
    assert!(counters.fip_faults > 1000 && counters.malformed + counters.crc_errors > 100, "{counters:?}");
}
