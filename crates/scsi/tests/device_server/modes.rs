//! MODE SENSE and MODE SELECT, and what is selected in effect.

use crate::rig::*;
use bdev::Op;

const CONTROL: u8 = 0x0a;
const CACHING: u8 = 0x08;
const EXCEPTIONS: u8 = 0x1c;

/// A page by MODE SENSE(6) without block descriptors; `control` is PC.
fn page(rig: &mut Rig, control: u8, page: u8) -> Vec<u8> {
    rig.ask_lun(&[0x1a, 8, control << 6 | page, 0, 255, 0], 255).good().data[4..].to_vec()
}

fn select6(rig: &mut Rig, list: &[u8]) -> Ended {
    rig.tell_lun(&[0x15, 0x10, 0, 0, list.len() as u8, 0], list)
}

/// MODE SELECT(6) of one page.
fn select(rig: &mut Rig, page: &[u8]) -> (u8, u8, u16) {
    select6(rig, &[&[0; 4], page].concat()).told()
}

/// The current page with bits changed.
fn changed(rig: &mut Rig, code: u8, at: usize, bits: u8) -> Vec<u8> {
    let mut page = page(rig, 0, code);
    page[at] ^= bits;
    page
}

#[test]
fn all_pages_stand_in_order_and_their_lengths_hold() {
    let mut rig = Rig::new();
    let walk = |data: &[u8], mut at: usize| {
        let mut pages = Vec::new();
        while at < data.len() {
            let (code, subpage, len) = match data[at] & 0x40 {
                0 => (data[at] & 0x3f, 0, 2 + usize::from(data[at + 1])),
                _ => (data[at] & 0x3f, data[at + 1], 4 + usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]))),
            };
            pages.push((code, subpage));
            at += len;
        }
        assert_eq!(at, data.len(), "the last page ends where the data ends");
        pages
    };
    let six = rig.ask_lun(&[0x1a, 0, 0x3f, 0, 255, 0], 255).good().data;
    assert_eq!((usize::from(six[0]) + 1, six[3]), (six.len(), 8));
    assert_eq!(walk(&six, 12), [(1, 0), (8, 0), (0x0a, 0), (0x1c, 0)]);
    let ten = rig.ask_lun(&[0x5a, 0x18, 0x3f, 0xff, 0, 0, 0, 1, 0, 0], 256).good().data;
    assert_eq!((usize::from(ten[1]) + 2, &ten[4..8]), (ten.len(), &[0; 4][..]), "DBD: no descriptor, and no LONGLBA");
    assert_eq!(walk(&ten, 8), [(1, 0), (8, 0), (0x0a, 0), (0x0a, 1), (0x1c, 0)]);
    let extension = rig.ask_lun(&[0x1a, 8, 0x0a, 1, 255, 0], 255).good().data;
    assert_eq!((extension.len(), &extension[4..8], extension[10]), (36, &[0x4a, 1, 0, 28][..], 32));
    for (cdb, wrong) in [
        (&[0x1a, 0, 0xff, 0, 255, 0], 0x3900),
        (&[0x1a, 0, 0x0d, 0, 255, 0], 0x2400),
        (&[0x1a, 0, 0x08, 1, 255, 0], 0x2400),
        (&[0x1a, 0, 0x3f, 1, 255, 0], 0x2400),
    ] {
        assert_eq!(rig.ask_lun(cdb, 255).told(), (2, 5, wrong), "{cdb:x?}");
    }
}

