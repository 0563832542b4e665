//! A network interface of this machine.

use super::{Ether, Status};
use os::PacketSocket;
use std::io;
use std::os::fd::BorrowedFd;
use wire::fcoe::Mac;

/// Frames in each ring to the kernel.
const SLOTS: usize = 1024;

/// A network interface by a packet socket. Needs CAP_NET_RAW.
pub struct Nic {
    socket: PacketSocket,
    name: String,
    last: Status,
}

impl Nic {
    /// Opens the interface.
    ///
    /// # Errors
    /// There is none of that name, it is no Ethernet, or no permission.
    pub fn open(name: &str) -> io::Result<Self> {
        let socket = PacketSocket::open(name, &[wire::fcoe::ETHERTYPE, wire::fip::ETHERTYPE], SLOTS)?;
        let interface = socket.interface()?;
        let last = Status { mac: Mac(interface.mac), mtu: interface.mtu as usize, up: interface.up };
        Ok(Self { socket, name: name.to_owned(), last })
    }
}

impl Ether for Nic {
    #[inline]
    fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.socket.receive(see)
    }

    #[inline]
    fn room(&mut self) -> usize {
        self.socket.room()
    }

    #[inline]
    fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool {
        self.socket.send(fill)
    }

    #[inline]
    fn flush(&mut self) {
        self.socket.flush();
    }

    #[inline]
    fn is_pending(&self) -> bool {
        self.socket.is_pending()
    }

    fn status(&mut self) -> Status {
        match self.socket.interface() {
            Ok(now) => self.last = Status { mac: Mac(now.mac), mtu: now.mtu as usize, up: now.up },
            Err(_) => self.last.up = false,
        }
        let drops = self.socket.take_drops();
        if drops > 0 {
            log::warn!("fcoe: {}: {drops} frames were lost for want of room in the receive ring", self.name);
        }
        self.last
    }

    fn join(&mut self, mac: Mac) {
        if let Err(error) = self.socket.join(mac.0) {
            log::warn!("fcoe: {} does not let frames to {mac} in: {error}", self.name);
        }
    }

    fn leave(&mut self, mac: Mac) {
        // An interface that is gone has forgotten it already.
        let _ = self.socket.leave(mac.0);
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.fd())
    }

    fn name(&self) -> &str {
        &self.name
    }
}
