//! Commands that ask, and that tell the device server something: logs, defects, diagnostics, clock, what there is.

use crate::rig::*;

fn log(rig: &mut Rig, page: u8, subpage: u8) -> Vec<u8> {
    rig.ask_lun(&[0x4d, 0, 0x40 | page, subpage, 0, 0, 0, 1, 0, 0], 256).good().data
}

#[test]
fn log_pages() {
    let mut rig = Rig::new();
    assert_eq!(log(&mut rig, 0, 0), [0, 0, 0, 2, 0, 0x2f]);
    assert_eq!(log(&mut rig, 0, 0xff), [0x40, 0xff, 0, 6, 0, 0, 0, 0xff, 0x2f, 0]);
    assert_eq!(log(&mut rig, 0x2f, 0), [0x2f, 0, 0, 8, 0, 0, 3, 4, 0, 0, 0xff, 0xff]);
    let refused = |rig: &mut Rig, cdb: &[u8]| rig.ask_lun(cdb, 256).told();
    assert_eq!(refused(&mut rig, &[0x4d, 1, 0x40, 0, 0, 0, 0, 1, 0, 0]), (2, 5, 0x2400), "SP");
    assert_eq!(refused(&mut rig, &[0x4d, 0, 0x42, 0, 0, 0, 0, 1, 0, 0]), (2, 5, 0x2400), "no such page");
    assert_eq!(refused(&mut rig, &[0x4d, 0, 0x6f, 1, 0, 0, 0, 1, 0, 0]), (2, 5, 0x2400), "no such subpage");
    assert_eq!(refused(&mut rig, &[0x4d, 0, 0x6f, 0, 0, 0, 1, 1, 0, 0]), (2, 5, 0x2400), "beyond the last parameter");
    assert_eq!(refused(&mut rig, &[0x4c, 2, 0x40, 0, 0, 0, 0, 0, 0, 0]), (0, 0, 0), "PCR");
    assert_eq!(refused(&mut rig, &[0x4c, 1, 0x40, 0, 0, 0, 0, 0, 0, 0]), (2, 5, 0x2400), "SP");
    assert_eq!(rig.tell_lun(&[0x4c, 0, 0x40, 0, 0, 0, 0, 0, 4, 0], &[0; 4]).told(), (2, 5, 0x2400), "no parameter");
}

