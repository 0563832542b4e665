//! SendTargets, and texts of the full feature phase.

use crate::common::*;
use iscsi::text_phase::{RESERVED, Request, Response, Step, TextPhase};
use iscsi::{Agreement, TargetRecord};

const ALL: &str = "TargetName=iqn.2016-06.io.spdk:disk1 TargetAddress=10.0.0.1:3260,1 TargetAddress=[fd00::1]:3260,2";

/// An agreement of a discovery session or one with the node.
fn logged_in(hall: &Hall, discovery: bool) -> Agreement {
    let mut talk = Talk::new(hall);
    let second = if discovery { "SessionType=Discovery" } else { "TargetName=iqn.2016-06.io.spdk:disk1" };
    assert!(matches!(talk.say(0x87, &["InitiatorName=iqn.a", second]), Said::In(..)));
    talk.login.agreement().clone()
}

fn line(response: &Response) -> String {
    String::from_utf8(response.text.clone()).unwrap().trim_end_matches('\0').replace('\0', " ")
}

fn ask(hall: &Hall, discovery: bool, text: &str) -> Step {
    let text = format!("{text}\0");
    let request = Request { last: true, more: false, itt: 5, ttt: RESERVED, text: text.as_bytes() };
    TextPhase::default().request(&request, &mut logged_in(hall, discovery), hall)
}

#[test]
fn send_targets() {
    let mut hall = Hall::default();
    let other = TargetRecord { name: "iqn.other".into(), portals: vec![("10.0.0.1:3260".parse().unwrap(), 1)] };
    hall.records.push(other);
    let both = format!("{ALL} TargetName=iqn.other TargetAddress=10.0.0.1:3260,1");
    let table = [
        (true, "SendTargets=All", both.as_str()),
        (true, "SendTargets=IQN.2016-06.io.spdk:disk1", ALL),
        (true, "SendTargets=iqn.nowhere", ""),
        (true, "SendTargets=", "SendTargets=Reject"),
        (true, "SendTargets=nonsense", "SendTargets=Reject"),
        (false, "SendTargets=", ALL),
        (false, "SendTargets=iqn.2016-06.io.spdk:disk1", ALL),
        (false, "SendTargets=iqn.other", "SendTargets=Reject"),
        (false, "SendTargets=All", "SendTargets=Reject"),
        (true, "X-what=1", "X-what=NotUnderstood"),
        (true, "InitialR2T=Yes", "InitialR2T=Reject"),
        (true, "MaxRecvDataSegmentLength=8192", ""),
    ];
    for (discovery, text, expected) in table {
        let Step::Send(response) = ask(&hall, discovery, text) else { panic!("{text}") };
        assert_eq!((line(&response).as_str(), response.last, response.ttt), (expected, true, RESERVED), "{text}");
    }
    for text in ["TargetAddress=x", "InitiatorName=iqn.b", "MaxRecvDataSegmentLength=1", "nonsense"] {
        assert_eq!(ask(&hall, true, text), Step::Reject, "{text}");
    }
}

#[test]
fn a_long_answer_comes_in_parts() {
    let mut hall = Hall::default();
    let portal = ("10.0.0.1:3260".parse().unwrap(), 1);
    hall.records = (0..500).map(|at| TargetRecord { name: format!("iqn.disk{at}"), portals: vec![portal] }).collect();
    let mut agreement = logged_in(&hall, true);
    let mut phase = TextPhase::default();
    let mut request = Request { last: true, more: false, itt: 5, ttt: RESERVED, text: b"SendTargets=All\0" };
    let mut whole = Vec::new();
    let mut parts = 0;
    loop {
        let Step::Send(response) = phase.request(&request, &mut agreement, &hall) else { panic!("rejected") };
        assert!(response.text.len() <= 8192 && response.last != response.more);
        whole.extend_from_slice(&response.text);
        parts += 1;
        if response.last {
            break;
        }
        request = Request { ttt: response.ttt, text: b"", ..request };
    }
    assert_eq!(parts, whole.len().div_ceil(8192));
    assert!(parts > 2);
    let text = String::from_utf8(whole).unwrap();
    assert_eq!(text.matches("TargetName=").count(), 500);
}

#[test]
fn exchanges_and_tags() {
    let hall = Hall::default();
    let mut agreement = logged_in(&hall, true);
    let mut phase = TextPhase::default();
    let part = |ttt, last, more, text| Request { last, more, itt: 5, ttt, text };
    // A request in parts.
    let Step::Send(first) = phase.request(&part(RESERVED, false, true, b"SendTar"), &mut agreement, &hall) else {
        panic!()
    };
    assert!(!first.last && first.ttt != RESERVED && first.text.is_empty());
    let Step::Send(second) = phase.request(&part(first.ttt, true, false, b"gets=All\0"), &mut agreement, &hall) else {
        panic!()
    };
    assert_eq!((line(&second).as_str(), second.ttt), (ALL, RESERVED));
    // A tag that is over, one of somebody else, F and C together.
    assert_eq!(phase.request(&part(first.ttt, true, false, b""), &mut agreement, &hall), Step::Reject);
    assert_eq!(phase.request(&part(77, true, false, b""), &mut agreement, &hall), Step::Reject);
    assert_eq!(phase.request(&part(RESERVED, true, true, b""), &mut agreement, &hall), Step::Reject);
    // Without F the exchange stays open; a new one ends it.
    let Step::Send(open) = phase.request(&part(RESERVED, false, false, b"X-a=1\0"), &mut agreement, &hall) else {
        panic!()
    };
    assert!(!open.last);
    assert!(matches!(phase.request(&part(RESERVED, true, false, b""), &mut agreement, &hall), Step::Send(_)));
    assert_eq!(phase.request(&part(open.ttt, true, false, b""), &mut agreement, &hall), Step::Reject);
}

#[test]
fn the_segment_length_may_be_declared_again() {
    let hall = Hall::default();
    let mut agreement = logged_in(&hall, false);
    let mut phase = TextPhase::default();
    let request = |text| Request { last: true, more: false, itt: 5, ttt: RESERVED, text };
    for length in [b"MaxRecvDataSegmentLength=4096\0", b"MaxRecvDataSegmentLength=2048\0"] {
        assert!(matches!(phase.request(&request(length), &mut agreement, &hall), Step::Send(_)));
    }
    assert_eq!(agreement.parameters.max_send_data_segment_length, 2048);
    let twice = b"MaxRecvDataSegmentLength=4096\0MaxRecvDataSegmentLength=4096\0";
    assert_eq!(phase.request(&request(twice), &mut agreement, &hall), Step::Reject);
}