#[test]
fn what_can_be_changed_is_said_and_the_rest_is_refused() {
    let mut rig = Rig::new();
    assert_eq!(page(&mut rig, 1, CONTROL), [0x0a, 10, 4, 0, 8, 0x40, 0, 0, 0, 0, 0, 0]);
    assert_eq!(page(&mut rig, 1, CACHING)[..4], [8, 18, 4, 0]);
    assert_eq!(page(&mut rig, 1, EXCEPTIONS)[..4], [0x1c, 10, 0x1c, 0x0f]);
    for code in [1, CACHING, CONTROL, EXCEPTIONS] {
        let (mask, now) = (page(&mut rig, 1, code), page(&mut rig, 0, code));
        for at in 2..now.len() {
            for bit in (0..8).map(|bit| 1 << bit).filter(|bit| mask[at] & bit == 0) {
                let mut other = now.clone();
                other[at] ^= bit;
                let ended = select6(&mut rig, &[&[0; 4], &other[..]].concat());
                assert_eq!(ended.told(), (2, 5, 0x2600), "page {code:x} byte {at} bit {bit:x}");
                assert_eq!(ended.reply.sense()[15..18], [0x80, 0, at as u8 + 4], "the byte of the list");
            }
        }
        assert_eq!(select(&mut rig, &now), (0, 0, 0), "page {code:x} as it is");
        assert_eq!(page(&mut rig, 0, code), now);
    }
}

#[test]
fn lists_that_are_not_well_formed_change_nothing() {
    let mut rig = Rig::new();
    let good = changed(&mut rig, CONTROL, 4, 8);
    let list = |parts: &[&[u8]]| parts.concat();
    let (short, wrong) = ((2, 5, 0x1a00), (2, 5, 0x2600));
    let header = [0; 4];
    let cases = [
        (vec![0; 3], short),
        (list(&[&header, &good[..11]]), short),
        (list(&[&header, &good[..1]]), short),
        (list(&[&header, &good, &[8]]), short),
        (list(&[&[0, 1, 0, 0], &good]), wrong),
        (list(&[&[0, 0, 0, 4], &[0; 4], &good]), wrong),
        (list(&[&[0, 0, 0, 8], &[0; 7]]), short),
        (list(&[&[0, 0, 0, 8], &[0, 0, 0, 9, 0, 0, 0, 0], &good]), wrong),
        (list(&[&[0, 0, 0, 8], &[0, 0, 0, 0, 0, 0, 4, 0], &good]), wrong),
        (list(&[&header, &[0x0a, 9], &good[2..]]), wrong),
        (list(&[&header, &[0x0d, 10], &good[2..]]), wrong),
        (list(&[&header, &[0x4a, 7, 0, 28], &[0; 28]]), wrong),
        (list(&[&header, &good, &[0x1c, 10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]]), wrong),
        (list(&[&header, &good, &[0x1c, 10, 0x0c, 2, 0, 0, 0, 0, 0, 0, 0, 0]]), wrong),
    ];
    for (list, told) in cases {
        assert_eq!(select6(&mut rig, &list).told(), told, "{list:x?}");
    }
    assert_eq!(rig.tell_lun(&[0x15, 0x11, 0, 0, 16, 0], &[0; 16]).told(), (2, 5, 0x2400), "SP");
    assert_eq!(rig.tell_lun(&[0x15, 0, 0, 0, 16, 0], &[0; 16]).told(), (2, 5, 0x2400), "PF");
    let task = rig.task(0, 0, &[0x15, 0x10, 0, 0, 16, 0]);
    let cut = rig.run_task(Task { data_out: 8, ..task }, list(&[&header, &good[..4]]));
    assert_eq!(cut.told(), (2, 5, 0x1a00), "the initiator sends less than the CDB says");
    assert_eq!(rig.tell_lun(&[0x15, 0x10, 0, 0, 0, 0], &[]).told(), (0, 0, 0), "no list is no error");
    assert_eq!(page(&mut rig, 0, CONTROL)[4], 0);
    // What MODE SENSE gave, with its descriptor, is taken back; so is a descriptor that says nothing of the size.
    for blocks in [[0; 4], [0xff; 4], (BLOCKS as u32).to_be_bytes()] {
        let descriptor = list(&[&blocks, &512u32.to_be_bytes()]);
        assert_eq!(select6(&mut rig, &list(&[&[0, 0, 0, 8], &descriptor, &good])).told(), (0, 0, 0));
    }
    let long = list(&[&[0, 0, 0, 0, 1, 0, 0, 16], &BLOCKS.to_be_bytes(), &[0; 4], &512u32.to_be_bytes()]);
    let both = list(&[&long, &page(&mut rig, 2, CONTROL)]);
    assert_eq!(rig.tell_lun(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, both.len() as u8, 0], &both).told(), (0, 0, 0));
    assert_eq!(page(&mut rig, 0, CONTROL)[4], 0, "the defaults are selected again");
}

