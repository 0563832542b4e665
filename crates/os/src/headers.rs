//! The ring of small bytes (PDU headers, digests, responses) that wait to be sent. Each entry is contiguous.
use crate::memory::Memory;

/// Used bytes are `[head, tail)`, or `[head, end)` and `[0, tail)` when `tail < head`.
#[derive(Debug)]
pub(crate) struct Headers {
    memory: Memory,
    head: usize,
    tail: usize,
}

impl Headers {
    pub(crate) fn new(len: usize) -> Headers {
        Headers { memory: Memory::new(len), head: 0, tail: 0 }
    }

    /// Where `len` bytes would go.
    #[inline]
    fn place(&self, len: usize) -> Option<usize> {
        let (head, tail) = (self.head, self.tail);
        if tail < head {
            return (tail + len < head).then_some(tail);
        }
        if tail + len <= self.memory.len() {
            return Some(tail);
        }
        (len < head).then_some(0)
    }

    #[inline]
    pub(crate) fn fits(&self, len: usize) -> bool {
        self.place(len).is_some()
    }

    /// Keeps `bytes` and returns their address.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> *mut u8 {
        let at = self.place(bytes.len()).expect("the caller asked for room");
        self.tail = at + bytes.len();
        self.memory.put(at, bytes)
    }

    /// All up to this address has been sent.
    #[inline]
    pub(crate) fn sent_to(&mut self, end: *const u8) {
        self.head = end.addr() - self.memory.at(0).addr();
    }

    /// All has been sent: start over, where the cache is warm.
    #[inline]
    pub(crate) fn reset(&mut self) {
        (self.head, self.tail) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_whole_and_apart_round_and_round() {
        let mut headers = Headers::new(100);
        let mut waiting = std::collections::VecDeque::new();
        for i in 0..1000usize {
            let bytes = vec![i as u8; 1 + i * 7 % 30];
            while !headers.fits(bytes.len()) {
                let (place, kept): (*mut u8, Vec<u8>) = waiting.pop_front().unwrap();
                // SAFETY: the entry has not been given up, so its bytes are there.
                let found = unsafe { std::slice::from_raw_parts(place, kept.len()) };
                assert_eq!(found, kept);
                headers.sent_to(place.wrapping_add(kept.len()));
            }
            waiting.push_back((headers.put(&bytes), bytes));
        }
        assert!(waiting.len() > 1);
    }

    #[test]
    fn what_does_not_fit_is_said_before() {
        let mut headers = Headers::new(64);
        assert!(headers.fits(64) && !headers.fits(65));
        headers.put(&[1; 64]);
        assert!(!headers.fits(1));
        headers.reset();
        assert!(headers.fits(64));
    }
}
