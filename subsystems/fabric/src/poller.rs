//! A switch on a core.

use crate::resident::Job;
use fabric::Switch;
use os::{Epoll, Interest};
use reactor::{Poller, Wake};
use ring::{Mailbox, Tick};
use std::os::fd::BorrowedFd;

pub(crate) struct SwitchPoller {
    switch: Switch,
    jobs: Mailbox<Job<Switch>>,
    /// The descriptors of its links and listeners.
    epoll: Epoll,
}

impl SwitchPoller {
    pub(crate) fn new(switch: Switch, jobs: Mailbox<Job<Switch>>) -> std::io::Result<Self> {
        Ok(Self { switch, jobs, epoll: Epoll::new()? })
    }

    /// Closed ones left by themselves, and those that are there already are refused: so all may be offered each time.
    fn watch(&self) {
        self.switch.fds().for_each(|fd| drop(self.epoll.add(fd, 0, Interest::READ)));
    }
}

impl Poller for SwitchPoller {
    fn name(&self) -> &str {
        "fabric"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let mut done = 0;
        while let Some(job) = self.jobs.next() {
            job(&mut self.switch, now);
            done += 1;
        }
        done += self.switch.poll(now);
        if self.switch.has_new_fds() {
            self.watch();
        }
        done
    }

    fn wake(&mut self) -> Wake {
        if !self.jobs.is_empty() || self.switch.is_pending() {
            return Wake::Ready;
        }
        self.switch.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.fd())
    }
}
