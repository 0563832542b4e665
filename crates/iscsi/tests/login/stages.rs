//! Stages, statuses, flags and numbers of a login.

use crate::common::*;
use iscsi::login::{Login, Request, Step};
use iscsi::{Chap, SessionKind, Status};

const NAME: &str = "InitiatorName=iqn.1993-08.org.debian:01:host";
const TARGET: &str = "TargetName=iqn.2016-06.io.spdk:disk1";
/// Security to operational, operational to full feature.
const TO_OPERATIONAL: u8 = 0x81;
const TO_FULL: u8 = 0x87;

#[test]
fn two_stages_to_the_full_feature_phase() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let said =
        talk.say(TO_OPERATIONAL, &[NAME, "InitiatorAlias=host", TARGET, "SessionType=Normal", "AuthMethod=None"]);
    // The alias has a blank of its own.
    assert_eq!(said, Said::On(0x81, "TargetAlias=Data Disk1 TargetPortalGroupTag=1 AuthMethod=None".into()));
    let said = talk.say(TO_FULL, &["HeaderDigest=None", "MaxRecvDataSegmentLength=262144"]);
    assert_eq!(said, Said::In(0x87, "HeaderDigest=None MaxRecvDataSegmentLength=65536".into()));
    let agreement = talk.login.agreement();
    assert_eq!(agreement.initiator, INITIATOR);
    assert_eq!(agreement.initiator_alias.as_deref(), Some("host"));
    assert_eq!(agreement.kind, SessionKind::Normal { target: DISK.into() });
    assert_eq!((agreement.cid, agreement.cmd_sn, agreement.tsih), (1, 100, 0));
    assert_eq!(agreement.parameters.max_send_data_segment_length, 262_144);
    assert_eq!(agreement.parameters.max_recv_data_segment_length, 65_536);
    assert_eq!(talk.login.next_stat_sn(), 1002);
    assert_eq!(talk.say(TO_FULL, &[]), Said::Closed);
}

#[test]
fn names_are_compared_without_case() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let (name, target) = (NAME.replace("debian", "Debian"), TARGET.replace("spdk:disk", "SPDK:Disk"));
    assert!(matches!(talk.say(TO_FULL, &[&name, &target]), Said::In(..)));
    assert_eq!(talk.login.agreement().initiator, INITIATOR);
}

#[test]
fn one_stage_is_enough_without_authentication() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let said = talk.say(TO_FULL, &[NAME, TARGET]);
    let text = "TargetAlias=Data Disk1 TargetPortalGroupTag=1 MaxRecvDataSegmentLength=65536";
    assert_eq!(said, Said::In(0x87, text.into()));
    // The standard's defaults.
    let parameters = talk.login.agreement().parameters;
    assert_eq!((parameters.max_burst_length, parameters.first_burst_length), (262_144, 65_536));
    assert!(parameters.initial_r2t && parameters.immediate_data && !parameters.header_digest);
    assert_eq!(parameters.max_send_data_segment_length, 8192);
}

#[test]
fn from_security_to_full_feature_at_once() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.say(0x83, &[NAME, TARGET, "AuthMethod=None"]), Said::In(0x83, _)));
    assert_eq!(talk.login.agreement().parameters.max_recv_data_segment_length, 8192, "it was never declared");
    let mut hall = Hall::default();
    hall.info.header_digest = true;
    let mut talk = Talk::new(&hall);
    assert_eq!(talk.say(0x83, &[NAME, TARGET, "AuthMethod=None"]), Said::No(0x0200));
}

#[test]
fn without_transit_the_stage_stays() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.say(0x00, &[NAME, TARGET]), Said::On(0x00, _)));
    assert_eq!(talk.say(0x00, &["AuthMethod=CHAP,None"]), Said::On(0, "AuthMethod=None".into()), "there is no group");
    assert_eq!(talk.say(TO_OPERATIONAL, &[]), Said::On(0x81, String::new()));
    assert_eq!(
        talk.say(0x04, &["InitialR2T=No"]),
        Said::On(0x04, "InitialR2T=No MaxRecvDataSegmentLength=65536".into())
    );
    assert_eq!(talk.say(0x04, &[]), Said::On(0x04, String::new()));
    assert_eq!(talk.say(TO_FULL, &["ImmediateData=Yes"]), Said::In(0x87, "ImmediateData=Yes".into()));
}

#[test]
fn a_discovery_session() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let said = talk.say(TO_FULL, &[NAME, "SessionType=Discovery", "MaxBurstLength=4096", "DefaultTime2Wait=5"]);
    let text = "MaxBurstLength=Irrelevant DefaultTime2Wait=5 MaxRecvDataSegmentLength=65536";
    assert_eq!(said, Said::In(0x87, text.into()));
    assert_eq!(talk.login.agreement().kind, SessionKind::Discovery);
}

