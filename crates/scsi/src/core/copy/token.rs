//! POPULATE TOKEN and WRITE USING TOKEN (SBC-3 5.8, 5.49), REPORT ALL ROD TOKENS (SPC-4 6.24).

use super::job::{End, Job, Move, Source};
use super::record::Ended;
use super::{CHUNK, MOST_IDLE, MOST_RANGES, MOST_TOKEN, USUAL_IDLE};
use crate::core::block::{in_range, writable};
use crate::core::dispatch::parse;
use crate::core::fail::Fail;
use crate::core::open::Open;
use crate::core::reservation::{self, Class};
use crate::core::scsi::Scsi;
use crate::core::units::Unit;
use crate::shared::{Stands, Token as Live};
use crate::{Reply, Task};
use exchange::Plan;
use ring::Tag;
use std::sync::Arc;
use wire::be::{U16, U32, U64};
use wire::scsi::copy::{
    BlockRange, CopyStatus, Cscd, Descriptor, MANAGEMENT_BYTES, PopulateHeader, RodType, TOKEN_BYTES, TOKEN_LENGTH,
    Token, UseHeader,
};
use wire::scsi::inquiry::Designator;
use wire::scsi::{Asc, Command, Extent, Key};
use wire::{FromZeros, IntoBytes};

/// ROD type «point in time copy, any»: the copy manager chooses one of them.
const POINT_IN_TIME_ANY: u32 = 0x0080_ffff;
const POPULATE: u8 = 0x10;
const USE: u8 = 0x11;
const SECOND_NS: u64 = 1_000_000_000;

impl Scsi {
    /// POPULATE TOKEN, with its list: all that it does is done here.
    pub(super) fn populate_token(&mut self, tag: Tag, list: u32, data: &[u8]) -> Result<(), Fail> {
        let (queue, slot) = self.asker(tag)?;
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        let (id, shift) = (unit.id, unit.shift);
        let header: PopulateHeader = wire::read(data).ok_or(TOO_SHORT)?;
        let ranges = ranges(unit, data, size_of::<PopulateHeader>(), header.length.get(), header.ranges.get())?;
        let idle = match header.timeout.get() {
            0 => USUAL_IDLE,
            seconds if seconds > MOST_IDLE => return Err(Fail::in_list(4)),
            seconds => seconds,
        };
        let kind = header.kind.get();
        if header.flags & PopulateHeader::RTV != 0
            && kind != RodType::POINT_IN_TIME_VULNERABLE.0
            && kind != POINT_IN_TIME_ANY
        {
            return Err(Fail::in_list(8));
        }
        self.may_read(queue, unit, &ranges)?;
        let (view, blocks) = (unit.view.clone(), total(&ranges));
        let creator = creator(unit);
        let stands = Stands {
            unit: id,
            volume: view.info.uuid,
            ranges: ranges.iter().map(|range| (range.lba, range.blocks.into())).collect(),
            shift,
            idle: u64::from(idle) * SECOND_NS,
        };
        self.copies.claim(queue, id, Some(list))?;
        let word = |number, secret: &[u8; 32]| word(number, secret, creator, blocks << shift, shift);
        let made = self.config.device.tokens.make(&view.shared, stands, self.now, word);
        let token = made.ok_or(Fail::check(Key::COPY_ABORTED, Asc(0x550d)))?;
        let record = Ended::new(queue, id, Some(list), POPULATE, shift);
        let (status, bytes) = (CopyStatus::DONE, blocks << shift);
        self.copies.note(Ended { status, bytes, token: Some(Box::new(token.bytes)), ..record });
        Ok(())
    }

