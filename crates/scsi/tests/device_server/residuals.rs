//! Reading and writing, and residuals to the byte in both directions.

use crate::rig::*;
use bdev::Op;

#[test]
fn what_is_written_by_each_command_is_read_by_each() {
    let mut rig = Rig::new();
    let writes: [&[u8]; 4] = [
        &[0x0a, 0, 0, 8, 2, 0],
        &[0x2a, 0, 0, 0, 0, 16, 0, 0, 2, 0],
        &[0xaa, 0, 0, 0, 0, 24, 0, 0, 0, 2, 0, 0],
        &[0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 2, 0, 0],
    ];
    for (seed, cdb) in writes.iter().enumerate() {
        let ended = rig.tell_lun(cdb, &pattern(seed as u8, 1024)).good();
        assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 1024));
    }
    let reads: [&[u8]; 4] = [
        &[0x08, 0, 0, 32, 2, 0],
        &[0x28, 0, 0, 0, 0, 24, 0, 0, 2, 0],
        &[0xa8, 0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0],
        &[0x88, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0],
    ];
    for (seed, cdb) in reads.iter().enumerate() {
        let ended = rig.ask_lun(cdb, 1024).good();
        assert_eq!((ended.reply.residual, ended.data), (Residual::None, pattern(3 - seed as u8, 1024)));
    }
    rig.check_quiet();
}

#[test]
fn six_bytes_mean_256_blocks_by_none() {
    let mut rig = Rig::empty(1);
    rig.add_sized_disk(BLOCKS, 512, FEATURES);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    rig.disk(1).ops();
    // 131,072 bytes are more than a buffer holds here, so it is refused by length: that is how we see what was read.
    assert_eq!(rig.ask_lun(&[0x08, 0, 0, 0, 0, 0], 131_072).told(), (2, 5, 0x2400));
    rig.ask_lun(&[0x08, 0, 0, 0, 128, 0], 65_536).good();
    assert_eq!(rig.disk(1).ops(), [Op::Read { block: 0, blocks: 128 }]);
}

#[test]
fn a_read_that_expects_more_or_less() {
    let mut rig = Rig::new();
    rig.tell_lun(&write10(0, 4), &pattern(9, 2048)).good();
    for (expects, moves, residual) in [
        (2048, 2048, Residual::None),
        (2049, 2048, Residual::Under(1)),
        (4096, 2048, Residual::Under(2048)),
        (2047, 2047, Residual::Over(1)),
        (513, 513, Residual::Over(1535)),
        (1, 1, Residual::Over(2047)),
        (0, 0, Residual::Over(2048)),
    ] {
        let ended = rig.ask_lun(&read10(0, 4), expects).good();
        assert_eq!((ended.reply.transferred, ended.reply.residual), (moves, residual), "{expects}");
        assert_eq!(ended.data, pattern(9, 2048)[..moves as usize]);
    }
    rig.check_quiet();
}

#[test]
fn a_write_that_expects_more_or_less() {
    for (expects, moves, residual) in [
        (2048, 2048, Residual::None),
        (2049, 2048, Residual::Under(1)),
        (4096, 2048, Residual::Under(2048)),
        (1536, 1536, Residual::Over(512)),
        (512, 512, Residual::Over(1536)),
        (0, 0, Residual::Over(2048)),
    ] {
        let mut rig = Rig::new();
        let ended = rig.tell_lun(&write10(0, 4), &pattern(9, expects)).good();
        assert_eq!((ended.reply.transferred, ended.reply.residual), (moves, residual), "{expects}");
        assert_eq!(rig.cores[0].port().fetched, u64::from(moves));
        let bytes = rig.disk(1).bytes.lock().unwrap()[..2048].to_vec();
        let len = moves as usize;
        assert_eq!((&bytes[..len], &bytes[len..]), (&pattern(9, 2048)[..len], &vec![0; 2048 - len][..]));
    }
}

#[test]
fn a_write_that_ends_inside_a_block_is_refused_and_writes_nothing() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    let ended = rig.tell_lun(&write10(0, 4), &pattern(9, 700));
    assert_eq!((ended.told(), ended.reply.residual), ((2, 5, 0x0e03), Residual::Over(4 * 512 - 700)));
    assert_eq!(rig.disk(1).ops(), []);
}

#[test]
fn commands_without_data_move_none() {
    let mut rig = Rig::new();
    let ended = rig.ask_lun(&[0], 36).good();
    assert_eq!((ended.reply.residual, ended.data.len()), (Residual::Under(36), 0));
    let ended = rig.tell_lun(&[0x35], &[0; 5]).good();
    assert_eq!(ended.reply.residual, Residual::Under(5));
    let ended = rig.ask_lun(&[0x28, 0, 0xff, 0, 0, 0, 0, 0, 1, 0], 512);
    assert_eq!((ended.told(), ended.reply.residual), ((2, 5, 0x2100), Residual::Under(512)));
}

