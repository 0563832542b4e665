//! A descriptor that one thread signals and another waits for.
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::eventfd::{EfdFlags, EventFd as Event};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// An eventfd, non-blocking. Readable from a signal until it is drained.
#[derive(Debug)]
pub struct EventFd(Event);

impl EventFd {
    /// One without a signal.
    ///
    /// # Errors
    /// When the process has too many descriptors.
    pub fn new() -> io::Result<EventFd> {
        Ok(EventFd(Event::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?))
    }

    /// One that another process made. It is made non-blocking, for that process too: a counter that is full must not stop us.
    ///
    /// # Errors
    /// It is no eventfd.
    pub fn foreign(fd: OwnedFd) -> io::Result<EventFd> {
        let kind = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))?;
        if kind.as_os_str() != "anon_inode:[eventfd]" {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an eventfd"));
        }
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        if !flags.contains(OFlag::O_NONBLOCK) {
            fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        // SAFETY: it is an eventfd, as was just seen, and ours.
        Ok(EventFd(unsafe { Event::from_owned_fd(fd) }))
    }

    /// The descriptor itself, for another process or an owner of another kind.
    pub fn into_fd(self) -> OwnedFd {
        self.0.into()
    }

    /// Another handle of the same counter.
    ///
    /// # Errors
    /// When the process has too many descriptors.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }

    /// Signals, from any thread.
    pub fn signal(&self) {
        // The one refusal (EAGAIN) means that it is signalled as often as it can count.
        let _ = self.0.write(1);
    }

    /// Takes the signals, and says whether there were any.
    pub fn drain(&self) -> bool {
        match self.0.read() {
            Ok(_) => true,
            Err(e) => {
                debug_assert_eq!(e, Errno::EAGAIN);
                false
            }
        }
    }

    /// For an [`crate::Epoll`].
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_processes_counter_never_blocks_and_nothing_else_passes_for_one() {
        let blocking = nix::sys::eventfd::EventFd::from_value_and_flags(0, EfdFlags::empty()).unwrap();
        blocking.write(u64::MAX - 1).unwrap();
        let event = EventFd::foreign(blocking.into()).unwrap();
        event.signal();
        let other = event.share().unwrap();
        assert!(event.drain() && !EventFd::foreign(other).unwrap().drain());
        let pipe = std::io::pipe().unwrap();
        assert!(EventFd::foreign(pipe.1.into()).is_err());
    }
}