#[test]
fn there_are_no_defects() {
    let mut rig = Rig::new();
    for (flags, told) in [(0, 0), (0x18, 0x18), (0x0d, 0x0d), (0x1b, 0x1b)] {
        let short = rig.ask_lun(&[0x37, 0, flags, 0, 0, 0, 0, 0, 32, 0], 32).good().data;
        assert_eq!(short, [0, told, 0, 0]);
        let long = rig.ask_lun(&[0xb7, flags, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0], 32).good().data;
        assert_eq!(long, [0, told, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(rig.ask_lun(&[0x37, 0, 0x07, 0, 0, 0, 0, 0, 32, 0], 32).told(), (2, 5, 0x2400), "a reserved format");
    assert_eq!(rig.ask_lun(&[0xb7, 0x02, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0], 32).told(), (2, 5, 0x2400));
}

#[test]
fn diagnostics() {
    let mut rig = Rig::new();
    rig.ask_lun(&[0x1d, 4, 0, 0, 0, 0], 0).good();
    assert_eq!(rig.ask_lun(&[0x1d, 0x20, 0, 0, 0, 0], 0).told(), (2, 5, 0x2400), "a background self-test");
    assert_eq!(rig.tell_lun(&[0x1d, 4, 0, 0, 4, 0], &[0; 4]).told(), (2, 5, 0x2400), "a self-test has no list");
    rig.tell_lun(&[0x1d, 0x10, 0, 0, 4, 0], &[0; 4]).good();
    assert_eq!(rig.ask_lun(&[0x1c, 0, 0, 0, 255, 0], 255).good().data, [0, 0, 0, 1, 0]);
    assert_eq!(rig.ask_lun(&[0x1c, 1, 0, 0, 255, 0], 255).good().data, [0, 0, 0, 1, 0]);
    assert_eq!(rig.ask_lun(&[0x1c, 1, 0x40, 0, 255, 0], 255).told(), (2, 5, 0x2400));
    assert_eq!(rig.tell_lun(&[0x1d, 0x10, 0, 0, 4, 0], &[0x40, 0, 0, 0]).told(), (2, 5, 0x2600));
    assert_eq!(rig.tell_lun(&[0x1d, 0x10, 0, 0, 3, 0], &[0; 3]).told(), (2, 5, 0x1a00));
}

#[test]
fn the_clock_can_be_set_and_the_others_are_told() {
    let mut rig = Rig::homes(2);
    for core in [0, 1] {
        rig.open(core, 0);
        rig.calm(core, 0, 0);
    }
    let ask = [0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0];
    let read = |rig: &mut Rig| {
        let data = rig.ask_lun(&ask, 12).good().data;
        assert_eq!((data.len(), &data[..2]), (12, &[0, 10][..]));
        (data[2], data[4..10].iter().fold(0u64, |time, byte| time << 8 | u64::from(*byte)))
    };
    let (origin, time) = read(&mut rig);
    assert!(origin == 3 && time > 1_600_000_000_000, "the host's clock");
    let mut list = [0; 12];
    list[4..10].copy_from_slice(&[0, 0, 0, 0, 1, 0]);
    rig.tell_lun(&[0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0], &list).good();
    let (origin, time) = read(&mut rig);
    assert!(origin == 2 && (256..60_256).contains(&time), "{time}");
    assert_eq!(rig.calm(1, 0, 0), [0x2a10]);
    assert_eq!(rig.tell_lun(&[0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0], &list[..11]).told(), (2, 5, 0x1a00));
}

#[test]
fn the_report_luns_well_known_logical_unit() {
    let mut rig = Rig::new();
    let well_known = [0xc1, 1, 0, 0, 0, 0, 0, 0];
    let list = |rig: &mut Rig, which| rig.ask_lun(&[0xa0, 0, which, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64).good().data;
    let of = |luns: &[[u8; 8]]| [&[0, 0, 0, luns.len() as u8 * 8, 0, 0, 0, 0][..], &luns.concat()].concat();
    assert_eq!(list(&mut rig, 0), of(&[[0; 8]]));
    assert_eq!(list(&mut rig, 1), of(&[well_known]));
    assert_eq!(list(&mut rig, 2), of(&[[0; 8], well_known]));
    assert_eq!(rig.ask_lun(&[0xa0, 0, 0x10, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64).told(), (2, 5, 0x2400));
    let mut ask = |cdb: &[u8], data_in| {
        let task = rig.task(0, 0, cdb);
        rig.run_task(Task { lun: well_known, data_in, ..task }, Vec::new())
    };
    ask(&[0], 0).good();
    let standard = ask(&[0x12, 0, 0, 0, 96, 0], 96).good().data;
    assert_eq!((standard[0], standard.len()), (0x1e, 96));
    assert_eq!(ask(&[0x12, 1, 0, 0, 96, 0], 96).good().data, [0x1e, 0, 0, 2, 0, 0x83]);
    assert_eq!(ask(&[0x12, 1, 0x83, 0, 96, 0], 96).good().data[4..8], [0x01, 0x93, 0, 8]);
    assert_eq!(ask(&[0x12, 1, 0x80, 0, 96, 0], 96).told(), (2, 5, 0x2400));
    assert_eq!(ask(&[0xa0, 0, 1, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64).good().data, of(&[well_known]));
    assert_eq!(ask(&[3, 0, 0, 0, 252, 0], 252).good().data[2], 0);
    assert_eq!(ask(&read10(0, 1), 512).told(), (2, 5, 0x2000));
    assert_eq!(ask(&[0xff], 0).told(), (2, 5, 0x2000));
}
