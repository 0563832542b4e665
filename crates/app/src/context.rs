//! What a subsystem is given at start.

use crate::{Methods, Notify, Options};
use std::sync::Arc;

/// The process as a subsystem sees it. A clone is a handful of reference counts; keep one.
#[derive(Clone)]
pub struct App {
    /// The reactors, in the order of their cores: index = the `core` of [`bdev::Registry::meters`].
    pub cores: Arc<[reactor::Handle]>,
    /// Where all I/O memory comes from.
    pub arena: Arc<dma::Arena>,
    /// All block devices.
    pub bdevs: Arc<bdev::Registry>,
    /// The effective start options.
    pub options: Arc<Options>,
    /// The notification ring (`notify_get_notifications`).
    pub notify: Arc<Notify>,
    /// All methods, and the state.
    pub methods: Arc<Methods>,
}
