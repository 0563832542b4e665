//! `iscsi_login`: login requests of any content to a target's [`iscsi::Login`], and what follows to a [`TextPhase`]; and the answers
//! of a target of any content to our own initiator.
//!
//! Input: who is asked (bit 0 CHAP is required, bit 1 mutual CHAP, bit 2 digests are required, bit 3 no immediate data, bit 7 the
//! input is a target's answers), then PDUs: flags, bits that change header fields, length (two bytes), text. In a text, bytes
//! from 80h stand for whole pairs of [`PAIRS`], so that mostly right texts are short.

use crate::input::Input;
use iscsi::chap::Algorithm;
use iscsi::chap::prover::Proof;
use iscsi::directory::{Denied, Directory};
use iscsi::initiator::{Ask, Digest, Step as Wanted};
use iscsi::login::{Admission, Login, Peer, Request, Response, Step};
use iscsi::text_phase::{self, RESERVED, TextPhase};
use iscsi::{
    AuthPolicy, Chap, Credentials, Options, Portal, Secret, SessionKind, Status, TargetInfo, TargetRecord, Visitor,
    limits,
};

const PAIRS: [&str; 48] = [
    "InitiatorName=iqn.a",
    "TargetName=iqn.t",
    "SessionType=Discovery",
    "SessionType=Normal",
    "InitiatorAlias=a",
    "AuthMethod=CHAP,None",
    "AuthMethod=None",
    "AuthMethod=CHAP",
    "CHAP_A=5,6,7,8",
    "CHAP_A=7",
    "CHAP_I=1",
    "CHAP_C=0x000102030405060708090a0b0c0d0e0f",
    "CHAP_C=0bAAECAw==",
    "CHAP_N=u",
    "CHAP_R=0x00",
    "HeaderDigest=CRC32C,None",
    "HeaderDigest=None",
    "HeaderDigest=CRC32C",
    "DataDigest=None,CRC32C",
    "DataDigest=CRC32C",
    "MaxConnections=4",
    "InitialR2T=Yes",
    "InitialR2T=No",
    "ImmediateData=Yes",
    "ImmediateData=No",
    "MaxRecvDataSegmentLength=512",
    "MaxRecvDataSegmentLength=262144",
    "MaxBurstLength=512",
    "MaxBurstLength=16776192",
    "FirstBurstLength=512",
    "FirstBurstLength=65536",
    "DefaultTime2Wait=0",
    "DefaultTime2Retain=3600",
    "MaxOutstandingR2T=16",
    "DataPDUInOrder=No",
    "DataSequenceInOrder=Yes",
    "ErrorRecoveryLevel=2",
    "ErrorRecoveryLevel=0",
    "TaskReporting=FastAbort,RFC3720",
    "iSCSIProtocolLevel=2",
    "IFMarker=Yes",
    "OFMarkInt=1~2",
    "X-com.example=1",
    "X#NodeArchitecture=x",
    "SendTargets=All",
    "SendTargets=iqn.t",
    "TargetPortalGroupTag=1",
    "MaxRecvDataSegmentLength=Reject",
];

struct Hall {
    info: TargetInfo,
    options: Options,
}

impl Directory for Hall {
    fn options(&self) -> Options {
        self.options
    }

    fn discovery(&self, _: &Portal) -> AuthPolicy {
        self.info.auth
    }

    fn target(&self, name: &str, _: &Visitor<'_>) -> Result<TargetInfo, Denied> {
        assert!(iscsi::normalise(name).as_deref() == Some(name), "names are normal when they are asked for");
        if name == "iqn.t" { Ok(self.info.clone()) } else { Err(Denied::NotFound) }
    }

    fn targets(&self, visitor: &Visitor<'_>) -> Vec<TargetRecord> {
        let portals = vec![(visitor.portal.address, 1); 200];
        vec![TargetRecord { name: "iqn.t".into(), portals }]
    }

    fn credentials(&self, _: u32, user: &str) -> Option<Credentials> {
        let mutual = Some(("t".to_owned(), Secret::new(b"other secret 12")));
        (user == "u").then(|| Credentials { secret: Secret::new(b"a secret of 12+"), mutual })
    }
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let flags = input.u8();
    if flags & 0x80 != 0 { to_initiator(flags, &mut input) } else { to_target(flags, &mut input) }
}

/// A text with its short forms written out.
fn text(input: &mut Input<'_>) -> Vec<u8> {
    let length = usize::from(input.u16()) % 2048;
    let mut text = Vec::new();
    for &byte in input.bytes(length) {
        match byte.checked_sub(0x80) {
            Some(which) => {
                text.extend_from_slice(PAIRS[usize::from(which) % PAIRS.len()].as_bytes());
                text.push(0);
            }
            None => text.push(byte),
        }
    }
    text
}

