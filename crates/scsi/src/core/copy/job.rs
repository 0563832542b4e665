//! A copy under way: moves, one after the other, each in steps of one buffer.
//!
//! Each step looks anew whether both logical units are there, shown, large enough and not reserved for others: all that may
//! change while a copy runs. Blocks that overlap on one logical unit are copied from their end, if they move up, so that a
//! move is as if it were done at once. Every write makes tokens of its blocks invalid; a token that is the source is looked at
//! when its data is here and before it is written.

use super::record::Ended;
use super::resolve::{fits, of_segment};
use crate::Reply;
use crate::core::block::writable;
use crate::core::fail::Fail;
use crate::core::gates;
use crate::core::reservation::{self, Class};
use crate::core::scsi::Scsi;
use crate::core::status::of_outcome;
use crate::core::units::Unit;
use crate::shared::Token;
use bdev::{Op, Status};
use exchange::{Outcome, Piece, Step};
use ring::Tag;
use std::sync::Arc;
use wire::scsi::{Asc, Command, Extent, Key};

/// A logical unit as a copy knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The nexus' slot of it; `None`: it need not be shown to the nexus, which has a token.
    pub slot: Option<u32>,
    /// Its number.
    pub unit: u32,
}

/// Where data comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Zeroes,
    Blocks { end: End, block: u64 },
}

/// Bytes that go from blocks to blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub from: Source,
    pub to: End,
    /// First block of the destination.
    pub block: u64,
    pub bytes: u64,
    /// The segment that it is of.
    pub segment: Option<u16>,
    /// From the end to the start.
    backwards: bool,
}

impl Move {
    /// A move on one logical unit to higher blocks goes backwards.
    pub fn new(from: Source, to: End, block: u64, bytes: u64, segment: Option<u16>) -> Self {
        let up = |end: End, first: u64| end.unit == to.unit && first < block;
        let backwards = matches!(from, Source::Blocks { end, block: first } if up(end, first));
        Self { from, to, block, bytes, segment, backwards }
    }
}

/// What was asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    Idle,
    Reading {
        len: u32,
    },
    Writing {
        len: u32,
    },
}

/// A copy under way.
#[derive(Debug)]
pub(crate) struct Job {
    pub tag: Tag,
    /// What is to be done; what is wrong with one ends the copy when its turn comes.
    pub moves: Vec<Result<Move, Fail>>,
    /// The one that is at work, and bytes of it that are done.
    pub at: usize,
    done: u64,
    phase: Phase,
    /// Bytes that are copied.
    pub bytes: u64,
    /// Operations that ended well.
    pub operations: u32,
    /// The token that is the source.
    pub token: Option<Arc<Token>>,
    /// It is deleted at the end.
    pub deletes: bool,
    /// COPY OPERATION ABORT commands that wait for the end.
    pub aborters: Vec<Tag>,
    /// What will be said of it; `None`: nothing.
    pub record: Ended,
}

impl Job {
    pub fn new(tag: Tag, moves: Vec<Result<Move, Fail>>, record: Ended) -> Self {
        let phase = Phase::Idle;
        let (token, aborters) = (None, Vec::new());
        Self { tag, moves, at: 0, done: 0, phase, bytes: 0, operations: 0, token, deletes: false, aborters, record }
    }

    /// The largest move, in bytes.
    pub fn longest(&self) -> u64 {
        self.moves.iter().flatten().map(|one| one.bytes).max().unwrap_or(0)
    }

    /// Whether it copies to that logical unit from itself.
    fn own_token(&self) -> Option<u64> {
        self.token.as_ref().map(|token| token.id)
    }
}

/// A failure, as the standard words it: of a list by its segment, of ranges as it is.
fn failed(one: &Move, fail: Fail) -> Fail {
    match (one.segment, fail) {
        // Initiators know this one, and wait for space (thin provisioning).
        (Some(_), Fail::Check(sense)) if sense.key == Key::DATA_PROTECT && sense.asc != Asc::WRITE_PROTECTED => fail,
        (Some(_), Fail::Check(sense)) if sense.key == Key::COPY_ABORTED => fail,
        (Some(segment), _) => of_segment(segment, Asc::THIRD_PARTY_DEVICE_FAILURE, None),
        (None, fail) => fail,
    }
}

