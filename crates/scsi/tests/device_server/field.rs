//! What ESXi and Windows hold a disk to: names, sizes of blocks, and the sense data by which paths and disks are given up.

use crate::rig::*;

/// 512n, 512e, 4Kn: block and physical block in bytes.
const FORMATS: [(u32, u32); 3] = [(512, 512), (512, 4096), (4096, 4096)];

fn disk(block: u32, physical: u32) -> Rig {
    let mut rig = Rig::empty(1);
    rig.add_sized_disk(BLOCKS, block, FEATURES);
    rig.disks[0].info.lock().unwrap().physical_block_size = physical;
    let view = rig.unit_view(1);
    rig.put_unit(view);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    rig
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

#[test]
fn block_sizes_agree_wherever_they_are_told() {
    for (block, physical) in FORMATS {
        let mut rig = disk(block, physical);
        let ratio = physical / block;
        let capacity = rig.ask_lun(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], 32).good().data;
        assert_eq!((u32_at(&capacity, 8), 1 << (capacity[13] & 0xf)), (block, ratio));
        assert_eq!(u32_at(&capacity, 14) >> 16 & 0x3fff, 0, "the lowest aligned block is the first");
        let short = rig.ask_lun(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).good().data;
        assert_eq!((u32_at(&short, 0), u32_at(&short, 4)), (BLOCKS as u32 - 1, block));
        let mode = rig.ask_lun(&[0x1a, 0, 0x3f, 0, 255, 0], 255).good().data;
        assert_eq!(u32_at(&mode, 8) & 0xff_ffff, block);
        let limits = rig.ask_lun(&[0x12, 1, 0xb0, 0, 64, 0], 64).good().data;
        assert_eq!(u32::from(u16::from_be_bytes([limits[6], limits[7]])), ratio, "optimal granularity");
        assert_eq!((u32_at(&limits, 28), u32_at(&limits, 32)), (ratio, 1 << 31), "unmap: granularity, alignment");
        assert_eq!(u32_at(&limits, 8) * block, LARGEST, "maximum transfer");
        rig.tell_lun(&write10(1, 1), &vec![7; block as usize]).good();
        assert_eq!(rig.ask_lun(&read10(1, 1), block).good().data, vec![7; block as usize]);
    }
}

#[test]
fn one_disk_has_one_name_on_all_ports_homes_and_luns() {
    let names = |rig: &mut Rig, core: usize, lun: u16| {
        let mut all = Vec::new();
        for page in [0x80, 0x83] {
            let task = rig.task(0, lun, &[0x12, 1, page, 1, 0, 0]);
            let id = rig.start(core, Task { data_in: 256, ..task }, Vec::new());
            all.push(rig.ended(core, id).expect("it ended").good().data);
        }
        // Up to the designators of the port.
        let port = all[1].windows(2).position(|bytes| bytes == [0x01, 0x93]).expect("a port's name");
        all[1].truncate(port);
        all[1][3] = 0;
        all
    };
    let mut rig = Rig::empty(2);
    rig.add_disk(FEATURES);
    let second = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0002 };
    let other = MapView { ports: vec![PortView { name: second, relative: 2, group: 2 }], ..map(&[(7, 1)]) };
    rig.put_node(node(vec![map(&[(0, 1)]), other]));
    rig.open(0, 0);
    let origin = Origin { initiator: initiator(1), target: second, relative_port: 2, port_group: 2, address: None };
    rig.cores[1].port_mut().open(0, origin);
    rig.run();
    assert_eq!(names(&mut rig, 0, 0), names(&mut rig, 1, 7));
}

/// A lost disk is a permanent device loss by LOGICAL UNIT NOT SUPPORTED; a path that does not answer is not. A disk that comes
/// back is told by a unit attention.
#[test]
fn the_loss_of_a_disk_is_told_as_permanent() {
    let mut rig = Rig::new();
    rig.put_node(node(vec![map(&[])]));
    let gone = (2, 5, 0x2500);
    assert_eq!(rig.ask_lun(&[0], 0).told(), gone);
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).told(), gone);
    let sense = rig.ask_lun(&[3, 0, 0, 0, 252, 0], 252).good().data;
    assert_eq!((sense[2], sense[12], sense[13]), (5, 0x25, 0));
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 96, 0], 96).good().data[0], 0x7f);
    assert_eq!(rig.ask_lun(&[0x12, 1, 0x83, 0, 96, 0], 96).told().0, 2);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    assert_eq!(rig.calm(0, 0, 0), [0x2900, 0x3f0e]);
    // The device below says that it is gone.
    rig.disk(1).fail(Some(bdev::Status::Removed));
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).told(), gone);
    rig.disk(1).fail(None);
    rig.ask_lun(&read10(0, 1), 512).good();
}

#[test]
fn a_grown_disk_is_told_to_all_and_its_new_size_read() {
    let mut rig = Rig::homes(2);
    for core in [0, 1] {
        rig.open(core, 0);
        rig.calm(core, 0, 0);
    }
    let view = rig.unit_view(1);
    rig.put_unit(view.clone());
    rig.calm(0, 0, 0);
    rig.calm(1, 0, 0);
    rig.disks[0].info.lock().unwrap().blocks = BLOCKS * 2;
    rig.put_unit(LogicalUnitView { info: view.device.info(), ..view });
    assert_eq!((rig.calm(0, 0, 0), rig.calm(1, 0, 0)), (vec![0x2a09], vec![0x2a09]));
    let short = rig.ask_lun(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).good().data;
    assert_eq!(u32_at(&short, 0), BLOCKS as u32 * 2 - 1);
}
