//! WRITE SAME and UNMAP.

use crate::rig::*;
use bdev::Op;
use std::sync::atomic::Ordering;

fn same16(flags: u8, lba: u64, blocks: u32) -> Vec<u8> {
    let mut cdb = vec![0x93, flags];
    cdb.extend(lba.to_be_bytes());
    cdb.extend(blocks.to_be_bytes());
    cdb.extend([0, 0]);
    cdb
}

fn zeroes(block: u64, blocks: u64, unmap: bool) -> Op {
    Op::WriteZeroes { block, blocks, unmap, fua: false }
}

fn fill(rig: &Rig, byte: u8) {
    rig.disk(1).bytes.lock().unwrap().fill(byte);
    rig.disk(1).ops();
}

fn block_is(rig: &Rig, block: usize, bytes: &[u8]) -> bool {
    rig.disk(1).bytes.lock().unwrap()[block * 512..][..512] == *bytes
}

#[test]
fn zeroes_need_no_data_below() {
    let mut rig = Rig::new();
    fill(&rig, 7);
    rig.tell_lun(&same16(0, 5, 100), &[0; 512]).good();
    assert_eq!(rig.disk(1).ops(), [zeroes(5, 100, false)]);
    rig.tell_lun(&same16(0x08, 200, 10), &[0; 512]).good();
    assert_eq!(rig.disk(1).ops(), [zeroes(200, 10, true)]);
    rig.tell_lun(&[0x41, 0x08, 0, 0, 1, 0, 0, 0, 3, 0], &[0; 512]).good();
    assert_eq!(rig.disk(1).ops(), [zeroes(256, 3, true)]);
    let ended = rig.tell_lun(&same16(0x01, 300, 9), &[]).good();
    assert_eq!((rig.disk(1).ops(), ended.reply.residual), (vec![zeroes(300, 9, false)], Residual::None));
    assert!(block_is(&rig, 104, &[0; 512]) && block_is(&rig, 105, &[7; 512]));
    rig.check_quiet();
}

#[test]
fn a_pattern_is_written_to_each_block() {
    for at_once in [false, true] {
        let mut rig = Rig::new();
        rig.disk(1).at_once.store(at_once, Ordering::Relaxed);
        fill(&rig, 0);
        let block = pattern(3, 512);
        let ended = rig.tell_lun(&same16(0x08, 10, 200), &block).good();
        assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 512));
        let write = |block, blocks| Op::Write { block, blocks, fua: false };
        assert_eq!(rig.disk(1).ops(), [write(10, 128), write(138, 72)], "as much at once as a buffer holds");
        assert!((10..210).all(|at| block_is(&rig, at, &block)));
        assert!(block_is(&rig, 9, &[0; 512]) && block_is(&rig, 210, &[0; 512]));
        rig.check_quiet();
    }
}

#[test]
fn a_disk_that_cannot_zero_is_written_to() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { write_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    fill(&rig, 7);
    rig.tell_lun(&same16(0, 0, 3), &[0; 512]).good();
    assert_eq!(rig.disk(1).ops().len(), 1);
    assert!(block_is(&rig, 2, &[0; 512]) && block_is(&rig, 3, &[7; 512]));
    rig.tell_lun(&same16(1, 3, 3), &[]).good();
    assert!(block_is(&rig, 5, &[0; 512]) && block_is(&rig, 6, &[7; 512]), "NDOB");
}

#[test]
fn what_write_same_refuses() {
    let mut rig = Rig::new();
    let block = pattern(1, 512);
    let invalid = (2, 5, 0x2400);
    assert_eq!(rig.tell_lun(&same16(0, 0, 0), &block).told(), invalid, "WSNZ");
    assert_eq!(rig.tell_lun(&same16(0, 0, 65_536), &block).told(), invalid, "MAXIMUM WRITE SAME LENGTH");
    assert_eq!(rig.tell_lun(&same16(0x18, 0, 1), &block).told(), invalid, "ANCHOR");
    assert_eq!(rig.tell_lun(&same16(0x20, 0, 1), &block).told(), invalid, "WRPROTECT");
    assert_eq!(rig.tell_lun(&same16(0, BLOCKS, 1), &block).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&same16(0, 0, 1), &block[..511]).told(), (2, 5, 0x0e03));
    assert_eq!(rig.tell_lun(&same16(8, 0, 1), &[0; 1024]).told(), (2, 5, 0x0e03), "two blocks");
    assert_eq!(rig.tell_lun(&same16(0, 0, 1), &[]).told(), (2, 5, 0x0e03));
    rig.tell_lun(&same16(8, 0, 1), &[]).good();
    rig.disk(1).fail(Some(bdev::Status::WriteError));
    assert_eq!(rig.tell_lun(&same16(0, 0, 5), &block).told(), (2, 3, 0x0c00));
    rig.check_quiet();
}

