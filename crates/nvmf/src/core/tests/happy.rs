//! What a Linux host does from discovery to I/O.

use super::rig::*;
use crate::view::TransportView;
use wire::IntoBytes;
use wire::identify::{self, NsList};
use wire::limits::NSID_ALL;
use wire::log::{DiscoveryEntry, DiscoveryHeader, Smart};
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{
    AdminOpcode, Cap, Cns, Csi, EventConfig, FeatureId, Features, GetLogPage, Identify, LogId, NvmOpcode, Property,
    QueueCount, SglDescriptor, Sqe, Status, Vs,
};

#[test]
fn discovery() {
    let mut rig = Rig::new(2);
    let (at, _) = rig.admin_of(1, wire::fabrics::DISCOVERY_NQN);
    rig.set_cc(at, ENABLE);
    let (cqe, id) = rig.get(at, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096);
    let id: &identify::Controller = wire::parse(&id).unwrap();
    assert!(cqe.status().is_success());
    assert_eq!((id.cntrltype, id.subnqn.text()), (2, Ok(wire::fabrics::DISCOVERY_NQN)));
    let (_, page) = rig.get(at, GetLogPage::sqe(LogId::DISCOVERY, 0, 1024, 0, false), 1024);
    let header: DiscoveryHeader = wire::read(&page).unwrap();
    assert_eq!(header.numrec.get(), 1);
    let (_, page) = rig.get(at, GetLogPage::sqe(LogId::DISCOVERY, 0, 2048, 0, false), 2048);
    let entry: DiscoveryEntry = wire::read(&page[1024..]).unwrap();
    assert_eq!(entry.subnqn.text(), Ok(NQN));
    // The listener is a wildcard, so the host is told the address that it reached.
    assert_eq!(wire::unpadded(&entry.traddr), Some("192.0.2.1"));
    assert_eq!((wire::unpadded(&entry.trsvcid), entry.cntlid.get()), (Some("4420"), 0xffff));
    assert_eq!((entry.asqsz.get(), entry.treq.0, entry.portid.get()), (128, 6, 7));
    rig.assert_idle();
}

#[test]
fn a_host_connects_and_does_io() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin_of(0, NQN);
    let cap = Cap(rig.property(admin, Property::CAP));
    assert_eq!((cap.mqes_z(), cap.cqr(), cap.css_nvm(), cap.mpsmin()), (127, true, true, 0));
    assert_eq!(rig.property(admin, Property::VS), u64::from(Vs::V2_0.0));
    assert!(!rig.csts(admin).rdy());
    rig.set_cc(admin, ENABLE);
    assert!(rig.csts(admin).rdy());
    identify(&mut rig, admin, cntlid);
    let queues = QueueCount::default().with_nsq_z(1).with_ncq_z(1);
    let (cqe, _) = rig.call(admin, Features::set(FeatureId::NUMBER_OF_QUEUES, 0, queues.0), &[]);
    assert_eq!(cqe.dw0.get(), queues.0);
    let config = EventConfig::default().with_namespace(true);
    assert!(rig.status(admin, Features::set(FeatureId::ASYNC_EVENT_CONFIG, 0, config.0)).is_success());
    // One I/O queue at home, one on the other core.
    for (home, qid) in [(0, 1), (1, 2)] {
        let io = rig.io(home, cntlid, qid);
        does_io(&mut rig, io);
    }
    let (cqe, smart) = rig.get(admin, GetLogPage::sqe(LogId::SMART, NSID_ALL, 512, 0, false), 512);
    let smart: Smart = wire::read(&smart).unwrap();
    assert!(cqe.status().is_success());
    assert_eq!((smart.host_reads.get(), smart.data_units_read.get()), (2 * 4 + 4, 1));
    rig.assert_idle();
}

