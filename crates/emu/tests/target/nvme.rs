//! NVMe over FC: link services, commands, both responses, abort.

use super::rig::{BASE, DISK, MS, Rig};
use fc::fc2::{Direction, Failure};
use fc::{Fc4, NodeEvent, SessionInfo};
use wire::fc::els::Command;
use wire::fcnvme::{CmndIu, Ersp, RSP};
use wire::fcp::Direction as Way;
use wire::isp::iocb::{
    AbtsReceived, AbtsResponse, Atio7, CompletionStatus, CtioFlags, CtioNvme, CtioNvmeCompletion, CtioStatus, Dsd64,
    Entry, EntryType, LsOperation, PtLs4, PtLs4Received, atio_payload, unsolicited_payload,
};
use wire::nvme::{Cqe, Sqe, Status};
use wire::{FromZeros, IntoBytes};

fn iu(way: Way, length: u32) -> [u8; 96] {
    let mut sqe = Sqe::new_zeroed();
    sqe.opcode = if way == Way::Write { 1 } else { 2 };
    CmndIu::new(0x1122_3344_5566_7788, 1, way, length, sqe, false).to_bytes()
}

fn held(rig: &mut Rig, session: SessionInfo, iu: &[u8; 96], way: Direction) -> Vec<Entry> {
    rig.serves = false;
    rig.command(session, iu, way, 1);
    rig.pass(5);
    let atio = rig.atio(EntryType::ATIO_7).expect("a command");
    assert_eq!((atio.len(), Atio7::of(&atio[0]).is_nvme(), atio_payload(&atio)), (2, true, Some(&iu[..])));
    atio
}

fn ctio(atio: &[Entry], flags: CtioFlags) -> CtioNvme {
    let atio = Atio7::of(&atio[0]);
    let mut ctio = CtioNvme::new();
    ctio.exchange_address = atio.exchange_address;
    ctio.ox_id.set(atio.frame.ox_id());
    ctio.initiator_id = atio.frame.s_id().into();
    ctio.flags.set(flags.0);
    ctio
}

fn data(mut ctio: CtioNvme, offset: u32, length: u32) -> CtioNvme {
    (ctio.relative_offset, ctio.transfer_length) = (offset.into(), length.into());
    ctio.dseg_count.set(1);
    ctio.dsd = [Dsd64::new(BASE + DISK as u64 + u64::from(offset), length)];
    ctio
}

fn done(rig: &mut Rig) -> Vec<CtioStatus> {
    rig.pass(20);
    std::iter::from_fn(|| rig.response(EntryType::CTIO_NVME))
        .map(|(_, entry)| CtioNvmeCompletion::of(&entry).status())
        .collect()
}

fn cqe() -> [u8; 16] {
    let cqe = Cqe::new(0x1234, Status::SUCCESS).with_sqhd(7);
    cqe.as_bytes().try_into().unwrap()
}

#[test]
fn a_link_service_goes_up_and_its_answer_down() {
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    let request: [u8; 1024] = std::array::from_fn(|at| (at * 7) as u8);
    let now = rig.now;
    rig.node.ls(session.id, &request, 20_000 * MS, 5, now).unwrap();
    rig.pass(10);
    let group = rig.atio(EntryType::PT_LS4_RECEIVED).expect("a link service");
    let mut payload = [0; 1024];
    assert_eq!(unsolicited_payload(&group, &mut payload), Some(1024));
    assert_eq!(payload, request);
    let received = PtLs4Received::of(&group[0]);
    assert_eq!(
        (received.frame.s_id.port_id(), received.frame.type_.0, received.frame.r_ctl.0),
        (session.local_id, 0x28, 0x32)
    );
    assert_eq!(received.nport_handle, rig.notifies[0].nport_handle);
    let answer: [u8; 56] = std::array::from_fn(|at| at as u8);
    rig.disk()[..56].copy_from_slice(&answer);
    let mut response = PtLs4::new().with_operation(LsOperation::RESPOND);
    (response.exchange_address, response.nport_handle) = (received.exchange_address, received.nport_handle);
    (response.tx_byte_count, response.tx_dseg_count) = (56.into(), 1.into());
    response.dsds[0] = Dsd64::new(BASE + DISK as u64, 56);
    rig.order(0, &[*response.entry()]);
    rig.pass(10);
    let (_, completion) = rig.response(EntryType::PT_LS4).expect("a completion");
    assert_eq!(PtLs4::of(&completion).comp_status(), CompletionStatus::COMPLETE);
    let reply = rig.events.drain(..).find_map(|event| match event {
        NodeEvent::LsReply { context: 5, result } => Some(result.expect("a reply")),
        _ => None,
    });
    assert_eq!(reply.expect("a reply").bytes(), answer);
    // Once more: the exchange is over.
    rig.order(0, &[*response.entry()]);
    rig.pass(1);
    assert_ne!(PtLs4::of(&rig.response(EntryType::PT_LS4).unwrap().1).comp_status(), CompletionStatus::COMPLETE);
}

