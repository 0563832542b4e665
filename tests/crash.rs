//! What survives when the target is killed, and how it ends when it is asked to.

use host::Options;
use serde_json::json;
use std::time::{Duration, Instant};
use testbed::{Disk, NQN, Raw, Setup, Target, pattern};
use wire::nvm::Rw;
use wire::nvme::NvmOpcode;

const BLOCK: usize = 4096;
const BLOCKS: u64 = 512;

const CONF: &str = r#"
[Transport1]
  Type TCP

[URING]
  URING "@DIR@/volume.img" File0 4096

[Subsystem1]
  NQN nqn.2026-11.org.example:disk
  SN SN1
  AllowAnyHost Yes
  Listen TCP 127.0.0.1:@PORT@
  Namespace File0 1
"#;

fn with_file() -> Setup {
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt"));
    let file = std::fs::File::create(setup.dir().join("volume.img")).unwrap();
    file.set_len(BLOCKS * BLOCK as u64).unwrap();
    setup.conf(CONF)
}

/// What a host knows of a block: the last write that was acknowledged, and those after it that were not.
#[derive(Clone, Default)]
struct Known {
    acknowledged: u64,
    sent: Vec<u64>,
}

/// Writes at depth 16 until the target is gone; `kill` says when that is to happen.
fn write_until_it_dies(target: Target, known: &mut [Known], next: &mut u64, after: usize) -> usize {
    let mut controller = target.connect(NQN, &Options::default());
    let mut disk = Disk::open(&mut controller, 1, 1, 17, BLOCK as u32);
    let queue = disk.queue();
    let (mut flying, mut done) = (Vec::new(), 0);
    let mut target = Some(target);
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < Duration::from_secs(30), "{done} writes, and the connection lives on");
        while flying.len() < 16 && target.is_some() {
            let slot = queue.take().unwrap();
            *next += 1;
            let at = *next * 7 % BLOCKS;
            queue.buffer_mut(slot).copy_from_slice(&pattern(at << 32 | *next, BLOCK));
            queue.start(slot, Rw::sqe(NvmOpcode::WRITE, 1, at, 1, 0), host::Payload::Write(BLOCK as u32));
            known[at as usize].sent.push(*next);
            flying.push((slot, at, *next));
        }
        if done >= after
            && let Some(target) = target.take()
        {
            target.kill();
        }
        if queue.poll().is_err() {
            return done;
        }
        while let Some(over) = queue.next_done() {
            let index = flying.iter().position(|(slot, ..)| *slot == over.slot).unwrap();
            let (_, at, number) = flying.swap_remove(index);
            assert!(over.cqe.status().is_success(), "{:?}", over.cqe);
            let block = &mut known[at as usize];
            block.acknowledged = block.acknowledged.max(number);
            block.sent.retain(|&sent| sent > number);
            queue.give(over.slot);
            done += 1;
        }
    }
}

/// Each block holds its last acknowledged write or one sent after that; which one it is, it remains.
fn check(target: &Target, known: &mut [Known]) {
    let mut controller = target.connect(NQN, &Options::default());
    let mut disk = Disk::open(&mut controller, 1, 1, 4, BLOCK as u32);
    for (at, block) in known.iter_mut().enumerate() {
        let data = disk.read(at as u64, 1);
        let is = |number: u64| match number {
            0 => data.iter().all(|&byte| byte == 0),
            _ => data == pattern((at as u64) << 32 | number, BLOCK),
        };
        let possible = block.sent.iter().copied().chain([block.acknowledged]);
        let found = possible.into_iter().find(|&number| is(number));
        let Some(found) = found else {
            panic!("block {at}: lost write {}, sent after: {:?}", block.acknowledged, block.sent)
        };
        *block = Known { acknowledged: found, sent: Vec::new() };
    }
}

#[test]
fn no_acknowledged_write_is_lost_to_kill_9() {
    let setup = with_file();
    let mut known = vec![Known::default(); BLOCKS as usize];
    let (mut next, mut done) = (0, 0);
    for round in 0..4 {
        let target = setup.start();
        check(&target, &mut known);
        done += write_until_it_dies(target, &mut known, &mut next, 300 + 150 * round);
    }
    check(&setup.start(), &mut known);
    assert!(done >= 300, "{done} writes were acknowledged");
}

#[test]
fn sigterm_tells_the_hosts_and_ends_with_0() {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.ram_disk(512);
    let (mut admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let write = Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0);
    assert!(io.command(write, &[1; 512]).status().is_success());
    let socket = target.socket();
    target.signal("TERM");
    // Told: the connections are closed, not left to time out.
    io.fate();
    admin.fate();
    let (code, log) = target.end();
    assert_eq!(code, 0, "{log}");
    assert!(!socket.exists(), "the socket is removed");
    assert!(!log.contains("panicked"), "{log}");
}

/// A write that the device has is answered before the host is told of the end.
#[test]
fn sigterm_lets_commands_in_flight_finish() {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.tcp();
    target.malloc("Malloc0", 4, 512);
    let latency = 300_000;
    target.rpc(
        "bdev_delay_create",
        json!({ "name": "Slow0", "base_bdev_name": "Malloc0", "avg_read_latency": 0, "p99_read_latency": 0,
                "avg_write_latency": latency, "p99_write_latency": latency }),
    );
    target.subsystem(NQN, &["Slow0"]);
    let (_admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    let write = io.start(Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0), &[1; 512], 0);
    // The write is in the device once a read after it is answered.
    io.read(Rw::sqe(NvmOpcode::READ, 1, 8, 1, 0), 512);
    target.signal("TERM");
    assert!(io.answer(write).status().is_success());
    io.fate();
    let (code, log) = target.end();
    assert_eq!(code, 0, "{log}");
}

/// A device that hangs holds up the end for a moment only: its commands are given up, and the hosts told by the end of
/// their connections.
#[test]
fn sigterm_does_not_wait_for_a_device_that_hangs() {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).start();
    target.tcp();
    target.malloc("Malloc0", 4, 512);
    let latency = 60_000_000;
    target.rpc(
        "bdev_delay_create",
        json!({ "name": "Slow0", "base_bdev_name": "Malloc0", "avg_read_latency": 0, "p99_read_latency": 0,
                "avg_write_latency": latency, "p99_write_latency": latency }),
    );
    target.subsystem(NQN, &["Slow0"]);
    let (_admin, cntlid) = Raw::admin(&target);
    let mut io = Raw::io(&target, cntlid, 1);
    io.start(Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0), &[1; 512], 0);
    // The write is in the device once a read after it is answered.
    io.read(Rw::sqe(NvmOpcode::READ, 1, 8, 1, 0), 512);
    target.signal("TERM");
    let begin = Instant::now();
    io.fate();
    let (code, log) = target.end();
    assert_eq!(code, 0, "{log}");
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
}
