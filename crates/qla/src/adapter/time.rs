//! What is due by time: IOCBs that are late, logins that wait, steps to try again, signs of life.

use super::Adapter;
use super::jobs::Job;
use crate::chip::Fault;

/// A full request queue of which nothing is taken for so long is stuck.
const STUCK: u64 = 10_000_000_000;

impl Adapter {
    /// Looks at all of it.
    pub(super) fn time(&mut self) {
        if !self.stage.is_initialized() {
            return;
        }
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
        for vp in self.vps() {
            if self.port(vp).and_then(|port| port.retry_at).is_some_and(|at| at <= self.now) {
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
