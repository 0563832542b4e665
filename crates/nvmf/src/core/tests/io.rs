//! I/O commands: limits and wrong input.

use super::disk::SoftDisk;
use super::rig::*;
use bdev::{Features, Op};
use wire::IntoBytes;
use wire::log::Smart;
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{GetLogPage, LogId, NvmOpcode, SglDescriptor, Sqe, Status};

const FIELD: Status = Status(0x4002);
const RANGE: Status = Status(0x4080);

fn io(rig: &mut Rig) -> (usize, u32) {
    let (_, cntlid) = rig.admin(0);
    rig.io(0, cntlid, 1)
}

#[test]
fn the_range_is_checked_without_overflow() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    for opcode in [NvmOpcode::READ, NvmOpcode::WRITE, NvmOpcode::COMPARE, NvmOpcode::WRITE_ZEROES] {
        for (slba, nlb) in [(BLOCKS, 1), (BLOCKS - 1, 2), (u64::MAX, 1), (u64::MAX - 1, 65_536), (0, 65_536)] {
            let status = rig.get(at, Rw::sqe(opcode, 1, slba, nlb, 0), nlb * 512).0.status();
            assert_eq!(status, RANGE, "{opcode:?} {slba:#x} {nlb}");
        }
    }
    assert!(rig.get(at, Rw::sqe(NvmOpcode::READ, 1, BLOCKS - 1, 1, 0), 512).0.status().is_success());
    rig.assert_idle();
}

#[test]
fn mdts_is_enforced() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    assert!(rig.get(at, Rw::sqe(NvmOpcode::READ, 1, 0, 256, 0), 131_072).0.status().is_success());
    for opcode in [NvmOpcode::READ, NvmOpcode::WRITE, NvmOpcode::COMPARE] {
        assert_eq!(rig.get(at, Rw::sqe(opcode, 1, 0, 257, 0), 257 * 512).0.status(), FIELD);
    }
    // The whole disk at once without data.
    assert!(rig.status(at, Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 0, BLOCKS as u32, 0)).is_success());
    rig.assert_idle();
}

#[test]
fn namespaces_and_opcodes_are_checked() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    for nsid in [0, 2, 32, 33, 0xffff_fffe, 0xffff_ffff] {
        for opcode in [NvmOpcode::READ, NvmOpcode::WRITE, NvmOpcode::COMPARE, NvmOpcode::DATASET_MANAGEMENT] {
            let status = rig.status(at, Rw::sqe(opcode, nsid, 0, 1, 0));
            assert_eq!(status, Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr(), "{nsid:#x}");
        }
    }
    for opcode in [0x04, 0x0c, 0x0d, 0x0e, 0x11, 0x15, 0x19, 0x79, 0x80, 0xff] {
        assert_eq!(rig.status(at, Sqe::new(opcode, 1)), Status::INVALID_OPCODE.with_dnr());
    }
}

#[test]
fn lengths_and_descriptors_are_checked() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    let length = Status::DATA_SGL_LENGTH_INVALID.with_dnr();
    for len in [0, 511, 513, 1024] {
        assert_eq!(rig.get(at, Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0), len).0.status(), length);
        assert_eq!(rig.get(at, Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0), len).0.status(), length);
    }
    let write = |dptr, nlb| Sqe { dptr, ..Rw::sqe(NvmOpcode::WRITE, 1, 0, nlb, 0) };
    let mut call = |sqe, payload: usize| rig.call(at, sqe, &vec![7; payload]).0.status();
    assert!(call(write(SglDescriptor::in_capsule(0, 512), 1), 512).is_success());
    assert_eq!(call(write(SglDescriptor::in_capsule(0, 512), 1), 256), length);
    assert_eq!(call(write(SglDescriptor::in_capsule(0, 256), 1), 512), length);
    assert_eq!(call(write(SglDescriptor::in_capsule(8, 512), 1), 512), Status::SGL_OFFSET_INVALID.with_dnr());
    // More than IOCCSZ allows.
    assert_eq!(call(write(SglDescriptor::in_capsule(0, 8192), 16), 8192), length);
    let kind = Status::SGL_DESCRIPTOR_TYPE_INVALID.with_dnr();
    for id in (0..=255).filter(|id| ![0x01, 0x5a].contains(id)) {
        let dptr = SglDescriptor { id, ..SglDescriptor::transport(512) };
        assert_eq!(call(write(dptr, 1), 512), kind, "{id:#x}");
        let read = Sqe { dptr, ..Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0) };
        assert_eq!(call(read, 0), kind);
    }
    let read = Sqe { dptr: SglDescriptor::in_capsule(0, 512), ..Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0) };
    assert_eq!(call(read, 512), kind);
    rig.assert_idle();
}

