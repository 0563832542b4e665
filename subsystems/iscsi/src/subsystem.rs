//! [`Iscsi`]: the subsystem `iscsi`, which is SPDK's methods on the model of the SCSI target.

use crate::rpc;
use crate::state::State;
use app::{App, Call, Method, Subsystem};
use scsi::control::Manager;
use scsi_target::ScsiTarget;
use std::sync::{Arc, OnceLock};

/// The methods `iscsi_*`. Groups and nodes live in the SCSI target and are saved with it.
pub struct Iscsi {
    pub(crate) scsi: Arc<ScsiTarget>,
    pub(crate) state: Arc<State>,
    pub(crate) app: OnceLock<App>,
}

impl Iscsi {
    /// One for that target; `state` is its factory's.
    pub fn new(scsi: Arc<ScsiTarget>, state: Arc<State>) -> Self {
        Self { scsi, state, app: OnceLock::new() }
    }

    pub(crate) fn manager(&self) -> &Arc<Manager> {
        self.scsi.manager()
    }
}

impl Subsystem for Iscsi {
    fn name(&self) -> &'static str {
        "iscsi"
    }

    fn section(&self) -> &'static str {
        "iscsi"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        rpc::methods(&self)
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.set(app.clone()).is_ok(), "iscsi is started already");
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        let options = self.state.options().saved().map(|params| Call::new("iscsi_set_options", params));
        let changed = self.state.groups().changed.iter().map(u32::to_string).collect::<Vec<_>>();
        if !changed.is_empty() {
            let groups = changed.join(", ");
            log::warn!(
                target: "iscsi",
                "authentication groups {groups} were changed by methods and are not saved: put them into the auth_file"
            );
        }
        options.into_iter().collect()
    }
}
