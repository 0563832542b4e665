//! EXTENDED COPY and what is said of it: good copies, every error, aborts between steps.

use crate::rig::*;
use bdev::Op;
use std::sync::atomic::Ordering;

/// Copies of more than one step.
pub const STEP: usize = LARGEST as usize;

pub fn naa(rig: &Rig, id: u32) -> Vec<u8> {
    rig.unit_view(id).identity.naa.to_vec()
}

/// An identification descriptor.
pub fn cscd(kind: u8, designator: u8, name: &[u8], block: u32) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0, 1, designator, 0, name.len() as u8];
    bytes.extend(name);
    bytes.resize(28, 0);
    bytes.extend(block.to_be_bytes());
    bytes
}

pub fn by_naa(rig: &Rig, id: u32) -> Vec<u8> {
    cscd(0xe4, 3, &naa(rig, id), 0)
}

/// Block to block.
pub fn segment(from: u16, to: u16, blocks: u16, from_lba: u64, to_lba: u64) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 24];
    bytes.extend([from, to, 0, blocks].iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend([from_lba, to_lba].iter().flat_map(|n| n.to_be_bytes()));
    bytes
}

/// Block to block with offset.
fn in_bytes(from: u16, to: u16, bytes: u32, from_lba: u64, to_lba: u64) -> Vec<u8> {
    let mut segment = vec![0x0a, 0, 0, 28];
    segment.extend([from, to].iter().flat_map(|n| n.to_be_bytes()));
    segment.extend(bytes.to_be_bytes());
    segment.extend([from_lba, to_lba].iter().flat_map(|n| n.to_be_bytes()));
    segment.extend([0; 4]);
    segment
}

