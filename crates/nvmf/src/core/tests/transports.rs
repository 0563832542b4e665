//! Several transports at once, and what is different over Fibre Channel.

use super::rig::*;
use crate::{Address, ListenerView, TransportView, Trtype};
use wire::fabrics::{Connect, DISCOVERY_NQN};
use wire::identify::{Controller, bits};
use wire::log::{AdrFam, DiscoveryEntry, DiscoveryHeader, Subtype, TrType, Treq};
use wire::nvm::Rw;
use wire::nvme::{Cns, Csi, GetLogPage, Identify, LogId, NvmOpcode, SglDescriptor, Sqe, Status};

const FC_NAME: &str = "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab";
/// An identifier that no controller has.
const NO_CONTROLLER: u32 = 0x1_0010;

fn fc() -> TransportView {
    TransportView { trtype: Trtype::Fc, in_capsule_data_size: 0, max_aq_depth: 32, max_io_size: 65_536, ..transport() }
}

/// Homes of TCP and of Fibre Channel that serve one subsystem, with controllers from `low` to `high`.
fn two(homes: usize, low: u16, high: u16) -> [Rig; 2] {
    let (mut tcp, mut fc) = (Rig::new(homes), Rig::with(homes, fc()));
    let mut view = subsystem(&[tcp.disk.clone()]);
    (view.min_cntlid, view.max_cntlid) = (low, high);
    tcp.update(view.clone()).unwrap();
    fc.ids = tcp.ids.clone();
    fc.update(view).unwrap();
    let origin = |wwpn| Address::Fc { wwnn: 0x2000_0024_ff77_99ab, wwpn };
    for home in 0..homes {
        fc.port(home).from = Some((origin(0x2100_0024_ff77_99ab), origin(0x2100_0024_ff00_0001)));
    }
    [tcp, fc]
}

fn read() -> Sqe {
    Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0) }
}

#[test]
fn an_identifier_is_given_once_whatever_the_transport() {
    let [mut tcp, mut fc] = two(3, 10, 15);
    let mut given: Vec<u16> = Vec::new();
    for home in 0..3 {
        given.push(tcp.admin(home).1);
        given.push(fc.admin(home).1);
    }
    assert_eq!(given, [10, 11, 12, 13, 14, 15]);
    // The range is used up for both.
    for rig in [&mut tcp, &mut fc] {
        let at = rig.open(1);
        let cqe = rig.connect(at, Connect::new(0, 32, 0), &data(NQN, 0xffff));
        assert_eq!(cqe.status(), Status::CONNECT_CONTROLLER_BUSY);
    }
}

#[test]
fn each_home_of_each_transport_gets_the_last_identifier() {
    for home in 0..4 {
        for transport in 0..2 {
            let mut rigs = two(4, 7, 7);
            assert_eq!(rigs[transport].admin(home).1, 7);
        }
    }
}

#[test]
fn queues_find_their_controller_and_never_one_of_another_transport() {
    let [mut tcp, mut fc] = two(2, 1, 0xffef);
    let ((_, over_tcp), (admin, over_fc)) = (tcp.admin(1), fc.admin(0));
    assert_ne!(over_tcp, over_fc);
    for home in 0..2 {
        let at = tcp.io(home, over_tcp, home as u16 + 1);
        assert!(tcp.get(at, read(), 512).0.status().is_success());
        let at = fc.io(home, over_fc, home as u16 + 1);
        assert!(fc.get(at, read(), 512).0.status().is_success());
        for (rig, foreign) in [(&mut tcp, over_fc), (&mut fc, over_tcp)] {
            let at = rig.open(home);
            let cqe = rig.connect(at, Connect::new(4, 64, 0), &data(NQN, foreign));
            assert_eq!((cqe.status().code(), cqe.dw0.get()), (Status::CONNECT_INVALID_PARAMETERS, NO_CONTROLLER));
        }
    }
    fc.port(0).lose(admin.1);
    fc.run();
    let at = fc.open(0);
    let cqe = fc.connect(at, Connect::new(1, 64, 0), &data(NQN, over_fc));
    assert_eq!(cqe.dw0.get(), NO_CONTROLLER);
    fc.assert_idle();
    tcp.assert_idle();
}

#[test]
fn a_controller_over_fc_says_that_capsules_have_no_data() {
    let [mut tcp, mut fc] = two(1, 1, 0xffef);
    let identify = |rig: &mut Rig, nqn: &str| {
        let (at, _) = rig.admin_of(0, nqn);
        rig.set_cc(at, ENABLE);
        let page = rig.get(at, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096).1;
        let id: Controller = wire::read(&page).unwrap();
        (id.ioccsz.get(), id.iorcsz.get(), id.icdoff.get(), id.sgls.get(), id.mdts)
    };
    for nqn in [NQN, DISCOVERY_NQN] {
        assert_eq!(identify(&mut fc, nqn), (4, 1, 0, bits::SGLS_SUPPORTED | bits::SGLS_TRANSPORT, 4), "{nqn}");
    }
    assert_eq!(identify(&mut tcp, NQN).0, (64 + 4096) / 16);
}

#[test]
fn the_discovery_log_over_fc() {
    let [_, mut fc] = two(1, 1, 0xffef);
    let mut view = subsystem(&[fc.disk.clone()]);
    let (traddr, trsvcid) = (FC_NAME.to_owned(), "none".to_owned());
    let here = ListenerView { id: LISTENER, trtype: Trtype::Fc, adrfam: 4, traddr, trsvcid };
    // A wildcard of TCP has no address that could be told here, another address has.
    let wildcard = ListenerView { id: 8, ..listener() };
    let named = ListenerView { id: 9, traddr: "10.0.0.1".to_owned(), ..listener() };
    view.listeners = vec![here, wildcard, named];
    fc.update(view.clone()).unwrap();
    let entries = |fc: &mut Rig| {
        let (at, _) = fc.admin_of(0, DISCOVERY_NQN);
        fc.set_cc(at, ENABLE);
        let page = fc.get(at, GetLogPage::sqe(LogId::DISCOVERY, 0, 4096, 0, false), 4096).1;
        let header: DiscoveryHeader = wire::read(&page).unwrap();
        wire::parse_each::<DiscoveryEntry>(&page[1024..])[..header.numrec.get() as usize].to_vec()
    };
    let all = entries(&mut fc);
    assert_eq!(all.len(), 2);
    let text = |bytes: &[u8]| wire::unpadded(bytes).unwrap().to_owned();
    let entry = &all[0];
    assert_eq!((entry.trtype, entry.adrfam, entry.subtype), (TrType::FC, AdrFam::FC, Subtype::NVM));
    assert_eq!((entry.treq, entry.asqsz.get(), entry.portid.get()), (Treq::NOT_SPECIFIED, 32, LISTENER as u16));
    assert_eq!((text(&entry.traddr), text(&entry.trsvcid)), (FC_NAME.to_owned(), "none".to_owned()));
    assert!(entry.tsas.iter().all(|byte| *byte == 0));
    assert_eq!((all[1].trtype, text(&all[1].traddr)), (TrType::TCP, "10.0.0.1".to_owned()));
    // Offered everywhere: at least where the host asked.
    (view.listeners, view.any_listener) = (Vec::new(), true);
    fc.update(view).unwrap();
    let all = entries(&mut fc);
    assert_eq!((all.len(), all[0].trtype, text(&all[0].traddr)), (1, TrType::FC, FC_NAME.to_owned()));
}
