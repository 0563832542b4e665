//! From the command line to the first host: configurations, memory, listeners, names that stay.

use host::{Address, Controller, Identity, Namespace, Options, discovery};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use testbed::{Disk, NQN, Setup, Target, free_port, pattern};

fn setup() -> Setup {
    Setup::new(env!("CARGO_BIN_EXE_qfc_tgt"))
}

/// The built-in configuration on a port and in a directory of the test's own.
fn default_elsewhere(setup: Setup) -> Setup {
    let file = std::fs::File::create(setup.dir().join("volume0.img")).unwrap();
    file.set_len(16 << 20).unwrap();
    let text = include_str!("../subsystems/default.conf");
    assert_eq!(text.matches("127.0.0.1:4420").count(), 2, "the test knows the built-in configuration");
    let text = text.replace("4420", "@PORT@").replace("@FILE@", "@DIR@/volume0.img");
    let text = text.replace("127.0.0.1:3260", &format!("127.0.0.1:{}", testbed::free_port()));
    setup.conf(&text.replace("@FABRIC@", "@DIR@/fabric.sock").replace("@STATE@", "@DIR@/state"))
}

#[test]
fn the_example_files_are_accepted() {
    let mut seen = 0;
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = ["crates/conf/tests/examples", "docs/examples"].map(|directory| project.join(directory));
    for entry in directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok()).flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let output = setup().args(&["--check", "-c", path.to_str().unwrap()]).output();
        let remarks = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}: {remarks}", path.display());
        let plan: Value = serde_json::from_slice(&output.stdout).expect("the calls as JSON");
        let calls = plan["subsystems"].as_array().unwrap().iter().map(|s| s["config"].as_array().unwrap().len());
        assert!(calls.sum::<usize>() > 0, "{}: it means nothing", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        let fc = name.contains("fc-") || name.contains("fcp");
        let attached = String::from_utf8_lossy(&output.stdout).contains("hba_attach");
        assert_eq!(fc, attached, "{}: [QFC] looks for adapters\n{remarks}", path.display());
        seen += 1;
    }
    assert!(seen >= 7, "{seen} example files");
    assert_eq!(setup().args(&["--check", "--default-config"]).output().status.code(), Some(0));
}

#[test]
fn the_built_in_configuration_serves_and_its_file_survives() {
    let (file, ram) = ("nqn.2026-11.org.qfc:file", "nqn.2026-11.org.qfc:ram");
    let setup = default_elsewhere(setup());
    let target = setup.start();
    let mut controller = target.connect(file, &Options::default());
    let accepted = target.begun().elapsed();
    println!("start to the first connected controller: {} ms", accepted.as_millis());
    assert!(accepted < Duration::from_secs(5), "{accepted:?}");
    for line in [
        format!("nvme discover -t tcp -a 127.0.0.1 -s {}", setup.port()),
        format!("nvme connect -t tcp -a 127.0.0.1 -s {} -n {file}", setup.port()),
    ] {
        assert!(target.printed().contains(&line), "{line:?} is not in {:?}", target.printed());
    }
    let data = pattern(1, 64 << 10);
    let mut disk = Disk::open(&mut controller, 1, 1, 8, 64 << 10);
    disk.write(16, &data);
    let mut memory = target.connect(ram, &Options::default());
    Disk::open(&mut memory, 1, 1, 8, 64 << 10).write(16, &data);
    drop((disk, memory));
    controller.disconnect().unwrap();
    let fabric = format!("unix:{}", setup.dir().join("fabric.sock").display());
    let options = Options { fc: host::FcOptions { fabric, names: None }, ..Options::default() };
    let port = "nn-0x20000024ff000001:pn-0x21000024ff000001";
    for volume in [format!("fc://{port}/{file}"), format!("fcp://{port}/0")] {
        let volume = host::Volume::open(&volume.parse().unwrap(), 1, &options).unwrap();
        assert_eq!(volume.namespace().blocks, 4096, "the file is 16 MiB of 4 KiB blocks here");
    }

    let target = target.stop().start();
    let mut controller = target.connect(file, &Options::default());
    let read = Disk::open(&mut controller, 1, 1, 8, 64 << 10).read(16, 16);
    assert!(read == data, "the file kept it");
    let mut controller = target.connect(ram, &Options::default());
    let read = Disk::open(&mut controller, 1, 1, 8, 64 << 10).read(16, 16);
    assert!(read.iter().all(|&byte| byte == 0), "RAM is fresh");
}

