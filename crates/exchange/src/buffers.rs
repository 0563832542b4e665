//! The core's buffers, and who may have how much of them.

use dma::{Data, Pool};
use ring::Tag;
use std::collections::VecDeque;

/// Sizes of piece that a pool may have here.
const CLASSES: usize = 8;

/// Pieces of each size.
type Pieces = [u32; CLASSES];

/// What one queue has.
#[derive(Clone, Copy, Default)]
struct Account {
    held: Pieces,
    /// The look at the waiting ones in which it went away empty-handed.
    refused_in: u64,
}

/// Buffers, what each queue holds of them, and the exchanges that wait for one.
///
/// A queue may hold as much as is left free (the dynamic threshold of Choudhury and Hahne), counted over the pieces that
/// are large enough for the request: one greedy queue gets half of the large pieces and not all of them, two get a third
/// each. A queue that holds none of them may always try.
///
/// Who waits is served oldest first. Nobody of a queue passes an older one of the same queue, so that small requests
/// cannot keep a large one of their own queue above its share for ever; other queues may pass.
pub struct Buffers {
    pool: Pool,
    /// Bytes of a piece of each class, from the smallest on; 0 beyond the last.
    sizes: [u32; CLASSES],
    free: Pieces,
    accounts: Vec<Account>,
    waiting: VecDeque<Tag>,
    looks: u64,
    /// Something came back, or someone came, since the waiting ones were last looked at.
    worth_looking: bool,
}

impl Buffers {
    pub fn new(pool: Pool) -> Self {
        let all = pool.census().free;
        assert!(all.len() <= CLASSES, "a pool of more than {CLASSES} sizes");
        let (mut sizes, mut free) = ([0; CLASSES], [0; CLASSES]);
        for (place, class) in all.iter().enumerate() {
            (sizes[place], free[place]) = (class.size, class.count);
        }
        Self { pool, sizes, free, accounts: Vec::new(), waiting: VecDeque::new(), looks: 0, worth_looking: false }
    }

    /// Makes room for `exchanges` waiting ones. Not on the I/O path: it may allocate.
    pub fn grow(&mut self, exchanges: usize) {
        let more = exchanges.saturating_sub(self.waiting.len());
        self.waiting.reserve(more);
    }

    /// Makes room for the account of a queue.
    pub fn open(&mut self, queue: u32) {
        let places = queue as usize + 1;
        if self.accounts.len() < places {
            self.accounts.resize(places, Account::default());
        }
    }

    /// Whether a queue holds nothing.
    pub fn is_home(&self, queue: u32) -> bool {
        self.accounts[queue as usize].held == [0; CLASSES]
    }

    /// The largest piece there is, in bytes.
    pub fn largest(&self) -> u32 {
        self.pool.largest()
    }

    /// Takes `len` bytes for `queue`, if it may have them and they are there. `len` 0 is always there.
    #[inline]
    pub fn take(&mut self, queue: u32, len: u32) -> Option<Data> {
        if len == 0 {
            return Some(Data::empty());
        }
        if !self.may_have(queue, len, 1) {
            return None;
        }
        self.take_piece(queue, len)
    }

    /// Takes two pieces, or none. Both count as being of the larger one's size, which is the scarcer.
    pub fn take_two(&mut self, queue: u32, first: u32, second: u32) -> Option<(Data, Data)> {
        if first == 0 || second == 0 {
            return Some((self.take(queue, first)?, self.take(queue, second)?));
        }
        if !self.may_have(queue, first.max(second), 2) {
            return None;
        }
        let one = self.take_piece(queue, first)?;
        let other = self.take_piece(queue, second);
        if other.is_none() {
            // Nothing came back that was not there before: no reason to look again.
            self.give_piece(queue, one);
            return None;
        }
        Some((one, other?))
    }

    /// Whether `count` pieces of `len` bytes are within the queue's share of the pieces that could serve.
    #[inline]
    fn may_have(&self, queue: u32, len: u32, count: u64) -> bool {
        let held = &self.accounts[queue as usize].held;
        let (mut ours, mut free) = (0, 0);
        for (class, size) in self.sizes.iter().enumerate().take_while(|(_, size)| **size > 0) {
            if *size >= len {
                ours += u64::from(held[class]) * u64::from(*size);
                free += u64::from(self.free[class]) * u64::from(*size);
            }
        }
        ours == 0 || ours + u64::from(len) * count <= free
    }

    #[inline]
    fn take_piece(&mut self, queue: u32, len: u32) -> Option<Data> {
        let data = self.pool.take(len)?;
        let class = self.class_of(&data);
        self.accounts[queue as usize].held[class] += 1;
        self.free[class] -= 1;
        Some(data)
    }

    /// Gives a piece its full length again.
    pub fn resize(&self, data: &mut Data, len: u32) {
        self.pool.resize(data, len);
    }

    /// Takes data back. Lent and empty data is nobody's.
    #[inline]
    pub fn give(&mut self, queue: u32, data: Data) {
        if data.is_lent() || data.is_empty() {
            return self.pool.give(data);
        }
        self.give_piece(queue, data);
        self.worth_looking = true;
    }

    #[inline]
    fn give_piece(&mut self, queue: u32, data: Data) {
        let class = self.class_of(&data);
        self.accounts[queue as usize].held[class] -= 1;
        self.free[class] += 1;
        self.pool.give(data);
    }

    #[inline]
    fn class_of(&self, data: &Data) -> usize {
        let size = self.pool.size_of(data);
        self.sizes.iter().position(|known| *known == size).expect("a piece of this pool")
    }

    /// Has `tag` wait, behind those that wait already. `refused`: it was tried, and nothing was there for it.
    pub fn wait(&mut self, tag: Tag, refused: bool) {
        self.worth_looking |= !refused;
        self.waiting.push_back(tag);
    }

    pub fn someone_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub fn stop_waiting(&mut self, tag: Tag) {
        self.waiting.retain(|waiting| *waiting != tag);
        // Someone of its queue may have waited for it alone.
        self.worth_looking = true;
    }

    /// How many to look at now: none when nothing changed since the last look.
    pub fn look(&mut self) -> usize {
        if !std::mem::take(&mut self.worth_looking) {
            return 0;
        }
        self.looks += 1;
        self.waiting.len()
    }

    /// The oldest waiting one; whoever cannot be served goes back by [`wait_again`](Self::wait_again).
    pub fn pop_waiting(&mut self) -> Option<Tag> {
        self.waiting.pop_front()
    }

    pub fn wait_again(&mut self, tag: Tag, queue: u32) {
        self.accounts[queue as usize].refused_in = self.looks;
        self.waiting.push_back(tag);
    }

    /// Whether an older one of the queue was refused in this look.
    pub fn was_refused(&self, queue: u32) -> bool {
        self.accounts[queue as usize].refused_in == self.looks
    }

    /// Bytes out, and how many wait.
    pub fn census(&self) -> (usize, usize) {
        let free: usize = (0..CLASSES).map(|class| self.free[class] as usize * self.sizes[class] as usize).sum();
        (self.pool.size() - free, self.waiting.len())
    }
}
