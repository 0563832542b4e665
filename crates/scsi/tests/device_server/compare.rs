//! COMPARE AND WRITE, ORWRITE, WRITE AND VERIFY, and VERIFY beyond one buffer.

use crate::rig::*;
use bdev::Op;

pub fn compare_and_write(lba: u64, blocks: u8) -> Vec<u8> {
    let mut cdb = vec![0x89, 0];
    cdb.extend(lba.to_be_bytes());
    cdb.extend([0, 0, 0, blocks, 0, 0]);
    cdb
}

pub fn or_write(lba: u64, blocks: u32) -> Vec<u8> {
    let mut cdb = vec![0x8b, 0];
    cdb.extend(lba.to_be_bytes());
    cdb.extend(blocks.to_be_bytes());
    cdb.extend([0, 0]);
    cdb
}

fn write_verify10(flags: u8, lba: u32, blocks: u16) -> Vec<u8> {
    let mut cdb = write10(lba, blocks);
    (cdb[0], cdb[1]) = (0x2e, flags);
    cdb
}

fn blocks(rig: &Rig, block: usize, count: usize) -> Vec<u8> {
    rig.disk(1).bytes.lock().unwrap()[block * 512..][..count * 512].to_vec()
}

fn read(block: u64, blocks: u32) -> Op {
    Op::Read { block, blocks }
}

fn write(block: u64, blocks: u32, fua: bool) -> Op {
    Op::Write { block, blocks, fua }
}

#[test]
fn compare_and_write_writes_what_compares() {
    let mut rig = Rig::new();
    let (old, new) = (pattern(1, 1024), pattern(2, 1024));
    rig.tell_lun(&write10(8, 2), &old).good();
    rig.disk(1).ops();
    let both = [old.clone(), new.clone()].concat();
    let ended = rig.tell_lun(&compare_and_write(8, 2), &both).good();
    assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 2048));
    assert_eq!(rig.disk(1).ops(), [read(8, 2), write(8, 2, false)]);
    assert_eq!(blocks(&rig, 8, 2), new);
    let ended = rig.tell_lun(&compare_and_write(8, 2), &both);
    assert_eq!(ended.told(), (2, 0xe, 0x1d00));
    assert_eq!(rig.disk(1).ops(), [read(8, 2)], "nothing is written");
    rig.check_quiet();
}

#[test]
fn a_miscompare_says_where() {
    let mut rig = Rig::new();
    for place in [0, 1, 511, 512, 1023] {
        let mut data = vec![0; 2048];
        data[place] = 1;
        let ended = rig.tell_lun(&compare_and_write(0, 2), &data);
        assert_eq!(ended.told(), (2, 0xe, 0x1d00));
        let sense = ended.reply.sense();
        assert_eq!((sense[0], &sense[3..7]), (0xf0, &(place as u32).to_be_bytes()[..]), "VALID and INFORMATION");
        assert_eq!(ended.reply.residual, Residual::None, "all of it came");
    }
}

#[test]
fn compare_and_write_at_its_limits() {
    let mut rig = Rig::new();
    let limits = rig.ask_lun(&[0x12, 1, 0xb0, 0, 255, 0], 255).good().data;
    assert_eq!(limits[5], 64, "both halves in one buffer");
    rig.tell_lun(&compare_and_write(BLOCKS - 64, 64), &[0; 65_536]).good();
    rig.disk(1).ops();
    rig.tell_lun(&compare_and_write(0, 0), &[]).good();
    rig.tell_lun(&compare_and_write(BLOCKS, 0), &[]).good();
    assert_eq!(rig.tell_lun(&compare_and_write(BLOCKS + 1, 0), &[]).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&compare_and_write(BLOCKS - 1, 2), &[0; 2048]).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&compare_and_write(0, 65), &[0; 66_560]).told(), (2, 5, 0x2400));
    for wrong in [0, 512, 1023, 1536, 2048] {
        let ended = rig.tell_lun(&compare_and_write(0, 1), &vec![0; wrong]);
        assert_eq!(ended.told(), (2, 5, 0x0e03), "{wrong} bytes for one block");
    }
    let mut protect = compare_and_write(0, 1);
    protect[1] = 0x20;
    assert_eq!(rig.tell_lun(&protect, &[0; 1024]).told(), (2, 5, 0x2400));
    assert_eq!(rig.disk(1).ops(), []);
    protect[1] = 0x18;
    rig.tell_lun(&protect, &[0; 1024]).good();
    assert_eq!(rig.disk(1).ops(), [read(0, 1), write(0, 1, true)], "DPO and FUA");
    rig.check_quiet();
}

