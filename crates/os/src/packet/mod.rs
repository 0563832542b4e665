//! Ethernet frames of an interface by memory that the kernel and we share (packet(7), TPACKET_V2).
//!
//! Version 2 and not 3: version 3 hands received frames over by blocks, after a millisecond at the soonest.
mod ring;
mod setup;

use crate::interface::{Interface, interface};
use ring::Rings;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Longest frame, its Ethernet header included, that a slot holds.
pub const PACKET_BYTES: usize = ring::SLOT - ring::RX_RESERVE;

/// A socket for whole Ethernet frames of a few EtherTypes, untagged ones, of one interface. Needs CAP_NET_RAW.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
    name: String,
    index: i32,
    rings: Rings,
    /// Frames that were given to the kernel's ring but that it has not been asked to send, or would not yet.
    unsent: bool,
}

impl PacketSocket {
    /// Opens one on the interface `name`, for frames of these EtherTypes that come in, with a ring of `slots` frames each way.
    ///
    /// # Errors
    /// There is no such interface, it is no Ethernet, no permission, or no memory for the rings.
    pub fn open(name: &str, ethertypes: &[u16], slots: usize) -> io::Result<Self> {
        let fd = setup::socket()?;
        let index = interface(&fd, name)?.index;
        setup::filter(&fd, ethertypes)?;
        let rings = Rings::new(&fd, slots)?;
        setup::bind(&fd, index)?;
        Ok(Self { fd, name: name.to_owned(), index, rings, unsent: false })
    }

    /// Lets frames to this address in: a group's or a further one of our own. Ends with the socket.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn join(&self, mac: [u8; 6]) -> io::Result<()> {
        setup::membership(&self.fd, self.index, mac, libc::PACKET_ADD_MEMBERSHIP)
    }

    /// Ends what [`join`](Self::join) began.
    ///
    /// # Errors
    /// What the kernel says. It says nothing of one that was not joined.
    pub fn leave(&self, mac: [u8; 6]) -> io::Result<()> {
        setup::membership(&self.fd, self.index, mac, libc::PACKET_DROP_MEMBERSHIP)
    }

    /// The interface as it is now.
    ///
    /// # Errors
    /// It is gone.
    pub fn interface(&self) -> io::Result<Interface> {
        interface(&self.fd, &self.name)
    }

    /// Shows the next received frame, from its Ethernet header on.
    #[inline]
    pub fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.rings.receive(see)
    }

    /// Whether a frame waits to be received, or one to be sent.
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.unsent || self.rings.is_readable()
    }

    /// How many frames can be sent now.
    #[inline]
    pub fn room(&mut self) -> usize {
        self.rings.room()
    }

    /// Lets `fill` write a frame, from its Ethernet header on, into at least [`PACKET_BYTES`] bytes and say how long it is. It goes out with the
    /// next [`flush`](Self::flush). Without room nothing is called, and `false`.
    #[inline]
    pub fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool {
        let sent = self.rings.send(fill);
        self.unsent |= sent;
        sent
    }

    /// Has the kernel send what was written. What it cannot take yet goes with the next call.
    pub fn flush(&mut self) {
        if self.unsent {
            // SAFETY: no bytes are named; the kernel takes the frames from the ring that it shares with us.
            let n = unsafe { libc::send(self.fd.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT) };
            // An interface that is down keeps its frames in the ring: no use to ask again and again; who sends next asks again.
            let busy = || {
                let error = io::Error::last_os_error().raw_os_error();
                matches!(error, Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR))
            };
            self.unsent = n < 0 && busy();
        }
    }

    /// Frames that the kernel dropped because the ring was full, since the last call.
    pub fn take_drops(&self) -> u32 {
        setup::drops(&self.fd)
    }

    /// For an [`crate::Epoll`]: readable when a frame has come.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
