//! Whatever comes: no panic, an end, and answers only to keys that were sent or are ours.

use crate::common::*;
use iscsi::directory::Options;
use iscsi::login::{Login, Request, Step};
use iscsi::text_phase::{self, RESERVED, TextPhase};
use iscsi::{Chap, limits, text};
use proptest::prelude::*;

const KEYS: [&str; 20] = [
    "InitiatorName=iqn.a",
    "TargetName=iqn.2016-06.io.spdk:disk1",
    "SessionType=Discovery",
    "AuthMethod=CHAP,None",
    "CHAP_A=5,6,7,8",
    "CHAP_N=user",
    "CHAP_R=0x00",
    "CHAP_I=1",
    "CHAP_C=0x01",
    "HeaderDigest=CRC32C,None",
    "MaxRecvDataSegmentLength=8192",
    "MaxBurstLength=4096",
    "FirstBurstLength=65536",
    "InitialR2T=No",
    "ImmediateData=No",
    "MaxConnections=3",
    "ErrorRecoveryLevel=2",
    "IFMarker=Yes",
    "X-own=1",
    "SendTargets=All",
];

/// Keys that a target may send without having been asked.
const OURS: [&str; 9] = [
    "TargetAlias",
    "TargetPortalGroupTag",
    "MaxRecvDataSegmentLength",
    "FirstBurstLength",
    "AuthMethod",
    "CHAP_A",
    "CHAP_I",
    "CHAP_C",
    "ImmediateData",
];

fn pair() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
        1 => "[A-Z][A-Za-z.]{0,70}=[ -~]{0,300}",
        1 => "[ -~]{0,40}",
    ]
}

fn request_text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(pair(), 0..12).prop_map(|pairs| {
            pairs.iter().flat_map(|pair| pair.bytes().chain([0])).collect()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn flags() -> impl Strategy<Value = u8> {
    prop_oneof![4 => prop::sample::select(vec![0x00, 0x04, 0x81, 0x83, 0x87, 0x40, 0x44]), 1 => any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_logins(rounds in prop::collection::vec((flags(), request_text()), 1..8), required in any::<bool>()) {
        let mut hall = Hall::with_chap(if required { Chap::Required } else { Chap::Offered }, false);
        hall.discovery = hall.info.auth;
        hall.options = Options { immediate_data: false, ..Options::default() };
        let mut talk = Talk::new(&hall);
        let mut sent = Vec::new();
        for (flags, bytes) in rounds {
            if let Ok(pairs) = text::pairs(&bytes) {
                sent.extend(pairs.iter().map(|pair| pair.key.to_owned()));
            }
            let whole = bytes.clone();
            match talk.bytes(flags, &whole) {
                Said::On(_, line) => prop_assert!(line.len() <= limits::LOGIN_SEGMENT),
                Said::In(..) => {
                    prop_assert!(!required, "CHAP_R was never right");
                    let agreement = talk.login.agreement();
                    let parameters = agreement.parameters;
                    prop_assert!(parameters.first_burst_length <= parameters.max_burst_length || parameters.initial_r2t);
                    prop_assert!(!parameters.immediate_data || agreement.kind == iscsi::SessionKind::Discovery);
                    prop_assert_eq!(parameters.error_recovery_level, 0);
                    break;
                }
                Said::No(status) => {
                    prop_assert!((0x0200..=0x020b).contains(&status) || status == 0x0302);
                    break;
                }
                Said::Closed => break,
            }
        }
    }

    #[test]
    fn answers_are_to_what_was_sent(bytes in request_text(), flags in flags()) {
        let hall = Hall::default();
        let mut login = Login::new(peer(), hall.options, 0);
        let request = Request { immediate: true, flags, text: &bytes, ..Request::default() };
        if let Step::Send(response) = login.request(&request, &hall) {
            let asked: Vec<_> = text::pairs(&bytes).map(|pairs| pairs.iter().map(|pair| pair.key).collect()).unwrap_or_default();
            for answer in text::pairs(&response.text).unwrap() {
                prop_assert!(asked.contains(&answer.key) || OURS.contains(&answer.key), "{}", answer.key);
            }
        }
    }

    #[test]
    fn random_texts_of_the_full_feature_phase(
        rounds in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>(), request_text()), 1..6)
    ) {
        let hall = Hall::default();
        let mut login = Login::new(peer(), hall.options, 0);
        let begin = b"InitiatorName=iqn.a\0SessionType=Discovery\0";
        let request = Request { immediate: true, flags: 0x87, text: begin, ..Request::default() };
        prop_assert_eq!(login.request(&request, &hall), Step::Admit);
        let mut agreement = login.agreement().clone();
        let (mut phase, mut ttt) = (TextPhase::default(), RESERVED);
        for (last, more, again, text) in rounds {
            let request = text_phase::Request { last, more, itt: 1, ttt: if again { ttt } else { RESERVED }, text: &text };
            if let text_phase::Step::Send(response) = phase.request(&request, &mut agreement, &hall) {
                prop_assert!(response.text.len() <= agreement.parameters.max_send_data_segment_length as usize);
                prop_assert_eq!(response.last, response.ttt == RESERVED);
                ttt = response.ttt;
            }
        }
    }
}
