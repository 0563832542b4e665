//! Which of many descriptors are ready.
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// What to be told about a descriptor. The end of the stream and errors are always told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub write: bool,
}

impl Interest {
    /// Reading only.
    pub const READ: Interest = Interest { read: true, write: false };
    /// Reading and writing.
    pub const BOTH: Interest = Interest { read: true, write: true };

    fn bits(self) -> u32 {
        let bit = |wanted, bit: i32| if wanted { bit as u32 } else { 0 };
        bit(self.read, libc::EPOLLIN | libc::EPOLLRDHUP) | bit(self.write, libc::EPOLLOUT)
    }
}

/// One descriptor that is ready.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Ready(libc::epoll_event);

impl Ready {
    /// For an array to fill.
    pub const NONE: Ready = Ready(libc::epoll_event { events: 0, u64: 0 });

    /// The token given with the descriptor.
    pub fn token(&self) -> u64 {
        self.0.u64
    }

    /// It can be read, or reading would tell its end.
    pub fn readable(&self) -> bool {
        self.has(libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR)
    }

    /// It can be written, or writing would tell its end.
    pub fn writable(&self) -> bool {
        self.has(libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR)
    }

    /// The other side will send no more, or it is dead.
    pub fn closed(&self) -> bool {
        self.has(libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR)
    }

    fn has(&self, bits: i32) -> bool {
        self.0.events & bits as u32 != 0
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (token, read, write) = (self.token(), self.readable(), self.writable());
        write!(f, "Ready({token}, readable {read}, writable {write}, closed {})", self.closed())
    }
}

/// An epoll set, level-triggered. It is a descriptor itself, readable while any in it is ready, so sets can be nested.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
    /// The kernel has no `epoll_pwait2` (before 5.11, or forbidden): times are rounded up to milliseconds.
    coarse: AtomicBool,
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// When the process has too many descriptors.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: no pointers; the result is checked and is nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Epoll { fd, coarse: AtomicBool::new(false) })
    }

    /// Adds a descriptor. Closing it (and all its duplicates) removes it.
    ///
    /// # Errors
    /// When it is there already, or of a kind that cannot be waited for.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest)
    }

    /// Changes token and interest of a descriptor.
    ///
    /// # Errors
    /// When it is not there.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest)
    }

    /// Removes a descriptor.
    ///
    /// # Errors
    /// When it is not there.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Interest::READ)
    }

    fn control(&self, what: i32, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.bits(), u64: token };
        // SAFETY: the event is ours and is only read within the call.
        checked(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), what, fd.as_raw_fd(), &mut event) }).map(drop)
    }

    /// Waits until something is ready, at most for `timeout` (for ever if there is none; not at all if it is zero), fills `ready` and returns how many.
    /// A signal to this thread ends the wait early with none, and so may a completion of an io_uring of this thread: look there as well.
    ///
    /// # Errors
    /// None that a correct program can meet.
    pub fn wait(&self, ready: &mut [Ready], timeout: Option<Duration>) -> io::Result<usize> {
        let result = match timeout {
            Some(t) if !t.is_zero() && !self.coarse.load(Relaxed) => self.wait_finely(ready, t),
            other => self.wait_coarsely(ready, other),
        };
        match result {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }

    fn wait_finely(&self, ready: &mut [Ready], timeout: Duration) -> io::Result<usize> {
        let limit = libc::timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos() as _ };
        let (events, room) = room(ready);
        // SAFETY: the kernel writes at most `room` events into `ready`, which is made of them, and reads `limit`, within the call.
        let n = unsafe { libc::epoll_pwait2(self.fd.as_raw_fd(), events, room, &limit, std::ptr::null()) };
        match checked(n) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                self.coarse.store(true, Relaxed);
                self.wait_coarsely(ready, Some(timeout))
            }
            result => result.map(|n| n as usize),
        }
    }

    fn wait_coarsely(&self, ready: &mut [Ready], timeout: Option<Duration>) -> io::Result<usize> {
        let millis = timeout.map_or(-1, |t| t.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32);
        let (events, room) = room(ready);
        // SAFETY: the kernel writes at most `room` events into `ready`, which is made of them, within the call.
        let n = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), events, room, millis) };
        checked(n).map(|n| n as usize)
    }

    /// The set itself, for another set.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// `Ready` is nothing but an `epoll_event` (repr(transparent)).
fn room(ready: &mut [Ready]) -> (*mut libc::epoll_event, i32) {
    (ready.as_mut_ptr().cast(), i32::try_from(ready.len()).unwrap_or(i32::MAX))
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
