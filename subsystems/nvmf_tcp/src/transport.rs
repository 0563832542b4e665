//! The control side: makes the cores' parts, and listens.

use crate::poller::{CorePoller, Door, ListenPoller};
use crate::{Options, TcpPort, limits};
use app::App;
use dma::{Class, Pool};
use exchange::Counters;
use nvmf::{Config, Core, ListenerView, Message, PollGroup, QueueCounters, Transport, TransportOptions, TransportView};
use reactor::{Handle, PollerId};
use ring::Sender;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that may wait for a core: changes are made one at a time, questions of other cores are one a queue.
const MESSAGES: usize = 1024;

/// Connections that may wait for a core.
const HANDED_IN: usize = 256;

/// NVMe/TCP on all cores of the process.
pub struct TcpTransport {
    options: TransportOptions,
    view: TransportView,
    cores: Arc<[Handle]>,
    homes: Vec<Sender<Message>>,
    doors: Arc<[Door]>,
    counters: Vec<(Arc<Counters>, Arc<QueueCounters>)>,
    pollers: Vec<PollerId>,
    listeners: Mutex<BTreeMap<u32, PollerId>>,
}

/// Bytes of I/O memory that NVMe/TCP takes on each core.
pub fn memory(options: &TransportOptions) -> u64 {
    Pool::bytes(&classes(options)) as u64
}

/// Buffers of one core: small ones for 4 KiB I/O and control data at four full queues, and large ones for three quarters
/// of a full queue of the largest I/O.
pub fn classes(options: &TransportOptions) -> [Class; 3] {
    let depth = u32::from(options.max_queue_depth.max(options.max_aq_depth));
    let middle = (options.max_io_size / 4).max(8192);
    [
        Class { size: 4096, count: 4 * depth },
        Class { size: middle, count: depth / 2 },
        Class { size: options.max_io_size, count: (depth * 3).div_ceil(4) },
    ]
}

/// Starts NVMe/TCP on all cores.
///
/// # Errors
/// A sentence for the operator: no memory, no descriptors, a core that does not answer.
pub fn create(options: &TransportOptions, app: &App) -> Result<Arc<dyn Transport>, String> {
    let count = app.cores.len();
    let mut homes = Vec::with_capacity(count);
    let mut doors = Vec::with_capacity(count);
    let mut inboxes = Vec::with_capacity(count);
    for core in app.cores.iter() {
        let (waker, door_waker) = (core.waker(), core.waker());
        let (home, messages) = ring::mailbox(MESSAGES, move || waker.wake());
        let (hand_in, handed_in) = ring::mailbox(HANDED_IN, move || door_waker.wake());
        homes.push(home);
        doors.push(Door { hand_in, load: Arc::new(AtomicUsize::new(0)) });
        inboxes.push((messages, handed_in));
    }
    let mut transport = TcpTransport {
        options: options.clone(),
        view: options.view(),
        cores: app.cores.clone(),
        homes,
        doors: doors.into(),
        counters: Vec::new(),
        pollers: Vec::new(),
        listeners: Mutex::default(),
    };
    for (home, (messages, handed_in)) in inboxes.into_iter().enumerate() {
        let pool = Pool::new(&app.arena, &classes(options)).map_err(|error| error.to_string())?;
        let config = transport.config(home);
        let (port, senders) = (transport.port_options(), transport.homes.clone());
        let load = transport.doors[home].load.clone();
        let started = app.cores[home].call(move |reactor| {
            let port = TcpPort::new(port).map_err(|error| error.to_string())?;
            let core = Core::new(config, port, pool, messages, senders);
            let counters = (core.counters(), core.queue_counters());
            let poller = CorePoller::new(core, handed_in, load).map_err(|error| error.to_string())?;
            Ok::<_, String>((reactor.add(Box::new(poller)), counters))
        });
        let (poller, counters) = started.map_err(|error| format!("core {home}: {error}"))??;
        transport.pollers.push(poller);
        transport.counters.push(counters);
    }
    Ok(Arc::new(transport))
}

impl TcpTransport {
    fn config(&self, home: usize) -> Config {
        let depth = u32::from(self.options.max_queue_depth.max(self.options.max_aq_depth));
        Config {
            home,
            homes: self.homes.len(),
            core: home,
            transport: self.view.clone(),
            channel_depth: depth * limits::BUSY_QUEUES,
        }
    }

    fn port_options(&self) -> Options {
        Options {
            depth: self.options.max_queue_depth.max(self.options.max_aq_depth),
            in_capsule_data_size: self.options.in_capsule_data_size,
            c2h_success: self.options.c2h_success,
        }
    }
}

impl Transport for TcpTransport {
    fn view(&self) -> &TransportView {
        &self.view
    }

    fn options(&self) -> &TransportOptions {
        &self.options
    }

    fn homes(&self) -> &[Sender<Message>] {
        &self.homes
    }

    fn listen(&self, listener: &ListenerView) -> Result<(), String> {
        let address = address(listener)?;
        let socket = os::listen(address, self.options.acceptor_backlog).map_err(|error| {
            format!("cannot listen on {address}: {error} (is another target there? 'ss -ltnp' names it)")
        })?;
        let priority = (self.options.sock_priority > 0).then_some(self.options.sock_priority);
        let (id, doors) = (listener.id, self.doors.clone());
        let poller = self.cores[0]
            .call(move |reactor| reactor.add(Box::new(ListenPoller::new(id, socket, doors, priority))))
            .map_err(|error| format!("cannot listen on {address}: {error}"))?;
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(id, poller);
        Ok(())
    }

    fn unlisten(&self, id: u32) -> Result<(), String> {
        let Some(poller) = self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) else {
            return Ok(());
        };
        self.cores[0].call(move |reactor| drop(reactor.remove(poller))).map_err(|error| error.to_string())
    }

    fn stats(&self) -> Vec<PollGroup> {
        let group = |home: usize| {
            let (counters, queues) = &self.counters[home];
            let (taken, over) = (counters.commands.get(), counters.completions.get());
            PollGroup {
                name: format!("reactor_{}", self.cores[home].core().unwrap_or(home)),
                admin_qpairs: queues.admin.get(),
                io_qpairs: queues.io.get(),
                current_admin_qpairs: queues.current_admin.get(),
                current_io_qpairs: queues.current_io.get(),
                current_unassociated_qpairs: queues.current_unassociated.get(),
                pending_bdev_io: taken.saturating_sub(over),
                completed_nvme_io: over,
                ..PollGroup::default()
            }
        };
        (0..self.homes.len()).map(group).collect()
    }

    fn stop(&self) {
        let listeners = std::mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        for poller in listeners.into_values() {
            let _ = self.cores[0].call(move |reactor| drop(reactor.remove(poller)));
        }
        for (core, poller) in self.cores.iter().zip(&self.pollers) {
            let poller = *poller;
            let _ = core.call(move |reactor| drop(reactor.remove(poller)));
        }
        self.doors.iter().for_each(|door| door.load.store(0, Relaxed));
    }
}

fn address(listener: &ListenerView) -> Result<SocketAddr, String> {
    let ip: IpAddr = listener.traddr.parse().map_err(|_| format!("'{}' is no IP address", listener.traddr))?;
    let port: u16 = listener.trsvcid.parse().map_err(|_| format!("'{}' is no port number", listener.trsvcid))?;
    Ok(SocketAddr::new(ip, port))
}
