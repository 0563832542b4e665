//! SANITIZE: what is erased, what is refused meanwhile, and what a failure leaves.

use crate::rig::*;
use bdev::Op;

const ERASE: [u8; 10] = [0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0];
const ERASE_UNRESTRICTED: [u8; 10] = [0x48, 0x22, 0, 0, 0, 0, 0, 0, 0, 0];
const EXIT: [u8; 10] = [0x48, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0];
const GOOD: (u8, u8, u16) = (0, 0, 0);

fn told(rig: &mut Rig, cdb: &[u8]) -> (u8, u8, u16) {
    rig.ask_lun(cdb, 0).told()
}

#[test]
fn a_block_erase_leaves_zeroes_everywhere() {
    let mut rig = Rig::new();
    for lba in [0, BLOCKS as u32 - 1] {
        rig.tell_lun(&write10(lba, 1), &[7; 512]).good();
    }
    rig.disk(1).ops();
    assert_eq!(told(&mut rig, &ERASE), GOOD);
    let zeroes = |block| Op::WriteZeroes { block, blocks: BLOCKS.min(2048), unmap: true, fua: false };
    assert_eq!(rig.disk(1).ops(), [zeroes(0), Op::Flush]);
    for lba in [0, BLOCKS as u32 - 1] {
        assert_eq!(rig.ask_lun(&read10(lba, 1), 512).good().data, [0; 512]);
    }
}

#[test]
fn what_is_not_well_formed_or_not_served_is_refused() {
    let mut rig = Rig::new();
    let field = (2, 5, 0x2400);
    for action in (0..0x20).filter(|action| ![2, 0x1f].contains(action)) {
        assert_eq!(told(&mut rig, &[0x48, action, 0, 0, 0, 0, 0, 0, 0, 0]), field, "action {action:x}");
    }
    for byte in 2..7 {
        let mut cdb = ERASE;
        cdb[byte] = 1;
        assert_eq!(told(&mut rig, &cdb), field, "byte {byte}");
    }
    assert_eq!(told(&mut rig, &[0x48, 0x42, 0, 0, 0, 0, 0, 0, 0, 0]), field, "ZNR");
    for action in [2, 0x1f] {
        assert_eq!(rig.tell_lun(&[0x48, action, 0, 0, 0, 0, 0, 0, 8, 0], &[0; 8]).told(), field, "a list");
    }
    rig.tell_lun(&[0x15, 0x10, 0, 0, 16, 0], &[0, 0, 0, 0, 0x0a, 10, 0x22, 0x10, 8, 0, 0, 0, 0xff, 0xff, 0, 0]).good();
    assert_eq!(told(&mut rig, &ERASE), (2, 7, 0x2702));
}

#[test]
fn meanwhile_others_find_it_not_ready_with_progress() {
    let mut rig = Rig::homes(2);
    for core in [0, 1] {
        rig.open(core, 0);
        rig.calm(core, 0, 0);
    }
    rig.disk(1).hold(true);
    let task = rig.task(0, 0, &ERASE);
    let erase = rig.start(0, task, Vec::new());
    let mut other = |cdb: &[u8], data_in| {
        let task = rig.task(0, 0, cdb);
        let id = rig.start(1, Task { data_in, ..task }, Vec::new());
        rig.ended(1, id).expect("it ended")
    };
    for cdb in [&[0][..], &read10(0, 1), &ERASE, &[0x1b, 1, 0, 0, 0x12, 0]] {
        let ended = other(cdb, 0);
        assert_eq!(ended.told(), (2, 2, 0x041b), "{cdb:x?}");
        assert_eq!(ended.reply.sense()[15] & 0x80, 0x80, "progress");
    }
    other(&[0x12, 0, 0, 0, 96, 0], 96).good();
    let sense = other(&[3, 0, 0, 0, 252, 0], 252).good().data;
    assert_eq!((sense[2], sense[12], sense[13]), (2, 0x04, 0x1b));
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(rig.ended(0, erase).unwrap().told(), GOOD);
    assert_eq!(rig.calm(1, 0, 0), [0; 0]);
}

#[test]
fn one_that_fails_locks_the_medium_until_the_next() {
    let mut rig = Rig::new();
    rig.disk(1).fail(Some(bdev::Status::WriteError));
    assert_eq!(told(&mut rig, &ERASE), (2, 3, 0x0c00));
    rig.disk(1).fail(None);
    assert_eq!(told(&mut rig, &[0]), (2, 3, 0x3103));
    assert_eq!(told(&mut rig, &read10(0, 1)), (2, 3, 0x3103));
    assert_eq!(told(&mut rig, &EXIT), (2, 5, 0x2400), "it was not asked to allow that");
    assert_eq!(told(&mut rig, &ERASE), GOOD);
    assert_eq!(told(&mut rig, &[0]), GOOD);
    rig.disk(1).fail(Some(bdev::Status::WriteError));
    assert_eq!(told(&mut rig, &ERASE_UNRESTRICTED), (2, 3, 0x0c00));
    rig.disk(1).fail(None);
    assert_eq!(told(&mut rig, &EXIT), GOOD);
    assert_eq!(told(&mut rig, &[0]), GOOD);
    assert_eq!(told(&mut rig, &EXIT), GOOD, "there is none to leave");
}

#[test]
fn one_that_is_aborted_has_failed() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    let task = rig.task(0, 0, &ERASE);
    rig.start(0, task, Vec::new());
    let id = rig.manage(0, 0, 0, Management::AbortTask { id: task.id });
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(rig.response(0, id), Some(ServiceResponse::Complete));
    assert_eq!(told(&mut rig, &[0]), (2, 3, 0x3103));
    assert_eq!(told(&mut rig, &ERASE), GOOD);
    assert_eq!(told(&mut rig, &[0]), GOOD);
}

#[test]
fn where_space_cannot_be_given_back_nothing_is_offered() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { unmap: false, unmap_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    assert_eq!(told(&mut rig, &ERASE), (2, 5, 0x2400));
    assert_eq!(rig.ask_lun(&[0x12, 1, 0xb1, 0, 64, 0], 64).good().data[7] & 0xc0, 0, "WABEREQ");
    let one = rig.ask_lun(&[0xa3, 0x0c, 2, 0x48, 0, 2, 0, 0, 0, 64, 0, 0], 64).good().data;
    assert_eq!(one, [0, 1, 0, 0]);
}
