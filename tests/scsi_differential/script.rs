//! The commands that are sent to both sides: every one that the device server has, with fields that are right and fields that
//! are wrong.

/// The data of a step.
#[derive(Clone, Debug)]
pub enum Give {
    /// None.
    None,
    /// So many bytes are expected.
    In(usize),
    /// These are offered.
    Out(Vec<u8>),
}

/// One command.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is, for people.
    pub name: String,
    /// Its CDB.
    pub cdb: Vec<u8>,
    /// Its data.
    pub give: Give,
}

/// Bytes of a block.
pub const BLOCK: usize = 512;

fn step(name: &str, cdb: &[u8], give: Give) -> Step {
    let hex: Vec<String> = cdb.iter().map(|byte| format!("{byte:02x}")).collect();
    Step { name: format!("{name} [{}]", hex.join(" ")), cdb: cdb.to_vec(), give }
}

fn pattern(blocks: usize, seed: u8) -> Vec<u8> {
    (0..blocks * BLOCK).map(|at| (at / BLOCK) as u8 ^ (at as u8).wrapping_mul(seed | 1)).collect()
}

fn cdb10(opcode: u8, flags: u8, lba: u32, blocks: u16) -> Vec<u8> {
    let (lba, blocks) = (lba.to_be_bytes(), blocks.to_be_bytes());
    [&[opcode, flags][..], &lba, &[0], &blocks, &[0]].concat()
}

fn cdb12(opcode: u8, flags: u8, lba: u32, blocks: u32) -> Vec<u8> {
    [&[opcode, flags][..], &lba.to_be_bytes(), &blocks.to_be_bytes(), &[0, 0]].concat()
}

fn cdb16(opcode: u8, flags: u8, lba: u64, blocks: u32) -> Vec<u8> {
    [&[opcode, flags][..], &lba.to_be_bytes(), &blocks.to_be_bytes(), &[0, 0]].concat()
}

/// All steps for a disk of that many blocks.
pub fn steps(blocks: u64) -> Vec<Step> {
    let mut all = Vec::new();
    ask(&mut all);
    for seed in 0..2 {
        read_and_write(&mut all, blocks, seed);
    }
    modify(&mut all, blocks);
    provision(&mut all, blocks);
    reserve(&mut all);
    copy(&mut all);
    unknown(&mut all);
    all
}

