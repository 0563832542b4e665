//! The list of address ranges that wait to be sent, kept as the kernel wants to see it.
use libc::iovec;

/// What a segment is: header bytes, data, or lent data in blocks of this size.
pub(crate) type Kind = u32;
pub(crate) const HEADER: Kind = 0;
pub(crate) const DATA: Kind = 1;

/// A list of at most `limit` segments (one more when a block is split). The array is twice as long, so that it is only
/// moved to the front once in `limit` segments; its first place is left free for the rest of a split block.
pub(crate) struct Gather {
    segments: Box<[iovec]>,
    kinds: Box<[Kind]>,
    head: usize,
    tail: usize,
    limit: usize,
}

// SAFETY: the addresses are of memory that the owner of the list owns too, and moves along with it.
unsafe impl Send for Gather {}

/// Segments that one call takes at most (the kernel's UIO_MAXIOV).
pub(crate) const BATCH: usize = 1024;

impl Gather {
    pub(crate) fn new(limit: usize) -> Gather {
        let none = iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        let places = 2 * limit + 1;
        Gather { segments: vec![none; places].into(), kinds: vec![DATA; places].into(), head: 1, tail: 1, limit }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.tail - self.head)
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        (self.head, self.tail) = (1, 1);
    }

    #[inline]
    pub(crate) fn push(&mut self, place: *const u8, len: usize, kind: Kind) {
        assert!(self.tail - self.head < self.limit, "the caller asked for room");
        if self.tail == self.segments.len() {
            self.move_to_front();
        }
        self.segments[self.tail] = iovec { iov_base: place.cast_mut().cast(), iov_len: len };
        self.kinds[self.tail] = kind;
        self.tail += 1;
    }

    /// Adds header bytes: to the last segment, if that is of headers and ends where these begin.
    #[inline]
    pub(crate) fn push_header(&mut self, place: *const u8, len: usize) {
        let last = self.tail - 1;
        let ends = self.segments[last].iov_base.addr() + self.segments[last].iov_len;
        if last >= self.head && self.kinds[last] == HEADER && ends == place.addr() {
            self.segments[last].iov_len += len;
        } else {
            self.push(place, len, HEADER);
        }
    }

    #[cold]
    fn move_to_front(&mut self) {
        let live = self.head..self.tail;
        self.segments.copy_within(live.clone(), 1);
        self.kinds.copy_within(live.clone(), 1);
        (self.head, self.tail) = (1, 1 + live.len());
    }

    /// What one call can take.
    #[inline]
    pub(crate) fn batch(&self) -> &[iovec] {
        &self.segments[self.head..self.tail.min(self.head + BATCH)]
    }

    /// The first segment and its kind.
    #[inline]
    pub(crate) fn first(&self) -> (iovec, Kind) {
        (self.segments[self.head], self.kinds[self.head])
    }

    #[inline]
    pub(crate) fn drop_first(&mut self) {
        self.head += 1;
    }

    /// Cuts `n` bytes from the start of the first segment; none of it may be left.
    pub(crate) fn cut_first(&mut self, n: usize) {
        let first = &mut self.segments[self.head];
        first.iov_base = first.iov_base.cast::<u8>().wrapping_add(n).cast();
        first.iov_len -= n;
        if first.iov_len == 0 {
            self.drop_first();
        }
    }

    /// Puts a segment before the first. There is a place: only what was cut from the first is ever put before it, and at once.
    pub(crate) fn push_front(&mut self, place: *const u8, len: usize) {
        assert!(self.head > 0);
        self.head -= 1;
        self.segments[self.head] = iovec { iov_base: place.cast_mut().cast(), iov_len: len };
        self.kinds[self.head] = DATA;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(list: &Gather) -> Vec<usize> {
        list.batch().iter().map(|segment| segment.iov_len).collect()
    }

    #[test]
    fn headers_that_touch_are_one_segment_but_never_part_of_data() {
        let bytes = [0u8; 100];
        let at = |i: usize| bytes[i..].as_ptr();
        let mut list = Gather::new(4);
        list.push_header(at(0), 10);
        list.push_header(at(10), 5);
        list.push(at(15), 5, DATA);
        list.push_header(at(20), 5);
        list.push_header(at(30), 5);
        assert_eq!(lengths(&list), [15, 5, 5, 5]);
        assert_eq!(list.room(), 0);
    }

    #[test]
    fn the_array_is_used_round_and_round_in_order() {
        let bytes = [0u8; 2000];
        let mut list = Gather::new(5);
        for i in 1..500 {
            list.push(bytes[i..].as_ptr(), i, DATA);
            if i > 4 {
                assert_eq!(list.first().0.iov_len, i - 4);
                assert_eq!(list.room(), 0);
                list.drop_first();
            }
        }
        assert_eq!(lengths(&list), [496, 497, 498, 499]);
    }

    #[test]
    fn a_batch_is_what_one_call_takes() {
        let mut list = Gather::new(3000);
        (0..2500).for_each(|_| list.push([0u8; 1].as_ptr(), 1, DATA));
        assert_eq!(list.batch().len(), BATCH);
        (0..2000).for_each(|_| list.drop_first());
        assert_eq!(list.batch().len(), 500);
    }
}
