//! VERIFY, SYNCHRONIZE CACHE, the commands that change nothing, and those that there are not.

use crate::rig::*;
use bdev::Op;

fn verify10(flags: u8, lba: u32, blocks: u16) -> Vec<u8> {
    let mut cdb = read10(lba, blocks);
    (cdb[0], cdb[1]) = (0x2f, flags);
    cdb
}

#[test]
fn verify_reads_the_medium_and_sends_nothing() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    let ended = rig.ask_lun(&verify10(0, 4, 2), 0).good();
    assert_eq!((ended.reply.residual, ended.data.len(), ended.reply.transferred), (Residual::None, 0, 0));
    assert_eq!(rig.disk(1).ops(), [Op::Read { block: 4, blocks: 2 }]);
    rig.disk(1).fail(Some(bdev::Status::ReadError));
    assert_eq!(rig.ask_lun(&verify10(0, 4, 2), 0).told(), (2, 3, 0x1100));
    rig.check_quiet();
}

#[test]
fn verify_compares() {
    let mut rig = Rig::new();
    let data = pattern(5, 1024);
    rig.tell_lun(&write10(0, 2), &data).good();
    let longer: [&[u8]; 3] = [
        &verify10(2, 0, 2),
        &[0xaf, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0],
        &[0x8f, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0],
    ];
    for cdb in longer {
        let ended = rig.tell_lun(cdb, &data).good();
        assert_eq!((ended.reply.residual, ended.reply.transferred), (Residual::None, 1024));
        let mut other = data.clone();
        other[1023] ^= 1;
        assert_eq!(rig.tell_lun(cdb, &other).told(), (2, 0xe, 0x1d00));
    }
    let ended = rig.tell_lun(&verify10(2, 0, 2), &data[..512]).good();
    assert_eq!(ended.reply.residual, Residual::Over(512));
    for flags in [4, 0x22] {
        assert_eq!(rig.tell_lun(&verify10(flags, 0, 2), &data).told(), (2, 5, 0x2400));
    }
    assert_eq!(rig.ask_lun(&verify10(0, BLOCKS as u32, 1), 0).told(), (2, 5, 0x2100));
    rig.check_quiet();
}

#[test]
fn the_cache_is_flushed_where_there_is_one() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    rig.ask_lun(&[0x35, 2, 0, 0, 0, 1, 0, 0, 2, 0], 0).good();
    rig.ask_lun(&[0x91, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0], 0).good();
    rig.ask_lun(&[0x1b, 0, 0, 0, 0, 0], 0).good();
    assert_eq!(rig.disk(1).ops(), [Op::Flush; 3]);
    rig.ask_lun(&[0x1b, 0, 0, 0, 1, 0], 0).good();
    rig.ask_lun(&[0x1b, 0, 0, 0, 4, 0], 0).good();
    assert_eq!(rig.disk(1).ops(), []);
    assert_eq!(rig.ask_lun(&[0x35, 0, 0, 1, 0, 0, 0, 0, 1, 0], 0).told(), (2, 5, 0x2100));
    assert_eq!(rig.ask_lun(&[0x1b, 0, 0, 0, 2, 0], 0).told(), (2, 5, 0x2400), "LOEJ");
    rig.ask_lun(&[0x1b, 0, 0, 0, 0x30, 0], 0).good();
}

#[test]
fn without_a_cache_nothing_is_flushed() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { volatile_cache: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    rig.ask_lun(&[0x35], 0).good();
    assert_eq!(rig.disk(1).ops(), []);
    let caching = rig.ask_lun(&[0x1a, 8, 8, 0, 255, 0], 255).good().data;
    assert_eq!(caching[4 + 2] & 4, 0, "WCE");
}

#[test]
fn nothing_is_prevented() {
    let mut rig = Rig::new();
    rig.ask_lun(&[0x1e, 0, 0, 0, 1, 0], 0).good();
    rig.ask_lun(&[0x1e], 0).good();
}

