//! POPULATE TOKEN, WRITE USING TOKEN, and what makes a token invalid.

use crate::copy::{bytes, cdb16, fill, rig};
use crate::rig::*;
use bdev::Op;

const SECOND: u64 = 1_000_000_000;

fn ranges(ranges: &[(u64, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (lba, blocks) in ranges {
        bytes.extend(lba.to_be_bytes());
        bytes.extend(blocks.to_be_bytes());
        bytes.extend([0; 4]);
    }
    bytes
}

fn populate_list(flags: u8, timeout: u32, kind: u32, of: &[(u64, u32)]) -> Vec<u8> {
    let of = ranges(of);
    let mut bytes = (14 + of.len() as u16).to_be_bytes().to_vec();
    bytes.extend([flags, 0]);
    bytes.extend(timeout.to_be_bytes());
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend((of.len() as u16).to_be_bytes());
    [bytes, of].concat()
}

fn use_list(token: &[u8], flags: u8, offset: u64, to: &[(u64, u32)]) -> Vec<u8> {
    let to = ranges(to);
    let mut bytes = (534 + to.len() as u16).to_be_bytes().to_vec();
    bytes.extend([flags, 0, 0, 0, 0, 0]);
    bytes.extend(offset.to_be_bytes());
    bytes.extend(token);
    bytes.extend([0; 6]);
    bytes.extend((to.len() as u16).to_be_bytes());
    [bytes, to].concat()
}

fn populate(list: u32, length: usize) -> Vec<u8> {
    cdb16(0x83, 0x10, 6, &list.to_be_bytes(), length as u32)
}

fn write_using(list: u32, length: usize) -> Vec<u8> {
    cdb16(0x83, 0x11, 6, &list.to_be_bytes(), length as u32)
}

/// RECEIVE ROD TOKEN INFORMATION: state, blocks, the token.
fn information(rig: &mut Rig, list: u32) -> (u8, u64, Vec<u8>) {
    let data = rig.ask_lun(&cdb16(0x84, 7, 2, &list.to_be_bytes(), 1024), 1024).good().data;
    assert_eq!(u32::from_be_bytes(data[..4].try_into().unwrap()) as usize + 4, data.len());
    assert_eq!(data[15], 0xf1, "counted in blocks");
    let sense = usize::from(data[13]);
    let descriptor = u32::from_be_bytes(data[32 + sense..36 + sense].try_into().unwrap()) as usize;
    assert_eq!(36 + sense + descriptor, data.len());
    let token = if descriptor > 0 { data[38 + sense..].to_vec() } else { Vec::new() };
    (data[5], u64::from_be_bytes(data[16..24].try_into().unwrap()), token)
}

fn token_of(rig: &mut Rig, of: &[(u64, u32)]) -> Vec<u8> {
    token_for(rig, 0, of)
}

fn token_for(rig: &mut Rig, timeout: u32, of: &[(u64, u32)]) -> Vec<u8> {
    let list = populate_list(0, timeout, 0, of);
    rig.tell_lun(&populate(1, list.len()), &list).good();
    let (state, blocks, token) = information(rig, 1);
    assert_eq!((state, blocks), (1, of.iter().map(|range| u64::from(range.1)).sum::<u64>()));
    assert_eq!(token.len(), 512);
    token
}

/// WRITE USING TOKEN to a LUN of nexus 0.
fn write(rig: &mut Rig, lun: u16, token: &[u8], offset: u64, to: &[(u64, u32)]) -> Ended {
    let list = use_list(token, 0, offset, to);
    let task = rig.task(0, lun, &write_using(2, list.len()));
    rig.run_task(Task { data_out: list.len() as u32, ..task }, list)
}

#[test]
fn a_token_stands_for_its_blocks_in_order() {
    let mut rig = rig();
    let token = token_of(&mut rig, &[(100, 300), (50, 2), (7, 0), (1000, 10)]);
    assert_eq!((&token[..8], token[16], token[17 + 4 - 1]), (&[0, 0x80, 0, 1, 0, 0, 1, 0xf8][..], 0xe4, 1));
    assert_eq!(u64::from_be_bytes(token[56..64].try_into().unwrap()), 312 * 512);
    assert_eq!(token[96..100], [0, 0, 2, 0], "LOGICAL BLOCK LENGTH IN BYTES");
    let data = [bytes(&rig, 1, 100, 300), bytes(&rig, 1, 50, 2), bytes(&rig, 1, 1000, 10)].concat();
    write(&mut rig, 1, &token, 0, &[(0, 5), (500, 305), (900, 2)]).good();
    let written = [bytes(&rig, 2, 0, 5), bytes(&rig, 2, 500, 305), bytes(&rig, 2, 900, 2)].concat();
    assert!(written == data);
    // From an offset on, and no more than there is.
    fill(&rig, 2, 77);
    let kept = bytes(&rig, 2, 3, 1);
    write(&mut rig, 1, &token, 309, &[(0, 100)]).good();
    assert_eq!((bytes(&rig, 2, 0, 3), bytes(&rig, 2, 3, 1)), (data[309 * 512..].to_vec(), kept));
    let task = rig.task(0, 1, &cdb16(0x84, 7, 2, &2u32.to_be_bytes(), 64));
    let data = rig.run_task(Task { data_in: 64, ..task }, Vec::new()).good().data;
    assert_eq!((data[4], data[5], u64::from_be_bytes(data[16..24].try_into().unwrap())), (0x11, 1, 3));
    rig.check_quiet();
}

#[test]
fn zeroes_need_no_token_of_ours() {
    for write_zeroes in [true, false] {
        let mut rig = Rig::empty(1);
        rig.add_disk(bdev::Features { write_zeroes, ..FEATURES });
        rig.put_node(node(vec![map(&[(0, 1)])]));
        rig.open(0, 0);
        rig.calm(0, 0, 0);
        fill(&rig, 1, 7);
        let (before, behind) = (bytes(&rig, 1, 9, 1), bytes(&rig, 1, 310, 1));
        let mut zero = [0; 512];
        zero[..8].copy_from_slice(&[0xff, 0xff, 0, 1, 0, 0, 1, 0xf8]);
        write(&mut rig, 0, &zero, 0, &[(10, 300)]).good();
        assert!(bytes(&rig, 1, 10, 300).iter().all(|byte| *byte == 0));
        assert_eq!((bytes(&rig, 1, 9, 1), bytes(&rig, 1, 310, 1)), (before, behind));
        let by_device = rig.disk(1).ops().iter().all(|op| matches!(op, Op::WriteZeroes { .. }));
        assert_eq!(by_device, write_zeroes);
        rig.check_quiet();
    }
}

#[test]
fn whatever_is_written_to_its_blocks_makes_a_token_invalid() {
    let same = |lba: u8| [&[0x93, 0, 0, 0, 0, 0, 0, 0, 0, lba, 0, 0, 0, 1, 0, 0][..], &[]].concat();
    let unmap = [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let unmap_list = [&[0, 22, 0, 16, 0, 0, 0, 0][..], &ranges(&[(100, 1)])].concat();
    let cases: [(Vec<u8>, Vec<u8>, bool); 5] = [
        (write10(99, 1), vec![1; 512], false),
        (write10(110, 1), vec![1; 512], false),
        (write10(109, 1), vec![1; 512], true),
        (same(100), vec![1; 512], true),
        (unmap.to_vec(), unmap_list, true),
    ];
    for (cdb, data, revokes) in cases {
        let mut rig = rig();
        let token = token_of(&mut rig, &[(100, 10)]);
        rig.tell_lun(&cdb, &data).good();
        rig.disk(2).ops();
        let told = write(&mut rig, 1, &token, 0, &[(0, 10)]).told();
        assert_eq!(told, if revokes { (2, 5, 0x2306) } else { (0, 0, 0) }, "{:x}", cdb[0]);
        assert_eq!(rig.disk(2).ops().is_empty(), revokes);
        rig.check_quiet();
    }
}

#[test]
fn a_write_at_another_home_revokes_and_copies_under_way_stop() {
    let mut rig = Rig::homes(2);
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    for (core, queue) in [(0, 0), (1, 0)] {
        rig.open(core, queue);
        for lun in [0, 1] {
            rig.calm(core, queue, lun);
        }
    }
    fill(&rig, 1, 1);
    let before = bytes(&rig, 1, 0, 1000);
    let token = token_of(&mut rig, &[(0, 1000)]);
    // Home 1 may use what home 0 made.
    let list = use_list(&token, 0, 0, &[(1000, 10)]);
    let task = rig.task(0, 1, &write_using(2, list.len()));
    let id = rig.start(1, Task { data_out: list.len() as u32, ..task }, list);
    rig.ended(1, id).unwrap().good();
    assert_eq!(bytes(&rig, 2, 1000, 10), before[..5120]);
    rig.disk(2).hold(true);
    let list = use_list(&token, 0, 0, &[(0, 1000)]);
    let task = rig.task(0, 1, &write_using(2, list.len()));
    let id = rig.start(0, Task { data_out: list.len() as u32, ..task }, list);
    let task = rig.task(0, 0, &write10(999, 1));
    let other = rig.start(1, Task { data_out: 512, ..task }, vec![9; 512]);
    rig.ended(1, other).unwrap().good();
    rig.disk(2).hold(false);
    rig.run();
    assert_eq!(rig.ended(0, id).unwrap().told(), (2, 5, 0x2306));
    let copied = bytes(&rig, 2, 0, 1000);
    assert!(copied[..64 * 1024] == before[..64 * 1024] && copied[64 * 1024..].iter().all(|byte| *byte == 0));
    rig.check_quiet();
}

#[test]
fn a_write_under_way_when_the_token_was_made_revokes_it_when_it_ends() {
    let mut rig = rig();
    rig.disk(1).hold(true);
    let task = rig.task(0, 0, &write10(5, 1));
    let id = rig.start(0, Task { data_out: 512, ..task }, vec![9; 512]);
    let token = token_of(&mut rig, &[(0, 10)]);
    rig.disk(1).hold(false);
    rig.run();
    rig.ended(0, id).unwrap().good();
    assert_eq!(write(&mut rig, 1, &token, 0, &[(0, 10)]).told(), (2, 5, 0x2306));
    rig.check_quiet();
}

#[test]
fn a_copy_over_its_own_blocks_is_the_last_of_its_token() {
    let mut rig = rig();
    let token = token_of(&mut rig, &[(100, 300)]);
    let data = bytes(&rig, 1, 100, 300);
    write(&mut rig, 0, &token, 0, &[(101, 300)]).good();
    assert!(bytes(&rig, 1, 101, 300) == data);
    assert_eq!(write(&mut rig, 0, &token, 0, &[(101, 300)]).told(), (2, 5, 0x2306));
    let token = token_of(&mut rig, &[(0, 8), (8, 8)]);
    assert_eq!(write(&mut rig, 0, &token, 0, &[(8, 16)]).told(), (2, 5, 0x2300), "it cannot be done in one");
    write(&mut rig, 0, &token, 0, &[(16, 16)]).good();
    rig.check_quiet();
}

#[test]
fn a_token_is_deleted_or_expires() {
    let mut rig = rig();
    let token = token_of(&mut rig, &[(0, 8)]);
    let list = use_list(&token, 2, 0, &[(100, 8)]);
    rig.tell_lun(&write_using(2, list.len()), &list).good();
    assert_eq!(write(&mut rig, 1, &token, 0, &[(0, 8)]).told(), (2, 5, 0x2309), "DEL_TKN");
    let token = token_for(&mut rig, 2, &[(0, 8)]);
    rig.now += 2 * SECOND - SECOND / 2;
    write(&mut rig, 1, &token, 0, &[(0, 8)]).good();
    rig.now += 2 * SECOND - SECOND / 2;
    write(&mut rig, 1, &token, 0, &[(0, 8)]).good();
    let all = rig.ask_lun(&cdb16(0x84, 8, 2, &[], 1024), 1024).good().data;
    assert_eq!((all.len(), &all[..4], &all[8..]), (104, &[0, 0, 0, 100][..], &token[..96]));
    rig.now += 3 * SECOND;
    assert_eq!(write(&mut rig, 1, &token, 0, &[(0, 8)]).told(), (2, 5, 0x2307));
    assert_eq!(rig.ask_lun(&cdb16(0x84, 8, 2, &[], 1024), 1024).good().data.len(), 8);
    rig.check_quiet();
}

#[test]
fn what_populate_token_refuses() {
    let mut rig = rig();
    let (length, field) = ((2, 5, 0x1a00), (2, 5, 0x2600));
    rig.tell_lun(&populate(1, 0), &[]).good();
    assert_eq!(rig.tell_lun(&populate(1, 15), &[0; 15]).told(), length);
    let told = |rig: &mut Rig, list: &[u8]| rig.tell_lun(&populate(1, list.len()), list).told();
    let good = populate_list(0, 0, 0, &[(0, 1)]);
    assert_eq!(told(&mut rig, &good[..24]), length, "a range is cut");
    for (byte, value) in [(1, 29), (15, 15), (15, 0)] {
        let mut list = good.clone();
        list[byte] = value;
        assert_eq!(told(&mut rig, &list), field, "{byte}");
    }
    assert_eq!(told(&mut rig, &populate_list(0, 601, 0, &[(0, 1)])), field, "INACTIVITY TIMEOUT");
    assert_eq!(told(&mut rig, &populate_list(2, 0, 0x0080_0002, &[(0, 1)])), field, "ROD TYPE: persistent");
    assert_eq!(told(&mut rig, &populate_list(0, 0, 0, &[(0, 8), (100, 1), (7, 1)])), field, "they overlap");
    assert_eq!(told(&mut rig, &populate_list(0, 0, 0, &[(BLOCKS, 1)])), (2, 5, 0x2100));
    assert_eq!(told(&mut rig, &populate_list(0, 0, 0, &[(u64::MAX, 2)])), (2, 5, 0x2100));
    let many: Vec<(u64, u32)> = (0..129).map(|lba| (lba, 1)).collect();
    assert_eq!(told(&mut rig, &populate_list(0, 0, 0, &many)), length, "more than any list has");
    let task = rig.task(0, 0, &cdb16(0x84, 7, 2, &1u32.to_be_bytes(), 64));
    assert_eq!(rig.run_task(Task { data_in: 64, ..task }, Vec::new()).told(), (2, 5, 0x2400), "no token was made");
    assert_eq!(told(&mut rig, &populate_list(2, 0, 0x0080_0001, &many[..128])), (0, 0, 0));
    rig.check_quiet();
}

#[test]
fn what_write_using_token_refuses() {
    let mut rig = rig();
    let token = token_of(&mut rig, &[(0, 8)]);
    let told = |rig: &mut Rig, token: &[u8], offset, to: &[(u64, u32)]| write(rig, 1, token, offset, to).told();
    assert_eq!(told(&mut rig, &token, 8, &[(0, 1)]), (2, 5, 0x2600), "OFFSET INTO ROD");
    assert_eq!(told(&mut rig, &token, u64::MAX, &[(0, 1)]), (2, 5, 0x2600), "OFFSET INTO ROD");
    assert_eq!(told(&mut rig, &token, 0, &[(0, 1), (0, 1)]), (2, 5, 0x2600));
    assert_eq!(told(&mut rig, &token, 0, &[(BLOCKS - 1, 2)]), (2, 5, 0x2100));
    let spoilt = |byte: usize| {
        let mut token = token.clone();
        token[byte] ^= 1;
        token
    };
    assert_eq!(told(&mut rig, &spoilt(3), 0, &[(0, 1)]), (2, 5, 0x2301), "ROD TYPE");
    assert_eq!(told(&mut rig, &spoilt(7), 0, &[(0, 1)]), (2, 5, 0x230a), "ROD TOKEN LENGTH");
    assert_eq!(told(&mut rig, &spoilt(14), 0, &[(0, 1)]), (2, 5, 0x2304), "its number");
    assert_eq!(told(&mut rig, &spoilt(140), 0, &[(0, 1)]), (2, 5, 0x2305), "its secret");
    assert_eq!(told(&mut rig, &[0; 512], 0, &[(0, 1)]), (2, 5, 0x230a));
    assert_eq!(rig.tell_lun(&write_using(1, 535), &[0; 535]).told(), (2, 5, 0x1a00));
    assert_eq!(rig.disk(2).ops(), []);
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(told(&mut rig, &token, 0, &[(0, 8)]), (2, 3, 0x1100));
    rig.disk(1).fail(None);
    assert_eq!(told(&mut rig, &token, 0, &[(0, 8)]), (0, 0, 0));
    rig.check_quiet();
}
