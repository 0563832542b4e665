//! The control side: makes the cores' parts, and serves the Fibre Channel ports that are listened on.
//!
//! A listener names a port of this process that may not be there yet: an adapter comes up, a software port is created. So
//! [`FcTransport::listen`] takes any name; if there is no such port it says so in the log, and serves the port as soon as it
//! is there. A port that goes takes its hosts along, and the listener waits again.

use crate::notes::{Done, Mail, Note};
use crate::poller::CorePoller;
use crate::{FcNvmePort, Options, limits};
use app::App;
use dma::{Class, Pool};
use exchange::Counters;
use fc::{Change, Fc4, Names, Ports, Queue, Service, Wake};
use nvmf::{Config, Core, ListenerView, Message, PollGroup, QueueCounters, Transport, TransportOptions, TransportView};
use reactor::{Handle, PollerId};
use ring::{Full, Sender};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Messages of the command set that may wait for a core.
const MESSAGES: usize = 1024;

/// FC-NVMe on all cores of the process.
pub struct FcTransport {
    options: TransportOptions,
    view: TransportView,
    cores: Arc<[Handle]>,
    homes: Vec<Sender<Message>>,
    counters: Vec<(Arc<Counters>, Arc<QueueCounters>)>,
    pollers: Vec<PollerId>,
    service: Arc<FcService>,
}

/// What serves ports; watched ports lead here.
struct FcService {
    ports: Arc<Ports>,
    wakers: Vec<Wake>,
    mail: Vec<Sender<Note>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    listeners: BTreeMap<u32, Listening>,
    /// Places of ports, the same on all cores; whether one is in use.
    lanes: Vec<bool>,
    /// Ports that are being left.
    leaving: Vec<JoinHandle<()>>,
    stopped: bool,
}

struct Listening {
    names: Names,
    /// The port, and its place on the cores, once it is there.
    serving: Option<(Arc<dyn fc::Port>, usize)>,
}

/// Bytes of I/O memory that FC-NVMe takes on each core.
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
        Class { size: options.max_io_size.max(8192), count: (depth * 3).div_ceil(4) },
    ]
}

/// Starts FC-NVMe on all cores.
///
/// # Errors
/// A sentence for the operator: no memory, no descriptors, more cores than connection identifiers can name.
pub fn create(options: &TransportOptions, app: &App, ports: &Arc<Ports>) -> Result<Arc<dyn Transport>, String> {
    let count = app.cores.len();
    if count > 256 {
        return Err(format!("{count} cores: a connection identifier can name 256"));
    }
    let (mut homes, mut mail, mut inboxes) = (Vec::new(), Vec::new(), Vec::new());
    for core in app.cores.iter() {
        let (waker, other) = (core.waker(), core.waker());
        let (home, messages) = ring::mailbox(MESSAGES, move || waker.wake());
        let (note, notes) = ring::mailbox(limits::NOTES, move || other.wake());
        homes.push(home);
        mail.push(note);
        inboxes.push((messages, notes));
    }
    let wake = |core: &Handle| -> Wake {
        let waker = core.waker();
        Arc::new(move || waker.wake())
    };
    let wakers = app.cores.iter().map(wake).collect();
    let service = FcService { ports: ports.clone(), wakers, mail: mail.clone(), state: Mutex::default() };
    let mut transport = FcTransport {
        options: options.clone(),
        view: options.view(),
        cores: app.cores.clone(),
        homes,
        counters: Vec::new(),
        pollers: Vec::new(),
        service: Arc::new(service),
    };
    let secret = [RandomState::new().hash_one(0), RandomState::new().hash_one(1)];
    for (home, (messages, notes)) in inboxes.into_iter().enumerate() {
        let pool = Pool::new(&app.arena, &classes(options)).map_err(|error| error.to_string())?;
        let (config, senders) = (transport.config(home), transport.homes.clone());
        let (port, mail) = (port_options(options, secret), Mail::new(home, notes, mail.clone()));
        let started = app.cores[home].call(move |reactor| {
            let core = Core::new(config, FcNvmePort::new(port, mail), pool, messages, senders);
            let counters = (core.counters(), core.queue_counters());
            let poller = CorePoller::new(core).map_err(|error| error.to_string())?;
            Ok::<_, String>((reactor.add(Box::new(poller)), counters))
        });
        let (poller, counters) = started.map_err(|error| format!("core {home}: {error}"))??;
        transport.pollers.push(poller);
        transport.counters.push(counters);
    }
    watch(&transport.service);
    Ok(Arc::new(transport))
}

