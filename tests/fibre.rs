//! Fibre Channel without an adapter: a target with a soft port, or a model of an adapter, and its own fabric, and hosts in other processes' place, on the
//! fabric's socket. One volume as a SCSI disk and as an NVMe namespace at once.

use host::scsi::{Cdb, Disk, Target as ScsiTarget};
use host::verify::{Job, State};
use host::{Address, Controller, FcOptions, Identity, Io, Options, Place, Queue, ScsiAddress, Volume, VolumeAddress};
use serde_json::{Value, json};
use std::time::Duration;
use testbed::{NQN, Setup, Target, pattern, until};

const PORT: &str = "nn-0x20000024ff000001:pn-0x21000024ff000001";
const OTHER: &str = "nn-0x20000024ff000002:pn-0x21000024ff000002";

const CONF: &str = "
[Transport1]
  Type TCP
[Transport2]
  Type FC
[Malloc]
  NumberOfLuns 2
  LunSizeInMB 16
  BlockSize 4096
[Fabric]
  Listen unix:@DIR@/fabric.sock
[SoftPort1]
  Names nn-0x20000024ff000001:pn-0x21000024ff000001
  Link fabric
[Subsystem1]
  NQN nqn.2026-11.org.example:disk
  SN SN1
  AllowAnyHost Yes
  Listen TCP 127.0.0.1:@PORT@
  Listen FC nn-0x20000024ff000001:pn-0x21000024ff000001
  Namespace Malloc0
[PortalGroup1]
  Portal FC1 21000024ff000001
[InitiatorGroup1]
  InitiatorName ALL
[TargetNode1]
  TargetName disk1
  Mapping PortalGroup1 InitiatorGroup1
  LUN0 Malloc0
  LUN1 Malloc1
";

fn setup() -> Setup {
    Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).conf(CONF)
}

/// The same with an adapter's port: a model, as no adapter is found, driven by the driver of adapters.
fn adapter() -> Setup {
    let soft = format!("[SoftPort1]\n  Names {PORT}\n  Link fabric\n");
    assert!(CONF.contains(&soft));
    // Real adapters of the machine are left alone.
    Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).conf(&CONF.replace(&soft, "[QFC]\n[Global]\n  NoPci Yes\n"))
}

/// A host of that number, with its own names.
fn options(target: &Target, number: u16) -> Options {
    let fabric = format!("unix:{}", target.setup().dir().join("fabric.sock").display());
    let names = format!("nn-0x200000109b00{number:04x}:pn-0x100000109b00{number:04x}").parse().expect("names");
    let host = Identity::new(Some(&format!("nqn.2026-11.org.example:host{number}")), None).expect("an identity");
    Options { fc: FcOptions { fabric, names: Some(names) }, host, ..Options::default() }
}

fn nvme(nqn: &str) -> Address {
    Address { place: Place::Fc(PORT.parse().expect("names")), nqn: nqn.to_owned() }
}

fn lun(lun: u16) -> ScsiAddress {
    ScsiAddress { port: PORT.parse().expect("names"), lun }
}

fn online(target: &Target) {
    until("the port is online", || {
        let ports = target.rpc("fc_get_ports", Value::Null);
        ports.as_array().expect("ports").iter().all(|port| port["state"] == "online").then_some(())
    });
}

/// A volume with a queue.
struct Way {
    volume: Volume,
    queue: Queue,
}

impl Way {
    fn open(address: VolumeAddress, options: &Options) -> Way {
        let mut volume = Volume::open(&address, 1, options).unwrap_or_else(|error| panic!("{address}: {error}"));
        volume.queue_count(1).expect("a queue count");
        let queue = volume.queue(1, 4, 64 << 10).unwrap_or_else(|error| panic!("{address}: {error}"));
        Way { volume, queue }
    }