/// A list with an identifier of one byte.
pub fn list1(list: u8, usage: u8, cscds: &[Vec<u8>], segments: &[Vec<u8>]) -> Vec<u8> {
    let (cscds, segments) = (cscds.concat(), segments.concat());
    let mut bytes = vec![list, usage << 3];
    bytes.extend((cscds.len() as u16).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend((segments.len() as u32).to_be_bytes());
    bytes.extend([0; 4]);
    [bytes, cscds, segments].concat()
}

fn list4(list: u32, cscds: &[Vec<u8>], segments: &[Vec<u8>]) -> Vec<u8> {
    let (cscds, segments) = (cscds.concat(), segments.concat());
    let mut bytes = vec![1, 0, 0, 0x20];
    bytes.resize(16, 0);
    bytes.extend([0xff, 0, 0, 0]);
    bytes.extend(list.to_be_bytes());
    bytes.resize(42, 0);
    bytes.extend((cscds.len() as u16).to_be_bytes());
    bytes.extend((segments.len() as u16).to_be_bytes());
    bytes.extend([0; 2]);
    [bytes, cscds, segments].concat()
}

/// A CDB of operation code 83h or 84h: list identifier from byte 2 or 6 on, length in bytes 10 to 13.
pub fn cdb16(opcode: u8, action: u8, list_at: usize, list: &[u8], length: u32) -> Vec<u8> {
    let mut cdb = vec![0; 16];
    (cdb[0], cdb[1]) = (opcode, action);
    cdb[list_at..list_at + list.len()].copy_from_slice(list);
    cdb[10..14].copy_from_slice(&length.to_be_bytes());
    cdb
}

pub fn copy1(length: usize) -> Vec<u8> {
    cdb16(0x83, 0, 2, &[], length as u32)
}

fn copy4(length: usize) -> Vec<u8> {
    cdb16(0x83, 1, 2, &[], length as u32)
}

fn status1(rig: &mut Rig, list: u8) -> Ended {
    rig.ask_lun(&cdb16(0x84, 0, 2, &[list], 64), 64)
}

/// RECEIVE COPY STATUS (LID4): state, segments, bytes.
pub fn status4(rig: &mut Rig, list: u32) -> (u8, u16, u64) {
    let data = rig.ask_lun(&cdb16(0x84, 5, 2, &list.to_be_bytes(), 96), 96).good().data;
    let count = u64::from_be_bytes(data[16..24].try_into().unwrap());
    (data[5], u16::from_be_bytes([data[24], data[25]]), count)
}

/// Two disks with other data each, as LUN 0 and 1, and one that nobody is shown.
pub fn rig() -> Rig {
    let mut rig = Rig::empty(1);
    for _ in 0..3 {
        rig.add_disk(FEATURES);
    }
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    rig.calm(0, 0, 1);
    for id in [1, 2] {
        fill(&rig, id, id as u8);
    }
    rig
}

pub fn fill(rig: &Rig, id: u32, seed: u8) {
    let bytes = &mut *rig.disk(id).bytes.lock().unwrap();
    *bytes = pattern(seed, bytes.len());
    rig.disk(id).ops();
}

pub fn bytes(rig: &Rig, id: u32, block: usize, blocks: usize) -> Vec<u8> {
    rig.disk(id).bytes.lock().unwrap()[block * 512..(block + blocks) * 512].to_vec()
}

fn send(rig: &mut Rig, list: &[u8]) -> Ended {
    rig.tell_lun(&copy1(list.len()), list)
}

#[test]
fn blocks_go_from_one_disk_to_another_and_nowhere_else() {
    for at_once in [false, true] {
        let mut rig = rig();
        for id in [1, 2] {
            rig.disk(id).at_once.store(at_once, Ordering::Relaxed);
        }
        let (source, before) = (bytes(&rig, 1, 7, 1000), bytes(&rig, 2, 0, 2048));
        let list = list1(1, 0, &[by_naa(&rig, 1), by_naa(&rig, 2)], &[segment(0, 1, 1000, 7, 500)]);
        let ended = send(&mut rig, &list).good();
        assert_eq!(ended.reply.residual, Residual::None);
        assert_eq!(bytes(&rig, 2, 500, 1000), source);
        assert_eq!(
            (bytes(&rig, 2, 0, 500), bytes(&rig, 2, 1500, 548)),
            (before[..256_000].to_vec(), before[768_000..].to_vec())
        );
        let writes = rig.disk(2).ops();
        assert!(writes.len() > 3 && writes.iter().all(|op| matches!(op, Op::Write { .. })), "{writes:?}");
        let data = status1(&mut rig, 1).good().data;
        assert_eq!(data, [0, 0, 0, 8, 1, 0, 1, 0, 0, 7, 0xd0, 0]);
        rig.check_quiet();
    }
}

#[test]
fn designators_of_all_kinds_and_the_unit_itself() {
    let mut rig = rig();
    let identity = rig.unit_view(2).identity;
    let uuid = [&[0x10, 0][..], identity.uuid.as_bytes()].concat();
    let named = [cscd(0xe4, 3, &identity.naa, 512), cscd(0xe4, 2, &identity.eui64, 0), cscd(0xe4, 0x0a, &uuid, 0)];
    for (number, destination) in named.into_iter().enumerate() {
        let list = list1(1, 2, &[destination], &[segment(0xffff, 0, 1, number as u64, number as u64)]);
        send(&mut rig, &list).good();
        assert_eq!(bytes(&rig, 2, number, 1), bytes(&rig, 1, number, 1));
    }
    rig.check_quiet();
}

#[test]
fn several_segments_one_after_the_other() {
    let mut rig = rig();
    let ends = [by_naa(&rig, 1), by_naa(&rig, 2)];
    let first = bytes(&rig, 1, 0, 8);
    let segments = [segment(0, 1, 8, 0, 100), in_bytes(1, 0, 8 * 512, 100, 200), segment(0, 0, 0, 0, 0)];
    let list = list4(0xdead_beef, &ends, &segments);
    rig.tell_lun(&copy4(list.len()), &list).good();
    assert_eq!((bytes(&rig, 2, 100, 8), bytes(&rig, 1, 200, 8)), (first.clone(), first));
    assert_eq!(status4(&mut rig, 0xdead_beef), (1, 3, 8192));
    rig.check_quiet();
}

#[test]
fn a_copy_onto_itself_is_as_if_done_at_once() {
    let blocks = STEP / 512 * 3 + 5;
    for (from, to) in [(100u64, 103u64), (103, 100), (100, 100), (0, 800)] {
        let mut rig = rig();
        let data = bytes(&rig, 1, from as usize, blocks);
        let list = list1(1, 2, &[by_naa(&rig, 1)], &[segment(0, 0, blocks as u16, from, to)]);
        send(&mut rig, &list).good();
        assert_eq!(bytes(&rig, 1, to as usize, blocks), data, "{from} to {to}");
        rig.check_quiet();
    }
}

#[test]
fn disks_of_other_block_sizes() {
    let mut rig = rig();
    let id = rig.add_sized_disk(512, 4096, FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2), (2, id)])]));
    rig.calm(0, 0, 0);
    let ends = [by_naa(&rig, 1), by_naa(&rig, id)];
    let data = bytes(&rig, 1, 16, 16);
    send(&mut rig, &list1(1, 2, &ends, &[segment(0, 1, 16, 16, 3)])).good();
    assert_eq!(rig.disk(id).bytes.lock().unwrap()[3 * 4096..5 * 4096], data);
    // DC: the count is of blocks of the destination.
    let mut by_destination = segment(0, 1, 1, 0, 0);
    by_destination[1] = 2;
    send(&mut rig, &list1(1, 2, &ends, &[by_destination])).good();
    assert_eq!(rig.disk(id).bytes.lock().unwrap()[..4096], bytes(&rig, 1, 0, 8));
    rig.disk(id).ops();
    let ended = send(&mut rig, &list1(1, 2, &ends, &[segment(0, 1, 9, 0, 0)]));
    assert_eq!(ended.told(), (2, 0xa, 0x260a), "half a block");
    assert_eq!(rig.disk(id).ops(), []);
    rig.check_quiet();
}