#[test]
fn sense_data_has_the_format_that_is_selected() {
    let mut rig = Rig::new();
    let on = changed(&mut rig, CONTROL, 2, 4);
    assert_eq!(select(&mut rig, &on), (0, 0, 0));
    assert_eq!(page(&mut rig, 0, CONTROL)[2] & 4, 4);
    assert_eq!(page(&mut rig, 2, CONTROL)[2] & 4, 0, "the default");
    let ended = rig.ask_lun(&read10(0xffff_ffff, 1), 512);
    assert_eq!(ended.reply.sense(), [0x72, 5, 0x21, 0, 0, 0, 0, 0]);
    let ended = rig.ask_lun(&[0x12, 0, 0x80, 0, 255, 0], 255);
    assert_eq!(ended.reply.sense(), [0x72, 5, 0x24, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0xc0, 0, 2, 0]);
    // A failure of the device, and one that shows when data has come.
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).reply.sense()[..4], [0x72, 3, 0x11, 0]);
    rig.disk(1).fail(None);
    let bad = select6(&mut rig, &[0, 0, 0, 0, 0x0d, 1, 0]);
    assert_eq!(bad.reply.sense()[..4], [0x72, 5, 0x26, 0]);
    // A unit attention, too.
    rig.open(0, 1);
    let task = rig.task(1, 0, &[0]);
    assert_eq!(rig.run_task(task, Vec::new()).reply.sense()[..4], [0x72, 6, 0x29, 0]);
    // REQUEST SENSE says for itself which it wants.
    assert_eq!(rig.ask_lun(&[3, 0, 0, 0, 252, 0], 252).good().data[0], 0x70);
    assert_eq!(rig.ask_lun(&[3, 1, 0, 0, 252, 0], 252).good().data[0], 0x72);
    // A reset of the logical unit brings the default back.
    let id = rig.manage(0, 0, 0, Management::LunReset);
    assert_eq!(rig.response(0, id), Some(ServiceResponse::Complete));
    assert_eq!(rig.calm(0, 0, 0), [0x2903]);
    assert_eq!(page(&mut rig, 0, CONTROL)[2] & 4, 0);
}

#[test]
fn software_write_protection_holds_for_all_on_all_homes() {
    let mut rig = Rig::homes(2);
    rig.open(0, 0);
    rig.open(1, 0);
    rig.open(0, 1);
    for (core, queue) in [(0, 0), (1, 0), (0, 1)] {
        rig.calm(core, queue, 0);
    }
    let on = changed(&mut rig, CONTROL, 4, 8);
    assert_eq!(select(&mut rig, &on), (0, 0, 0));
    assert_eq!(rig.calm(0, 0, 0), [0; 0], "who changed it knows");
    assert_eq!((rig.calm(0, 1, 0), rig.calm(1, 0, 0)), (vec![0x2a01], vec![0x2a01]));
    assert_eq!(select(&mut rig, &on), (0, 0, 0));
    assert_eq!(rig.calm(1, 0, 0), [0; 0], "nothing changed");
    let task = rig.task(0, 0, &write10(0, 1));
    let id = rig.start(1, Task { data_out: 512, ..task }, vec![7; 512]);
    assert_eq!(rig.ended(1, id).unwrap().told(), (2, 7, 0x2702));
    let unmap = [&[0, 22, 0, 16, 0, 0, 0, 0][..], &[0; 16]].concat();
    assert_eq!(rig.tell_lun(&[0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], &unmap).told(), (2, 7, 0x2702));
    let same = [0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    assert_eq!(rig.ask_lun(&same, 0).told(), (2, 7, 0x2702));
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).good().data, [0; 512]);
    assert_eq!(rig.ask_lun(&[0x1a, 8, 0x0a, 0, 255, 0], 255).good().data[2], 0x90, "WP");
    let off = changed(&mut rig, CONTROL, 4, 8);
    assert_eq!(select(&mut rig, &off), (0, 0, 0));
    rig.tell_lun(&write10(0, 1), &[7; 512]).good();
    assert_eq!(rig.calm(1, 0, 0), [0x2a01]);
}

