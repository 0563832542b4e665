//! Verification, discovery and load against a small target that does wrong on purpose.

mod common;

use common::target::{BLOCK, BLOCKS, Deed, Hook, NQN, Store, start};
use host::verify::{Job, Report, State, Verdict, run};
use host::{Address, Options, Place, VolumeAddress};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn controller(socket: SocketAddr) -> Address {
    Address { place: Place::Tcp(socket), nqn: NQN.to_owned() }
}

fn address(socket: SocketAddr) -> VolumeAddress {
    VolumeAddress::Nvme(controller(socket))
}

fn job() -> Job {
    Job {
        time: Duration::from_millis(300),
        depth: 4,
        queues: 1,
        io_bytes: 1024,
        reads: 40,
        size: 1 << 20,
        flush_every: 10,
        nsid: 1,
        seed: 3,
        reconnect: Duration::from_secs(5),
        sweep: true,
        state: State::None,
    }
}

fn verify(socket: SocketAddr, job: &Job) -> Report {
    run(&address(socket), &Options::default(), job, &mut |_| {}).unwrap()
}

fn honest() -> Hook {
    Box::new(|_, _| Deed::Write)
}

/// Does the deed to one write, after some of them were done right.
fn once(after: u32, deed: impl Fn(u64, &mut Vec<u8>) -> Deed + Send + 'static) -> Hook {
    let mut count = 0;
    Box::new(move |lba, data| {
        count += 1;
        if count == after { deed(lba, data) } else { Deed::Write }
    })
}

/// A run that ends with a plant: the same blocks are read again, none is written after it.
fn planted(plant: impl FnOnce(&mut Store)) -> Report {
    let (socket, store) = start(honest());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let first = verify(socket, &Job { state: State::New(path.clone()), ..job() });
    assert!(first.is_good() && first.blocks_written == BLOCKS, "{first:?}");
    let good = verify(socket, &Job { state: State::Check(path.clone()), ..job() });
    assert!(good.is_good() && good.blocks_checked == BLOCKS && good.writes == 0, "{good:?}");
    plant(&mut store.lock().unwrap());
    verify(socket, &Job { state: State::Check(path), ..job() })
}

fn only(report: &Report) -> (u64, &Verdict) {
    assert_eq!((report.is_good(), report.findings.len()), (false, 1), "{report:?}");
    (report.findings[0].lba, &report.findings[0].verdict)
}

#[test]
fn a_good_target_is_found_good() {
    let (socket, _) = start(honest());
    let report = verify(socket, &Job { io_bytes: 8192, queues: 2, ..job() });
    assert!(report.is_good() && report.reconnects == 0, "{report:?}");
    assert!(report.writes > 20 && report.reads > 20 && report.flushes > 1, "{report:?}");
    let mut options = Options::default();
    (options.link.hdgst, options.link.ddgst, options.link.hpda) = (true, true, 3);
    let report = run(&address(socket), &options, &job(), &mut |_| {}).unwrap();
    assert!(report.is_good(), "{report:?}");
}

#[test]
fn lost_blocks_are_found() {
    let report = planted(|s| s.disk[7 * BLOCK..8 * BLOCK].fill(0));
    assert!(matches!(only(&report), (7, Verdict::Lost { instead: "zeroes", .. })), "{report:?}");
}

#[test]
fn misplaced_blocks_are_found() {
    let report = planted(|s| s.disk.copy_within(20 * BLOCK..21 * BLOCK, 30 * BLOCK));
    assert!(matches!(only(&report), (30, Verdict::Misplaced { belongs_to: 20, .. })), "{report:?}");
}

#[test]
fn corrupt_blocks_are_found() {
    let report = planted(|s| s.disk[200 * BLOCK + 77] ^= 0x10);
    assert!(matches!(only(&report), (200, Verdict::Corrupt { at: 77, bytes: 1, .. })), "{report:?}");
}

#[test]
fn a_forgotten_write_is_stale() {
    let (socket, _) = start(once(600, |_, _| Deed::Forget));
    let report = verify(socket, &Job { reads: 0, time: Duration::from_millis(800), ..job() });
    // Unless the block was written once more after it, both blocks of the command are stale (or lost, if it was their first write).
    assert!(report.writes > 600, "{report:?}");
    let mut last = (0, 0);
    let (socket, store) = start(Box::new(move |lba, _| {
        last.1 += 1;
        if last.1 > 50 && lba == 40 { Deed::Forget } else { Deed::Write }
    }));
    let report = verify(socket, &job());
    let found = report.wrong.get("stale").copied().unwrap_or(0) + report.wrong.get("lost").copied().unwrap_or(0);
    assert!(found > 0 && report.findings.iter().all(|f| f.lba / 2 == 20), "{report:?}");
    drop(store);
}

