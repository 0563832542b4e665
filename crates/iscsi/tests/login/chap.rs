//! CHAP, as an initiator with a hash of its own does it.

use crate::common::*;
use iscsi::chap::Algorithm;
use iscsi::chap::prover::Proof;
use iscsi::initiator::{Ask, Digest, Failure, Login as Initiator, Step as InitiatorStep};
use iscsi::login::{Admission, Login, Step};
use iscsi::text::{binary, to_hexadecimal};
use iscsi::{AuthPolicy, Chap, Options, Secret};

const BEGIN: [&str; 3] = ["InitiatorName=iqn.a", "TargetName=iqn.2016-06.io.spdk:disk1", "AuthMethod=CHAP,None"];

/// Up to the target's challenge.
fn challenged<'a>(hall: &'a Hall, algorithms: &str) -> (Talk<'a>, Algorithm, u8, Vec<u8>) {
    let mut talk = Talk::new(hall);
    let said = talk.say(0x81, &BEGIN);
    assert_eq!(said, Said::On(0, "TargetAlias=Data Disk1 TargetPortalGroupTag=1 AuthMethod=CHAP".into()));
    let Said::On(0, text) = talk.say(0, &[&format!("CHAP_A={algorithms}")]) else { panic!("refused") };
    let algorithm = Algorithm::of(value(&text, "CHAP_A").parse().unwrap()).unwrap();
    let challenge = binary(value(&text, "CHAP_C")).unwrap().to_vec();
    let id = value(&text, "CHAP_I").parse().unwrap();
    (talk, algorithm, id, challenge)
}

fn answer(user: &str, response: &[u8]) -> [String; 2] {
    [format!("CHAP_N={user}"), format!("CHAP_R={}", to_hexadecimal(response))]
}

#[test]
fn one_way_with_each_algorithm() {
    let hall = Hall::with_chap(Chap::Required, false);
    for (offer, chosen) in [("5", 5), ("6,5", 6), ("7", 7), ("8,7,6,5", 8), ("4,99,x,7,8", 7)] {
        let (mut talk, algorithm, id, challenge) = challenged(&hall, offer);
        assert_eq!(algorithm.number(), chosen, "{offer}");
        assert_eq!(challenge.len(), 32);
        let right = algorithm.response(id, SECRET.as_bytes(), &challenge);
        let said = talk.say(0x81, &answer("user", &right).each_ref().map(String::as_str));
        assert_eq!(said, Said::On(0x81, String::new()), "{offer}");
        assert!(matches!(talk.say(0x87, &[]), Said::In(..)));
        assert_eq!(talk.login.agreement().user.as_deref(), Some("user"));
    }
}

#[test]
fn no_algorithm_in_common() {
    let hall = Hall::with_chap(Chap::Required, false);
    for offer in ["CHAP_A=4", "CHAP_A=", "CHAP_A=sha"] {
        let mut talk = Talk::new(&hall);
        talk.say(0x81, &BEGIN);
        assert_eq!(talk.say(0, &[offer]), Said::No(0x0201), "{offer}");
    }
}

/// A wrong name and a wrong response look the same from outside.
#[test]
fn wrong_answers() {
    let hall = Hall::with_chap(Chap::Required, false);
    let mut reasons = Vec::new();
    for (user, secret) in [("user", "wrong secret"), ("nobody", SECRET), ("", SECRET), ("User", SECRET), ("user", "")] {
        let (mut talk, algorithm, id, challenge) = challenged(&hall, "5");
        let response = algorithm.response(id, secret.as_bytes(), &challenge);
        let said = talk.say(0x81, &answer(user, &response).each_ref().map(String::as_str));
        assert_eq!(said, Said::No(0x0201), "{user}");
        reasons.push(talk.login.why().unwrap().to_owned());
    }
    assert!(reasons.windows(2).all(|pair| pair[0] == pair[1]), "{reasons:?}");
    for keys in [&["CHAP_N=user"][..], &["CHAP_R=0x00"], &["CHAP_N=user", "CHAP_R=00"], &["CHAP_N=user", "CHAP_R=0x"]] {
        assert_eq!(challenged(&hall, "5").0.say(0x81, keys), Said::No(0x0201), "{keys:?}");
    }
    let (mut talk, ..) = challenged(&hall, "5");
    assert_eq!(talk.say(0x81, &["CHAP_N=user", "CHAP_N=user"]), Said::No(0x0200));
    let (mut talk, ..) = challenged(&hall, "5");
    assert_eq!(talk.say(0x81, &["AuthMethod=None"]), Said::No(0x0200), "no way back");
}

