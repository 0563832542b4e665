//! The two rings of slots. Each slot belongs to the kernel or to us, by the status word at its start.
use super::setup;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a slot. A page, so that no slot crosses one.
pub(super) const SLOT: usize = 4096;
/// Bytes that the kernel keeps at the start of a received frame's slot: its header, an address, alignment.
pub(super) const RX_RESERVE: usize = 96;
/// Where the frame begins in a slot to send: behind the header, where the address of a received one would be.
const TX_AT: usize = libc::TPACKET2_HDRLEN - size_of::<libc::sockaddr_ll>();
/// Slots of one block, which the kernel has as one piece of memory.
pub(super) const BLOCK_SLOTS: usize = 16;

/// The shared memory: slots to receive, then as many to send.
#[derive(Debug)]
pub(super) struct Rings {
    memory: NonNull<u8>,
    slots: usize,
    next_receive: usize,
    next_send: usize,
    /// Slots from `next_send` on that are known to be ours.
    free: usize,
}

// SAFETY: it owns the mapping; slots are reached through `&mut self` only, status words as atomics.
unsafe impl Send for Rings {}

impl Rings {
    pub(super) fn new(fd: &OwnedFd, slots: usize) -> io::Result<Self> {
        let slots = slots.max(1).next_multiple_of(BLOCK_SLOTS);
        setup::rings(fd, slots)?;
        let memory = setup::map(fd, 2 * slots * SLOT)?;
        Ok(Self { memory, slots, next_receive: 0, next_send: 0, free: 0 })
    }

    /// The start of slot `at`: of the receiving ring, then of the sending one.
    #[inline]
    fn slot(&self, at: usize) -> NonNull<u8> {
        assert!(at < 2 * self.slots);
        // SAFETY: inside the mapping, which has that many slots.
        unsafe { self.memory.add(at * SLOT) }
    }

    #[inline]
    fn status(&self, at: usize) -> &AtomicU32 {
        // SAFETY: the status is the first field of a slot's header, aligned with the slot, and only touched atomically here;
        // the mapping lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.slot(at).as_ptr().cast()) }
    }

    #[inline]
    pub(super) fn is_readable(&self) -> bool {
        self.status(self.next_receive).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    #[inline]
    pub(super) fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        if !self.is_readable() {
            return None;
        }
        let at = self.next_receive;
        let result = see(self.received(at));
        self.status(at).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next_receive = (at + 1) % self.slots;
        Some(result)
    }

    /// The frame in slot `at`, which the kernel has given to us.
    #[inline]
    fn received(&self, at: usize) -> &[u8] {
        let slot = self.slot(at);
        // SAFETY: the header lies at the start of a slot that is ours (its status said so, read with Acquire).
        let header = unsafe { slot.cast::<libc::tpacket2_hdr>().read() };
        let (from, len) = (usize::from(header.tp_mac), header.tp_snaplen as usize);
        assert!(from + len <= SLOT, "the kernel's frame ends behind its slot");
        // SAFETY: the range is inside the slot; the kernel does not write to it until the status is given back, after the
        // borrow has ended.
        unsafe { std::slice::from_raw_parts(slot.add(from).as_ptr(), len) }
    }

    #[inline]
    pub(super) fn room(&mut self) -> usize {
        while self.free < self.slots {
            let at = self.slots + (self.next_send + self.free) % self.slots;
            // A frame that the kernel found malformed stays ours too: it is lost, as on any wire.
            let busy = libc::TP_STATUS_SEND_REQUEST | libc::TP_STATUS_SENDING;
            if self.status(at).load(Ordering::Acquire) & busy != 0 {
                break;
            }
            self.free += 1;
        }
        self.free
    }

    #[inline]
    pub(super) fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool {
        if self.free == 0 && self.room() == 0 {
            return false;
        }
        let (at, slot) = (self.slots + self.next_send, self.slot(self.slots + self.next_send));
        // SAFETY: inside the slot, which is ours (`free`), mapped and initialised by the kernel; `self` is borrowed exclusively.
        let frame = unsafe { std::slice::from_raw_parts_mut(slot.add(TX_AT).as_ptr(), SLOT - TX_AT) };
        let len = fill(frame);
        assert!(len <= SLOT - TX_AT, "a frame of {len} bytes");
        // SAFETY: `tp_len` is a field of the header at the start of the slot, which is ours.
        unsafe { (&raw mut (*slot.cast::<libc::tpacket2_hdr>().as_ptr()).tp_len).write(len as u32) };
        self.status(at).store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
        self.next_send = (self.next_send + 1) % self.slots;
        self.free -= 1;
        true
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        // SAFETY: this mapping was made with that length, and nothing borrows from it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), 2 * self.slots * SLOT) };
    }
}
