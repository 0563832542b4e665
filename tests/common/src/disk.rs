//! Verified I/O through the host library.

use crate::LIMIT;
use host::{Controller, Payload, Queue, Random, Slot};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use wire::nvm::Rw;
use wire::nvme::{Cqe, NvmOpcode, Sqe};

/// Bytes that no other seed has: each eight of them name the seed and their place.
pub fn pattern(seed: u64, bytes: usize) -> Vec<u8> {
    let word =
        |at: u64| (seed ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_le_bytes();
    (0..bytes.div_ceil(8) as u64).flat_map(word).take(bytes).collect()
}

/// A namespace through one I/O queue.
pub struct Disk {
    queue: Queue,
    nsid: u32,
    block: u32,
    blocks: u64,
}

impl Disk {
    /// Connects I/O queue `qid` of `entries` entries, with `buffer` bytes for each command.
    ///
    /// # Panics
    /// If the target refuses.
    pub fn open(controller: &mut Controller, nsid: u32, qid: u16, entries: u16, buffer: u32) -> Disk {
        let namespace = controller.namespace(nsid).unwrap_or_else(|error| panic!("namespace {nsid}: {error}"));
        let queue = controller.io_queue(qid, entries, buffer).unwrap_or_else(|error| panic!("queue {qid}: {error}"));
        Disk { queue, nsid, block: namespace.block, blocks: namespace.blocks }
    }

    /// Bytes of a block.
    pub fn block(&self) -> u32 {
        self.block
    }

    /// Blocks.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The queue itself.
    pub fn queue(&mut self) -> &mut Queue {
        &mut self.queue
    }

    /// One command and its answer; `data` is what a write sends and where a read's data go.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn run(&mut self, sqe: Sqe, payload: Payload, data: &mut [u8]) -> Cqe {
        let slot = self.queue.take().expect("a free slot");
        if let Payload::Write(bytes) = payload {
            self.queue.buffer_mut(slot)[..bytes as usize].copy_from_slice(&data[..bytes as usize]);
        }
        self.queue.start(slot, sqe, payload);
        let cqe = self.queue.wait_for(slot, "a command", LIMIT).unwrap_or_else(|error| panic!("{sqe:?}: {error}"));
        if let Payload::Read(bytes) = payload {
            data[..bytes as usize].copy_from_slice(&self.queue.buffer(slot)[..bytes as usize]);
        }
        self.queue.give(slot);
        cqe
    }

    /// A Read, Write, Compare, Write Zeroes with these bits.
    pub fn rw(&mut self, opcode: NvmOpcode, slba: u64, nlb: u32, bits: u32, data: &mut [u8]) -> Cqe {
        let bytes = nlb * self.block;
        let payload = match opcode {
            NvmOpcode::READ => Payload::Read(bytes),
            NvmOpcode::WRITE | NvmOpcode::COMPARE => Payload::Write(bytes),
            _ => Payload::None,
        };
        self.run(Rw::sqe(opcode, self.nsid, slba, nlb, bits), payload, data)
    }

    /// Writes; must succeed.
    ///
    /// # Panics
    /// If it does not.
    pub fn write(&mut self, slba: u64, data: &[u8]) {
        let nlb = data.len() as u32 / self.block;
        let status = self.rw(NvmOpcode::WRITE, slba, nlb, 0, &mut data.to_vec()).status();
        assert!(status.is_success(), "write of {nlb} blocks at {slba}: {status:?}");
    }

    /// Reads; must succeed.
    ///
    /// # Panics
    /// If it does not.
    pub fn read(&mut self, slba: u64, nlb: u32) -> Vec<u8> {
        let mut data = vec![0xa5; (nlb * self.block) as usize];
        let status = self.rw(NvmOpcode::READ, slba, nlb, 0, &mut data).status();
        assert!(status.is_success(), "read of {nlb} blocks at {slba}: {status:?}");
        data
    }

    /// Flush; must succeed.
    ///
    /// # Panics
    /// If it does not.
    pub fn flush(&mut self) {
        let status = self.run(Sqe::new(NvmOpcode::FLUSH.0, self.nsid), Payload::None, &mut []).status();
        assert!(status.is_success(), "flush: {status:?}");
    }
}

