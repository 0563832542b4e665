//! A virtual adapter on a core.

use super::device::Device;
use crate::resident::Job;
use reactor::{Poller, Wake};
use ring::{Mailbox, Tick};
use std::os::fd::BorrowedFd;

pub(crate) struct HbaPoller {
    name: String,
    device: Device,
    jobs: Mailbox<Job<Device>>,
}

impl HbaPoller {
    pub(crate) fn new(name: &str, device: Device, jobs: Mailbox<Job<Device>>) -> Self {
        Self { name: format!("hba_{name}"), device, jobs }
    }
}

impl Poller for HbaPoller {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Tick) -> usize {
        let mut done = 0;
        while let Some(job) = self.jobs.next() {
            job(&mut self.device, now);
            done += 1;
        }
        done + self.device.poll(now)
    }

    /// What comes by the socket is seen at the descriptor; what the switch puts into the link's ring is seen by the model, and the
    /// switch wakes this core then.
    fn wake(&mut self) -> Wake {
        if !self.jobs.is_empty() || self.device.is_pending() {
            return Wake::Ready;
        }
        self.device.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.device.fd())
    }
}
