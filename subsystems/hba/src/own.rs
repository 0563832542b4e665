//! Ports that this subsystem drives, whatever drives them.

use fc::{Names, Port, PortState, PortStatus, SoftPort};
use qla::{AdapterInfo, QlaPort};
use std::sync::Arc;

/// A port in software, or an adapter's; physical or virtual.
pub trait Own: Port {
    /// Makes a virtual port on it (NPIV).
    ///
    /// # Errors
    /// A sentence for the operator.
    fn add_virtual(self: Arc<Self>, names: Names) -> Result<Arc<dyn Own>, String>;
    /// Takes a virtual port away; `false` when that was not done in time.
    fn take_away(&self) -> bool;
    /// The state that was shown last.
    fn shown(&self) -> PortStatus;
    /// Waits a moment for a state.
    fn reaches(&self, state: PortState) -> bool;
    /// Whether it has a reset of its own, and that was ordered: an adapter's chip.
    ///
    /// # Errors
    /// A sentence: it does not take orders.
    fn reset(&self) -> Result<bool, String>;
    /// The adapter, if it is one's.
    fn adapter(&self) -> Option<AdapterInfo>;
}

impl Own for SoftPort {
    fn add_virtual(self: Arc<Self>, names: Names) -> Result<Arc<dyn Own>, String> {
        self.add_vport(names).map(|port| port as Arc<dyn Own>)
    }

    fn take_away(&self) -> bool {
        self.remove()
    }

    fn shown(&self) -> PortStatus {
        Self::shown(self)
    }

    fn reaches(&self, state: PortState) -> bool {
        Self::reaches(self, state)
    }

    fn reset(&self) -> Result<bool, String> {
        Ok(false)
    }

    fn adapter(&self) -> Option<AdapterInfo> {
        None
    }
}

impl Own for QlaPort {
    fn add_virtual(self: Arc<Self>, names: Names) -> Result<Arc<dyn Own>, String> {
        self.add_vport(names).map(|port| port as Arc<dyn Own>)
    }

    fn take_away(&self) -> bool {
        self.remove()
    }

    fn shown(&self) -> PortStatus {
        Self::shown(self)
    }

    fn reaches(&self, state: PortState) -> bool {
        Self::reaches(self, state)
    }

    fn reset(&self) -> Result<bool, String> {
        Self::reset(self).map(|()| true)
    }

    fn adapter(&self) -> Option<AdapterInfo> {
        Some(Self::adapter(self))
    }
}
