//! Under which names a disk is known; and that programs which others wrote read our bytes as we mean them.

use crate::rig::*;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use uuid::Uuid;

fn vpd(rig: &mut Rig, page: u8) -> Vec<u8> {
    let data = rig.ask_lun(&[0x12, 1, page, 1, 0, 0], 256).good().data;
    assert_eq!((data[0], data[1], usize::from(data[3]) + 4), (0, page, data.len()), "page {page:#x}");
    data
}

/// Designators of page 83h: code set, kind, bytes.
fn designators(page: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
    let (mut rest, mut all) = (&page[4..], Vec::new());
    while let [code_set, kind, _, len, ..] = *rest {
        let (bytes, behind) = rest[4..].split_at(len.into());
        all.push((code_set, kind, bytes.to_vec()));
        rest = behind;
    }
    all
}

#[test]
fn standard_inquiry_data() {
    let mut rig = Rig::new();
    let data = rig.ask_lun(&[0x12, 0, 0, 0, 255, 0], 255).good().data;
    assert_eq!((data.len(), usize::from(data[4]) + 5), (96, 96));
    assert_eq!(data[..8], [0, 0, 6, 0x12, 91, 0x38, 0, 2]);
    assert_eq!(data[8..32], *b"QFC     qfc disk        ");
    assert_eq!(rig.ask_lun(&[0x12, 0, 0x80, 0, 255, 0], 255).told(), (2, 5, 0x2400));
}

#[test]
fn several_ports_are_said() {
    let mut rig = Rig::homes(1);
    let mut map = map(&[(0, 1)]);
    let other = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0002 };
    map.ports.push(PortView { name: other, relative: 2, group: 1 });
    map.ports.push(PortView { name: other, relative: 3, group: 7 });
    rig.put_node(node(vec![map]));
    rig.open(0, 0);
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 255, 0], 255).good().data[6], 0x10, "MULTIP");
    rig.calm(0, 0, 0);
    let groups = rig.ask_lun(&[0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0], 256).good().data;
    let expected = [
        &[0, 0, 0, 28][..],
        &[0, 0x8f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
        &[0, 0x8f, 0, 7, 0, 0, 0, 1, 0, 0, 0, 3],
    ];
    assert_eq!(groups, expected.concat());
    let extended = rig.ask_lun(&[0xa3, 0x2a, 0, 0, 0, 0, 0, 0, 1, 0], 256).good().data;
    assert_eq!((&extended[..8], &extended[8..]), (&[0, 0, 0, 32, 0x10, 0, 0, 0][..], &groups[4..]));
    assert_eq!(rig.ask_lun(&[0xa3, 0x4a, 0, 0, 0, 0, 0, 0, 1, 0], 256).told(), (2, 5, 0x2400));
}

#[test]
fn vital_product_data() {
    let mut rig = Rig::new();
    assert_eq!(vpd(&mut rig, 0)[4..], [0, 0x80, 0x83, 0x86, 0x87, 0x88, 0x8f, 0xb0, 0xb1, 0xb2, 0xb3]);
    assert_eq!(vpd(&mut rig, 0x80)[4..], *b"00000000000000000000000000000001");
    let page = designators(&vpd(&mut rig, 0x83));
    let uuid = Uuid::from_u128(1);
    let mut with_type = vec![0x10, 0];
    with_type.extend(uuid.as_bytes());
    let expected = [
        (1, 0x03, bdev::identity::naa(uuid).to_vec()),
        (1, 0x02, bdev::identity::eui64(uuid).to_vec()),
        (2, 0x01, b"QFC     qfc disk        00000000000000000000000000000001".to_vec()),
        (1, 0x0a, with_type),
        (1, 0x93, 0x2100_0000_0000_0001u64.to_be_bytes().to_vec()),
        (1, 0x94, vec![0, 0, 0, 1]),
        (1, 0x95, vec![0, 0, 0, 1]),
        (1, 0xa3, 0x2000_0000_0000_0001u64.to_be_bytes().to_vec()),
    ];
    assert_eq!(page, expected);
    let extended = vpd(&mut rig, 0x86);
    assert_eq!((extended.len(), extended[5], extended[7]), (64, 7, 1));
    let limits = vpd(&mut rig, 0xb0);
    assert_eq!((limits.len(), limits[4], limits[5], &limits[6..8]), (64, 1, 64, &[0, 8][..]));
    assert_eq!(limits[8..12], (LARGEST / 512).to_be_bytes());
    assert_eq!(limits[20..36], [0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 8, 0x80, 0, 0, 0]);
    assert_eq!(limits[36..44], 65_535u64.to_be_bytes());
    assert_eq!((vpd(&mut rig, 0xb1).len(), vpd(&mut rig, 0xb1)[5]), (64, 1));
    assert_eq!(vpd(&mut rig, 0xb2)[4..], [0, 0xe4, 2, 0]);
    assert_eq!(rig.ask_lun(&[0x12, 1, 0x81, 0, 255, 0], 255).told(), (2, 5, 0x2400));
}

