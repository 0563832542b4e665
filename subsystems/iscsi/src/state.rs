//! What the iSCSI portal knows beside the model: options, authentication groups, and its transport once it is made.

use crate::IscsiTransport;
use crate::options::Options;
use iscsi::secrets::AuthGroups;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

/// Authentication groups.
#[derive(Default)]
pub(crate) struct Groups {
    pub secrets: AuthGroups,
    /// Groups that methods changed: these are not what the file says.
    pub changed: BTreeSet<u32>,
}

/// Shared by the methods, the factory and the directory.
#[derive(Default)]
pub struct State {
    options: RwLock<Arc<Options>>,
    groups: Mutex<Groups>,
    pub(crate) transport: OnceLock<Arc<IscsiTransport>>,
}

impl State {
    /// The options in effect.
    pub(crate) fn options(&self) -> Arc<Options> {
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_options(&self, options: Options) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(options);
    }

    pub(crate) fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
