//! How FC-NVMe gets into the target.

use app::{App, Need};
use nvmf::{Transport, TransportOptions, Trtype};
use std::sync::Arc;

/// Makes the FC transport, on the Fibre Channel ports of the process.
pub struct FcFactory {
    ports: Arc<fc::Ports>,
}

impl FcFactory {
    /// For these ports; they may come and go later.
    pub fn new(ports: Arc<fc::Ports>) -> Self {
        Self { ports }
    }
}

impl nvmf_target::TransportFactory for FcFactory {
    fn trtype(&self) -> Trtype {
        Trtype::Fc
    }

    fn memory(&self, cores: usize, options: &TransportOptions) -> Vec<Need> {
        let classes = crate::transport::classes(options);
        let classes: Vec<String> =
            classes.iter().map(|class| format!("{} x {} KiB", class.count, class.size >> 10)).collect();
        let what = format!("FC-NVMe buffers, {cores} cores x ({})", classes.join(" + "));
        vec![Need { what, bytes: cores as u64 * crate::transport::memory(options) }]
    }

    fn create(&self, app: &App, options: &TransportOptions) -> Result<Arc<dyn Transport>, String> {
        crate::transport::create(options, app, &self.ports)
    }
}