/// `--default-config` itself: a port may be in use on the machine that runs the tests; then it says so.
#[test]
fn the_built_in_configuration_makes_its_file() {
    let setup = setup().args(&["--default-config"]);
    let volume = setup.dir().join("data/volume0.img");
    let setup = setup.env("QFC_DATA", volume.parent().unwrap().to_str().unwrap());
    let taken = ["127.0.0.1:4420", "127.0.0.1:3260"].iter().find(|port| std::net::TcpListener::bind(port).is_err());
    let Some(taken) = taken else {
        let target = setup.start();
        assert!(target.printed().contains("-a 127.0.0.1 -s 4420"), "{}", target.printed());
        target.stop();
        return assert_eq!(std::fs::metadata(volume).unwrap().len(), 256 << 20);
    };
    let output = setup.output();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains(taken), "{log}");
    assert_eq!(std::fs::metadata(volume).unwrap().len(), 256 << 20);
}

fn namespace(target: &Target, nqn: &str) -> Namespace {
    target.connect(nqn, &Options::default()).namespace(1).unwrap()
}

#[test]
fn a_volume_keeps_its_identity() {
    let setup = setup();
    let path = setup.dir().join("disk.img");
    std::fs::File::create(&path).unwrap().set_len(4 << 20).unwrap();
    let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let build = |name: &str, ram: &str| {
        let target = setup.start();
        target.tcp();
        target.rpc("bdev_uring_create", json!({ "name": name, "filename": path, "block_size": 512 }));
        target.rpc("bdev_malloc_create", json!({ "name": ram, "num_blocks": 2048, "block_size": 512, "uuid": uuid }));
        target.subsystem(NQN, &[name]);
        target.subsystem("nqn.2026-11.org.example:ram", &[ram]);
        (namespace(&target, NQN), namespace(&target, "nqn.2026-11.org.example:ram"))
    };
    let first = build("File0", "Ram0");
    assert!(first.0.uuid.is_some() && first.0.nguid.is_some(), "{first:?}");
    assert_eq!(first.1.uuid.unwrap().to_string(), uuid);
    assert_ne!(first.0.nguid, first.1.nguid);
    assert_eq!(build("File0", "Ram0"), first, "after a restart");
    assert_eq!(build("Another", "AnotherRam"), first, "under another name");
}

#[test]
fn too_little_memory_is_refused_with_the_way_out() {
    let output = setup().huge().args(&["-s", "1048576"]).output();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{log}");
    for part in ["1048576 MiB", "nr_hugepages", "--no-huge"] {
        assert!(log.contains(part), "{part:?} is not in {log}");
    }
}

/// Pages of the process's memory files, by inode.
fn memory_files(target: &Target) -> BTreeSet<String> {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", target.pid())).unwrap();
    let arena = maps.lines().filter(|line| line.contains("memfd:") || line.contains("hugepage"));
    arena.filter_map(|line| line.split_whitespace().nth(4).map(str::to_owned)).collect()
}