#[test]
fn challenges_differ() {
    let hall = Hall::with_chap(Chap::Required, false);
    assert_ne!(challenged(&hall, "5").3, challenged(&hall, "5").3);
}

#[test]
fn mutual() {
    let hall = Hall::with_chap(Chap::Required, true);
    let (mut talk, algorithm, id, challenge) = challenged(&hall, "7");
    let [name, response] = answer("user", &algorithm.response(id, SECRET.as_bytes(), &challenge));
    let said = talk.say(0x81, &[&name, &response, "CHAP_I=200", "CHAP_C=0x00112233445566778899aabbccddeeff"]);
    let Said::On(0x81, text) = said else { panic!("{said:?}") };
    let own = binary("0x00112233445566778899aabbccddeeff").unwrap();
    assert_eq!(value(&text, "CHAP_N"), "disk");
    assert_eq!(value(&text, "CHAP_R"), to_hexadecimal(&algorithm.response(200, MUTUAL.as_bytes(), &own)));
}

#[test]
fn mutual_gone_wrong() {
    let hall = Hall::with_chap(Chap::Required, true);
    let try_with = |user: &str, extra: &dyn Fn(&[u8]) -> Vec<String>| {
        let (mut talk, algorithm, id, challenge) = challenged(&hall, "5");
        let mut keys = answer(user, &algorithm.response(id, SECRET.as_bytes(), &challenge)).to_vec();
        keys.extend(extra(&challenge));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        talk.say(0x81, &keys)
    };
    let pair = |id: &str, challenge: &str| vec![format!("CHAP_I={id}"), format!("CHAP_C={challenge}")];
    assert_eq!(try_with("user", &|_| vec![]), Said::No(0x0201), "the policy wants it");
    assert_eq!(try_with("oneway", &|_| pair("1", "0x01")), Said::No(0x0201), "there is no secret for it");
    assert_eq!(try_with("user", &|_| pair("256", "0x01")), Said::No(0x0201));
    assert_eq!(try_with("user", &|_| vec!["CHAP_I=1".into()]), Said::No(0x0201));
    assert_eq!(try_with("user", &|_| pair("1", &to_hexadecimal(&[1; 1025]))), Said::No(0x0201));
    assert!(matches!(try_with("user", &|_| pair("1", &to_hexadecimal(&[1; 1024]))), Said::On(0x81, _)));
    assert!(matches!(try_with("user", &|_| pair("1", "0bAQIDBAUGBwg=")), Said::On(0x81, _)));
    let reflected = |challenge: &[u8]| pair("1", &to_hexadecimal(challenge));
    assert_eq!(try_with("user", &reflected), Said::No(0x0201), "reflection");
}

#[test]
fn policies_and_methods() {
    let table = [
        (Chap::Never, "CHAP,None", Some("None")),
        (Chap::Never, "CHAP", None),
        (Chap::Offered, "CHAP,None", Some("CHAP")),
        (Chap::Offered, "None,CHAP", Some("None")),
        (Chap::Offered, "KRB5,CHAP", Some("CHAP")),
        (Chap::Required, "None,CHAP", Some("CHAP")),
        (Chap::Required, "None", None),
    ];
    for (chap, offer, chosen) in table {
        let hall = Hall::with_chap(chap, false);
        let mut talk = Talk::new(&hall);
        let said = talk.say(0, &[BEGIN[0], BEGIN[1], &format!("AuthMethod={offer}")]);
        match (said, chosen) {
            (Said::On(0, text), Some(chosen)) => assert_eq!(value(&text, "AuthMethod"), chosen),
            (said, _) => assert_eq!((said, chosen), (Said::No(0x0201), None), "{chap:?} {offer}"),
        }
    }
}

#[test]
fn discovery_has_a_policy_of_its_own() {
    let hall =
        Hall { discovery: AuthPolicy { chap: Chap::Required, mutual: false, group: Some(1) }, ..Hall::default() };
    let mut talk = Talk::new(&hall);
    assert_eq!(talk.say(0x87, &["InitiatorName=iqn.a", "SessionType=Discovery"]), Said::No(0x0201));
    assert!(matches!(Talk::new(&hall).say(0x87, &BEGIN[..2]), Said::In(..)), "the node's is another");
}

