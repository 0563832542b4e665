//! iSCSI end to end: the target from a configuration file, and our own initiator, which checks every number of every PDU.

use host::iscsi::{IscsiQueue, discover, proof_from};
use host::scsi::{Cdb, Target as ScsiTarget, Transfer};
use host::verify::{Job, State};
use host::{Error, Identity, IscsiAddress, IscsiOptions, Options, Payload, Queue, VolumeAddress};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use testbed::{Setup, Target, until};
use wire::iscsi::{TaskFunction, TaskResult};

const DISK: &str = "iqn.2016-06.io.spdk:disk1";
const GUARDED: &str = "iqn.2016-06.io.spdk:guarded";

const CONF: &str = "
[iSCSI]
  AuthFile @DIR@/auth.conf
[Malloc]
  NumberOfLuns 2
  LunSizeInMB 16
  BlockSize 4096
[PortalGroup1]
  Portal DA1 127.0.0.1:@PORT@
[InitiatorGroup1]
  InitiatorName !iqn.2026-11.org.example:stranger
  InitiatorName ANY
  Netmask 127.0.0.0/8
[TargetNode1]
  TargetName disk1
  TargetAlias \"Data Disk1\"
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod Auto
  UseDigest Auto
  LUN0 Malloc0
  QueueDepth 64
[TargetNode2]
  TargetName guarded
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod CHAP
  AuthGroup AuthGroup1
  UseDigest Header Data
  LUN0 Malloc1
";

const SECRETS: &str = "[AuthGroup1]\n  Auth user \"a secret of 20 bytes\" target \"another of 20 bytes\"\n";

/// A file that nobody else can read.
fn private(target: &std::path::Path, name: &str, text: &str) -> PathBuf {
    let path = target.join(name);
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

fn start() -> Target {
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).conf(CONF);
    private(setup.dir(), "auth.conf", SECRETS);
    setup.start()
}

fn address(target: &Target, node: &str) -> IscsiAddress {
    let portal = ([127, 0, 0, 1], target.setup().port()).into();
    IscsiAddress { portal, node: node.to_owned(), lun: 0 }
}

fn options(number: u16) -> Options {
    let host = Identity::new(Some(&format!("nqn.2026-11.org.example:host{number}")), None).expect("an identity");
    let initiator = Some(format!("iqn.2026-11.org.example:host{number}"));
    Options { host, iscsi: IscsiOptions { initiator, ..IscsiOptions::usual() }, ..Options::default() }
}

fn session(target: &Target, node: &str, options: &Options) -> Result<IscsiQueue, Error> {
    IscsiQueue::connect(&address(target, node), 8, 1 << 20, options)
}

/// The status of a login that must be refused.
fn refusal(target: &Target, node: &str, options: &Options) -> u16 {
    match session(target, node, options) {
        Err(Error::Login { failure, .. }) => failure.status().expect("a status"),
        other => panic!("not refused: {other:?}"),
    }
}

fn job(io_bytes: u32) -> Job {
    Job {
        depth: 8,
        queues: 2,
        io_bytes,
        reads: 50,
        time: Duration::from_millis(300),
        size: 4 << 20,
        flush_every: 50,
        nsid: 1,
        seed: 7,
        reconnect: Duration::ZERO,
        sweep: true,
        state: State::None,
    }
}

#[test]
fn data_is_right_with_every_way_to_send_it() {
    let target = start();
    let volume = VolumeAddress::Iscsi(address(&target, DISK));
    for (initial_r2t, immediate_data, digests) in
        [(false, true, false), (true, true, true), (false, false, false), (true, false, true), (false, true, true)]
    {
        let mut options = options(1);
        (options.iscsi.offer.initial_r2t, options.iscsi.offer.immediate_data) = (initial_r2t, immediate_data);
        (options.link.hdgst, options.link.ddgst) = (digests, digests);
        // Small ones, and ones that need several bursts.
        options.iscsi.offer.max_burst_length = 64 << 10;
        options.iscsi.offer.first_burst_length = 16 << 10;
        for io_bytes in [4096, 256 << 10] {
            let report = host::verify::run(&volume, &options, &job(io_bytes), &mut |_| {});
            let report = report.unwrap_or_else(|error| panic!("{initial_r2t} {immediate_data} {io_bytes}: {error}"));
            assert!(report.is_good() && report.writes > 0 && report.reads > 0, "{report:?}");
        }
    }
}

