//! What is kept: its form, and that no stop in between loses what was acknowledged.

use super::kind::{Held, ItNexus, Kind, Registrant};
use super::record;
use super::store::{Step, Store};
use super::table::Table;
use crate::{IscsiName, PortName};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use uuid::Uuid;

const VOLUME: Uuid = Uuid::from_u128(0x0fa1_b6a2_2f3c_4d7e_9a53_2f2e_9a1d_3c4b);

fn nexus(n: u64) -> ItNexus {
    let name = IscsiName::new("iqn.1993-08.org.debian:01:ab").unwrap();
    let (initiator, target) = if n.is_multiple_of(2) {
        (PortName::Fc { wwnn: 1, wwpn: n }, PortName::Fc { wwnn: 2, wwpn: 3 })
    } else {
        (PortName::Iscsi { name, isid: [0x40, 0, 0, 0, 0, n as u8] }, PortName::IscsiTarget { name, group: 1 })
    };
    ItNexus { initiator, target, relative: n as u16 }
}

fn table(keys: u64) -> Table {
    let registrants = (1..=keys).map(|n| Registrant { nexus: nexus(n), key: n << 40 | n }).collect();
    let held = Some(Held { kind: Kind::ExclusiveAccessRegistrants, by: nexus(1) });
    Table { generation: 7, registrants, held, aptpl: true }
}

fn same(a: &Table, b: &Table) -> bool {
    let entries = |table: &Table| {
        let all = table.registrants.iter().map(|known| (known.nexus.initiator, known.nexus.target, known.key));
        all.collect::<Vec<_>>()
    };
    let held = |table: &Table| table.held.map(|held| (held.kind, held.by.initiator, held.by.target));
    entries(a) == entries(b) && held(a) == held(b)
}

/// A directory of its own for a test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("qfc-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_table_survives_its_bytes() {
    for keys in [1, 2, 200] {
        let read = record::read(VOLUME, &record::write(VOLUME, &table(keys))).unwrap();
        assert!(same(&read, &table(keys)) && read.aptpl && read.generation == 0);
    }
    let free = Table { held: None, ..table(2) };
    assert!(record::read(VOLUME, &record::write(VOLUME, &free)).unwrap().held.is_none());
}

#[test]
fn no_damage_passes_for_a_table() {
    let bytes = record::write(VOLUME, &table(2));
    for len in 0..bytes.len() {
        assert!(record::read(VOLUME, &bytes[..len]).is_err(), "cut after {len}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x01;
        assert!(record::read(VOLUME, &damaged).is_err(), "bit 0 of byte {at}");
    }
    assert!(record::read(Uuid::from_u128(1), &bytes).unwrap_err().contains("of volume"));
    assert!(record::read(VOLUME, b"SPDK\n{}").unwrap_err().contains("another program"));
}

#[test]
fn a_stop_after_any_step_leaves_the_old_or_the_new() {
    let steps = [Step::Created, Step::HalfWritten, Step::Written, Step::Synced, Step::Renamed, Step::DirectorySynced];
    for before in [None, Some(table(2))] {
        for stop in steps {
            let place = Place::new("steps");
            let store = Store::new(&place.0);
            store.keep(VOLUME, before.as_ref()).unwrap();
            let mut stopping = |step| if step == stop { Err(io::Error::from(ErrorKind::Interrupted)) } else { Ok(()) };
            assert!(store.keep_in_steps(VOLUME, Some(&table(5)), &mut stopping).is_err());
            let found = store.load(VOLUME).unwrap();
            let is_new = found.as_ref().is_some_and(|found| same(found, &table(5)));
            let is_old = match (&found, &before) {
                (None, None) => true,
                (Some(found), Some(before)) => same(found, before),
                _ => false,
            };
            assert!(if matches!(stop, Step::Renamed | Step::DirectorySynced) { is_new } else { is_old }, "{stop:?}");
            store.keep(VOLUME, Some(&table(3))).unwrap();
            assert!(same(&store.load(VOLUME).unwrap().unwrap(), &table(3)), "what was left over is no hindrance");
        }
    }
}

#[test]
fn what_is_broken_is_told_with_its_file_and_what_to_do() {
    let place = Place::new("broken");
    let store = Store::new(&place.0);
    store.keep(VOLUME, Some(&table(1))).unwrap();
    std::fs::write(store.file(VOLUME), "nonsense").unwrap();
    let text = store.load(VOLUME).unwrap_err().text;
    assert!(text.contains(&store.file(VOLUME).display().to_string()) && text.contains("remove the file"), "{text}");
    store.keep(VOLUME, None).unwrap();
    assert!(store.load(VOLUME).unwrap().is_none() && store.keep(VOLUME, None).is_ok());
}

/// In a child process: keeps one table after the other, and says so on standard output after each.
#[test]
#[ignore = "the child of the next test"]
fn child_that_keeps_until_it_is_killed() {
    let Some(directory) = std::env::var_os("QFC_TEST_STATE") else { return };
    let store = Store::new(directory.as_ref());
    for keys in 1.. {
        store.keep(VOLUME, Some(&table(keys % 64 + 1))).unwrap();
        println!("\nkept {}", keys % 64 + 1);
    }
}

#[test]
fn a_kill_at_any_time_loses_nothing_that_was_acknowledged() {
    use std::io::{BufRead, BufReader};
    for round in 0..8 {
        let place = Place::new("kill");
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "shared::reservations::tests::child_that_keeps_until_it_is_killed",
            ])
            .env("QFC_TEST_STATE", &place.0)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let kept = |line: io::Result<String>| line.ok()?.strip_prefix("kept ")?.parse::<usize>().ok();
        let first = lines.by_ref().find_map(kept).expect("the child keeps");
        std::thread::sleep(std::time::Duration::from_micros(700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = lines.filter_map(kept).last().unwrap_or(first);
        let found = Store::new(&place.0).load(VOLUME).unwrap().expect("one was acknowledged").registrants.len();
        assert!(found == acknowledged || found == acknowledged % 64 + 1, "{found} is there, {acknowledged} was said");
    }
}
