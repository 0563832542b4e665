//! COMPARE AND WRITE and ORWRITE against each other and against writes, on two homes.

use crate::compare::{compare_and_write, or_write};
use crate::rig::*;
use bdev::{Op, Random};

/// Two homes with a nexus on each: 0 on home 0, 1 on home 1.
fn two() -> Rig {
    let mut rig = Rig::homes(2);
    for home in 0..2 {
        rig.open(home, home as u32);
        rig.calm(home, home as u32, 0);
    }
    rig.disk(1).ops();
    rig
}

fn tell(rig: &mut Rig, home: usize, cdb: &[u8], data: Vec<u8>) -> u32 {
    let task = rig.task(home as u32, 0, cdb);
    rig.start(home, Task { data_out: data.len() as u32, ..task }, data)
}

fn swap(old: u8, new: u8) -> Vec<u8> {
    [[old; 512], [new; 512]].concat()
}

fn first_byte(rig: &Rig, block: usize) -> u8 {
    rig.disk(1).bytes.lock().unwrap()[block * 512]
}

const READ: Op = Op::Read { block: 3, blocks: 1 };

#[test]
fn a_write_waits_for_the_end_of_who_excludes_it_and_others_do_not() {
    for writer in 0..2 {
        let mut rig = two();
        rig.disk(1).hold(true);
        let holder = tell(&mut rig, 0, &compare_and_write(3, 1), swap(0, 1));
        assert_eq!(rig.disk(1).ops(), [READ]);
        let waits = tell(&mut rig, writer, &write10(2, 2), vec![9; 1024]);
        let beside = tell(&mut rig, writer, &write10(4, 1), vec![8; 512]);
        assert_eq!(rig.disk(1).ops(), [Op::Write { block: 4, blocks: 1, fua: false }]);
        rig.disk(1).hold(false);
        rig.run();
        rig.ended(0, holder).expect("it ended").good();
        for id in [waits, beside] {
            rig.ended(writer, id).expect("it ended").good();
        }
        assert_eq!((first_byte(&rig, 2), first_byte(&rig, 3), first_byte(&rig, 4)), (9, 9, 8));
        rig.check_quiet();
    }
}

#[test]
fn who_excludes_waits_for_writes_that_are_at_the_device() {
    for writer in 0..2 {
        let mut rig = two();
        rig.disk(1).hold(true);
        let write = tell(&mut rig, writer, &write10(3, 1), vec![7; 512]);
        rig.disk(1).ops();
        let other = tell(&mut rig, 0, &compare_and_write(3, 1), swap(7, 8));
        assert_eq!(rig.disk(1).ops(), [], "home {writer} has a write there");
        rig.disk(1).hold(false);
        rig.run();
        rig.ended(writer, write).expect("it ended").good();
        rig.ended(0, other).expect("it ended").good();
        assert_eq!(first_byte(&rig, 3), 8);
        rig.check_quiet();
    }
}

#[test]
fn a_slow_peer_holds_up_nobody() {
    let mut rig = two();
    rig.cores[1].port_mut().holds_fetches = true;
    let slow = tell(&mut rig, 1, &write10(3, 1), vec![7; 512]);
    let slower = tell(&mut rig, 1, &compare_and_write(3, 1), swap(7, 9));
    rig.tell_lun(&compare_and_write(3, 1), &swap(0, 5)).good();
    rig.tell_lun(&write10(3, 1), &[6; 512]).good();
    rig.cores[1].port_mut().holds_fetches = false;
    rig.run();
    rig.ended(1, slow).expect("it ended").good();
    rig.ended(1, slower).expect("it ended").good();
    assert_eq!(first_byte(&rig, 3), 9);
    rig.check_quiet();
}

#[test]
fn all_that_write_wait() {
    let mut same = vec![0x93, 0];
    same.extend(3u64.to_be_bytes());
    same.extend([0, 0, 0, 2, 0, 0]);
    let unmap = vec![0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let list = [&[0, 22, 0, 16, 0, 0, 0, 0][..], &3u64.to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 0]].concat();
    let verified = [&[0x2e, 2, 0, 0, 0, 3, 0, 0, 1, 0][..]].concat();
    let commands = [
        (write10(3, 1), vec![4; 512]),
        (same, vec![4; 512]),
        (unmap, list),
        (verified, vec![4; 512]),
        (compare_and_write(3, 1), swap(1, 4)),
        (or_write(3, 1), vec![4; 512]),
    ];
    for (cdb, data) in commands {
        let mut rig = two();
        rig.disk(1).hold(true);
        let holder = tell(&mut rig, 0, &compare_and_write(3, 1), swap(0, 1));
        rig.disk(1).ops();
        let waits = tell(&mut rig, 1, &cdb, data);
        assert_eq!(rig.disk(1).ops(), [], "{:#x}", cdb[0]);
        rig.disk(1).hold(false);
        rig.run();
        rig.ended(0, holder).expect("it ended").good();
        rig.ended(1, waits).expect("it ended").good();
        assert!([0, 4, 5].contains(&first_byte(&rig, 3)), "{:#x}", cdb[0]);
        rig.check_quiet();
    }
}