#[test]
fn what_is_agreed_on_and_who_is_found() {
    let target = start();
    let found = discover(address(&target, "").portal, &options(1)).expect("a discovery");
    let names: Vec<&str> = found.iter().map(|node| node.node.as_str()).collect();
    assert_eq!(names, [DISK, GUARDED]);
    assert_eq!(found[0].portals, [(format!("127.0.0.1:{}", target.setup().port()), 1)]);

    let mut first = session(&target, DISK, &options(1)).expect("a session");
    let parameters = *first.parameters();
    assert!(!parameters.initial_r2t && parameters.immediate_data && parameters.error_recovery_level == 0);
    assert_eq!(first.ping(b"are you there").expect("an answer"), b"are you there");
    let own = first.text(b"SendTargets=\0").expect("an answer");
    assert!(String::from_utf8(own).expect("text").starts_with(&format!("TargetName={DISK}\0TargetAddress=")));
    assert_eq!(first.text(b"SendTargets=All\0").expect("an answer"), b"SendTargets=Reject\0");
    assert_eq!(refusal(&target, "iqn.2016-06.io.spdk:nowhere", &options(1)), 0x0203);
    let stranger = Options {
        iscsi: IscsiOptions { initiator: Some("iqn.2026-11.org.example:stranger".into()), ..IscsiOptions::usual() },
        ..options(1)
    };
    assert_eq!(refusal(&target, DISK, &stranger), 0x0202);
    assert!(discover(address(&target, "").portal, &stranger).expect("a discovery").is_empty());
}

#[test]
fn chap_both_ways() {
    let target = start();
    let dir = target.setup().dir().to_owned();
    let with = |name: &str, auth: &str| {
        let file = private(&dir, name, &format!("[AuthGroup1]\nAuth {auth}\n"));
        let mut options = options(1);
        options.iscsi.proof = Some(proof_from(&file).expect("a proof"));
        (options.link.hdgst, options.link.ddgst) = (true, true);
        options
    };
    let secret = "user \"a secret of 20 bytes\"";
    let mut queue = session(&target, GUARDED, &with("one", secret)).expect("a session");
    assert_eq!(queue.ping(b"x").expect("an answer"), b"x");
    assert!(queue.parameters().header_digest && queue.parameters().data_digest);
    session(&target, GUARDED, &with("two", &format!("{secret} target \"another of 20 bytes\""))).expect("a session");

    let wrong = session(&target, GUARDED, &with("three", &format!("{secret} target \"not its own at all\"")));
    assert!(wrong.unwrap_err().to_string().contains("could not prove itself"));
    assert_eq!(refusal(&target, GUARDED, &with("four", "user \"some other secret\"")), 0x0201);
    assert_eq!(refusal(&target, GUARDED, &with("five", "nobody \"a secret of 20 bytes\"")), 0x0201);
    assert_eq!(refusal(&target, GUARDED, &options(1)), 0x0201, "without CHAP");
    let plain = Options { link: host::LinkOptions::default(), ..with("six", secret) };
    assert!(session(&target, GUARDED, &plain).is_err(), "the node insists on digests");

    let told = format!("{} {}", target.log(), target.rpc("iscsi_get_auth_groups", Value::Null));
    assert!(!told.contains("secret of 20") && !told.contains("another of 20"), "{told}");
}

#[test]
fn a_file_of_secrets_that_others_can_read_is_not_taken() {
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).conf(CONF);
    let file = private(setup.dir(), "auth.conf", SECRETS);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("its mode");
    let output = setup.output();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("chmod 600") && !told.contains("secret of 20"), "{told}");
}

