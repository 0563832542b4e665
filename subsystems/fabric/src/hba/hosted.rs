//! One virtual adapter, from the control side.

use super::device::{self, Device};
use super::memory::Memory;
use super::params::{Adapter, Create};
use super::poller::HbaPoller;
use crate::control::Fabric;
use crate::resident::{self, Resident};
use app::RpcError;
use fc::{Frames, ring_links};
use reactor::Handle;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Frames that its link to the switch holds each way.
const RING: usize = 512;

/// An adapter that runs: a model on a socket, a poller on one core, with a cable to a switch of this process.
pub(crate) struct Hosted {
    /// As it is saved: with all that was made up for it.
    pub(crate) create: Create,
    pub(crate) adapter: Adapter,
    /// The name of its fabric.
    pub(crate) fabric: String,
    /// The F_Port that its cable goes to.
    f_port: u16,
    plugged: AtomicBool,
    resident: Resident<Device>,
}

impl Hosted {
    pub(crate) fn start(
        create: Create,
        adapter: Adapter,
        fabric: &Arc<Fabric>,
        frames: Frames,
        memory: &Memory,
        cores: &[Handle],
    ) -> Result<Self, RpcError> {
        let core = resident::place(cores, create.core)?;
        let waker = core.waker();
        let [ours, theirs] = ring_links(RING, [Arc::new(move || waker.wake()), fabric.wake()]);
        let device = device::make(&create.socket, &adapter, Box::new(ours), frames, memory.pool()?)?;
        let f_port = fabric.try_call(move |switch, _| switch.attach(Box::new(theirs)))?;
        let name = adapter.name.clone();
        let resident = Resident::start(core, move |jobs| Ok(HbaPoller::new(&name, device, jobs)))?;
        let fabric = fabric.create.name.clone();
        let create = create.complete(&fabric, &adapter);
        Ok(Self { create, adapter, fabric, f_port, plugged: AtomicBool::new(true), resident })
    }

    /// Plugs the cable in or pulls it. That is for the moment and not saved.
    pub(crate) fn set_cable(&self, plugged: bool) -> Result<(), RpcError> {
        self.resident.call(move |device, _| device::set_cable(device, plugged))?;
        self.plugged.store(plugged, Relaxed);
        Ok(())
    }

    /// How it is now: what it is, what its guest does with it, and what its switch knows of it.
    pub(crate) fn report(&self, fabric: &Fabric) -> Result<Value, RpcError> {
        let adapter = &self.adapter;
        let mut report = json!({
            "name": adapter.name,
            "fabric": self.fabric,
            "socket": self.create.socket,
            "model": adapter.board.name(),
            "serial": adapter.serial,
            "wwpn": adapter.names.port.to_string(),
            "wwnn": adapter.names.node.to_string(),
            "fc4_priority": adapter.priority,
            "vectors": adapter.vectors,
            "core": self.resident.core(),
            "cable": if self.plugged.load(Relaxed) { "in" } else { "out" },
        });
        let f_port = self.f_port;
        let port = fabric.call(move |switch, _| switch.ports().into_iter().find(|port| port.port == f_port))?;
        report["f_port"] = json!(f_port);
        report["link"] = json!(port.as_ref().map(|port| port.state));
        report["port_id"] = json!(port.as_ref().and_then(|port| port.n_ports.first()).map(|n_port| &n_port.port_id));
        report["n_ports"] = json!(port.map(|port| port.n_ports));
        if let Value::Object(more) = self.resident.call(|device, _| device::report(device))? {
            more.into_iter().for_each(|(key, value)| report[key] = value);
        }
        Ok(report)
    }

    /// Ends it: its guest sees a dead device, its fabric a port that is gone, and the socket's name goes.
    pub(crate) fn stop(&self) {
        self.resident.stop();
    }
}
