//! Logouts and loss of the link with commands open.

use super::fcp::{read, write};
use super::rig::{BASE, Rig, data, status};
use fc::Fc4;
use fc::fc2::{Direction, Failure};
use wire::isp::iocb::{CtioFlags, CtioStatus, EntryType, NotifyAck};

/// A rig with two commands: of one data are awaited, with a status behind; the other waits in the driver.
fn busy() -> (Rig, fc::SessionInfo, Vec<[u8; 64]>) {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    rig.serves = false;
    let ready = fabric::Match { r_ctl: Some(wire::fc::RCtl::DATA_DESCRIPTOR), ..fabric::Match::default() };
    rig.switch.inject(fabric::Rule {
        matches: ready,
        action: fabric::Action::Drop,
        count: None,
        probability: 1.0,
        seed: 1,
    });
    let buffer = rig.pool.take(4096).unwrap();
    rig.command(session, &write(0, 8), Direction::Out(buffer), 1);
    rig.pass(5);
    let first = rig.atio(EntryType::ATIO_7).unwrap();
    rig.order(0, &data(&first, CtioFlags(0).with_data_out(true), (0, 4096), BASE));
    rig.order(0, &[*status(&first, 0).entry()]);
    rig.command(session, &read(0, 8), Direction::None, 2);
    rig.pass(5);
    let second = rig.atio(EntryType::ATIO_7).unwrap();
    assert!(rig.completions().is_empty());
    (rig, session, second)
}

fn gone(rig: &mut Rig, second: &[[u8; 64]], expected: CtioStatus) {
    let statuses: Vec<_> = rig.completions().iter().map(|(status, flags)| (*status, flags.terminate())).collect();
    assert_eq!(statuses, [(expected, true); 2]);
    rig.order(0, &[*status(second, 0).entry()]);
    rig.pass(1);
    let late: Vec<_> = rig.completions().iter().map(|(status, flags)| (*status, flags.terminate())).collect();
    assert_eq!(late, [(CtioStatus::INVALID_RX_ID, true)]);
    for context in [1, 2] {
        let (result, buffer, ..) = rig.ended(context).expect("it ended");
        assert_eq!(result, Err(Failure::LinkDown));
        rig.pool.give(buffer);
    }
}

#[test]
fn a_logout_ends_what_is_open() {
    let (mut rig, session, second) = busy();
    rig.node.logout(session.id);
    rig.pass(20);
    gone(&mut rig, &second, CtioStatus::PORT_LOGGED_OUT);
}

#[test]
fn the_link_goes_and_comes() {
    let (mut rig, _, second) = busy();
    rig.acks = false;
    rig.firmware.set_cable(false);
    rig.pass(20);
    let statuses: Vec<_> = rig.completions().iter().map(|(status, flags)| (*status, flags.terminate())).collect();
    assert_eq!(statuses, [(CtioStatus::PORT_CONFIG_CHANGED, true); 2]);
    rig.order(0, &[*status(&second, 0).entry()]);
    rig.pass(1);
    assert_eq!(rig.completions()[0].0, CtioStatus::INVALID_RX_ID);
    rig.acks = true;
    rig.switch.inject_clear(None);
    rig.firmware.set_cable(true);
    rig.serves = true;
    let session = rig.login(Fc4::Fcp).expect("a session again");
    let buffer = rig.pool.take(4096).unwrap();
    rig.command(session, &read(0, 8), Direction::In(buffer), 9);
    rig.pass(20);
    let (result, buffer, ..) = rig.ended(9).expect("it ended");
    rig.pool.give(buffer);
    assert!(result.is_ok());
}

#[test]
fn an_acknowledgement_after_the_loss_does_nothing() {
    let mut rig = Rig::new();
    rig.acks = false;
    rig.begin_login(Fc4::Fcp);
    rig.pass(50);
    let plogi = rig.notifies.pop().expect("a notify");
    rig.firmware.set_cable(false);
    rig.pass(20);
    rig.firmware.set_cable(true);
    rig.acks = true;
    rig.pass(1500);
    rig.order(0, &[*NotifyAck::to(&plogi, 1).entry()]);
    rig.pass(20);
    assert!(rig.response(EntryType::NOTIFY_ACK).is_some());
    assert!(rig.session().is_none());
    // The initiator waits for the answer to its first PLOGI before it sends another.
    rig.sleep(25_000);
    assert!(rig.session().is_some() || rig.login(Fc4::Fcp).is_some());
}

#[test]
fn a_stop_is_quiet() {
    let (mut rig, _, second) = busy();
    rig.outputs.clear();
    let now = rig.now;
    rig.firmware.stop(now);
    rig.pass(20);
    assert!(rig.outputs.is_empty(), "{:?}", rig.outputs);
    rig.order(0, &[*status(&second, 0).entry()]);
    rig.pass(20);
    assert!(rig.outputs.is_empty());
    for context in [1, 2] {
        let (_, buffer, ..) = rig.ended(context).expect("it ended");
        rig.pool.give(buffer);
    }
}

#[test]
fn a_host_that_logs_out_by_itself_ends_its_commands() {
    use wire::isp::iocb::{LoginCommand, LoginFlags, LoginLogout};
    let (mut rig, session, second) = busy();
    let mut logo = LoginLogout::new();
    logo.nport_handle = rig.notifies[0].nport_handle;
    logo.port_id = session.local_id.into();
    let flags = LoginFlags(0).with_code(LoginCommand::LOGO.0).with_explicit(true).with_free_handle(true);
    logo.control_flags.set(flags.0);
    rig.order(0, &[*logo.entry()]);
    rig.pass(20);
    gone(&mut rig, &second, CtioStatus::PORT_LOGGED_OUT);
}