fn identify(rig: &mut Rig, admin: (usize, u32), cntlid: u16) {
    let (_, id) = rig.get(admin, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096);
    let id: &identify::Controller = wire::parse(&id).unwrap();
    let transport: TransportView = transport();
    assert_eq!(wire::unpadded(&id.sn), Some("QFC00000000000000001"));
    assert_eq!((id.cntlid.get(), id.mdts, id.nn.get(), id.cntrltype), (cntlid, 5, 32, 1));
    assert_eq!(4096 << id.mdts, transport.max_io_size);
    assert_eq!((id.ioccsz.get(), id.iorcsz.get(), id.icdoff.get(), id.msdbd), (4 + 4096 / 16, 1, 0, 1));
    assert_eq!((id.sqes, id.cqes, id.maxcmd.get(), id.kas.get()), (0x66, 0x44, 128, 1));
    let (_, list) = rig.get(admin, Identify::sqe(Cns::ACTIVE_NAMESPACES, 0, Csi::NVM), 4096);
    let list: NsList = wire::read(&list).unwrap();
    assert!(list.iter().eq([1]));
    let (_, ns) = rig.get(admin, Identify::sqe(Cns::NAMESPACE, 1, Csi::NVM), 4096);
    let ns: identify::Namespace = wire::read(&ns).unwrap();
    assert_eq!((ns.nsze.get(), ns.format().block_bytes(), ns.nguid), (BLOCKS, Some(512), rig.disk.view(1).nguid));
    assert_eq!((ns.npwg.get(), ns.dlfeat, ns.nsfeat), (7, 9, 0x11));
    let (_, ids) = rig.get(admin, Identify::sqe(Cns::NAMESPACE_DESCRIPTORS, 1, Csi::NVM), 4096);
    assert_eq!(identify::descriptors(&ids).count(), 4);
}

fn does_io(rig: &mut Rig, io: (usize, u32)) {
    let pattern: Vec<u8> = (0..4096).map(|n| (n % 251) as u8).collect();
    let mut write = Rw::sqe(NvmOpcode::WRITE, 1, 8, 8, Rw::FUA);
    write.dptr = SglDescriptor::in_capsule(0, 4096);
    assert!(rig.call(io, write, &pattern).0.status().is_success());
    write.dptr = SglDescriptor::transport(4096);
    write.set_cdw10_11(16);
    assert!(rig.call(io, write, &pattern).0.status().is_success());
    for block in [8, 16] {
        let (cqe, data) = rig.get(io, Rw::sqe(NvmOpcode::READ, 1, block, 8, 0), 4096);
        assert!(cqe.status().is_success());
        assert_eq!(data, pattern);
    }
    assert!(rig.status(io, Sqe::new(NvmOpcode::FLUSH.0, 1)).is_success());
    let mut compare = Rw::sqe(NvmOpcode::COMPARE, 1, 8, 8, 0);
    compare.dptr = SglDescriptor::transport(4096);
    assert!(rig.call(io, compare, &pattern).0.status().is_success());
    let other = vec![1; 4096];
    assert_eq!(rig.call(io, compare, &other).0.status(), Status::COMPARE_FAILURE.with_dnr());
    // A Linux host sends a whole page whatever the number of ranges.
    let mut trim = Dsm::sqe(1, 1, Dsm::AD);
    trim.dptr = SglDescriptor::transport(4096);
    let mut ranges = DsmRange::new(8, 8).as_bytes().to_vec();
    ranges.resize(4096, 0xff);
    assert!(rig.call(io, trim, &ranges).0.status().is_success());
    assert!(rig.status(io, Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 16, 8, Rw::DEAC)).is_success());
    for block in [8, 16] {
        let (_, data) = rig.get(io, Rw::sqe(NvmOpcode::READ, 1, block, 8, 0), 4096);
        assert_eq!(data, vec![0; 4096]);
    }
}

#[test]
fn sqhd_counts_completions() {
    let mut rig = Rig::new(1);
    let (_, cntlid) = rig.admin(0);
    let io = rig.io(0, cntlid, 1);
    let heads: Vec<u16> = (0..70).map(|_| rig.call(io, Sqe::new(NvmOpcode::FLUSH.0, 1), &[]).0.sqhd.get()).collect();
    // The Connect was the first entry of 64.
    assert_eq!((heads[0], heads[61], heads[62], heads[63]), (2, 63, 0, 1));
    let io = rig.open(0);
    let mut connect = wire::fabrics::Connect::new(2, 64, 0);
    connect.cattr = wire::fabrics::cattr::DISABLE_SQ_FLOW_CONTROL;
    assert_eq!(rig.connect(io, connect, &data(NQN, cntlid)).sqhd.get(), 0xffff);
    assert_eq!(rig.call(io, Sqe::new(NvmOpcode::FLUSH.0, 1), &[]).0.sqhd.get(), 0xffff);
}

#[test]
fn keep_alive_and_identifier() {
    let mut rig = Rig::new(1);
    let (admin, _) = rig.admin(0);
    assert!(rig.status(admin, Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0)).is_success());
    let mut get = Features::get(FeatureId::HOST_ID, 0, wire::nvme::Select::CURRENT);
    get.cdw11 = wire::U32::new(1);
    assert_eq!(rig.get(admin, get, 16).1, HOSTID);
}
