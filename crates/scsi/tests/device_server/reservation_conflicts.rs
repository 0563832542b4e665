//! Which command conflicts with which reservation: each type, each class of command, who holds it, who is registered, who is
//! neither (SPC-4 tables 66 and 67, SBC-3 table 13).

use crate::reservation_rig::*;
use crate::rig::*;

/// What a command needs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    Nothing,
    Reading,
    Writing,
}
use Needs::*;

/// A CDB with its parameter list. None has an effect that outlives it, but writes of what is there.
fn commands() -> Vec<(&'static str, Needs, Vec<u8>, Vec<u8>)> {
    let sixteen = |opcode: u8, action: u8, blocks: u8| {
        let mut cdb = vec![0; 16];
        (cdb[0], cdb[1], cdb[13]) = (opcode, action, blocks);
        cdb
    };
    let block = vec![0; 512];
    let mut compare = sixteen(0x89, 0, 1);
    compare[13] = 1;
    let mut unmap = vec![0; 24];
    (unmap[1], unmap[3]) = (22, 16);
    vec![
        ("TEST UNIT READY", Nothing, vec![0; 6], vec![]),
        ("REQUEST SENSE", Nothing, vec![3, 0, 0, 0, 18, 0], vec![]),
        ("INQUIRY", Nothing, vec![0x12, 0, 0, 0, 36, 0], vec![]),
        ("REPORT LUNS", Nothing, vec![0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], vec![]),
        ("MODE SENSE(6)", Nothing, vec![0x1a, 0, 0x3f, 0, 4, 0], vec![]),
        ("MODE SENSE(10)", Nothing, vec![0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 8, 0], vec![]),
        ("LOG SENSE", Nothing, vec![0x4d, 0, 0x40, 0, 0, 0, 0, 0, 8, 0], vec![]),
        ("READ CAPACITY(10)", Nothing, vec![0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![]),
        ("READ CAPACITY(16)", Nothing, sixteen(0x9e, 0x10, 32), vec![]),
        ("REPORT TARGET PORT GROUPS", Nothing, vec![0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], vec![]),
        ("REPORT SUPPORTED OPERATION CODES", Nothing, vec![0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], vec![]),
        ("REPORT TIMESTAMP", Nothing, vec![0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0], vec![]),
        ("PERSISTENT RESERVE IN", Nothing, vec![0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0], vec![]),
        ("START STOP UNIT, start", Nothing, vec![0x1b, 0, 0, 0, 1, 0], vec![]),
        ("PREVENT ALLOW, allow", Nothing, vec![0x1e, 0, 0, 0, 0, 0], vec![]),
        ("READ(6)", Reading, vec![8, 0, 0, 0, 1, 0], vec![]),
        ("READ(10)", Reading, read10(0, 1), vec![]),
        ("READ(12)", Reading, vec![0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], vec![]),
        ("READ(16)", Reading, sixteen(0x88, 0, 1), vec![]),
        ("VERIFY(10)", Reading, vec![0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0], vec![]),
        ("PRE-FETCH(10)", Reading, vec![0x34, 0, 0, 0, 0, 0, 0, 0, 1, 0], vec![]),
        ("READ DEFECT DATA(10)", Reading, vec![0x37, 0, 0, 0, 0, 0, 0, 0, 4, 0], vec![]),
        ("RECEIVE DIAGNOSTIC RESULTS", Reading, vec![0x1c, 1, 0, 0, 8, 0], vec![]),
        ("WRITE(6)", Writing, vec![10, 0, 0, 0, 1, 0], block.clone()),
        ("WRITE(10)", Writing, write10(0, 1), block.clone()),
        ("WRITE(16)", Writing, sixteen(0x8a, 0, 1), block.clone()),
        ("WRITE AND VERIFY(10)", Writing, vec![0x2e, 0, 0, 0, 0, 0, 0, 0, 1, 0], block.clone()),
        ("COMPARE AND WRITE", Writing, compare, [block.clone(), block.clone()].concat()),
        ("ORWRITE(16)", Writing, sixteen(0x8b, 0, 1), block.clone()),
        ("WRITE SAME(16)", Writing, sixteen(0x93, 0, 1), block.clone()),
        ("UNMAP", Writing, vec![0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], unmap),
        ("SYNCHRONIZE CACHE(10)", Writing, vec![0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![]),
        ("SEND DIAGNOSTIC", Writing, vec![0x1d, 4, 0, 0, 0, 0], vec![]),
    ]
}

/// Those whose good end would disturb others, or needs more than this rig has: that they conflict is all that is looked at.
fn only_conflicts() -> Vec<(&'static str, Needs, Vec<u8>)> {
    let long = |opcode: u8, action: u8| {
        let mut cdb = vec![0; 16];
        (cdb[0], cdb[1], cdb[13]) = (opcode, action, 16);
        cdb
    };
    vec![
        ("GET LBA STATUS", Reading, long(0x9e, 0x12)),
        ("POPULATE TOKEN", Reading, long(0x83, 0x10)),
        ("EXTENDED COPY(LID1)", Writing, long(0x83, 0)),
        ("EXTENDED COPY(LID4)", Writing, long(0x83, 1)),
        ("WRITE USING TOKEN", Writing, long(0x83, 0x11)),
        ("MODE SELECT(6)", Writing, vec![0x15, 0x10, 0, 0, 4, 0]),
        ("MODE SELECT(10)", Writing, vec![0x55, 0x10, 0, 0, 0, 0, 0, 0, 8, 0]),
        ("LOG SELECT", Writing, vec![0x4c, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("SET TARGET PORT GROUPS", Writing, vec![0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0]),
        ("SET TIMESTAMP", Writing, vec![0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0]),
        ("SANITIZE", Writing, vec![0x48, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("START STOP UNIT, stop", Writing, vec![0x1b, 0, 0, 0, 0, 0]),
        ("PREVENT ALLOW, prevent", Writing, vec![0x1e, 0, 0, 0, 1, 0]),
    ]
}

/// Whether a nexus that is neither holder nor let in as a registrant may.
fn is_let_in(kind: u8, needs: Needs) -> bool {
    match needs {
        Nothing => true,
        Reading => matches!(kind, 1 | 5 | 7),
        Writing => false,
    }
}

#[test]
fn every_command_and_every_type() {
    for kind in TYPES {
        let mut hosts = Hosts::new(3);
        hosts.register(0);
        hosts.register(1);
        assert_eq!(hosts.reserve(0, kind), GOOD);
        for (name, needs, cdb, sends) in commands() {
            let data_in = if sends.is_empty() { 512 } else { 0 };
            let mut told = |n| hosts.ask(n, &cdb, data_in, &sends).told();
            assert_eq!(told(0), GOOD, "type {kind}, {name}: the holder");
            let registered = if kind >= 5 || is_let_in(kind, needs) { GOOD } else { CONFLICT };
            assert_eq!(told(1), registered, "type {kind}, {name}: a registrant");
            let stranger = if is_let_in(kind, needs) { GOOD } else { CONFLICT };
            assert_eq!(told(2), stranger, "type {kind}, {name}: a stranger");
        }
        for (name, needs, cdb) in only_conflicts() {
            let mut is_kept_out = |n| hosts.told(n, &cdb) == CONFLICT;
            assert!(is_let_in(kind, needs) != is_kept_out(2), "type {kind}, {name}: a stranger");
            assert_eq!(is_kept_out(1), kind < 5 && !is_let_in(kind, needs), "type {kind}, {name}: a registrant");
        }
        hosts.rig.check_quiet();
    }
}

#[test]
fn persistent_reserve_out_by_table_67() {
    for kind in TYPES {
        let mut hosts = Hosts::new(3);
        hosts.register(0);
        hosts.register(1);
        assert_eq!(hosts.reserve(0, kind), GOOD);
        for action in [RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT] {
            assert_eq!(hosts.out(2, action, kind, 0, key(0), 0), CONFLICT, "type {kind}: not registered");
        }
        assert_eq!(hosts.release(1, kind), GOOD);
        hosts.calm_all();
        if kind >= 7 {
            assert_eq!(hosts.reserve(0, kind), GOOD, "a registrant released it");
        }
        assert_eq!(hosts.out(2, REGISTER, 0, 0, key(2), 0), GOOD, "anyone may register");
        assert_eq!(hosts.out(2, PREEMPT, kind, key(2), key(1), 0), GOOD);
    }
}

#[test]
fn a_core_learns_of_a_change_at_its_next_command() {
    let mut hosts = Hosts::new(2);
    hosts.register(0);
    for _ in 0..3 {
        assert_eq!(hosts.told(1, &read10(0, 1)), GOOD);
        assert_eq!(hosts.reserve(0, 3), GOOD);
        assert_eq!(hosts.told(1, &read10(0, 1)), CONFLICT);
        assert_eq!(hosts.release(0, 3), GOOD);
    }
}

#[test]
fn another_disk_is_not_concerned() {
    let mut rig = Rig::empty(2);
    rig.add_disk(FEATURES);
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    let mut hosts = Hosts::on(rig, 2);
    hosts.rig.calm(1, 1, 1);
    hosts.register(0);
    assert_eq!(hosts.reserve(0, 3), GOOD);
    let task = hosts.rig.task(1, 1, &read10(0, 1));
    hosts.rig.start(1, Task { data_in: 512, ..task }, Vec::new());
    hosts.rig.ended(1, task.id).expect("it ended").good();
}

/// Windows' cluster validation, as two nodes drive it: each registers, one reserves (Write Exclusive, Registrants Only), the
/// other is let in as a registrant, challenges, and takes over.
#[test]
fn what_a_cluster_validation_does() {
    let mut hosts = Hosts::new(3);
    for n in 0..2 {
        assert_eq!(hosts.out(n, REGISTER_AND_IGNORE, 0, 0, key(n), 0), GOOD);
    }
    assert_eq!(hosts.reserve(0, 5), GOOD);
    assert_eq!((hosts.told(1, &read10(0, 1)), hosts.ask(1, &write10(0, 1), 0, &[0; 512]).told()), (GOOD, GOOD));
    assert_eq!((hosts.told(2, &read10(0, 1)), hosts.ask(2, &write10(0, 1), 0, &[0; 512]).told()), (GOOD, CONFLICT));
    // The defender registers again and again; the challenger sees its key and finds it alive.
    assert_eq!(hosts.out(0, REGISTER_AND_IGNORE, 0, 0, key(0), 0), GOOD);
    assert_eq!(hosts.reserve(1, 5), CONFLICT);
    assert_eq!(hosts.reservation(), Some((key(0), 5)));
    // The defender is gone: the challenger preempts it, and the old owner is out until it registers again.
    assert_eq!(hosts.out(1, PREEMPT, 5, key(1), key(0), 0), GOOD);
    assert_eq!(hosts.calm(0), [REGISTRATIONS_PREEMPTED]);
    assert_eq!(hosts.ask(0, &write10(0, 1), 0, &[0; 512]).told(), CONFLICT);
    assert_eq!(hosts.out(0, REGISTER, 0, key(0), key(0), 0), CONFLICT);
    assert_eq!(hosts.out(0, REGISTER_AND_IGNORE, 0, 0, key(0), 0), GOOD);
    assert_eq!(hosts.ask(0, &write10(0, 1), 0, &[0; 512]).told(), GOOD);
    assert_eq!(hosts.out(1, CLEAR, 0, key(1), 0, 0), GOOD);
    assert_eq!((hosts.reservation(), hosts.keys()), (None, vec![]));
}
