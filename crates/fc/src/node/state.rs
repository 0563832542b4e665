//! What a node has besides its link: one owner of all tables, so that ports, exchanges and lanes can be told of each other.

use super::lanes::Lanes;
use super::requests::Pending;
use super::sessions::Sessions;
use super::{Config, NodeEvent, PortKey, Timing};
use crate::fc2::Fc2;
use crate::nport::NPort;
use crate::soft::{Board, Control};
use crate::{Arrival, Attachment, Fc4, SessionId, SessionInfo, Xid};
use ring::{Mailbox, Slots, Tick};
use std::collections::VecDeque;
use std::sync::Arc;

/// Something that is told when all that happened before is told: aborts come before the end of their session.
pub(crate) enum Notice {
    /// Queues hear of a session.
    Up { lanes: Vec<usize>, info: SessionInfo },
    /// Queues hear of its end.
    Down { lanes: Vec<usize>, session: SessionId },
    /// The owner hears of something.
    Event(NodeEvent),
}

/// What is known of the link.
pub(crate) struct LinkState {
    pub attachment: Option<Attachment>,
    pub max_payload: u16,
    pub what: String,
    pub failures: u64,
    /// What the operator wants of it, until it is told.
    pub wanted: Option<bool>,
}

/// All of a node but its link.
pub(crate) struct Core {
    pub fc2: Fc2,
    pub ports: Vec<Option<NPort>>,
    pub lanes: Lanes,
    pub sessions: Sessions,
    pub requests: Slots<Pending>,
    /// Link service requests of peers that a queue or the owner answers.
    pub services: Vec<(Xid, SessionId)>,
    pub notices: VecDeque<Notice>,
    pub events: VecDeque<NodeEvent>,
    pub control: Mailbox<Control>,
    pub link: LinkState,
    pub timing: Timing,
    pub initiator: bool,
    pub serves: Vec<Fc4>,
    pub symbolic_name: String,
    pub logins: u32,
    pub now: Tick,
}

impl Core {
    pub fn new(config: Config, link: LinkState, control: Mailbox<Control>, board: Arc<Board>) -> Self {
        let Config { names, initiator, serves, symbolic_name, limits, frames, timing } = config;
        Self {
            fc2: Fc2::new(limits, frames),
            ports: vec![Some(NPort::new(PortKey::PHYSICAL, names, board))],
            lanes: Lanes::default(),
            sessions: Sessions::default(),
            requests: Slots::new(64),
            services: Vec::new(),
            notices: VecDeque::new(),
            events: VecDeque::new(),
            control,
            link,
            timing,
            initiator,
            serves,
            symbolic_name,
            logins: 0,
            now: 0,
        }
    }

    #[inline]
    pub fn port(&self, key: PortKey) -> Option<&NPort> {
        self.ports.get(key.0 as usize)?.as_ref()
    }

    #[inline]
    pub fn port_mut(&mut self, key: PortKey) -> Option<&mut NPort> {
        self.ports.get_mut(key.0 as usize)?.as_mut()
    }

    /// The keys of all ports, the physical one first.
    pub fn keys(&self) -> Vec<PortKey> {
        self.ports.iter().flatten().map(|port| port.key).collect()
    }

    /// Tells the owner, if it listens, when all before is told.
    pub fn tell(&mut self, event: NodeEvent) {
        if self.initiator {
            self.notices.push_back(Notice::Event(event));
        }
    }

    /// Deals with all that happened, until nothing more follows from it.
    pub fn settle(&mut self) {
        loop {
            while let Some(upcall) = self.fc2.next() {
                self.upcall(upcall);
            }
            match self.notices.pop_front() {
                None => return,
                Some(Notice::Event(event)) => self.events.push_back(event),
                Some(Notice::Up { lanes, info }) => {
                    lanes.into_iter().for_each(|lane| self.lanes.push(lane, Arrival::SessionUp(info)));
                }
                Some(Notice::Down { lanes, session }) => {
                    lanes.into_iter().for_each(|lane| self.lanes.push(lane, Arrival::SessionDown { session }));
                }
            }
        }
    }

    /// The earliest time at which something is due.
    pub fn deadline(&self) -> Option<Tick> {
        let ports = self.ports.iter().flatten().filter_map(NPort::deadline);
        ports.chain(self.fc2.deadline()).min()
    }

    /// What is due at this time is done.
    pub fn time(&mut self) {
        self.fc2.turn(self.now);
        if self.ports.iter().flatten().any(|port| port.deadline().is_some_and(|at| at <= self.now)) {
            self.keys().into_iter().for_each(|port| self.port_time(port));
        }
    }
}