/// Each status that a first request can get.
#[test]
fn refusals_of_the_first_request() {
    let cases: &[(u8, &[&str], u16)] = &[
        (TO_FULL, &[TARGET], 0x0207),
        (TO_FULL, &[NAME], 0x0207),
        (TO_FULL, &["SessionType=Discovery"], 0x0207),
        (TO_FULL, &[NAME, TARGET, "SessionType=Other"], 0x0209),
        (TO_FULL, &[NAME, "TargetName=iqn.nowhere"], 0x0203),
        (TO_FULL, &["InitiatorName=iqn.stranger", TARGET], 0x0202),
        (TO_FULL, &[NAME, "TargetName=iqn.busy"], 0x0301),
        (TO_FULL, &[NAME, "TargetName=iqn.gone"], 0x0204),
        (TO_FULL, &["InitiatorName=nonsense", TARGET], 0x0200),
        (TO_FULL, &[NAME, "InitiatorName=iqn.other", TARGET], 0x0200),
        (TO_FULL, &[NAME, TARGET, "TargetAlias=x"], 0x0200),
        (TO_FULL, &[NAME, TARGET, "SendTargets=All"], 0x0200),
        (TO_FULL, &[NAME, TARGET, "AuthMethod=None"], 0x0200),
        (TO_FULL, &[NAME, TARGET, "MaxRecvDataSegmentLength=511"], 0x0200),
        (TO_FULL, &[NAME, TARGET, "InitialR2T=Yes", "InitialR2T=Yes"], 0x0200),
        (TO_OPERATIONAL, &[NAME, TARGET, "InitialR2T=Yes"], 0x0200),
        (TO_OPERATIONAL, &[NAME, TARGET, "AuthMethod=KRB5,SRP"], 0x0201),
        (TO_OPERATIONAL, &[NAME, TARGET, "AuthMethod=None", "CHAP_A=5"], 0x0200),
        (0x80, &[NAME, TARGET], 0x0200),
        (0x82, &[NAME, TARGET], 0x0200),
        (0x85, &[NAME, TARGET], 0x0200),
        (0x88, &[NAME, TARGET], 0x0200),
        (0x8f, &[NAME, TARGET], 0x0200),
        (0xc7, &[NAME, TARGET], 0x0200),
    ];
    let hall = Hall::default();
    for (flags, keys, status) in cases {
        let mut talk = Talk::new(&hall);
        assert_eq!(talk.say(*flags, keys), Said::No(*status), "{flags:#x} {keys:?}");
        assert!(talk.login.why().is_some());
        assert_eq!(talk.say(TO_FULL, &[NAME, TARGET]), Said::Closed, "nothing follows a refusal");
    }
}

#[test]
fn refusals_of_header_fields() {
    let hall = Hall::default();
    let text = format!("{NAME}\0{TARGET}\0");
    let good = Request { flags: 0x04, text: text.as_bytes(), ..Talk::new(&hall).template };
    let cases: [(Request<'_>, u16); 5] = [
        (Request { version_min: 1, version_max: 1, ..good }, 0x0205),
        (Request { immediate: false, ..good }, 0x0200),
        (Request { text: b"Key", ..good }, 0x0200),
        (Request { text: b"Key\0", ..good }, 0x0200),
        (Request { text: &[b'a'; 20_000], ..good }, 0x0200),
    ];
    for (request, status) in cases {
        assert_eq!(Talk::new(&hall).request(&request), Said::No(status), "{request:?}");
    }
    // A lower minimum than the highest: version 0 is chosen.
    assert!(matches!(Talk::new(&hall).request(&Request { version_max: 3, ..good }), Said::On(..)));
}

#[test]
fn what_must_not_change_within_a_login() {
    let hall = Hall::default();
    for change in 0..4 {
        let mut talk = Talk::new(&hall);
        assert!(matches!(talk.say(0x04, &[NAME, TARGET]), Said::On(..)));
        let mut next = Request { flags: TO_FULL, ..talk.template };
        match change {
            0 => next.isid[0] = 1,
            1 => next.tsih = 1,
            2 => next.cid = 2,
            _ => next.flags = TO_OPERATIONAL,
        }
        assert_eq!(talk.request(&next), Said::No(0x0200), "{change}");
    }
    for late in ["InitiatorName=iqn.b", "TargetName=iqn.b", "SessionType=Normal", "SessionType=Discovery"] {
        let mut talk = Talk::new(&hall);
        assert!(matches!(talk.say(0x04, &[NAME, TARGET]), Said::On(..)));
        assert_eq!(talk.say(TO_FULL, &[late]), Said::No(0x0200), "{late}");
    }
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.say(0x04, &[NAME, TARGET]), Said::On(..)));
    assert!(matches!(talk.say(TO_FULL, &[NAME, TARGET]), Said::In(..)), "the same again says nothing new");
}

