//! What is due by time: IOCBs that are late, logins that wait, steps to try again, signs of life.

use super::Adapter;
use super::jobs::Job;
use crate::chip::Fault;

/// Between looks at what is due: nothing here is in more of a hurry.
const LOOK: u64 = 1_000_000;
/// A full request queue of which nothing is taken for so long is stuck.
const STUCK: u64 = 10_000_000_000;

impl Adapter {
    /// Looks at all of it.
    pub(super) fn time(&mut self) {
        if !self.stage.is_initialized() || self.now < self.next_time {
            return;
        }
        self.next_time = self.now + LOOK;
        if let Some(what) = self.pending.late(self.now).map(super::entries::What::describe) {
            self.lost(what);
        }
        if self.base.stuck_for(self.now) > STUCK {
            self.noted(Fault::RequestQueueStuck);
        }
        self.held();
        if self.early.iter().any(|early| early.until <= self.now) {
            self.early_commands();
        }
        for place in 0..self.ports.len() {
            let due = |port: &super::NPort| port.retry_at.is_some_and(|at| at <= self.now);
            if let Some(vp) = self.ports[place].as_ref().filter(|port| due(port)).map(|port| port.vp) {
                self.retry(vp);
            }
        }
        if self.look_at.is_some_and(|at| at <= self.now) {
            self.look_at_changes();
        }
        if self.now >= self.next_heartbeat {
            self.next_heartbeat = self.now + self.settings.timing.heartbeat;
            if self.jobs.is_idle() {
                self.jobs.push(Job::Heartbeat);
            }
        }
    }
}
