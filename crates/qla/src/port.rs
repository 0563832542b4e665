//! A port of the adapter as the control plane sees it: orders to the adapter's core, and the state that it shows.

use crate::board::{AdapterInfo, Board};
use crate::lane::{LaneConfig, LaneEnd, lane};
use dma::Arena;
use fc::{Fc4, Names, Port, PortState, PortStatus, Queue, Service, Wake, send_patiently, wait_a_moment};
use ring::{Mailbox, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::fc::Wwn;

/// Orders that wait for the adapter at most.
const ORDERS: usize = 64;
/// What the control plane wants of the adapter. A port is named by its virtual port index; 0 is the physical port.
pub(crate) enum Control {
    /// Serve this on these lanes.
    Attach { vp: u8, service: Service, lanes: Vec<LaneEnd> },
    /// Serve it no longer.
    Detach { vp: u8, fc4: Fc4 },
    /// Take a port up or down.
    SetUp { vp: u8, up: bool },
    /// Here is a new virtual port.
    Add { vp: u8, names: Names, board: Arc<Board> },
    /// A virtual port goes.
    Remove { vp: u8 },
    /// Show the present state of all ports.
    Show,
    /// Reset the chip and begin again.
    Reset,
}

/// Numbers that are given out and come back; 0 is never one of them.
pub(crate) struct Numbers(Mutex<[bool; 256]>);

impl Numbers {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new([false; 256])))
    }

    fn taken(&self) -> MutexGuard<'_, [bool; 256]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lowest that is free, up to `most`.
    pub fn take(&self, most: u8) -> Option<u8> {
        let mut taken = self.taken();
        let number = (1..=most).find(|number| !taken[usize::from(*number)])?;
        taken[usize::from(number)] = true;
        Some(number)
    }

    pub fn give(&self, number: u8) {
        self.taken()[usize::from(number)] = false;
    }
}

type Queues = Vec<Box<dyn Queue>>;

/// What all ports of an adapter have in common.
pub(crate) struct Common {
    pub orders: Sender<Control>,
    pub wake: Wake,
    pub arena: Arc<Arena>,
    pub places: usize,
    pub serves: Vec<Fc4>,
    pub lanes: Arc<Numbers>,
    pub vports: Arc<Numbers>,
    pub most_vports: u8,
}

/// A port of an adapter: the physical one, or a virtual one (NPIV) on it.
pub struct QlaPort {
    vp: u8,
    parent: Option<Arc<QlaPort>>,
    common: Arc<Common>,
    board: Arc<Board>,
    attached: Mutex<Vec<Fc4>>,
}

/// The mailbox of an adapter's orders.
pub(crate) fn orders(wake: Wake) -> (Sender<Control>, Mailbox<Control>) {
    ring::mailbox(ORDERS, move || wake())
}

impl QlaPort {
    pub(crate) fn physical(common: Arc<Common>, board: Arc<Board>) -> Arc<Self> {
        Arc::new(Self { vp: 0, parent: None, common, board, attached: Mutex::new(Vec::new()) })
    }

    /// Whether its names are known: from the settings at once, else as soon as the adapter's NVRAM was read. Before that, [`Port::names`]
    /// are zeroes.
    pub fn is_known(&self) -> bool {
        self.board.names().port.0 != 0
    }

    /// Makes a virtual port on this one (NPIV). It logs in as soon as this one is online with a fabric.
    ///
    /// # Errors
    /// A sentence: this is a virtual port itself, there are as many as there may be, the adapter does not take orders.
    pub fn add_vport(self: &Arc<Self>, names: Names) -> Result<Arc<QlaPort>, String> {
        if self.parent.is_some() {
            return Err(format!("{} is a virtual port itself", self.names()));
        }
        let vp = self.common.vports.take(self.common.most_vports);
        let vp = vp.ok_or_else(|| format!("port {} has all the virtual ports that it may have", self.names()))?;
        let status = self.board.status().clone();
        let board = Arc::new(Board::new(status.link, status.max_payload, names));
        if let Err(reason) = self.order(Control::Add { vp, names, board: board.clone() }) {
            self.common.vports.give(vp);
            return Err(reason);
        }
        let (common, attached) = (self.common.clone(), Mutex::new(Vec::new()));
        Ok(Arc::new(QlaPort { vp, parent: Some(self.clone()), common, board, attached }))
    }

    /// Takes a virtual port away: it is logged out. Waits a moment until that is done; `false` when it was not done by then.
    pub fn remove(&self) -> bool {
        let ordered = self.parent.is_some() && self.order(Control::Remove { vp: self.vp }).is_ok();
        ordered && self.wait(|port| port.board.is_closed())
    }