fn ask(proof: Option<Proof>) -> Ask {
    Ask {
        initiator: INITIATOR.into(),
        target: Some(DISK.into()),
        isid: [0x80, 0, 0, 0, 0, 1],
        tsih: 0,
        cid: 0,
        cmd_sn: 1,
        options: Options { initial_r2t: false, ..Options::default() },
        header_digest: Digest::RatherCrc,
        data_digest: Digest::RatherNone,
        proof,
        security_stage: true,
    }
}

fn proof(user: &str, secret: &str, mutual: Option<&str>) -> Option<Proof> {
    let mutual = mutual.map(|secret| ("disk".to_owned(), Secret::new(secret.as_bytes())));
    Some(Proof {
        user: user.into(),
        secret: Secret::new(secret.as_bytes()),
        mutual,
        algorithms: Algorithm::ALL.to_vec(),
    })
}

/// Our initiator against our target.
fn both(hall: &Hall, ask: Ask) -> Result<(iscsi::initiator::Session, iscsi::Agreement), Failure> {
    let (mut initiator, mut target) = (Initiator::new(ask), Login::new(peer(), hall.options, 50));
    let mut request = initiator.start();
    for _ in 0..20 {
        let response = match target.request(&request.as_request(), hall) {
            Step::Send(response) | Step::Refuse(response) => response,
            Step::Admit => target.admitted(Admission { tsih: 3, exp_cmd_sn: 1, max_cmd_sn: 64 }),
            Step::Close(why) => panic!("{why}"),
        };
        match initiator.response(&response) {
            InitiatorStep::Send(next) => request = next,
            InitiatorStep::Done(session) => return Ok((session, target.agreement().clone())),
            InitiatorStep::Failed(failure) => return Err(failure),
        }
    }
    panic!("it does not end");
}

#[test]
fn both_sides_of_our_own_agree() {
    for (hall, proof) in [
        (Hall::default(), None),
        (Hall::with_chap(Chap::Required, false), proof("oneway", SECRET, None)),
        (Hall::with_chap(Chap::Required, true), proof("user", SECRET, Some(MUTUAL))),
        (Hall::with_chap(Chap::Offered, false), proof("user", SECRET, Some(MUTUAL))),
    ] {
        let (session, agreement) = both(&hall, ask(proof)).unwrap();
        let (one, other) = (session.parameters, agreement.parameters);
        assert_eq!((session.tsih, session.portal_group, session.alias.as_deref()), (3, Some(1), Some("Data Disk1")));
        assert!(one.header_digest && !one.data_digest && !one.initial_r2t);
        let mirrored = iscsi::Parameters {
            max_recv_data_segment_length: other.max_send_data_segment_length,
            max_send_data_segment_length: other.max_recv_data_segment_length,
            ..other
        };
        assert_eq!(one, mirrored);
    }
}

#[test]
fn an_initiator_finds_out_a_target_that_cannot_prove_itself() {
    let hall = Hall::with_chap(Chap::Required, true);
    let failure = both(&hall, ask(proof("user", SECRET, Some("not the target's")))).unwrap_err();
    assert_eq!(failure, Failure::Violation("the target could not prove itself".into()));
    let refused = both(&hall, ask(proof("user", "wrong", None))).unwrap_err();
    assert!(matches!(refused, Failure::Refused(0x0201, _)));
}

#[test]
fn one_stage_and_discovery_from_our_own() {
    let hall = Hall::default();
    let (session, _) = both(&hall, Ask { security_stage: false, ..ask(None) }).unwrap();
    assert_eq!(session.parameters.max_burst_length, 1 << 20);
    let (session, agreement) = both(&hall, Ask { target: None, ..ask(None) }).unwrap();
    assert_eq!(agreement.kind, iscsi::SessionKind::Discovery);
    assert_eq!(session.parameters.max_burst_length, 262_144);
    let strict = Ask { header_digest: Digest::Always, data_digest: Digest::Always, ..ask(None) };
    let (session, _) = both(&hall, strict).unwrap();
    assert!(session.parameters.header_digest && session.parameters.data_digest);
}
