//! [`Nvm`]: what a core knows, and its face to the exchange machine.

use super::abort::Aborts;
use super::connect::Connecting;
use super::controller::Controllers;
use super::error_log;
use super::machine::Config;
use super::nvm;
use super::orders::Todo;
use super::queue::{Queues, Role};
use super::reply::{Verdict, completion, plan_of};
use super::sgl::Pointers;
use super::status::of_outcome;
use super::subsystem::Subsystems;
use crate::view::ReferralView;
use crate::{Capsule, Completion, Origin, Peer};
use exchange::{CommandSet, Order, Outcome, Plan, Step};
use reactor::RateLimit;
use ring::{Slots, Tag, Tick};
use std::collections::VecDeque;
use std::sync::Arc;
use wire::limits::TCP_ADMIN_IN_CAPSULE_BYTES;
use wire::nvme::{FABRICS_OPCODE, Sqe, Status};

/// The limits that follow from the transport's options and the core's buffers.
pub(crate) struct Limits {
    pub config: Config,
    /// MDTS: pages of 4,096 bytes, as a power of two.
    pub mdts: u8,
    /// The same in bytes.
    pub max_data: u32,
    pub pointers: Pointers,
}

/// The NVMe-oF command set of one core.
///
/// Planning and wording the reply of an I/O command allocates nothing; all else may.
pub struct Nvm {
    pub(crate) limits: Limits,
    pub(crate) now: Tick,
    pub(crate) queues: Queues,
    pub(crate) subsystems: Subsystems,
    pub(crate) controllers: Controllers,
    /// I/O queues whose controller's home was asked.
    pub(crate) connecting: Slots<Connecting>,
    pub(crate) aborts: Aborts,
    /// What the machine is to do.
    pub(crate) todo: VecDeque<Todo>,
    /// Messages to other homes, not sent yet.
    pub(crate) post: VecDeque<(usize, Peer)>,
    /// Generation counter of the discovery log.
    pub(crate) generation: u64,
    /// Discovery services elsewhere.
    pub(crate) referrals: Arc<[ReferralView]>,
    /// All queues are being ended.
    pub(crate) draining: bool,
    /// What a peer can have us log at will.
    pub(crate) complaints: RateLimit,
    pub(crate) notices: RateLimit,
}

impl Nvm {
    /// An empty target; `largest_data` is what the core's largest buffer holds.
    ///
    /// # Panics
    /// When that is less than the data of an admin command, or the transport's depths make no queue.
    pub fn new(config: Config, largest_data: u32) -> Self {
        assert!(largest_data >= TCP_ADMIN_IN_CAPSULE_BYTES, "a buffer holds the data of a Connect");
        assert!(config.transport.max_queue_depth >= 2 && config.homes > 0, "queues have two entries or more");
        let pages = (config.transport.max_io_size.min(largest_data) / 4096).max(1);
        let mdts = pages.ilog2() as u8;
        let pointers = Pointers::new(config.transport.trtype);
        Self {
            limits: Limits { config, mdts, max_data: 4096 << mdts, pointers },
            now: 0,
            queues: Queues::default(),
            subsystems: Subsystems::default(),
            controllers: Controllers::default(),
            connecting: Slots::new(0),
            aborts: Aborts::default(),
            todo: VecDeque::with_capacity(64),
            post: VecDeque::with_capacity(128),
            generation: 0,
            referrals: Arc::new([]),
            draining: false,
            complaints: RateLimit::default(),
            notices: RateLimit::default(),
        }
    }

    /// Words the completion of a command, and counts its entry as used up.
    #[inline]
    pub(crate) fn complete(&mut self, queue: u32, cid: u16, status: Status, value: u64) -> Completion {
        completion(cid, status, value, self.queues.at(queue).next_sqhd())
    }

    fn plan_io(&mut self, capsule: &Capsule, sqe: &Sqe, place: u32) -> Plan<Completion> {
        match nvm::plan(&self.limits, self.subsystems.get(place), sqe, capsule.inline) {
            Ok(Some(plan)) => plan,
            Ok(None) => Plan::Reply(self.complete(capsule.queue, sqe.cid.get(), Status::SUCCESS, 0)),
            Err(status) => Plan::Reply(self.fail(capsule, sqe, status.with_dnr(), 0)),
        }
    }

    #[cold]
    fn plan_control(&mut self, tag: Tag, capsule: &Capsule, sqe: &Sqe) -> Plan<Completion> {
        let verdict = match self.queues.at(capsule.queue).role {
            _ if sqe.opcode == FABRICS_OPCODE => self.plan_fabrics(tag, capsule, sqe),
            Role::Admin(controller) => self.plan_admin(tag, capsule, sqe, controller),
            _ => Err(Status::COMMAND_SEQUENCE_ERROR.into()),
        };
        self.follow(capsule, sqe, verdict)
    }