#[test]
fn what_fails_in_the_middle_is_told() {
    let mut rig = Rig::new();
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(rig.tell_lun(&compare_and_write(0, 1), &[0; 1024]).told(), (2, 3, 0x1100));
    assert_eq!(rig.tell_lun(&or_write(0, 1), &[0; 512]).told(), (2, 3, 0x1100));
    rig.disk(1).fail(None);
    rig.cores[0].port_mut().harms = true;
    assert_eq!(rig.tell_lun(&compare_and_write(0, 1), &[0; 1024]).told(), (2, 0xb, 0x4b00));
    rig.cores[0].port_mut().harms = false;
    rig.tell_lun(&write10(0, 1), &[0; 512]).good();
    rig.check_quiet();
}

#[test]
fn or_write_sets_bits() {
    let mut rig = Rig::new();
    rig.tell_lun(&write10(4, 2), &[0xa5; 1024]).good();
    rig.disk(1).ops();
    let ended = rig.tell_lun(&or_write(4, 2), &[0x5a; 1024]).good();
    assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 1024));
    assert_eq!(rig.disk(1).ops(), [read(4, 2), write(4, 2, false)]);
    assert_eq!(blocks(&rig, 3, 4), [[0; 512], [0xff; 512], [0xff; 512], [0; 512]].concat());
    let ended = rig.tell_lun(&or_write(6, 2), &[1; 512]).good();
    assert_eq!((ended.reply.residual, blocks(&rig, 7, 1)), (Residual::Over(512), vec![0; 512]));
    let ended = rig.tell_lun(&or_write(6, 1), &[2; 700]).good();
    assert_eq!((ended.reply.residual, blocks(&rig, 6, 1)), (Residual::Under(188), vec![3; 512]));
    rig.tell_lun(&or_write(0, 0), &[]).good();
    assert_eq!(rig.tell_lun(&or_write(BLOCKS, 1), &[0; 512]).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&or_write(0, 129), &[0; 66_048]).told(), (2, 5, 0x2400));
    assert_eq!(rig.tell_lun(&or_write(0, 2), &[0; 700]).told(), (2, 5, 0x0e03), "a block and a bit");
    rig.check_quiet();
}

#[test]
fn write_and_verify_writes_and_reads_back() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    let data = pattern(7, 1024);
    let longer: [&[u8]; 4] = [
        &write_verify10(0, 5, 2),
        &write_verify10(2, 5, 2),
        &[0xae, 2, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0],
        &[0x8e, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0],
    ];
    for cdb in longer {
        let ended = rig.tell_lun(cdb, &data).good();
        assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 1024));
        assert_eq!(rig.disk(1).ops(), [write(5, 2, true), read(5, 2)]);
        assert_eq!(blocks(&rig, 5, 2), data);
    }
    rig.tell_lun(&write_verify10(2, 0, 0), &[]).good();
    assert_eq!(rig.tell_lun(&write_verify10(2, BLOCKS as u32, 1), &[0; 512]).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&write_verify10(2, BLOCKS as u32 + 1, 0), &[]).told(), (2, 5, 0x2100));
    for flags in [4, 6, 0x20] {
        assert_eq!(rig.tell_lun(&write_verify10(flags, 0, 1), &[0; 512]).told(), (2, 5, 0x2400));
    }
    for (expects, residual) in [(0, Residual::Over(1024)), (512, Residual::Over(512)), (2000, Residual::Under(976))] {
        let ended = rig.tell_lun(&write_verify10(2, 9, 2), &vec![3; expects]).good();
        assert_eq!(ended.reply.residual, residual);
    }
    rig.check_quiet();
}

