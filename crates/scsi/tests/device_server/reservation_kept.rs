//! Reservations that outlive the process (APTPL): on the medium before they are answered, there again afterwards.

use crate::reservation_rig::*;
use crate::rig::*;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A directory of its own for a test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("qfc-kept-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        Self(place)
    }

    fn files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.0).map_or_else(|_| Vec::new(), |all| all.map(|file| file.unwrap().path()).collect())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The process starts, with what was kept in that directory.
fn start(place: &Path, count: usize) -> Hosts {
    let mut rig = Rig::empty(count);
    rig.device.keep_state_in(place).unwrap();
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    Hosts::on(rig, count)
}

/// A PERSISTENT RESERVE OUT that the keeper serves.
fn out(hosts: &mut Hosts, n: usize, action: u8, kind: u8, key: u64, new: u64, flags: u8) -> Told {
    let id = hosts.start(n, &[0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0], 0, &list(key, new, flags));
    await_it(hosts, n, id)
}

fn await_it(hosts: &mut Hosts, n: usize, id: u32) -> Told {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        hosts.rig.run();
        match hosts.rig.ended(n, id) {
            Some(ended) => return ended.told(),
            None => assert!(Instant::now() < until, "the keeper does not answer"),
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_restart_keeps_it() {
    let place = Place::new("restart");
    let mut hosts = start(&place.0, 3);
    assert_eq!(hosts.pr_in(0, 2)[2..4], [0x1d, 0x80]);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, key(0), APTPL), GOOD);
    assert_eq!(out(&mut hosts, 1, REGISTER, 0, 0, key(1), APTPL), GOOD);
    assert_eq!(out(&mut hosts, 0, RESERVE, 6, key(0), 0, 0), GOOD);
    assert_eq!(hosts.pr_in(0, 2)[2..4], [0x1d, 0x81]);
    drop(hosts);
    let mut hosts = start(&place.0, 3);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(0), 6)), vec![key(0), key(1)]));
    assert_eq!(hosts.generation(), 0, "it counts from power on");
    let read = read10(0, 1);
    assert_eq!((hosts.told(0, &read), hosts.told(1, &read), hosts.told(2, &read)), (GOOD, GOOD, CONFLICT));
    // A fence, and it is kept without being asked for again.
    assert_eq!(out(&mut hosts, 1, PREEMPT, 6, key(1), key(0), 0), GOOD);
    drop(hosts);
    let mut hosts = start(&place.0, 3);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(1), 6)), vec![key(1)]));
    assert_eq!((hosts.told(0, &read), hosts.told(1, &read)), (CONFLICT, GOOD));
}

#[test]
fn what_is_not_to_be_kept_is_not_there_any_more() {
    let place = Place::new("forget");
    let mut hosts = start(&place.0, 2);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, key(0), APTPL), GOOD);
    assert_eq!(place.files().len(), 1);
    assert_eq!(out(&mut hosts, 1, REGISTER, 0, 0, key(1), 0), GOOD, "the last registration counts");
    assert_eq!((place.files().len(), hosts.pr_in(0, 2)[3]), (0, 0x80));
    drop(hosts);
    let mut hosts = start(&place.0, 2);
    assert_eq!(hosts.keys(), [0; 0]);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, key(0), APTPL), GOOD);
    assert_eq!(out(&mut hosts, 0, CLEAR, 0, key(0), 0, 0), GOOD);
    assert_eq!(place.files().len(), 0, "there is nothing to keep");
}

#[test]
fn refusals_are_as_without_a_keeper() {
    let place = Place::new("refuse");
    let mut hosts = start(&place.0, 2);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 5, key(0), APTPL), CONFLICT);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, key(0), APTPL), GOOD);
    assert_eq!(out(&mut hosts, 1, CLEAR, 0, key(0), 0, 0), CONFLICT);
    assert_eq!(out(&mut hosts, 0, RELEASE, 3, key(0), 0, 0), GOOD);
    assert_eq!(out(&mut hosts, 0, RESERVE, 1, key(0), 0, 0), GOOD);
    assert_eq!(out(&mut hosts, 0, RELEASE, 3, key(0), 0, 0), illegal(0x2604));
}

#[test]
fn requests_are_served_in_the_order_in_which_they_came() {
    let place = Place::new("order");
    let mut hosts = start(&place.0, 2);
    let register = |hosts: &mut Hosts, n: usize, old: u64, new: u64| {
        hosts.start(n, &[0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 24, 0], 0, &list(old, new, APTPL))
    };
    let first = register(&mut hosts, 0, 0, 1);
    let more: Vec<u32> = (1..10).map(|old| register(&mut hosts, 0, old, old + 1)).collect();
    assert_eq!(await_it(&mut hosts, 0, first), GOOD);
    assert!(more.into_iter().all(|id| await_it(&mut hosts, 0, id) == GOOD));
    assert_eq!((hosts.keys(), hosts.generation()), (vec![10], 10));
}

#[test]
fn a_directory_that_cannot_be_written_refuses_and_changes_nothing() {
    let place = Place::new("unwritable");
    std::fs::write(&place.0, "a file where the directory should be").unwrap();
    let mut rig = Rig::empty(1);
    rig.add_disk(FEATURES);
    rig.device.keep_state_in(&place.0.join("state")).unwrap();
    rig.put_node(node(vec![map(&[(0, 1)])]));
    let mut hosts = Hosts::on(rig, 1);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, 7, APTPL), illegal(0x5504));
    assert_eq!((hosts.keys(), hosts.generation()), (vec![], 0));
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, 7, 0), GOOD, "without power loss it is no matter");
    let _ = std::fs::remove_file(&place.0);
}

#[test]
fn a_damaged_file_makes_the_disk_not_ready() {
    let place = Place::new("damaged");
    let mut hosts = start(&place.0, 1);
    assert_eq!(out(&mut hosts, 0, REGISTER, 0, 0, key(0), APTPL), GOOD);
    drop(hosts);
    let file = place.files().remove(0);
    let whole = std::fs::read(&file).unwrap();
    let damages = [whole[..whole.len() - 1].to_vec(), vec![], b"something else\n".to_vec(), {
        let mut bytes = whole.clone();
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    }];
    const NOT_READY: Told = (2, 2, 0x0403);
    for damaged in damages {
        std::fs::write(&file, damaged).unwrap();
        let mut rig = Rig::empty(1);
        rig.device.keep_state_in(&place.0).unwrap();
        rig.add_disk(FEATURES);
        rig.put_node(node(vec![map(&[(0, 1)])]));
        rig.open(0, 0);
        let mut told = Vec::new();
        let asks: [&[u8]; 5] =
            [&[0; 6], &[0; 6], &read10(0, 1), &[0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0], &[0x12, 0, 0, 0, 36, 0]];
        for cdb in asks {
            told.push(rig.ask_lun(cdb, 512).told());
        }
        assert_eq!(told, [(2, 6, 0x2900), NOT_READY, NOT_READY, NOT_READY, GOOD]);
        let register = rig.tell_lun(&[0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0], &list(0, 1, 0));
        assert_eq!(register.told(), NOT_READY);
    }
    std::fs::write(&file, whole).unwrap();
    assert_eq!(start(&place.0, 1).keys(), [key(0)], "a good copy put back");
}
