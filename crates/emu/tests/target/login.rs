//! Logins of the initiator: what the driver hears and decides.

use super::rig::{Options, Rig, names};
use fc::{Fc4, NodeEvent};
use wire::fc::els::{Command, FcpParams, NvmeParams};
use wire::isp::iocb::{EntryType, ImmediateNotify, NOTIFY_ACK_SUCCESS, NotifyAck, NotifyStatus, handles};

#[test]
fn plogi_and_prli_wait_for_the_driver() {
    let mut rig = Rig::new();
    rig.acks = false;
    rig.begin_login(Fc4::Fcp);
    rig.pass(50);
    let plogi = rig.notifies.pop().expect("a notify");
    assert_eq!((plogi.status(), plogi.status_subcode), (NotifyStatus::ELS, Command::PLOGI));
    assert_eq!((plogi.port_name, plogi.node_name), (names(1).port.to_bytes(), names(1).node.to_bytes()));
    assert_eq!(Some(plogi.port_id.port_id()), rig.switch.id_of(names(1).port));
    assert!(plogi.nport_handle.get() <= handles::LAST && plogi.exchange_address.get() != u32::MAX);
    // Nothing happens until the acknowledgement.
    rig.pass(200);
    assert!(rig.notifies.is_empty() && rig.session().is_none());
    rig.order(3, &[*NotifyAck::to(&plogi, 0x77).entry()]);
    rig.pass(50);
    let (queue, done) = rig.response(EntryType::NOTIFY_ACK).expect("a completion");
    let done = NotifyAck::of(&done);
    assert_eq!((queue, done.handle.get(), done.status.get()), (3, 0x77, NOTIFY_ACK_SUCCESS));
    let prli = rig.notifies.pop().expect("the PRLI");
    assert_eq!((prli.status_subcode, prli.nport_handle), (Command::PRLI, plogi.nport_handle));
    assert_eq!((prli.prli_word3() & 0x30, prli.prli_type()), (0x20, 8));
    assert_eq!(prli.port_name, names(1).port.to_bytes());
    assert!(rig.session().is_none());
    rig.order(0, &[*NotifyAck::to(&prli, 0).entry()]);
    rig.pass(50);
    let params = FcpParams(rig.session().expect("a session").parameters);
    assert!(params.target() && !params.initiator() && params.read_xfer_rdy_disabled());
}

#[test]
fn the_pages_say_the_mode() {
    let mut rig = Rig::with(Options { initiator_too: true, ..Options::default() });
    let params = FcpParams(rig.login(Fc4::Fcp).expect("a session").parameters);
    assert!(params.target() && params.initiator());
    let (mut rig, session) = Rig::ready(Fc4::Nvme);
    let params = NvmeParams(session.parameters);
    assert!(params.target() && params.discovery() && !params.initiator());
    assert_eq!(rig.notifies.last().map(ImmediateNotify::prli_type), Some(0x28));
    assert_eq!(rig.notified(), [Command::PLOGI, Command::PRLI]);
}

#[test]
fn what_the_driver_refuses_is_rejected() {
    for refused in [Command::PLOGI, Command::PRLI] {
        let mut rig = Rig::new();
        rig.acks = false;
        rig.begin_login(Fc4::Fcp);
        for _ in 0..200 {
            rig.sleep(100);
            for notify in std::mem::take(&mut rig.notifies) {
                let ack = NotifyAck::to(&notify, 0);
                let ack = if notify.status_subcode == refused { ack.rejecting() } else { ack };
                rig.order(0, &[*ack.entry()]);
            }
        }
        let failed = |event: &NodeEvent| matches!(event, NodeEvent::LoginFailed { .. });
        assert!(rig.session().is_none() && rig.events.iter().any(failed), "{refused}: {:?}", rig.events);
    }
}

#[test]
fn an_acknowledgement_of_nothing_fails() {
    let (mut rig, _) = Rig::ready(Fc4::Fcp);
    while rig.response(EntryType::NOTIFY_ACK).is_some() {}
    let plogi = rig.notifies[0];
    rig.order(0, &[*NotifyAck::to(&plogi, 5).entry()]);
    rig.pass(1);
    let (_, done) = rig.response(EntryType::NOTIFY_ACK).expect("a completion");
    assert_ne!(NotifyAck::of(&done).status.get(), NOTIFY_ACK_SUCCESS);
}

#[test]
fn a_logout_is_told_and_the_handle_comes_again() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let handle = rig.notifies[0].nport_handle;
    rig.notifies.clear();
    rig.node.logout(session.id);
    rig.pass(50);
    let logo = rig
        .notifies
        .iter()
        .find(|notify| notify.status_subcode == Command::LOGO || notify.status_subcode == Command::PRLO);
    assert_eq!(logo.map(|logo| logo.nport_handle), Some(handle), "{:?}", rig.notifies);
    assert!(rig.events.iter().any(|event| matches!(event, NodeEvent::SessionDown { .. })));
    rig.notifies.clear();
    assert!(rig.login(Fc4::Fcp).is_some());
    assert_eq!(rig.notifies.last().map(|notify| notify.nport_handle), Some(handle));
}

#[test]
fn a_second_plogi_ends_the_first_login() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    rig.serves = false;
    rig.command(session, &super::fcp::read(0, 1), fc::fc2::Direction::None, 1);
    rig.pass(5);
    let atio = rig.atio(EntryType::ATIO_7).expect("a command");
    // The initiator's link bounces unseen by the firmware's port.
    let f_port = rig.switch.f_port_of(names(1).port).unwrap();
    rig.switch.set_up(f_port, false, rig.now).unwrap();
    rig.pass(5);
    rig.switch.set_up(f_port, true, rig.now).unwrap();
    rig.pass(200);
    assert!(rig.login(Fc4::Fcp).is_some());
    rig.order(0, &[*super::rig::status(&atio, 0).entry()]);
    let (status, flags) = {
        rig.pass(1);
        rig.completions()[0]
    };
    assert_eq!((status, flags.terminate()), (wire::isp::iocb::CtioStatus::INVALID_RX_ID, true));
}