#[test]
fn lists_that_are_wrong_as_a_whole() {
    let mut rig = rig();
    let ends = [by_naa(&rig, 1), by_naa(&rig, 2)];
    let good = [segment(0, 1, 1, 0, 0)];
    let list = list1(1, 0, &ends, &good);
    let length = (2, 5, 0x1a00);
    rig.tell_lun(&copy1(0), &[]).good();
    assert_eq!(rig.tell_lun(&copy1(15), &list[..15]).told(), length, "not even a header");
    assert_eq!(rig.tell_lun(&copy1(47), &list[..47]).told(), length, "a source is cut");
    assert_eq!(rig.tell_lun(&copy1(list.len() - 1), &list[..list.len() - 1]).told(), length, "a segment is cut");
    assert_eq!(rig.tell_lun(&copy1(list.len()), &list[..list.len() - 1]).told(), length, "less comes than was said");
    assert_eq!(rig.tell_lun(&copy1(16 + 513), &[0; 529]).told(), length, "MAXIMUM DESCRIPTOR LIST LENGTH");
    let many = vec![by_naa(&rig, 1); 9];
    assert_eq!(send(&mut rig, &list1(1, 0, &many, &good)).told(), (2, 5, 0x2606));
    assert_eq!(send(&mut rig, &list1(1, 0, &ends, &vec![good[0].clone(); 9])).told(), (2, 5, 0x2608));
    let port = [cscd(0xe0, 3, &naa(&rig, 1), 0), ends[1].clone()];
    assert_eq!(send(&mut rig, &list1(1, 0, &port, &good)).told(), (2, 5, 0x2607));
    let mut stream = good[0].clone();
    stream[0] = 3;
    assert_eq!(send(&mut rig, &list1(1, 0, &ends, &[stream])).told(), (2, 5, 0x2609));
    let mut odd = good[0].clone();
    odd[3] = 25;
    assert_eq!(send(&mut rig, &list1(1, 0, &ends, &[odd])).reply.sense()[12..18], [0x26, 0, 0, 0x80, 0, 82]);
    let mut inline = list.clone();
    inline[15] = 1;
    assert_eq!(send(&mut rig, &inline).told(), (2, 5, 0x260b));
    assert_eq!(send(&mut rig, &list1(1, 3, &ends, &good)).told(), (2, 5, 0x2600), "an identifier that is none");
    assert_eq!(send(&mut rig, &list1(0, 1, &ends, &good)).told(), (2, 5, 0x2600), "LIST ID USAGE");
    let large = in_bytes(0, 1, (64 << 20) + 512, 0, 0);
    assert_eq!(send(&mut rig, &list1(0, 0, &ends, &[large])).told(), (2, 5, 0x2600), "MAXIMUM SEGMENT LENGTH");
    let mut offset = in_bytes(0, 1, 512, 0, 0);
    offset[29] = 1;
    assert_eq!(send(&mut rig, &list1(0, 0, &ends, &[offset])).told(), (2, 5, 0x2600), "SOURCE BYTE OFFSET");
    for (byte, value) in [(0, 0), (3, 0x1f), (16, 0xe4)] {
        let mut list = list4(1, &ends, &good);
        list[byte] = value;
        assert_eq!(rig.tell_lun(&copy4(list.len()), &list).told(), (2, 5, 0x2600), "{byte}");
    }
    assert_eq!(rig.tell_lun(&cdb16(0x83, 2, 2, &[], 0), &[]).told(), (2, 5, 0x2400), "no such service action");
    assert_eq!((rig.disk(1).ops(), rig.disk(2).ops()), (vec![], vec![]));
    rig.check_quiet();
}

