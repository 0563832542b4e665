//! A port as the control plane sees it, and all ports of the process.

use crate::{Fc4, Names, Queue, SessionId};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use wire::fc::Wwn;

/// What a port offers for one FC-4 type; it is told to peers by PRLI and to the name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The protocol.
    pub fc4: Fc4,
    /// NVMe: a discovery controller is here, too (PRLI word 3 bit 3).
    pub discovery: bool,
}

/// How a port is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// To a fabric.
    Fabric,
    /// To one other N_Port.
    PointToPoint,
    /// FCoE VN2VN.
    Vn2vn,
}

/// How far a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Taken down by the operator.
    Disabled,
    /// No light.
    LinkDown,
    /// Logging in with the fabric, and there with the name server.
    LoggingIn,
    /// It has an address and is known by it.
    Online,
    /// The fabric refused it; [`PortStatus::reason`] says why.
    Refused,
}

/// A login, for people.
#[derive(Clone, Debug, Serialize)]
pub struct SessionStatus {
    /// Its name.
    pub id: SessionId,
    /// For which protocol.
    pub fc4: Fc4,
    /// The peer.
    pub peer: Names,
    /// Its address.
    pub peer_id: u32,
    /// Exchanges that are open.
    pub open_exchanges: u32,
}

/// A port, for people.
#[derive(Clone, Debug, Serialize)]
pub struct PortStatus {
    /// How far it is.
    pub state: PortState,
    /// Why it is no farther.
    pub reason: Option<String>,
    /// Its address; 0 when it has none.
    pub port_id: u32,
    /// How it is attached; none until that is known.
    pub topology: Option<Topology>,
    /// The fabric's name.
    pub fabric: Option<String>,
    /// What carries its frames.
    pub link: String,
    /// The largest payload of a frame that its link carries, in bytes.
    pub max_payload: u16,
    /// Who is logged in.
    pub sessions: Vec<SessionStatus>,
    /// Counters by name: frames and bytes both ways, link failures, errors, aborts, exchanges.
    pub counters: Vec<(&'static str, u64)>,
}

/// An N_Port. Called on control threads only.
pub trait Port: Send + Sync {
    /// Its names.
    fn names(&self) -> Names;
    /// What drives it: `soft`, `qla`.
    fn driver(&self) -> &'static str;
    /// Its parent's port name, when it is a virtual port (NPIV).
    fn parent(&self) -> Option<Wwn>;
    /// Which protocols it may serve (`[QFC] Transport`).
    fn serves(&self) -> &[Fc4];
    /// How it is now.
    fn status(&self) -> PortStatus;
    /// Offers a service. One queue comes back for each of `wakers` (each wakes the core that the queue is for), and from now
    /// on peers may log in for it.
    ///
    /// # Errors
    /// A sentence for the operator: the service is attached already, there is no memory.
    fn attach(&self, service: Service, wakers: Vec<Arc<dyn Fn() + Send + Sync>>)
    -> Result<Vec<Box<dyn Queue>>, String>;
    /// Ends a service: its sessions go down and its queues get no more. Their owners drop them after the last exchange.
    fn detach(&self, fc4: Fc4);
    /// Takes it up or down.
    fn set_up(&self, up: bool);
}

/// What happened to a port of the process.
#[derive(Clone)]
pub enum Change {
    /// It is there now.
    Added(Arc<dyn Port>),
    /// It is about to go: services on it must be given up before the watcher returns.
    Removed(Arc<dyn Port>),
}

type Watcher = Arc<dyn Fn(&Change) + Send + Sync>;

/// All ports of the process, by port name. Who drives ports adds them; who serves on them watches.
#[derive(Default)]
pub struct Ports {
    ports: Mutex<Vec<Arc<dyn Port>>>,
    watchers: Mutex<Vec<Watcher>>,
}

impl Ports {
    /// Adds a port and tells the watchers.
    ///
    /// # Errors
    /// A sentence: its port name is in use by another.
    pub fn add(&self, port: Arc<dyn Port>) -> Result<(), String> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let name = port.names().port;
        if let Some(other) = ports.iter().find(|other| other.names().port == name) {
            return Err(format!(
                "port name {name} is in use by the {} port {} of this target",
                other.driver(),
                other.names()
            ));
        }
        ports.push(port.clone());
        drop(ports);
        self.tell(&Change::Added(port));
        Ok(())
    }

    /// Tells the watchers that a port goes, then forgets it. `None` when there is none of that name.
    pub fn remove(&self, name: Wwn) -> Option<Arc<dyn Port>> {
        let port = self.find(name)?;
        self.tell(&Change::Removed(port.clone()));
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other.names().port != name);
        Some(port)
    }

    /// The port of that port name.
    pub fn find(&self, name: Wwn) -> Option<Arc<dyn Port>> {
        self.list().into_iter().find(|port| port.names().port == name)
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<Arc<dyn Port>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `watcher` for each port that is there, and from now on at each change, on the thread that makes it.
    pub fn watch(&self, watcher: impl Fn(&Change) + Send + Sync + 'static) {
        let watcher: Watcher = Arc::new(watcher);
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher.clone());
        self.list().into_iter().for_each(|port| watcher(&Change::Added(port)));
    }

    fn tell(&self, change: &Change) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watchers.iter().for_each(|watcher| watcher(change));
    }
}