    /// WRITE USING TOKEN, with its list.
    pub(super) fn write_using_token(&mut self, tag: Tag, list: u32, data: &[u8]) -> Result<Option<Plan<Reply>>, Fail> {
        let (queue, slot) = self.asker(tag)?;
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        let (id, shift) = (unit.id, unit.shift);
        let header: UseHeader = wire::read(data).ok_or(TOO_SHORT)?;
        let ranges = ranges(unit, data, size_of::<UseHeader>(), header.length.get(), header.ranges.get())?;
        writable(unit)?;
        let to = End { slot: Some(slot), unit: id };
        let (moves, token) = self.token_moves(&header, to, shift, &ranges)?;
        self.copies.claim(queue, id, Some(list))?;
        if let Some(token) = &token {
            token.hold(self.now);
        }
        let mut job = Job::new(tag, moves.into_iter().map(Ok).collect(), Ended::new(queue, id, Some(list), USE, shift));
        (job.token, job.deletes) = (token, header.flags & UseHeader::DEL_TKN != 0);
        Ok(self.start_copy(job))
    }

    /// Puts a copy to work. `None`: it has nothing to do.
    pub(super) fn start_copy(&mut self, job: Job) -> Option<Plan<Reply>> {
        let longest = job.longest();
        if job.moves.iter().all(|one| one.is_ok_and(|one| one.bytes == 0)) {
            self.copy_ends(job, None);
            return None;
        }
        self.copies.put(job);
        let scratch = longest.clamp(4096, CHUNK.into()).min(self.largest.into()) as u32;
        Some(Plan::Steps { take: 0, scratch })
    }

    /// The nexus and the slot of a command.
    pub(super) fn asker(&self, tag: Tag) -> Result<(u32, u32), Fail> {
        let open: &Open = self.open.get(tag).ok_or(Fail::NO_UNIT)?;
        Ok((open.queue, open.slot))
    }

    fn may_read(&self, queue: u32, unit: &Unit, ranges: &[Extent]) -> Result<(), Fail> {
        let nexus = self.nexuses[queue as usize].as_ref().ok_or(Fail::NO_UNIT)?;
        let Some(range) = ranges.first() else { return Ok(()) };
        reservation::allows(unit, &nexus.origin, self.seat(queue), Class::of(&Command::Read(*range)))
    }

