//! The control side of FCP: makes the cores' parts, and serves on the FC ports that portal groups name.

use crate::limits;
use crate::poller::{CorePoller, Order};
use crate::port::{FcpPort, NewLane};
use app::App;
use dma::Pool;
use fc::{Change, Fc4, Ports, Service};
use reactor::{Handle, PollerId};
use ring::{Full, Sender};
use scsi::control::Transport;
use scsi::{Config, Core, Device, Message, PortName, PortView};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// What people call it.
pub const NAME: &str = "FCP";

/// How often a full inbox is tried again.
const RETRY: Duration = Duration::from_millis(1);

/// Bytes of I/O memory that FCP takes on each core.
pub fn memory() -> u64 {
    Pool::bytes(&limits::classes()) as u64
}

/// An FC port that is served.
struct Served {
    port: Wwn,
    /// Number of its lanes.
    number: u32,
}

/// Which ports are wanted and which are served.
#[derive(Default)]
struct Offers {
    wanted: Vec<PortView>,
    served: Vec<Served>,
    next_number: u32,
    stopped: bool,
}

/// FCP on all cores of the process.
pub struct FcpTransport {
    cores: Arc<[Handle]>,
    homes: Vec<Sender<Message>>,
    orders: Vec<Sender<Order>>,
    pollers: Vec<PollerId>,
    ports: Arc<Ports>,
    offers: Mutex<Offers>,
}

/// Starts FCP on all cores.
///
/// # Errors
/// A sentence for the operator: no memory, no descriptors, a core that does not answer.
pub fn create(app: &App, ports: &Arc<Ports>, device: &Arc<Device>) -> Result<Arc<FcpTransport>, String> {
    let (mut homes, mut orders, mut inboxes) = (Vec::new(), Vec::new(), Vec::new());
    for core in app.cores.iter() {
        let (for_messages, for_orders) = (core.waker(), core.waker());
        let (home, messages) = ring::mailbox(limits::MESSAGES, move || for_messages.wake());
        let (order, ordered) = ring::mailbox(limits::ORDERS, move || for_orders.wake());
        homes.push(home);
        orders.push(order);
        inboxes.push((messages, ordered));
    }
    let mut pollers = Vec::new();
    for (home, (messages, ordered)) in inboxes.into_iter().enumerate() {
        let pool = Pool::new(&app.arena, &limits::classes()).map_err(|error| error.to_string())?;
        let config = config(home, device.clone());
        let started = app.cores[home].call(move |reactor| {
            let core = Core::new(config, FcpPort::new(limits::COMMANDS), pool, messages);
            let poller = CorePoller::new(core, ordered).map_err(|error| error.to_string())?;
            Ok::<_, String>(reactor.add(Box::new(poller)))
        });
        pollers.push(started.map_err(|error| format!("core {home}: {error}"))??);
    }
    let cores = app.cores.clone();
    let transport =
        Arc::new(FcpTransport { cores, homes, orders, pollers, ports: ports.clone(), offers: Mutex::default() });
    watch(&transport, ports);
    Ok(transport)
}

fn config(core: usize, device: Arc<Device>) -> Config {
    Config { core, max_transfer: limits::MAX_TRANSFER, channel_depth: limits::CHANNEL_DEPTH, device }
}

/// Ports that come are served if they are wanted; ports that go are given up first.
fn watch(transport: &Arc<FcpTransport>, ports: &Arc<Ports>) {
    let weak = Arc::downgrade(transport);
    ports.watch(move |change| {
        let Some(transport) = weak.upgrade() else { return };
        let mut offers = transport.offers();
        match change {
            Change::Added(port) => {
                if let Err(why) = transport.serve(&mut offers, port.names().port) {
                    log::error!("{why}");
                }
            }
            Change::Removed(port) => transport.give_up(&mut offers, port.names().port),
        }
    });
}

impl FcpTransport {
    fn offers(&self) -> MutexGuard<'_, Offers> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The port names that are served.
    pub fn served(&self) -> Vec<Wwn> {
        self.offers().served.iter().map(|served| served.port).collect()
    }

