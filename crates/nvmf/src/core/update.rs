//! What the control plane changes: subsystems, listeners, the discovery log; and the report of what is here.

use super::aer::Kind;
use super::nvm_command::Nvm;
use super::queue::{Queue, Role};
use super::subsystem::Opened;
use crate::message::{ControllerReport, CoreReport, QueueReport};
use crate::view::{ReferralView, SubsystemView};
use ring::Tag;
use std::sync::Arc;
use wire::limits::{CHANGED_NS_OVERFLOW, NS_LIST_MAX};

impl Nvm {
    /// Puts a new copy of a subsystem in place. Returns the devices that nothing uses any more.
    pub(crate) fn replace(&mut self, view: &Arc<SubsystemView>, opened: &[Opened<'_>]) -> Vec<Tag> {
        let (place, change) = self.subsystems.replace(view, opened);
        if !change.nsids.is_empty() {
            self.namespaces_changed(place, &change.nsids);
        }
        self.end_unwelcome(place);
        change.gone
    }

    fn namespaces_changed(&mut self, place: u32, nsids: &[u32]) {
        for tag in self.controllers.which(|c| c.subsystem == place && !c.discovery) {
            let Some(controller) = self.controllers.get_mut(tag) else { continue };
            controller.changed.extend(nsids);
            if controller.changed.len() > NS_LIST_MAX {
                controller.changed = [CHANGED_NS_OVERFLOW].into();
            }
            controller.untold = true;
        }
    }

    /// All cores have the new copy of a subsystem.
    pub(crate) fn tell_hosts(&mut self, id: u32) {
        for tag in self.controllers.which(|c| c.subsystem_id == id && c.untold) {
            if let Some(controller) = self.controllers.get_mut(tag) {
                controller.untold = false;
                controller.events.raise(Kind::Namespaces, controller.values.events);
            }
            self.report_events(tag);
        }
    }

    /// Ends what may not be there any more: controllers of hosts that were taken off the list, and what came by a
    /// listener at which the subsystem is not offered any more.
    fn end_unwelcome(&mut self, place: u32) {
        let Some(subsystem) = self.subsystems.get(place) else { return };
        let unwelcome = |c: &super::controller::Controller| {
            c.subsystem == place && !c.ending && !(subsystem.allows(&c.hostnqn) && subsystem.is_at(c.listener))
        };
        let queue_unwelcome =
            |q: &Queue| q.is_connected() && q.subsystem == place && !subsystem.is_at(q.origin.listener);
        let (controllers, queues) = (self.controllers.which(unwelcome), self.queues_which(queue_unwelcome));
        controllers.into_iter().for_each(|tag| self.end_controller(tag));
        queues.into_iter().for_each(|queue| self.close_queue(queue));
    }

    fn queues_which(&self, wanted: impl Fn(&Queue) -> bool) -> Vec<u32> {
        self.queues.iter().filter(|(_, q)| wanted(q)).map(|(number, _)| number).collect()
    }

    /// Begins to remove a subsystem. Returns its devices.
    pub(crate) fn start_removing(&mut self, id: u32) -> Vec<Tag> {
        let Some((place, _)) = self.subsystems.by_id(id) else { return Vec::new() };
        let targets = self.subsystems.start_removing(place);
        for tag in self.controllers.which(|c| c.subsystem == place && !c.ending) {
            self.end_controller(tag);
        }
        let queues = self.queues_which(|q| q.is_connected() && q.subsystem == place);
        queues.into_iter().for_each(|queue| self.close_queue(queue));
        targets
    }

    /// Whether a subsystem that is being removed is gone; forgets it then.
    pub(crate) fn is_removed(&mut self, id: u32) -> bool {
        let Some((place, subsystem)) = self.subsystems.by_id(id) else { return true };
        if !subsystem.going {
            // It was put back meanwhile.
            return true;
        }
        let used = self.controllers.iter().any(|(_, c)| c.subsystem == place)
            || self.queues.iter().any(|(_, q)| q.is_connected() && q.subsystem == place)
            || self.connecting.iter().any(|(_, c)| c.subsystem == place);
        if !used {
            self.subsystems.remove(place);
        }
        !used
    }

    /// Ends the queues that came by a listener.
    pub(crate) fn close_listener(&mut self, id: u32) {
        let queues = self.queues_which(|q| q.origin.listener == id);
        queues.into_iter().for_each(|queue| self.close_queue(queue));
    }

    /// Whether no queue is left that came by a listener.
    pub(crate) fn is_listener_closed(&self, id: u32) -> bool {
        self.queues.iter().all(|(_, q)| q.origin.listener != id)
    }

    /// Ends all queues, and those that come from now on.
    /// No more hosts and queues; returns the queues that there are.
    pub(crate) fn start_draining(&mut self) -> Vec<u32> {
        self.draining = true;
        self.queues_which(|_| true)
    }

    /// Tells all hosts by the end of their queues.
    pub(crate) fn close_all(&mut self) {
        let queues = self.queues_which(|_| true);
        queues.into_iter().for_each(|queue| self.close_queue(queue));
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.queues.len() == 0
    }

    /// The discovery log changed.
    pub(crate) fn discovery_changed(&mut self, generation: u64, referrals: Arc<[ReferralView]>) {
        (self.generation, self.referrals) = (generation, referrals);
        for tag in self.controllers.which(|c| c.discovery) {
            if let Some(controller) = self.controllers.get_mut(tag) {
                controller.events.raise(Kind::Discovery, controller.values.events);
            }
            self.report_events(tag);
        }
    }

    /// What is here.
    pub(crate) fn report(&self) -> CoreReport {
        let controllers = self.controllers.iter().map(|(_, c)| ControllerReport {
            subsystem: c.subsystem_id,
            cntlid: c.cntlid,
            hostnqn: c.hostnqn.clone(),
            hostid: c.hostid,
            num_io_qpairs: c.attached.len() as u32,
        });
        let queues = self.queues.iter().map(|(_, q)| QueueReport {
            subsystem: q.is_connected().then(|| self.subsystems.get(q.subsystem).map(|s| s.view.id)).flatten(),
            cntlid: q.cntlid,
            qid: q.qid,
            listener: q.origin.listener,
            peer: q.origin.peer.to_string(),
            connected: matches!(q.role, Role::Admin(_) | Role::Io),
        });
        CoreReport { controllers: controllers.collect(), queues: queues.collect() }
    }
}