    /// What a token and ranges come to.
    fn token_moves(
        &self,
        header: &UseHeader,
        to: End,
        shift: u32,
        ranges: &[Extent],
    ) -> Result<(Vec<Move>, Option<Arc<Live>>), Fail> {
        let token: Token = wire::read(&header.token).ok_or(TOO_SHORT)?;
        if token.length.get() != TOKEN_LENGTH {
            return Err(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_INVALID_TOKEN_LENGTH));
        }
        match RodType(token.kind.get()) {
            RodType::BLOCK_ZERO => {
                let zeroes =
                    |range: &Extent| Move::new(Source::Zeroes, to, range.lba, u64::from(range.blocks) << shift, None);
                Ok((ranges.iter().map(zeroes).collect(), None))
            }
            RodType::POINT_IN_TIME_VULNERABLE => {
                let live = self.config.device.tokens.find(&header.token, token.id.get(), self.now)?;
                let moves = self.moves_of(&live, header.offset.get(), to, shift, ranges)?;
                Ok((moves, Some(live)))
            }
            _ => Err(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_UNSUPPORTED_TOKEN_TYPE)),
        }
    }

    /// From the blocks that a token stands for to the ranges, as far as both reach.
    fn moves_of(&self, live: &Live, offset: u64, to: End, shift: u32, ranges: &[Extent]) -> Result<Vec<Move>, Fail> {
        let stands = &live.stands;
        let there = self.units.by_id(stands.unit).filter(|(_, unit)| unit.view.info.uuid == stands.volume);
        if there.is_none() {
            return Err(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_TOKEN_REVOKED));
        }
        let skip = offset.checked_mul(1 << stands.shift).filter(|skip| *skip < live.size()).ok_or(Fail::in_list(8))?;
        let end = End { slot: None, unit: stands.unit };
        let source = pieces(stands.ranges.iter().copied(), stands.shift, skip);
        let destination = pieces(ranges.iter().map(|range| (range.lba, range.blocks.into())), shift, 0);
        let moves = join(source, destination, stands.shift, shift)?;
        let overlaps = |(_, block, bytes): &(u64, u64, u64)| live.has(to.unit, *block, bytes >> shift);
        if moves.len() > 1 && moves.iter().any(overlaps) {
            // One move would overwrite what another has to read.
            return Err(Fail::illegal(Asc::INVALID_TOKEN_OPERATION_CAUSE_NOT_REPORTABLE));
        }
        let one = |(from, block, bytes)| Move::new(Source::Blocks { end, block: from }, to, block, bytes, None);
        Ok(moves.into_iter().map(one).collect())
    }

    /// A copy that may have used a token has ended.
    pub(super) fn token_is_done(&self, job: &Job) {
        let Some(token) = &job.token else { return };
        token.release(self.now);
        let tokens = &self.config.device.tokens;
        // What the copy itself wrote to the token's blocks.
        for one in job.moves.iter().flatten() {
            if let Some((_, unit)) = self.units.by_id(one.to.unit) {
                tokens.written(unit.id, one.block, one.bytes >> unit.shift, None, self.now);
            }
        }
        if job.deletes {
            tokens.delete(token.id);
        }
    }

    /// A command that writes is planned: tokens of its blocks are invalid before they are written.
    #[inline]
    pub(crate) fn tokens_before(&self, unit: &Unit, command: &Command) {
        if unit.view.shared.tokens.any() {
            self.tokens_see(unit, command);
        }
    }

    /// A command has ended, or one of its steps: tokens that were made while it wrote are invalid too.
    #[inline]
    pub(crate) fn tokens_after(&self, tag: Tag, task: &Task) {
        if self.config.device.tokens.any() {
            self.tokens_look_again(tag, task);
        }
    }

    #[cold]
    fn tokens_look_again(&self, tag: Tag, task: &Task) {
        if let Ok((queue, slot)) = self.asker(tag)
            && let Some(unit) = self.unit_at(queue, slot)
            && let Ok(command) = parse(task)
        {
            self.tokens_before(unit, &command);
        }
    }

    #[cold]
    fn tokens_see(&self, unit: &Unit, command: &Command) {
        let (lba, blocks) = match *command {
            Command::Write(extent) | Command::OrWrite(extent) | Command::CompareAndWrite(extent) => {
                (extent.lba, extent.blocks.into())
            }
            Command::WriteVerify { extent, .. }
            | Command::WriteAtomic { extent, .. }
            | Command::WriteSame { extent, .. } => (extent.lba, extent.blocks.into()),
            // Which blocks is in the list, or it is all.
            Command::Unmap { .. } | Command::Sanitize { .. } => (0, u64::MAX),
            _ => return,
        };
        self.config.device.tokens.written(unit.id, lba, blocks, None, self.now);
    }

    /// REPORT ALL ROD TOKENS.
    pub(super) fn all_tokens(&self) -> Vec<u8> {
        let tokens = self.config.device.tokens.all(self.now);
        let mut data = vec![0; 8];
        tokens.iter().for_each(|token| data.extend(&token.bytes[..MANAGEMENT_BYTES]));
        let available = data.len() as u32 - 4;
        data[..4].copy_from_slice(&available.to_be_bytes());
        data
    }
}

const TOO_SHORT: Fail = Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR);

/// The ranges behind a header of `bytes`, whose last field is their length: in the unit, apart, and not too many.
fn ranges(unit: &Unit, data: &[u8], bytes: usize, length: u16, said: u16) -> Result<Vec<Extent>, Fail> {
    let (length_at, said) = (bytes as u16 - 2, usize::from(said));
    if usize::from(length) + 2 < bytes + said {
        return Err(Fail::in_list(0));
    }
    if said < size_of::<BlockRange>() || said % size_of::<BlockRange>() != 0 {
        return Err(Fail::in_list(length_at));
    }
    let list = data.get(bytes..bytes + said).ok_or(TOO_SHORT)?;
    let list: &[BlockRange] = wire::parse_each(list);
    if list.len() > MOST_RANGES as usize {
        return Err(Fail::illegal(Asc::TOO_MANY_SEGMENT_DESCRIPTORS));
    }
    let extent = |range: &BlockRange| {
        let extent = Extent { lba: range.lba.get(), blocks: range.blocks.get(), protect: 0, dpo: false, fua: false };
        in_range(unit, &extent).map(|()| extent)
    };
    let extents = list.iter().map(extent).collect::<Result<Vec<_>, _>>()?;
    if total(&extents) << unit.shift > MOST_TOKEN {
        return Err(Fail::in_list(length_at));
    }
    if let Some(second) = overlap(&extents) {
        return Err(Fail::in_list((bytes + second * size_of::<BlockRange>()) as u16));
    }
    Ok(extents)
}

