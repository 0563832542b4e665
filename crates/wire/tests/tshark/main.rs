//! What our builders make, read by somebody else: frames are put into a capture, `tshark` takes it apart, and its fields are
//! compared with what was meant. Where `tshark` is not installed, the tests say so and pass.
//!
//! FC-NVMe is missing: tshark 4.0 has no dissector for it (its commands would be read as FCP's).

mod capture;
mod ct;
mod els;
mod fcp;
mod fip;

use capture::Capture;
use std::io::Write;
use std::process::{Command, Stdio};

/// Whether the program is there; says so when it is not.
fn installed() -> bool {
    let there = Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("tshark is not installed: skipped");
    }
    there
}

/// One line for each frame, one column for each of `fields`.
fn dissect(pcap: Vec<u8>, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", "-", "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"]);
    fields.iter().for_each(|field| _ = command.args(["-e", field]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || _ = stdin.write_all(&pcap));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

/// What tshark reads otherwise than it was meant, one line each.
fn differences(capture: &Capture) -> Vec<String> {
    let mut fields = vec!["_ws.malformed", "_ws.expert.severity"];
    fields.extend(capture.fields());
    let lines = dissect(capture.pcap(), &fields);
    assert_eq!(lines.len(), capture.frames.len(), "a line for each frame");
    let mut found = Vec::new();
    for (frame, line) in capture.frames.iter().zip(&lines) {
        let value = |field: &str| line[fields.iter().position(|known| *known == field).unwrap()].as_str();
        if !value("_ws.malformed").is_empty() {
            found.push(format!("{}: malformed", frame.name));
        }
        // 8388608 is an error, 6291456 a warning; notes and remarks are below.
        if value("_ws.expert.severity").split(',').any(|level| level.parse().is_ok_and(|level: u32| level >= 6_291_456))
        {
            found.push(format!("{}: expert information {}", frame.name, value("_ws.expert.severity")));
        }
        for (field, meant) in &frame.meant {
            if value(field) != meant {
                found.push(format!("{}: {field} is {:?} instead of {meant:?}", frame.name, value(field)));
            }
        }
    }
    found
}

fn agree(capture: &Capture) {
    if installed() {
        let found = differences(capture);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn link_services() {
    agree(&els::capture());
}

#[test]
fn name_server() {
    agree(&ct::capture());
}

#[test]
fn scsi() {
    agree(&fcp::capture());
}

#[test]
fn fip_messages() {
    agree(&fip::capture());
}

/// The comparison finds a byte that is wrong, wherever it is: in the frame header, in a payload, in the CRC.
#[test]
fn a_wrong_byte_is_found() {
    if !installed() {
        return;
    }
    // Ethernet 14, FCoE 14, frame header 24. The CRC of each of them is wrong then.
    let places = [
        (2, "PLOGI", "fc.ox_id", 28 + 16),
        (0, "FLOGI", "fcels.npname", 52 + 20),
        (4, "FDISC", "fcoe.crc.status", 52 + 110),
    ];
    let mut capture = els::capture();
    places.iter().for_each(|&(frame, _, _, at)| capture.frames[frame].bytes[at] ^= 0x40);
    let found = differences(&capture);
    for (_, name, field, _) in places {
        assert!(found.iter().any(|line| line.starts_with(&format!("{name}: {field} "))), "{name}: {field}: {found:?}");
    }
    let mut capture = fip::capture();
    capture.frames[0].bytes[14 + 5] = 2;
    assert!(!differences(&capture).is_empty(), "a subcode");
}
