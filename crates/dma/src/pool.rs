//! One core's buffers, in classes of size.
use crate::arena::Holding;
use crate::data::LENT;
use crate::{Arena, Data, Error, PAGE, round_up};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A class of pieces of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Bytes of a piece; rounded up to 4 KiB.
    pub size: u32,
    /// Number of pieces.
    pub count: u32,
}

/// How many pieces there are and are free, for each class from the smallest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Free pieces.
    pub free: Vec<Class>,
    /// All pieces.
    pub total: Vec<Class>,
}

/// A fixed stock of pieces, for one core: no lock, no allocation, constant time.
///
/// A pool that is dropped while pieces are out never gives its memory back: the handles stay good.
#[derive(Debug)]
pub struct Pool {
    id: u32,
    shelves: Vec<Shelf>,
    /// None only while dropping.
    memory: Option<Holding>,
}

#[derive(Debug)]
struct Shelf {
    size: usize,
    count: u32,
    /// Place of its first piece.
    start: usize,
    /// Numbers of free pieces; the last one given back is warm in the cache and goes first.
    free: Vec<u32>,
}

// SAFETY: the memory is only reached through handles, which may move between threads themselves.
unsafe impl Send for Pool {}

impl Pool {
    /// Bytes that pools of these classes take from the arena.
    pub fn bytes(classes: &[Class]) -> usize {
        classes.iter().map(|class| round_up(class.size as usize, PAGE) * class.count as usize).sum()
    }

    /// Makes a pool with all its pieces.
    ///
    /// # Errors
    /// As [`Arena::region`].
    ///
    /// # Panics
    /// If there are more than 256 classes.
    pub fn new(arena: &Arc<Arena>, classes: &[Class]) -> Result<Pool, Error> {
        assert!(classes.len() <= 1 << CLASS_BITS);
        let mut sorted = classes.to_vec();
        sorted.sort_by_key(|class| class.size);
        let memory = arena.hold(Pool::bytes(classes))?;
        let mut start = 0;
        let shelves = sorted.iter().map(|class| Shelf::new(class, &mut start)).collect();
        Ok(Pool { id: next_id(), shelves, memory: Some(memory) })
    }

    /// A piece of at least `len` bytes whose handle has `len`: of the smallest class that fits and has one. None if there is none;
    /// a handle without memory for `len` 0.
    #[inline]
    pub fn take(&mut self, len: u32) -> Option<Data> {
        if len == 0 {
            return Some(Data::empty());
        }
        let fits = |shelf: &Shelf| shelf.size >= len as usize && !shelf.free.is_empty();
        let class = self.shelves.iter().position(fits)?;
        let shelf = &mut self.shelves[class];
        let number = shelf.free.pop()?;
        let base = self.memory.as_ref()?.base;
        // SAFETY: the piece lies inside the memory held, its number was free and now is not, so the handle is the only one.
        unsafe {
            let start = base.add(shelf.start + number as usize * shelf.size);
            Some(Data::piece(start, len, self.id, (number as usize) << CLASS_BITS | class))
        }
    }

    /// Takes a piece back. What a region lent, or a handle without memory, is welcome too: it just ends.
    ///
    /// # Panics
    /// If it belongs to another pool.
    #[inline]
    pub fn give(&mut self, data: Data) {
        if data.pool().is_none() {
            return;
        }
        let (owner, piece) = data.into_piece();
        assert!(owner == self.id, "a piece of pool {owner} given to pool {}", self.id);
        // The piece came from this pool, so the class exists, and its list has the place it had.
        self.shelves[piece & CLASS_MASK].free.push((piece >> CLASS_BITS) as u32);
    }

    /// Bytes of the largest piece; 0 when there are none.
    pub fn largest(&self) -> u32 {
        let used = self.shelves.iter().rev().find(|shelf| shelf.count > 0);
        used.map_or(0, |shelf| shelf.size as u32)
    }

    /// Free and all pieces. Allocates: for the control path.
    pub fn census(&self) -> Census {
        let classes = |count: fn(&Shelf) -> u32| {
            self.shelves.iter().map(|shelf| Class { size: shelf.size as u32, count: count(shelf) }).collect()
        };
        Census { free: classes(|shelf| shelf.free.len() as u32), total: classes(|shelf| shelf.count) }
    }

    /// Bytes of all its pieces.
    pub fn size(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.size * shelf.count as usize).sum()
    }

    /// Bytes of the piece behind a handle of this pool, whatever its length; 0 for a handle that is no piece of it.
    #[inline]
    pub fn size_of(&self, data: &Data) -> u32 {
        let ours = data.piece_of(self.id);
        ours.map_or(0, |piece| self.shelves[piece & CLASS_MASK].size as u32)
    }

    /// Gives a handle of a piece of this pool another length, up to the size of the piece.
    ///
    /// # Panics
    /// If the piece is smaller, or no piece of this pool.
    #[inline]
    pub fn resize(&self, data: &mut Data, len: u32) {
        assert!(len <= self.size_of(data), "{len} of a piece of {}", self.size_of(data));
        // SAFETY: the piece is exclusive and initialised to its end.
        unsafe { data.set_len(len) };
    }

    /// Whether every piece is home.
    pub fn is_whole(&self) -> bool {
        self.shelves.iter().all(|shelf| shelf.free.len() == shelf.count as usize)
    }
}

/// Bits of a piece's number that name its class.
pub(crate) const CLASS_BITS: u32 = 8;
const CLASS_MASK: usize = (1 << CLASS_BITS) - 1;

impl Shelf {
    /// A class whose pieces begin at `start`, which moves past them.
    fn new(class: &Class, start: &mut usize) -> Shelf {
        let size = round_up(class.size as usize, PAGE);
        let shelf = Shelf { size, count: class.count, start: *start, free: (0..class.count).rev().collect() };
        *start += size * class.count as usize;
        shelf
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let memory = self.memory.take();
        if !self.is_whole() {
            std::mem::forget(memory);
        }
    }
}

/// Pool numbers are never used again, so that a piece cannot come home to a stranger.
fn next_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(LENT + 1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(id > LENT, "four billion pools in one process");
    id
}