fn total(ranges: &[Extent]) -> u64 {
    ranges.iter().map(|range| u64::from(range.blocks)).sum()
}

/// The place of a range that has blocks of another one.
fn overlap(ranges: &[Extent]) -> Option<usize> {
    let mut order: Vec<usize> = (0..ranges.len()).filter(|place| ranges[*place].blocks > 0).collect();
    order.sort_by_key(|place| ranges[*place].lba);
    order.windows(2).find(|pair| ranges[pair[0]].end() > Some(ranges[pair[1]].lba)).map(|pair| pair[1])
}

/// First block and bytes of each range, without the first `skip` bytes.
fn pieces(ranges: impl Iterator<Item = (u64, u64)>, shift: u32, skip: u64) -> Vec<(u64, u64)> {
    let (mut skip, mut pieces) = (skip, Vec::new());
    for (first, blocks) in ranges {
        let bytes = blocks << shift;
        let over = skip.min(bytes);
        skip -= over;
        if bytes > over {
            pieces.push((first + (over >> shift), bytes - over));
        }
    }
    pieces
}

/// From pieces to pieces: first block of the source, first block of the destination, bytes; until one of both is at its end.
fn join(
    source: Vec<(u64, u64)>,
    destination: Vec<(u64, u64)>,
    from_shift: u32,
    to_shift: u32,
) -> Result<Vec<(u64, u64, u64)>, Fail> {
    let (mut from, mut moves) = (source.into_iter(), Vec::new());
    let mut piece = from.next();
    for (mut to, mut left) in destination {
        while left > 0 {
            let Some((first, bytes)) = piece else { return Ok(moves) };
            let len = bytes.min(left);
            if len & ((1 << from_shift.max(to_shift)) - 1) != 0 {
                return Err(Fail::illegal(Asc::COPY_SEGMENT_GRANULARITY_VIOLATION));
            }
            moves.push((first, to, len));
            (to, left) = (to + (len >> to_shift), left - len);
            piece = if bytes > len { Some((first + (len >> from_shift), bytes - len)) } else { from.next() };
        }
    }
    Ok(moves)
}

/// The descriptor of the logical unit, by its NAA identifier.
fn creator(unit: &Unit) -> Cscd {
    let mut cscd = Cscd::new_zeroed();
    let naa = unit.view.identity.naa;
    (cscd.kind, cscd.code_set, cscd.length) = (Descriptor::IDENTIFICATION.0, Designator::BINARY, naa.len() as u8);
    cscd.designator_kind = Designator::OF_UNIT | Designator::NAA;
    cscd.designator[..naa.len()].copy_from_slice(&naa);
    cscd.block_bytes.copy_from_slice(&unit.block_bytes().to_be_bytes()[1..]);
    cscd
}

fn word(number: u64, secret: &[u8; 32], creator: Cscd, bytes: u64, shift: u32) -> [u8; TOKEN_BYTES] {
    let mut token = Token::new_zeroed();
    (token.kind, token.length) = (U32::new(RodType::POINT_IN_TIME_VULNERABLE.0), U16::new(TOKEN_LENGTH));
    (token.id, token.creator, token.bytes) = (U64::new(number), creator, U64::new(bytes));
    token.block_bytes = U32::new(1 << shift);
    token.secret[..secret.len()].copy_from_slice(secret);
    let mut word = [0; TOKEN_BYTES];
    word.copy_from_slice(token.as_bytes());
    word
}