/// What one core's port has to know of the transport's options.
pub fn port_options(options: &TransportOptions, secret: [u64; 2]) -> Options {
    Options {
        admin_entries: options.max_aq_depth.into(),
        io_entries: options.max_queue_depth.into(),
        io_queues: options.max_io_qpairs_per_ctrlr,
        secret,
    }
}

fn watch(service: &Arc<FcService>) {
    let service_of: Weak<FcService> = Arc::downgrade(service);
    service.ports.watch(move |change| {
        let Some(service) = service_of.upgrade() else { return };
        match change {
            Change::Added(port) => service.appeared(port),
            Change::Removed(port) => service.disappears(port),
        }
    });
}

impl FcTransport {
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
}

impl Transport for FcTransport {
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
        self.service.listen(listener)
    }

    fn unlisten(&self, id: u32) -> Result<(), String> {
        self.service.unlisten(id);
        Ok(())
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
        self.service.stop();
        for (core, poller) in self.cores.iter().zip(&self.pollers) {
            let poller = *poller;
            let _ = core.call(move |reactor| drop(reactor.remove(poller)));
        }
    }
}

impl FcService {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, listener: &ListenerView) -> Result<(), String> {
        let names: Names = listener.traddr.parse().map_err(|error: fc::ParseNamesError| error.to_string())?;
        // It may be the port that was given up a moment ago.
        self.await_leavers();
        let serving = match self.ports.find(names.port) {
            Some(port) => Some(self.serve(&port, names, listener.id)?),
            None => {
                log::info!(target: "nvmf_fc", "{names}: there is no such port yet; it is served when it is there");
                None
            }
        };
        self.state().listeners.insert(listener.id, Listening { names, serving });
        Ok(())
    }

    /// Offers NVMe on a port, and gives its queues to the cores.
    fn serve(
        &self,
        port: &Arc<dyn fc::Port>,
        names: Names,
        listener: u32,
    ) -> Result<(Arc<dyn fc::Port>, usize), String> {
        if port.names() != names {
            return Err(format!("the port of that port name is {}", port.names()));
        }
        if !port.serves().contains(&Fc4::Nvme) {
            return Err(format!("port {names} does not serve NVMe ([QFC] Transport)"));
        }
        let queues = port.attach(Service { fc4: Fc4::Nvme, discovery: true }, self.wakers.clone())?;
        let lane = self.take_lane();
        for (home, queue) in self.mail.iter().zip(queues) {
            adopt(home, lane, listener, queue)?;
        }
        Ok((port.clone(), lane))
    }

    fn take_lane(&self) -> usize {
        let lanes = &mut self.state().lanes;
        let lane = lanes.iter().position(|used| !used).unwrap_or_else(|| {
            lanes.push(false);
            lanes.len() - 1
        });
        lanes[lane] = true;
        lane
    }

    /// A port is there: serves it if it is listened on.
    fn appeared(&self, port: &Arc<dyn fc::Port>) {
        let waiting = |listening: &Listening| listening.serving.is_none() && listening.names.port == port.names().port;
        let found = {
            let state = self.state();
            let found = state.listeners.iter().find(|(_, known)| waiting(known));
            found.map(|(id, known)| (*id, known.names))
        };
        let Some((id, names)) = found else { return };
        match self.serve(port, names, id) {
            Ok(serving) => {
                log::info!(target: "nvmf_fc", "{names}: the port is there, and served now");
                if let Some(listening) = self.state().listeners.get_mut(&id) {
                    listening.serving = Some(serving);
                }
            }
            Err(why) => log::error!(target: "nvmf_fc", "{names} is listened on and cannot be served: {why}"),
        }
    }

    /// A port goes: its hosts are told, as far as they listen; when this returns nothing is served on it.
    fn disappears(&self, port: &Arc<dyn fc::Port>) {
        let taken: Vec<_> = {
            let mut state = self.state();
            let of_it = |listening: &Listening| listening.names.port == port.names().port;
            state.listeners.values_mut().filter(|known| of_it(known)).filter_map(|known| known.serving.take()).collect()
        };
        for (port, lane) in taken {
            if let Some(gone) = self.leave(lane, true) {
                let _ = gone.recv_timeout(limits::LEAVE);
                std::thread::sleep(limits::LAST_WORDS);
            }
            self.give_up(&port, lane);
        }
    }

    /// Stops accepting. The port is given up when its last association is gone: who removes a listener ends those next.
    fn unlisten(self: &Arc<Self>, id: u32) {
        let Some(Listening { names, serving }) = self.state().listeners.remove(&id) else { return };
        let Some((port, lane)) = serving else { return };
        let Some(gone) = self.leave(lane, false) else { return self.give_up(&port, lane) };
        let service = self.clone();
        let wait = move || {
            while let Err(RecvTimeoutError::Timeout) = gone.recv_timeout(limits::LOOK)
                && !service.state().stopped
            {}
            std::thread::sleep(limits::LAST_WORDS);
            service.give_up(&port, lane);
        };
        match std::thread::Builder::new().name("nvmf_fc_leave".into()).spawn(wait) {
            Ok(thread) => self.state().leaving.push(thread),
            Err(error) => log::error!(target: "nvmf_fc", "{names}: it stays attached: {error}"),
        }
    }

    /// No more associations on a port. Says when the last is gone.
    fn leave(&self, lane: usize, end: bool) -> Option<Receiver<()>> {
        let (done, gone) = sync_channel(1);
        post(&self.mail[0], Note::Leave { lane, end, done }).then_some(gone)
    }

    /// Ends the service on a port, and waits until all cores have let go of it.
    fn give_up(&self, port: &Arc<dyn fc::Port>, lane: usize) {
        port.detach(Fc4::Nvme);
        let until = Instant::now() + limits::RETIRE;
        let retire = |home: &Sender<Note>| {
            let (done, gone): (Done, _) = sync_channel(1);
            post(home, Note::Retire { lane, done }).then_some(gone)
        };
        let asked: Vec<Option<Receiver<()>>> = self.mail.iter().map(retire).collect();
        let left = |gone: Receiver<()>| gone.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok();
        // All are waited for, also behind one that did not answer.
        let silent = asked.into_iter().map(|gone| gone.is_some_and(left)).filter(|left| !left).count();
        if silent == 0 {
            self.state().lanes[lane] = false;
        } else {
            log::warn!(target: "nvmf_fc", "{}: not all cores have let go of it", port.names());
        }
    }

    /// Waits for ports that are being left, but not for ever: hosts may be slow to go.
    fn await_leavers(&self) {
        let until = Instant::now() + limits::LEAVE;
        loop {
            {
                let leaving = &mut self.state().leaving;
                leaving.retain(|thread| !thread.is_finished());
                if leaving.is_empty() || Instant::now() >= until {
                    return;
                }
            }
            std::thread::sleep(limits::RETRY);
        }
    }

    /// Gives up all ports. The hosts are gone by now, or will not go.
    fn stop(&self) {
        let (listeners, leaving) = {
            let mut state = self.state();
            state.stopped = true;
            (std::mem::take(&mut state.listeners), std::mem::take(&mut state.leaving))
        };
        for (port, lane) in listeners.into_values().filter_map(|listening| listening.serving) {
            let _ = self.leave(lane, true);
            self.give_up(&port, lane);
        }
        leaving.into_iter().for_each(|thread| drop(thread.join()));
    }
}

fn adopt(home: &Sender<Note>, lane: usize, listener: u32, queue: Box<dyn Queue>) -> Result<(), String> {
    let posted = post(home, Note::Adopt { lane, listener, queue });
    if posted { Ok(()) } else { Err("a core does not take messages".to_owned()) }
}

/// Puts a note into a mailbox, waiting a while for room.
fn post(home: &Sender<Note>, mut note: Note) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while let Err(Full(back)) = home.send(note) {
        if Instant::now() >= until {
            return false;
        }
        note = back;
        std::thread::sleep(limits::RETRY);
    }
    true
}
