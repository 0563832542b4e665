//! The N_Port's side: connects to a switch of another process, and again when that was away.

use super::pipe::Pipe;
use super::server::seqpacket;
use fc::{Attachment, FrameBox, Frames, Link, LinkEvent, LinkMaker, Names, Wake};
use nix::sys::socket::{UnixAddr, connect};
use os::{Epoll, Interest};
use ring::Tick;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

/// How long until the next try after one that failed.
const AGAIN: Tick = 500_000_000;

/// A link to the switch that listens at a path. While nobody does, it is down.
pub struct UnixLink {
    path: PathBuf,
    address: UnixAddr,
    pipe: Option<Pipe>,
    /// Has the pipe's descriptor in it: this one stays the same.
    epoll: Epoll,
    frames: Frames,
    up: bool,
    was_up: bool,
    try_at: Tick,
    /// That nobody is there has been said.
    said: bool,
}

impl UnixLink {
    /// A link to `path`. It connects when it is first asked for events. Frames come from `frames`: the pool of the node that it is for.
    ///
    /// # Errors
    /// It is no path for a socket, or there are no descriptors left.
    pub fn new(path: impl Into<PathBuf>, frames: Frames) -> io::Result<Self> {
        let path = path.into();
        let address = UnixAddr::new(&path)?;
        let epoll = Epoll::new()?;
        Ok(Self { path, address, pipe: None, epoll, frames, up: true, was_up: false, try_at: 0, said: false })
    }

    fn connect(&mut self, now: Tick) {
        if now < self.try_at {
            return;
        }
        self.try_at = now.saturating_add(AGAIN);
        match self.try_connect() {
            Ok(pipe) => {
                self.said = false;
                self.pipe = Some(pipe);
            }
            Err(error) if !self.said => {
                self.said = true;
                log::warn!(target: "fabric", "{}: {error}; will try again", self.describe());
            }
            Err(_) => {}
        }
    }

    fn try_connect(&self) -> io::Result<Pipe> {
        let socket = seqpacket()?;
        connect(socket.as_raw_fd(), &self.address)?;
        let pipe = Pipe::new(socket, self.up)?;
        self.epoll.add(pipe.fd(), 0, Interest::READ)?;
        Ok(pipe)
    }

    fn is_up(&self) -> bool {
        self.up && self.pipe.as_ref().is_some_and(|pipe| pipe.peer().is_some())
    }

    /// Gives a dead connection up.
    fn bury(&mut self) {
        if let Some(mut pipe) = self.pipe.take_if(|pipe| pipe.over().is_some()) {
            log::warn!(target: "fabric", "{}: {}", self.describe(), pipe.over().unwrap_or_default());
            pipe.clear(&mut self.frames);
        }
    }
}

impl Link for UnixLink {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        if self.is_up() == self.was_up {
            match &mut self.pipe {
                Some(pipe) => pipe.look(now),
                None => self.connect(now),
            }
        }
        if self.is_up() == self.was_up {
            self.bury();
            return None;
        }
        self.was_up = !self.was_up;
        Some(if self.was_up { LinkEvent::Up(Attachment::Login) } else { LinkEvent::Down })
    }

    #[inline]
    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.pipe.as_mut()?.receive(&mut self.frames, now)
    }

    fn room(&self) -> usize {
        self.pipe.as_ref().filter(|_| self.was_up).map_or(0, Pipe::room)
    }

    #[inline]
    fn send(&mut self, frame: FrameBox) {
        match &mut self.pipe {
            Some(pipe) if self.was_up && pipe.room() > 0 => pipe.send(frame),
            _ => self.frames.give(frame),
        }
    }

    fn flush(&mut self, _now: Tick) {
        if let Some(pipe) = &mut self.pipe {
            pipe.flush(Some(&mut self.frames));
        }
    }

    fn set_up(&mut self, up: bool) {
        self.up = up;
        if let Some(pipe) = &mut self.pipe {
            pipe.say_up(up);
        }
    }

    fn max_payload(&self) -> u16 {
        self.pipe.as_ref().and_then(Pipe::peer).unwrap_or(wire::fc::MAX_PAYLOAD as u16)
    }

    fn is_pending(&self) -> bool {
        self.is_up() != self.was_up || self.pipe.as_ref().is_some_and(|pipe| pipe.is_pending() || pipe.over().is_some())
    }

    fn deadline(&self) -> Option<Tick> {
        self.pipe.is_none().then_some(self.try_at)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.fd())
    }

    fn describe(&self) -> String {
        format!("unix:{}", self.path.display())
    }
}

/// Makes [`UnixLink`]s, for `unix:PATH`.
pub struct UnixMaker(
    /// The pool of the nodes that the links are for: with another one, frames would pile up in one and be missing in the other.
    pub Frames,
);

impl LinkMaker for UnixMaker {
    fn scheme(&self) -> &'static str {
        "unix"
    }

    fn make(&self, to: &str, _names: Names, _wake: Wake) -> Result<Box<dyn Link>, String> {
        if to.is_empty() {
            return Err("name the switch's socket: unix:/path".to_owned());
        }
        match UnixLink::new(to, self.0.clone()) {
            Ok(link) => Ok(Box::new(link)),
            Err(error) => Err(format!("fabric socket {to}: {error}")),
        }
    }
}