#[test]
fn flags_are_checked() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    let mut read = Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0);
    for (flags, status) in [
        (0x41, FIELD),
        (0x42, Status::ABORTED_MISSING_FUSED.with_dnr()),
        (0x43, FIELD),
        (0x00, FIELD),
        (0x80, FIELD),
        (0x40, Status::SUCCESS),
        // Reserved bits are nobody's business.
        (0x7c, Status::SUCCESS),
    ] {
        read.flags = flags;
        assert_eq!(rig.get(at, read, 512).0.status(), status, "{flags:#x}");
    }
    for prinfo in 1..16u32 {
        let sqe = Rw::sqe(NvmOpcode::READ, 1, 0, 1, prinfo << 26);
        assert_eq!(rig.get(at, sqe, 512).0.status(), Status::INVALID_PROTECTION_INFORMATION.with_dnr());
    }
    let directive = Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 1 << 20);
    assert_eq!(rig.get(at, directive, 512).0.status(), FIELD);
    let whole = Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 0, 1, Rw::NSZ);
    assert_eq!(rig.status(at, whole), FIELD);
    rig.assert_idle();
}

#[test]
fn operations_reach_the_device_as_asked() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    let mut write = Rw::sqe(NvmOpcode::WRITE, 1, 5, 2, Rw::FUA | Rw::LR);
    write.dptr = SglDescriptor::transport(1024);
    rig.call(at, write, &[1; 1024]);
    rig.status(at, Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 3, 4, Rw::FUA));
    rig.status(at, Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 3, 4, Rw::DEAC));
    rig.status(at, Sqe::new(NvmOpcode::FLUSH.0, 1));
    let expected = [
        Op::Write { block: 5, blocks: 2, fua: true },
        Op::WriteZeroes { block: 3, blocks: 4, unmap: false, fua: true },
        Op::WriteZeroes { block: 3, blocks: 4, unmap: true, fua: false },
        Op::Flush,
    ];
    assert_eq!(rig.disk.ops(), expected);
}

fn trim(rig: &mut Rig, at: (usize, u32), ranges: &[(u64, u32)], attributes: u32) -> Status {
    let mut sqe = Dsm::sqe(1, ranges.len() as u32, attributes);
    let list: Vec<u8> = ranges.iter().flat_map(|(slba, nlb)| DsmRange::new(*slba, *nlb).as_bytes().to_vec()).collect();
    sqe.dptr = SglDescriptor::transport(list.len() as u32);
    rig.call(at, sqe, &list).0.status()
}

#[test]
fn dataset_management() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    assert!(trim(&mut rig, at, &[(0, 8), (16, 0), (1023, 1)], Dsm::AD).is_success());
    assert_eq!(rig.disk.ops(), [Op::Unmap { ranges: 2 }]);
    // Only hints, or nothing but empty ranges: no work.
    assert!(trim(&mut rig, at, &[(0, 8)], Dsm::IDR | Dsm::IDW).is_success());
    assert!(trim(&mut rig, at, &[(5, 0)], Dsm::AD).is_success());
    assert_eq!(rig.disk.ops().len(), 1);
    for bad in [(1023, 2), (BLOCKS, 1), (u64::MAX, u32::MAX)] {
        assert_eq!(trim(&mut rig, at, &[(0, 1), bad], Dsm::AD), RANGE);
    }
    assert_eq!(rig.disk.ops().len(), 1);
    let most: Vec<(u64, u32)> = (0..256).map(|n| (n * 4, 1)).collect();
    assert!(trim(&mut rig, at, &most, Dsm::AD).is_success());
    // Fewer bytes than the ranges need, or far more than any do.
    let mut short = Dsm::sqe(1, 4, Dsm::AD);
    for len in [0, 48, 131_076] {
        short.dptr = SglDescriptor::transport(len);
        assert_eq!(rig.status(at, short), Status::DATA_SGL_LENGTH_INVALID.with_dnr());
    }
    rig.assert_idle();
}

