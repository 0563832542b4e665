//! Many packets of a SOCK_SEQPACKET socket in one system call.
use crate::receive::Received;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Packets that one call moves at most.
pub const PACKETS: usize = 16;

/// Packets as they came, in memory of their own, until they are looked at.
#[derive(Debug)]
pub struct PacketBatch {
    bytes: Box<[u8]>,
    size: usize,
    lengths: [usize; PACKETS],
    next: usize,
    count: usize,
}

impl PacketBatch {
    /// Room for [`PACKETS`] packets of `size` bytes. A longer one is shown cut to `size + 1`, so that it can be told.
    pub fn new(size: usize) -> Self {
        let size = size + 1;
        Self { bytes: vec![0; PACKETS * size].into(), size, lengths: [0; PACKETS], next: 0, count: 0 }
    }

    /// Whether all have been looked at.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.next == self.count
    }

    /// The oldest.
    #[inline]
    pub fn first(&self) -> Option<&[u8]> {
        let at = self.next;
        (at < self.count).then(|| &self.bytes[at * self.size..at * self.size + self.lengths[at]])
    }

    /// Forgets the oldest.
    #[inline]
    pub fn pop(&mut self) {
        self.next = (self.next + 1).min(self.count);
    }

    /// Takes in what is there, without waiting. `Bytes` is the number of packets. What was not looked at is lost.
    ///
    /// # Errors
    /// What the kernel says: the connection is dead.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Received> {
        (self.next, self.count) = (0, 0);
        let mut places = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PACKETS];
        for (place, bytes) in places.iter_mut().zip(self.bytes.chunks_exact_mut(self.size)) {
            *place = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        }
        // SAFETY: headers of zeroes are valid ones.
        let mut headers: [libc::mmsghdr; PACKETS] = unsafe { std::mem::zeroed() };
        for (header, place) in headers.iter_mut().zip(&mut places) {
            header.msg_hdr.msg_iov = place;
            header.msg_hdr.msg_iovlen = 1;
        }
        let fd = socket.as_raw_fd();
        // SAFETY: the kernel writes into `headers` and into the disjoint pieces of `bytes` that they name only, within their lengths, within
        // this call; all of it is ours alone.
        let call = || unsafe {
            libc::recvmmsg(fd, headers.as_mut_ptr(), PACKETS as _, libc::MSG_DONTWAIT as _, std::ptr::null_mut())
        };
        let Some(count) = moved(call)? else { return Ok(Received::Empty) };
        for (length, header) in self.lengths.iter_mut().zip(&headers[..count]) {
            *length = (header.msg_len as usize).min(self.size);
        }
        // The end of the stream looks like a packet without bytes. Whoever sends such packets is treated as gone.
        self.count = self.lengths[..count].iter().position(|length| *length == 0).unwrap_or(count);
        if self.count == 0 { Ok(Received::Closed) } else { Ok(Received::Bytes(self.count)) }
    }
}

/// Sends packets, as many as the socket takes now, [`PACKETS`] at most; returns how many.
///
/// # Errors
/// What the kernel says: the connection is dead.
pub fn send_packets<'a>(socket: BorrowedFd<'_>, packets: impl Iterator<Item = &'a [u8]>) -> io::Result<usize> {
    let mut places = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PACKETS];
    let mut count = 0;
    for (place, packet) in places.iter_mut().zip(packets) {
        *place = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
        count += 1;
    }
    // SAFETY: headers of zeroes are valid ones.
    let mut headers: [libc::mmsghdr; PACKETS] = unsafe { std::mem::zeroed() };
    for (header, place) in headers.iter_mut().zip(&mut places) {
        header.msg_hdr.msg_iov = place;
        header.msg_hdr.msg_iovlen = 1;
    }
    let (fd, flags) = (socket.as_raw_fd(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    // SAFETY: the kernel reads the packets, which are borrowed for as long as the call lasts, and writes into `headers` only.
    let call = || unsafe { libc::sendmmsg(fd, headers.as_mut_ptr(), count, flags as _) };
    if count == 0 { Ok(0) } else { Ok(moved(call)?.unwrap_or(0)) }
}

/// How many packets a call moved; none when it would have to wait.
fn moved(mut call: impl FnMut() -> i32) -> io::Result<Option<usize>> {
    loop {
        match call() {
            n if n >= 0 => return Ok(Some(n as usize)),
            _ => match io::Error::last_os_error() {
                e if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS)) => return Ok(None),
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use std::os::fd::AsFd;

    #[test]
    fn packets_keep_their_edges_until_nothing_fits_and_the_end_is_told() {
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::empty()).unwrap();
        let sizes: Vec<usize> = (1..=40).map(|n| n * 50).collect();
        let packets: Vec<Vec<u8>> = sizes.iter().map(|size| vec![*size as u8; *size]).collect();
        let (mut sent, mut got) = (0, Vec::new());
        let mut batch = PacketBatch::new(1500);
        while got.len() < 40 {
            sent += send_packets(a.as_fd(), packets[sent..].iter().map(Vec::as_slice)).unwrap();
            match batch.receive(b.as_fd()).unwrap() {
                Received::Bytes(n) => assert!(n <= PACKETS),
                other => panic!("{other:?}"),
            }
            while let Some(packet) = batch.first() {
                assert!(packet.iter().all(|byte| *byte == packet[0]));
                got.push(packet.len());
                batch.pop();
            }
        }
        let seen: Vec<usize> = sizes.iter().map(|size| *size.min(&1501)).collect();
        assert_eq!(got, seen, "too long ones are cut");
        assert_eq!(batch.receive(b.as_fd()).unwrap(), Received::Empty);
        let full =
            (0..100_000).take_while(|_| send_packets(a.as_fd(), [&[0u8; 1000][..]].into_iter()).unwrap() == 1).count();
        assert!(full < 100_000, "a socket that nobody reads fills up");
        drop(a);
        while let Received::Bytes(_) = batch.receive(b.as_fd()).unwrap() {}
        assert_eq!(batch.receive(b.as_fd()).unwrap(), Received::Closed);
        assert!(batch.first().is_none());
    }
}
