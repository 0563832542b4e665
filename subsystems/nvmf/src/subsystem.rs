//! [`NvmfTarget`]: the subsystem `nvmf`.

use crate::{
    TransportFactory, config, hosts, listeners, namespaces, referrals, reports, settings, subsystems, transports,
};
use app::{App, Call, Method, Need, RpcError, Subsystem};
use nvmf::{Limits, Target, Trtype};
use std::sync::{Arc, OnceLock};

/// Subsystems that there may be unless `nvmf_set_max_subsystems` says otherwise.
const MAX_SUBSYSTEMS: u32 = 1024;

/// The name that `tgt_name` may have; there is one target.
const TARGET_NAME: &str = "nvmf_tgt";

/// The subsystem `nvmf`: transports by their factories, and the methods that configure the target.
pub struct NvmfTarget {
    factories: Vec<Arc<dyn TransportFactory>>,
    limits: Limits,
    pub(crate) max_subsystems: OnceLock<u32>,
    started: OnceLock<(App, Arc<Target>)>,
}

impl NvmfTarget {
    /// One that can make transports of these types.
    pub fn new(factories: Vec<Arc<dyn TransportFactory>>) -> Self {
        Self::with_limits(factories, Limits::default())
    }

    /// One whose waits end earlier or later.
    pub fn with_limits(factories: Vec<Arc<dyn TransportFactory>>, limits: Limits) -> Self {
        Self { factories, limits, max_subsystems: OnceLock::new(), started: OnceLock::new() }
    }

    pub(crate) fn factory(&self, trtype: Trtype) -> Option<&Arc<dyn TransportFactory>> {
        self.factories.iter().find(|factory| factory.trtype() == trtype)
    }

    pub(crate) fn app(&self) -> &App {
        &self.started.get().expect("methods run after start").0
    }

    /// The control side.
    ///
    /// # Panics
    /// Before it was started.
    pub fn target(&self) -> &Arc<Target> {
        &self.started.get().expect("methods run after start").1
    }

    /// The control side, for a method with a `tgt_name`: there is one target only.
    pub(crate) fn named(&self, tgt_name: Option<&str>) -> Result<&Arc<Target>, RpcError> {
        match tgt_name {
            Some(name) if name != TARGET_NAME => Err(RpcError::bad_params(format!("NVMf target '{name}' not found"))),
            _ => Ok(self.target()),
        }
    }
}

impl Subsystem for NvmfTarget {
    fn name(&self) -> &'static str {
        "nvmf"
    }

    fn section(&self) -> &'static str {
        "nvmf"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        type Part = fn(&Arc<NvmfTarget>) -> Vec<Method>;
        let parts: [Part; 8] = [
            settings::methods,
            transports::methods,
            subsystems::methods,
            namespaces::methods,
            hosts::methods,
            listeners::methods,
            referrals::methods,
            reports::methods,
        ];
        parts.into_iter().flat_map(|methods| methods(&self)).collect()
    }

    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need> {
        let creates = calls.iter().filter(|call| call.method == "nvmf_create_transport");
        let options = creates.filter_map(|call| transports::options(call.params.clone()));
        let needs = options.filter_map(|options| Some(self.factory(options.trtype)?.memory(cores, &options)));
        needs.flatten().collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        let most = *self.max_subsystems.get().unwrap_or(&MAX_SUBSYSTEMS);
        let target = Arc::new(Target::new(app.bdevs.clone(), most, self.limits));
        app.bdevs.watch(target.clone());
        anyhow::ensure!(self.started.set((app.clone(), target)).is_ok(), "nvmf is started already");
        Ok(())
    }

    fn serves(&self) -> Vec<String> {
        self.started.get().map_or_else(Vec::new, |(_, target)| reports::served(target))
    }

    fn stop(&self) {
        if let Some((_, target)) = self.started.get() {
            target.stop();
        }
    }

    fn config(&self) -> Vec<Call> {
        self.started.get().map_or_else(Vec::new, |(_, target)| config::calls(target))
    }
}