/// Random verified I/O.
#[derive(Clone, Copy)]
pub struct Exercise {
    /// First block, and how many: one queue at a time may have them.
    pub first: u64,
    /// Blocks.
    pub blocks: u64,
    /// Most blocks of a command.
    pub most: u32,
    /// Commands outstanding.
    pub depth: usize,
    /// Commands in all, at least.
    pub commands: usize,
    /// Time in all, at least.
    pub time: Duration,
    /// Start of the random numbers.
    pub seed: u64,
}

/// A command in flight.
struct Flight {
    slot: Slot,
    at: u64,
    nlb: u32,
    write: bool,
}

/// Writes and reads at random, several at once, and compares every block read with the last one written. Returns how
/// many commands it was.
///
/// # Panics
/// If a command fails or a block is not what was written last.
pub fn exercise(disk: &mut Disk, what: &Exercise) -> usize {
    let mut random = Random::new(what.seed);
    let mut generation: Vec<u64> = vec![0; what.blocks as usize];
    let mut flying: VecDeque<Flight> = VecDeque::new();
    let (begin, mut done, mut started) = (Instant::now(), 0, 0u64);
    loop {
        let enough = done >= what.commands && begin.elapsed() >= what.time;
        while !enough && flying.len() < what.depth {
            let nlb = 1 + random.below(u64::from(what.most)) as u32;
            let at = random.below(what.blocks - u64::from(nlb) + 1);
            let busy = |f: &Flight| at < f.at + u64::from(f.nlb) && f.at < at + u64::from(nlb);
            if flying.iter().any(busy) {
                break;
            }
            let Some(slot) = disk.queue.take() else { break };
            started += 1;
            let write = random.below(2) == 0;
            start(disk, what, &mut generation, Flight { slot, at, nlb, write }, started, &mut flying);
        }
        if flying.is_empty() {
            return done;
        }
        disk.queue.poll().unwrap_or_else(|error| panic!("after {done} commands: {error}"));
        while let Some(over) = disk.queue.next_done() {
            let at = flying.iter().position(|f| f.slot == over.slot).expect("one of ours");
            let flight = flying.remove(at).expect("just found");
            let status = over.cqe.status();
            assert!(status.is_success(), "{} blocks at {}, write {}: {status:?}", flight.nlb, flight.at, flight.write);
            if !flight.write {
                check(disk, what, &generation, &flight);
            }
            disk.queue.give(over.slot);
            done += 1;
        }
        std::thread::yield_now();
    }
}

fn start(
    disk: &mut Disk,
    what: &Exercise,
    generation: &mut [u64],
    flight: Flight,
    number: u64,
    flying: &mut VecDeque<Flight>,
) {
    let (block, bytes) = (disk.block as usize, flight.nlb * disk.block);
    let opcode = if flight.write { NvmOpcode::WRITE } else { NvmOpcode::READ };
    if flight.write {
        for index in 0..u64::from(flight.nlb) {
            let at = flight.at + index;
            generation[at as usize] = number;
            let place = index as usize * block..(index as usize + 1) * block;
            disk.queue.buffer_mut(flight.slot)[place].copy_from_slice(&pattern(seed(what, at, number), block));
        }
    }
    let payload = if flight.write { Payload::Write(bytes) } else { Payload::Read(bytes) };
    disk.queue.start(flight.slot, Rw::sqe(opcode, disk.nsid, what.first + flight.at, flight.nlb, 0), payload);
    flying.push_back(flight);
}

fn seed(what: &Exercise, block: u64, number: u64) -> u64 {
    what.seed.wrapping_mul(0x1_0000_01b3) ^ block << 32 ^ number
}

fn check(disk: &Disk, what: &Exercise, generation: &[u64], flight: &Flight) {
    let block = disk.block as usize;
    let data = disk.queue.buffer(flight.slot);
    for index in 0..flight.nlb as usize {
        let at = flight.at + index as u64;
        // A block that was never written by us may hold anything.
        let number = generation[at as usize];
        let right = number == 0 || data[index * block..(index + 1) * block] == pattern(seed(what, at, number), block);
        assert!(right, "block {at} is not what write {number} put there");
    }
}