/// What a disk says of itself.
fn ask(all: &mut Vec<Step>) {
    let mut add = |name: &str, cdb: &[u8], len: usize| all.push(step(name, cdb, Give::In(len)));
    for page in [0x00, 0x80, 0x83, 0x86, 0x87, 0x8f, 0xb0, 0xb1, 0xb2, 0xb3, 0xd7] {
        for len in [4, 20, 255] {
            add("INQUIRY VPD", &[0x12, 1, page, 0, len as u8, 0], len);
        }
    }
    for (len, page) in [(5, 0), (36, 0), (96, 0), (36, 3)] {
        add("INQUIRY", &[0x12, 0, page, 0, len as u8, 0], len);
    }
    for page in [0x00, 0x01, 0x08, 0x0a, 0x1c, 0x3f, 0x2b] {
        for control in [0, 0x40, 0x80, 0xc0] {
            add("MODE SENSE(6)", &[0x1a, 0, control | page, 0, 252, 0], 252);
            add("MODE SENSE(10)", &[0x5a, 0x10, control | page, 0xff, 0, 0, 0, 1, 0, 0], 256);
        }
    }
    for page in [0x00, 0x0c, 0x0d, 0x2f, 0x3e] {
        add("LOG SENSE", &[0x4d, 0, 0x40 | page, 0, 0, 0, 0, 1, 0, 0], 256);
    }
    for descriptor in [0, 1] {
        add("REQUEST SENSE", &[0x03, descriptor, 0, 0, 252, 0], 252);
    }
    add("READ CAPACITY(10)", &cdb10(0x25, 0, 0, 0), 8);
    for len in [8u8, 12, 32] {
        add("READ CAPACITY(16)", &cdb16(0x9e, 0x10, 0, len.into()), len.into());
    }
    for select in [0, 1, 2, 0x10, 0x55] {
        add("REPORT LUNS", &[0xa0, 0, select, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256);
    }
    for options in [0, 0x80, 1, 2, 3, 0x83, 7] {
        for opcode in [0x00, 0x12, 0x28, 0x42, 0x5e, 0x9e, 0xa3, 0xff] {
            add("REPORT SUPPORTED OPCODES", &[0xa3, 0x0c, options, opcode, 0, 0x10, 0, 0, 16, 0, 0, 0], 4096);
        }
    }
    for extended in [0, 0x80] {
        add("REPORT SUPPORTED TMF", &[0xa3, 0x0d, extended, 0, 0, 0, 0, 0, 0, 16, 0, 0], 16);
    }
    add("READ DEFECT DATA(10)", &[0x37, 0, 0x18, 0, 0, 0, 0, 0, 16, 0], 16);
    add("READ DEFECT DATA(12)", &[0xb7, 0x18, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], 16);
    add("RECEIVE DIAGNOSTIC RESULTS", &[0x1c, 1, 0, 0, 64, 0], 64);
    add("GET LBA STATUS", &cdb16(0x9e, 0x12, 0, 256), 256);
    all.push(step("TEST UNIT READY", &[0; 6], Give::None));
    all.push(step("SEND DIAGNOSTIC", &[0x1d, 4, 0, 0, 0, 0], Give::None));
    for (name, byte) in [("START", 1), ("STOP", 0), ("EJECT", 2), ("POWER", 0x10)] {
        all.push(step(&format!("START STOP UNIT {name}"), &[0x1b, 0, 0, 0, byte, 0], Give::None));
    }
    for prevent in [1, 0, 3] {
        all.push(step("PREVENT ALLOW", &[0x1e, 0, 0, 0, prevent, 0], Give::None));
    }
}

/// Reads and writes of each length, with residuals both ways, at the end and behind it.
fn read_and_write(all: &mut Vec<Step>, blocks: u64, seed: u8) {
    let end = blocks as u32;
    for (at, count) in [(0, 1), (7, 8), (end - 2, 2), (end - 1, 2), (end, 1), (end, 0), (end + 1, 0), (3, 0)] {
        let size = count as usize * BLOCK;
        let (wide, data) = (u64::from(at), pattern(count as usize, seed.wrapping_add(at as u8)));
        for flags in [0, 0x18, 0x20] {
            let writes = [
                ("WRITE(10)", cdb10(0x2a, flags, at, count as u16)),
                ("WRITE(12)", cdb12(0xaa, flags, at, count)),
                ("WRITE(16)", cdb16(0x8a, flags, wide, count)),
                ("WRITE AND VERIFY(10)", cdb10(0x2e, flags & 0xf0, at, count as u16)),
                ("WRITE AND VERIFY(16)", cdb16(0x8e, flags & 0xf0, wide, count)),
            ];
            for (name, cdb) in writes {
                all.push(step(name, &cdb, Give::Out(data.clone())));
            }
            let reads = [
                ("READ(10)", cdb10(0x28, flags, at, count as u16)),
                ("READ(12)", cdb12(0xa8, flags, at, count)),
                ("READ(16)", cdb16(0x88, flags, wide, count)),
            ];
            for (name, cdb) in reads {
                all.push(step(name, &cdb, Give::In(size)));
            }
        }
        for check in [0, 2, 4, 6] {
            let offered = || match check {
                0 => Give::None,
                6 => Give::Out(data[..BLOCK.min(data.len())].to_vec()),
                _ => Give::Out(data.clone()),
            };
            all.push(step("VERIFY(10)", &cdb10(0x2f, check, at, count as u16), offered()));
            all.push(step("VERIFY(12)", &cdb12(0xaf, check, at, count), offered()));
            all.push(step("VERIFY(16)", &cdb16(0x8f, check, wide, count), offered()));
        }
        all.push(step("PRE-FETCH(10)", &cdb10(0x34, 0, at, count as u16), Give::None));
        all.push(step("PRE-FETCH(16)", &cdb16(0x90, 2, wide, count), Give::None));
        all.push(step("SYNCHRONIZE CACHE(10)", &cdb10(0x35, 0, at, count as u16), Give::None));
        all.push(step("SYNCHRONIZE CACHE(16)", &cdb16(0x91, 0, wide, count), Give::None));
    }
    all.push(step("WRITE(6)", &[0x0a, 0, 0, 9, 1, 0], Give::Out(pattern(1, seed))));
    all.push(step("READ(6)", &[0x08, 0, 0, 9, 1, 0], Give::In(BLOCK)));
    // Expected less, and more, than the blocks that are asked for.
    all.push(step("READ(10), less", &cdb10(0x28, 0, 7, 2), Give::In(BLOCK)));
    all.push(step("READ(10), odd", &cdb10(0x28, 0, 7, 2), Give::In(BLOCK + 100)));
    all.push(step("READ(10), more", &cdb10(0x28, 0, 7, 1), Give::In(3 * BLOCK)));
    all.push(step("READ(10), nothing", &cdb10(0x28, 0, 7, 1), Give::None));
    all.push(step("WRITE(10), less", &cdb10(0x2a, 0, 7, 2), Give::Out(pattern(1, 5))));
    all.push(step("WRITE(10), more", &cdb10(0x2a, 0, 7, 1), Give::Out(pattern(2, 6))));
    all.push(step("READ(10), after", &cdb10(0x28, 0, 0, 16), Give::In(16 * BLOCK)));
}

/// Commands that read before they write.
fn modify(all: &mut Vec<Step>, blocks: u64) {
    let caw = |lba: u64, count: u8| {
        let mut cdb = cdb16(0x89, 0, lba, 0);
        cdb[13] = count;
        cdb
    };
    let (old, new) = (pattern(1, 9), pattern(1, 10));
    all.push(step("WRITE(16)", &cdb16(0x8a, 0, 40, 1), Give::Out(old.clone())));
    all.push(step("COMPARE AND WRITE", &caw(40, 1), Give::Out([old.clone(), new.clone()].concat())));
    all.push(step("COMPARE AND WRITE, other", &caw(40, 1), Give::Out([old.clone(), new.clone()].concat())));
    all.push(step("COMPARE AND WRITE, short", &caw(40, 1), Give::Out(new.clone())));
    all.push(step("COMPARE AND WRITE, none", &caw(40, 0), Give::None));
    all.push(step("COMPARE AND WRITE, far", &caw(blocks, 1), Give::Out([old, new].concat())));
    all.push(step("ORWRITE(16)", &cdb16(0x8b, 0, 40, 2), Give::Out(pattern(2, 77))));
    all.push(step("ORWRITE(16), far", &cdb16(0x8b, 0, blocks - 1, 2), Give::Out(pattern(2, 77))));
    let mut atomic = cdb16(0x9c, 0, 44, 0);
    atomic[13] = 2;
    all.push(step("WRITE ATOMIC(16)", &atomic, Give::Out(pattern(2, 30))));
    all.push(step("READ(16), after", &cdb16(0x88, 0, 38, 10), Give::In(10 * BLOCK)));
}

/// WRITE SAME, UNMAP and what becomes of it.
fn provision(all: &mut Vec<Step>, blocks: u64) {
    for flags in [0, 0x08, 0x10, 0x18] {
        all.push(step("WRITE SAME(10)", &cdb10(0x41, flags, 64, 4), Give::Out(pattern(1, 3))));
        all.push(step("WRITE SAME(10), zeroes", &cdb10(0x41, flags, 68, 4), Give::Out(vec![0; BLOCK])));
        all.push(step("WRITE SAME(16), no data", &cdb16(0x93, flags | 1, 72, 4), Give::None));
        all.push(step("WRITE SAME(16), far", &cdb16(0x93, flags, blocks - 1, 2), Give::Out(vec![0; BLOCK])));
    }
    let descriptor = |lba: u64, count: u32| [&lba.to_be_bytes()[..], &count.to_be_bytes(), &[0; 4]].concat();
    let list = |descriptors: &[Vec<u8>]| {
        let body = descriptors.concat();
        let (data, blocks) = ((body.len() + 6) as u16, body.len() as u16);
        [&data.to_be_bytes()[..], &blocks.to_be_bytes(), &[0; 4], &body].concat()
    };
    let unmap = |list: Vec<u8>| step("UNMAP", &cdb10(0x42, 0, 0, list.len() as u16), Give::Out(list));
    all.push(unmap(list(&[descriptor(64, 8)])));
    all.push(unmap(list(&[descriptor(0, 1), descriptor(10, 0), descriptor(100, 4)])));
    all.push(unmap(list(&[descriptor(blocks, 1)])));
    all.push(unmap(list(&[])));
    all.push(unmap(vec![0; 4]));
    all.push(step("READ(16), after", &cdb16(0x88, 0, 60, 20), Give::In(20 * BLOCK)));
    all.push(step("GET LBA STATUS, far", &cdb16(0x9e, 0x12, blocks, 256), Give::In(256)));
}

/// Reservations of both kinds.
fn reserve(all: &mut Vec<Step>) {
    let of = |action: u8, kind: u8, own: u64, new: u64, flags: u8| {
        let mut list = [&own.to_be_bytes()[..], &new.to_be_bytes(), &[0; 8]].concat();
        list[20] = flags;
        let cdb = [0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0];
        step("PERSISTENT RESERVE OUT", &cdb, Give::Out(list))
    };
    let look = |all: &mut Vec<Step>| {
        for action in 0..5 {
            // READ FULL STATUS names ports, which differ by transport.
            if action != 3 {
                let cdb = [0x5e, action, 0, 0, 0, 0, 0, 1, 0, 0];
                all.push(step("PERSISTENT RESERVE IN", &cdb, Give::In(256)));
            }
        }
    };
    look(all);
    for step in [of(1, 1, 0, 0, 0), of(0, 0, 0, 0xabc, 0), of(0, 0, 0, 0xdef, 0)] {
        all.push(step);
    }
    for kind in 0..9 {
        all.push(of(1, kind, 0xabc, 0, 0));
        look(all);
        all.push(of(2, kind, 0xabc, 0, 0));
    }
    all.push(of(6, 0, 0, 0x123, 0));
    all.push(of(4, 1, 0x123, 0x999, 0));
    all.push(of(3, 0, 0x123, 0, 0));
    all.push(of(31, 0, 0, 0, 0));
    look(all);
    for (name, cdb) in [
        ("RESERVE(6)", &[0x16, 0, 0, 0, 0, 0][..]),
        ("RELEASE(6)", &[0x17, 0, 0, 0, 0, 0]),
        ("RESERVE(10)", &[0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("RELEASE(10)", &[0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        all.push(step(name, cdb, Give::None));
    }
}

/// Third-party copies: what can be asked, and lists that are wrong.
fn copy(all: &mut Vec<Step>) {
    for action in [0, 3, 4, 5, 7, 8, 0x1f] {
        all.push(step("RECEIVE COPY", &cdb16(0x84, action, 0x0101_0101 << 32, 256), Give::In(256)));
    }
    for action in [0, 1, 0x10, 0x11] {
        for len in [0, 8, 16, 40] {
            all.push(step("EXTENDED COPY", &cdb16(0x83, action, 0, len as u32), Give::Out(vec![0; len])));
        }
    }
    all.push(step("COPY OPERATION ABORT", &cdb16(0x83, 0x1c, 0, 0), Give::None));
}

/// Each operation code that there is none of, and one with NACA.
fn unknown(all: &mut Vec<Step>) {
    let known = |opcode: u8| !wire::scsi::rows(opcode).is_empty();
    for opcode in (0..=0xff).filter(|opcode| !known(*opcode)) {
        // Variable length CDBs are not for 16 bytes.
        if opcode != 0x7f && opcode != 0x7e {
            all.push(step("no command", &[&[opcode][..], &[0; 15]].concat(), Give::None));
        }
    }
    all.push(step("NACA", &[0, 0, 0, 0, 0, 4], Give::None));
}
