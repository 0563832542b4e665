//! A descriptor that one thread signals and another waits for.
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd as Event};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

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
