//! Descriptors that go through a stream socket beside its bytes.
use crate::receive::Received;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Descriptors that one call takes in at most. Who sends more with one message breaks the connection.
pub const DESCRIPTORS: usize = 64;

/// Receives what is there, up to the length of `buffer`, without waiting, and appends what descriptors came with it to `descriptors`.
///
/// # Errors
/// What the kernel says: the connection is dead. Or more than [`DESCRIPTORS`] came, or more than the process may have: some are lost.
///
/// # Panics
/// If the buffer has no room.
pub fn receive_with(socket: BorrowedFd<'_>, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<Received> {
    assert!(!buffer.is_empty());
    let mut place = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = Control([0; CONTROL_BYTES]);
    // SAFETY: a header of zeroes is a valid one.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&mut place, 1);
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = CONTROL_BYTES as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    loop {
        // SAFETY: the kernel writes into the header, the buffer and the control buffer only, within their lengths, within the call.
        match unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags) } {
            0.. if header.msg_flags & libc::MSG_CTRUNC != 0 => {
                collect(&header, descriptors);
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors than can be taken"));
            }
            0 => return Ok(Received::Closed),
            n if n > 0 => {
                collect(&header, descriptors);
                return Ok(Received::Bytes(n as usize));
            }
            _ => match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Empty),
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
        }
    }
}

// SAFETY: a macro of the C library that only computes.
const CONTROL_BYTES: usize = unsafe { libc::CMSG_SPACE((DESCRIPTORS * size_of::<RawFd>()) as u32) } as usize;

/// Aligned as control messages must be.
#[repr(align(8))]
struct Control([u8; CONTROL_BYTES]);

/// Takes the descriptors that a received header names.
fn collect(header: &libc::msghdr, into: &mut Vec<OwnedFd>) {
    // SAFETY: the kernel has filled the control buffer, and msg_controllen says how far; these macros stay inside of that. A descriptor
    // that came with a message is ours alone.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(one) = message.as_ref() {
            if one.cmsg_level == libc::SOL_SOCKET && one.cmsg_type == libc::SCM_RIGHTS {
                let bytes = one.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let first = libc::CMSG_DATA(message).cast::<RawFd>();
                for i in 0..bytes / size_of::<RawFd>() {
                    into.push(OwnedFd::from_raw_fd(first.add(i).read_unaligned()));
                }
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
}

/// Sends bytes and, with the first of them, descriptors, without waiting; returns how many bytes went. None: there is no room now, and no
/// descriptor went either.
///
/// # Errors
/// What the kernel says: the connection is dead.
pub fn send_with(
    socket: BorrowedFd<'_>,
    bytes: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<Option<usize>> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &[][..] } else { &rights[..] };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), bytes, control, flags, None) {
            Ok(n) => return Ok(Some(n)),
            Err(Errno::EAGAIN | Errno::ENOBUFS) => return Ok(None),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_come_with_their_bytes_and_too_many_are_told_and_closed() {
        let (a, b) = UnixStream::pair().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        (&a).write_all(b"before").unwrap();
        assert_eq!(
            send_with(a.as_fd(), &[IoSlice::new(b"he"), IoSlice::new(b"re")], &[null.as_fd(); 3]).unwrap(),
            Some(4)
        );
        let (mut buffer, mut got) = ([0; 6], Vec::new());
        assert_eq!(receive_with(b.as_fd(), &mut buffer, &mut got).unwrap(), Received::Bytes(6));
        assert!(got.is_empty() && &buffer == b"before");
        assert_eq!(receive_with(b.as_fd(), &mut buffer, &mut got).unwrap(), Received::Bytes(4));
        assert_eq!((got.len(), &buffer[..4]), (3, &b"here"[..]));
        assert_eq!(receive_with(b.as_fd(), &mut buffer, &mut got).unwrap(), Received::Empty);
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        send_with(a.as_fd(), &[IoSlice::new(b"x")], &[null.as_fd(); DESCRIPTORS + 9]).unwrap();
        let before = open();
        let mut flood = Vec::new();
        assert!(receive_with(b.as_fd(), &mut buffer, &mut flood).is_err());
        drop(flood);
        assert!(open() <= before, "none stays open");
        drop(a);
        assert_eq!(receive_with(b.as_fd(), &mut buffer, &mut got).unwrap(), Received::Closed);
    }
}
