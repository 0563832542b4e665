//! What a core runs each turn for iSCSI, and what it runs for a listening socket.

use crate::port::{Accepted, IscsiPort, Join};
use crate::transport::SessionReport;
use os::{Congestion, Epoll, Interest, Tune};
use reactor::{Poller, Wake};
use ring::{Full, Mailbox, Sender, Tick};
use scsi::Core;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;

/// How often a busy core looks at a listening socket; a sleeping one is woken by it.
const LOOK_NS: Tick = 50_000;

/// Connections taken from a listening socket at one look.
const ACCEPTS: usize = 16;

/// What a core is asked for.
pub enum Order {
    /// Log in this connection.
    Accepted(Accepted),
    /// Take this connection, which has logged in, into its session.
    Join(Box<Join>),
    /// End the sessions of a target (of all, without a name).
    EndSessions {
        /// Its name.
        target: Option<String>,
        /// At once; otherwise initiators are asked to log out first.
        now: bool,
    },
    /// Say what sessions are here.
    Report(SyncSender<Vec<SessionReport>>),
}

/// The way to one core: where connections are handed in, and how many it has.
#[derive(Clone)]
pub struct Door {
    /// Leads to the core.
    pub orders: Sender<Order>,
    /// Connections on the core and on their way there.
    pub load: Arc<AtomicUsize>,
}

/// One core's connections.
pub struct CorePoller {
    core: Core<IscsiPort>,
    orders: Mailbox<Order>,
    load: Arc<AtomicUsize>,
    epoll: Epoll,
    connections: usize,
}

impl CorePoller {
    /// Joins the command set's core with the way on which connections come; `load` is that of its door.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(core: Core<IscsiPort>, orders: Mailbox<Order>, load: Arc<AtomicUsize>) -> std::io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(core.port().fd(), 0, Interest::READ)?;
        Ok(Self { core, orders, load, epoll, connections: 0 })
    }

    /// The core.
    pub fn core(&self) -> &Core<IscsiPort> {
        &self.core
    }

    fn take_orders(&mut self, now: Tick) -> usize {
        let mut work = 0;
        while let Some(order) = self.orders.next() {
            work += 1;
            let port = self.core.port_mut();
            port.now = now;
            match order {
                Order::Accepted(accepted) => {
                    self.connections += 1;
                    port.adopt(accepted, now);
                }
                Order::Join(join) => {
                    self.connections += 1;
                    port.join(join);
                }
                Order::EndSessions { target, now } => port.end_sessions(target.as_deref(), now),
                Order::Report(to) => {
                    // Who asked may have given up waiting.
                    let _ = to.try_send(port.report());
                }
            }
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
        "iscsi"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let work = self.take_orders(now) + self.core.poll(now);
        self.count();
        if self.core.has_new_fds() {
            self.watch_devices();
        }
        work
    }

    fn wake(&mut self) -> Wake {
        if !self.orders.is_empty() || self.core.port_mut().is_pending() {
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
///
/// One core accepts, and hands each connection to the core that has fewest: where a session lives is known only after the login,
/// so a socket a core would spare no hand-over, and would leave the spreading to the kernel's hash of four addresses.
pub struct ListenPoller {
    group: u16,
    listener: TcpListener,
    doors: Arc<[Door]>,
    next_look: Tick,
}

impl ListenPoller {
    /// Hands the connections of `listener`, a portal of `group`, to the least loaded of `doors`.
    pub fn new(group: u16, listener: TcpListener, doors: Arc<[Door]>) -> Self {
        Self { group, listener, doors, next_look: 0 }
    }

    fn welcome(&self, socket: TcpStream, peer: SocketAddr) {
        let Ok(local) = socket.local_addr() else { return };
        let tune = Tune { nodelay: true, priority: None, congestion: Congestion::Auto };
        if os::tune(&socket, tune).is_err() {
            return;
        }
        let Some(door) = self.doors.iter().min_by_key(|door| door.load.load(Relaxed)) else { return };
        door.load.fetch_add(1, Relaxed);
        let accepted = Accepted { socket, local, peer, group: self.group };
        if let Err(Full(_refused)) = door.orders.send(Order::Accepted(accepted)) {
            // The core does not keep up; the initiator tries again.
            door.load.fetch_sub(1, Relaxed);
        }
    }
}

impl Poller for ListenPoller {
    fn name(&self) -> &str {
        "iscsi_listen"
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