/// COPY ABORTED of a segment: code, segment number, field pointer into the segment.
fn aborted(ended: &Ended) -> (u16, u16, Option<u16>) {
    assert_eq!(ended.told().1, 0xa, "{:x?}", ended.told());
    let sense = ended.reply.sense();
    let pair = |at: usize| u16::from_be_bytes([sense[at], sense[at + 1]]);
    assert!(sense[15] == 0 || sense[15] == 0xa0, "SKSV and SD");
    (pair(12), pair(10), (sense[15] != 0).then(|| pair(16)))
}

#[test]
fn segments_that_are_wrong_when_their_turn_comes() {
    let mut rig = rig();
    let ends = [by_naa(&rig, 1), by_naa(&rig, 2), by_naa(&rig, 3), cscd(0xe4, 3, &naa(&rig, 2), 4096)];
    let good = segment(0, 1, 1, 0, 0);
    let cases = [
        (segment(0, 4, 1, 0, 0), (0x0804, 1, Some(6)), "no such descriptor"),
        (segment(7, 1, 1, 0, 0), (0x0804, 1, Some(4)), "no such descriptor"),
        (segment(2, 1, 1, 0, 0), (0x0d02, 1, Some(4)), "the nexus is not shown it"),
        (segment(0, 2, 1, 0, 0), (0x0d02, 1, Some(6)), "the nexus is not shown it"),
        (segment(0, 3, 1, 0, 0), (0x260c, 1, Some(6)), "DISK BLOCK LENGTH"),
        (segment(0, 1, 2, BLOCKS - 1, 0), (0x0d02, 1, Some(12)), "beyond the source"),
        (segment(0, 1, 1, 0, BLOCKS), (0x0d02, 1, Some(20)), "beyond the destination"),
        (segment(0, 1, 1, 0, u64::MAX), (0x0d02, 1, Some(20)), "no number"),
    ];
    for (bad, told, why) in cases {
        fill(&rig, 2, 99);
        let ended = send(&mut rig, &list1(9, 0, &ends, &[good.clone(), bad, good.clone()]));
        assert_eq!(aborted(&ended), told, "{why}");
        assert_eq!(bytes(&rig, 2, 0, 1), bytes(&rig, 1, 0, 1), "the first segment is done");
        assert_eq!(rig.disk(2).ops().len(), 1, "the others are not");
        let data = status1(&mut rig, 9).good().data;
        assert_eq!(data[4..12], [2, 0, 1, 0, 0, 0, 2, 0]);
        let details = rig.ask_lun(&cdb16(0x84, 4, 2, &[9], 255), 255).good().data;
        assert_eq!((details.len(), details[56], &details[60..]), (78, 2, ended.reply.sense()));
    }
    let tape = cscd(0xe4, 3, &naa(&rig, 2), 0);
    let tape = [&[0xe4, 1][..], &tape[2..]].concat();
    let ended = send(&mut rig, &list1(9, 0, &[tape], &[segment(0xffff, 0, 1, 0, 0)]));
    assert_eq!(aborted(&ended), (0x0d03, 0, Some(6)));
    rig.check_quiet();
}

