//! Receiving without waiting.
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// How a receive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// This many bytes came, at least one.
    Bytes(usize),
    /// Nothing is there now.
    Empty,
    /// The other side has ended the stream.
    Closed,
}

/// Receives what is there, up to the length of `buffer`, without waiting.
///
/// # Errors
/// What the kernel says: the connection is dead.
///
/// # Panics
/// If the buffer has no room: that could not be told from the end of the stream.
#[inline]
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    assert!(!buffer.is_empty());
    // SAFETY: the kernel writes into `buffer` only, within its length, within this call.
    received(|| unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) })
}

/// Receives into `first`, and what comes beyond it into `rest`, without waiting: payload goes to its place uncopied.
///
/// # Errors
/// As [`receive`].
///
/// # Panics
/// If there is no room in both together.
#[inline]
pub fn receive_scatter(socket: BorrowedFd<'_>, first: &mut [u8], rest: &mut [u8]) -> io::Result<Received> {
    assert!(!first.is_empty() || !rest.is_empty());
    let mut places = [part(first), part(rest)];
    // SAFETY: a header of zeroes is a valid one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = places.as_mut_ptr();
    message.msg_iovlen = places.len() as _;
    // SAFETY: the kernel writes into the two slices only, within their lengths, within this call; both are borrowed exclusively.
    received(|| unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_DONTWAIT) })
}

fn part(slice: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: slice.as_mut_ptr().cast(), iov_len: slice.len() }
}

#[inline]
fn received(mut call: impl FnMut() -> isize) -> io::Result<Received> {
    loop {
        match call() {
            0 => return Ok(Received::Closed),
            n if n > 0 => return Ok(Received::Bytes(n as usize)),
            _ => match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Empty),
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
        }
    }
}