fn unmap_list(ranges: &[(u64, u32)]) -> Vec<u8> {
    let bytes = ranges.len() as u16 * 16;
    let mut list = (bytes + 6).to_be_bytes().to_vec();
    list.extend(bytes.to_be_bytes());
    list.extend([0; 4]);
    for (lba, blocks) in ranges {
        list.extend(lba.to_be_bytes());
        list.extend(blocks.to_be_bytes());
        list.extend([0; 4]);
    }
    list
}

fn unmap(length: u16) -> Vec<u8> {
    let mut cdb = vec![0x42, 0, 0, 0, 0, 0, 0];
    cdb.extend(length.to_be_bytes());
    cdb.push(0);
    cdb
}

#[test]
fn unmap_gives_back_its_ranges() {
    let mut rig = Rig::new();
    fill(&rig, 7);
    let list = unmap_list(&[(1, 2), (50, 0), (100, 1), (BLOCKS - 1, 1)]);
    let ended = rig.tell_lun(&unmap(list.len() as u16), &list).good();
    assert_eq!(ended.reply.residual, Residual::None);
    assert_eq!(rig.disk(1).ops(), [Op::Unmap { ranges: 3 }]);
    for (block, byte) in [(0, 7), (1, 0), (2, 0), (3, 7), (50, 7), (100, 0), (101, 7), (2047, 0)] {
        assert!(block_is(&rig, block, &[byte; 512]), "{block}");
    }
    rig.check_quiet();
}

#[test]
fn what_unmap_takes_and_refuses() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    rig.tell_lun(&unmap(0), &[]).good();
    rig.tell_lun(&unmap(8), &unmap_list(&[])).good();
    let outside = unmap_list(&[(0, 1), (BLOCKS - 1, 2)]);
    let wraps = unmap_list(&[(u64::MAX, 2)]);
    assert_eq!(rig.tell_lun(&unmap(40), &outside).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&unmap(24), &wraps).told(), (2, 5, 0x2100));
    let one = unmap_list(&[(0, 1)]);
    let too_short = (2, 5, 0x1a00);
    assert_eq!(rig.tell_lun(&unmap(7), &one).told(), too_short);
    assert_eq!(rig.tell_lun(&unmap(20), &one).told(), too_short, "a descriptor is cut");
    assert_eq!(rig.tell_lun(&unmap(24), &one[..12]).told(), too_short, "less comes than was said");
    let many = unmap_list(&vec![(0, 1); 257]);
    assert_eq!(rig.tell_lun(&unmap(many.len() as u16), &many).told(), (2, 5, 0x2600));
    let mut anchor = unmap(24);
    anchor[1] = 1;
    assert_eq!(rig.tell_lun(&anchor, &one).told(), (2, 5, 0x2400));
    assert_eq!(rig.disk(1).ops(), []);
    rig.check_quiet();
}

#[test]
fn a_disk_that_gives_nothing_back_has_no_unmap() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { unmap: false, unmap_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    assert_eq!(rig.tell_lun(&unmap(24), &unmap_list(&[(0, 1)])).told(), (2, 5, 0x2000));
    assert_eq!(rig.tell_lun(&same16(0x08, 0, 1), &[0; 512]).told(), (2, 5, 0x2400));
    assert_eq!(rig.ask_lun(&[0xa3, 0x0c, 1, 0x42, 0, 0, 0, 0, 0, 64], 64).good().data[1] & 7, 1, "not supported");
}
