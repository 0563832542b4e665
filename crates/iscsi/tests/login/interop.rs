//! What the field's initiators send, key by key and stage by stage, and what they must get.
//!
//! open-iscsi's and libiscsi's lists are those of their sources; ESXi's initiator descends from the former. Windows' is from
//! its documented registry values with the stages that captures show.

use crate::common::*;
use iscsi::chap::Algorithm;
use iscsi::text::{binary, to_hexadecimal};
use iscsi::{Chap, Parameters, SessionKind};

const TARGET: &str = "TargetName=iqn.2016-06.io.spdk:disk1";

/// Two stages without authentication.
fn two_stages(security: &[&str], operational: &[&str]) -> (String, Parameters) {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let Said::On(0x81, text) = talk.say(0x81, security) else { panic!("{:?}", talk.login.why()) };
    assert_eq!(value(&text, "AuthMethod"), "None");
    let Said::In(0x87, text) = talk.say(0x87, operational) else { panic!("{:?}", talk.login.why()) };
    (text, talk.login.agreement().parameters)
}

#[test]
fn open_iscsi() {
    let security = ["InitiatorName=iqn.1993-08.org.debian:01:a", "InitiatorAlias=host", TARGET, "SessionType=Normal"];
    let operational = [
        "HeaderDigest=None",
        "DataDigest=None",
        "DefaultTime2Wait=2",
        "DefaultTime2Retain=0",
        "IFMarker=No",
        "OFMarker=No",
        "ErrorRecoveryLevel=0",
        "InitialR2T=No",
        "ImmediateData=Yes",
        "MaxBurstLength=16776192",
        "FirstBurstLength=262144",
        "MaxOutstandingR2T=1",
        "MaxConnections=1",
        "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes",
        "MaxRecvDataSegmentLength=262144",
    ];
    let (text, parameters) = two_stages(&[&security[..], &["AuthMethod=None"]].concat(), &operational);
    assert_eq!((value(&text, "IFMarker"), value(&text, "MaxBurstLength")), ("No", "1048576"));
    assert!(!parameters.initial_r2t && parameters.immediate_data);
    assert_eq!((parameters.first_burst_length, parameters.max_send_data_segment_length), (65_536, 262_144));
}

#[test]
fn open_iscsi_discovers() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let security = ["InitiatorName=iqn.1993-08.org.debian:01:a", "InitiatorAlias=host", "SessionType=Discovery"];
    assert!(matches!(talk.say(0x81, &[&security[..], &["AuthMethod=None"]].concat()), Said::On(0x81, _)));
    let operational = [
        "HeaderDigest=None",
        "DataDigest=None",
        "DefaultTime2Wait=2",
        "DefaultTime2Retain=0",
        "IFMarker=No",
        "OFMarker=No",
        "ErrorRecoveryLevel=0",
        "MaxRecvDataSegmentLength=32768",
    ];
    assert!(matches!(talk.say(0x87, &operational), Said::In(0x87, _)));
    assert_eq!(talk.login.agreement().kind, SessionKind::Discovery);
}

#[test]
fn esxi() {
    let security = ["InitiatorName=iqn.1998-01.com.vmware:esx-1", "InitiatorAlias=esx", TARGET, "SessionType=Normal"];
    let operational = [
        "HeaderDigest=None,CRC32C",
        "DataDigest=None,CRC32C",
        "DefaultTime2Wait=0",
        "DefaultTime2Retain=0",
        "IFMarker=No",
        "OFMarker=No",
        "ErrorRecoveryLevel=0",
        "InitialR2T=No",
        "ImmediateData=Yes",
        "MaxBurstLength=262144",
        "FirstBurstLength=262144",
        "MaxOutstandingR2T=1",
        "MaxConnections=1",
        "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes",
        "MaxRecvDataSegmentLength=131072",
    ];
    let (text, parameters) = two_stages(&[&security[..], &["AuthMethod=None"]].concat(), &operational);
    assert_eq!((value(&text, "HeaderDigest"), value(&text, "DefaultTime2Wait")), ("None", "2"));
    assert_eq!(parameters.max_burst_length, 262_144);
}

