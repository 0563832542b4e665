//! The name server.

use crate::rig::{Host, Rig};
use wire::fc::ct::{
    Command, CtHeader, Fc4Features, Fc4Types, FdmiCommand, FeatureBits, GaNxt, NameEntries, PortEntries, PortIdObject,
    PortType, Reject, Request, Service, SymbolicName, subtype,
};
use wire::fc::{PortId, Type, Wwn};

const A: u64 = 0x2100_0000_0000_000a;
const B: u64 = 0x2100_0000_0000_000b;

fn two() -> (Rig, Host, Host) {
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.host(A), rig.host(B));
    rig.register(&mut a, Type::FCP, FeatureBits(0).with_initiator(true));
    rig.register(&mut b, Type::NVME, FeatureBits(0).with_target(true).with_discovery(true));
    (rig, a, b)
}

fn by_type(command: Command, type_: Type) -> Request<'static> {
    Request::ByType { command, domain: 0, area: 0, type_ }
}

#[test]
fn what_is_registered_is_found_by_type() {
    let (mut rig, mut a, mut b) = two();
    let found = |body: &[u8]| PortEntries::new(body).map(PortIdObject::id).collect::<Vec<_>>();
    let body = rig.ct(&mut a, &by_type(Command::GID_FT, Type::NVME)).unwrap();
    assert_eq!((found(&body), body[0]), (vec![b.id], 0x80));
    assert_eq!(rig.ct(&mut a, &by_type(Command::GID_FT, Type::IP)), Err(Reject::NO_FC4_TYPE));
    let id = b.id;
    let both = Fc4Types::NONE.with(Type::NVME).with(Type::FCP);
    rig.ct(&mut b, &Request::RftId(id, both)).unwrap();
    let body = rig.ct(&mut a, &by_type(Command::GID_FT, Type::FCP)).unwrap();
    assert_eq!(found(&body), [a.id, b.id]);
    let body = rig.ct(&mut a, &by_type(Command::GPN_FT, Type::FCP)).unwrap();
    let names: Vec<_> = NameEntries::new(&body).map(|entry| (entry.id(), entry.name())).collect();
    assert_eq!(names, [(a.id, Wwn(A)), (b.id, Wwn(B))]);
    let body = rig.ct(&mut a, &by_type(Command::GNN_FT, Type::NVME)).unwrap();
    assert_eq!(NameEntries::new(&body).next().unwrap().name(), Wwn(B | 1 << 48));
    let scoped = |area| Request::ByType { command: Command::GID_FT, domain: 3, area, type_: Type::FCP };
    assert_eq!(found(&rig.ct(&mut a, &scoped(2)).unwrap()), [b.id]);
    assert_eq!(rig.ct(&mut a, &scoped(9)), Err(Reject::NO_FC4_TYPE));
    let request = Request::GidPt { port_type: PortType::NX_PORT, domain: 0, area: 0 };
    assert_eq!(found(&rig.ct(&mut a, &request).unwrap()), [a.id, b.id]);
    let features = FeatureBits(0).with_target(true);
    let request = Request::GidFf { domain: 0, area: 0, features, type_: Type::NVME };
    assert_eq!(found(&rig.ct(&mut a, &request).unwrap()), [b.id]);
}

#[test]
fn a_port_is_described_by_its_address() {
    let (mut rig, mut a, mut b) = two();
    let id = b.id;
    let node = Wwn(B | 1 << 48);
    rig.ct(&mut b, &Request::RspnId(id, SymbolicName::new(b"port b"))).unwrap();
    rig.ct(&mut b, &Request::RsnnNn(node, SymbolicName::new(b"node b"))).unwrap();
    let mut ask = |command| rig.ct(&mut a, &Request::ById(command, id)).unwrap();
    assert_eq!(ask(Command::GPN_ID), B.to_be_bytes());
    assert_eq!(ask(Command::GNN_ID), node.to_bytes());
    assert_eq!(ask(Command::GFT_ID), Fc4Types::NONE.with(Type::NVME).0);
    let features = Fc4Features::NONE.with(Type::NVME, FeatureBits(5));
    assert_eq!(ask(Command::GFF_ID), features.to_bytes());
    assert_eq!(&ask(Command::GSPN_ID)[..8], b"\x06port b\0");
    assert_eq!(ask(Command::GPT_ID)[0], 1);
    assert_eq!(ask(Command::GCS_ID), [0, 0, 0, 8]);
    assert_eq!(ask(Command::GFPN_ID)[0] >> 4, 2);
    assert_eq!(rig.ct(&mut a, &Request::ByName(Command::GID_PN, Wwn(B))).unwrap(), [0, 3, 2, 0]);
    assert_eq!(rig.ct(&mut a, &Request::ByName(Command::GID_PN, Wwn(9))), Err(Reject::NO_PORT_NAME));
    assert_eq!(rig.ct(&mut a, &Request::ByName(Command::GID_NN, node)).unwrap(), [0x80, 3, 2, 0]);
    assert_eq!(&rig.ct(&mut a, &Request::ByName(Command::GSNN_NN, node)).unwrap()[..7], b"\x06node b");
    assert_eq!(rig.ct(&mut a, &Request::ByName(Command::GID_NN, Wwn(9))), Err(Reject::NO_NODE_NAME));
    assert_eq!(rig.ct(&mut a, &Request::ById(Command::GPN_ID, PortId(9))), Err(Reject::NO_PORT_ID));
}

