//! All that one connection has to send, in order, offered to the kernel in one call.
use crate::gather::{BATCH, DATA, Gather, HEADER};
use crate::headers::Headers;
use crate::memory::Memory;
use dma::Data;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Header bytes that one message may have.
pub const MESSAGE_HEADERS: usize = 256;
/// Segments that one message may need: headers before and after its data, and what a wrap of the header ring adds.
pub const MESSAGE_SEGMENTS: usize = 4;
/// The largest block of lent data.
pub const SIDE_BLOCK: usize = 4096;

/// The outgoing bytes of one stream socket: messages of header bytes and at most one [`Data`] each.
///
/// A message is queued with [`header`](SendQueue::header), [`data`](SendQueue::data), perhaps `header` again, and then
/// [`end`](SendQueue::end), after [`room`](SendQueue::room) said yes. Nothing is copied but headers; no allocation after `new`.
///
/// Lent data may change while it waits. What a receiver must never get is one block half old and half new; so when the kernel takes only a part
/// of a block, the rest is copied aside at once (see [`data_lent`](SendQueue::data_lent)).
///
/// Before dropping a queue, [`abandon`](SendQueue::abandon) it and take all messages out: their data would be lost to its pool.
pub struct SendQueue<T: Copy> {
    list: Gather,
    headers: Headers,
    /// The rest of a block of lent data of which the start is sent. If used, it is the first segment.
    side: Memory,
    messages: VecDeque<Message<T>>,
    /// Data of the message that is being queued.
    open: Data,
    /// Bytes ever queued, and ever sent.
    queued: u64,
    sent: u64,
}

struct Message<T> {
    /// Bytes ever queued at its end.
    end: u64,
    data: Data,
    token: T,
}

/// How a flush ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// There was nothing to send; the kernel was not called.
    Idle,
    /// The kernel has all.
    Done,
    /// The kernel took a part or nothing: the rest waits until the socket is writable.
    Blocked,
}

impl<T: Copy> SendQueue<T> {
    /// A queue with a ring of `header_bytes` and places for `segments` address ranges and as many messages.
    ///
    /// # Panics
    /// If one message does not fit: under [`MESSAGE_SEGMENTS`], or twice [`MESSAGE_HEADERS`].
    pub fn new(header_bytes: usize, segments: usize) -> SendQueue<T> {
        assert!(header_bytes >= 2 * MESSAGE_HEADERS && segments >= MESSAGE_SEGMENTS);
        SendQueue {
            list: Gather::new(segments),
            headers: Headers::new(header_bytes),
            side: Memory::new(SIDE_BLOCK),
            messages: VecDeque::with_capacity(segments),
            open: Data::empty(),
            queued: 0,
            sent: 0,
        }
    }

    /// Whether one more message surely fits. If not, flush and take sent messages out first.
    #[inline]
    pub fn room(&self) -> bool {
        self.list.room() >= MESSAGE_SEGMENTS
            && self.messages.len() < self.messages.capacity()
            && self.headers.fits(MESSAGE_HEADERS)
    }

    /// Whether nothing waits to be sent. Messages sent may still wait to be taken out.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Bytes that wait to be sent.
    #[inline]
    pub fn queued(&self) -> u64 {
        self.queued - self.sent
    }

    /// Queues a copy of `bytes`.
    ///
    /// # Panics
    /// If there is no room for them.
    #[inline]
    pub fn header(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let place = self.headers.put(bytes);
        self.list.push_header(place, bytes.len());
        self.queued += bytes.len() as u64;
    }

    /// Queues all of `data` and keeps it with this message.
    ///
    /// # Panics
    /// If the message has data already, or there is no room.
    #[inline]
    pub fn data(&mut self, data: Data) {
        let len = data.len();
        self.keep(data, 0..len, DATA);
    }

    /// Queues a part of `data`, and keeps it all with this message.
    ///
    /// # Panics
    /// If the range is not inside the data, and as [`data`](SendQueue::data).
    #[inline]
    pub fn data_part(&mut self, data: Data, part: Range<u32>) {
        assert!(part.start <= part.end && part.end <= data.len());
        self.keep(data, part, DATA);
    }

    /// Queues lent data that consists of whole blocks of `block` bytes: no block will be sent half as it was before a change and half as after,
    /// as long as changes of a block do not overlap with [`flush`](SendQueue::flush), i.e. are made on the same core.
    ///
    /// # Panics
    /// If the length is not a multiple of `block`, or that is above [`SIDE_BLOCK`] or below 2; and as [`data`](SendQueue::data).
    #[inline]
    pub fn data_lent(&mut self, data: Data, block: u32) {
        assert!(block > DATA && block as usize <= SIDE_BLOCK && data.len().is_multiple_of(block));
        let len = data.len();
        self.keep(data, 0..len, block);
    }

    /// Keeps `data` with this message, and queues none of it: [`held_part`](SendQueue::held_part) does, in parts with headers between
    /// them. The message may be flushed meanwhile, and no other begun.
    ///
    /// # Panics
    /// If the message has data already.
    #[inline]
    pub fn hold(&mut self, data: Data) {
        assert!(self.open.is_empty(), "a message has one piece of data");
        self.open = data;
    }

    /// What the message that is being queued holds.
    #[inline]
    pub fn held(&self) -> &Data {
        &self.open
    }

