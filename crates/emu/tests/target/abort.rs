//! ABTS of the initiator.

use super::fcp::{read, write};
use super::rig::{BASE, Options, Rig, ctio, data, status};
use fc::fc2::{Direction, Failure};
use fc::{Fc4, SessionInfo, Xid};
use wire::fc::RCtl;
use wire::isp::iocb::{
    AbtsReceived, AbtsResponse, AbtsResponseFlags, Atio7, CompletionStatus, CtioFlags, CtioStatus, Entry, EntryType,
};

/// A command that waits in the driver.
fn held(rig: &mut Rig, session: SessionInfo, iu: &[u8], way: Direction) -> (Xid, Vec<Entry>) {
    rig.serves = false;
    let xid = rig.command(session, iu, way, 1);
    rig.pass(5);
    (xid, rig.atio(EntryType::ATIO_7).expect("a command"))
}

/// Its abort.
fn aborted(rig: &mut Rig, xid: Xid) -> AbtsReceived {
    let now = rig.now;
    rig.node.abort(xid, now);
    rig.pass(10);
    *AbtsReceived::of(&rig.atio(EntryType::ABTS_RECEIVED).expect("an ABTS")[0])
}

fn answer(rig: &mut Rig, response: AbtsResponse) -> AbtsResponse {
    rig.order(0, &[*response.entry()]);
    rig.pass(10);
    *AbtsResponse::of(&rig.response(EntryType::ABTS_RESPONSE).expect("a completion").1)
}

#[test]
fn an_abort_is_accepted_when_the_exchange_has_ended() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let (xid, atio) = held(&mut rig, session, &read(0, 8), Direction::None);
    let abts = aborted(&mut rig, xid);
    assert_eq!(abts.exchange_to_abort, Atio7::of(&atio[0]).exchange_address);
    assert_ne!(abts.exchange_address, abts.exchange_to_abort);
    assert_eq!((abts.frame.s_id.port_id(), abts.frame.d_id.port_id()), (session.local_id, session.peer_id));
    assert_eq!((abts.frame.r_ctl, abts.frame.ox_id.get()), (RCtl::ABTS, Atio7::of(&atio[0]).frame.ox_id()));
    assert_eq!(abts.nport_handle, rig.notifies[0].nport_handle);
    // The exchange is open: not yet.
    let early = answer(&mut rig, AbtsResponse::accept(&abts, 9));
    assert!(early.is_not_terminated() && early.handle.get() == 9);
    assert!(rig.ended(1).is_none());
    let end = ctio(&atio, CtioFlags(0).with_mode_1(true).with_terminate(true));
    rig.order(0, &[*end.entry()]);
    rig.pass(10);
    assert_eq!(rig.completions()[0].0, CtioStatus::SUCCESS);
    assert!(rig.ended(1).is_none(), "BA_ACC waits for the response");
    let done = answer(&mut rig, AbtsResponse::accept(&abts, 10));
    assert_eq!((done.comp_status.get(), done.handle.get()), (CompletionStatus::COMPLETE.0, 10));
    assert_eq!(rig.ended(1).unwrap().0, Err(Failure::Aborted));
    // Its name is gone, and that of its abort, too.
    let again = answer(&mut rig, AbtsResponse::accept(&abts, 11));
    assert_eq!(again.comp_status.get(), CompletionStatus::IOCB_ERROR.0);
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(1);
    assert_eq!(rig.completions()[0].0, CtioStatus::INVALID_RX_ID);
}

#[test]
fn the_response_may_end_the_exchange_itself() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let (xid, _) = held(&mut rig, session, &read(0, 8), Direction::None);
    let abts = aborted(&mut rig, xid);
    let mut response = AbtsResponse::accept(&abts, 9);
    response.control_flags.set(AbtsResponseFlags(0).with_terminate(true).0);
    assert_eq!(answer(&mut rig, response).comp_status.get(), 0);
    assert_eq!(rig.ended(1).unwrap().0, Err(Failure::Aborted));
}

#[test]
fn a_refused_abort_leaves_the_exchange() {
    let mut rig = Rig::with(Options { abts_to_atio: false, ..Options::default() });
    let session = rig.login(Fc4::Fcp).expect("a session");
    let (xid, atio) = held(&mut rig, session, &read(0, 8), Direction::None);
    let now = rig.now;
    rig.node.abort(xid, now);
    rig.pass(10);
    // Not by the ATIO queue, as the driver said nothing of it.
    let (queue, entry) = rig.response(EntryType::ABTS_RECEIVED).expect("an ABTS");
    let abts = *AbtsReceived::of(&entry);
    assert_eq!((queue, answer(&mut rig, AbtsResponse::reject(&abts, 9, 9, 0)).comp_status.get()), (0, 0));
    assert_eq!(rig.ended(1).unwrap().0, Err(Failure::Aborted));
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(5);
    assert_eq!(rig.completions()[0].0, CtioStatus::SUCCESS);
}

#[test]
fn what_is_under_way_comes_back() {
    let (mut rig, session) = Rig::ready(Fc4::Fcp);
    let drop_data = fabric::Match { r_ctl: Some(RCtl::SOLICITED_DATA), ..fabric::Match::default() };
    rig.switch.inject(fabric::Rule {
        matches: drop_data,
        action: fabric::Action::Drop,
        count: None,
        probability: 1.0,
        seed: 1,
    });
    let buffer = rig.pool.take(4096).unwrap();
    let (xid, atio) = held(&mut rig, session, &write(0, 8), Direction::Out(buffer));
    let silent = CtioFlags(0).with_data_out(true).with_no_completion(true);
    rig.order(0, &data(&atio, silent, (0, 2048), BASE));
    rig.order(0, &data(&atio, CtioFlags(0).with_data_out(true), (2048, 2048), BASE));
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(20);
    let abts = aborted(&mut rig, xid);
    let statuses: Vec<_> = rig.completions().iter().map(|(status, flags)| (*status, flags.terminate())).collect();
    assert_eq!(statuses, [(CtioStatus::ABORTED, false); 2]);
    // What is ordered from now on does not go out.
    rig.order(0, &[*status(&atio, 0).entry()]);
    rig.pass(5);
    assert_eq!(rig.completions()[0].0, CtioStatus::ABORTED);
    let mut response = AbtsResponse::accept(&abts, 9);
    response.control_flags.set(1);
    assert_eq!(answer(&mut rig, response).comp_status.get(), 0);
    let (result, buffer, ..) = rig.ended(1).unwrap();
    assert_eq!(result, Err(Failure::Aborted));
    rig.pool.give(buffer);
}