#[test]
fn get_all_next_goes_round() {
    let (mut rig, mut a, b) = two();
    let mut next = |id| {
        let body = rig.ct(&mut a, &Request::ById(Command::GA_NXT, id)).unwrap();
        let all: &GaNxt = wire::parse(&body).unwrap();
        (all.id(), all.port_name(), all.types)
    };
    let id = next(PortId(0)).0;
    assert_eq!(next(id), (b.id, Wwn(B), Fc4Types::NONE.with(Type::NVME)));
    assert_eq!(next(b.id).1, Wwn(A));
}

#[test]
fn registrations_are_for_ones_own_port_only_and_can_be_withdrawn() {
    let (mut rig, mut a, mut b) = two();
    let (of_a, of_b) = (a.id, b.id);
    let theft = rig.ct(&mut a, &Request::RftId(of_b, Fc4Types::NONE)).unwrap_err();
    assert_eq!(theft.explanation.0, 0x10);
    assert!(rig.ct(&mut a, &Request::RpnId(of_a, Wwn(A))).is_ok());
    assert!(rig.ct(&mut a, &Request::RpnId(of_a, Wwn(B))).is_err());
    assert!(rig.ct(&mut a, &Request::RnnId(of_a, Wwn(A | 1 << 48))).is_ok());
    assert!(rig.ct(&mut a, &Request::RcsId(of_a, 8)).is_ok());
    assert!(rig.ct(&mut a, &Request::RptId(of_a, PortType::N_PORT)).is_ok());
    assert!(rig.ct(&mut a, &Request::RsnnNn(Wwn(9), SymbolicName::new(b"x"))).is_err());
    assert!(rig.ct(&mut b, &Request::ById(Command::DA_ID, of_b)).is_ok());
    assert_eq!(rig.ct(&mut a, &by_type(Command::GID_FT, Type::NVME)), Err(Reject::NO_FC4_TYPE));
}

#[test]
fn what_is_not_done_is_rejected_with_a_reason() {
    let (mut rig, mut a, _b) = two();
    let mut ask = |to, header: CtHeader| rig.ct_raw(&mut a, to, &header.to_bytes());
    let code = |reply: Vec<u8>| (reply[8], reply[9], reply[13]);
    let fdmi = CtHeader::request(Service::MANAGEMENT, subtype::FDMI, FdmiCommand::RHBA.0, 0);
    assert_eq!(code(ask(PortId::MANAGEMENT, fdmi)), (0x80, 0x01, 0x0b));
    assert_eq!(code(ask(PortId::DIRECTORY, CtHeader::name_server(Command::GIPP_ID))), (0x80, 0x01, 0x0b));
    assert_eq!(code(ask(PortId::DIRECTORY, CtHeader::name_server(Command(0x7777)))), (0x80, 0x01, 0x01));
    assert_eq!(code(ask(PortId::DIRECTORY, CtHeader::name_server(Command::GPN_ID))), (0x80, 0x01, 0x04));
    let elsewhere = CtHeader::request(Service::TIME, 1, 0x0100, 0);
    assert_eq!(code(ask(PortId::DIRECTORY, elsewhere)), (0x80, 0x01, 0x0b));
    assert_eq!(rig.switch.counters().rejected, 5);
}

#[test]
fn a_long_answer_comes_in_several_frames_or_as_much_as_is_wanted() {
    let mut rig = Rig::new();
    let mut a = rig.registered(A);
    for n in 0..200 {
        let id = rig.fdisc(&mut a, 0x2200_0000_0000_0000 + n).unwrap();
        rig.ct(&mut a, &Request::RftId(id, Fc4Types::NONE.with(Type::FCP))).unwrap();
    }
    let body = rig.ct(&mut a, &by_type(Command::GPN_FT, Type::FCP)).unwrap();
    assert_eq!((NameEntries::new(&body).count(), body.len()), (201, 201 * 16));
    let mut payload = [0; 32];
    let length = by_type(Command::GPN_FT, Type::FCP).write(&mut payload, 8).unwrap();
    let reply = rig.ct_raw(&mut a, PortId::DIRECTORY, &payload[..length]);
    let header: &CtHeader = wire::parse(&reply).unwrap();
    assert_eq!((reply.len(), header.size.get()), (16 + 32, 199 * 4));
}