    /// Reads or writes blocks, waited for.
    fn io(&mut self, io: Io, data: &mut [u8]) {
        let (queue, len) = (&mut self.queue, data.len());
        let slot = queue.take().expect("a slot");
        queue.buffer_mut(slot)[..len].copy_from_slice(data);
        queue.start_io(slot, self.volume.namespace().nsid, io, len as u32);
        let cqe = queue.wait_for(slot, "I/O", Duration::from_secs(10)).expect("an answer");
        assert!(cqe.status().is_success(), "{:?}", cqe.status());
        data.copy_from_slice(&queue.buffer(slot)[..len]);
        queue.give(slot);
    }
}

#[test]
fn one_volume_over_fcp_fc_nvme_and_tcp_has_one_identity_and_one_content() {
    one_volume(&setup().start());
}

#[test]
fn an_adapter_serves_one_volume_as_a_port_in_software_does() {
    let target = adapter().start();
    one_volume(&target);
    let adapters = target.rpc("hba_get_adapters", Value::Null);
    assert_eq!((&adapters[0]["address"], &adapters[0]["state"]), (&json!("virtual"), &json!("link up")), "{adapters}");
    until("hosts that are gone are logged out", || {
        (target.rpc("fc_get_sessions", Value::Null) == json!([])).then_some(())
    });
}

fn one_volume(target: &Target) {
    online(target);
    let log = target.log();
    assert!(log.contains("Target port Link Up: nn-0x20000024ff000001:pn-0x21000024ff000001"), "{log}");

    let mut disk = Way::open(VolumeAddress::Scsi(lun(0)), &options(target, 1));
    let mut space = Way::open(VolumeAddress::Nvme(nvme(NQN)), &options(target, 2));
    let mut tcp = Way::open(VolumeAddress::Nvme(target.address(NQN)), &options(target, 3));
    let (over_fcp, over_fc, over_tcp) = (disk.volume.namespace(), space.volume.namespace(), tcp.volume.namespace());
    assert_eq!((over_fcp.blocks, over_fcp.block), (4096, 4096));
    assert_eq!(over_fcp.uuid, over_fc.uuid);
    assert_eq!((over_fc.nguid, over_fc.eui64, over_fc.uuid), (over_tcp.nguid, over_tcp.eui64, over_tcp.uuid));

    for (number, size) in [(1u64, 4096), (2, 12288), (3, 65536)] {
        let (block, blocks) = (number * 100, size as u32 / 4096);
        let written = pattern(number, size);
        disk.io(Io::Write { block, blocks }, &mut written.clone());
        for way in [&mut disk, &mut space, &mut tcp] {
            let mut read = vec![0; size];
            way.io(Io::Read { block, blocks }, &mut read);
            assert!(read == written, "{size} bytes written over FCP");
        }
        let again = pattern(number + 100, size);
        space.io(Io::Write { block, blocks }, &mut again.clone());
        let mut read = vec![0; size];
        disk.io(Io::Read { block, blocks }, &mut read);
        assert!(read == again, "{size} bytes written over FC-NVMe");
    }
    disk.io(Io::Flush, &mut []);
}

#[test]
fn discovery_and_inquiry() {
    let target = setup().start();
    online(&target);
    let log = host::discovery::discover(&nvme(NQN), &options(&target, 1)).expect("a log");
    let fc = log.records.iter().find(|record| record.trtype == "fc" && record.subnqn == NQN).expect("an FC record");
    assert_eq!((fc.adrfam.as_str(), fc.traddr.as_str()), ("fc", PORT));

    let scsi = ScsiTarget::connect(lun(0).port, &options(&target, 2)).expect("a login");
    assert_eq!(scsi.luns().expect("REPORT LUNS"), [0, 1]);
    let first = scsi.inquiry(0).expect("INQUIRY");
    assert_eq!(first.peripheral, 0);
    assert_ne!(first.naa, scsi.inquiry(1).expect("INQUIRY").naa);
    let answer = scsi.command(7, Cdb::test_unit_ready(), &mut []).expect("an answer");
    assert_eq!(answer.sense_codes().map(|(_, asc, ascq)| (asc, ascq)), Some((0x25, 0)), "{answer}");
    assert!(Disk::connect(&lun(7), &options(&target, 3)).is_err());
}

