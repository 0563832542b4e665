//! A core as other threads see it: they may send it jobs and wake it.

use crate::{Clock, Reactor, Stats};
use ::stats::Counter;
use crossbeam_queue::ArrayQueue;
use os::EventFd;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::ThreadId;
use std::time::Duration;

/// How many jobs an inbox holds.
pub const INBOX: usize = 1024;

/// How long [`Handle::call`] waits.
const CALL: Duration = Duration::from_secs(5);

pub(crate) type Job = Box<dyn FnOnce(&mut Reactor) + Send>;

pub(crate) struct Shared {
    pub(crate) core: Option<usize>,
    pub(crate) inbox: ArrayQueue<Job>,
    pub(crate) event: EventFd,
    sleeping: AtomicBool,
    stop: AtomicBool,
    gone: AtomicBool,
    thread: Mutex<Option<ThreadId>>,
    tid: AtomicI32,
    pub(crate) stats: Stats,
    clock: Clock,
    /// The time up to which busy and idle time are booked.
    pub(crate) booked: Counter,
}

impl Shared {
    pub(crate) fn new(core: Option<usize>, clock: Clock) -> std::io::Result<Self> {
        let booked = Counter::new();
        booked.set(clock.now());
        Ok(Self {
            core,
            clock,
            booked,
            inbox: ArrayQueue::new(INBOX),
            event: EventFd::new()?,
            sleeping: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            thread: Mutex::new(None),
            tid: AtomicI32::new(0),
            stats: Stats::default(),
        })
    }

    /// The core says that it will sleep. What it looks at after this is either there already or will wake it: the
    /// fence stands between the flag and the look, the one in [`Shared::wake`] between the work and the flag.
    pub(crate) fn lie_down(&self) {
        self.sleeping.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn get_up(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    fn wake(&self) {
        fence(Ordering::SeqCst);
        // The load keeps the flag's cache line shared while the core is awake; the swap makes one of several wakers signal.
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            self.event.signal();
        }
    }

    pub(crate) fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self, tid: i32) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        self.tid.store(tid, Ordering::Relaxed);
    }

    /// The loop is over: nobody will look into the inbox again.
    pub(crate) fn end(&self) {
        self.gone.store(true, Ordering::SeqCst);
        while self.inbox.pop().is_some() {}
    }
}

/// Wakes one core. Cheap while the core is awake: a fence and a load.
#[derive(Clone)]
pub struct Waker(pub(crate) Arc<Shared>);

impl Waker {
    /// Has the core look at all its pollers soon. Call it after the work has been put where the poller's
    /// [`crate::Poller::wake`] sees it.
    pub fn wake(&self) {
        self.0.wake();
    }
}

/// The inbox was full, or the core is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the core's inbox is full")
    }
}

impl std::error::Error for Full {}

/// Why [`Handle::call`] has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum CallError {
    /// The inbox is full: the core does not keep up, or hangs.
    Full,
    /// No answer in time. If it had not `started` it never will.
    Timeout {
        /// The core had begun with it.
        started: bool,
    },
    /// The core has stopped, or the call panicked.
    Gone,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the core's inbox is full",
            Self::Timeout { started: false } => "the core did not get to it in time",
            Self::Timeout { started: true } => "the core did not finish it in time",
            Self::Gone => "the core has stopped",
        })
    }
}

impl std::error::Error for CallError {}

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const WITHDRAWN: u8 = 2;

/// Talks to a reactor from any thread.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

impl Handle {
    /// The core that it is pinned to, if it is.
    pub fn core(&self) -> Option<usize> {
        self.0.core
    }

    /// The system's id of its thread; 0 before it runs.
    pub fn tid(&self) -> i32 {
        self.0.tid.load(Ordering::Relaxed)
    }

    /// Its busy and its idle time until now, in nanoseconds, the sleep that lasts included (which is booked when it ends).
    pub fn times(&self) -> (u64, u64) {
        let stats = &self.0.stats;
        let turns = stats.turns.get();
        let (busy, idle, booked) = (stats.busy.get(), stats.idle.get(), self.0.booked.get());
        let asleep = self.0.sleeping.load(Ordering::Acquire) && stats.turns.get() == turns;
        // One that is awake has booked all but its present turn.
        let rest = if asleep { self.0.clock.now().saturating_sub(booked) } else { 0 };
        (busy, idle + rest)
    }

    /// What it counts.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Something that wakes it, for [`ring::mailbox`].
    pub fn waker(&self) -> Waker {
        Waker(self.0.clone())
    }

    /// Whether its loop is over.
    pub fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::SeqCst)
    }

    /// Has `job` run on the core, soon, after those sent before.
    ///
    /// # Errors
    /// [`Full`] when the inbox is full or the core is gone; the job is dropped.
    pub fn send(&self, job: impl FnOnce(&mut Reactor) + Send + 'static) -> Result<(), Full> {
        if self.is_gone() {
            return Err(Full);
        }
        self.0.inbox.push(Box::new(job)).map_err(|_| Full)?;
        self.0.wake();
        if self.is_gone() {
            // It may have ended between the look and the push; then nobody else empties the inbox.
            self.0.end();
        }
        Ok(())
    }

    /// Runs `work` on the core and waits up to 5 seconds for what it returns. For control threads, never for a core.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Reactor) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        self.call_within(CALL, work)
    }

    /// As [`Handle::call`], with a limit of one's own.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_within<R: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Reactor) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        assert!(!self.is_here(), "a core must not wait for itself");
        let (answer, answered) = mpsc::sync_channel(1);
        let place = Arc::new(AtomicU8::new(WAITING));
        let theirs = place.clone();
        self.send(move |reactor| {
            if theirs.compare_exchange(WAITING, STARTED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                let _ = answer.send(work(reactor));
            }
        })
        .map_err(|Full| if self.is_gone() { CallError::Gone } else { CallError::Full })?;
        answered.recv_timeout(limit).map_err(|error| match error {
            mpsc::RecvTimeoutError::Disconnected => CallError::Gone,
            mpsc::RecvTimeoutError::Timeout => {
                let before = place.compare_exchange(WAITING, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire);
                CallError::Timeout { started: before.is_err() }
            }
        })
    }

    /// Ends the loop after its present turn.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.wake();
    }

    fn is_here(&self) -> bool {
        *self.0.thread.lock().unwrap_or_else(PoisonError::into_inner) == Some(std::thread::current().id())
    }
}