#[test]
fn devices_that_do_less() {
    let mut rig = Rig::new(1);
    let less = Features { write: true, unmap: false, unmap_zeroes: false, write_zeroes: false, volatile_cache: false };
    let plain = SoftDisk::new("plain", 64, 4096, less);
    let fixed = SoftDisk::new("fixed", 64, 512, Features { write: false, ..less });
    rig.update(subsystem(&[plain.clone(), fixed])).unwrap();
    let at = io(&mut rig);
    assert_eq!(rig.status(at, Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 0, 1, 0)), Status::INVALID_OPCODE.with_dnr());
    // Deallocate is advice.
    assert!(trim(&mut rig, at, &[(0, 8)], Dsm::AD).is_success());
    // What was acknowledged is on the medium already.
    assert!(rig.status(at, Sqe::new(NvmOpcode::FLUSH.0, 1)).is_success());
    assert!(rig.status(at, Sqe::new(NvmOpcode::FLUSH.0, 0xffff_ffff)).is_success());
    assert_eq!(plain.ops(), []);
    let protected = Status::NAMESPACE_WRITE_PROTECTED.with_dnr();
    assert_eq!(rig.get(at, Rw::sqe(NvmOpcode::WRITE, 2, 0, 1, 0), 512).0.status(), protected);
    assert_eq!(rig.status(at, Rw::sqe(NvmOpcode::WRITE_ZEROES, 2, 0, 1, 0)), protected);
    rig.assert_idle();
}

#[test]
fn flush_of_all_namespaces() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    let all = Sqe::new(NvmOpcode::FLUSH.0, 0xffff_ffff);
    assert!(rig.status(at, all).is_success());
    assert_eq!(rig.disk.ops(), [Op::Flush]);
    let second = SoftDisk::new("second", 64, 512, ALL);
    rig.update(subsystem(&[rig.disk.clone(), second])).unwrap();
    // Two caches cannot be flushed by one command: it says so instead of flushing one.
    assert_eq!(rig.status(at, all), Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr());
}

#[test]
fn device_errors_become_statuses() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let at = rig.io(1, cntlid, 1);
    for (device, status) in [
        (bdev::Status::ReadError, Status::UNRECOVERED_READ_ERROR),
        (bdev::Status::Busy, Status::NAMESPACE_NOT_READY),
        (bdev::Status::NoSpace, Status::CAPACITY_EXCEEDED.with_dnr()),
        (bdev::Status::Nvme { sct: 2, sc: 0x87 }, Status::DEALLOCATED_OR_UNWRITTEN),
    ] {
        rig.disk.answer(Some(device));
        assert_eq!(rig.get(at, Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0), 512).0.status(), status);
    }
    rig.assert_idle();
    // Two of them are the medium's.
    let smart = GetLogPage::sqe(LogId::SMART, 0xffff_ffff, 512, 0, false);
    let smart: Smart = wire::read(&rig.get(admin, smart, 512).1).unwrap();
    assert_eq!((smart.media_errors.get(), smart.error_log_entries.get()), (2, 4));
}

#[test]
fn data_that_does_not_come_whole_is_a_transport_error() {
    let mut rig = Rig::new(1);
    let at = io(&mut rig);
    let mut write = Rw::sqe(NvmOpcode::WRITE, 1, 0, 2, 0);
    write.dptr = SglDescriptor::transport(1024);
    assert_eq!(rig.call(at, write, &[0; 1000]).0.status(), Status::TRANSIENT_TRANSPORT_ERROR);
    assert_eq!(rig.disk.ops(), []);
    rig.assert_idle();
}