#[test]
fn without_the_write_cache_every_write_goes_to_the_medium() {
    let mut rig = Rig::new();
    assert_eq!(page(&mut rig, 0, CACHING)[2], 4, "WCE");
    let fua = |rig: &Rig| match rig.disk(1).ops.lock().unwrap().last() {
        Some(Op::Write { fua, .. }) => *fua,
        other => panic!("{other:?}"),
    };
    rig.tell_lun(&write10(0, 1), &[7; 512]).good();
    assert!(!fua(&rig));
    let off = changed(&mut rig, CACHING, 2, 4);
    assert_eq!(select(&mut rig, &off), (0, 0, 0));
    assert_eq!(rig.disk(1).ops.lock().unwrap().last(), Some(&Op::Flush), "what was cached goes to the medium first");
    assert_eq!((page(&mut rig, 0, CACHING)[2], page(&mut rig, 2, CACHING)[2]), (0, 4));
    rig.tell_lun(&write10(0, 1), &[7; 512]).good();
    assert!(fua(&rig));
    let on = changed(&mut rig, CACHING, 2, 4);
    assert_eq!(select(&mut rig, &on), (0, 0, 0));
    rig.tell_lun(&write10(0, 1), &[7; 512]).good();
    assert!(!fua(&rig));
}

#[test]
fn a_disk_without_a_cache_has_nothing_to_turn_off() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { volatile_cache: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    assert_eq!((page(&mut rig, 0, CACHING)[2], page(&mut rig, 1, CACHING)[2]), (0, 0));
    let on = changed(&mut rig, CACHING, 2, 4);
    assert_eq!(select(&mut rig, &on), (2, 5, 0x2600));
    let same = page(&mut rig, 0, CACHING);
    assert_eq!(select(&mut rig, &same), (0, 0, 0));
}

#[test]
fn a_test_of_informational_exceptions_is_told_as_was_selected() {
    let mut rig = Rig::homes(2);
    for (core, queue) in [(0, 0), (1, 0)] {
        rig.open(core, queue);
        rig.calm(core, queue, 0);
    }
    let exceptions = |flags, method| [0x1c, 10, flags, method, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(select(&mut rig, &exceptions(0x04, 2)), (0, 0, 0));
    assert_eq!((rig.calm(0, 0, 0), rig.calm(1, 0, 0)), (vec![0x5dff], vec![0x2a01, 0x5dff]));
    assert_eq!(rig.ask_lun(&[0x4d, 0, 0x6f, 0, 0, 0, 0, 0, 64, 0], 64).good().data[8..10], [0x5d, 0xff]);
    assert_eq!(select(&mut rig, &exceptions(0x04, 6)), (0, 0, 0));
    assert_eq!(rig.calm(0, 0, 0), [0; 0]);
    let sense = rig.ask_lun(&[3, 0, 0, 0, 252, 0], 252).good().data;
    assert_eq!((sense[2], &sense[12..14]), (0, &[0x5d, 0xff][..]));
    assert_eq!(select(&mut rig, &exceptions(0x08, 0)), (0, 0, 0));
    let sense = rig.ask_lun(&[3, 0, 0, 0, 252, 0], 252).good().data;
    assert_eq!((sense[2], &sense[12..14]), (0, &[0, 0][..]));
}
