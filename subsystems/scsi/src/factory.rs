//! How a transport gets into the target.

use app::{App, Call, Need};
use scsi::PortName;
use scsi::control::{Manager, Transport};
use std::sync::Arc;

/// Which ports a transport serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FC ports.
    Fc,
    /// IP portals.
    Ip,
}

/// Makes the transport of one kind. `main` hands all factories to [`crate::ScsiTarget::new`].
pub trait TransportFactory: Send + Sync {
    /// Of which kind.
    fn kind(&self) -> Kind;

    /// Its [`Transport::name`].
    fn name(&self) -> &'static str;

    /// Memory that the transport will take from the arena on `cores` cores, when `calls` (the whole configuration) are made.
    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need>;

    /// Makes it and starts it on the cores of `app`.
    ///
    /// # Errors
    /// A sentence for the operator.
    fn create(&self, app: &App, manager: &Arc<Manager>) -> Result<Arc<dyn Transport>, String>;

    /// How a port of its kind is, for people; `None`: it is not there.
    fn state(&self, port: &PortName) -> Option<String> {
        let _ = port;
        None
    }
}