#[test]
fn a_half_done_write_is_torn() {
    let mut count = 0;
    let (socket, _) = start(Box::new(move |lba, _| {
        count += 1;
        if count > 50 && lba == 40 { Deed::Tear(256) } else { Deed::Write }
    }));
    let report = verify(socket, &job());
    assert!(
        report.findings.iter().any(|f| f.lba == 40 && matches!(f.verdict, Verdict::Torn { at: 256, .. })),
        "{report:?}"
    );
    assert!(report.findings.iter().all(|f| f.lba / 2 == 20), "{report:?}");
}

#[test]
fn a_write_to_the_wrong_place_is_found() {
    let (socket, _) = start(Box::new(|lba, _| if lba == 40 { Deed::Elsewhere(60) } else { Deed::Write }));
    let report = verify(socket, &job());
    assert!(
        report.findings.iter().any(|f| f.lba == 60 && matches!(f.verdict, Verdict::Misplaced { belongs_to: 40, .. })),
        "{report:?}"
    );
}

#[test]
fn lost_connections_are_survived_and_unacknowledged_writes_may_be_either() {
    let mut count = 0;
    let (socket, store) = start(Box::new(move |_, _| {
        count += 1;
        match count % 40 {
            17 => Deed::Hang,
            31 => Deed::Drop,
            _ => Deed::Write,
        }
    }));
    let report = verify(socket, &job());
    assert!(report.is_good() && report.reconnects >= 2, "{report:?}");
    assert!(store.lock().unwrap().connects as u64 >= 2 + 2 * u64::from(report.reconnects));
}

#[test]
fn without_patience_a_lost_connection_is_an_error() {
    let (socket, _) = start(once(20, |_, _| Deed::Drop));
    let job = Job { reconnect: Duration::ZERO, ..job() };
    let error = run(&address(socket), &Options::default(), &job, &mut |_| {}).unwrap_err();
    assert!(error.is_connection(), "{error}");
}

#[test]
fn a_run_goes_on_from_its_file() {
    let (socket, _) = start(honest());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let first = verify(socket, &Job { state: State::New(path.clone()), ..job() });
    let second = verify(socket, &Job { state: State::Resume(path.clone()), ..job() });
    assert!(second.is_good() && second.run == first.run && second.writes > 0, "{second:?}");
    assert!(verify(socket, &Job { state: State::Check(path), ..job() }).is_good());
}

fn discovery(store: &Arc<Mutex<Store>>, changes: u32, records: usize) {
    let mut store = store.lock().unwrap();
    (store.changes, store.records) = (changes, records);
}

#[test]
fn the_discovery_log_is_of_one_generation() {
    let (socket, store) = start(honest());
    for (changes, records) in [(0, 0), (0, 3), (3, 20)] {
        discovery(&store, changes, records);
        let log = host::discovery::discover(&controller(socket), &Options::default()).unwrap();
        assert_eq!(log.records.len(), records);
        assert_eq!(log.genctr, store.lock().unwrap().genctr);
        assert!(log.records.iter().all(|r| r.trtype == "tcp" && r.subnqn.starts_with(NQN)));
    }
    discovery(&store, 1000, 2);
    let error = host::discovery::discover(&controller(socket), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
}

#[test]
fn a_load_is_measured() {
    use host::perf::{Job, Workload};
    let (socket, _) = start(honest());
    let job = Job {
        workload: Workload::RandRw,
        mix: 50,
        depth: 4,
        queues: 2,
        io_bytes: 1024,
        time: Duration::from_millis(200),
        warmup: Duration::from_millis(20),
        threads: 2,
        core: None,
        nsid: 1,
        seed: 1,
    };
    let report = host::perf::run(&address(socket), &Options::default(), &job, &mut |_, _, _| {}).unwrap();
    assert!(report.ios > 0 && report.iops > 0.0 && report.connect_us.len() == 2, "{report:?}");
    assert!(report.latency_us.p50 <= report.latency_us.p99 && report.latency_us.max > 0.0);
    assert!(report.read_latency_us.is_some() && report.write_latency_us.is_some());
    let error =
        host::perf::run(&address(socket), &Options::default(), &Job { io_bytes: 1000, ..job }, &mut |_, _, _| {})
            .unwrap_err();
    assert!(error.to_string().contains("512 byte blocks"), "{error}");
}
