//! Tables of offers and answers: each key by its rule.

use crate::common::*;
use iscsi::{Options, Parameters};

const BEGIN: [&str; 2] = ["InitiatorName=iqn.a", "TargetName=iqn.2016-06.io.spdk:disk1"];

/// Logs in with these keys; what was answered and agreed.
fn offer(hall: &Hall, keys: &[&str]) -> (String, Parameters) {
    let mut talk = Talk::new(hall);
    let said = talk.say(0x87, &[&BEGIN, keys].concat());
    match said {
        Said::In(0x87, text) => (text, talk.login.agreement().parameters),
        other => panic!("{keys:?}: {other:?} {:?}", talk.login.why()),
    }
}

#[test]
fn answers() {
    let hall = Hall {
        options: Options {
            max_connections: 4,
            max_burst_length: 1 << 20,
            first_burst_length: 1 << 17,
            max_outstanding_r2t: 8,
            time2wait: 2,
            time2retain: 60,
            ..Options::default()
        },
        ..Hall::default()
    };
    // DefaultTime2Retain's default is 20, the lower is taken: nothing to insist on.
    let table = [
        ("HeaderDigest=CRC32C,None", "CRC32C"),
        ("HeaderDigest=None,CRC32C", "None"),
        ("HeaderDigest=CRC32C", "CRC32C"),
        ("HeaderDigest=X-Sum,CRC32C", "CRC32C"),
        ("HeaderDigest=X-Sum", "Reject"),
        ("HeaderDigest=", "Reject"),
        ("DataDigest=CRC32C,None", "CRC32C"),
        ("MaxConnections=1", "1"),
        ("MaxConnections=65535", "4"),
        ("MaxConnections=0", "Reject"),
        ("MaxConnections=65536", "Reject"),
        ("MaxConnections=lots", "Reject"),
        ("MaxConnections=?", "Reject"),
        ("InitialR2T=Yes", "Yes"),
        ("InitialR2T=No", "No"),
        ("InitialR2T=yes", "Reject"),
        ("ImmediateData=Yes", "Yes"),
        ("ImmediateData=No", "No"),
        ("ImmediateData=1", "Reject"),
        ("MaxBurstLength=16776192", "1048576"),
        ("MaxBurstLength=0x20000", "131072"),
        ("MaxBurstLength=511", "Reject"),
        ("MaxBurstLength=16777216", "Reject"),
        ("FirstBurstLength=262144", "131072"),
        ("FirstBurstLength=512", "512"),
        ("FirstBurstLength=0", "Reject"),
        ("DefaultTime2Wait=0", "2"),
        ("DefaultTime2Wait=3600", "3600"),
        ("DefaultTime2Wait=3601", "Reject"),
        ("DefaultTime2Retain=0", "0"),
        ("DefaultTime2Retain=100", "60"),
        ("MaxOutstandingR2T=1", "1"),
        ("MaxOutstandingR2T=65535", "8"),
        ("MaxOutstandingR2T=0", "Reject"),
        ("DataPDUInOrder=No", "Yes"),
        ("DataSequenceInOrder=No", "Yes"),
        ("ErrorRecoveryLevel=2", "0"),
        ("ErrorRecoveryLevel=1", "0"),
        ("ErrorRecoveryLevel=0", "0"),
        ("ErrorRecoveryLevel=3", "Reject"),
        ("TaskReporting=FastAbort,ResponseFence,RFC3720", "RFC3720"),
        ("TaskReporting=FastAbort", "Reject"),
        ("iSCSIProtocolLevel=1", "1"),
        ("iSCSIProtocolLevel=2", "2"),
        ("iSCSIProtocolLevel=31", "2"),
        ("iSCSIProtocolLevel=32", "Reject"),
        ("IFMarker=No", "No"),
        ("OFMarker=Yes", "No"),
        ("IFMarkInt=2048~8192", "Reject"),
        ("OFMarkInt=2048", "Reject"),
        ("X-com.example.key=1", "NotUnderstood"),
        ("X#Registered=1", "NotUnderstood"),
        ("RDMAExtensions=No", "NotUnderstood"),
        ("Nonsense=1", "NotUnderstood"),
    ];
    for (keys, answer) in table {
        let key = keys.split('=').next().unwrap();
        assert_eq!(value(&offer(&hall, &[keys]).0, key), answer, "{keys}");
    }
}

