//! Devices that were asked for before the device that they stand on was there.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one subsystem has been asked to make once another device is there: the name of that, and the parameters.
pub struct Wanted<P>(Mutex<Vec<(String, P)>>);

impl<P> Default for Wanted<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Clone> Wanted<P> {
    /// Keeps `params` until `base` comes. Look again after it whether `base` has come meanwhile.
    pub fn add(&self, base: &str, params: P) {
        self.lock().push((base.to_owned(), params));
    }

    /// What waits for `base`; it waits no more.
    pub fn take(&self, base: &str) -> Vec<P> {
        self.lock().extract_if(.., |(name, _)| name == base).map(|(_, params)| params).collect()
    }

    /// Forgets what `which` says; whether there was something.
    pub fn forget(&self, which: impl Fn(&P) -> bool) -> bool {
        self.lock().extract_if(.., |(_, params)| which(params)).count() > 0
    }

    /// What still waits.
    pub fn list(&self) -> Vec<P> {
        self.lock().iter().map(|(_, params)| params.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, P)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
