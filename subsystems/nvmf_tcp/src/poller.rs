//! What a core runs each turn for NVMe/TCP, and what it runs for a listening socket.

use crate::{Accepted, TcpPort};
use nvmf::{Address, Core, Origin};
use os::{Congestion, Epoll, Interest, Tune};
use reactor::{Poller, Wake};
use ring::{Full, Mailbox, Sender, Tick};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How often a busy core looks at a listening socket; a sleeping one is woken by it.
const LOOK_NS: Tick = 50_000;

/// Connections taken from a listening socket at one look.
const ACCEPTS: usize = 16;

/// The way to one core: where connections are handed in, and how many it has.
#[derive(Clone)]
pub struct Door {
    /// Leads to the core.
    pub hand_in: Sender<Accepted>,
    /// Connections on the core and on their way there.
    pub load: Arc<AtomicUsize>,
}

/// One core's connections.
pub struct CorePoller {
    core: Core<TcpPort>,
    handed_in: Mailbox<Accepted>,
    load: Arc<AtomicUsize>,
    epoll: Epoll,
    connections: usize,
}

impl CorePoller {
    /// Joins the command set's core with the connections that are handed in.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(core: Core<TcpPort>, handed_in: Mailbox<Accepted>, load: Arc<AtomicUsize>) -> std::io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(core.port().fd(), 0, Interest::READ)?;
        Ok(Self { core, handed_in, load, epoll, connections: 0 })
    }

    fn take_in(&mut self, now: Tick) -> usize {
        let mut work = 0;
        while let Some(accepted) = self.handed_in.next() {
            work += 1;
            self.connections += 1;
            self.core.port_mut().adopt(accepted, now);
        }
        work
    }

    /// Connections that ended make room here.
    fn count(&mut self) {
        let now = self.core.port().connections();
        if now != self.connections {
            self.load.fetch_sub(self.connections - now, Relaxed);
            self.connections = now;
        }
    }

    fn watch_devices(&mut self) {
        let epoll = &self.epoll;
        self.core.take_new_fds(|fd| {
            if let Err(error) = epoll.add(fd, 1, Interest::READ) {
                log::warn!("a device cannot wake a sleeping core: {error}");
            }
        });
    }
}

impl Poller for CorePoller {
    fn name(&self) -> &str {
        "nvmf_tcp"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let work = self.take_in(now) + self.core.poll(now);
        self.count();
        if self.core.has_new_fds() {
            self.watch_devices();
        }
        work
    }

    fn wake(&mut self) -> Wake {
        if !self.handed_in.is_empty() || self.core.port_mut().is_pending() {
            return Wake::Ready;
        }
        let deadlines = self.core.deadline().into_iter().chain(self.core.port().deadline());
        deadlines.min().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.fd())
    }
}

/// One listening socket.
pub struct ListenPoller {
    /// Its number, for [`Origin::listener`].
    id: u32,
    listener: TcpListener,
    doors: Arc<[Door]>,
    priority: Option<u32>,
    next_look: Tick,
}

impl ListenPoller {
    /// Hands the connections of `listener` to the least loaded of `doors`.
    pub fn new(id: u32, listener: TcpListener, doors: Arc<[Door]>, priority: Option<u32>) -> Self {
        Self { id, listener, doors, priority, next_look: 0 }
    }

    fn welcome(&self, socket: TcpStream, peer: SocketAddr) {
        let Ok(local) = socket.local_addr() else { return };
        let tune = Tune { nodelay: true, priority: self.priority, congestion: Congestion::Auto };
        if os::tune(&socket, tune).is_err() {
            return;
        }
        let origin = Origin { listener: self.id, local: Address::Ip(local), peer: Address::Ip(peer) };
        let Some(door) = self.doors.iter().min_by_key(|door| door.load.load(Relaxed)) else { return };
        door.load.fetch_add(1, Relaxed);
        if let Err(Full(_refused)) = door.hand_in.send(Accepted { socket, origin }) {
            // The core does not keep up; the host tries again.
            door.load.fetch_sub(1, Relaxed);
        }
    }
}

impl Poller for ListenPoller {
    fn name(&self) -> &str {
        "nvmf_tcp_listen"
    }

    fn poll(&mut self, now: Tick) -> usize {
        if now < self.next_look {
            return 0;
        }
        self.next_look = now + LOOK_NS;
        for accepted in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((socket, peer)) => self.welcome(socket, peer),
                Err(_) => return accepted,
            }
        }
        self.next_look = now;
        ACCEPTS
    }

    fn wake(&mut self) -> Wake {
        self.next_look = 0;
        Wake::Event
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.listener.as_fd())
    }
}
