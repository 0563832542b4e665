//! One run: gives a device random operations and watches how they end.

use super::choice::MOST_BLOCKS;
use super::model::{Effect, Mismatch, Model, Sight};
use super::{Options, Report, Violation};
use crate::Random;
use crate::{Bdev, Channel, Done, Info, Op, Status};
use dma::{Arena, Backing, Class, Pool};
use ring::{Tag, Tick};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LANES: usize = 2;

/// An operation in flight.
struct Flight {
    tag: Tag,
    op: Op,
    memory: (usize, u32),
    /// Cancelled, reset or overtaken by a removal: it may end early.
    hurried: bool,
    /// Submitted after the removal.
    late: bool,
    effect: Effect,
    sight: Sight,
}

/// A channel and what is in flight on it.
struct Lane {
    channel: Box<dyn Channel>,
    places: Vec<Option<Flight>>,
    turns: Vec<u32>,
}

impl Lane {
    fn in_flight(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

pub struct Driver<'a> {
    seed: u64,
    options: &'a Options,
    report: &'a mut Report,
    pub(super) info: Info,
    pub(super) pool: Pool,
    pub(super) model: Model,
    pub(super) random: Random,
    lanes: Vec<Lane>,
    now: Tick,
    removed: bool,
    // Last, so that it outlives its channels, as an owner's registry entry does not have to.
    device: Arc<dyn Bdev>,
}

/// Ordinary memory for the buffers of all runs.
pub fn arena() -> Arc<Arena> {
    let options = dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    Arena::new(options).expect("ordinary memory")
}

impl<'a> Driver<'a> {
    pub fn new(
        seed: u64,
        options: &'a Options,
        device: Arc<dyn Bdev>,
        arena: &Arc<Arena>,
        report: &'a mut Report,
    ) -> Result<Self, Violation> {
        let info = device.info();
        let len = options.window.min(info.blocks);
        let first = if seed.is_multiple_of(2) { 0 } else { info.blocks - len };
        let lane = |_| {
            let channel = device.channel(options.depth).map_err(|reason| Violation::NoChannel { seed, reason })?;
            let places = (0..options.depth).map(|_| None).collect();
            Ok(Lane { channel, places, turns: vec![0; options.depth as usize] })
        };
        let lanes = (0..LANES).map(lane).collect::<Result<_, _>>()?;
        let size = info.block_size * MOST_BLOCKS as u32;
        let class = Class { size, count: options.depth * LANES as u32 + 1 };
        Ok(Self {
            seed,
            options,
            report,
            pool: Pool::new(arena, &[class]).expect("ordinary memory"),
            model: Model::new(first, len, info.block_size, options.memory, info.features.unmap_zeroes),
            random: Random::new(seed),
            lanes,
            now: 1,
            removed: false,
            info,
            device,
        })
    }

    pub fn run(mut self) -> Result<(), Violation> {
        let outcome = self.steps().and_then(|()| self.drain()).and_then(|()| self.read_back());
        self.report.compared += self.model.compared;
        if outcome.is_err() {
            // A channel that broke the contract may be unable to be dropped; its memory must outlive it.
            self.lanes.drain(..).for_each(std::mem::forget);
            std::mem::forget(self.pool);
        }
        outcome
    }

