//! Examples that stock drivers have taken or sent, byte by byte.

use super::*;
use crate::fc::{FrameHeader, PortId, RCtl, Type};
use crate::fcp::Residual;
use crate::{U16, U32};

#[test]
fn addresses_go_both_ways() {
    let id = PortId(0x010203);
    assert_eq!((LeId::new(id).0, BeId::new(id).0), ([3, 2, 1], [1, 2, 3]));
    assert_eq!((PortId::from(LeId::from(id)), PortId::from(BeId::from(id))), (id, id));
    assert_eq!(handles::service(handles::NAME_SERVER), Some(PortId::DIRECTORY));
    assert_eq!(handles::service(0), None);
}

#[test]
fn report_id_of_a_fabric() {
    let mut rida = ReportId::new();
    (rida.vp_acquired, rida.vp_setup, rida.format, rida.flags) = (1, 1, 1, Topology::F.0);
    rida.port_id = LeId::new(PortId(0x010100));
    let entry = rida.entry();
    assert_eq!(entry[..4], [0x32, 1, 0, 0]);
    assert_eq!(entry[8..18], [1, 1, 0, 0, 0, 1, 1, 1, 0, 6]);
    assert_eq!(rida.topology(), Topology::F);
    assert!(!is_processed(entry));
}

#[test]
fn login_completions() {
    let mut request = LoginLogout::new();
    request.control_flags.set(0x0010);
    request.io_parameter[3].set(7);
    assert_eq!((request.control().command(), request.control().conditional()), (LoginCommand::PLOGI, true));
    let mut done = request.completed(PrliParameters(0).with_target(true));
    done.io_parameter[9].set(1);
    let entry = done.entry();
    assert_eq!((&entry[8..10], &entry[20..24], &entry[56..60]), (&[0, 0][..], &[0x10, 0, 0, 0][..], &[1, 0, 0, 0][..]));
    assert_eq!((done.failure(), done.prli().target()), (None, true));
    let failed = request.failed(LoginSubcode::ELS_REJECTED, 0x0309);
    assert_eq!((failed.entry()[8], failed.entry()[20], &failed.entry()[24..26]), (0x31, 0x18, &[9, 3][..]));
    assert_eq!(failed.failure(), Some((LoginSubcode::ELS_REJECTED, 0x0309)));
    let free = LoginFlags(0x0098);
    assert!(free.implicit() && free.free_handle() && !free.explicit() && free.command() == LoginCommand::LOGO);
    assert!(LoginFlags(0x0041).nvme() && LoginFlags(0x0030).skip_prli());
}