/// Nexuses go away, and tasks are aborted, in each place of the queue; the others go on.
#[test]
fn who_is_aborted_leaves_the_queue() {
    for victim in 0..4 {
        for lost in [false, true] {
            let mut rig = two();
            for (home, queue) in [(0, 2), (1, 3)] {
                rig.open(home, queue);
                rig.calm(home, queue, 0);
            }
            rig.disk(1).hold(true);
            let send = |rig: &mut Rig, home: usize, queue: u32, cdb: &[u8], data: Vec<u8>| {
                let task = rig.task(queue, 0, cdb);
                (home, queue, rig.start(home, Task { data_out: data.len() as u32, ..task }, data))
            };
            let all = [
                send(&mut rig, 0, 0, &compare_and_write(3, 1), swap(0, 1)),
                send(&mut rig, 1, 1, &write10(3, 1), vec![9; 512]),
                send(&mut rig, 0, 2, &or_write(3, 2), vec![0x80; 1024]),
                send(&mut rig, 1, 3, &write10(4, 1), vec![3; 512]),
            ];
            let (home, queue, id) = all[victim];
            if lost {
                rig.cores[home].port_mut().lose(queue);
            } else {
                rig.manage(home, queue, 0, Management::AbortTask { id });
            }
            rig.run();
            rig.disk(1).hold(false);
            rig.run();
            let first = first_byte(&rig, 3);
            for (home, _, id) in all.into_iter().filter(|(_, _, other)| *other != id) {
                rig.ended(home, id).expect("the others end").good();
            }
            let home = usize::from(home == 0);
            let last = tell(&mut rig, home, &compare_and_write(3, 1), swap(first, 77));
            rig.ended(home, last).expect("nobody is left in its way").good();
            rig.check_quiet();
        }
    }
}

/// Counters that two homes raise by COMPARE AND WRITE lose nothing, whatever the order of turns.
#[test]
fn no_update_is_lost() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut rig = two();
        let (mut raised, mut pending) = (0u64, Vec::new());
        for _ in 0..400 {
            match random.below(6) {
                0 | 1 if pending.len() < 8 => {
                    let home = random.below(2) as usize;
                    let bytes = rig.disk(1).bytes.lock().unwrap()[3 * 512..4 * 512].to_vec();
                    let count = u64::from_le_bytes(bytes[..8].try_into().unwrap());
                    let mut new = bytes.clone();
                    new[..8].copy_from_slice(&(count + 1).to_le_bytes());
                    let data = [bytes, new].concat();
                    let task = rig.task(home as u32, 0, &compare_and_write(3, 1));
                    let task = Task { data_out: 1024, ..task };
                    rig.cores[home].port_mut().send_task(task, data);
                    pending.push((home, task.id));
                }
                2 => {
                    let on = random.below(2) == 0;
                    rig.disk(1).hold(on);
                }
                home => {
                    rig.now += 1000;
                    let now = rig.now;
                    rig.cores[home as usize % 2].poll(now);
                }
            }
            pending.retain(|(home, id)| {
                let Some(ended) = rig.ended(*home, *id) else { return true };
                match ended.told() {
                    (0, 0, 0) => raised += 1,
                    told => assert_eq!(told, (2, 0xe, 0x1d00)),
                }
                false
            });
        }
        rig.disk(1).hold(false);
        rig.run();
        for (home, id) in pending {
            raised += u64::from(rig.ended(home, id).expect("it ended").told() == (0, 0, 0));
        }
        let count = u64::from_le_bytes(rig.disk(1).bytes.lock().unwrap()[3 * 512..][..8].try_into().unwrap());
        assert_eq!(count, raised, "seed {seed}");
        rig.check_quiet();
    }
}