#[test]
fn the_ports_word_about_the_session() {
    let hall = Hall::default();
    for status in
        [Status::SessionDoesNotExist, Status::TooManyConnections, Status::CannotInclude, Status::OutOfResources]
    {
        let mut talk = Talk::new(&hall);
        let request = Request {
            flags: TO_FULL,
            tsih: 3,
            text: b"InitiatorName=iqn.a\0TargetName=iqn.2016-06.io.spdk:disk1\0",
            ..talk.template
        };
        assert_eq!(talk.login.request(&request, &hall), Step::Admit);
        assert_eq!(talk.login.agreement().tsih, 3);
        let response = talk.login.refused(status);
        assert_eq!((response.status, response.tsih, response.isid), (status.code(), 3, request.isid));
    }
}

#[test]
fn keys_of_the_leading_connection_only() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    talk.template.tsih = 3;
    assert_eq!(talk.say(TO_FULL, &[NAME, TARGET, "MaxConnections=4"]), Said::No(0x0200));
    let mut talk = Talk::new(&hall);
    talk.template.tsih = 3;
    let said = talk.say(TO_FULL, &[NAME, TARGET, "HeaderDigest=CRC32C", "MaxRecvDataSegmentLength=4096"]);
    assert!(matches!(said, Said::In(..)), "{said:?}");
    let parameters = talk.login.agreement().parameters;
    assert!(parameters.header_digest && parameters.max_send_data_segment_length == 4096);
}

#[test]
fn another_request_during_login() {
    let hall = Hall::default();
    assert_eq!(Login::new(peer(), hall.options, 0).other_request(), None);
    let mut talk = Talk::new(&hall);
    talk.say(0x04, &[NAME, TARGET]);
    assert_eq!(talk.login.other_request().map(|response| response.status), Some(0x020b));
}

#[test]
fn a_text_in_parts() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let text = format!("{NAME}\0{TARGET}\0MaxBurstLength=4096\0FirstBurstLength=512\0");
    let (one, rest) = text.as_bytes().split_at(20);
    let (two, three) = rest.split_at(40);
    assert_eq!(talk.bytes(0x44, one), Said::On(0x04, String::new()));
    assert_eq!(talk.bytes(0x44, two), Said::On(0x04, String::new()));
    let Said::In(0x87, said) = talk.bytes(TO_FULL, three) else { panic!("not in") };
    assert_eq!(value(&said, "MaxBurstLength"), "4096");
}

#[test]
fn an_answer_in_parts() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    // More answers than one segment takes; each question is shorter than its answer.
    let unknown: String = (0..120).map(|at| format!("Y-{at:03}{}=\0", "x".repeat(58))).collect();
    let text = format!("{NAME}\0SessionType=Discovery\0{unknown}");
    let Said::On(0x44, one) = talk.bytes(TO_FULL, text.as_bytes()) else { panic!("in one part") };
    assert_eq!(Talk::new(&hall).bytes(0xc7, text.as_bytes()), Said::No(0x0200));
    let Said::In(0x87, two) = talk.say(TO_FULL, &[]) else { panic!("not in") };
    assert_eq!(format!("{one}{two}").matches("NotUnderstood").count(), 120);
    // No text of its own before the target has finished.
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.bytes(TO_FULL, text.as_bytes()), Said::On(0x44, _)));
    assert_eq!(talk.say(TO_FULL, &["X-a=1"]), Said::No(0x0200));
}

#[test]
fn a_login_does_not_go_on_for_ever() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.say(0x04, &[NAME, TARGET]), Said::On(..)));
    let more = (0..100).take_while(|_| matches!(talk.say(0x04, &[]), Said::On(..))).count();
    assert_eq!(more as u32 + 1, iscsi::limits::ROUNDS);
    assert_eq!(talk.say(0x04, &[]), Said::Closed);
}

#[test]
fn required_chap_cannot_be_gone_round() {
    let hall = Hall::with_chap(Chap::Required, false);
    for (flags, method) in
        [(TO_FULL, None), (TO_OPERATIONAL, None), (0x83, None), (TO_OPERATIONAL, Some("AuthMethod=None"))]
    {
        let mut keys = vec![NAME, TARGET];
        keys.extend(method);
        assert_eq!(Talk::new(&hall).say(flags, &keys), Said::No(0x0201), "{flags:#x} {method:?}");
    }
    // Half done: the transition is not made.
    let mut talk = Talk::new(&hall);
    assert!(matches!(talk.say(TO_OPERATIONAL, &[NAME, TARGET, "AuthMethod=CHAP"]), Said::On(0x00, _)));
    assert!(matches!(talk.say(0x83, &[]), Said::On(0x00, _)));
    assert_eq!(talk.say(TO_FULL, &[]), Said::No(0x0200));
}
