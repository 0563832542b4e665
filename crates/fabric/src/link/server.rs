//! The switch's side: a socket that N_Ports of other processes connect to.

use super::pipe::Pipe;
use crate::Listener;
use fc::{Attachment, FrameBox, Frames, Link, LinkEvent};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use ring::Tick;
use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};

/// Connections taken in one turn.
const ACCEPTS: usize = 4;

/// How often a busy core looks for connections; a sleeping one is woken by them.
const LOOK: Tick = 1_000_000;

/// A listening socket.
pub struct UnixListener {
    socket: net::UnixListener,
    path: PathBuf,
    frames: Frames,
    next_look: Tick,
    accepted: Vec<Box<dyn Link>>,
}

pub(super) fn seqpacket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?)
}

impl UnixListener {
    /// Listens at `path`, for this user only (mode 0600). A socket that a dead process left is replaced.
    ///
    /// # Errors
    /// A sentence: somebody listens there, or something else is there, or it is no place for a socket.
    pub fn bind(path: &Path, frames: Frames) -> Result<Self, String> {
        let explain = |error: &dyn std::fmt::Display| format!("fabric socket {}: {error}", path.display());
        let address = UnixAddr::new(path).map_err(|_| explain(&"the path is too long for a socket"))?;
        if let Ok(there) = std::fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(explain(&"there is a file of that name that is no socket"));
            }
            let probe = seqpacket().map_err(|error| explain(&error))?;
            match connect(probe.as_raw_fd(), &address) {
                Err(nix::errno::Errno::ECONNREFUSED) => std::fs::remove_file(path).map_err(|error| explain(&error))?,
                _ => return Err(explain(&"a process listens there")),
            }
        }
        let socket = listening(path, &address).map_err(|error| explain(&error))?;
        Ok(Self { socket, path: path.to_owned(), frames, next_look: 0, accepted: Vec::new() })
    }

    fn welcome(&mut self) -> bool {
        // The library's listener is for streams, but accepting is the same for all kinds of sockets.
        let Ok((peer, _)) = self.socket.accept() else { return false };
        match Pipe::new(OwnedFd::from(peer), true) {
            Ok(pipe) => self.accepted.push(Box::new(UnixPeer::new(pipe, &self.path, self.frames.clone()))),
            Err(error) => log::warn!(target: "fabric", "{}: {error}", self.describe()),
        }
        true
    }
}

fn listening(path: &Path, address: &UnixAddr) -> io::Result<net::UnixListener> {
    let socket = seqpacket()?;
    bind(socket.as_raw_fd(), address)?;
    // Nobody can connect before listen(), so nobody gets in while the mode is still what the umask made of it.
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listen(&socket, Backlog::new(64)?)?;
    Ok(net::UnixListener::from(socket))
}

impl Listener for UnixListener {
    fn poll(&mut self, now: Tick) -> usize {
        if now < self.next_look {
            return 0;
        }
        self.next_look = now + LOOK;
        let done = (0..ACCEPTS).take_while(|_| self.welcome()).count();
        if done == ACCEPTS {
            self.next_look = now;
        }
        done
    }

    fn accept(&mut self, _now: Tick) -> Option<Box<dyn Link>> {
        self.accepted.pop()
    }

    fn flush(&mut self, _now: Tick) {}

    fn is_pending(&self) -> bool {
        !self.accepted.is_empty()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn describe(&self) -> String {
        format!("unix:{}", self.path.display())
    }
}

impl Drop for UnixListener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// An accepted connection. It ends with its socket.
struct UnixPeer {
    pipe: Pipe,
    frames: Frames,
    what: String,
    up: bool,
    was_up: bool,
}

impl UnixPeer {
    fn new(pipe: Pipe, path: &Path, frames: Frames) -> Self {
        Self { pipe, frames, what: format!("unix:{}", path.display()), up: true, was_up: false }
    }

    fn is_up(&self) -> bool {
        self.up && self.pipe.peer().is_some()
    }
}

impl Link for UnixPeer {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        if self.is_up() == self.was_up {
            self.pipe.look(now);
        }
        if self.is_up() == self.was_up {
            return None;
        }
        self.was_up = !self.was_up;
        Some(if self.was_up { LinkEvent::Up(Attachment::Login) } else { LinkEvent::Down })
    }

    #[inline]
    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.pipe.receive(&mut self.frames, now)
    }

    fn room(&self) -> usize {
        if self.was_up { self.pipe.room() } else { 0 }
    }

    #[inline]
    fn send(&mut self, frame: FrameBox) {
        if self.was_up && self.pipe.room() > 0 {
            self.pipe.send(frame);
        } else {
            self.frames.give(frame);
        }
    }

    fn flush(&mut self, _now: Tick) {
        self.pipe.flush(Some(&mut self.frames));
    }

    fn set_up(&mut self, up: bool) {
        self.up = up;
        self.pipe.say_up(up);
    }

    fn max_payload(&self) -> u16 {
        self.pipe.peer().unwrap_or(wire::fc::MAX_PAYLOAD as u16)
    }

    fn is_pending(&self) -> bool {
        self.pipe.is_pending() || self.is_up() != self.was_up
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.pipe.fd())
    }

    fn is_gone(&self) -> bool {
        self.pipe.over().is_some() && !self.was_up
    }

    fn describe(&self) -> String {
        self.what.clone()
    }
}

impl Drop for UnixPeer {
    fn drop(&mut self) {
        self.pipe.clear(&mut self.frames);
        log::info!(target: "fabric", "{}: connection over: {}", self.what, self.pipe.over().unwrap_or("we ended it"));
    }
}
