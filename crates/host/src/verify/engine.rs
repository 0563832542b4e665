//! A verification from its first connection to its last: sessions, and what is between them.

use super::model::{FORMAT, Model, Subject};
use super::report::Report;
use super::session::{Phase, Session};
use super::{Job, State};
use crate::{Error, Namespace, Options, Queue, Random, Result, Volume, VolumeAddress};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How a run goes on: called about every second, and when a connection is lost and made again.
pub type Progress<'a> = &'a mut dyn FnMut(&Report);

/// Runs a job. What is wrong with the data is in the report; an error means that it could not be done.
///
/// # Errors
/// No connection (again) in time, a job that does not fit the namespace, a target that breaks the standard, a state file that is not right.
pub fn run(address: &VolumeAddress, options: &Options, job: &Job, progress: Progress<'_>) -> Result<Report> {
    let begin = Instant::now();
    let (volume, namespace) = connect(address, options, job.nsid)?;
    let model = model(job, address, &namespace)?;
    let report = Report { target: address.to_string(), run: model.subject.run, ..Report::default() };
    let random = Random::new(job.seed ^ model.subject.run);
    let mut course = Course { model, report, random, phases: phases(job, begin), moved: (0, begin) };
    let mut first = Some(volume);
    while !course.phases.is_empty() {
        let volume = match first.take() {
            Some(volume) => volume,
            None => again(address, options, job, &namespace, &mut course.report)?,
        };
        match session(volume, job, &mut course, progress) {
            Err(error) if error.is_connection() && course.may_go_on(job) => course.lost(progress),
            ended => ended?,
        }
    }
    let Course { model, mut report, .. } = course;
    report.blocks_written = model.written_blocks();
    report.blocks_uncertain = model.uncertain_blocks();
    report.seconds = begin.elapsed().as_secs_f64();
    Ok(report)
}

/// What lives longer than a connection.
struct Course {
    model: Model,
    report: Report,
    random: Random,
    phases: VecDeque<Phase>,
    /// Commands done when a connection was lost, and when that number was a new one.
    moved: (u64, Instant),
}

impl Course {
    /// Whether to connect again: not if connections came about again and again, and nothing came through.
    fn may_go_on(&mut self, job: &Job) -> bool {
        let done = self.report.reads + self.report.writes;
        if done != self.moved.0 {
            self.moved = (done, Instant::now());
        }
        self.moved.1.elapsed() < job.reconnect
    }

    fn lost(&mut self, progress: Progress<'_>) {
        self.model.forget_seen();
        self.report.reconnects += 1;
        progress(&self.report);
    }
}

fn phases(job: &Job, begin: Instant) -> VecDeque<Phase> {
    let load = Phase::Load { until: begin + job.time, reads: job.reads, flush_every: job.flush_every };
    let phases = match (&job.state, job.sweep) {
        (State::Check(_), _) => vec![Phase::Sweep { name: "check" }],
        (State::Resume(_), true) => vec![Phase::Sweep { name: "check" }, load, Phase::Sweep { name: "sweep" }],
        (_, true) => vec![load, Phase::Sweep { name: "sweep" }],
        (_, false) => vec![load],
    };
    phases.into()
}

/// The phases that are left, over one connection.
fn session(mut volume: Volume, job: &Job, course: &mut Course, progress: Progress<'_>) -> Result<()> {
    let queues = queues(&mut volume, job, &course.model)?;
    let mut session = Session::new(volume, queues, &mut course.model, &mut course.report, &mut course.random);
    while let Some(phase) = course.phases.front() {
        session.run(*phase, progress)?;
        course.phases.pop_front();
    }
    let Session { volume, queues, .. } = session;
    drop(queues);
    // All is checked; a target that is gone by now changes nothing.
    let _ = volume.close();
    Ok(())
}