#[test]
fn declarations_and_answers_get_no_answer() {
    let hall = Hall::default();
    let quiet = ["X#NodeArchitecture=Linux", "InitiatorAlias=a", "MaxRecvDataSegmentLength=512", "Foo=NotUnderstood"];
    for keys in quiet.into_iter().chain(["HeaderDigest=Reject", "MaxConnections=Irrelevant"]) {
        let (text, _) = offer(&hall, &[keys]);
        assert!(!text.contains(keys.split('=').next().unwrap()) || text.contains("MaxRecvDataSegmentLength=65536"));
        assert!(
            !text.contains("Architecture") && !text.contains("InitiatorAlias") && !text.contains("Digest"),
            "{text}"
        );
    }
}

#[test]
fn the_four_combinations_of_immediate_data_and_initial_r2t() {
    for (ours, theirs) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut hall = Hall::default();
        (hall.options.immediate_data, hall.options.initial_r2t) = (ours, ours);
        let word = if theirs { "Yes" } else { "No" };
        let keys = [format!("InitialR2T={word}"), format!("ImmediateData={word}"), "FirstBurstLength=4096".into()];
        let (text, parameters) = offer(&hall, &keys.each_ref().map(String::as_str));
        assert_eq!(parameters.initial_r2t, ours | theirs);
        assert_eq!(parameters.immediate_data, ours & theirs);
        let irrelevant = parameters.initial_r2t && !parameters.immediate_data;
        assert_eq!(value(&text, "FirstBurstLength"), if irrelevant { "Irrelevant" } else { "4096" });
    }
}

#[test]
fn the_first_burst_is_never_above_the_whole() {
    let hall = Hall::default();
    // In whatever order they come.
    for keys in [["MaxBurstLength=4096", "FirstBurstLength=65536"], ["FirstBurstLength=65536", "MaxBurstLength=4096"]] {
        let (text, parameters) = offer(&hall, &keys);
        assert_eq!((value(&text, "FirstBurstLength"), parameters.first_burst_length), ("4096", 4096));
    }
    // The default is above: we make the offer.
    let mut talk = Talk::new(&hall);
    let Said::On(0x04, text) = talk.say(0x87, &[&BEGIN[..], &["MaxBurstLength=4096"]].concat()) else { panic!() };
    assert_eq!(value(&text, "FirstBurstLength"), "4096");
    assert!(matches!(talk.say(0x87, &["FirstBurstLength=1024"]), Said::In(..)));
    assert_eq!(talk.login.agreement().parameters.first_burst_length, 1024);
}

#[test]
fn what_a_target_cannot_do_without() {
    let mut hall = Hall::default();
    hall.info.header_digest = true;
    hall.options.immediate_data = false;
    let begin = |keys: &[&'static str]| {
        let mut talk = Talk::new(&hall);
        let said = talk.say(0x87, &[&BEGIN, keys].concat());
        (talk, said)
    };
    // Not offered: the target offers.
    let (mut talk, said) = begin(&[]);
    let Said::On(0x04, text) = said else { panic!("{said:?}") };
    assert_eq!((value(&text, "HeaderDigest"), value(&text, "ImmediateData")), ("CRC32C", "No"));
    assert_eq!(talk.say(0x87, &["HeaderDigest=CRC32C"]), Said::On(0x04, String::new()), "one is still open");
    assert_eq!(talk.say(0x87, &["ImmediateData=No"]), Said::In(0x87, String::new()));
    assert!(talk.login.agreement().parameters.header_digest);
    // Answers that do not follow.
    for answers in [["HeaderDigest=None", "ImmediateData=No"], ["HeaderDigest=CRC32C", "ImmediateData=Yes"]] {
        let (mut talk, _) = begin(&[]);
        assert_eq!(talk.say(0x87, &answers), Said::No(0x0200), "{answers:?}");
    }
    // Refused outright.
    let (mut talk, _) = begin(&[]);
    assert_eq!(talk.say(0x87, &["HeaderDigest=Reject", "ImmediateData=No"]), Said::No(0x0200));
    let (_, said) = begin(&["HeaderDigest=None", "ImmediateData=Yes"]);
    assert_eq!(said, Said::No(0x0200));
    assert!(matches!(begin(&["HeaderDigest=None,CRC32C", "ImmediateData=Yes"]).1, Said::In(..)));
}

#[test]
fn nothing_is_negotiated_twice() {
    let hall = Hall::default();
    for key in ["MaxBurstLength=4096", "HeaderDigest=None", "MaxRecvDataSegmentLength=4096", "ErrorRecoveryLevel=5"] {
        let mut talk = Talk::new(&hall);
        assert!(matches!(talk.say(0x04, &[&BEGIN[..], &[key]].concat()), Said::On(..)));
        assert_eq!(talk.say(0x87, &[key]), Said::No(0x0200), "{key}");
    }
}
