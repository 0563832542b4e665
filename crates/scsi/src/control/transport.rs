//! What the control plane needs of a transport that carries SCSI.

use crate::message::Message;
use crate::view::PortView;
use ring::Sender;
use std::net::SocketAddr;

/// An IP portal that is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Portal group tag.
    pub group: u16,
    /// Where.
    pub address: SocketAddr,
}

/// A transport: its homes (one a core that it uses), and the ports of ours that it serves.
///
/// Called on control threads only, never two at a time of those that change something.
pub trait Transport: Send + Sync {
    /// What people call it: `FCP`.
    fn name(&self) -> &'static str;

    /// The mailboxes of its homes, by home number. All are live until [`stop`](Self::stop).
    fn homes(&self) -> &[Sender<Message>];

    /// These are all ports that portal groups name, whether they are there or not and whosever they are: serves those of its
    /// own kind, now and when they come, and no others any more.
    ///
    /// # Errors
    /// A sentence for the operator: a port that is there cannot be served. Those that can are.
    fn offer(&self, ports: &[PortView]) -> Result<(), String>;

    /// These are all IP portals: a transport on IP listens there and nowhere else any more.
    ///
    /// # Errors
    /// A sentence for the operator: it cannot listen at one. It does at those where it can.
    fn listen(&self, portals: &[Listener]) -> Result<(), String> {
        let _ = portals;
        Ok(())
    }

    /// The target device of that name is gone: ends its sessions in an orderly way, not waiting for them.
    fn removed(&self, node: &str) {
        let _ = node;
    }

    /// Gives everything back: ports, cores, memory. The cores were drained, or did not answer in time.
    fn stop(&self);
}