fn queues(volume: &mut Volume, job: &Job, model: &Model) -> Result<Vec<Queue>> {
    let bytes = model.subject.io_blocks * model.subject.block;
    if volume.max_transfer().is_some_and(|most| u64::from(bytes) > most) {
        return Err(Error::Local(format!(
            "-o {bytes}: the target takes {} bytes at most",
            volume.max_transfer().unwrap_or(0)
        )));
    }
    let count = job.queues.min(volume.queue_count(job.queues)?);
    (1..=count).map(|qid| volume.queue(qid, job.depth.saturating_add(1), bytes)).collect()
}

/// A new connection to the same namespace, tried until the job's patience ends.
fn again(
    address: &VolumeAddress,
    options: &Options,
    job: &Job,
    was: &Namespace,
    report: &mut Report,
) -> Result<Volume> {
    let begin = Instant::now();
    loop {
        match connect(address, options, job.nsid) {
            Ok((volume, now)) => {
                report.longest_outage = report.longest_outage.max(begin.elapsed().as_secs_f64());
                return same(was, &now).map(|()| volume);
            }
            // A target that comes up again may not have its subsystem yet.
            Err(error) if !(error.is_connection() || matches!(error, Error::Refused { .. })) => return Err(error),
            Err(error) if begin.elapsed() >= job.reconnect => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn same(was: &Namespace, now: &Namespace) -> Result<()> {
    if was == now {
        return Ok(());
    }
    Err(Error::Controller(format!(
        "after the reconnect namespace {} is another one: it was {was:?}, it is {now:?}",
        was.nsid
    )))
}

fn connect(address: &VolumeAddress, options: &Options, nsid: u32) -> Result<(Volume, Namespace)> {
    let volume = Volume::open(address, nsid, options)?;
    let namespace = volume.namespace();
    Ok((volume, namespace))
}

fn model(job: &Job, address: &VolumeAddress, namespace: &Namespace) -> Result<Model> {
    let (path, loaded) = match &job.state {
        State::Resume(path) => (Some(path), Some(Model::load(path, true))),
        State::Check(path) => (Some(path), Some(Model::load(path, false))),
        State::New(path) => (Some(path), None),
        State::None => (None, None),
    };
    let Some(loaded) = loaded else {
        return Model::new(subject(job, address, namespace)?, path.map(std::path::PathBuf::as_path))
            .map_err(Error::Local);
    };
    let model = loaded.map_err(Error::Local)?;
    let s = &model.subject;
    let uuid = namespace.uuid.map(|u| u.to_string());
    if (s.block, &s.uuid) != (namespace.block, &uuid) || s.blocks > namespace.blocks || s.nsid != namespace.nsid {
        let what = format!(
            "the state file is of namespace {} with UUID {:?} and {} byte blocks; this is namespace {} with UUID {uuid:?} and {} byte blocks",
            s.nsid, s.uuid, s.block, namespace.nsid, namespace.block
        );
        return Err(Error::Local(what));
    }
    Ok(model)
}

fn subject(job: &Job, address: &VolumeAddress, namespace: &Namespace) -> Result<Subject> {
    let io_blocks = job.io_bytes / namespace.block;
    if io_blocks == 0 || !job.io_bytes.is_multiple_of(namespace.block) {
        return Err(Error::Local(format!(
            "-o {} is no multiple of the namespace's {} byte blocks",
            job.io_bytes, namespace.block
        )));
    }
    let usable = namespace.blocks.min(job.size / u64::from(namespace.block)).min(1 << 28);
    let blocks = usable - usable % u64::from(io_blocks);
    if blocks == 0 {
        return Err(Error::Local(format!("--size {} has no room for one command of {} bytes", job.size, job.io_bytes)));
    }
    Ok(Subject {
        format: FORMAT.to_owned(),
        run: uuid::Uuid::new_v4().as_u64_pair().0,
        target: address.to_string(),
        nsid: namespace.nsid,
        uuid: namespace.uuid.map(|u| u.to_string()),
        block: namespace.block,
        io_blocks,
        blocks,
    })
}
