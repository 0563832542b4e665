//! How FCP gets into the SCSI target.

use crate::{limits, transport};
use app::{App, Call, Need};
use fc::Ports;
use scsi::PortName;
use scsi::control::{Manager, Transport};
use scsi_target::{Kind, TransportFactory};
use std::sync::Arc;
use wire::fc::Wwn;

/// Makes the FCP transport.
pub struct FcpFactory {
    ports: Arc<Ports>,
}

impl FcpFactory {
    /// One that serves on `ports`.
    pub fn new(ports: Arc<Ports>) -> Self {
        Self { ports }
    }
}

impl TransportFactory for FcpFactory {
    fn kind(&self) -> Kind {
        Kind::Fc
    }

    fn name(&self) -> &'static str {
        transport::NAME
    }

    fn memory(&self, cores: usize, _calls: &[Call]) -> Vec<Need> {
        let classes: Vec<String> =
            limits::classes().iter().map(|class| format!("{} x {} KiB", class.count, class.size >> 10)).collect();
        let what = format!("FCP buffers, {cores} cores x ({})", classes.join(" + "));
        vec![Need { what, bytes: cores as u64 * transport::memory() }]
    }

    fn create(&self, app: &App, manager: &Arc<Manager>) -> Result<Arc<dyn Transport>, String> {
        transport::create(app, &self.ports, &manager.device()).map(|made| made as Arc<dyn Transport>)
    }

    fn state(&self, port: &PortName) -> Option<String> {
        let PortName::Fc { wwpn, .. } = port else { return None };
        let state = self.ports.find(Wwn(*wwpn))?.status().state;
        serde_json::to_value(state).ok()?.as_str().map(str::to_owned)
    }
}
