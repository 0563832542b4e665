//! I/O commands of the NVM command set (NVM 1.0c 3.2). This is the I/O path: nothing here allocates.

use super::nvm_command::Limits;
use super::subsystem::{Namespace, Subsystem};
use crate::Completion;
use bdev::{Op, RANGE_BYTES, Range};
use exchange::{Outcome, Piece, Plan, Step};
use wire::limits::NSID_ALL;
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{FUSE_NONE, FUSE_SECOND, NvmOpcode, Sqe, Status};

/// WZSL: Write Zeroes of at most 2^13 pages of 4,096 bytes.
pub(crate) const WZSL: u8 = 13;
const WRITE_ZEROES_MAX: u64 = 4096 << WZSL;

/// A plan, or `None` for a command that is done as it stands.
type Planned = Result<Option<Plan<Completion>>, Status>;

/// Plans an I/O command.
#[inline]
pub(crate) fn plan(limits: &Limits, subsystem: Option<&Subsystem>, sqe: &Sqe, inline: u32) -> Planned {
    let opcode = NvmOpcode(sqe.opcode);
    let namespace = subsystem.and_then(|s| s.namespace(sqe.nsid.get()));
    if sqe.fuse() != FUSE_NONE {
        return Err(fused(sqe.fuse()));
    }
    match (opcode, namespace) {
        (NvmOpcode::READ, Some(ns)) => read(limits, ns, sqe),
        (NvmOpcode::WRITE, Some(ns)) => write(limits, ns, sqe, inline),
        (NvmOpcode::FLUSH, Some(ns)) => Ok(flush(ns)),
        (NvmOpcode::WRITE_ZEROES, Some(ns)) => write_zeroes(ns, sqe),
        (NvmOpcode::DATASET_MANAGEMENT, Some(ns)) => dataset_management(limits, ns, sqe, inline),
        (NvmOpcode::COMPARE, Some(ns)) => compare(limits, ns, sqe, inline),
        (NvmOpcode::FLUSH, None) if sqe.nsid.get() == NSID_ALL => flush_all(subsystem),
        (opcode, None) if is_served(opcode) => Err(Status::INVALID_NAMESPACE_OR_FORMAT),
        _ => Err(Status::INVALID_OPCODE),
    }
}

/// Whether we have a command.
pub(crate) fn is_served(opcode: NvmOpcode) -> bool {
    matches!(
        opcode,
        NvmOpcode::READ
            | NvmOpcode::WRITE
            | NvmOpcode::FLUSH
            | NvmOpcode::WRITE_ZEROES
            | NvmOpcode::DATASET_MANAGEMENT
            | NvmOpcode::COMPARE
    )
}

/// FUSES is 0: the first of a pair is refused, and so the second misses its first.
#[cold]
fn fused(fuse: u8) -> Status {
    if fuse == FUSE_SECOND { Status::ABORTED_MISSING_FUSED } else { Status::INVALID_FIELD }
}

/// First block, blocks and bytes of a command that moves data.
#[inline]
fn extent(limits: &Limits, ns: &Namespace, sqe: &Sqe) -> Result<(Rw, u32), Status> {
    let rw = Rw::of(sqe);
    check(ns, rw)?;
    let len = u64::from(rw.nlb()) << ns.shift;
    if len > u64::from(limits.max_data) {
        return Err(Status::INVALID_FIELD);
    }
    Ok((rw, len as u32))
}

#[inline]
fn check(ns: &Namespace, rw: Rw) -> Result<(), Status> {
    // No namespace has metadata, so no check of it can be done.
    if rw.prinfo() != 0 {
        return Err(Status::INVALID_PROTECTION_INFORMATION);
    }
    match rw.end() {
        Some(end) if end <= ns.blocks => Ok(()),
        _ => Err(Status::LBA_OUT_OF_RANGE),
    }
}

#[inline]
fn same_length(said: u32, len: u32) -> Result<(), Status> {
    if said == len { Ok(()) } else { Err(Status::DATA_SGL_LENGTH_INVALID) }
}

#[inline]
fn read(limits: &Limits, ns: &Namespace, sqe: &Sqe) -> Planned {
    let (rw, len) = extent(limits, ns, sqe)?;
    same_length(limits.pointers.wanted_by_host(sqe)?, len)?;
    let op = Op::Read { block: rw.slba, blocks: rw.nlb() };
    Ok(Some(Plan::Io { target: ns.target, op, len }))
}

#[inline]
fn write(limits: &Limits, ns: &Namespace, sqe: &Sqe, inline: u32) -> Planned {
    let (rw, len) = extent(limits, ns, sqe)?;
    if rw.dtype() != 0 {
        return Err(Status::INVALID_FIELD);
    }
    writable(ns)?;
    same_length(limits.sent_by_host(sqe, inline)?, len)?;
    let op = Op::Write { block: rw.slba, blocks: rw.nlb(), fua: rw.fua() };
    Ok(Some(Plan::Io { target: ns.target, op, len }))
}

fn compare(limits: &Limits, ns: &Namespace, sqe: &Sqe, inline: u32) -> Planned {
    let (_, len) = extent(limits, ns, sqe)?;
    same_length(limits.sent_by_host(sqe, inline)?, len)?;
    Ok(Some(Plan::Steps { take: len, scratch: len }))
}

