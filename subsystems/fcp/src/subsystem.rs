//! [`Fcp`]: the subsystem.

use crate::{rpc, transport};
use app::{App, Call, Method, Need, RpcError, Subsystem};
use fc::Ports;
use scsi::control::{Limits, Manager, Transport};
use std::sync::{Arc, OnceLock};

/// SCSI over Fibre Channel: the methods `scsi_*`, and FCP on the FC ports that portal groups name.
pub struct Fcp {
    ports: Arc<Ports>,
    limits: Limits,
    started: OnceLock<(App, Arc<Manager>)>,
}

impl Fcp {
    /// One that serves on `ports`.
    pub fn new(ports: Arc<Ports>) -> Self {
        Self::with_limits(ports, Limits::default())
    }

    /// One whose waits end earlier or later.
    pub fn with_limits(ports: Arc<Ports>, limits: Limits) -> Self {
        Self { ports, limits, started: OnceLock::new() }
    }

    /// The control side.
    ///
    /// # Panics
    /// Before it was started.
    pub fn manager(&self) -> &Arc<Manager> {
        &self.started.get().expect("methods run after start").1
    }

    /// The FC ports of the process.
    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Makes the cores' parts, unless they are there.
    pub(crate) fn need_transport(&self) -> Result<(), RpcError> {
        let (app, manager) = self.started.get().expect("methods run after start");
        let make = || transport::create(app, &self.ports, &manager.device()).map(|made| made as Arc<dyn Transport>);
        manager.need_transport("FCP", make).map_err(rpc::answer)
    }
}

impl Subsystem for Fcp {
    fn name(&self) -> &'static str {
        "fcp"
    }

    fn section(&self) -> &'static str {
        "scsi"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        rpc::methods(&self)
    }

    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need> {
        if !calls.iter().any(|call| call.method == "scsi_create_portal_group") {
            return Vec::new();
        }
        let classes: Vec<String> = crate::limits::classes()
            .iter()
            .map(|class| format!("{} x {} KiB", class.count, class.size >> 10))
            .collect();
        let what = format!("FCP buffers, {cores} cores x ({})", classes.join(" + "));
        vec![Need { what, bytes: cores as u64 * transport::memory() }]
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        let manager = Arc::new(Manager::new(app.bdevs.clone(), self.limits));
        app.bdevs.watch(manager.clone());
        anyhow::ensure!(self.started.set((app.clone(), manager)).is_ok(), "fcp is started already");
        Ok(())
    }

    fn serves(&self) -> Vec<String> {
        self.started.get().map_or_else(Vec::new, |(_, manager)| rpc::served(manager))
    }

    fn stop(&self) {
        if let Some((_, manager)) = self.started.get() {
            manager.stop();
        }
    }

    fn config(&self) -> Vec<Call> {
        self.started.get().map_or_else(Vec::new, |(_, manager)| rpc::calls(manager))
    }
}
