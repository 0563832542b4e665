//! How NVMe/TCP gets into the target.

use app::{App, Need};
use nvmf::{Transport, TransportOptions, Trtype};
use std::sync::Arc;

/// Makes the TCP transport.
pub struct TcpFactory;

impl nvmf_target::TransportFactory for TcpFactory {
    fn trtype(&self) -> Trtype {
        Trtype::Tcp
    }

    fn memory(&self, cores: usize, options: &TransportOptions) -> Vec<Need> {
        let classes = crate::transport::classes(options);
        let classes: Vec<String> =
            classes.iter().map(|class| format!("{} x {} KiB", class.count, class.size >> 10)).collect();
        let what = format!("NVMe/TCP buffers, {cores} cores x ({})", classes.join(" + "));
        vec![Need { what, bytes: cores as u64 * crate::transport::memory(options) }]
    }

    fn create(&self, app: &App, options: &TransportOptions) -> Result<Arc<dyn Transport>, String> {
        crate::transport::create(options, app)
    }
}