#[test]
fn a_disk_without_unmap_is_fully_provisioned() {
    let mut rig = Rig::empty(1);
    rig.add_disk(bdev::Features { unmap: false, unmap_zeroes: false, ..FEATURES });
    rig.put_node(node(vec![map(&[(0, 1)])]));
    rig.open(0, 0);
    rig.calm(0, 0, 0);
    assert_eq!(vpd(&mut rig, 0xb2)[4..], [0, 0, 0, 0]);
    assert_eq!(vpd(&mut rig, 0xb0)[20..36], [0; 16]);
    let capacity = rig.ask_lun(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], 32).good().data;
    assert_eq!(capacity[14..16], [0, 0]);
}

#[test]
fn names_survive_a_rename_a_restart_and_another_lun_but_not_another_volume() {
    let page = |rig: &mut Rig| (vpd(rig, 0x80), designators(&vpd(rig, 0x83))[..4].to_vec());
    let mut rig = Rig::new();
    let first = page(&mut rig);
    rig.disk(1).info.lock().unwrap().name = "renamed".into();
    let view = rig.unit_view(1);
    rig.put_unit(view);
    rig.calm(0, 0, 0);
    assert_eq!(page(&mut rig), first);
    let mut again = Rig::homes(2);
    again.open(1, 5);
    again.open(0, 0);
    again.calm(0, 0, 0);
    assert_eq!(page(&mut again), first);
    let mut other = Rig::empty(1);
    other.add_disk(FEATURES);
    other.add_disk(FEATURES);
    other.put_node(node(vec![map(&[(0, 2)])]));
    other.open(0, 0);
    other.calm(0, 0, 0);
    let second = page(&mut other);
    assert_ne!(second.0, first.0);
    assert!(second.1.iter().zip(&first.1).all(|(a, b)| a.2 != b.2));
}

#[test]
fn a_name_that_is_set_is_told() {
    let mut rig = Rig::new();
    let mut view = rig.unit_view(1);
    view.identity.serial = "my serial \u{e9} \n".into();
    view.identity.vendor = "A vendor too long".into();
    view.device = Arc::new(Handle(rig.disks[0].clone()));
    rig.put_unit(view);
    assert!(rig.calm(0, 0, 0).contains(&0x3f03));
    assert_eq!(vpd(&mut rig, 0x80)[4..], *b"my serial ? ?");
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 36, 0], 36).good().data[8..16], *b"A vendor");
}

/// What a program of sg3-utils makes of bytes; `None`, with a word about it, where it is not installed.
fn decoded(program: &str, arguments: &[&str], bytes: &[u8]) -> Option<String> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: {program} is not installed (Debian: sg3-utils)");
        return None;
    };
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = hex.chunks(16).map(|line| line.join(" ")).collect();
    // A program that wants no input may be gone already.
    let written = child.stdin.take().unwrap().write_all(format!("{}\n", lines.join("\n")).as_bytes());
    assert!(written.is_ok() || bytes.is_empty());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

fn assert_says(text: &str, phrases: &[&str]) {
    for phrase in phrases {
        assert!(text.contains(phrase), "{phrase:?} is not in:\n{text}");
    }
}

#[test]
fn sg_inq_reads_our_inquiry_data() {
    let mut rig = Rig::new();
    let data = rig.ask_lun(&[0x12, 0, 0, 0, 255, 0], 255).good().data;
    let Some(text) = decoded("sg_inq", &["--inhex=-"], &data) else { return };
    let phrases =
        ["PQual=0", "PDT=0", "[SPC-4]", "HiSUP=1", "Resp_data_format=2", "TPGS=3", "3PC=1", "CmdQue=1", "length=96"];
    assert_says(&text, &phrases);
    assert_says(&text, &["Vendor identification: QFC", "Product identification: qfc disk", "disk"]);
    let text = decoded("sg_inq", &["-d", "--inhex=-"], &data).unwrap();
    assert_says(&text, &["SAM-5", "SPC-4", "SBC-3", "FCP-4"]);
    let mut none = Rig::empty(1);
    none.open(0, 0);
    let data = none.ask_lun(&[0x12, 0, 0, 0, 255, 0], 255).good().data;
    assert_says(&decoded("sg_inq", &["--inhex=-"], &data).unwrap(), &["PQual=3", "PDT=31"]);
}