#[test]
fn what_devices_say() {
    let mut rig = rig();
    let list = list1(1, 0, &[by_naa(&rig, 1), by_naa(&rig, 2)], &[segment(0, 1, 300, 0, 0)]);
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(aborted(&send(&mut rig, &list)), (0x0d01, 0, None));
    assert_eq!(rig.disk(2).ops(), []);
    rig.disk(1).fail(None);
    rig.disk(2).fail(Some(bdev::Status::WriteError));
    assert_eq!(aborted(&send(&mut rig, &list)), (0x0d01, 0, None));
    rig.disk(2).fail(Some(bdev::Status::NoSpace));
    assert_eq!(send(&mut rig, &list).told(), (2, 7, 0x2707), "thin provisioning");
    rig.disk(2).fail(None);
    send(&mut rig, &list).good();
    let read_only = rig.add_disk(bdev::Features { write: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1), (1, read_only)])]));
    rig.calm(0, 0, 0);
    let list = list1(1, 0, &[by_naa(&rig, 1), by_naa(&rig, read_only)], &[segment(0, 1, 1, 0, 0)]);
    assert_eq!(aborted(&send(&mut rig, &list)).0, 0x0d01);
    assert_eq!(rig.disk(read_only).ops().iter().filter(|op| matches!(op, Op::Write { .. })).count(), 0);
    rig.check_quiet();
}

/// Starts a copy that rests in disk `holds` at its first operation there; its identifier.
fn hang(rig: &mut Rig, list: u8, holds: u32) -> u32 {
    rig.disk(holds).hold(true);
    let list = list1(list, 0, &[by_naa(rig, 1), by_naa(rig, 2)], &[segment(0, 1, 1000, 0, 0)]);
    let task = rig.task(0, 0, &copy1(list.len()));
    rig.start(0, Task { data_out: list.len() as u32, ..task }, list)
}

#[test]
fn a_copy_under_way_is_known_by_its_identifier() {
    let mut rig = rig();
    let id = hang(&mut rig, 5, 2);
    assert_eq!(status1(&mut rig, 5).good().data[4], 0, "in progress");
    assert_eq!(status4(&mut rig, 5), (0x11, 0, 0));
    assert_eq!(rig.ask_lun(&cdb16(0x84, 4, 2, &[5], 255), 255).told(), (2, 5, 0x2400), "it has not failed");
    assert_eq!(status1(&mut rig, 6).told(), (2, 5, 0x2400));
    let second = list1(5, 0, &[by_naa(&rig, 1)], &[segment(0, 0, 1, 0, 0)]);
    assert_eq!(send(&mut rig, &second).told(), (2, 5, 0x0016), "OPERATION IN PROGRESS");
    rig.disk(2).hold(false);
    rig.run();
    rig.ended(0, id).unwrap().good();
    assert_eq!(status4(&mut rig, 5), (1, 1, 512_000));
    assert_eq!(rig.ask_lun(&cdb16(0x84, 4, 2, &[5], 255), 255).good().data, [0; 4], "nothing failed");
    // A list without an identifier leaves nothing; a nexus that ends takes all along.
    let nameless = list1(0, 3, &[by_naa(&rig, 1)], &[segment(0, 0, 1, 0, 0)]);
    send(&mut rig, &nameless).good();
    assert_eq!(status1(&mut rig, 0).told(), (2, 5, 0x2400));
    rig.cores[0].port_mut().lose(0);
    rig.run();
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    assert_eq!(status1(&mut rig, 5).told(), (2, 5, 0x2400));
    rig.check_quiet();
}

#[test]
fn only_so_many_copies_are_remembered() {
    let mut rig = rig();
    for list in 0..20 {
        let one = list1(list, 0, &[by_naa(&rig, 1)], &[segment(0, 0, 1, 0, 0)]);
        send(&mut rig, &one).good();
    }
    let known: Vec<bool> = (0..20).map(|list| status1(&mut rig, list).told() == (0, 0, 0)).collect();
    assert_eq!(known, [[false; 4].to_vec(), [true; 16].to_vec()].concat());
    rig.check_quiet();
}

#[test]
fn copy_operation_abort_waits_for_the_end() {
    for holds in [1, 2] {
        let mut rig = rig();
        let id = hang(&mut rig, 5, holds);
        assert_eq!(rig.tell_lun(&cdb16(0x83, 0x1c, 2, &6u32.to_be_bytes(), 0), &[]).told(), (2, 5, 0x2400));
        let abort = rig.task(0, 0, &cdb16(0x83, 0x1c, 2, &5u32.to_be_bytes(), 0));
        let abort = rig.start(0, abort, Vec::new());
        assert!(rig.ended(0, abort).is_none() && rig.ended(0, id).is_none());
        rig.disk(holds).hold(false);
        rig.run();
        rig.ended(0, abort).unwrap().good();
        assert_eq!(rig.ended(0, id).unwrap().told(), (2, 0xa, 0));
        assert_eq!(status4(&mut rig, 5).0, 0x60);
        rig.check_quiet();
    }
}

