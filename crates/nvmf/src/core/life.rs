//! How controllers and queues end: reset, shutdown, a lost admin queue, a silent host.

use super::controller::Attached;
use super::nvm_command::Nvm;
use super::orders::Todo;
use super::property::VERSION;
use super::queue::Role;
use super::reply::Fail;
use crate::Peer;
use reactor::log_limited;
use ring::{Tag, Tick};
use wire::nvme::{Csts, Status};

const _: () = assert!(VERSION.0 >= 0x0002_0000, "CRTO and CRMS are reported");

impl Nvm {
    /// CC.EN went to 0: ends the I/O queues everywhere; CSTS.RDY falls when the last is gone.
    pub(crate) fn reset(&mut self, tag: Tag) {
        self.end_events(tag);
        let discovery = self.controllers.get(tag).is_some_and(|c| c.discovery);
        let all = self.limits.config.transport.max_io_qpairs_per_ctrlr;
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        controller.values = super::feature_values::Values::new(super::connect::offered_events(discovery));
        controller.changed.clear();
        controller.granted = if discovery { 0 } else { all };
        self.close_attached(tag);
        self.settle(tag);
    }

    /// CC.SHN was set: ends the I/O queues everywhere; CSTS.SHST says when the last is gone.
    pub(crate) fn shut_down(&mut self, tag: Tag) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        controller.csts = controller.csts.with_shst(Csts::SHST_OCCURRING);
        self.close_attached(tag);
        self.settle(tag);
    }

    /// The controller ends: its queues do, on all cores.
    pub(crate) fn end_controller(&mut self, tag: Tag) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        controller.ending = true;
        let queue = controller.queue;
        if !controller.headless {
            self.close_queue(queue);
        }
        self.close_attached(tag);
        self.settle(tag);
    }

    /// Does what was waiting for the last I/O queue to be gone.
    pub(crate) fn settle(&mut self, tag: Tag) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        if !controller.attached.is_empty() {
            return;
        }
        if controller.headless {
            self.controllers.remove(tag);
            return;
        }
        if !controller.cc.en() {
            controller.csts = Csts::default();
        }
        if controller.cc.shn() != 0 {
            controller.csts = controller.csts.with_shst(Csts::SHST_COMPLETE);
        }
    }

    fn close_attached(&mut self, tag: Tag) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        let (cntlid, subsystem) = (controller.cntlid, controller.subsystem_id);
        let open = |a: &mut Attached| (!std::mem::replace(&mut a.closing, true)).then_some(*a);
        let queues: Vec<Attached> = controller.attached.iter_mut().filter_map(open).collect();
        for Attached { home, queue, qid, .. } in queues {
            self.tell(home, Peer::CloseQueue { queue, cntlid, subsystem, qid });
        }
    }

    /// Ends the event requests that wait.
    fn end_events(&mut self, tag: Tag) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        let (queue, waiting) = (controller.queue, controller.events.reset());
        for (tag, cid) in waiting {
            let result = Err(Fail::retry(Status::ABORTED_BY_REQUEST));
            self.todo.push_back(Todo::Answer { queue, tag, cid, result });
        }
    }

    /// A queue of this core is gone; none of its commands is open.
    pub(crate) fn on_queue_gone(&mut self, queue: u32) {
        let gone = self.queues.close(queue);
        match gone.role {
            Role::Fresh => {}
            Role::Connecting => unreachable!("its Connect was open"),
            Role::Io => self.tell_detached(&gone),
            Role::Admin(tag) => {
                let Some(controller) = self.controllers.get_mut(tag) else { return };
                (controller.ending, controller.headless) = (true, true);
                self.close_attached(tag);
                self.settle(tag);
            }
        }
    }

    /// Some time limit is up.
    #[cold]
    pub(crate) fn on_deadline(&mut self, now: Tick) {
        while let Some(queue) = self.queues.next_overdue(now) {
            let peer = self.queues.at(queue).origin.peer;
            log_limited!(self.complaints, now, warn, "{peer}: no Connect within 10 s, the connection is closed");
            self.close_queue(queue);
        }
        for tag in self.controllers.silent(now) {
            self.give_up(tag, now);
        }
    }

    /// The keep-alive timer of a controller is up (NVMe Base 2.0c 3.9).
    fn give_up(&mut self, tag: Tag, now: Tick) {
        let Some(controller) = self.controllers.get_mut(tag) else { return };
        controller.csts = controller.csts.with_cfs(true);
        let (cntlid, timeout, host) = (controller.cntlid, controller.alive.timeout_ms, controller.hostnqn.clone());
        log_limited!(
            self.complaints,
            now,
            warn,
            "controller {cntlid} of host {host:?}: silent for {timeout} ms, its queues are closed"
        );
        self.end_controller(tag);
    }
}
