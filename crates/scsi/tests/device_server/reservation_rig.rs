//! Several initiators at one disk, each on its own home, and what they say about reservations.

use crate::rig::*;
pub use wire::scsi::reservation::out::*;

/// A reply as numbers: status, sense key, sense code.
pub type Told = (u8, u8, u16);

pub const GOOD: Told = (0, 0, 0);
pub const CONFLICT: Told = (0x18, 0, 0);
pub const fn illegal(code: u16) -> Told {
    (2, 5, code)
}

/// INVALID FIELD IN CDB, IN PARAMETER LIST, PARAMETER LIST LENGTH ERROR.
pub const IN_CDB: Told = illegal(0x2400);
pub const IN_LIST: Told = illegal(0x2600);
pub const LENGTH: Told = illegal(0x1a00);

/// Unit attentions.
pub const RESERVATIONS_PREEMPTED: u16 = 0x2a03;
pub const RESERVATIONS_RELEASED: u16 = 0x2a04;
pub const REGISTRATIONS_PREEMPTED: u16 = 0x2a05;

pub const TYPES: [u8; 6] = [1, 3, 5, 6, 7, 8];
pub const APTPL: u8 = 1;
pub const ALL_TG_PT: u8 = 4;
pub const SPEC_I_PT: u8 = 8;

/// The key of an initiator.
pub fn key(n: usize) -> u64 {
    0xa0 + n as u64
}

/// Looks at reservations, is never registered and so never told of anything.
const OBSERVER: u32 = 99;

/// Initiators 0, 1, 2, ...: number n on home n of as many.
pub struct Hosts {
    pub rig: Rig,
    pub count: usize,
}

impl Hosts {
    pub fn new(count: usize) -> Self {
        Self::on(Rig::homes(count), count)
    }

    pub fn on(rig: Rig, count: usize) -> Self {
        let mut hosts = Self { rig, count };
        for n in 0..count {
            hosts.rig.open(n, n as u32);
            hosts.calm(n);
        }
        hosts.rig.open(0, OBSERVER);
        hosts.rig.calm(0, OBSERVER, 0);
        hosts
    }

    pub fn calm(&mut self, n: usize) -> Vec<u16> {
        self.rig.calm(n, n as u32, 0)
    }

    /// The unit attentions of all.
    pub fn calm_all(&mut self) -> Vec<Vec<u16>> {
        (0..self.count).map(|n| self.calm(n)).collect()
    }

    pub fn start(&mut self, n: usize, cdb: &[u8], data_in: u32, sends: &[u8]) -> u32 {
        let task = self.rig.task(n as u32, 0, cdb);
        self.rig.start(n, Task { data_in, data_out: sends.len() as u32, ..task }, sends.to_vec())
    }

    pub fn ask(&mut self, n: usize, cdb: &[u8], data_in: u32, sends: &[u8]) -> Ended {
        let id = self.start(n, cdb, data_in, sends);
        self.rig.ended(n, id).expect("it ended")
    }

    pub fn told(&mut self, n: usize, cdb: &[u8]) -> Told {
        self.ask(n, cdb, 512, &[]).told()
    }

    /// PERSISTENT RESERVE OUT with a list of one's own.
    pub fn out_list(&mut self, n: usize, action: u8, kind: u8, list: &[u8]) -> Told {
        let [a, b, c, d] = (list.len() as u32).to_be_bytes();
        self.ask(n, &[0x5f, action, kind, 0, 0, a, b, c, d, 0], 0, list).told()
    }

    pub fn out(&mut self, n: usize, action: u8, kind: u8, key: u64, action_key: u64, flags: u8) -> Told {
        self.out_list(n, action, kind, &list(key, action_key, flags))
    }

    /// REGISTER, from no key to one's own.
    pub fn register(&mut self, n: usize) {
        assert_eq!(self.out(n, REGISTER, 0, 0, key(n), 0), GOOD);
    }

    pub fn reserve(&mut self, n: usize, kind: u8) -> Told {
        self.out(n, RESERVE, kind, key(n), 0, 0)
    }

    pub fn release(&mut self, n: usize, kind: u8) -> Told {
        self.out(n, RELEASE, kind, key(n), 0, 0)
    }

    pub fn pr_in(&mut self, n: usize, action: u8) -> Vec<u8> {
        let ended = self.ask(n, &[0x5e, action, 0, 0, 0, 0, 0, 0x40, 0, 0], 0x4000, &[]);
        ended.good().data
    }

    fn observe(&mut self, action: u8) -> Vec<u8> {
        self.rig.calm(0, OBSERVER, 0);
        let task = self.rig.task(OBSERVER, 0, &[0x5e, action, 0, 0, 0, 0, 0, 0x40, 0, 0]);
        let id = self.rig.start(0, Task { data_in: 0x4000, ..task }, Vec::new());
        self.rig.ended(0, id).expect("it ended").good().data
    }

    pub fn generation(&mut self) -> u32 {
        word(&self.observe(0), 0)
    }

    /// The keys, in the order of their registration.
    pub fn keys(&mut self) -> Vec<u64> {
        let data = self.observe(0);
        assert_eq!(word(&data, 4) as usize, data.len() - 8);
        data[8..].chunks(8).map(|key| u64::from_be_bytes(key.try_into().unwrap())).collect()
    }

    /// Key and type of the reservation.
    pub fn reservation(&mut self) -> Option<(u64, u8)> {
        let data = self.observe(1);
        if data.len() == 8 {
            return None;
        }
        assert_eq!((data.len(), word(&data, 4)), (24, 16));
        Some((u64::from_be_bytes(data[8..16].try_into().unwrap()), data[21]))
    }
}

pub fn word(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

pub fn list(key: u64, action_key: u64, flags: u8) -> Vec<u8> {
    let mut list = [key.to_be_bytes(), action_key.to_be_bytes(), [0; 8]].concat();
    list[20] = flags;
    list
}
