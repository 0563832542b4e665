//! Frames and where they come from.

use crossbeam_queue::ArrayQueue;
use std::sync::{Arc, Once};
use wire::fc::FrameHeader;

/// Bytes of a frame header (FC-FS-5, 12).
const HEADER: usize = 24;

/// Bytes of the largest frame without its delimiters and CRC.
const LARGEST: usize = HEADER + wire::fc::MAX_PAYLOAD;

/// How many frames a handle of the pool keeps for itself; more go back to all.
const KEPT: usize = 64;

/// How many frames of those that were used last go around before others: as many as a ring of a link holds.
const RECENT: usize = 512;

/// A frame's header and payload (optional headers included), contiguous, without SOF, CRC and EOF: class 3 gives those.
pub struct Frame {
    len: u16,
    bytes: [u8; LARGEST],
}

/// A frame as it moves from hand to hand. It goes home by [`Frames::give`]; dropping it loses it for its pool.
pub type FrameBox = Box<Frame>;

impl Frame {
    /// A frame of its own, of no pool. Allocates: for tests and for what happens seldom.
    pub fn new(header: &FrameHeader, payload: &[u8]) -> FrameBox {
        let mut frame = Box::new(Self { len: HEADER as u16, bytes: [0; LARGEST] });
        frame.set(header, payload);
        frame
    }

    /// Makes it this frame.
    ///
    /// # Panics
    /// When the payload is longer than a frame's: the caller has cut it.
    #[inline]
    pub fn set(&mut self, header: &FrameHeader, payload: &[u8]) {
        *self.header_mut() = *header;
        self.payload_room()[..payload.len()].copy_from_slice(payload);
        self.set_payload_len(payload.len());
    }

    /// Takes in a frame as it came: header and payload. `false` when it is too short for a header or too long.
    pub fn fill(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() < HEADER || bytes.len() > LARGEST {
            return false;
        }
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        self.len = bytes.len() as u16;
        true
    }

    /// Its header.
    #[inline]
    pub fn header(&self) -> &FrameHeader {
        wire::parse(&self.bytes).expect("a frame has a header")
    }

    /// Its header, to change.
    #[inline]
    pub fn header_mut(&mut self) -> &mut FrameHeader {
        let (header, _) = zerocopy::FromBytes::mut_from_prefix(&mut self.bytes).expect("a frame has a header");
        header
    }

    /// Its payload, fill bytes included.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER..usize::from(self.len)]
    }

    /// Room for the largest payload; [`set_payload_len`](Self::set_payload_len) says how much of it counts.
    #[inline]
    pub fn payload_room(&mut self) -> &mut [u8] {
        &mut self.bytes[HEADER..]
    }

    /// Says how long its payload is.
    ///
    /// # Panics
    /// When it is longer than a frame's.
    #[inline]
    pub fn set_payload_len(&mut self, len: usize) {
        assert!(len <= LARGEST - HEADER, "a payload of {len} bytes");
        self.len = (HEADER + len) as u16;
    }

    /// Header and payload, as they travel.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} + {} bytes", self.header(), self.payload().len())
    }
}

/// A handle of a pool of frames. Each core has a clone, which keeps some frames for itself; the rest is shared.
///
/// The pool does not grow. Who finds it empty waits for the next turn; what holds frames is bounded by the rings of the
/// links, so a pool of the sum of those never runs dry for long.
pub struct Frames {
    shared: Arc<Shared>,
    kept: Vec<FrameBox>,
}

struct Shared {
    /// Those that were used last. They go around among the cores before one of the others is taken: thousands of frames are more
    /// than a cache holds, and few of them are under way most of the time.
    recent: ArrayQueue<FrameBox>,
    /// All others.
    frames: ArrayQueue<FrameBox>,
    count: usize,
    /// They are made when the first one is wanted: a process without a port has none.
    made: Once,
}

impl Shared {
    #[inline]
    fn take(&self) -> Option<FrameBox> {
        self.recent.pop().or_else(|| self.frames.pop()).or_else(|| self.make())
    }

    #[inline]
    fn give(&self, frame: FrameBox) {
        if let Err(frame) = self.recent.push(frame) {
            let _ = self.frames.push(frame);
        }
    }

    fn free(&self) -> usize {
        if self.made.is_completed() { self.recent.len() + self.frames.len() } else { self.count }
    }

    #[cold]
    fn make(&self) -> Option<FrameBox> {
        if self.made.is_completed() {
            return None;
        }
        self.made.call_once(|| {
            let frame = || Box::new(Frame { len: HEADER as u16, bytes: [0; LARGEST] });
            (0..self.count).for_each(|_| self.give(frame()));
        });
        self.recent.pop()
    }
}

impl Frames {
    /// A pool of `count` frames of 2,136 bytes. They are made all at once when the first one is taken.
    pub fn new(count: usize) -> Self {
        let recent = ArrayQueue::new((count / 2).clamp(1, RECENT));
        let frames = ArrayQueue::new(count.saturating_sub(recent.capacity()).max(1));
        let shared = Shared { recent, frames, count, made: Once::new() };
        Self { shared: Arc::new(shared), kept: Vec::with_capacity(KEPT) }
    }

    /// A frame with the bytes of its last use, or `None` when all are out.
    #[inline]
    pub fn take(&mut self) -> Option<FrameBox> {
        self.kept.pop().or_else(|| self.shared.take())
    }

    /// Takes a frame home. One that the pool has no room for (it came from elsewhere) is freed.
    #[inline]
    pub fn give(&mut self, frame: FrameBox) {
        if self.kept.len() < KEPT {
            self.kept.push(frame);
        } else {
            self.shared.give(frame);
        }
    }

    /// How many are free for anyone, this handle's own included.
    pub fn free(&self) -> usize {
        self.kept.len() + self.shared.free()
    }
}

impl Clone for Frames {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), kept: Vec::with_capacity(KEPT) }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.kept.drain(..).for_each(|frame| self.shared.give(frame));
    }
}
