//! What a core runs each turn for FC-NVMe.

use crate::FcNvmePort;
use nvmf::Core;
use os::{Epoll, Interest};
use reactor::{Poller, Wake};
use ring::Tick;
use std::os::fd::BorrowedFd;

/// One core's connections. The fabric wakes it by the wakers that its queues were made with, devices by their descriptors.
pub struct CorePoller {
    core: Core<FcNvmePort>,
    epoll: Epoll,
}

impl CorePoller {
    /// For a command set's core.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(core: Core<FcNvmePort>) -> std::io::Result<Self> {
        Ok(Self { core, epoll: Epoll::new()? })
    }

    /// The core.
    pub fn core(&self) -> &Core<FcNvmePort> {
        &self.core
    }

    fn watch_devices(&mut self) {
        let epoll = &self.epoll;
        self.core.take_new_fds(|fd| {
            if let Err(error) = epoll.add(fd, 1, Interest::READ) {
                log::warn!("a device cannot wake a sleeping core: {error}");
            }
        });
    }
}

impl Poller for CorePoller {
    fn name(&self) -> &str {
        "nvmf_fc"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let work = self.core.poll(now);
        if self.core.has_new_fds() {
            self.watch_devices();
        }
        work
    }

    fn wake(&mut self) -> Wake {
        if self.core.port().is_pending() {
            return Wake::Ready;
        }
        self.core.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.fd())
    }
}