fn job(time: u64) -> Job {
    Job {
        time: Duration::from_millis(time),
        depth: 8,
        queues: 2,
        io_bytes: 16 << 10,
        reads: 50,
        size: 8 << 20,
        flush_every: 50,
        nsid: 1,
        seed: 7,
        reconnect: Duration::from_secs(60),
        sweep: true,
        state: State::None,
    }
}

#[test]
fn verified_load_survives_link_flaps_and_zoning() {
    let target = setup().start();
    online(&target);
    let hosts = [(VolumeAddress::Scsi(lun(0)), 11u16), (VolumeAddress::Nvme(nvme(NQN)), 12)];
    // Both at once on one volume would overwrite each other: one after the other.
    for (address, number) in hosts {
        let options = options(&target, number);
        let load = std::thread::spawn(move || host::verify::run(&address, &options, &job(3000), &mut |_| {}));
        std::thread::sleep(Duration::from_millis(700));
        for up in [false, true] {
            target.rpc("fc_port_set_state", json!({"wwpn": "0x21000024ff000001", "up": up}));
            std::thread::sleep(Duration::from_millis(300));
        }
        let report = load.join().expect("the load").expect("a verification");
        assert!(report.is_good(), "{report:?}");
        assert!(report.writes > 0 && report.reconnects > 0, "the flap was felt: {report:?}");
    }
}

#[test]
fn verified_load_survives_resets_of_an_adapter() {
    let target = adapter().start();
    online(&target);
    for (address, number) in [(VolumeAddress::Scsi(lun(0)), 13u16), (VolumeAddress::Nvme(nvme(NQN)), 14)] {
        let options = options(&target, number);
        let load = std::thread::spawn(move || host::verify::run(&address, &options, &job(2500), &mut |_| {}));
        std::thread::sleep(Duration::from_millis(700));
        target.rpc("fc_port_reset", json!({"wwpn": "0x21000024ff000001"}));
        let report = load.join().expect("the load").expect("a verification");
        assert!(report.is_good(), "{report:?}");
        assert!(report.writes > 0 && report.reconnects > 0, "the reset was felt: {report:?}");
    }
    assert_eq!(target.rpc("hba_get_adapters", Value::Null)[0]["resets"], 2);
}

#[test]
fn kill_9_loses_no_acknowledged_write() {
    let file = "\n[URING]\n  URING \"@DIR@/volume\" File0 4096\n[TargetNode2]\n  TargetName disk2\n  \
                Mapping PortalGroup1 InitiatorGroup1\n  LUN0 File0\n";
    let conf = CONF.replace(
        "[TargetNode1]\n  TargetName disk1\n  Mapping PortalGroup1 InitiatorGroup1\n  LUN0 Malloc0\n  LUN1 Malloc1\n",
        file,
    );
    assert!(conf.contains("disk2") && !conf.contains("disk1"));
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt"));
    std::fs::File::create(setup.dir().join("volume")).expect("a file").set_len(16 << 20).expect("a size");
    let setup = setup.conf(&conf);
    let target = setup.start();
    online(&target);
    let options = options(&target, 21);
    let load = std::thread::spawn(move || {
        host::verify::run(&VolumeAddress::Scsi(lun(0)), &options, &Job { flush_every: 5, ..job(4000) }, &mut |_| {})
    });
    std::thread::sleep(Duration::from_millis(1200));
    drop(target);
    let target = setup.start();
    online(&target);
    let report = load.join().expect("the load").expect("a verification");
    assert!(report.is_good() && report.reconnects > 0, "{report:?}");
}

#[test]
fn masking_and_zoning_hide_what_they_should() {
    masking_and_zoning(&setup().start());
    masking_and_zoning(&adapter().start());
}

