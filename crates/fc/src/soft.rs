//! A port in software, as the control plane sees it: orders to the node's core, and the state that the node shows.

use crate::lane::{LaneEnd, lane};
use crate::node::PortKey;
use crate::patience::{send_patiently, wait_a_moment};
use crate::{Fc4, Names, Port, PortState, PortStatus, Queue, Service, Wake};
use ring::{Mailbox, Sender};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::fc::Wwn;

/// Orders that wait for the node at most.
const ORDERS: usize = 64;

/// What the control plane wants of a node.
pub(crate) enum Control {
    /// Serve this on these lanes.
    Attach { port: PortKey, service: Service, lanes: Vec<LaneEnd> },
    /// Serve it no longer.
    Detach { port: PortKey, fc4: Fc4 },
    /// Take a port up or down.
    SetUp { port: PortKey, up: bool },
    /// Here is a new virtual port.
    Add { port: PortKey, names: Names, board: Arc<Board> },
    /// A virtual port goes.
    Remove { port: PortKey },
    /// Show the present state of all ports.
    Show,
}

/// What a node shows of one of its ports.
pub(crate) struct Board {
    status: Mutex<PortStatus>,
    /// Counts how often it was written.
    written: AtomicU64,
    /// The node has dropped the port.
    gone: AtomicBool,
}

impl Board {
    fn new(link: String, max_payload: u16) -> Arc<Self> {
        let status = PortStatus {
            state: PortState::LinkDown,
            reason: None,
            port_id: 0,
            topology: None,
            fabric: None,
            link,
            max_payload,
            sessions: Vec::new(),
            counters: Vec::new(),
        };
        Arc::new(Self { status: Mutex::new(status), written: AtomicU64::new(0), gone: AtomicBool::new(false) })
    }

    fn lock(&self) -> MutexGuard<'_, PortStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a new state. Called on the node's core when something of the control path changed, never for commands.
    pub fn write(&self, status: PortStatus) {
        *self.lock() = status;
        self.written.fetch_add(1, Ordering::Release);
    }

    /// Says that the port is no more.
    pub fn close(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// What all ports of a node have in common.
struct Common {
    orders: Sender<Control>,
    wake: Wake,
    places: usize,
    serves: Vec<Fc4>,
    /// The next port's key.
    keys: AtomicU32,
}

/// A port in software: physical, or virtual (NPIV) on another.
pub struct SoftPort {
    key: PortKey,
    names: Names,
    parent: Option<Wwn>,
    common: Arc<Common>,
    board: Arc<Board>,
    /// Which services are attached.
    attached: Mutex<Vec<Fc4>>,
}

impl SoftPort {
    /// The physical port of a node with room for `places` exchanges, and what the node needs of it.
    pub(crate) fn physical(
        names: Names,
        serves: Vec<Fc4>,
        places: usize,
        link: (String, u16),
        wake: Wake,
    ) -> (Arc<Self>, Mailbox<Control>, Arc<Board>) {
        let woken = wake.clone();
        let (orders, mailbox) = ring::mailbox(ORDERS, move || woken());
        let board = Board::new(link.0, link.1);
        let common = Arc::new(Common { orders, wake, places, serves, keys: AtomicU32::new(1) });
        let attached = Mutex::new(Vec::new());
        let port = Self { key: PortKey::PHYSICAL, names, parent: None, common, board: board.clone(), attached };
        (Arc::new(port), mailbox, board)
    }

    /// Which of its node's ports it is.
    pub fn key(&self) -> PortKey {
        self.key
    }

    /// Makes a virtual port on this one (NPIV). It logs in as soon as this one is online.
    ///
    /// # Errors
    /// A sentence: the node does not take orders.
    pub fn add_vport(&self, names: Names) -> Result<Arc<SoftPort>, String> {
        let status = self.board.lock().clone();
        let board = Board::new(status.link, status.max_payload);
        let key = PortKey(self.common.keys.fetch_add(1, Ordering::Relaxed));
        self.order(Control::Add { port: key, names, board: board.clone() })?;
        let (common, attached) = (self.common.clone(), Mutex::new(Vec::new()));
        Ok(Arc::new(SoftPort { key, names, parent: Some(self.names.port), common, board, attached }))
    }

    /// Takes a virtual port away: it is logged out. Waits a moment until that is done; `false` when it was not done by then.
    pub fn remove(&self) -> bool {
        let ordered = self.parent.is_some() && self.order(Control::Remove { port: self.key }).is_ok();
        ordered && self.wait(|port| port.board.gone.load(Ordering::Acquire))
    }

    /// The state that the node showed last. What changed since then on the control path is in it after the node's next poll;
    /// counters and open exchanges are those of the last change. [`Port::status`] asks for the present ones and waits.
    pub fn shown(&self) -> PortStatus {
        self.board.lock().clone()
    }

    /// Waits a moment for a state. `false` when it did not come.
    pub fn reaches(&self, state: PortState) -> bool {
        self.wait(|port| port.board.lock().state == state)
    }

    fn wait(&self, until: impl Fn(&Self) -> bool) -> bool {
        wait_a_moment(|| until(self))
    }

    /// Puts an order into the node's mailbox, waiting a moment for room.
    fn order(&self, order: Control) -> Result<(), String> {
        send_patiently(&self.common.orders, order)
            .map_err(|_| format!("the core of port {} does not take orders", self.names))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<Fc4>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Port for SoftPort {
    fn names(&self) -> Names {
        self.names
    }

    fn driver(&self) -> &'static str {
        "soft"
    }

    fn parent(&self) -> Option<Wwn> {
        self.parent
    }

    fn serves(&self) -> &[Fc4] {
        &self.common.serves
    }

    /// As the node shows it when asked now; when its core does not look soon, as it was shown last.
    fn status(&self) -> PortStatus {
        let before = self.board.written.load(Ordering::Acquire);
        if self.order(Control::Show).is_ok() {
            self.wait(|port| port.board.written.load(Ordering::Acquire) != before);
        }
        self.board.lock().clone()
    }

    fn attach(&self, service: Service, wakers: Vec<Wake>) -> Result<Vec<Box<dyn Queue>>, String> {
        let fc4 = service.fc4;
        if wakers.is_empty() || !self.common.serves.contains(&fc4) {
            return Err(format!("port {} does not serve {fc4:?}", self.names));
        }
        let mut attached = self.attached();
        if attached.contains(&fc4) {
            return Err(format!("{fc4:?} is served on port {} already", self.names));
        }
        let lanes = wakers.into_iter().map(|waker| lane(self.common.places, waker, self.common.wake.clone()));
        let (ends, lanes): (Vec<_>, Vec<_>) = lanes.unzip();
        self.order(Control::Attach { port: self.key, service, lanes: ends })?;
        attached.push(fc4);
        Ok(lanes.into_iter().map(|lane| Box::new(lane) as Box<dyn Queue>).collect())
    }

    fn detach(&self, fc4: Fc4) {
        let mut attached = self.attached();
        if attached.contains(&fc4) {
            match self.order(Control::Detach { port: self.key, fc4 }) {
                Ok(()) => attached.retain(|other| *other != fc4),
                Err(reason) => log::error!("{reason}: {fc4:?} stays attached"),
            }
        }
    }

    fn set_up(&self, up: bool) {
        if let Err(reason) = self.order(Control::SetUp { port: self.key, up }) {
            log::error!("{reason}: it is not taken {}", if up { "up" } else { "down" });
        }
    }
}
