//! CDBs field by field, the table, and sense data.

use super::*;

fn cdb16(bytes: &[u8]) -> [u8; 16] {
    let mut cdb = [0; 16];
    cdb[..bytes.len()].copy_from_slice(bytes);
    cdb
}

fn command(bytes: &[u8]) -> Command {
    Command::parse(&cdb16(bytes)).unwrap()
}

fn extent(lba: u64, blocks: u32) -> Extent {
    Extent { lba, blocks, protect: 0, dpo: false, fua: false }
}

#[test]
fn blocks_of_all_four_lengths() {
    let whole = |extent| Extent { protect: 5, dpo: true, fua: true, ..extent };
    assert_eq!(command(&[0x08, 0xff, 2, 3, 4]), Command::Read(extent(0x1f_0203, 4)));
    assert_eq!(command(&[0x0a, 0, 0, 9, 0]), Command::Write(extent(9, 256)));
    assert_eq!(command(&[0x28, 0xb8, 1, 2, 3, 4, 0, 5, 6]), Command::Read(whole(extent(0x0102_0304, 0x0506))));
    let ten = [0xaa, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(command(&ten), Command::Write(whole(extent(0x0102_0304, 0x0506_0708))));
    let sixteen = [0x88, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    assert_eq!(command(&sixteen), Command::Read(whole(extent(0x0102_0304_0506_0708, 0x090a_0b0c))));
    assert_eq!(extent(u64::MAX, 1).end(), None);
}

#[test]
fn bits_that_mean_something_else_are_no_fua() {
    let Command::WriteSame { extent: e, unmap, anchor, no_data } = command(&[0x93, 0x19]) else { panic!() };
    assert_eq!((e.fua, e.dpo, unmap, anchor, no_data), (false, false, true, true, true));
    let Command::WriteSame { no_data, .. } = command(&[0x41, 0x01]) else { panic!() };
    assert!(!no_data, "WRITE SAME (10) has no NDOB");
    let Command::Verify { extent: e, check } = command(&[0x2f, 0x0a, 0, 0, 0, 7, 0, 0, 3]) else { panic!() };
    assert_eq!((e, check), (extent(7, 3), ByteCheck::Compare));
    let synchronize = Command::SynchronizeCache { extent: extent(1, 2), immed: true };
    assert_eq!(command(&[0x35, 0x02, 0, 0, 0, 1, 0, 0, 2]), synchronize);
}

#[test]
fn the_others() {
    assert_eq!(command(&[0]), Command::TestUnitReady);
    assert_eq!(command(&[3, 1, 0, 0, 252]), Command::RequestSense { descriptor: true, allocation: 252 });
    assert_eq!(command(&[0x12, 1, 0x83, 1, 2]), Command::Inquiry { vpd: true, page: 0x83, allocation: 0x0102 });
    let mode = |long, llbaa, allocation| Command::ModeSense {
        long,
        llbaa,
        dbd: true,
        control: 2,
        page: 8,
        subpage: 1,
        allocation,
    };
    assert_eq!(command(&[0x1a, 0x18, 0x88, 1, 9]), mode(false, false, 9));
    assert_eq!(command(&[0x5a, 0x18, 0x88, 1, 0, 0, 0, 1, 2]), mode(true, true, 0x0102));
    let stop = Command::StartStopUnit { immed: true, power: 3, no_flush: true, load_eject: true, start: false };
    assert_eq!(command(&[0x1b, 1, 0, 0, 0x36]), stop);
    assert_eq!(command(&[0x42, 1, 0, 0, 0, 0, 0, 1, 2]), Command::Unmap { anchor: true, length: 0x0102 });
    assert_eq!(command(&[0xa0, 0, 2, 0, 0, 0, 1, 2, 3, 4]), Command::ReportLuns { select: 2, allocation: 0x0102_0304 });
    let capacity = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32];
    assert_eq!(command(&capacity), Command::ReadCapacity16 { allocation: 32 });
    let groups = Command::ReportTargetPortGroups { format: 1, allocation: 8 };
    assert_eq!(command(&[0xa3, 0x2a, 0, 0, 0, 0, 0, 0, 0, 8]), groups);
    let opcodes =
        Command::ReportOpcodes { timeouts: true, options: 3, opcode: 0x9e, action: 0x0010, allocation: 0x1_0000 };
    assert_eq!(command(&[0xa3, 0x0c, 0x83, 0x9e, 0, 0x10, 0, 1, 0, 0]), opcodes);
    let functions = Command::ReportFunctions { extended: true, allocation: 16 };
    assert_eq!(command(&[0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 16]), functions);
}

#[test]
fn what_is_no_command() {
    assert_eq!(Command::parse(&cdb16(&[0x7f])), Err(CdbError::Opcode));
    assert_eq!(Command::parse(&cdb16(&[0xff])), Err(CdbError::Opcode));
    assert_eq!(Command::parse(&cdb16(&[0x9e, 0x11])), Err(CdbError::ServiceAction));
    assert_eq!(Command::parse(&[]), Err(CdbError::Short));
    assert_eq!(Command::parse(&[0x9e]), Err(CdbError::Short));
    assert_eq!(Command::parse(&[0x28; 9]), Err(CdbError::Short));
    assert_eq!(Command::parse(&[0, 0, 0, 0, 0, 4]), Err(CdbError::Naca(5)));
    assert_eq!(Command::parse(&[0; 6]), Ok(Command::TestUnitReady));
    let mut read16 = cdb16(&[0x88]);
    read16[15] = 4;
    assert_eq!(Command::parse(&read16), Err(CdbError::Naca(15)));
}

#[test]
fn every_cdb_of_every_length_is_read_or_refused() {
    let mut noise = 0x9e37_79b9_7f4a_7c15u64;
    for opcode in 0..=255u8 {
        for len in 0..=32usize {
            let mut cdb = [0u8; 32];
            for byte in &mut cdb {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (noise >> 56) as u8;
            }
            cdb[0] = opcode;
            let served = !rows(opcode).is_empty();
            match Command::parse(&cdb[..len]) {
                Ok(_) => assert!(served),
                Err(CdbError::Opcode) => assert!(!served),
                Err(_) => assert!(len == 0 || served),
            }
        }
    }
}

/// The groups of operation codes say how long a CDB is (SPC-4 4.2.5.1).
#[test]
fn the_table_is_sorted_and_its_lengths_are_the_groups() {
    assert!(TABLE.windows(2).all(|w| (w[0].opcode, w[0].action) < (w[1].opcode, w[1].action)));
    for row in &TABLE {
        let len = match row.opcode >> 5 {
            0 => 6,
            1 | 2 => 10,
            4 => 16,
            5 => 12,
            group => panic!("group {group}"),
        };
        assert_eq!((row.len, row.usage[0]), (len, row.opcode), "{}", row.name);
        assert_eq!(row.usage()[usize::from(len) - 1], 0x04, "{}", row.name);
        assert!(row.usage[usize::from(len)..].iter().all(|byte| *byte == 0), "{}", row.name);
        if let Some(action) = row.action {
            assert_eq!(u16::from(row.usage[1] & 0x1f), action, "{}", row.name);
        }
        let rows = rows(row.opcode);
        assert!(rows.iter().any(|found| core::ptr::eq(found, row)));
    }
}

/// A bit that the table calls unused changes nothing in what is read; one that it calls used does, somewhere.
#[test]
fn usage_data_is_what_the_readers_read() {
    for row in &TABLE {
        let mut base = [0u8; 16];
        base[0] = row.opcode;
        base[1] = row.action.unwrap_or(0) as u8;
        let plain = Command::parse(&base);
        for byte in 1..usize::from(row.len) - 1 {
            for bit in 0..8 {
                let of_action = byte == 1 && row.action.is_some() && bit < 5;
                if of_action {
                    continue;
                }
                let mut cdb = base;
                cdb[byte] ^= 1 << bit;
                let used = row.usage[byte] >> bit & 1 != 0;
                assert_eq!(Command::parse(&cdb) != plain, used, "{}: byte {byte}, bit {bit}", row.name);
            }
        }
    }
}

#[test]
fn fixed_sense() {
    let field = Field { in_cdb: true, byte: 2, bit: Some(7) };
    let sense = Sense { information: Some(0x0102_0304), field: Some(field), ..Sense::new(Key(5), Asc(0x2400)) };
    let bytes = sense.to_fixed();
    assert_eq!(bytes, [0xf0, 0, 5, 1, 2, 3, 4, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xcf, 0, 2]);
    let long = Sense { information: Some(1 << 32), field: None, ..sense }.to_fixed();
    assert_eq!((long[0], &long[3..7]), (0x70, &[0; 4][..]));
}

#[test]
fn descriptor_sense() {
    let plain = Sense::new(Key::UNIT_ATTENTION, Asc::POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED);
    let (bytes, len) = plain.to_descriptors();
    assert_eq!(bytes[..len], [0x72, 6, 0x29, 0, 0, 0, 0, 0]);
    let field = Field { in_cdb: false, byte: 0x0102, bit: None };
    let (bytes, len) = Sense { information: Some(9), field: Some(field), ..plain }.to_descriptors();
    assert_eq!((len, bytes[7]), (28, 20));
    assert_eq!(bytes[8..20], [0, 0x0a, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(bytes[20..], [2, 6, 0, 0, 0x80, 1, 2, 0]);
}
