//! How a transport gets into the target.

use app::{App, Need};
use nvmf::{Transport, TransportOptions, Trtype};
use std::sync::Arc;

/// Makes transports of one type. `main` hands all factories to [`crate::NvmfTarget::new`].
pub trait TransportFactory: Send + Sync {
    /// Of which type.
    fn trtype(&self) -> Trtype;

    /// Memory that a transport with these options will take from the arena on `cores` cores.
    fn memory(&self, cores: usize, options: &TransportOptions) -> Vec<Need>;

    /// Makes one and starts it on the cores of `app`. Options were validated as far as all transports are alike.
    ///
    /// # Errors
    /// A sentence for the operator.
    fn create(&self, app: &App, options: &TransportOptions) -> Result<Arc<dyn Transport>, String>;
}
