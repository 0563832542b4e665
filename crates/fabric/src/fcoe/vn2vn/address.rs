//! How a VN2VN port comes to its address: chosen, probed twice, claimed. FC-BB-6 7.9.4.

use crate::fcoe::MS;
use ring::Tick;
use wire::fc::{PortId, Wwn};
use wire::fip::{ANNOUNCE_WAIT_MS, BEACON_PERIOD_MS, PROBE_WAIT_MS};

const PROBE_WAIT: Tick = PROBE_WAIT_MS as Tick * MS;
const ANNOUNCE_WAIT: Tick = ANNOUNCE_WAIT_MS as Tick * MS;
const BEACON_PERIOD: Tick = BEACON_PERIOD_MS as Tick * MS;
/// Random part of the time to the next beacon.
const BEACON_FUZZ: Tick = 100 * MS;
/// After so many addresses of others, the next is tried more slowly.
const PATIENCE: u32 = 10;
const SLOW: Tick = 10_000 * MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Off,
    /// An address is chosen; a random time passes.
    Start,
    Probe1,
    Probe2,
    Claim,
    Up,
}

pub(super) struct Address {
    phase: Phase,
    id: PortId,
    tries: u32,
    beacons: u32,
    next: Tick,
    claimed: Tick,
    random: u64,
}

impl Address {
    pub(super) fn new(name: Wwn) -> Self {
        Self { phase: Phase::Off, id: usable(name.0), tries: 0, beacons: 0, next: 0, claimed: 0, random: name.0 | 1 }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn id(&self) -> PortId {
        self.id
    }

    pub(super) fn stop(&mut self) {
        self.phase = Phase::Off;
    }

    /// Begins with the address of last time, or that of the name: most will have the same one always.
    pub(super) fn start(&mut self, now: Tick) {
        self.tries = 0;
        self.wait(now, PROBE_WAIT);
    }

    /// Begins with another one.
    pub(super) fn start_again(&mut self, now: Tick) {
        self.id = usable(self.roll());
        self.tries += 1;
        let slow = self.tries > PATIENCE;
        self.wait(now, if slow { SLOW } else { PROBE_WAIT });
    }

    fn wait(&mut self, now: Tick, most: Tick) {
        self.phase = Phase::Start;
        self.next = now + self.roll() % most;
    }

    /// Goes on when it is time: the phase that was entered, or `Up` again for each beacon.
    pub(super) fn step(&mut self, now: Tick) -> Option<Phase> {
        if self.phase == Phase::Off || now < self.next {
            return None;
        }
        let (phase, wait) = match self.phase {
            Phase::Off | Phase::Start => (Phase::Probe1, PROBE_WAIT),
            Phase::Probe1 => (Phase::Probe2, ANNOUNCE_WAIT),
            Phase::Probe2 => (Phase::Claim, ANNOUNCE_WAIT),
            Phase::Claim => (Phase::Up, ANNOUNCE_WAIT),
            Phase::Up => (Phase::Up, BEACON_PERIOD + self.roll() % BEACON_FUZZ),
        };
        self.beacons = if self.phase == Phase::Up { self.beacons + 1 } else { 0 };
        (self.phase, self.next) = (phase, now + wait);
        if phase == Phase::Claim {
            self.claimed = now;
        }
        Some(phase)
    }

    /// The beacon that is due is the first.
    pub(super) fn has_just_come_up(&self) -> bool {
        self.phase == Phase::Up && self.beacons == 0
    }

    /// Whether the last claim is long enough ago to say it again; then it counts as said.
    pub(super) fn may_claim_again(&mut self, now: Tick) -> bool {
        let may = now > self.claimed + ANNOUNCE_WAIT;
        if may {
            self.claimed = now;
        }
        may
    }

    pub(super) fn deadline(&self) -> Tick {
        if self.phase == Phase::Off { Tick::MAX } else { self.next }
    }

    /// The next number of a xorshift generator: ports of different names choose differently, that is all that is asked of it.
    fn roll(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 8
    }
}

/// The lower 16 bits, unless they are one of the reserved values.
fn usable(number: u64) -> PortId {
    match (number & 0xffff) as u32 {
        0 | 0xffff => PortId(1),
        id => PortId(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up() {
        let mut address = Address::new(Wwn(0x2000_0000_0000_1234));
        assert_eq!((address.step(0), address.deadline()), (None, Tick::MAX));
        address.start(0);
        assert_eq!(address.id(), PortId(0x1234));
        assert!(address.deadline() < 100 * MS);
        let start = address.deadline();
        for (at, phase) in [(0, Phase::Probe1), (100, Phase::Probe2), (500, Phase::Claim), (900, Phase::Up)] {
            let at = start + at * MS;
            assert_eq!(address.deadline(), at);
            if at > 0 {
                assert_eq!(address.step(at - 1), None);
            }
            assert_eq!(address.step(at), Some(phase));
        }
        assert!(address.has_just_come_up());
        assert_eq!(address.step(address.deadline()), Some(Phase::Up));
        assert!(!address.has_just_come_up());
        let wait = address.deadline() - start - 1300 * MS;
        assert!((8_000 * MS..8_100 * MS).contains(&wait), "{wait}");
    }

    #[test]
    fn reserved_addresses_are_not_chosen() {
        assert_eq!(usable(0xffff_0000), PortId(1));
        assert_eq!(usable(0xffff), PortId(1));
        let mut address = Address::new(Wwn(7));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            address.start_again(0);
            assert!((1..0xffff).contains(&address.id().0));
            seen.insert(address.id());
        }
        assert!(seen.len() > 15, "another one each time: {seen:?}");
        assert!(address.deadline() < SLOW);
    }
}