    /// Serves a port if it is wanted, there, and serves FCP.
    fn serve(&self, offers: &mut Offers, name: Wwn) -> Result<(), String> {
        let wanted = offers.wanted.iter().find(|view| wwpn(view) == name).copied();
        let known = offers.stopped || offers.served.iter().any(|served| served.port == name);
        let (Some(view), false, Some(port)) = (wanted, known, self.ports.find(name)) else { return Ok(()) };
        if !port.serves().contains(&Fc4::Fcp) {
            log::warn!("FC port {} does not serve FCP: portal groups that name it have no effect", port.names());
            return Ok(());
        }
        let service = Service { fc4: Fc4::Fcp, discovery: false };
        // A port's first session is its first queue's: that is another core for each port.
        let homes: Vec<usize> =
            (0..self.cores.len()).map(|n| (n + offers.next_number as usize) % self.cores.len()).collect();
        let wakers = homes.iter().map(|home| {
            let waker = self.cores[*home].waker();
            Arc::new(move || waker.wake()) as Arc<dyn Fn() + Send + Sync>
        });
        let queues =
            port.attach(service, wakers.collect()).map_err(|why| format!("FC port {}: {why}", port.names()))?;
        offers.next_number += 1;
        let number = offers.next_number;
        offers.served.push(Served { port: name, number });
        for (home, queue) in homes.into_iter().zip(queues) {
            if !post(&self.orders[home], Order::Adopt(NewLane { number, queue, port: view })) {
                return Err(format!("FC port {}: core {home} does not take its queue", port.names()));
            }
        }
        Ok(())
    }

    /// Serves a port no more: its sessions go down, then the cores give its lanes back.
    fn give_up(&self, offers: &mut Offers, name: Wwn) {
        let Some(at) = offers.served.iter().position(|served| served.port == name) else { return };
        let served = offers.served.remove(at);
        if let Some(port) = self.ports.find(name) {
            port.detach(Fc4::Fcp);
        }
        let (done, given) = sync_channel(self.orders.len());
        let asked = |order: &&Sender<Order>| post(order, Order::Release { number: served.number, done: done.clone() });
        let asked = self.orders.iter().filter(asked).count();
        let until = Instant::now() + limits::RELEASE;
        for _ in 0..asked {
            if given.recv_timeout(until.saturating_duration_since(Instant::now())).is_err() {
                return log::warn!("FC port {name}: not all commands ended within {} s", limits::RELEASE.as_secs());
            }
        }
    }
}

fn post(sender: &Sender<Order>, order: Order) -> bool {
    let until = Instant::now() + limits::RELEASE;
    let mut order = order;
    while let Err(Full(back)) = sender.send(order) {
        if Instant::now() >= until {
            return false;
        }
        order = back;
        std::thread::sleep(RETRY);
    }
    true
}

fn wwpn(view: &PortView) -> Wwn {
    match view.name {
        PortName::Fc { wwpn, .. } => Wwn(wwpn),
        // Those of other transports are left out where ports come in.
        _ => Wwn(0),
    }
}

impl Transport for FcpTransport {
    fn name(&self) -> &'static str {
        NAME
    }

    fn homes(&self) -> &[Sender<Message>] {
        &self.homes
    }

    fn offer(&self, ports: &[PortView]) -> Result<(), String> {
        let mut offers = self.offers();
        let own = ports.iter().filter(|view| matches!(view.name, PortName::Fc { .. }));
        let ports: Vec<PortView> = own.copied().collect();
        offers.wanted = ports.clone();
        let unwanted: Vec<Wwn> = offers.served.iter().map(|served| served.port).collect();
        for name in unwanted.into_iter().filter(|name| !ports.iter().any(|view| wwpn(view) == *name)) {
            self.give_up(&mut offers, name);
        }
        let failed: Vec<String> = ports.iter().filter_map(|view| self.serve(&mut offers, wwpn(view)).err()).collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }

    fn stop(&self) {
        let mut offers = self.offers();
        offers.stopped = true;
        let served: Vec<Wwn> = offers.served.iter().map(|served| served.port).collect();
        served.into_iter().for_each(|name| self.give_up(&mut offers, name));
        for (core, poller) in self.cores.iter().zip(&self.pollers) {
            let poller = *poller;
            let _ = core.call(move |reactor| drop(reactor.remove(poller)));
        }
    }
}
