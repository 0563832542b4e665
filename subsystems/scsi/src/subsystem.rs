//! [`ScsiTarget`]: the subsystem `scsi`.

use crate::{Kind, TransportFactory, rpc};
use app::{App, Call, Method, Need, RpcError, Subsystem};
use scsi::PortName;
use scsi::control::{DEFAULT_STATE_DIRECTORY, Limits, Manager};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The subsystem `scsi`: transports by their factories, and the methods that configure the target.
pub struct ScsiTarget {
    factories: Vec<Arc<dyn TransportFactory>>,
    limits: Limits,
    state_directory: Mutex<PathBuf>,
    started: OnceLock<(App, Arc<Manager>)>,
}

impl ScsiTarget {
    /// One that can make these transports.
    pub fn new(factories: Vec<Arc<dyn TransportFactory>>) -> Self {
        Self::with_limits(factories, Limits::default())
    }

    /// One whose waits end earlier or later.
    pub fn with_limits(factories: Vec<Arc<dyn TransportFactory>>, limits: Limits) -> Self {
        let state_directory = Mutex::new(DEFAULT_STATE_DIRECTORY.into());
        Self { factories, limits, state_directory, started: OnceLock::new() }
    }

    /// Where state is kept that outlives the process.
    pub(crate) fn state_directory(&self) -> PathBuf {
        self.state_directory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes effect at the start.
    pub(crate) fn set_state_directory(&self, directory: PathBuf) {
        *self.state_directory.lock().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    /// The control side.
    ///
    /// # Panics
    /// Before it was started.
    pub fn manager(&self) -> &Arc<Manager> {
        &self.started.get().expect("methods run after start").1
    }

    /// Makes the transport of a kind, unless it is there.
    ///
    /// # Errors
    /// There is none of that kind, or it cannot be made.
    pub fn need_transport(&self, kind: Kind) -> Result<(), RpcError> {
        let (app, manager) = self.started.get().expect("methods run after start");
        let factory = self.factories.iter().find(|factory| factory.kind() == kind);
        let factory = factory.ok_or_else(|| RpcError::invalid_params(format!("no transport for {}", rpc::of(kind))))?;
        manager.need_transport(factory.name(), || factory.create(app, manager)).map_err(rpc::answer)
    }

    /// How a port is, for people; `None`: it is not there.
    pub(crate) fn state(&self, port: &PortName) -> Option<String> {
        self.factories.iter().find_map(|factory| factory.state(port))
    }
}

impl Subsystem for ScsiTarget {
    fn name(&self) -> &'static str {
        "scsi"
    }

    fn section(&self) -> &'static str {
        "scsi"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        rpc::methods(&self)
    }

    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need> {
        let kinds = rpc::kinds(calls);
        let used = self.factories.iter().filter(|factory| kinds.contains(&factory.kind()));
        used.flat_map(|factory| factory.memory(cores, calls)).collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        let manager = Arc::new(Manager::new(app.bdevs.clone(), self.limits));
        manager.keep_state_in(&self.state_directory())?;
        app.bdevs.watch(manager.clone());
        anyhow::ensure!(self.started.set((app.clone(), manager)).is_ok(), "scsi is started already");
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
        let directory = self.state_directory();
        let options = (directory != Path::new(DEFAULT_STATE_DIRECTORY))
            .then(|| Call::new("scsi_set_options", json!({ "state_directory": directory })));
        let calls = self.started.get().map_or_else(Vec::new, |(_, manager)| rpc::calls(manager));
        options.into_iter().chain(calls).collect()
    }
}