    fn steps(&mut self) -> Result<(), Violation> {
        let removal = (self.options.remove && self.seed % 4 == 3).then(|| self.random.below(self.options.steps.into()));
        for step in 0..self.options.steps {
            if removal == Some(step.into()) {
                self.remove();
            }
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Violation> {
        let lane = self.random.below(LANES as u64) as usize;
        match self.random.below(100) {
            0..70 => self.submit(lane),
            70..90 => self.turn(lane),
            90..94 => self.lend(lane),
            94..99 if self.options.hurry => {
                self.cancel(lane);
                Ok(())
            }
            99 if self.options.hurry => {
                self.reset(lane);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn submit(&mut self, lane: usize) -> Result<(), Violation> {
        let Some(place) = self.lanes[lane].places.iter().position(Option::is_none) else {
            return self.turn(lane);
        };
        let op = self.choose();
        self.start(lane, place, op)
    }

    fn start(&mut self, lane: usize, place: usize, op: Op) -> Result<(), Violation> {
        let (data, effect, sight) = self.prepare(op);
        let target = &mut self.lanes[lane];
        target.turns[place] += 1;
        let tag = Tag::new(place as u32, target.turns[place]);
        let memory = (data.as_ptr().addr(), data.len());
        target.places[place] =
            Some(Flight { tag, op, memory, hurried: self.removed, late: self.removed, effect, sight });
        self.report.operations += 1;
        match target.channel.submit(tag, op, data) {
            Some(done) => self.ended(lane, done),
            None => Ok(()),
        }
    }

    /// A turn of the lane's core. The channel is only looked at while something is in flight, as the machine does.
    fn turn(&mut self, lane: usize) -> Result<(), Violation> {
        self.now += self.options.tick;
        if self.lanes[lane].in_flight() == 0 {
            self.lanes[lane].channel.bell();
            return Ok(());
        }
        self.lanes[lane].channel.turn(self.now);
        while let Some(done) = self.lanes[lane].channel.next() {
            self.ended(lane, done)?;
        }
        let lane = &mut self.lanes[lane];
        lane.channel.bell();
        let wakes = lane.channel.fd().is_some() || lane.channel.deadline().is_some();
        if lane.in_flight() > 0 && !wakes { Err(Violation::Sleeps { seed: self.seed }) } else { Ok(()) }
    }

    fn ended(&mut self, lane: usize, done: Done) -> Result<(), Violation> {
        let seed = self.seed;
        let place = self.lanes[lane].places.get_mut(done.tag.index());
        let Some(flight) = place.and_then(|place| place.take_if(|flight| flight.tag == done.tag)) else {
            // What it is, nobody knows: a piece of ours must not be taken for lost as well.
            std::mem::forget(done.data);
            return Err(Violation::NotInFlight { seed, tag: done.tag });
        };
        let Flight { op, memory, hurried, late, effect, sight, .. } = flight;
        if memory != (done.data.as_ptr().addr(), done.data.len()) || done.data.is_lent() {
            std::mem::forget(done.data);
            return Err(Violation::Memory { seed, op });
        }
        let allowed = match done.status {
            Status::Ok => !late,
            Status::Aborted => hurried && !late,
            Status::Removed => self.removed,
            _ => false,
        };
        self.report.aborted += u64::from(done.status == Status::Aborted);
        self.report.removed += u64::from(done.status == Status::Removed);
        self.model.end(effect, done.status == Status::Ok);
        let seen = if done.status == Status::Ok { self.compare(op, &sight, done.data.bytes()) } else { Ok(()) };
        self.pool.give(done.data);
        seen?;
        if allowed { Ok(()) } else { Err(Violation::Status { seed, op, status: done.status }) }
    }

    fn compare(&mut self, op: Op, sight: &Sight, bytes: &[u8]) -> Result<(), Violation> {
        let Op::Read { block, .. } = op else { return Ok(()) };
        let seed = self.seed;
        self.model.compare(block, sight, bytes).map_err(|Mismatch { block, found, expected }| Violation::Content {
            seed,
            op,
            block,
            found,
            expected,
        })
    }

    fn lend(&mut self, lane: usize) -> Result<(), Violation> {
        let op = self.choose();
        self.borrow(lane, op).map(|_| ())
    }

    /// Asks for a loan and compares it; returns its bytes.
    fn borrow(&mut self, lane: usize, op: Op) -> Result<Option<Vec<u8>>, Violation> {
        let Some(data) = self.lanes[lane].channel.lend(op) else { return Ok(None) };
        self.report.lent += 1;
        let loan = Violation::Loan { seed: self.seed, op, len: data.len() };
        let Op::Read { block, blocks } = op else { return Err(loan) };
        if self.removed || !data.is_lent() || data.len() != blocks * self.info.block_size {
            return Err(loan);
        }
        let mut bytes = vec![0; data.len() as usize];
        data.copy_to(0, &mut bytes);
        let sight = self.model.look(block, blocks.into());
        self.compare(op, &sight, &bytes)?;
        self.pool.give(data);
        Ok(Some(bytes))
    }

    fn cancel(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        let place = self.random.below(u64::from(self.options.depth)) as usize;
        // Also for a place that is free: a cancel may come too late.
        let tag = Tag::new(place as u32, lane.turns[place]);
        lane.places[place].iter_mut().for_each(|flight| flight.hurried = true);
        lane.channel.cancel(tag);
    }

    fn reset(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        lane.places.iter_mut().flatten().for_each(|flight| flight.hurried = true);
        lane.channel.reset();
    }

    fn remove(&mut self) {
        self.device.removed();
        self.removed = true;
        self.lanes
            .iter_mut()
            .flat_map(|lane| lane.places.iter_mut().flatten())
            .for_each(|flight| flight.hurried = true);
    }

    /// Turns until everything is home.
    fn drain(&mut self) -> Result<(), Violation> {
        let mut since = Instant::now();
        loop {
            let before: usize = self.lanes.iter().map(Lane::in_flight).sum();
            (0..LANES).try_for_each(|lane| self.turn(lane))?;
            let left: usize = self.lanes.iter().map(Lane::in_flight).sum();
            if left == 0 {
                return Ok(());
            }
            if left < before {
                since = Instant::now();
            } else if since.elapsed() > self.options.patience {
                let lost = self.lanes.iter().flat_map(|lane| lane.places.iter().flatten()).next();
                return Err(Violation::Lost { seed: self.seed, op: lost.expect("something is left").op });
            } else if since.elapsed() > Duration::from_micros(100) {
                std::thread::sleep(Duration::from_micros(20));
            }
        }
    }

    /// Reads the whole window once nothing is in flight, and compares loans with it.
    fn read_back(&mut self) -> Result<(), Violation> {
        let (first, end) = (self.model.first, self.model.first + self.model.len());
        for (n, block) in (first..end).step_by(MOST_BLOCKS as usize).enumerate() {
            let op = Op::Read { block, blocks: MOST_BLOCKS.min(end - block) as u32 };
            self.start(n % LANES, 0, op)?;
            self.drain()?;
            if !self.removed {
                self.borrow((n + 1) % LANES, op)?;
            }
        }
        Ok(())
    }
}
