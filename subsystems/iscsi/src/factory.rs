//! How iSCSI gets into the SCSI target.

use crate::directory::Nodes;
use crate::state::State;
use crate::{IscsiTransport, limits, transport};
use app::{App, Call, Need};
use scsi::control::{Manager, Transport};
use scsi_target::{Kind, TransportFactory};
use std::sync::Arc;

/// Makes the iSCSI transport.
pub struct IscsiFactory {
    state: Arc<State>,
}

impl IscsiFactory {
    /// One whose logins go by `state`.
    pub fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl TransportFactory for IscsiFactory {
    fn kind(&self) -> Kind {
        Kind::Ip
    }

    fn name(&self) -> &'static str {
        "iSCSI"
    }

    fn memory(&self, cores: usize, _calls: &[Call]) -> Vec<Need> {
        let classes: Vec<String> =
            limits::classes().iter().map(|class| format!("{} x {} KiB", class.count, class.size >> 10)).collect();
        let what = format!("iSCSI buffers, {cores} cores x ({})", classes.join(" + "));
        vec![Need { what, bytes: cores as u64 * transport::memory() }]
    }

    fn create(&self, app: &App, manager: &Arc<Manager>) -> Result<Arc<dyn Transport>, String> {
        let directory = Arc::new(Nodes { manager: Arc::downgrade(manager), state: self.state.clone() });
        let settings = self.state.options().settings;
        let made = IscsiTransport::create(app, settings, directory, manager.device())?;
        // The first one that was made and could not begin is replaced by nothing: the process has one.
        let _ = self.state.transport.set(made.clone());
        Ok(made)
    }
}