impl Scsi {
    /// The next step of a copy. `None`: it is done.
    pub(crate) fn copy_step(
        &mut self,
        tag: Tag,
        queue: u32,
        scratch: &mut [u8],
        last: Option<Status>,
    ) -> Result<Option<Step<Reply>>, Fail> {
        let lost = Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE);
        let mut job = self.copies.take(tag).ok_or(lost)?;
        let step = self.copy_on(&mut job, queue, scratch, last);
        match step {
            Ok(Some(_)) => self.copies.put(job),
            Ok(None) => self.copy_ends(job, None),
            Err(fail) => self.copy_ends(job, Some(fail)),
        }
        step
    }

    /// `None`: it is done.
    fn copy_on(
        &mut self,
        job: &mut Job,
        queue: u32,
        scratch: &mut [u8],
        last: Option<Status>,
    ) -> Result<Option<Step<Reply>>, Fail> {
        if let Some(status) = last {
            self.took(job, status)?;
        }
        if !job.aborters.is_empty() {
            return Err(Fail::check(Key::COPY_ABORTED, Asc::NONE));
        }
        if let Phase::Reading { len } = job.phase {
            return self.write(job, queue, scratch, len).map(Some);
        }
        while let Some(one) = job.moves.get(job.at) {
            let one = (*one)?;
            if job.done < one.bytes {
                return self.read(job, &one, queue, scratch).map(Some);
            }
            (job.at, job.done) = (job.at + 1, 0);
        }
        Ok(None)
    }

    /// An operation ended.
    fn took(&mut self, job: &mut Job, status: Status) -> Result<(), Fail> {
        let Some(Ok(one)) = job.moves.get(job.at).copied() else { return Ok(()) };
        if let Phase::Writing { len } = job.phase {
            self.written(job, &one, len);
        }
        of_outcome(Outcome::Done(status)).map_err(|fail| failed(&one, fail))?;
        job.operations += 1;
        match job.phase {
            Phase::Writing { len } => {
                job.done += u64::from(len);
                job.bytes += u64::from(len);
                job.phase = Phase::Idle;
            }
            // What was read is what the token stood for, if nobody has written there since.
            Phase::Reading { .. } => {
                if let Some(token) = &job.token {
                    token.check(self.now)?;
                }
            }
            Phase::Idle => {}
        }
        Ok(())
    }

    /// The place of the next bytes of a move, counted from its start.
    fn offset(job: &Job, one: &Move, len: u32) -> u64 {
        if one.backwards { one.bytes - job.done - u64::from(len) } else { job.done }
    }

    fn read(&mut self, job: &mut Job, one: &Move, queue: u32, scratch: &mut [u8]) -> Result<Step<Reply>, Fail> {
        let Source::Blocks { end, block } = one.from else { return self.zero(job, one, queue, scratch) };
        let (source, destination) = (self.there(queue, end, one)?, self.there(queue, one.to, one)?);
        let len = chunk(one.bytes - job.done, scratch.len(), source.shift.max(destination.shift));
        if len == 0 {
            return Err(Fail::check(Key::ABORTED_COMMAND, Asc::SYSTEM_RESOURCE_FAILURE));
        }
        let extent = extent(source, block, Self::offset(job, one, len), len);
        self.may(source, end, queue, &Command::Read(extent), one)?;
        if !fits(source, extent.lba, len.into()) {
            return Err(failed(one, Fail::OUT_OF_RANGE));
        }
        job.phase = Phase::Reading { len };
        let op = Op::Read { block: extent.lba, blocks: extent.blocks };
        Ok(Step::Io { on: Piece::Scratch, target: source.target, op, len })
    }

    fn write(&mut self, job: &mut Job, queue: u32, scratch: &mut [u8], len: u32) -> Result<Step<Reply>, Fail> {
        let Some(Ok(one)) = job.moves.get(job.at).copied() else { return Err(Fail::NO_UNIT) };
        debug_assert!(len as usize <= scratch.len());
        let Some((target, extent)) = self.destination(job, &one, queue, len)? else { return Ok(Step::Wait) };
        let op = Op::Write { block: extent.lba, blocks: extent.blocks, fua: extent.fua };
        Ok(Step::Io { on: Piece::Scratch, target, op, len })
    }

    /// Zeroes, by the device if it has that.
    fn zero(&mut self, job: &mut Job, one: &Move, queue: u32, scratch: &mut [u8]) -> Result<Step<Reply>, Fail> {
        let unit = self.there(queue, one.to, one)?;
        let by_device = unit.features.write_zeroes;
        let room = if by_device { 1 << 24 } else { scratch.len() };
        let len = chunk(one.bytes - job.done, room, unit.shift);
        if len == 0 {
            return Err(Fail::check(Key::ABORTED_COMMAND, Asc::SYSTEM_RESOURCE_FAILURE));
        }
        let Some((target, extent)) = self.destination(job, one, queue, len)? else { return Ok(Step::Wait) };
        if by_device {
            let op = Op::WriteZeroes { block: extent.lba, blocks: extent.blocks.into(), unmap: false, fua: extent.fua };
            return Ok(Step::Io { on: Piece::Scratch, target, op, len: 0 });
        }
        scratch[..len as usize].fill(0);
        let op = Op::Write { block: extent.lba, blocks: extent.blocks, fua: extent.fua };
        Ok(Step::Io { on: Piece::Scratch, target, op, len })
    }

    /// Where the next bytes are written, all checked: the last thing before they are. `None`: another command has these blocks
    /// for itself, and the step is tried again when it is done.
    fn destination(&mut self, job: &mut Job, one: &Move, queue: u32, len: u32) -> Result<Option<(Tag, Extent)>, Fail> {
        let unit = self.there(queue, one.to, one)?;
        let mut extent = extent(unit, one.block, Self::offset(job, one, len), len);
        extent.fua = unit.writes_through();
        self.may(unit, one.to, queue, &Command::Write(extent), one)?;
        if !fits(unit, extent.lba, len.into()) {
            return Err(failed(one, Fail::OUT_OF_RANGE));
        }
        writable(unit).map_err(|fail| failed(one, fail))?;
        let (id, target) = (unit.id, unit.target);
        if !self.may_write(job.tag, id, extent.lba, extent.blocks.into()) {
            return Ok(None);
        }
        if let Some((_, unit)) = self.units.by_id(id) {
            self.tokens_lose(unit, &extent, job.own_token());
        }
        job.phase = Phase::Writing { len };
        Ok(Some((target, extent)))
    }

    /// Bytes were written, or may have been.
    fn written(&self, job: &Job, one: &Move, len: u32) {
        if let Some((_, unit)) = self.units.by_id(one.to.unit) {
            let extent = extent(unit, one.block, Self::offset(job, one, len), len);
            self.tokens_lose(unit, &extent, job.own_token());
        }
    }

    fn tokens_lose(&self, unit: &Unit, extent: &Extent, but: Option<u64>) {
        if unit.view.shared.tokens.any() {
            self.config.device.tokens.written(unit.id, extent.lba, extent.blocks.into(), but, self.now);
        }
    }

    fn there(&self, queue: u32, end: End, one: &Move) -> Result<&Unit, Fail> {
        let gone = Fail::check(Key::COPY_ABORTED, Asc::COPY_TARGET_DEVICE_NOT_REACHABLE);
        let of = |segment| of_segment(segment, Asc::COPY_TARGET_DEVICE_NOT_REACHABLE, None);
        self.end(queue, end).ok_or(one.segment.map_or(gone, of))
    }

    /// Reservations of both sides are looked at, but not of what a token stands for: its maker was let read.
    fn may(&self, unit: &Unit, end: End, queue: u32, command: &Command, one: &Move) -> Result<(), Fail> {
        let Some(nexus) = self.nexuses[queue as usize].as_ref().filter(|_| end.slot.is_some()) else { return Ok(()) };
        let open = gates::check(unit, unit.modes(), nexus.access(), command);
        let class = Class::of(command);
        open.and_then(|()| reservation::allows(unit, &nexus.origin, self.seat(queue), class))
            .map_err(|fail| failed(one, fail))
    }
}

/// Bytes of the next step: whole blocks of both sides.
fn chunk(left: u64, room: usize, shift: u32) -> u32 {
    let whole = room >> shift << shift;
    left.min(whole as u64) as u32
}

/// Blocks of a step.
fn extent(unit: &Unit, first: u64, offset: u64, len: u32) -> Extent {
    let (lba, blocks) = (first + (offset >> unit.shift), len >> unit.shift);
    Extent { lba, blocks, protect: 0, dpo: false, fua: false }
}