#[test]
fn a_verify_may_be_longer_than_a_buffer() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    let mut cdb = vec![0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    cdb.extend((BLOCKS as u32).to_be_bytes());
    cdb.extend([0, 0]);
    rig.ask_lun(&cdb, 0).good();
    let ops: Vec<Op> = (0..16).map(|piece| read(piece * 128, 128)).collect();
    assert_eq!(rig.disk(1).ops(), ops);
    cdb[1] = 6;
    let ended = rig.tell_lun(&cdb, &[0; 512]).good();
    assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 512));
    rig.tell_lun(&write10(BLOCKS as u32 - 1, 1), &[1; 512]).good();
    assert_eq!(rig.tell_lun(&cdb, &[0; 512]).told(), (2, 0xe, 0x1d00), "the last of them differs");
    assert_eq!(rig.tell_lun(&cdb, &[0; 511]).told(), (2, 5, 0x0e03));
    rig.check_quiet();
}

#[test]
fn a_disk_that_takes_no_writes_takes_none_of_these() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { write: false, unmap: false, write_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    let protected = (2, 7, 0x2700);
    assert_eq!(rig.tell_lun(&compare_and_write(0, 1), &[0; 1024]).told(), protected);
    assert_eq!(rig.tell_lun(&or_write(0, 1), &[0; 512]).told(), protected);
    assert_eq!(rig.tell_lun(&write_verify10(2, 0, 1), &[0; 512]).told(), protected);
    rig.ask_lun(&[0x2f, 0, 0, 0, 0, 0, 0, 0, 9, 0], 0).good();
}

#[test]
fn an_atomic_write_is_one_where_there_is_no_cache() {
    let mut cdb = vec![0x9c, 0x18];
    cdb.extend(8u64.to_be_bytes());
    cdb.extend([0, 0, 0, 2, 0, 0]);
    let mut rig = Rig::new();
    assert_eq!(rig.tell_lun(&cdb, &[5; 1024]).told(), (2, 5, 0x2000));
    let limits = rig.ask_lun(&[0x12, 1, 0xb0, 0, 255, 0], 255).good().data;
    assert_eq!(limits[44..48], [0; 4]);

    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { volatile_cache: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    let limits = rig.ask_lun(&[0x12, 1, 0xb0, 0, 255, 0], 255).good().data;
    assert_eq!(limits[44..64], [&[0, 0, 0, 128][..], &[0; 16]].concat());
    let ended = rig.tell_lun(&cdb, &[5; 1024]).good();
    assert_eq!((ended.reply.residual, rig.disk(1).ops()), (Residual::None, vec![write(8, 2, true)]));
    assert_eq!(rig.tell_lun(&cdb, &[5; 512]).told(), (2, 5, 0x0e03), "all or nothing");
    cdb[13] = 129;
    assert_eq!(rig.tell_lun(&cdb, &[5; 66_048]).told(), (2, 5, 0x2400));
    (cdb[11], cdb[13]) = (1, 1);
    assert_eq!(rig.tell_lun(&cdb, &[5; 512]).told(), (2, 5, 0x2400), "ATOMIC BOUNDARY");
    (cdb[8], cdb[11], cdb[13]) = (9, 0, 0);
    assert_eq!(rig.tell_lun(&cdb, &[]).told(), (2, 5, 0x2100));
    rig.check_quiet();
}

#[test]
fn pre_fetch_knows_its_range() {
    let mut rig = Rig::new();
    rig.ask_lun(&[0x34, 2, 0, 0, 0, 0, 0, 0, 9, 0], 0).good();
    rig.ask_lun(&[0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0).good();
    rig.ask_lun(&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0], 0).good();
    let beyond = (2, 5, 0x2100);
    assert_eq!(rig.ask_lun(&[0x34, 0, 0, 0, 8, 0, 0, 0, 1, 0], 0).told(), beyond);
    assert_eq!(rig.ask_lun(&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0], 0).told(), beyond);
}