#[test]
fn task_management_ends_a_copy_at_each_step() {
    for holds in [1, 2] {
        for stubborn in [false, true] {
            let mut rig = rig();
            rig.disk(holds).stubborn.store(stubborn, Ordering::Relaxed);
            let id = hang(&mut rig, 5, holds);
            let abort = rig.task(0, 0, &cdb16(0x83, 0x1c, 2, &5u32.to_be_bytes(), 0));
            let abort = rig.start(0, abort, Vec::new());
            let function = rig.manage(0, 0, 0, Management::AbortTask { id });
            rig.disk(holds).hold(false);
            rig.run();
            assert_eq!(rig.response(0, function), Some(ServiceResponse::Complete));
            assert!(rig.ended(0, id).is_none_or(|ended| ended.reply.silent), "nobody is told");
            rig.ended(0, abort).unwrap().good();
            assert_eq!(status4(&mut rig, 5).0, 0x60);
            let ops = rig.disk(2).ops().len();
            assert!(ops <= 1, "it went on: {ops}");
            rig.check_quiet();
        }
    }
}

#[test]
fn a_source_or_destination_that_goes_ends_the_copy() {
    for (holds, unmaps) in [(1, true), (2, true), (1, false), (2, false)] {
        let mut rig = rig();
        let id = hang(&mut rig, 5, holds);
        if unmaps {
            let view = std::sync::Arc::new(node(vec![map(&[(0, 1)])]));
            rig.ask(|ack| Message::Node { view: view.clone(), ack });
        } else {
            rig.disk(2).info.lock().unwrap().blocks = 400;
            let view = std::sync::Arc::new(rig.unit_view(2));
            rig.ask(|ack| Message::LogicalUnit { view: view.clone(), ack });
        }
        rig.disk(holds).hold(false);
        rig.run();
        let told = aborted(&rig.ended(0, id).unwrap());
        assert_eq!(told.0, if unmaps { 0x0d02 } else { 0x0d01 });
        let beyond = |op: &Op| matches!(op, Op::Write { block, blocks, .. } if block + u64::from(*blocks) > 400);
        assert!(unmaps || !rig.disk(2).ops().iter().any(beyond));
        rig.check_quiet();
    }
}

#[test]
fn what_it_can_do_is_said_alike_in_both_places() {
    let mut rig = rig();
    let data = rig.ask_lun(&cdb16(0x84, 3, 2, &[], 1024), 1024).good().data;
    assert_eq!((data.len(), data[3], data[4]), (47, 43, 1));
    assert_eq!(
        (&data[8..12], &data[12..20], &data[43..]),
        (&[0, 8, 0, 8][..], &[0, 0, 2, 0, 4, 0, 0, 0][..], &[3, 2, 0x0a, 0xe4][..])
    );
    let page = rig.ask_lun(&[0x12, 1, 0x8f, 4, 0, 0], 1024).good().data;
    assert_eq!((page[1], usize::from(u16::from_be_bytes([page[2], page[3]])) + 4), (0x8f, page.len()));
    let (mut at, mut kinds) = (4, Vec::new());
    while at < page.len() {
        kinds.push(u16::from_be_bytes([page[at], page[at + 1]]));
        let length = usize::from(u16::from_be_bytes([page[at + 2], page[at + 3]]));
        assert_eq!(length % 4, 0);
        at += 4 + length;
    }
    assert_eq!((at, kinds), (page.len(), vec![0, 1, 4, 8, 0xc, 0x106, 0x108, 0x8001]));
    assert_eq!(page[44..60], [15, 0x83, 5, 0, 1, 0x10, 0x11, 0x1c, 0x84, 6, 0, 3, 4, 5, 7, 8]);
    assert_eq!(rig.ask_lun(&cdb16(0x84, 1, 2, &[0], 64), 64).told(), (2, 5, 0x2400), "RECEIVE COPY DATA");
    rig.check_quiet();
}
