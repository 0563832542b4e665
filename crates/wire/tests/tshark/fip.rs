//! FIP messages.

use crate::capture::{Capture, HOST};
use wire::IntoBytes;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};
use wire::fcoe::{FcMap, Mac};
use wire::fip::{self, DescriptorType, Fabric, Fc4Types, Flags, Kind, VnPort, Writer};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const NAME: Wwn = Wwn(0x1000_0200_0000_0001);
const VN: VnPort = VnPort { mac: Mac([0x0e, 0xfc, 0, 1, 2, 0]), id: HOST, name: Wwn(0x2100_0024_ff77_99ab) };

fn add(
    c: &mut Capture,
    name: &'static str,
    kind: Kind,
    flags: Flags,
    build: impl FnOnce(Writer<'_>) -> Writer<'_>,
    meant: &[(&'static str, &str)],
) {
    let mut out = [0; 1500];
    let length = build(Writer::new(&mut out, kind, flags)).finish_padded(46);
    c.ethernet(name, fip::ETHERTYPE, &out[..length], meant);
    c.frames.last_mut().unwrap().meant.push(("fip.ver", "1".to_owned()));
}

pub fn capture() -> Capture {
    let mut c = Capture::default();
    discovery(&mut c);
    logins(&mut c);
    vn2vn(&mut c);
    c
}

fn discovery(c: &mut Capture) {
    let flags = Flags::default();
    add(
        c,
        "solicitation",
        Kind::Solicitation,
        flags.with_fpma(true),
        |w| w.mac(MAC).name(NAME).max_frame(2158),
        &[
            ("fip.opcode", "0x0001"),
            ("fip.disc_subcode", "0x01"),
            ("fip.dl_len", "6"),
            ("fip.flags.fpma", "1"),
            ("fip.flags.spma", "0"),
            ("fip.mac", "02:00:00:00:00:01"),
            ("fip.name", "10:00:02:00:00:00:00:01"),
            ("fip.fcoe_size", "2158"),
        ],
    );
    let fabric = Fabric { vf_id: 7, map: FcMap::FABRIC, name: Wwn(0x1000_0000_0000_0001) };
    let f = flags.with_fpma(true).with_available(true).with_solicited(true).with_f_port(true);
    add(
        c,
        "advertisement",
        Kind::Advertisement,
        f,
        |w| w.priority(128).mac(MAC).name(NAME).fabric(fabric).fka_adv_period(8000, false),
        &[
            ("fip.opcode", "0x0001"),
            ("fip.disc_subcode", "0x02"),
            ("fip.flags.available", "1"),
            ("fip.flags.sol", "1"),
            ("fip.flags.fport", "1"),
            ("fip.pri", "128"),
            ("fip.fab.vfid", "7"),
            ("fip.fab.map", "0e.fc.00"),
            ("fip.fab.name", "10:00:00:00:00:00:00:01"),
            ("fip.fka", "8000"),
        ],
    );
    add(
        c,
        "VLAN request",
        Kind::VlanRequest,
        flags,
        |w| w.mac(MAC),
        &[("fip.opcode", "0x0004"), ("fip.vlan_subcode", "0x01")],
    );
    add(
        c,
        "VLAN notification",
        Kind::VlanNotification,
        flags,
        |w| w.mac(MAC).vlan(100).vlan(200),
        &[("fip.vlan_subcode", "0x02"), ("fip.vlan", "100,200")],
    );
}

fn logins(c: &mut Capture) {
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC)
        .with_f_ctl(FCtl::REQUEST)
        .with_exchange(0x11, 0xffff);
    let mut flogi = header.as_bytes().to_vec();
    flogi.extend(Login::fabric(Command::FLOGI, VN.name, NAME, 2112, true).to_bytes());
    let f = Flags::default().with_fpma(true);
    add(
        c,
        "FLOGI",
        Kind::LsRequest,
        f,
        |w| w.els(DescriptorType::FLOGI, &flogi).mac(Mac::NONE),
        &[
            ("fip.opcode", "0x0002"),
            ("fip.ls.subcode", "0x01"),
            ("fip.desc_type", "0x07,0x02"),
            ("fip.mac", "00:00:00:00:00:00"),
            ("fcels.opcode", "0x04"),
            ("fcels.npname", "21:00:00:24:ff:77:99:ab"),
            ("fc.ox_id", "0x0011"),
        ],
    );
    add(
        c,
        "keep-alive",
        Kind::KeepAlive,
        f,
        |w| w.mac(MAC).vn_port(VN),
        &[
            ("fip.opcode", "0x0003"),
            ("fip.ctrl_subcode", "0x01"),
            ("fip.vn.mac", "0e:fc:00:01:02:00"),
            ("fip.vn.fc_id", "0x00010200"),
            ("fip.vn.pwwn", "21:00:00:24:ff:77:99:ab"),
        ],
    );
    add(
        c,
        "clear virtual links",
        Kind::ClearVirtualLinks,
        Flags::default(),
        |w| w.mac(MAC).name(NAME).vn_port(VN),
        &[("fip.ctrl_subcode", "0x02"), ("fip.name", "10:00:02:00:00:00:00:01"), ("fip.vn.fc_id", "0x00010200")],
    );
}

fn vn2vn(c: &mut Capture) {
    let f = Flags::default();
    add(
        c,
        "probe",
        Kind::ProbeRequest,
        f.with_recorded(true),
        |w| w.mac(MAC).name(NAME).vn_port(VN),
        &[
            ("fip.opcode", "0x0005"),
            ("fip.vn2vn_subcode", "0x01"),
            ("fip.flags.rec_p2p", "1"),
            ("fip.vn.fc_id", "0x00010200"),
        ],
    );
    let types = Fc4Types { fcp: Some(1), nvme: None };
    add(
        c,
        "claim",
        Kind::ClaimNotification,
        f,
        |w| w.mac(MAC).name(NAME).vn_port(VN).fc4_types(types).max_frame(2158),
        &[
            ("fip.vn2vn_subcode", "0x03"),
            ("fip.fc4f.fcp", "1"),
            ("fip.fc4f.ip", "0"),
            ("fip.fc4f.feat.fcp.target", "1"),
            ("fip.fc4f.feat.fcp.initiator", "0"),
            ("fip.fcoe_size", "2158"),
        ],
    );
    add(
        c,
        "claim response",
        Kind::ClaimResponse,
        f,
        |w| w.mac(MAC).name(NAME).vn_port(VN).fc4_types(types).max_frame(2158),
        &[("fip.vn2vn_subcode", "0x04")],
    );
    add(c, "beacon", Kind::Beacon, f, |w| w.mac(MAC).name(NAME).vn_port(VN), &[("fip.vn2vn_subcode", "0x05")]);
}
