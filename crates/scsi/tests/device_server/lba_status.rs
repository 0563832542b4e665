//! GET LBA STATUS.

use crate::rig::*;
use std::sync::atomic::Ordering;

fn status(lba: u64, allocation: u32) -> Vec<u8> {
    let mut cdb = vec![0x9e, 0x12];
    cdb.extend(lba.to_be_bytes());
    cdb.extend(allocation.to_be_bytes());
    cdb.extend([0, 0]);
    cdb
}

/// The descriptors of an answer: first block, blocks, status.
fn descriptors(data: &[u8]) -> Vec<(u64, u32, u8)> {
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    assert_eq!(data[..4], (data.len() as u32 - 4).to_be_bytes());
    assert_eq!(data[4..8], [0; 4]);
    let each = data[8..].chunks_exact(16);
    each.map(|one| (number(&one[..8]), u32::from_be_bytes(one[8..12].try_into().unwrap()), one[12])).collect()
}

#[test]
fn what_is_given_back_is_told_from_what_is_written() {
    let mut rig = Rig::new();
    rig.tell_lun(&write10(0, 8), &[0x41; 4096]).good();
    let list = [&[0, 22, 0, 16, 0, 0, 0, 0][..], &2u64.to_be_bytes(), &[0, 0, 0, 3, 0, 0, 0, 0]].concat();
    rig.tell_lun(&[0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], &list).good();
    let last = BLOCKS as u32;
    let all = descriptors(&rig.ask_lun(&status(0, 4096), 4096).good().data);
    assert_eq!(all, [(0, 2, 0), (2, 3, 1), (5, 3, 0), (8, last - 8, 1)]);
    let rest = descriptors(&rig.ask_lun(&status(3, 4096), 4096).good().data);
    assert_eq!(rest, [(3, 2, 1), (5, 3, 0), (8, last - 8, 1)]);
    let end = descriptors(&rig.ask_lun(&status(BLOCKS - 1, 24), 24).good().data);
    assert_eq!(end, [(BLOCKS - 1, 1, 1)]);
    rig.check_quiet();
}

#[test]
fn it_is_cut_to_what_is_wanted_and_expected() {
    let mut rig = Rig::new();
    rig.tell_lun(&write10(4, 1), &[1; 512]).good();
    for (allocation, expects, moves, residual) in [
        (24, 24, 24, Residual::None),
        (24, 30, 24, Residual::Under(6)),
        (100, 56, 56, Residual::None),
        (100, 24, 24, Residual::Over(32)),
        (0, 24, 0, Residual::Under(24)),
        (8, 8, 8, Residual::None),
    ] {
        let ended = rig.ask_lun(&status(0, allocation), expects).good();
        assert_eq!((ended.data.len(), ended.reply.residual), (moves, residual), "{allocation} {expects}");
        assert!(ended.data.len() < 4 || ended.data[3] == 52, "three descriptors, cut or not");
    }
    assert_eq!(rig.ask_lun(&status(BLOCKS, 24), 24).told(), (2, 5, 0x2100));
    rig.check_quiet();
}

#[test]
fn who_does_not_know_says_mapped_or_unknown() {
    let mut rig = Rig::new();
    rig.disk(1).knows_nothing.store(true, Ordering::Relaxed);
    let all = descriptors(&rig.ask_lun(&status(7, 4096), 4096).good().data);
    assert_eq!(all, [(7, BLOCKS as u32 - 7, 0)]);
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(rig.ask_lun(&status(7, 24), 24).told(), (2, 3, 0x1100));
}

#[test]
fn a_table_that_is_full_ends_in_the_middle() {
    let mut rig = Rig::new();
    for block in (0..200).step_by(2) {
        rig.tell_lun(&write10(block, 1), &[1; 512]).good();
    }
    let all = descriptors(&rig.ask_lun(&status(0, 65_536), 65_536).good().data);
    assert_eq!((all.len(), all[31]), (32, (31, 1, 1)));
    rig.check_quiet();
}