    fn follow(&mut self, capsule: &Capsule, sqe: &Sqe, verdict: Verdict) -> Plan<Completion> {
        let step = match verdict {
            Ok(step) => step,
            Err(fail) => return Plan::Reply(self.fail(capsule, sqe, fail.status, fail.dw0)),
        };
        let value = if let super::reply::Step::Done(value) = step { value } else { 0 };
        plan_of(step)
            .unwrap_or_else(|| Plan::Reply(self.complete(capsule.queue, sqe.cid.get(), Status::SUCCESS, value)))
    }

    /// Words the completion of a command that failed, and notes it in the controller's error log.
    #[cold]
    pub(crate) fn fail(&mut self, capsule: &Capsule, sqe: &Sqe, status: Status, dw0: u32) -> Completion {
        let queue = *self.queues.at(capsule.queue);
        let entry = error_log::entry(queue.qid, sqe, status);
        match queue.role {
            Role::Admin(controller) => {
                if let Some(controller) = self.controllers.get_mut(controller) {
                    controller.errors.add(entry);
                }
            }
            Role::Io => self.note_error(&queue, entry),
            Role::Fresh | Role::Connecting => {}
        }
        self.complete(capsule.queue, sqe.cid.get(), status, dw0.into())
    }
}

/// The submission queue entry in a capsule.
#[inline]
pub(crate) fn sqe_of(capsule: &Capsule) -> &Sqe {
    wire::zerocopy::transmute_ref!(&capsule.sqe)
}

impl CommandSet for Nvm {
    type Command = Capsule;
    type Reply = Completion;
    type Origin = Origin;

    #[inline]
    fn plan(&mut self, tag: Tag, capsule: &Capsule, now: Tick) -> Plan<Completion> {
        self.now = now;
        let sqe = sqe_of(capsule);
        let queue = self.queues.at(capsule.queue);
        if queue.role == Role::Io && sqe.opcode != FABRICS_OPCODE {
            let place = queue.subsystem;
            return self.plan_io(capsule, sqe, place);
        }
        self.plan_control(tag, capsule, sqe)
    }

    fn answer(&mut self, _tag: Tag, capsule: &Capsule, data: &mut [u8]) -> Completion {
        let sqe = sqe_of(capsule);
        data.fill(0);
        match self.answer_admin(capsule, sqe, data) {
            Ok(value) => self.complete(capsule.queue, sqe.cid.get(), Status::SUCCESS, value),
            Err(fail) => self.fail(capsule, sqe, fail.status, fail.dw0),
        }
    }

    fn taken(&mut self, tag: Tag, capsule: &Capsule, data: &mut [u8], now: Tick) -> Plan<Completion> {
        self.now = now;
        let sqe = sqe_of(capsule);
        let queue = self.queues.at(capsule.queue);
        if queue.role != Role::Io || sqe.opcode == FABRICS_OPCODE {
            let verdict = self.connect(tag, capsule, sqe, data);
            return self.follow(capsule, sqe, verdict);
        }
        let place = queue.subsystem;
        match nvm::plan_ranges(self.subsystems.get(place), sqe, data) {
            Ok(Some(plan)) => plan,
            Ok(None) => Plan::Reply(self.complete(capsule.queue, sqe.cid.get(), Status::SUCCESS, 0)),
            Err(status) => Plan::Reply(self.fail(capsule, sqe, status.with_dnr(), 0)),
        }
    }

    fn step(
        &mut self,
        _tag: Tag,
        capsule: &Capsule,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<bdev::Status>,
    ) -> Step<Completion> {
        let sqe = sqe_of(capsule);
        let subsystem = self.subsystems.get(self.queues.at(capsule.queue).subsystem);
        let step = nvm::step_compare(subsystem, sqe, (taken, scratch), last);
        step.unwrap_or_else(|status| Step::Reply(self.fail(capsule, sqe, status.with_dnr(), 0)))
    }

    #[inline]
    fn reply(&mut self, _tag: Tag, capsule: &Capsule, outcome: Outcome) -> Completion {
        let sqe = sqe_of(capsule);
        let status = of_outcome(outcome);
        if !status.is_success() && outcome != Outcome::Aborted {
            return self.fail(capsule, sqe, status, 0);
        }
        self.complete(capsule.queue, sqe.cid.get(), status, 0)
    }

    fn unpark(&mut self, tag: Tag) {
        self.controllers.forget_event_request(tag);
    }

    fn id(&self, capsule: &Capsule) -> u32 {
        u32::from(sqe_of(capsule).cid.get())
    }

    fn abort_ended(&mut self, token: u64, aborted: bool) {
        self.on_abort_ended(token, aborted);
    }

    fn opened(&mut self, queue: u32, origin: Origin, now: Tick) {
        self.queues.open(queue, origin, now);
        if self.draining {
            self.close_queue(queue);
        }
    }

    fn closed(&mut self, queue: u32) {
        self.on_queue_gone(queue);
    }

    #[inline]
    fn turn(&mut self, now: Tick) {
        self.now = now;
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.on_deadline(now);
        }
    }

    #[inline]
    fn next_order(&mut self) -> Option<Order<Completion>> {
        if self.todo.is_empty() {
            return None;
        }
        self.word_order()
    }

    fn deadline(&self) -> Option<Tick> {
        self.queues.deadline().into_iter().chain(self.controllers.deadline()).min()
    }
}
