//! What a core runs each turn for FCP.

use crate::port::{FcpPort, NewLane};
use os::{Epoll, Interest};
use reactor::{Poller, Wake};
use ring::{Mailbox, Tick};
use scsi::Core;
use std::os::fd::BorrowedFd;
use std::sync::mpsc::SyncSender;

/// What the control side wants of a core.
#[expect(clippy::large_enum_variant, reason = "few are under way, one for each port that comes or goes")]
pub enum Order {
    /// Serve this lane.
    Adopt(NewLane),
    /// Give up the lane of that number; answered when it is dropped.
    Release {
        /// Which.
        number: u32,
        /// The answer.
        done: SyncSender<()>,
    },
}

/// One core's lanes.
pub struct CorePoller {
    core: Core<FcpPort>,
    orders: Mailbox<Order>,
    /// Lanes that are wanted back.
    releasing: Vec<(u32, SyncSender<()>)>,
    epoll: Epoll,
}

impl CorePoller {
    /// Joins the command set's core with the way on which lanes come.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(core: Core<FcpPort>, orders: Mailbox<Order>) -> std::io::Result<Self> {
        Ok(Self { core, orders, releasing: Vec::new(), epoll: Epoll::new()? })
    }

    fn take_orders(&mut self) -> usize {
        let mut work = 0;
        while let Some(order) = self.orders.next() {
            work += 1;
            match order {
                Order::Adopt(lane) => self.core.port_mut().adopt(lane),
                Order::Release { number, done } => {
                    self.core.port_mut().release(number);
                    self.releasing.push((number, done));
                }
            }
        }
        work
    }

    fn drop_released(&mut self) {
        let port = self.core.port_mut();
        self.releasing.retain(|(number, done)| {
            let gone = port.drop_released(*number);
            if gone {
                // Who asked may have given up waiting.
                let _ = done.try_send(());
            }
            !gone
        });
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
        "fcp"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let work = self.take_orders() + self.core.poll(now);
        if !self.releasing.is_empty() {
            self.drop_released();
        }
        if self.core.has_new_fds() {
            self.watch_devices();
        }
        work
    }

    fn wake(&mut self) -> Wake {
        if !self.orders.is_empty() || self.core.port().is_pending() {
            return Wake::Ready;
        }
        self.core.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.fd())
    }
}
