//! The loop.

use crate::handle::Shared;
use crate::timers::Timers;
use crate::{Clock, Handle, Idle, Poller, PollerId, PollerStats, Wake, Waker};
use os::{Epoll, Interest, Ready};
use ring::Tick;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How many jobs of the inbox and how many timers one turn runs at most.
const JOBS: usize = 32;

/// What is nearer than this is polled for: going to sleep and waking takes about as long.
const NEAR: Duration = Duration::from_micros(50);

/// How long a sleep on a clock that is moved by hand lasts at most.
const MANUAL: Duration = Duration::from_millis(1);

/// What a reactor is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The core it runs on; `None` in a test.
    pub core: Option<usize>,
    /// What it does without work.
    pub idle: Idle,
    /// Its clock; those of one process are clones of one.
    pub clock: Clock,
    /// How many spin-loop hints follow a turn in which nothing was done.
    pub pause: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { core: None, idle: Idle::Adaptive { spin: Duration::from_micros(200) }, clock: Clock::real(), pause: 40 }
    }
}

struct Entry {
    id: PollerId,
    poller: Box<dyn Poller>,
    stats: Arc<PollerStats>,
}

/// One core's loop.
pub struct Reactor {
    shared: Arc<Shared>,
    options: Options,
    epoll: Epoll,
    entries: Vec<Entry>,
    timers: Timers,
    next_id: u64,
    now: Tick,
    was_busy: bool,
    last_work: Tick,
}

impl Reactor {
    /// Makes a loop with no pollers.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(options.core, options.clock.clone())?);
        let epoll = Epoll::new()?;
        epoll.add(shared.event.fd(), 0, Interest::READ)?;
        let now = options.clock.now();
        let (entries, timers) = (Vec::new(), Timers::default());
        Ok(Self { shared, options, epoll, entries, timers, next_id: 0, now, was_busy: false, last_work: now })
    }

    /// Talks to this reactor from any thread.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Wakes this reactor from any thread.
    pub fn waker(&self) -> Waker {
        Waker(self.shared.clone())
    }

    /// The core it was made for.
    pub fn core(&self) -> Option<usize> {
        self.options.core
    }

    /// The time at which the present turn began.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// Has `poller` run once a turn from the next turn on, after those added before.
    ///
    /// # Panics
    /// When its descriptor cannot be waited for: it is closed, a plain file, or there already.
    pub fn add(&mut self, poller: Box<dyn Poller>) -> PollerId {
        let id = PollerId(self.next_id);
        self.next_id += 1;
        if let Some(fd) = poller.fd() {
            self.epoll.add(fd, 0, Interest::READ).expect("a poller's descriptor can be waited for");
        }
        let stats = Arc::new(PollerStats { name: poller.name().to_owned(), ..PollerStats::default() });
        self.shared.stats.pollers.lock().unwrap_or_else(PoisonError::into_inner).push((id, stats.clone()));
        self.entries.push(Entry { id, poller, stats });
        self.last_work = self.now;
        id
    }

    /// Takes a poller out and gives it back; `None` when it is not there.
    pub fn remove(&mut self, id: PollerId) -> Option<Box<dyn Poller>> {
        let at = self.entries.iter().position(|entry| entry.id == id)?;
        let Entry { poller, .. } = self.entries.remove(at);
        self.shared.stats.pollers.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != id);
        if let Some(fd) = poller.fd() {
            // Gone already if it was closed, which removes it as well.
            let _ = self.epoll.remove(fd);
        }
        Some(poller)
    }

    /// Has `job` run after `delay`, on this core.
    pub fn after(&mut self, delay: Duration, job: impl FnOnce(&mut Reactor) + 'static) {
        let at = self.now.saturating_add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
        self.timers.set(at, Box::new(job));
    }

    /// One round: inbox, timers, each poller once. Returns how many things were done.
    pub fn turn(&mut self) -> usize {
        self.begin_turn();
        let done = self.run_inbox() + self.run_timers() + self.run_pollers();
        self.was_busy = done > 0;
        if self.was_busy {
            self.last_work = self.now;
        }
        done
    }

    /// When it must turn again if nothing happens: what a simulation asks to move its clock.
    pub fn wake(&mut self) -> Wake {
        if !self.shared.inbox.is_empty() {
            return Wake::Ready;
        }
        let timers = self.timers.next().map_or(Wake::Event, Wake::At);
        self.entries.iter_mut().fold(timers, |wake, entry| wake.or(entry.poller.wake()))
    }

    /// Turns until [`Handle::stop`], sleeping in between as the idle policy says.
    pub fn run(&mut self) {
        self.shared.begin(nix::unistd::gettid().as_raw());
        while !self.shared.must_stop() {
            if self.turn() == 0 {
                self.rest();
            }
        }
        self.begin_turn();
    }

    /// How many timers are set.
    pub fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Reads the clock, once a turn, and books the time since the last turn as that turn was.
    fn begin_turn(&mut self) {
        let now = self.options.clock.now();
        let passed = now - self.now;
        let stats = &self.shared.stats;
        if self.was_busy {
            stats.busy.add(passed)
        } else {
            stats.idle.add(passed)
        }
        self.shared.booked.set(now);
        stats.turns.add(1);
        self.now = now;
    }

    fn run_inbox(&mut self) -> usize {
        let mut done = 0;
        while done < JOBS
            && let Some(job) = self.shared.inbox.pop()
        {
            job(self);
            done += 1;
        }
        if done > 0 {
            self.shared.stats.jobs.add(done as u64);
        }
        done
    }

    fn run_timers(&mut self) -> usize {
        let mut done = 0;
        while done < JOBS
            && let Some(job) = self.timers.due(self.now)
        {
            job(self);
            done += 1;
        }
        done
    }

    fn run_pollers(&mut self) -> usize {
        let mut done = 0;
        for entry in &mut self.entries {
            let here = entry.poller.poll(self.now);
            entry.stats.runs.add(1);
            if here > 0 {
                entry.stats.busy.add(1);
            }
            done += here;
        }
        done
    }

    fn rest(&mut self) {
        if self.options.idle.sleeps(self.last_work, self.now) {
            self.sleep();
        } else {
            (0..self.options.pause).for_each(|_| std::hint::spin_loop());
        }
    }

    /// Sleeps until a descriptor, the inbox or a deadline; not at all if there is work by then.
    fn sleep(&mut self) {
        self.shared.lie_down();
        if !self.shared.must_stop() {
            match self.wake() {
                Wake::Ready => {}
                Wake::Event => self.wait(None),
                Wake::At(at) => self.wait(Some(at)),
            }
        }
        self.shared.get_up();
    }

    fn wait(&mut self, until: Option<Tick>) {
        let left = until.map(|at| Duration::from_nanos(at.saturating_sub(self.options.clock.now())));
        let manual = self.options.clock.is_manual().then_some(MANUAL);
        let limit = manual.or(left);
        if limit.is_some_and(|limit| limit < NEAR) {
            return;
        }
        self.shared.stats.sleeps.add(1);
        self.epoll.wait(&mut [Ready::NONE], limit).expect("the epoll of a reactor is open");
        self.shared.event.drain();
    }
}

impl Drop for Reactor {
    /// Its pollers go first, the last added first; from then on nobody can call it.
    fn drop(&mut self) {
        while let Some(entry) = self.entries.pop() {
            drop(entry);
        }
        self.shared.end();
    }
}