#[test]
fn read_with_both_responses() {
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    let expected: Vec<u8> = (0..8192u32).map(|at| (at / 3) as u8).collect();
    rig.disk()[..8192].copy_from_slice(&expected);
    let read = CtioFlags(0).with_data_in(true);
    type Orders = fn(&[Entry], CtioFlags) -> Vec<CtioNvme>;
    let ways: [Orders; 4] = [
        |atio, read| vec![data(ctio(atio, read.with_send_status(true)), 0, 8192)],
        |atio, read| vec![data(ctio(atio, read), 0, 4096), data(ctio(atio, read.with_send_status(true)), 4096, 4096)],
        |atio, read| {
            let ersp = ctio(atio, CtioFlags(0).with_send_status(true)).with_ersp(cqe(), 8192, 3);
            vec![data(ctio(atio, read), 0, 8192), ersp]
        },
        |atio, read| vec![data(ctio(atio, read.with_send_status(true)), 0, 8192).with_ersp(cqe(), 8192, 3)],
    ];
    for (n, way) in ways.iter().enumerate() {
        let buffer = rig.pool.take(8192).unwrap();
        let atio = held(&mut rig, session, &iu(Way::Read, 8192), Direction::In(buffer));
        let orders = way(&atio, read);
        orders.iter().for_each(|order| rig.order(0, &[*order.entry()]));
        assert_eq!(done(&mut rig), vec![CtioStatus::SUCCESS; orders.len()], "way {n}");
        let (result, buffer, received, _) = rig.ended(1).expect("it ended");
        assert!(received == 8192 && buffer.bytes() == expected, "way {n}");
        rig.pool.give(buffer);
        match n {
            0 | 1 => assert_eq!(result.unwrap(), RSP),
            _ => {
                let result = result.unwrap();
                let ersp = Ersp::parse(&result).expect("an ERSP");
                assert_eq!((ersp.rsn.get(), ersp.transferred.get(), ersp.cqe.as_bytes()), (3, 8192, &cqe()[..]));
            }
        }
    }
}

#[test]
fn write_and_a_response_from_memory() {
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    let mut buffer = rig.pool.take(4096).unwrap();
    buffer.bytes_mut().fill(0x5a);
    let atio = held(&mut rig, session, &iu(Way::Write, 4096), Direction::Out(buffer));
    rig.order(0, &[*data(ctio(&atio, CtioFlags(0).with_data_out(true)), 0, 4096).entry()]);
    let ersp = Ersp::new(9, 4096, Cqe::new(1, Status::SUCCESS)).to_bytes();
    rig.disk()[8192..8192 + 32].copy_from_slice(&ersp);
    let mut last = ctio(&atio, CtioFlags(0).with_mode_2(true).with_send_status(true));
    (last.transfer_length, last.dseg_count, last.dsd) =
        (32.into(), 1.into(), [Dsd64::new(BASE + DISK as u64 + 8192, 32)]);
    rig.order(0, &[*last.entry()]);
    assert_eq!(done(&mut rig), [CtioStatus::SUCCESS; 2]);
    assert!(rig.disk()[..4096].iter().all(|byte| *byte == 0x5a));
    let (result, buffer, ..) = rig.ended(1).expect("it ended");
    assert_eq!(result.unwrap(), ersp);
    rig.pool.give(buffer);
}

#[test]
fn an_abort_of_a_command() {
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    rig.serves = false;
    let xid = rig.command(session, &iu(Way::None, 0), Direction::None, 1);
    rig.pass(5);
    let now = rig.now;
    rig.node.abort(xid, now);
    rig.pass(5);
    let abts = *AbtsReceived::of(&rig.atio(EntryType::ABTS_RECEIVED).expect("an ABTS")[0]);
    let mut response = AbtsResponse::accept(&abts, 1);
    response.control_flags.set(1);
    rig.order(0, &[*response.entry()]);
    rig.pass(5);
    assert_eq!(rig.ended(1).unwrap().0, Err(Failure::Aborted));
}

#[test]
fn process_logout_ends_one_protocol() {
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    let atio = held(&mut rig, session, &iu(Way::None, 0), Direction::None);
    rig.notifies.clear();
    rig.node.logout(session.id);
    rig.pass(20);
    assert!(matches!(rig.notified()[..], [Command::PRLO] | [Command::LOGO]));
    rig.order(0, &[*ctio(&atio, CtioFlags(0).with_send_status(true)).entry()]);
    assert_eq!(done(&mut rig), [CtioStatus::INVALID_RX_ID]);
}