#[test]
fn tasks_are_aborted_and_units_reset() {
    let target = start();
    let delay = json!({
        "base_bdev_name": "Malloc1", "name": "slow", "avg_read_latency": 2_000_000, "p99_read_latency": 2_000_000,
        "avg_write_latency": 2_000_000, "p99_write_latency": 2_000_000,
    });
    target.rpc("iscsi_delete_target_node", json!({ "name": GUARDED }));
    target.rpc("bdev_delay_create", delay);
    let node = json!({
        "name": "slow", "alias_name": "", "luns": [{ "lun_id": 0, "bdev_name": "slow" }], "queue_depth": 16,
        "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 1 }], "disable_chap": true,
    });
    target.rpc("iscsi_create_target_node", node);
    let slow =
        ScsiTarget::connect_iscsi(&address(&target, "iqn.2016-06.io.spdk:slow"), &options(2)).expect("a session");
    let mut queue = slow.queue(0, 4, 4096).expect("a queue");
    let Queue::Iscsi(session) = &mut queue else { panic!("not iSCSI") };
    let slot = session.take().expect("a slot");
    session.start(slot, Cdb::read(0, 1), Payload::Read(4096));
    session.poll().expect("sent");
    let task = session.task(slot);
    let mut manage = |function, task| session.manage(function, 0, task).expect("an answer");
    assert_eq!(manage(TaskFunction::QUERY_TASK, Some(task)), TaskResult::SUCCEEDED);
    assert_eq!(manage(TaskFunction::QUERY_TASK_SET, None), TaskResult::SUCCEEDED);
    assert_eq!(manage(TaskFunction::ABORT_TASK, Some(task)), TaskResult::COMPLETE);
    assert_eq!(manage(TaskFunction::ABORT_TASK, Some(task)), TaskResult::NO_TASK);
    assert_eq!(manage(TaskFunction::QUERY_TASK, Some(task)), TaskResult::COMPLETE);
    assert_eq!(manage(TaskFunction::LOGICAL_UNIT_RESET, None), TaskResult::COMPLETE);
    assert_eq!(manage(TaskFunction::TASK_REASSIGN, Some(task)), TaskResult::NO_REASSIGN);
    assert!(queue.next_done().is_some(), "what was aborted is over");
    // The other nexus is told of the reset.
    let answer = slow.transfer(0, Cdb::test_unit_ready(), Transfer::None).expect("an answer");
    assert_eq!(answer.sense_codes().map(|(key, asc, _)| (key.0, asc)), Some((6, 0x29)), "{answer}");
}

#[test]
fn a_thousand_logins_and_sixty_four_sessions_leave_nothing() {
    let target = start();
    for _ in 0..1000 {
        let mut queue = session(&target, DISK, &options(1)).expect("a session");
        queue.logout(wire::iscsi::LogoutReason::CLOSE_SESSION, 0).expect("a logout");
    }
    let many: Vec<_> = (0..64).map(|at| session(&target, DISK, &options(at)).expect("a session")).collect();
    let connections = || target.rpc("iscsi_get_connections", Value::Null).as_array().expect("a list").len();
    assert_eq!(connections(), 64);
    drop(many);
    until("all connections are gone", || (connections() == 0).then_some(()));
}

#[test]
fn one_initiator_port_has_one_session() {
    let target = start();
    let mut fixed = options(1);
    fixed.iscsi.isid = Some([0x80, 0, 0, 1, 0, 1]);
    let mut first = session(&target, DISK, &fixed).expect("a session");
    let mut second = session(&target, DISK, &fixed).expect("the session that reinstates it");
    assert_eq!(second.ping(b"2").expect("an answer"), b"2");
    until("the first one is ended", || first.ping(b"1").is_err().then_some(()));
    let connections = target.rpc("iscsi_get_connections", Value::Null);
    assert_eq!(connections.as_array().expect("a list").len(), 1, "{connections}");
}

#[test]
fn the_end_of_a_node_reaches_the_initiator() {
    let target = start();
    let mut disk = session(&target, DISK, &options(1)).expect("a session");
    target.rpc("iscsi_delete_target_node", json!({ "name": DISK }));
    until("the session is ended", || disk.ping(b"1").is_err().then_some(()));
    assert_eq!(refusal(&target, DISK, &options(1)), 0x0203);
}
