//! What the control plane needs of a transport.

use crate::control::TransportOptions;
use crate::message::Message;
use crate::view::{ListenerView, TransportView};
use ring::Sender;
use serde_json::{Map, Value};

/// A transport that was created: its homes (one a core that it uses) and its listeners.
///
/// Called on control threads only, never two of [`listen`](Self::listen), [`unlisten`](Self::unlisten) and
/// [`stop`](Self::stop) at a time.
pub trait Transport: Send + Sync {
    /// What the cores report and enforce.
    fn view(&self) -> &TransportView;

    /// What it was created with.
    fn options(&self) -> &TransportOptions;

    /// The mailboxes of its homes, by home number. All are live until [`stop`](Self::stop).
    fn homes(&self) -> &[Sender<Message>];

    /// Starts to accept hosts at an address. Queues that come by it have `listener.id` in their [`crate::Origin`].
    ///
    /// # Errors
    /// A sentence for the operator, e.g. that the address is in use.
    fn listen(&self, listener: &ListenerView) -> Result<(), String>;

    /// Stops accepting. Queues that came by it stay: [`Message::RemoveListener`] ends those.
    fn unlisten(&self, id: u32) -> Result<(), String>;

    /// What each core did, for `nvmf_get_stats`; the order is that of [`homes`](Self::homes).
    fn stats(&self) -> Vec<PollGroup>;

    /// Gives everything back: cores, memory, sockets. The cores were drained, or did not answer in time.
    fn stop(&self);
}

/// One core of one transport in `nvmf_get_stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollGroup {
    /// The core's name, e.g. `reactor_0`: groups of several transports with one name are shown as one.
    pub name: String,
    /// Admin queues that ever connected.
    pub admin_qpairs: u64,
    /// I/O queues that ever connected.
    pub io_qpairs: u64,
    /// Admin queues now.
    pub current_admin_qpairs: u64,
    /// I/O queues now.
    pub current_io_qpairs: u64,
    /// Transport connections that have not sent Connect yet.
    pub current_unassociated_qpairs: u64,
    /// Commands that are with a block device now.
    pub pending_bdev_io: u64,
    /// Commands that were completed.
    pub completed_nvme_io: u64,
    /// What only this transport counts, e.g. `pending_data_buffer`.
    pub more: Map<String, Value>,
}
