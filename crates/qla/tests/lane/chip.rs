//! The adapter's side of a queue pair, played by hand.

use dma::{Arena, Region};
use pci::Registers;
use qla::ring::{Entry, QueuePair, RequestRing, ResponseRing};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use wire::isp::regs::{QUEUE_REQUEST_IN, QUEUE_RESPONSE_OUT};

/// Queue number of the pair.
pub const QUEUE: u16 = 1;

const PAGE_WORDS: usize = 0x400;

/// BAR4 of two queues.
pub struct Bar {
    words: Vec<AtomicU32>,
    pub writes: AtomicU64,
}

impl Bar {
    pub fn new() -> Arc<Self> {
        let words = (0..2 * PAGE_WORDS).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self { words, writes: AtomicU64::new(0) })
    }

    fn word(&self, register: u64) -> u32 {
        self.words[usize::from(QUEUE) * PAGE_WORDS + register as usize / 4].load(SeqCst)
    }
}

impl Registers for Bar {
    fn read16(&self, _: u32) -> u16 {
        unreachable!("pointers are 32 bits wide")
    }
    fn write16(&self, _: u32, _: u16) {
        unreachable!("pointers are 32 bits wide")
    }
    fn read32(&self, offset: u32) -> u32 {
        self.words[offset as usize / 4].load(SeqCst)
    }
    fn write32(&self, offset: u32, value: u32) {
        self.words[offset as usize / 4].store(value, SeqCst);
        self.writes.fetch_add(1, SeqCst);
    }
}

/// The adapter.
pub struct Chip {
    pub bar: Arc<Bar>,
    requests: Region,
    responses: Region,
    request_entries: u16,
    response_entries: u16,
    out: u16,
    filled: u16,
}

impl Chip {
    /// With rings of these lengths.
    pub fn new(arena: &Arc<Arena>, requests: u16, responses: u16) -> (Self, Box<QueuePair>) {
        let bar = Bar::new();
        let mut request = RequestRing::new(arena, bar.clone(), QUEUE, requests, true).unwrap();
        let mut response = ResponseRing::new(arena, bar.clone(), QUEUE, responses, true).unwrap();
        request.reset();
        response.reset();
        let chip = Self {
            bar,
            requests: request.region(),
            responses: response.region(),
            request_entries: requests,
            response_entries: responses,
            out: 0,
            filled: 0,
        };
        (chip, Box::new(QueuePair { number: QUEUE, request, response }))
    }

    /// What the doorbell says is there, at most `most` entries.
    pub fn take_some(&mut self, most: usize) -> Vec<Entry> {
        let end = self.bar.word(QUEUE_REQUEST_IN) as u16;
        let mut entries = Vec::new();
        while self.out != end && entries.len() < most {
            let mut entry = [0; 64];
            self.requests.read(usize::from(self.out) * 64, &mut entry);
            entries.push(entry);
            self.out = (self.out + 1) % self.request_entries;
        }
        self.requests.write(usize::from(self.request_entries) * 64, &self.out.to_le_bytes());
        entries
    }

    pub fn take(&mut self) -> Vec<Entry> {
        self.take_some(usize::MAX)
    }

    /// How many entries have room in the response ring.
    pub fn response_room(&self) -> u16 {
        let out = self.bar.word(QUEUE_RESPONSE_OUT) as u16;
        let used = (self.filled + self.response_entries - out) % self.response_entries;
        self.response_entries - 1 - used
    }

    /// Completions, told by one update of the pointer.
    pub fn complete(&mut self, entries: &[Entry]) {
        assert!(entries.len() <= self.response_room().into(), "an adapter does not overrun its host");
        self.complete_anyway(entries);
    }

    /// The same of an adapter that looks at nothing.
    pub fn complete_anyway(&mut self, entries: &[Entry]) {
        for entry in entries {
            let mut entry = *entry;
            // A signature that is none.
            if entry[60..] == 0xdead_dead_u32.to_le_bytes() {
                entry[60] = 0;
            }
            self.responses.write(usize::from(self.filled) * 64, &entry);
            self.filled = (self.filled + 1) % self.response_entries;
        }
        self.tell_filled(self.filled);
    }

    pub fn tell_filled(&self, filled: u16) {
        self.responses.write(usize::from(self.response_entries) * 64, &filled.to_le_bytes());
    }

    pub fn tell_taken(&self, taken: u16) {
        self.requests.write(usize::from(self.request_entries) * 64, &taken.to_le_bytes());
    }
}
