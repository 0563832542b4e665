//! A model on a socket: who is connected, and what is polled when.
use crate::channel::{Broken, Channel};
use crate::dma_messages::{Link, PATIENCE};
use crate::session::Session;
use crate::socket::Listener;
use os::{Epoll, Interest, Ready};
use pci::Model;
use ring::Tick;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a client may leave its replies unread, or say nothing at first, in ns.
pub const STALL: Tick = 5_000_000_000;
/// Requests that one poll carries out.
const BUDGET: usize = 64;
/// What is ready, in the epoll set.
const LISTENER: u64 = 0;
const CLIENT: u64 = 1;
const MODEL: u64 = 2;

/// Hosts one function on one Unix socket. Polled on one core; nothing in it waits.
#[derive(Debug)]
pub struct Server<M> {
    model: M,
    listener: Listener,
    epoll: Epoll,
    client: Option<Session>,
    /// When the client came.
    arrived: Tick,
    /// Since when the client does not read.
    clogged: Option<Tick>,
    /// There may be requests that epoll does not show.
    more: bool,
    /// Clients that have come.
    clients: u64,
    patience: Duration,
}

impl<M: Model> Server<M> {
    /// Takes the path; a socket that a server left behind is replaced.
    ///
    /// # Errors
    /// The path cannot be had; the sentence says why.
    pub fn bind(path: &Path, model: M) -> io::Result<Self> {
        let listener =
            Listener::bind(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
        let epoll = Epoll::new()?;
        epoll.add(listener.socket.as_fd(), LISTENER, Interest::READ)?;
        if let Some(fd) = model.fd() {
            epoll.add(fd, MODEL, Interest::READ)?;
        }
        Ok(Self {
            model,
            listener,
            epoll,
            client: None,
            arrived: 0,
            clogged: None,
            more: false,
            clients: 0,
            patience: PATIENCE,
        })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        self.listener.path()
    }

    /// How long one access to memory that the next client has not shared may take.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Serves the client and polls the model; returns how many things were done.
    pub fn poll(&mut self, now: Tick) -> usize {
        let served = self.serve(now);
        let worked = match &mut self.client {
            Some(client) => self.model.poll(client, now),
            None => self.model.poll(&mut NoHost, now),
        };
        if let Some(broken) = self.client.as_mut().and_then(|client| client.link.broken.take()) {
            self.disconnect(&broken);
        }
        served + worked
    }

    /// Whether there is something to do at once.
    pub fn is_pending(&self) -> bool {
        self.more || self.model.is_pending() || self.client.as_ref().is_some_and(|client| client.link.has_kept())
    }

    /// When it must be polled although nothing comes.
    pub fn deadline(&self) -> Option<Tick> {
        let stall = self.clogged.map(|since| since + STALL);
        let silent = self.client.as_ref().filter(|client| !client.is_agreed()).map(|_| self.arrived + STALL);
        self.model.deadline().into_iter().chain(stall).chain(silent).min()
    }

    /// Readable when something came: a client, a request, something for the model (the descriptor that it had when the server was made).
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.fd()
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model, to change what its host does not see.
    pub fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// Whether a client is connected.
    pub fn has_client(&self) -> bool {
        self.client.is_some()
    }

    /// How many clients there have been.
    pub fn clients(&self) -> u64 {
        self.clients
    }

    /// One system call when nothing has come.
    fn serve(&mut self, now: Tick) -> usize {
        let mut ready = [Ready::NONE; 3];
        let count = self.epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap_or(0);
        let is_ready = |token: u64| ready[..count].iter().any(|one| one.token() == token);
        let waiting = self.client.as_ref().is_some_and(|client| client.link.has_kept() || !client.is_agreed());
        let mut done = 0;
        if is_ready(CLIENT) || self.more || waiting || self.clogged.is_some() {
            done = self.listen(now);
        }
        // Who waits is not judged before the end of the one before it has been read.
        if is_ready(LISTENER) && !self.more { done + self.accept(now) } else { done }
    }

    fn listen(&mut self, now: Tick) -> usize {
        let mut done = 0;
        if let Err(broken) = self.requests(now, &mut done) {
            self.disconnect(&broken);
            done += 1;
        }
        done
    }

    fn requests(&mut self, now: Tick, done: &mut usize) -> Result<(), Broken> {
        self.more = false;
        let Some(client) = &mut self.client else { return Ok(()) };
        client.link.channel.flush()?;
        // A client that does not read is not listened to: so what waits for it is one reply at most.
        while *done < BUDGET && !client.link.channel.is_clogged() {
            if !client.serve(&mut self.model)? {
                break;
            }
            *done += 1;
        }
        self.more = *done == BUDGET;
        if !client.is_agreed() && now.saturating_sub(self.arrived) >= STALL {
            return Err(Broken("it said nothing".into()));
        }
        self.watch_stall(now)
    }

    fn watch_stall(&mut self, now: Tick) -> Result<(), Broken> {
        let Some(client) = &self.client else { return Ok(()) };
        let clogged = client.link.channel.is_clogged();
        if clogged != self.clogged.is_some() {
            let interest = if clogged { Interest { read: false, write: true } } else { Interest::READ };
            self.epoll.modify(client.link.channel.fd(), CLIENT, interest)?;
        }
        let since = clogged.then(|| *self.clogged.get_or_insert(now));
        self.clogged = since;
        match since {
            Some(since) if now.saturating_sub(since) >= STALL => Err(Broken("it does not read its replies".into())),
            _ => Ok(()),
        }
    }

    /// Takes a client in, or turns it away while there is another.
    fn accept(&mut self, now: Tick) -> usize {
        match self.listener.accept() {
            Ok(Some(stream)) if self.client.is_none() => {
                self.arrived = now;
                if let Err(e) = self.connect(stream) {
                    log::warn!(target: "vfio_user", "{}: a client cannot be served: {e}", self.path().display());
                }
                1
            }
            Ok(Some(_)) => {
                log::warn!(target: "vfio_user", "{}: a second client was turned away", self.path().display());
                1
            }
            Ok(None) => 0,
            Err(e) => {
                log::debug!(target: "vfio_user", "{}: {e}", self.path().display());
                0
            }
        }
    }

    fn connect(&mut self, stream: UnixStream) -> io::Result<()> {
        let link = Link::new(Channel::new(stream)?, self.patience);
        self.epoll.add(link.channel.fd(), CLIENT, Interest::READ)?;
        self.client = Some(Session::new(link, &mut self.model));
        self.more = true;
        self.clients += 1;
        log::info!(target: "vfio_user", "{}: a client has come", self.path().display());
        Ok(())
    }

    /// The client is gone: the model is as after power on, and nothing of the client's is left.
    fn disconnect(&mut self, why: &Broken) {
        if self.client.take().is_some() {
            log::info!(target: "vfio_user", "{}: the client is gone: {why}", self.path().display());
            self.model.reset();
        }
        (self.clogged, self.more) = (None, false);
    }
}

/// What a model reaches while nobody has plugged it in.
struct NoHost;

impl pci::Bus for NoHost {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), pci::Fault> {
        Err(pci::Fault { address, len: into.len() })
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), pci::Fault> {
        Err(pci::Fault { address, len: from.len() })
    }

    fn interrupt(&mut self, _: u16) {}
}