#[test]
fn sg_vpd_reads_our_pages() {
    let mut rig = Rig::new();
    let mut says = |page: u8, phrases: &[&str]| {
        let data = vpd(&mut rig, page);
        let page = format!("--page={page:#x}");
        if let Some(text) = decoded("sg_vpd", &[&page, "--inhex=-"], &data) {
            assert_says(&text, phrases);
        }
    };
    says(0, &["Supported VPD pages", "Block limits", "Logical block provisioning"]);
    says(0x80, &["Unit serial number: 00000000000000000000000000000001"]);
    let naa: String = bdev::identity::naa(Uuid::from_u128(1)).iter().map(|byte| format!("{byte:02x}")).collect();
    let eui: String = bdev::identity::eui64(Uuid::from_u128(1)).iter().map(|byte| format!("{byte:02x}")).collect();
    says(
        0x83,
        &[
            "Addressed logical unit:",
            "designator type: NAA",
            &format!("0x{naa}"),
            &format!("0x{eui}"),
            "vendor id: QFC",
            "Locally assigned UUID: 00000000-0000-0000-0000-000000000001",
            "Target port:",
            "0x2100000000000001",
            "Relative target port: 0x1",
            "Target port group: 0x1",
            "Target device that contains addressed lu:",
            "0x2000000000000001",
            "Fibre Channel",
        ],
    );
    says(0x86, &["HEADSUP=1", "ORDSUP=1", "SIMPSUP=1", "LUICLR=1", "V_SUP=0"]);
    says(
        0xb0,
        &[
            "Write same non-zero (WSNZ): 1",
            "Maximum compare and write length: 64 blocks",
            "Optimal transfer length granularity: 8 blocks",
            "Maximum transfer length: 128 blocks",
            "Maximum unmap block descriptor count: 256",
            "Optimal unmap granularity: 8 blocks",
            "Unmap granularity alignment valid: true",
            "Maximum write same length: 0xffff blocks",
        ],
    );
    says(0x87, &["the policy applies to all modes pages and subpages", "Policy: shared"]);
    says(0x88, &["Relative port=1", "0x2100000000000001"]);
    says(0xb3, &["Referrals", "segment multiplier: 0"]);
    says(0xb1, &["Non-rotating medium"]);
    says(
        0xb2,
        &[
            "(LBPU): 1",
            "(LBPWS): 1",
            "(LBPWS10): 1",
            "Logical block provisioning read zeros (LBPRZ): 1",
            "Provisioning type: 2",
        ],
    );
}

#[test]
fn sg_decode_sense_reads_our_sense_data() {
    let mut rig = Rig::new();
    let mut says = |cdb: &[u8], phrases: &[&str]| {
        let ended = rig.ask_lun(cdb, 0);
        let hex: Vec<String> = ended.reply.sense().iter().map(|byte| format!("{byte:02x}")).collect();
        let hex: Vec<&str> = hex.iter().map(String::as_str).collect();
        if let Some(text) = decoded("sg_decode_sense", &hex, &[]) {
            assert_says(&text, phrases);
        }
    };
    says(&[0xff], &["Illegal Request", "Invalid command operation code"]);
    says(&read10(0xffff_ffff, 1), &["Illegal Request", "Logical block address out of range"]);
    let mut naca = read10(0, 1);
    naca[9] = 4;
    says(&naca, &["Invalid field in cdb", "Error in Command: byte 9"]);
    let (bytes, len) =
        wire::scsi::Sense::new(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION).to_descriptors();
    let hex: Vec<String> = bytes[..len].iter().map(|byte| format!("{byte:02x}")).collect();
    let hex: Vec<&str> = hex.iter().map(String::as_str).collect();
    if let Some(text) = decoded("sg_decode_sense", &hex, &[]) {
        assert_says(&text, &["Descriptor format", "Miscompare"]);
    }
}
