//! The core's buffers, and who may have how much of them.

use dma::{Data, Pool};
use ring::Tag;
use std::collections::VecDeque;

/// Buffers, what each queue holds of them, and the exchanges that wait for one.
///
/// A queue may hold as much as is left free (the dynamic threshold of Choudhury and Hahne): one greedy queue gets half of
/// the memory, two get a third each, and a newcomer always finds some.
pub struct Buffers {
    pool: Pool,
    free: usize,
    held: Vec<usize>,
    waiting: VecDeque<Tag>,
    /// Something came back since the queue was last looked at.
    worth_looking: bool,
}

impl Buffers {
    pub fn new(pool: Pool) -> Self {
        let free = pool.size();
        Self { pool, free, held: Vec::new(), waiting: VecDeque::new(), worth_looking: false }
    }

    /// Makes room for `exchanges` waiting ones. Not on the I/O path: it may allocate.
    pub fn grow(&mut self, exchanges: usize) {
        let more = exchanges.saturating_sub(self.waiting.len());
        self.waiting.reserve(more);
    }

    /// Makes room for the account of a queue.
    pub fn open(&mut self, queue: u32) {
        let places = queue as usize + 1;
        if self.held.len() < places {
            self.held.resize(places, 0);
        }
    }

    /// The largest piece there is, in bytes.
    pub fn largest(&self) -> u32 {
        self.pool.largest()
    }

    /// Takes `len` bytes for `queue`, if it may have them and they are there. `len` 0 is always there.
    pub fn take(&mut self, queue: u32, len: u32) -> Option<Data> {
        if len == 0 {
            return Some(Data::empty());
        }
        let held = &mut self.held[queue as usize];
        if *held > 0 && *held + len as usize > self.free {
            return None;
        }
        let data = self.pool.take(len)?;
        let size = self.pool.size_of(&data) as usize;
        *held += size;
        self.free -= size;
        Some(data)
    }

    /// Takes two pieces of `len` bytes, or none.
    pub fn take_two(&mut self, queue: u32, len: u32) -> Option<(Data, Data)> {
        let first = self.take(queue, len)?;
        match self.take(queue, len) {
            Some(second) => Some((first, second)),
            None => {
                self.give(queue, first);
                None
            }
        }
    }

    /// Takes data back. Lent and empty data is nobody's.
    pub fn give(&mut self, queue: u32, data: Data) {
        if data.is_lent() || data.is_empty() {
            return self.pool.give(data);
        }
        let size = self.pool.size_of(&data) as usize;
        self.held[queue as usize] -= size;
        self.free += size;
        self.pool.give(data);
        self.worth_looking = true;
    }

    /// Has `tag` wait, behind those that wait already.
    pub fn wait(&mut self, tag: Tag) {
        self.worth_looking |= self.someone_waits();
        self.waiting.push_back(tag);
    }

    pub fn someone_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub fn stop_waiting(&mut self, tag: Tag) {
        self.waiting.retain(|waiting| *waiting != tag);
    }

    /// How many to look at now: none when nothing came back since the last look.
    pub fn worth_trying(&mut self) -> usize {
        if std::mem::take(&mut self.worth_looking) { self.waiting.len() } else { 0 }
    }

    /// The oldest waiting one; whoever cannot be served goes back by [`wait_again`](Self::wait_again).
    pub fn pop_waiting(&mut self) -> Option<Tag> {
        self.waiting.pop_front()
    }

    pub fn wait_again(&mut self, tag: Tag) {
        self.waiting.push_back(tag);
    }

    /// Bytes out, and how many wait.
    pub fn census(&self) -> (usize, usize) {
        (self.pool.size() - self.free, self.waiting.len())
    }
}
