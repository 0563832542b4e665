//! Vital product data that depends on the port, and pages that every host reads once.

use crate::rig::*;

fn vpd(rig: &mut Rig, page: u8) -> Vec<u8> {
    let data = rig.ask_lun(&[0x12, 1, page, 1, 0, 0], 256).good().data;
    assert_eq!((data[0], data[1], usize::from(data[3]) + 4), (0, page, data.len()), "page {page:#x}");
    data[4..].to_vec()
}

fn padded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize((bytes.len() + 1).next_multiple_of(4), 0);
    bytes
}

fn designator(code_set: u8, kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[code_set, kind, 0, bytes.len() as u8], bytes].concat()
}

const NODE: &str = "iqn.2026-01.io.example:disks";

/// One home, LUN 0, by iSCSI at portal group 3, with a Fibre Channel port beside it.
fn iscsi() -> Rig {
    let mut rig = Rig::homes(1);
    let name = IscsiName::new(NODE).unwrap();
    let target = PortName::IscsiTarget { name, group: 3 };
    let mut map = map(&[(0, 1)]);
    map.ports.push(PortView { name: target, relative: 9, group: 3 });
    rig.put_node(node(vec![map]));
    let initiator = PortName::Iscsi { name: IscsiName::new("iqn.1994-05.com.host:a").unwrap(), isid: [0; 6] };
    let origin = Origin { initiator, target, relative_port: 9, port_group: 3, address: None };
    rig.cores[0].port_mut().open(0, origin);
    rig.run();
    rig.calm(0, 0, 0);
    rig
}

#[test]
fn over_iscsi_port_and_device_have_iscsi_names_and_the_unit_has_its_own() {
    let mut rig = iscsi();
    let page = vpd(&mut rig, 0x83);
    let port_and_device = [
        designator(0x53, 0x98, &padded(&format!("{NODE},t,0x0003"))),
        designator(0x51, 0x94, &[0, 0, 0, 9]),
        designator(0x51, 0x95, &[0, 0, 0, 3]),
        designator(0x53, 0xa8, &padded(NODE)),
    ];
    assert!(page.ends_with(&port_and_device.concat()), "{page:x?}");
    let versions = rig.ask_lun(&[0x12, 0, 0, 0, 96, 0], 96).good().data[58..66].to_vec();
    assert_eq!(versions, [0x00, 0xa0, 0x04, 0x60, 0x04, 0xc0, 0x09, 0x60], "SAM-5, SPC-4, SBC-3, iSCSI");
    // What names the logical unit is the same by each protocol.
    let of_unit = page.len() - port_and_device.concat().len();
    let by_fc = vpd(&mut Rig::new(), 0x83);
    assert_eq!(page[..of_unit], by_fc[..of_unit]);
    assert_eq!(page[..4], [1, 3, 0, 8], "NAA first");
}

#[test]
fn all_ports_of_the_device_are_listed_once() {
    let mut rig = iscsi();
    let of =
        |relative: u8, name: Vec<u8>| [&[0, 0, 0, relative, 0, 0, 0, 0, 0, 0, 0, name.len() as u8][..], &name].concat();
    let fc = designator(0x01, 0x93, &0x2100_0000_0000_0001u64.to_be_bytes());
    let iscsi = designator(0x53, 0x98, &padded(&format!("{NODE},t,0x0003")));
    assert_eq!(vpd(&mut rig, 0x88), [of(1, fc), of(9, iscsi)].concat());
}

#[test]
fn small_pages() {
    let mut rig = Rig::new();
    assert_eq!(vpd(&mut rig, 0x87), [0x3f, 0xff, 0, 0], "all mode pages are shared");
    assert_eq!(vpd(&mut rig, 0xb3), [0; 12], "no referrals");
    let extended = vpd(&mut rig, 0x86);
    assert_eq!((extended[1], extended[2], extended[3], extended[9]), (7, 1, 1, 32), "V_SUP, LUICLR, sense length");
    assert_eq!(vpd(&mut rig, 0xb1)[3], 0x40, "WABEREQ");
    assert_ne!(vpd(&mut rig, 0xb0)[1], 0, "COMPARE AND WRITE");
}