    /// Resets the adapter: all sessions of all its ports go down, and peers log in again (`fc_port_reset`).
    ///
    /// # Errors
    /// A sentence: the adapter does not take orders.
    pub fn reset(&self) -> Result<(), String> {
        self.order(Control::Reset)
    }

    /// The adapter behind the port, as it was shown last.
    pub fn adapter(&self) -> AdapterInfo {
        match &self.parent {
            Some(parent) => parent.adapter(),
            None => self.board.info().clone(),
        }
    }

    /// The state that was shown last. [`Port::status`] asks for the present one and waits.
    pub fn shown(&self) -> PortStatus {
        self.board.status().clone()
    }

    /// Waits a moment for a state. `false` when it did not come.
    pub fn reaches(&self, state: PortState) -> bool {
        self.wait(|port| port.board.status().state == state)
    }

    fn wait(&self, until: impl Fn(&Self) -> bool) -> bool {
        wait_a_moment(|| until(self))
    }

    /// Puts an order into the adapter's mailbox, waiting a moment for room.
    fn order(&self, order: Control) -> Result<(), String> {
        send_patiently(&self.common.orders, order)
            .map_err(|_| format!("the core of port {} does not take orders", self.names()))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<Fc4>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lanes(&self, fc4: Fc4, wakers: Vec<Wake>) -> Result<(Vec<LaneEnd>, Queues), String> {
        let (mut ends, mut queues) = (Vec::new(), Vec::new());
        for to_queue in wakers {
            match self.lane(fc4, to_queue) {
                Ok((end, queue)) => {
                    ends.push(end);
                    queues.push(queue);
                }
                Err(reason) => {
                    ends.iter().for_each(|end| self.common.lanes.give(end.number()));
                    return Err(reason);
                }
            }
        }
        Ok((ends, queues))
    }

    fn lane(&self, fc4: Fc4, to_queue: Wake) -> Result<(LaneEnd, Box<dyn Queue>), String> {
        let common = &self.common;
        let number = common.lanes.take(u8::MAX).ok_or("an adapter has at most 255 queues")?;
        let (to_home, arena) = (common.wake.clone(), common.arena.clone());
        let config = LaneConfig { number, fc4, places: common.places, arena, to_queue, to_home };
        let made = lane(config).map_err(|error| {
            common.lanes.give(number);
            format!("no memory for a queue: {error}")
        })?;
        Ok((made.0, Box::new(made.1)))
    }
}

impl Port for QlaPort {
    fn names(&self) -> Names {
        self.board.names()
    }

    fn driver(&self) -> &'static str {
        "qla"
    }

    fn parent(&self) -> Option<Wwn> {
        self.parent.as_ref().map(|parent| parent.names().port)
    }

    fn serves(&self) -> &[Fc4] {
        &self.common.serves
    }

    /// As the adapter shows it when asked now; when its core does not look soon, as it was shown last.
    fn status(&self) -> PortStatus {
        let before = self.board.written();
        if self.order(Control::Show).is_ok() {
            self.wait(|port| port.board.written() != before);
        }
        self.shown()
    }

    fn attach(&self, service: Service, wakers: Vec<Wake>) -> Result<Vec<Box<dyn Queue>>, String> {
        let fc4 = service.fc4;
        if wakers.is_empty() || !self.common.serves.contains(&fc4) {
            return Err(format!("port {} does not serve {fc4:?}", self.names()));
        }
        let mut attached = self.attached();
        if attached.contains(&fc4) {
            return Err(format!("{fc4:?} is served on port {} already", self.names()));
        }
        let (lanes, queues) = self.lanes(fc4, wakers)?;
        let numbers: Vec<u8> = lanes.iter().map(LaneEnd::number).collect();
        if let Err(reason) = self.order(Control::Attach { vp: self.vp, service, lanes }) {
            numbers.into_iter().for_each(|number| self.common.lanes.give(number));
            return Err(reason);
        }
        attached.push(fc4);
        Ok(queues)
    }

    fn detach(&self, fc4: Fc4) {
        let mut attached = self.attached();
        if attached.contains(&fc4) {
            match self.order(Control::Detach { vp: self.vp, fc4 }) {
                Ok(()) => attached.retain(|other| *other != fc4),
                Err(reason) => log::error!("{reason}: {fc4:?} stays attached"),
            }
        }
    }

    fn set_up(&self, up: bool) {
        if let Err(reason) = self.order(Control::SetUp { vp: self.vp, up }) {
            log::error!("{reason}: it is not taken {}", if up { "up" } else { "down" });
        }
    }
}