fn masking_and_zoning(target: &Target) {
    online(target);
    // Masked: the node is for host 31 only.
    target.rpc("scsi_initiator_group_add_initiators", json!({"tag": 1, "initiators": ["0x100000109b000031"]}));
    target.rpc("scsi_initiator_group_remove_initiators", json!({"tag": 1, "initiators": ["ALL"]}));
    let luns = |number| ScsiTarget::connect(lun(0).port, &options(target, number)).and_then(|scsi| scsi.luns());
    assert_eq!(luns(0x31).expect("host 31"), [0, 1]);
    let stranger = ScsiTarget::connect(lun(0).port, &options(target, 0x32)).expect("a login");
    assert_ne!(stranger.inquiry(0).expect("INQUIRY").peripheral, 0, "host 32 sees no disk");
    // Zoned: host 33 cannot even find the port.
    target.rpc("fabric_zone_create", json!({"name": "z", "members": ["0x21000024ff000001", "0x100000109b000031"]}));
    target.rpc("fabric_zone_activate", json!({}));
    assert_eq!(luns(0x31).expect("host 31"), [0, 1]);
    let refused = luns(0x33).expect_err("host 33 is in no zone").to_string();
    assert!(refused.contains("login"), "{refused}");
}

#[test]
fn a_second_port_and_a_virtual_one_come_live_and_a_name_in_use_is_refused() {
    let target = setup().start();
    online(&target);
    let params = |wwpn: &str| json!({"wwnn": "0x20000024ff000002", "wwpn": wwpn, "link": "fabric"});
    let error = target.try_rpc("fc_port_create", params("0x21000024ff000001")).expect_err("the name is in use");
    assert!(error.to_string().contains("21000024ff000001"), "{error}");
    target.rpc("fc_port_create", params("0x21000024ff000002"));
    target.rpc("fc_vport_create", json!({"parent": "0x21000024ff000002", "wwpn": "0x22000024ff000002"}));
    online(&target);
    target.rpc(
        "nvmf_subsystem_add_listener",
        json!({"nqn": NQN, "listen_address": {"trtype": "FC", "adrfam": "FC", "traddr": OTHER}}),
    );
    let address = Address { place: Place::Fc(OTHER.parse().expect("names")), nqn: NQN.to_owned() };
    Controller::connect(&address, &options(&target, 41)).expect("a controller").disconnect().expect("an orderly end");
    let ports = target.rpc("fc_get_ports", Value::Null);
    assert_eq!(ports.as_array().expect("ports").len(), 3, "{ports}");
    target.rpc("fc_port_delete", json!({"wwpn": "0x21000024ff000002"}));
    assert_eq!(target.rpc("fc_get_ports", Value::Null).as_array().expect("ports").len(), 1);
}

/// The configuration as `save_config` of a client puts it together.
fn saved(target: &Target) -> Value {
    let sections = target.rpc("framework_get_subsystems", Value::Null);
    let section = |entry: &Value| {
        let name = &entry["subsystem"];
        json!({"subsystem": name, "config": target.rpc("framework_get_config", json!({"name": name}))})
    };
    json!({"subsystems": sections.as_array().expect("subsystems").iter().map(section).collect::<Vec<_>>()})
}

#[test]
fn a_saved_configuration_is_the_same_after_a_restart() {
    saved_configuration(&setup(), "fc_port_create");
    saved_configuration(&adapter(), "hba_attach");
}

fn saved_configuration(before: &Setup, port: &str) {
    let target = before.start();
    online(&target);
    let config = saved(&target);
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt"));
    let path = setup.dir().join("saved.json");
    std::fs::write(&path, config.to_string()).expect("a file");
    drop(target);
    let text = config.to_string();
    for method in ["fabric_create", port, "scsi_create_target_node", "nvmf_subsystem_add_listener"] {
        assert!(text.contains(method), "{method} is in the saved configuration");
    }
    let again = setup.args(&["-c", path.to_str().expect("UTF-8")]).start();
    assert_eq!(saved(&again), config);
}
