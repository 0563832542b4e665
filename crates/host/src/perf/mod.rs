//! Load: random or sequential reads and writes at a fixed depth, measured.

mod report;
mod worker;

pub use report::{Latency, Report};

use crate::{Error, Options, Queue, Result, Volume, VolumeAddress};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use worker::{Shared, Worker};

/// What is read and written, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Sequential reads.
    Read,
    /// Sequential writes.
    Write,
    /// Sequential, some reads, some writes.
    Rw,
    /// Random reads.
    RandRead,
    /// Random writes.
    RandWrite,
    /// Random, some reads, some writes.
    RandRw,
}

impl Workload {
    fn random(self) -> bool {
        matches!(self, Workload::RandRead | Workload::RandWrite | Workload::RandRw)
    }

    /// Percentage of reads, where `mix` is that of a mixed workload.
    fn reads(self, mix: u8) -> u8 {
        match self {
            Workload::Read | Workload::RandRead => 100,
            Workload::Write | Workload::RandWrite => 0,
            Workload::Rw | Workload::RandRw => mix.min(100),
        }
    }

    /// Whether it changes data.
    pub fn writes(self) -> bool {
        !matches!(self, Workload::Read | Workload::RandRead)
    }
}

/// A load.
#[derive(Debug, Clone)]
pub struct Job {
    /// What to do.
    pub workload: Workload,
    /// Percentage of reads of a mixed workload.
    pub mix: u8,
    /// Commands outstanding on each queue.
    pub depth: u16,
    /// Queues.
    pub queues: u16,
    /// Bytes of a command: a multiple of the block size.
    pub io_bytes: u32,
    /// How long to measure.
    pub time: Duration,
    /// How long to run before that.
    pub warmup: Duration,
    /// Threads; queues are dealt round.
    pub threads: u16,
    /// Core of the first thread; the others take those after it.
    pub core: Option<usize>,
    /// Namespace.
    pub nsid: u32,
    /// Start of the random numbers.
    pub seed: u64,
}

/// How a run goes on: elapsed time, commands since the last call, and time since it.
pub type Progress<'a> = &'a mut dyn FnMut(Duration, u64, Duration);

/// Connects, runs the job, disconnects.
///
/// # Errors
/// What the target refused or did wrong, a job that does not fit the namespace, a failed command.
pub fn run(address: &VolumeAddress, options: &Options, job: &Job, progress: Progress<'_>) -> Result<Report> {
    let begin = Instant::now();
    let mut volume = Volume::open(address, job.nsid, options)?;
    let admin_connect = begin.elapsed();
    let namespace = volume.namespace();
    check(&volume, &namespace, job)?;
    let given = volume.queue_count(job.queues)?;
    if given < job.queues {
        return Err(Error::Controller(format!(
            "the controller has {given} I/O queues for this host, not {}: use a smaller -P",
            job.queues
        )));
    }
    let (queues, connects) = connect(&volume, job)?;
    let shared = Arc::new(Shared::new(usize::from(threads(job))));
    let run = spawn(queues, job, &namespace, &shared);
    let watched = watch(&mut volume, job, &shared, progress);
    shared.stop.store(true, Relaxed);
    let mut report = Report::new(job, address, admin_connect, connects);
    for thread in run {
        let part = thread.join().map_err(|_| Error::Local("a worker thread panicked".to_owned()))??;
        report.add(&part);
    }
    watched?;
    report.finish();
    volume.close()?;
    Ok(report)
}

fn threads(job: &Job) -> u16 {
    job.threads.clamp(1, job.queues.max(1))
}

fn check(volume: &Volume, namespace: &crate::Namespace, job: &Job) -> Result<()> {
    let fail = |what: String| Err(Error::Local(what));
    if job.queues == 0 || job.depth == 0 || job.io_bytes == 0 {
        return fail("-P, -q and -o are at least 1".to_owned());
    }
    if !job.io_bytes.is_multiple_of(namespace.block) {
        return fail(format!("-o {} is no multiple of the namespace's {} byte blocks", job.io_bytes, namespace.block));
    }
    if u64::from(job.io_bytes) > namespace.bytes() {
        return fail(format!("-o {} is larger than the namespace", job.io_bytes));
    }
    match volume.max_transfer() {
        Some(most) if u64::from(job.io_bytes) > most => {
            fail(format!("-o {}: the target takes {most} bytes at most", job.io_bytes))
        }
        _ => Ok(()),
    }
}

fn connect(volume: &Volume, job: &Job) -> Result<(Vec<Queue>, Vec<Duration>)> {
    let mut queues = Vec::new();
    let mut times = Vec::new();
    for qid in 1..=job.queues {
        let begin = Instant::now();
        queues.push(volume.queue(qid, job.depth.saturating_add(1), job.io_bytes)?);
        times.push(begin.elapsed());
    }
    Ok((queues, times))
}

type Thread = std::thread::JoinHandle<Result<worker::Part>>;

fn spawn(queues: Vec<Queue>, job: &Job, namespace: &crate::Namespace, shared: &Arc<Shared>) -> Vec<Thread> {
    let count = usize::from(threads(job));
    let mut dealt: Vec<Vec<Queue>> = (0..count).map(|_| Vec::new()).collect();
    for (i, queue) in queues.into_iter().enumerate() {
        dealt[i % count].push(queue);
    }
    let start = |(i, queues)| {
        let mut worker = Worker::new(i, queues, job, namespace, shared.clone());
        let core = job.core.map(|core| core + i);
        let body = move || {
            if let Some(core) = core {
                os::pin_to_core(core).map_err(|e| {
                    Error::Local(format!("cannot pin to core {core}: {e}; `nproc` tells how many there are"))
                })?;
            }
            worker.run()
        };
        std::thread::Builder::new().name(format!("perf_{i}")).spawn(body).expect("the system has room for a thread")
    };
    dealt.into_iter().enumerate().map(start).collect()
}

/// Keeps the controller alive and tells progress until the time is over or a worker failed.
fn watch(volume: &mut Volume, job: &Job, shared: &Shared, progress: Progress<'_>) -> Result<()> {
    let begin = Instant::now();
    let (mut last, mut seen) = (begin, 0);
    let whole = job.warmup + job.time;
    while begin.elapsed() < whole && !shared.failed.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(20).min(whole.saturating_sub(begin.elapsed())));
        volume.tick()?;
        if begin.elapsed() >= job.warmup && !shared.measure.load(Relaxed) {
            shared.measure.store(true, Relaxed);
        }
        if last.elapsed() >= Duration::from_secs(1) {
            let done = shared.done();
            progress(begin.elapsed(), done - seen, last.elapsed());
            (last, seen) = (Instant::now(), done);
        }
    }
    Ok(())
}

impl Shared {
    fn new(threads: usize) -> Shared {
        Shared {
            stop: AtomicBool::new(false),
            measure: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            counts: (0..threads).map(|_| stats::Counter::default()).collect(),
        }
    }

    fn done(&self) -> u64 {
        self.counts.iter().map(stats::Counter::get).sum()
    }
}