/// Compare, with the host's data: reads the blocks, then compares them.
pub(crate) fn step_compare(
    subsystem: Option<&Subsystem>,
    sqe: &Sqe,
    (wanted, there): (&[u8], &[u8]),
    read: Option<bdev::Status>,
) -> Result<Step<Completion>, Status> {
    let Some(read) = read else {
        // The namespace may have gone or changed since the command was planned.
        let namespace = subsystem.and_then(|s| s.namespace(sqe.nsid.get()));
        let ns = namespace.ok_or(Status::INVALID_NAMESPACE_OR_FORMAT)?;
        let rw = Rw::of(sqe);
        check(ns, rw)?;
        let op = Op::Read { block: rw.slba, blocks: rw.nlb() };
        same_length(rw.nlb() << ns.shift, there.len() as u32)?;
        return Ok(Step::Io { on: Piece::Scratch, target: ns.target, op, len: there.len() as u32 });
    };
    let differ = read == bdev::Status::Ok && wanted != there;
    Ok(Step::Done(if differ { Outcome::Miscompare } else { Outcome::Done(read) }))
}

#[inline]
fn writable(ns: &Namespace) -> Result<(), Status> {
    if ns.features.write { Ok(()) } else { Err(Status::NAMESPACE_WRITE_PROTECTED) }
}

fn flush(ns: &Namespace) -> Option<Plan<Completion>> {
    // Without a volatile cache, what was acknowledged is on the medium.
    ns.features.volatile_cache.then_some(Plan::Io { target: ns.target, op: Op::Flush, len: 0 })
}

/// Flush of all namespaces: done when at most one of them has something to flush. VWC says that it is not to be relied on.
fn flush_all(subsystem: Option<&Subsystem>) -> Planned {
    let subsystem = subsystem.ok_or(Status::INVALID_NAMESPACE_OR_FORMAT)?;
    let volatile = subsystem.volatile().map_err(|()| Status::INVALID_NAMESPACE_OR_FORMAT)?;
    Ok(volatile.and_then(flush))
}

fn write_zeroes(ns: &Namespace, sqe: &Sqe) -> Planned {
    let rw = Rw::of(sqe);
    check(ns, rw)?;
    writable(ns)?;
    if !ns.features.write_zeroes {
        return Err(Status::INVALID_OPCODE);
    }
    // The whole namespace at once is not offered; to zero less than was asked would be worse than to refuse.
    let whole = rw.dw12 & Rw::NSZ != 0;
    if whole || u64::from(rw.nlb()) << ns.shift > WRITE_ZEROES_MAX {
        return Err(Status::INVALID_FIELD);
    }
    let unmap = rw.deac() && ns.features.unmap && ns.features.unmap_zeroes;
    let op = Op::WriteZeroes { block: rw.slba, blocks: rw.nlb().into(), unmap, fua: rw.fua() };
    Ok(Some(Plan::Io { target: ns.target, op, len: 0 }))
}

/// Dataset Management. All but Deallocate are hints, which are taken and not used.
fn dataset_management(limits: &Limits, ns: &Namespace, sqe: &Sqe, inline: u32) -> Planned {
    let dsm = Dsm::of(sqe);
    // Hosts send a whole page for any number of ranges.
    let len = limits.sent_by_host(sqe, inline)?;
    if len < dsm.bytes() || len > limits.max_data {
        return Err(Status::DATA_SGL_LENGTH_INVALID);
    }
    if !dsm.deallocate() {
        return Ok(None);
    }
    writable(ns)?;
    Ok(Some(Plan::Take { len }))
}

/// Checks the ranges of a Deallocate and rewrites them for the device.
pub(crate) fn plan_ranges(subsystem: Option<&Subsystem>, sqe: &Sqe, data: &mut [u8]) -> Planned {
    // The namespace may have gone or changed since the command was planned.
    let namespace = subsystem.and_then(|s| s.namespace(sqe.nsid.get()));
    let ns = namespace.ok_or(Status::INVALID_NAMESPACE_OR_FORMAT)?;
    let dsm = Dsm::of(sqe);
    let asked = data.get(..dsm.bytes() as usize).ok_or(Status::DATA_SGL_LENGTH_INVALID)?;
    let inside = |range: &DsmRange| range.end().is_some_and(|end| end <= ns.blocks);
    if !wire::parse_each::<DsmRange>(asked).iter().all(inside) {
        return Err(Status::LBA_OUT_OF_RANGE);
    }
    let ranges = rewrite(data, dsm.ranges as usize);
    // Deallocate is advice to a device that keeps no account of space.
    if ranges == 0 || !ns.features.unmap {
        return Ok(None);
    }
    let op = Op::Unmap { ranges };
    Ok(Some(Plan::Io { target: ns.target, op, len: ranges * RANGE_BYTES as u32 }))
}

/// Turns `count` ranges into the device's form, in place: both are 16 bytes. Empty ones are left out.
fn rewrite(data: &mut [u8], count: usize) -> u32 {
    let mut kept = 0;
    for index in 0..count {
        let Some(range) = data.get(index * RANGE_BYTES..).and_then(wire::read::<DsmRange>) else { break };
        if range.nlb.get() > 0 {
            Range { block: range.slba.get(), blocks: range.nlb.get().into() }.write(data, kept);
            kept += 1;
        }
    }
    kept as u32
}

impl Limits {
    /// Bytes that the host sends with an I/O command.
    #[inline]
    fn sent_by_host(&self, sqe: &Sqe, inline: u32) -> Result<u32, Status> {
        self.pointers.sent_by_host(sqe, inline, self.config.transport.in_capsule_data_size)
    }
}