/// Every operation code is either in the table, and then something else than «no such operation code» is said of it, or not.
#[test]
fn every_operation_code_is_served_or_refused() {
    let mut rig = Rig::new();
    let mut refused = 0;
    for opcode in 0..=255u8 {
        let ended = rig.ask_lun(&[opcode, 0x1f], 0);
        let unknown = ended.told() == (2, 5, 0x2000);
        // WRITE ATOMIC is for units without a volatile cache.
        let served = opcode != 0x9c && !wire::scsi::rows(opcode).is_empty();
        assert_eq!(unknown, !served, "{opcode:#x}: {:?}", ended.told());
        refused += u32::from(unknown);
    }
    assert_eq!(refused, 256 - 52);
    let ended = rig.ask_lun(&[0x9e, 0x1f], 0);
    assert_eq!((ended.told(), &ended.reply.sense()[15..]), ((2, 5, 0x2400), &[0xcc, 0, 1][..]));
    rig.check_quiet();
}

#[test]
fn a_cdb_that_is_too_short_is_refused() {
    let mut rig = Rig::new();
    let task = rig.task(0, 0, &read10(0, 1));
    let ended = rig.run_task(Task { cdb_len: 9, data_in: 512, ..task }, Vec::new());
    assert_eq!(ended.told(), (2, 5, 0x0e03));
    let task = rig.task(0, 0, &read10(0, 1));
    rig.run_task(Task { cdb_len: 10, data_in: 512, ..task }, Vec::new()).good();
    let task = rig.task(0, 0, &[]);
    assert_eq!(rig.run_task(Task { cdb_len: 0, ..task }, Vec::new()).told(), (2, 5, 0x0e03));
}

#[test]
fn supported_operation_codes_come_from_the_table() {
    let mut rig = Rig::new();
    let all = rig.ask_lun(&[0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 16, 0], 4096).good().data;
    // SANITIZE: BLOCK ERASE and EXIT FAILURE MODE alone. No WRITE ATOMIC with a volatile cache.
    let served = |row: &&wire::scsi::Row| match row.opcode {
        0x48 => matches!(row.action, Some(2 | 0x1f)),
        0x9c => false,
        _ => true,
    };
    let rows: Vec<_> = wire::scsi::TABLE.iter().filter(served).collect();
    assert_eq!(all.len(), 4 + 8 * rows.len());
    assert_eq!(all[..4], (8 * rows.len() as u32).to_be_bytes());
    for (row, told) in rows.iter().copied().zip(all[4..].chunks(8)) {
        let action = row.action.unwrap_or(0).to_be_bytes();
        let flag = u8::from(row.action.is_some());
        assert_eq!(told, [row.opcode, 0, action[0], action[1], 0, flag, 0, row.len], "{}", row.name);
    }
    let timed = rig.ask_lun(&[0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 16, 0], 4096).good().data;
    assert_eq!((timed.len(), timed[9] & 2, &timed[12..14]), (4 + 20 * rows.len(), 2, &[0, 10][..]));
    let one = |rig: &mut Rig, options: u8, opcode: u8, action: u8| {
        rig.ask_lun(&[0xa3, 0x0c, options, opcode, 0, action, 0, 0, 0, 64], 64)
    };
    let read10 = one(&mut rig, 1, 0x28, 0).good().data;
    assert_eq!(read10, [0, 3, 0, 10, 0x28, 0xf8, 255, 255, 255, 255, 0, 255, 255, 4]);
    assert_eq!(one(&mut rig, 3, 0x28, 0).good().data, read10);
    let capacity = one(&mut rig, 2, 0x9e, 0x10).good().data;
    assert_eq!((capacity[1], capacity[3], capacity[5]), (3, 16, 0x10));
    assert_eq!(one(&mut rig, 3, 0x9e, 0x10).good().data, capacity);
    for (options, opcode, action) in
        [(1, 0xd1, 0), (2, 0x9e, 0x1f), (2, 0xd1, 1), (3, 0x28, 1), (2, 0x48, 1), (2, 0x48, 3)]
    {
        assert_eq!(one(&mut rig, options, opcode, action).good().data, [0, 1, 0, 0]);
    }
    for (options, opcode, action) in [(1, 0x9e, 0), (2, 0x28, 0), (4, 0, 0)] {
        assert_eq!(one(&mut rig, options, opcode, action).told(), (2, 5, 0x2400));
    }
    let functions = rig.ask_lun(&[0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4], 16).good().data;
    assert_eq!(functions, [0xde, 3, 0, 0]);
    let extended = rig.ask_lun(&[0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 16], 16).good().data;
    assert_eq!((extended.len(), extended[3]), (16, 12));
}