#[test]
fn luns_and_cdbs_are_swapped() {
    assert_eq!(lun_of(&[0, 0, 1, 0, 0, 0, 0, 0]), [0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(swapped_lun([0x41, 0x2c, 0, 0, 0, 0, 0, 0]), [0, 0, 0x2c, 0x41, 0, 0, 0, 0]);
    let cdb = swapped_cdb(&[0x28, 1, 2, 3, 4, 5]);
    assert_eq!(cdb, [3, 2, 1, 0x28, 0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(cdb_of(&cdb)[..6], [0x28, 1, 2, 3, 4, 5]);
}

#[test]
fn short_report_luns() {
    let mut status = Status::new();
    status.comp_status.set(CompletionStatus::DATA_UNDERRUN.0);
    status.residual.set(4072);
    status.fcp_residual.set(4072);
    status.scsi_status.set(FcpStatus::new(0, Residual::Under(4072)).0);
    let entry = status.entry();
    assert_eq!((&entry[8..10], &entry[12..16]), (&[0x15, 0][..], &[0xe8, 0x0f, 0, 0][..]));
    assert_eq!((&entry[22..24], &entry[24..28]), (&[0, 8][..], &[0xe8, 0x0f, 0, 0][..]));
    assert_eq!(status.scsi_status().residual(4072), Residual::Under(4072));
    assert_eq!(FcpStatus(0x0400).residual(1), Residual::Over(1));
}

#[test]
fn connect_answered_by_an_ersp() {
    let mut ersp = [0; 32];
    (ersp[3], ersp[16]) = (8, 0x55);
    let mut status = Status::new();
    status.state_flags.set(StateFlags(0).with_ersp(true).with_data_transferred(true).0);
    status.response_length.set(32);
    let status = status.with_ersp(ersp);
    let entry = status.entry();
    assert_eq!((&entry[16..20], &entry[32..36], entry[51]), (&[32, 0, 0x40, 8][..], &[8, 0, 0, 0][..], 0x55));
    assert_eq!(status.ersp(), ersp);
}

#[test]
fn task_management_answer() {
    let mut ctio = Ctio7::new();
    ctio.flags.set(CtioFlags(0).with_send_status(true).with_attribute(5).0);
    let ctio = ctio.with_inline(&[0, 0, 0, 4, 0, 0, 0, 0], &[]);
    let entry = ctio.entry();
    assert_eq!((&entry[26..28], &entry[34..38], entry[40]), (&[0x40, 0x8a][..], &[0, 1, 8, 0][..], 4));
    assert_eq!((ctio.flags().mode(), ctio.flags().attribute()), (Some(CtioMode::Inline), 5));
    assert_eq!((ctio.inline()[3], ctio.status_mode_1().response_length.get()), (4, 8));
    assert_eq!(CtioFlags(0xc0).mode(), None);
}

#[test]
fn check_condition_and_busy() {
    let sense: [u8; 32] = core::array::from_fn(|at| at as u8);
    let mut ctio = Ctio7::new();
    ctio.scsi_status.set(2);
    let ctio = ctio.with_inline(&[], &sense);
    assert_eq!(
        (ctio.sense_length.get(), ctio.scsi_status.get(), ctio.inline()),
        (24, 0x0202, sense[..24].try_into().unwrap())
    );
    assert_eq!(ctio.entry()[40..44], [3, 2, 1, 0]);
    assert_eq!(SKIP_HANDLE | CTIO_COMPLETION_MARK, 0x2fff_ffff);
    let done = ctio.completed(CtioStatus(0x4001));
    assert_eq!((done.status(), done.flags()), (CtioStatus::SUCCESS, ctio.flags()));
}

#[test]
fn nvme_responses() {
    let mut cqe = [0; 16];
    (cqe[0], cqe[12]) = (1, 0x34);
    let mut ctio = CtioNvme::new();
    ctio.flags.set(0x8000);
    let ctio = ctio.with_ersp(cqe, 0x1000, 3);
    let entry = ctio.entry();
    assert_eq!((&entry[26..32], entry[43]), (&[0x40, 0x80, 0, 0, 0, 1][..], 0x34));
    assert_eq!(entry[44..52], [0, 0x10, 0, 0, 3, 0, 0, 0]);
    assert_eq!((ctio.ersp().cqe(), ctio.ersp().rsn.get()), (cqe, 3));
}

#[test]
fn an_abts_is_answered() {
    let header = FrameHeader::new(RCtl::ABTS, Type::BLS, PortId(0x010200), PortId(0x010300))
        .with_exchange(0x1234, 0x5678)
        .with_sequence(9, 1);
    let mut abts = AbtsReceived::new();
    abts.frame = (&header).into();
    (abts.exchange_address, abts.exchange_to_abort) = (U32::new(0x11), U32::new(0x22));
    let entry = abts.entry();
    assert_eq!(entry[20..28], [0, 3, 1, 0x81, 0, 2, 1, 0]);
    assert_eq!((entry[31], &entry[32..40]), (0, &[1, 0, 0, 9, 0x78, 0x56, 0x34, 0x12][..]));
    assert_eq!(FrameHeader::from(&abts.frame), header);

    let accept = AbtsResponse::accept(&abts, 0x77);
    let entry = accept.entry();
    assert_eq!((entry[0], entry[4], &entry[20..32]), (0x55, 0x77, &[0, 2, 1, 0x84, 0, 3, 1, 0, 0, 0, 0x99, 0][..]));
    assert_eq!(entry[44..56], [0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0, 0]);
    assert_eq!((accept.ba_rjt(), accept.exchange_to_abort.get()), (None, 0x22));

    let reject = AbtsResponse::reject(&abts, 0x77, 9, 0);
    assert_eq!((reject.entry()[23], &reject.entry()[44..48]), (0x85, &[0, 0, 9, 0][..]));
    assert_eq!(reject.ba_rjt().unwrap().reason, 9);
    let again = accept.not_terminated();
    assert!(again.is_not_terminated() && !accept.is_not_terminated());
    assert_eq!((again.entry()[8], again.entry()[52], again.subcodes()), (0x31, 0x1e, (0x1e, 0)));
}

#[test]
fn a_notify_is_acknowledged() {
    let mut notify = ImmediateNotify::new().with_prli(0x0022, 0x28);
    notify.status.set(NotifyStatus::ELS.0);
    notify.status_subcode = NotifyElsCode::PRLI;
    (notify.nport_handle, notify.exchange_address, notify.ox_id) =
        (U16::new(5), U32::new(0x8000_0001), U16::new(0xdead));
    (notify.vp_index, notify.fw_handle) = (3, 4);
    assert_eq!((notify.prli_word3(), notify.prli_type(), &notify.entry()[32..35]), (0x22, 0x28, &[0x22, 0, 0x28][..]));
    assert!(!is_processed(notify.entry()));
    let ack = NotifyAck::to(&notify, SKIP_HANDLE);
    assert_eq!(ack.entry()[4..24], [0xff, 0xff, 0xff, 0xf, 5, 0, 0, 0, 0, 0, 0, 0, 0x46, 0, 0x20, 4, 1, 0, 0, 0x80]);
    assert_eq!((ack.vp_index, ack.ox_id.get(), ack.flags().terminate()), (3, 0xdead, false));
    assert_eq!(ack.rejecting().entry()[12], 8);
}

#[test]
fn operations_and_types() {
    let terminate = PtLs4::new().with_operation(LsOperation::TERMINATE);
    assert_eq!((terminate.control_flags.get(), terminate.operation()), (0x4000, LsOperation::TERMINATE));
    assert_eq!(terminate.with_operation(LsOperation::RESPOND).control_flags.get(), 0x2000);
    let abort = Abort::new().completed(CompletionStatus::IOCB_ERROR);
    assert_eq!((abort.entry()[8], abort.comp_status()), (0x31, CompletionStatus::IOCB_ERROR));
    let mut control = VpControl::new();
    (control.vp_map[0], control.vp_map[15]) = (0x81, 0x80);
    assert!(control.ports().eq([1, 8, 128]));
    assert_eq!(EntryHeader::of(Marker::new().entry()).entry_type, EntryType::MARKER);
    assert_eq!(Marker::TYPE, EntryType::MARKER);
    assert!(EntryHeader { entry_status: 4, ..EntryHeader::new(EntryType::PUREX) }.status().invalid_type());
}
