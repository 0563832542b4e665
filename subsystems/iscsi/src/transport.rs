//! The control side of iSCSI: makes the cores' parts, listens, and says what sessions there are.

use crate::limits;
use crate::poller::{CorePoller, Door, ListenPoller, Order};
use crate::port::{IscsiPort, Settings};
use crate::registry::Registry;
use app::App;
use dma::Pool;
use iscsi::Directory;
use reactor::{Handle, PollerId};
use ring::Sender;
use scsi::control::{Listener, Transport};
use scsi::{Config, Core, Device, Message, PortView};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A session, for lists.
#[derive(Clone, Debug)]
pub struct SessionReport {
    /// Its handle.
    pub tsih: u16,
    /// The core it lives on: index in the application's list.
    pub home: usize,
    /// The initiator's name.
    pub initiator: String,
    /// The initiator's alias, if it gave one.
    pub alias: Option<String>,
    /// Initiator session identifier.
    pub isid: [u8; 6],
    /// The target's name; `None` for a discovery session.
    pub target: Option<String>,
    /// Tag of the portal group.
    pub group: u16,
    /// What was agreed for the session.
    pub parameters: iscsi::Parameters,
    /// Its connections.
    pub connections: Vec<ConnectionReport>,
}

/// A connection, for lists.
#[derive(Clone, Debug)]
pub struct ConnectionReport {
    /// Its identifier.
    pub cid: u16,
    /// The initiator's end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// What was agreed for the connection.
    pub parameters: iscsi::Parameters,
}

struct Open {
    listener: Listener,
    poller: PollerId,
}

/// iSCSI on all cores of the process.
pub struct IscsiTransport {
    cores: Arc<[Handle]>,
    homes: Vec<Sender<Message>>,
    doors: Arc<[Door]>,
    pollers: Vec<PollerId>,
    registry: Arc<Registry>,
    open: Mutex<Vec<Open>>,
}

/// Bytes of I/O memory that iSCSI takes on each core.
pub fn memory() -> u64 {
    Pool::bytes(&limits::classes()) as u64
}

impl IscsiTransport {
    /// Starts iSCSI on all cores. It listens nowhere yet.
    ///
    /// # Errors
    /// A sentence for the operator: no memory, no descriptors, a core that does not answer.
    pub fn create(
        app: &App,
        settings: Settings,
        directory: Arc<dyn Directory>,
        device: Arc<Device>,
    ) -> Result<Arc<Self>, String> {
        let (mut homes, mut doors, mut inboxes) = (Vec::new(), Vec::new(), Vec::new());
        for core in app.cores.iter() {
            let (for_messages, for_orders) = (core.waker(), core.waker());
            let (home, messages) = ring::mailbox(limits::MESSAGES, move || for_messages.wake());
            let (orders, ordered) = ring::mailbox(limits::ORDERS, move || for_orders.wake());
            homes.push(home);
            doors.push(Door { orders, load: Arc::new(AtomicUsize::new(0)) });
            inboxes.push((messages, ordered));
        }
        let doors: Arc<[Door]> = doors.into();
        let registry = Arc::new(Registry::new(doors.len(), settings.sessions));
        let mut pollers = Vec::new();
        for (home, (messages, ordered)) in inboxes.into_iter().enumerate() {
            let pool = Pool::new(&app.arena, &limits::classes()).map_err(|error| error.to_string())?;
            let (directory, registry, doors) = (directory.clone(), registry.clone(), doors.clone());
            let device = device.clone();
            let started = app.cores[home].call(move |reactor| {
                let load = doors[home].load.clone();
                let port = IscsiPort::new(settings, directory, registry, doors, home);
                let port = port.map_err(|error| error.to_string())?;
                let core = Core::new(config(home, device), port, pool, messages);
                let poller = CorePoller::new(core, ordered, load).map_err(|error| error.to_string())?;
                Ok::<_, String>(reactor.add(Box::new(poller)))
            });
            pollers.push(started.map_err(|error| format!("core {home}: {error}"))??);
        }
        Ok(Arc::new(Self { cores: app.cores.clone(), homes, doors, pollers, registry, open: Mutex::default() }))
    }