fn to_target(flags: u8, input: &mut Input<'_>) {
    let chap = if flags & 1 != 0 { Chap::Required } else { Chap::Offered };
    let auth = AuthPolicy { chap, mutual: flags & 2 != 0, group: Some(1) };
    let digests = flags & 4 != 0;
    let info = TargetInfo { auth, header_digest: digests, data_digest: digests, alias: Some("alias".into()) };
    let options = Options { immediate_data: flags & 8 == 0, ..Options::default() };
    let hall = Hall { info, options };
    let address = "127.0.0.1:3260".parse().expect("an address");
    let peer = Peer { address: "127.0.0.1".parse().expect("an address"), portal: Portal { group: 1, address } };
    let mut login = Login::new(peer, options, 0);
    let mut stat_sn = 0_u32;
    while !input.is_empty() {
        let (flags, change) = (input.u8(), input.u8());
        let text = text(input);
        let request = Request {
            immediate: change & 1 == 0,
            flags,
            version_min: change >> 1 & 1,
            isid: [0x80, 0, 0, 0, 0, change >> 2 & 1],
            tsih: u16::from(change >> 3 & 1),
            cid: u16::from(change >> 4 & 1),
            text: &text,
            ..Request::default()
        };
        match login.request(&request, &hall) {
            Step::Send(response) => check(&response, &mut stat_sn),
            Step::Admit => return admitted(&hall, &mut login, input),
            Step::Refuse(response) => {
                let class = response.status >> 8;
                assert!(class == 2 || class == 3, "a refusal has a status");
                assert!(response.flags == 0 && response.text.is_empty() && login.why().is_some());
                assert!(matches!(login.request(&request, &hall), Step::Close(_)), "nothing follows a refusal");
                return;
            }
            Step::Close(_) => return,
        }
    }
    if let Some(response) = login.other_request() {
        assert_eq!(response.status, Status::InvalidDuringLogin.code());
    }
}

fn check(response: &Response, stat_sn: &mut u32) {
    assert_eq!((response.status, response.stat_sn), (0, *stat_sn));
    assert!(response.text.len() <= limits::LOGIN_SEGMENT);
    assert!(response.flags & 0xc0 != 0xc0, "T and C are never both set");
    *stat_sn += 1;
}

/// The rules that every login keeps that was let in.
fn admitted(hall: &Hall, login: &mut Login, input: &mut Input<'_>) {
    let mut agreement = login.agreement().clone();
    let parameters = agreement.parameters;
    let normal = agreement.kind != SessionKind::Discovery;
    assert!(hall.info.auth.chap != Chap::Required, "nobody finds the response to a random challenge");
    assert!(!agreement.initiator.is_empty() && parameters.error_recovery_level == 0 && !parameters.fast_abort);
    assert!(parameters.data_pdu_in_order && parameters.data_sequence_in_order);
    if normal && agreement.tsih == 0 {
        assert!(hall.options.immediate_data || !parameters.immediate_data);
        let burst = !parameters.initial_r2t || parameters.immediate_data;
        assert!(!burst || parameters.first_burst_length <= parameters.max_burst_length);
        assert!(parameters.max_burst_length <= hall.options.max_burst_length);
        assert!(parameters.max_connections <= hall.options.max_connections && parameters.max_outstanding_r2t == 1);
    }
    assert!(!normal || !hall.info.header_digest || parameters.header_digest);
    let response = login.admitted(Admission { tsih: 1, exp_cmd_sn: 0, max_cmd_sn: 1 });
    assert!(response.flags & 0x83 == 0x83 && response.tsih == 1);
    let (mut phase, mut ttt) = (TextPhase::default(), RESERVED);
    while !input.is_empty() {
        let change = input.u8();
        let text = text(input);
        let (last, more, itt) = (change & 1 != 0, change & 2 != 0, u32::from(change >> 2 & 1));
        let tag = if change & 8 != 0 { ttt } else { RESERVED };
        let request = text_phase::Request { last, more, itt, ttt: tag, text: &text };
        match phase.request(&request, &mut agreement, hall) {
            text_phase::Step::Send(response) => {
                assert!(response.text.len() <= agreement.parameters.max_send_data_segment_length as usize);
                assert!(response.last == (response.ttt == RESERVED) && !(response.last && response.more));
                ttt = response.ttt;
            }
            text_phase::Step::Reject => ttt = RESERVED,
        }
    }
}

/// Our own initiator, and whatever a target may say to it.
fn to_initiator(flags: u8, input: &mut Input<'_>) {
    let mutual = (flags & 2 != 0).then(|| ("t".to_owned(), Secret::new(b"other secret 12")));
    let proof =
        Proof { user: "u".into(), secret: Secret::new(b"a secret of 12+"), mutual, algorithms: Algorithm::ALL.into() };
    let digest = if flags & 4 != 0 { Digest::Always } else { Digest::RatherNone };
    let ask = Ask {
        initiator: "iqn.a".into(),
        target: (flags & 16 == 0).then(|| "iqn.t".into()),
        isid: [0x80, 0, 0, 0, 0, 0],
        tsih: 0,
        cid: 0,
        cmd_sn: 0,
        options: Options { immediate_data: flags & 8 == 0, ..Options::default() },
        header_digest: digest,
        data_digest: digest,
        proof: (flags & 1 != 0).then_some(proof),
        security_stage: flags & 32 == 0,
    };
    let mut login = iscsi::initiator::Login::new(ask);
    let mut request = login.start();
    let mut stat_sn = 0;
    while !input.is_empty() {
        assert!(request.text.len() <= limits::LOGIN_SEGMENT && request.flags & 0xc0 != 0xc0);
        let (pdu_flags, change) = (input.u8(), input.u8());
        let text = text(input);
        let response = Response {
            flags: pdu_flags,
            isid: [0x80, 0, 0, 0, 0, change & 1],
            tsih: u16::from(change >> 1 & 1),
            stat_sn: stat_sn + u32::from(change >> 2 & 1),
            status: if change & 8 != 0 { u16::from(change) << 4 } else { 0 },
            text,
            ..Response::default()
        };
        stat_sn += 1;
        match login.response(&response) {
            Wanted::Send(next) => request = next,
            Wanted::Done(session) => {
                let parameters = session.parameters;
                assert!(session.tsih != 0 && parameters.error_recovery_level == 0);
                assert!(flags & 4 == 0 || (parameters.header_digest && parameters.data_digest));
                assert!(flags & 3 != 3, "a target that does not know the secret cannot prove that it does");
                return;
            }
            Wanted::Failed(_) => return,
        }
    }
}