    /// Queues a part of what the message holds. A `block` says that it is lent and consists of whole blocks, as in
    /// [`data_lent`](SendQueue::data_lent).
    ///
    /// # Panics
    /// If the range is not inside the data, if the block does not fit as in `data_lent`, or there is no room.
    #[inline]
    pub fn held_part(&mut self, part: Range<u32>, block: Option<u32>) {
        assert!(part.start <= part.end && part.end <= self.open.len());
        let whole =
            |block: u32| block > DATA && block as usize <= SIDE_BLOCK && (part.end - part.start).is_multiple_of(block);
        assert!(block.is_none_or(whole), "lent data goes in whole blocks");
        if !part.is_empty() {
            let place = self.open.as_ptr().wrapping_add(part.start as usize);
            self.list.push(place, part.len(), block.unwrap_or(DATA));
            self.queued += part.len() as u64;
        }
    }

    #[inline]
    fn keep(&mut self, data: Data, part: Range<u32>, kind: u32) {
        assert!(self.open.is_empty(), "a message has one piece of data");
        if !part.is_empty() {
            // The range lies inside the piece: the callers see to it.
            let place = data.as_ptr().wrapping_add(part.start as usize);
            self.list.push(place, part.len(), kind);
            self.queued += part.len() as u64;
        }
        self.open = data;
    }

    /// Ends the message: all since the last one belongs to `token`.
    ///
    /// # Panics
    /// If there is no room for a message.
    #[inline]
    pub fn end(&mut self, token: T) {
        assert!(self.messages.len() < self.messages.capacity(), "the caller asked for room");
        let data = std::mem::take(&mut self.open);
        self.messages.push_back(Message { end: self.queued, data, token });
    }

    /// Offers everything to the kernel in one call. It repeats only when a call had the most segments it may have and all were taken.
    ///
    /// # Errors
    /// What the kernel says, except that it has no room now: the connection is dead. [`abandon`](SendQueue::abandon) it.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<Flush> {
        if self.is_empty() {
            return Ok(Flush::Idle);
        }
        loop {
            let batch = self.list.batch();
            let full = batch.len() == BATCH;
            let offered = if full { batch.iter().map(|segment| segment.iov_len).sum() } else { 0 };
            let Some(n) = send(socket, batch)? else {
                return Ok(Flush::Blocked);
            };
            self.accepted(n);
            if self.is_empty() {
                return Ok(Flush::Done);
            }
            if !full || n < offered {
                return Ok(Flush::Blocked);
            }
        }
    }

    /// The kernel has `n` more bytes.
    #[inline]
    fn accepted(&mut self, n: usize) {
        self.sent += n as u64;
        if self.sent == self.queued {
            self.list.clear();
            self.headers.reset();
        } else {
            self.advance(n);
        }
    }

    fn advance(&mut self, mut n: usize) {
        while n > 0 {
            let (first, kind) = self.list.first();
            if n < first.iov_len {
                self.list.cut_first(n);
                return self.save_block();
            }
            n -= first.iov_len;
            if kind == HEADER {
                self.headers.sent_to(first.iov_base.cast::<u8>().wrapping_add(first.iov_len));
            }
            self.list.drop_first();
        }
    }

    /// If the first segment is lent and begins inside a block now, copies the rest of that block aside.
    fn save_block(&mut self) {
        let (first, kind) = self.list.first();
        if kind <= DATA || first.iov_len.is_multiple_of(kind as usize) {
            return;
        }
        let rest = first.iov_len % kind as usize;
        let message = self.messages.iter().find(|message| message.end > self.sent);
        let data = message.map_or(&self.open, |message| &message.data);
        let at = first.iov_base.addr() - data.as_ptr().addr();
        data.copy_to(at as u32, self.side.start_mut(rest));
        self.list.cut_first(rest);
        self.list.push_front(self.side.at(0), rest);
    }

    /// The next message of which the kernel has every byte, with its data (empty if it had none).
    #[inline]
    pub fn next_sent(&mut self) -> Option<(T, Data)> {
        let done = self.messages.front()?.end <= self.sent;
        let message = if done { self.messages.pop_front() } else { None };
        message.map(|message| (message.token, message.data))
    }

    /// The connection is dead: what is queued counts as sent, so that [`next_sent`](SendQueue::next_sent) returns every message once.
    /// Data of a message without an end is returned here (mostly there is none).
    pub fn abandon(&mut self) -> Data {
        self.list.clear();
        self.headers.reset();
        self.sent = self.queued;
        std::mem::take(&mut self.open)
    }
}

/// One send of all segments. None: the kernel has no room.
#[inline]
fn send(socket: BorrowedFd<'_>, segments: &[libc::iovec]) -> io::Result<Option<usize>> {
    const FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    loop {
        let sent = match segments {
            // SAFETY: the queue owns what the segment points to; the kernel only reads it, within this call.
            [one] => unsafe { libc::send(socket.as_raw_fd(), one.iov_base, one.iov_len, FLAGS) },
            all => {
                // SAFETY: a header of zeroes is a valid one.
                let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
                message.msg_iov = all.as_ptr().cast_mut();
                message.msg_iovlen = all.len() as _;
                // SAFETY: as above; the kernel only reads the list and what it names, within this call.
                unsafe { libc::sendmsg(socket.as_raw_fd(), &message, FLAGS) }
            }
        };
        if sent >= 0 {
            return Ok((sent > 0).then_some(sent as usize));
        }
        match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            e if e.kind() == io::ErrorKind::Interrupted => {}
            e => return Err(e),
        }
    }
}