#[test]
fn parameter_data_is_as_long_as_the_shortest_of_data_allocation_and_expectation() {
    let mut rig = Rig::new();
    for (allocation, expects, moves, residual) in [
        (96u8, 96, 96, Residual::None),
        (255, 255, 96, Residual::Under(159)),
        (36, 255, 36, Residual::Under(219)),
        (96, 5, 5, Residual::Over(91)),
        (0, 8, 0, Residual::Under(8)),
        (0, 0, 0, Residual::None),
    ] {
        let ended = rig.ask_lun(&[0x12, 0, 0, 0, allocation, 0], expects).good();
        assert_eq!((ended.data.len(), ended.reply.residual), (moves, residual), "{allocation} {expects}");
    }
}

#[test]
fn ranges_end_with_the_disk() {
    let mut rig = Rig::new();
    let last = BLOCKS as u32 - 1;
    rig.ask_lun(&read10(last, 1), 512).good();
    assert_eq!(rig.ask_lun(&read10(last, 2), 1024).told(), (2, 5, 0x2100));
    assert_eq!(rig.tell_lun(&write10(last, 2), &[0; 1024]).told(), (2, 5, 0x2100));
    rig.ask_lun(&read10(last + 1, 0), 0).good();
    assert_eq!(rig.ask_lun(&read10(last + 2, 0), 0).told(), (2, 5, 0x2100));
    let mut far = vec![0x88, 0];
    far.extend(u64::MAX.to_be_bytes());
    far.extend(1u32.to_be_bytes());
    assert_eq!(rig.ask_lun(&far, 512).told(), (2, 5, 0x2100));
    assert_eq!(rig.ask_lun(&read10(0, 129), 66_048).told(), (2, 5, 0x2400), "more than a buffer holds");
}

#[test]
fn flags_reach_the_device_or_are_refused() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    let mut cdb = write10(3, 1);
    cdb[1] = 0x18;
    rig.tell_lun(&cdb, &[1; 512]).good();
    assert_eq!(rig.disk(1).ops(), [Op::Write { block: 3, blocks: 1, fua: true }]);
    cdb[1] = 0x20;
    assert_eq!(rig.tell_lun(&cdb, &[1; 512]).told(), (2, 5, 0x2400), "there is no protection information");
    cdb[1] = 0;
    cdb[9] = 4;
    let ended = rig.tell_lun(&cdb, &[1; 512]);
    assert_eq!(ended.told(), (2, 5, 0x2400), "NACA");
    assert_eq!(ended.reply.sense()[15..], [0xc0, 0, 9]);
}

#[test]
fn what_devices_and_wires_say() {
    use bdev::Status as Device;
    let mut rig = Rig::new();
    for (status, told) in [
        (Device::ReadError, (2, 3, 0x1100)),
        (Device::Busy, (8, 0, 0)),
        (Device::NoSpace, (2, 7, 0x2707)),
        (Device::Nvme { sct: 2, sc: 0x81 }, (2, 3, 0x1100)),
    ] {
        rig.disk(1).fail(Some(status));
        let ended = rig.ask_lun(&read10(0, 1), 512);
        assert_eq!((ended.told(), ended.reply.residual, ended.data.len()), (told, Residual::Under(512), 0));
        let ended = rig.tell_lun(&write10(0, 1), &[7; 512]);
        assert_eq!((ended.told(), ended.reply.residual), (told, Residual::None), "all of it was fetched");
    }
    rig.disk(1).fail(None);
    rig.cores[0].port_mut().harms = true;
    let ended = rig.tell_lun(&write10(0, 1), &[7; 512]);
    assert_eq!((ended.told(), ended.reply.residual), ((2, 0xb, 0x4b00), Residual::Under(512)));
    assert_eq!(rig.disk(1).bytes.lock().unwrap()[0], 0);
}

#[test]
fn a_disk_that_takes_no_writes() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { write: false, unmap: false, write_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    let protected = (2, 7, 0x2700);
    assert_eq!(rig.tell_lun(&write10(0, 1), &[7; 512]).told(), protected);
    assert_eq!(rig.tell_lun(&[0x41, 0, 0, 0, 0, 0, 0, 0, 1, 0], &[7; 512]).told(), protected);
    let mode = rig.ask_lun(&[0x1a, 0, 0x3f, 0, 255, 0], 255).good().data;
    assert_eq!(mode[2] & 0x80, 0x80, "WP");
    rig.ask_lun(&read10(0, 1), 512).good();
}