#[test]
fn with_g_all_memory_is_one_file() {
    let free = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    let pages: u64 = free.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let huge = pages >= 256;
    println!("-g with {}", if huge { "hugepages" } else { "ordinary memory: fewer than 256 hugepages are free" });
    let setup = if huge { setup().huge() } else { setup() }.args(&["-g"]);
    let target = setup.start();
    target.tcp();
    target.malloc("A", 8, 512);
    target.malloc("B", 24, 4096);
    target.subsystem(NQN, &["A", "B"]);
    let mut controller = target.connect(NQN, &Options::default());
    Disk::open(&mut controller, 2, 1, 8, 64 << 10).write(0, &pattern(3, 64 << 10));
    let files = memory_files(&target);
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn listeners_subsystems_and_what_discovery_tells_each_host() {
    let target = setup().start();
    let (open, closed) = ("nqn.2026-11.org.example:open", "nqn.2026-11.org.example:closed");
    target.tcp();
    target.malloc("M0", 1, 512);
    target.malloc("M1", 1, 512);
    target.subsystem(open, &["M0"]);
    target.subsystem(closed, &["M1"]);
    target.rpc("nvmf_subsystem_allow_any_host", json!({ "nqn": closed, "allow_any_host": false }));
    let friend = Identity::new(Some("nqn.2026-11.org.example:friend"), None).unwrap();
    target.rpc("nvmf_subsystem_add_host", json!({ "nqn": closed, "host": friend.nqn }));
    let (second, sixth) = (free_port(), free_port());
    target.listen(open, "127.0.0.1", second);
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    if has_ipv6 {
        target.listen(open, "::1", sixth);
    } else {
        println!("this machine has no ::1: tried with IPv4 only");
    }

    let seen = |port: u16, host: &Identity| -> Vec<(String, String)> {
        let options = Options { host: host.clone(), ..Options::default() };
        let log = discovery::discover(&Address::new("127.0.0.1", port, "").unwrap(), &options).unwrap();
        let mut all: Vec<_> = log.records.into_iter().filter(|r| r.subtype == "nvme subsystem").collect();
        all.sort_by(|a, b| (&a.subnqn, &a.trsvcid).cmp(&(&b.subnqn, &b.trsvcid)));
        all.into_iter().map(|r| (r.subnqn, format!("{} {} {}", r.adrfam, r.traddr, r.trsvcid))).collect()
    };
    let stranger = Identity::new(Some("nqn.2026-11.org.example:stranger"), None).unwrap();
    let port = target.setup().port();
    let mut at_all = vec![
        (open.to_owned(), format!("ipv4 127.0.0.1 {port}")),
        (open.to_owned(), format!("ipv4 127.0.0.1 {second}")),
        (open.to_owned(), format!("ipv6 ::1 {sixth}")),
    ];
    at_all.truncate(if has_ipv6 { 3 } else { 2 });
    at_all.sort_by(|a, b| a.1.rsplit(' ').next().cmp(&b.1.rsplit(' ').next()));
    assert_eq!(seen(port, &stranger), at_all, "a host sees exactly what it may connect to");
    let mut more = vec![(closed.to_owned(), format!("ipv4 127.0.0.1 {port}"))];
    more.extend(at_all.clone());
    assert_eq!(seen(port, &friend), more);

    let as_friend = Options { host: friend, ..Options::default() };
    let as_stranger = Options { host: stranger, ..Options::default() };
    for address in [("127.0.0.1", port), ("127.0.0.1", second), ("::1", sixth)].into_iter().take(at_all.len()) {
        let address = Address::new(address.0, address.1, open).unwrap();
        let mut controller = Controller::connect(&address, &as_stranger).unwrap_or_else(|e| panic!("{address}: {e}"));
        Disk::open(&mut controller, 1, 1, 8, 4096).write(0, &[1; 512]);
    }
    target.connect(closed, &as_friend).namespace(1).unwrap();
    let refused = Controller::connect(&target.address(closed), &as_stranger).unwrap_err();
    assert!(matches!(refused, host::Error::Refused { .. }), "{refused}");
    let elsewhere = Address::new("127.0.0.1", second, closed).unwrap();
    let refused = Controller::connect(&elsewhere, &as_friend).unwrap_err();
    assert!(matches!(refused, host::Error::Refused { .. }), "not offered at that listener: {refused}");
}

#[test]
fn a_listener_in_use_is_refused_and_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let conf = "[Transport1]\n  Type TCP\n[Null]\n  Dev Null0 4\n[Subsystem1]\n  NQN nqn.2026-11.org.example:disk\n  SN S\n  AllowAnyHost Yes\n  Namespace Null0\n";
    let output = setup().conf(&format!("{conf}  Listen TCP 127.0.0.1:{port}\n")).output();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 4)), "{:?} {log}", output.status);
    assert!(log.contains(&port.to_string()) && log.contains("nvmf_subsystem_add_listener"), "{log}");
}