#[test]
fn windows() {
    let security =
        ["InitiatorName=iqn.1991-05.com.microsoft:host.example", "SessionType=Normal", TARGET, "AuthMethod=None"];
    let operational = [
        "HeaderDigest=None,CRC32C",
        "DataDigest=None,CRC32C",
        "MaxConnections=8",
        "InitialR2T=No",
        "ImmediateData=Yes",
        "MaxRecvDataSegmentLength=65536",
        "MaxBurstLength=262144",
        "FirstBurstLength=65536",
        "DefaultTime2Wait=0",
        "DefaultTime2Retain=60",
        "MaxOutstandingR2T=16",
        "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes",
        "ErrorRecoveryLevel=2",
    ];
    let (text, parameters) = two_stages(&security, &operational);
    assert_eq!((value(&text, "ErrorRecoveryLevel"), value(&text, "MaxConnections")), ("0", "2"));
    assert_eq!((parameters.max_outstanding_r2t, parameters.time2retain, parameters.max_connections), (1, 20, 2));
}

/// libiscsi begins in the operational stage, or repeats names and type there after the security stage.
const LIBISCSI: [&str; 19] = [
    "InitiatorName=iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-test",
    "InitiatorAlias=libiscsi",
    TARGET,
    "SessionType=Normal",
    "HeaderDigest=None,CRC32C",
    "DataDigest=None",
    "InitialR2T=No",
    "ImmediateData=Yes",
    "MaxBurstLength=262144",
    "FirstBurstLength=262144",
    "DefaultTime2Wait=2",
    "DefaultTime2Retain=0",
    "MaxOutstandingR2T=1",
    "ErrorRecoveryLevel=0",
    "IFMarker=No",
    "OFMarker=No",
    "MaxConnections=1",
    "MaxRecvDataSegmentLength=262144",
    "DataPDUInOrder=Yes",
];

#[test]
fn libiscsi() {
    let hall = Hall::default();
    let mut talk = Talk::new(&hall);
    let Said::In(0x87, text) = talk.say(0x87, &[&LIBISCSI[..], &["DataSequenceInOrder=Yes"]].concat()) else {
        panic!()
    };
    assert_eq!((value(&text, "HeaderDigest"), value(&text, "FirstBurstLength")), ("None", "65536"));
}

#[test]
fn libiscsi_with_chap_both_ways() {
    let hall = Hall::with_chap(Chap::Required, true);
    let mut talk = Talk::new(&hall);
    let first = [&LIBISCSI[..4], &["AuthMethod=CHAP,None"]].concat();
    assert!(matches!(talk.say(0x81, &first), Said::On(0x00, _)), "not yet");
    // T is not set, and NSG is, nevertheless.
    let Said::On(0x00, text) = talk.say(0x01, &["CHAP_A=5"]) else { panic!("{:?}", talk.login.why()) };
    let id = value(&text, "CHAP_I").parse().unwrap();
    let response = Algorithm::Md5.response(id, SECRET.as_bytes(), &binary(value(&text, "CHAP_C")).unwrap());
    let response = format!("CHAP_R={}", to_hexadecimal(&response).to_uppercase().replacen("0X", "0x", 1));
    let own = format!("CHAP_C={}", to_hexadecimal(&[5; 32]));
    let Said::On(0x81, text) = talk.say(0x81, &["CHAP_N=user", &response, "CHAP_I=1", &own]) else { panic!() };
    assert_eq!(value(&text, "CHAP_R"), to_hexadecimal(&Algorithm::Md5.response(1, MUTUAL.as_bytes(), &[5; 32])));
    assert!(matches!(talk.say(0x87, &LIBISCSI), Said::In(0x87, _)), "{:?}", talk.login.why());
}

/// iPXE and other boot firmware: one key set, everything conservative.
#[test]
fn ipxe() {
    let security = ["InitiatorName=iqn.2010-04.org.ipxe:guest", TARGET, "SessionType=Normal", "AuthMethod=None"];
    let operational = [
        "HeaderDigest=None",
        "DataDigest=None",
        "MaxConnections=1",
        "InitialR2T=Yes",
        "ImmediateData=No",
        "MaxRecvDataSegmentLength=8192",
        "MaxBurstLength=262144",
        "FirstBurstLength=65536",
        "DefaultTime2Wait=0",
        "DefaultTime2Retain=0",
        "MaxOutstandingR2T=1",
        "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes",
        "ErrorRecoveryLevel=0",
    ];
    let (text, parameters) = two_stages(&security, &operational);
    assert_eq!(value(&text, "FirstBurstLength"), "Irrelevant");
    assert!(parameters.initial_r2t && !parameters.immediate_data);
}
