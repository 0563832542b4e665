//! One core's queue into a file.

use crate::errno;
use crate::job::{Call, Job, Means};
use crate::queue::Ring;
use bdev::{Channel, Done, Gone, Op, Status};
use dma::Data;
use os::Completion;
use ring::{Slots, Tag, Tick};
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

/// A sleeping core looks after this time at the latest, should the kernel have taken less than it was given for want of memory.
const LOOK_NS: Tick = 10_000_000;

/// What a device allows.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    pub write: bool,
    pub unmap: bool,
}

/// One core's queue: a ring, and what each operation has got to.
pub struct Queue<R> {
    ring: R,
    means: Means,
    allowed: Allowed,
    gone: Gone,
    jobs: Slots<Job>,
    /// Those for which the ring had no room yet.
    waiting: VecDeque<(Tag, Data)>,
    /// When to ring the bell unasked.
    look: Tick,
    /// Calls were queued since the bell.
    unsubmitted: bool,
    /// The ring said no, and that was logged.
    complained: bool,
}

impl<R: Ring> Queue<R> {
    pub fn new(ring: R, means: Means, allowed: Allowed, gone: Gone, depth: u32) -> Self {
        let (jobs, waiting) = (Slots::new(depth as usize), VecDeque::with_capacity(depth as usize));
        Self { ring, means, allowed, gone, jobs, waiting, look: 0, unsubmitted: false, complained: false }
    }

    fn refusal(&self, op: Op) -> Option<Status> {
        let writes = !matches!(op, Op::Read { .. } | Op::Flush | Op::Provisioning { .. });
        match op {
            _ if self.gone.is_set() => Some(Status::Removed),
            _ if writes && !self.allowed.write => Some(Status::ReadOnly),
            Op::Unmap { .. } if !self.allowed.unmap => Some(Status::Unsupported),
            // io_uring has no call that asks for holes, and one that may block is not made on a core.
            Op::Provisioning { .. } => Some(Status::Unsupported),
            _ => None,
        }
    }

    /// Makes the next call for a job, or ends it.
    fn go(&mut self, name: Tag, data: Data) -> Option<Done> {
        let job = self.jobs.get_mut(name).expect("a job is there until it ends");
        match job.call(&mut self.ring, &self.means, data, name.to_u64()) {
            Ok(()) => {
                self.unsubmitted = true;
                None
            }
            Err(data) => Some(self.end(name, Status::Ok, data)),
        }
    }

    fn end(&mut self, name: Tag, status: Status, data: Data) -> Done {
        let job = self.jobs.remove(name).expect("a job ends once");
        Done { tag: job.tag, status, data }
    }

    fn on_completion(&mut self, completion: Completion) -> Option<Done> {
        let Completion { token, result, data } = completion;
        let name = Tag::from_u64(token);
        let job = self.jobs.get_mut(name).expect("a job is there until it ends");
        // Clearing has no data of its own; what comes back with it are our zeroes.
        let data = if let Op::WriteZeroes { .. } = job.op { Data::empty() } else { data };
        let failure = match result {
            Ok(moved) => job.progress(moved as u32, self.means.shift).err(),
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR) if !job.cancelled => None,
                Some(libc::EINTR) => Some(Status::Aborted),
                Some(libc::EOPNOTSUPP) if clears(job) => {
                    self.means.allocates = false;
                    None
                }
                _ => Some(errno::status(&error, job.op)),
            },
        };
        if let Some(status) = failure {
            return Some(self.end(name, status, data));
        }
        self.on_step(name, data)
    }

    /// A call is over and went well: the next one, unless nobody wants it any more.
    fn on_step(&mut self, name: Tag, data: Data) -> Option<Done> {
        let job = self.jobs.get_mut(name).expect("a job is there until it ends");
        if job.cancelled && !job.is_over(data.len(), self.means.shift) {
            return Some(self.end(name, Status::Aborted, data));
        }
        self.go(name, data)
    }
}

fn clears(job: &Job) -> bool {
    matches!((job.op, job.call), (Op::WriteZeroes { .. }, Call::Allocate))
}

impl<R: Ring> Queue<R> {
    /// Makes room beyond the depth if it must: hosts may open more queues than the depth was meant for.
    fn name(&mut self, job: Job) -> Tag {
        self.jobs.insert(job).unwrap_or_else(|job| {
            self.jobs.grow(self.jobs.capacity() * 2);
            self.jobs.insert(job).unwrap_or_else(|_| unreachable!("the table was grown"))
        })
    }
}

impl<R: Ring> Channel for Queue<R> {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if let Some(status) = self.refusal(op) {
            return Some(Done { tag, status, data });
        }
        let name = self.name(Job::new(tag, op));
        if self.ring.room() == 0 || !self.waiting.is_empty() {
            self.waiting.push_back((name, data));
            return None;
        }
        self.go(name, data)
    }

    fn cancel(&mut self, tag: Tag) {
        let found = self.jobs.iter_mut().find(|(_, job)| job.tag == tag);
        if let Some((name, job)) = found {
            job.cancelled = true;
            self.ring.cancel(name.to_u64());
        }
    }

    fn reset(&mut self) {
        for (name, job) in self.jobs.iter_mut() {
            job.cancelled = true;
            self.ring.cancel(name.to_u64());
        }
    }

    fn turn(&mut self, now: Tick) {
        if now >= self.look {
            self.look = now + LOOK_NS;
            self.bell();
        }
    }

    fn next(&mut self) -> Option<Done> {
        loop {
            let done = if self.ring.room() > 0 && !self.waiting.is_empty() {
                let (name, data) = self.waiting.pop_front().expect("something waits");
                self.on_step(name, data)
            } else {
                match self.ring.next() {
                    Some(completion) => self.on_completion(completion),
                    None => break,
                }
            };
            if done.is_some() {
                return done;
            }
        }
        if self.unsubmitted {
            // Further calls of operations that take several; nobody rings for those.
            self.bell();
        }
        None
    }

    fn bell(&mut self) {
        self.unsubmitted = false;
        if let Err(error) = self.ring.submit()
            && !std::mem::replace(&mut self.complained, true)
        {
            log::error!(target: "bdev_uring", "io_uring took nothing, tried again each turn: {error}");
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.ring.fd()
    }

    fn deadline(&self) -> Option<Tick> {
        (!self.jobs.is_empty()).then_some(self.look)
    }
}
