//! How large a disk is, also while it changes; mode parameters.

use crate::rig::*;

fn sized(blocks: u64, block_size: u32) -> Rig {
    let mut rig = Rig::empty(1);
    rig.add_sized_disk(blocks, block_size, FEATURES);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    rig
}

fn capacity16(rig: &mut Rig) -> Vec<u8> {
    rig.ask_lun(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], 32).good().data
}

#[test]
fn capacity() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask_lun(&[0x25], 8).good().data, [0, 0, 7, 0xff, 0, 0, 2, 0]);
    let long = capacity16(&mut rig);
    assert_eq!(long[..16], [0, 0, 0, 0, 0, 0, 7, 0xff, 0, 0, 2, 0, 0, 3, 0xc0, 0]);
    assert_eq!((long.len(), &long[16..]), (32, &[0; 16][..]));
}

#[test]
fn a_disk_of_more_blocks_than_32_bits_count() {
    let mut rig = sized(1 << 32, 4096);
    assert_eq!(rig.ask_lun(&[0x25], 8).good().data, [0xff, 0xff, 0xff, 0xff, 0, 0, 0x10, 0]);
    let long = capacity16(&mut rig);
    assert_eq!((&long[..8], long[13]), (&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..], 0));
    let mode = rig.ask_lun(&[0x5a, 0x10, 8, 0, 0, 0, 0, 0, 64, 0], 64).good().data;
    assert_eq!((mode[4], &mode[6..8], &mode[8..16]), (1, &[0, 16][..], &(1u64 << 32).to_be_bytes()[..]));
    let mode = rig.ask_lun(&[0x1a, 0, 8, 0, 64, 0], 64).good().data;
    assert_eq!(mode[4..8], [0xff; 4]);
}

#[test]
fn blocks_of_4096_bytes() {
    let mut rig = sized(256, 4096);
    let data = pattern(1, 8192);
    rig.tell_lun(&write10(3, 2), &data).good();
    assert_eq!(rig.ask_lun(&read10(3, 2), 8192).good().data, data);
    assert_eq!(rig.disk(1).bytes.lock().unwrap()[3 * 4096..5 * 4096], data);
    assert_eq!(rig.tell_lun(&write10(3, 2), &data[..512]).told(), (2, 5, 0x0e03));
}

#[test]
fn a_disk_that_grows_tells_each_nexus_once() {
    let mut rig = Rig::new();
    rig.open(0, 1);
    rig.calm(0, 1, 0);
    rig.disk(1).info.lock().unwrap().blocks = 4096;
    let view = rig.unit_view(1);
    let device = rig.unit_view(1).device;
    // The same device, its info anew: what the control plane sends on a resize.
    let known = LogicalUnitView { device: device.clone(), ..view.clone() };
    rig.put_unit(known);
    rig.calm(0, 0, 0);
    rig.calm(0, 1, 0);
    rig.disk(1).info.lock().unwrap().blocks = 8192;
    let info = device.info();
    rig.put_unit(LogicalUnitView { device, info, ..view });
    assert_eq!(rig.calm(0, 0, 0), [0x2a09]);
    assert_eq!(rig.calm(0, 1, 0), [0x2a09]);
    assert_eq!(rig.calm(0, 1, 0), [0; 0]);
    assert_eq!(capacity16(&mut rig)[..8], 8191u64.to_be_bytes());
    rig.ask_lun(&read10(4096, 1), 0).good();
    assert_eq!(rig.disk(1).channels.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn mode_pages() {
    let mut rig = Rig::new();
    let all = rig.ask_lun(&[0x1a, 0, 0x3f, 0, 255, 0], 255).good().data;
    assert_eq!((all.len(), usize::from(all[0]) + 1), (4 + 8 + 12 + 20 + 12 + 12, all.len()));
    assert_eq!((all[2], all[3]), (0x10, 8), "DPOFUA, one block descriptor");
    assert_eq!(all[4..12], [0, 0, 8, 0, 0, 0, 2, 0]);
    assert_eq!(all[12..14], [0x01, 10], "read-write error recovery");
    let pages = &all[24..];
    assert_eq!(pages[..3], [0x08, 18, 0x04], "caching, WCE");
    assert_eq!(pages[20..26], [0x0a, 10, 0x22, 0x10, 0, 0], "control: TST 001b, TAS 0");
    assert_eq!(pages[32..35], [0x1c, 10, 0x08], "informational exceptions");
    let long = rig.ask_lun(&[0x5a, 8, 0x8a, 0, 0, 0, 0, 0, 255, 0], 255).good().data;
    assert_eq!((&long[..2], long.len(), &long[8..10]), (&[0, 18][..], 20, &[0x0a, 10][..]));
}