    fn open(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the initiators of a target (of all targets, without a name) to log out, and ends the sessions of those that do not
    /// within [`limits::LOGOUT_SECONDS`]. Does not wait.
    pub fn end_sessions(&self, target: Option<&str>) {
        for (home, door) in self.doors.iter().enumerate() {
            let order = Order::EndSessions { target: target.map(str::to_owned), now: false };
            if door.orders.send(order).is_err() {
                log::warn!("iSCSI: core {home} does not take orders: its sessions stay");
            }
        }
    }

    /// All sessions, by handle.
    pub fn report(&self) -> Vec<SessionReport> {
        let (to, from) = sync_channel(self.doors.len());
        let asked = self.doors.iter().filter(|door| door.orders.send(Order::Report(to.clone())).is_ok()).count();
        let until = Instant::now() + limits::ANSWER;
        let answer = |_| from.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        let mut all: Vec<SessionReport> = (0..asked).filter_map(answer).flatten().collect();
        all.sort_by_key(|session| session.tsih);
        all
    }

    /// Sessions that are there or coming.
    pub fn sessions(&self) -> usize {
        self.registry.count()
    }

    fn start_listening(&self, listener: Listener) -> Result<Open, String> {
        let Listener { group, address } = listener;
        let socket = os::listen(address, limits::BACKLOG).map_err(|error| {
            format!("cannot listen on {address}: {error} (is another target there? 'ss -ltnp' names it)")
        })?;
        let doors = self.doors.clone();
        let poller = self.cores[0]
            .call(move |reactor| reactor.add(Box::new(ListenPoller::new(group, socket, doors))))
            .map_err(|error| format!("cannot listen on {address}: {error}"))?;
        Ok(Open { listener, poller })
    }

    fn stop_listening(&self, poller: PollerId) {
        let _ = self.cores[0].call(move |reactor| drop(reactor.remove(poller)));
    }
}

fn config(core: usize, device: Arc<Device>) -> Config {
    Config { core, max_transfer: limits::MAX_TRANSFER, channel_depth: limits::CHANNEL_DEPTH, device }
}

impl Transport for IscsiTransport {
    fn name(&self) -> &'static str {
        "iSCSI"
    }

    fn homes(&self) -> &[Sender<Message>] {
        &self.homes
    }

    /// Which ports of ours are served is the directory's; here they only lend their numbers to new sessions.
    fn offer(&self, ports: &[PortView]) -> Result<(), String> {
        self.registry.set_ports(ports);
        Ok(())
    }

    fn listen(&self, portals: &[Listener]) -> Result<(), String> {
        let mut open = self.open();
        let (kept, gone) = std::mem::take(&mut *open).into_iter().partition(|open| portals.contains(&open.listener));
        *open = kept;
        gone.into_iter().for_each(|gone: Open| self.stop_listening(gone.poller));
        let mut failed = Vec::new();
        for portal in portals {
            if open.iter().any(|open| open.listener == *portal) {
                continue;
            }
            match self.start_listening(*portal) {
                Ok(new) => open.push(new),
                Err(why) => failed.push(why),
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }

    fn removed(&self, node: &str) {
        self.end_sessions(Some(node));
    }

    fn stop(&self) {
        self.registry.stop();
        let open = std::mem::take(&mut *self.open());
        open.into_iter().for_each(|open| self.stop_listening(open.poller));
        for (core, poller) in self.cores.iter().zip(&self.pollers) {
            let poller = *poller;
            let _ = core.call(move |reactor| drop(reactor.remove(poller)));
        }
        self.doors.iter().for_each(|door| door.load.store(0, Relaxed));
    }
}
