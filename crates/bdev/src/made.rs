//! What one subsystem has made of the list of devices.

use crate::{Bdev, Error, Registry};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Whether a device has left the list: one flag that a device shares with its channels.
///
/// A channel looks at it (one relaxed load) before it starts an operation, and ends the operation as
/// [`crate::Status::Removed`] when it is set.
#[derive(Clone, Debug, Default)]
pub struct Gone(Arc<AtomicBool>);

impl Gone {
    /// The device has left the list.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The devices that one subsystem has made and that are in the list still, in the order of their making.
///
/// The registry alone keeps them alive: one that goes because its base went is gone from here too.
pub struct Made<D>(Mutex<Vec<Weak<D>>>);

impl<D> Default for Made<D> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<D: Bdev + 'static> Made<D> {
    /// Puts a new device into the list.
    ///
    /// # Errors
    /// [`Error::Exists`] when the name or the UUID is taken.
    pub fn add(&self, registry: &Registry, device: D) -> Result<Arc<D>, Error> {
        let device = Arc::new(device);
        registry.add(device.clone())?;
        self.lock().push(Arc::downgrade(&device));
        Ok(device)
    }

    /// Those that are in the list.
    pub fn list(&self, registry: &Registry) -> Vec<Arc<D>> {
        let mut made = self.lock();
        made.retain(|device| device.strong_count() > 0);
        made.iter().filter_map(Weak::upgrade).filter(|device| is_listed(registry, device)).collect()
    }

    /// The one of that name or UUID, if this subsystem made it.
    pub fn find(&self, registry: &Registry, name: &str) -> Option<Arc<D>> {
        let wanted = registry.get(name)?.info().name;
        self.list(registry).into_iter().find(|device| device.info().name == wanted)
    }

    /// Takes one out of the list, and first those that stand on it.
    ///
    /// # Errors
    /// [`Error::NotFound`] (also for a device of another subsystem), or [`Error::Busy`].
    pub fn remove(&self, registry: &Registry, name: &str) -> Result<(), Error> {
        let device = self.find(registry, name).ok_or(Error::NotFound)?;
        registry.remove(&device.info().name)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<D>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_listed<D: Bdev + 'static>(registry: &Registry, device: &Arc<D>) -> bool {
    registry.get(&device.info().name).is_some_and(|listed| std::ptr::addr_eq(Arc::as_ptr(&listed), Arc::as_ptr(device)))
}
