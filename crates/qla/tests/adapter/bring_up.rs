//! From power on to online; what cannot be.

use super::rig::{MS, Rig, arena, model, names, nobody};
use emu::isp::{Board, Identity};
use fc::{Fc4, Frames, Port, PortState, Topology, ring_links};
use qla::{Adapter, Error, Mode, Settings};

#[test]
fn online_and_registered_with_the_name_server() {
    let rig = Rig::online();
    let status = rig.shown();
    assert_eq!(status.topology, Some(Topology::Fabric));
    assert_eq!(Some(status.port_id), rig.switch.id_of(names(2).port).map(|id| id.0));
    assert_eq!((rig.port.names(), rig.port.driver(), rig.port.parent()), (names(2), "qla", None));
    let info = rig.port.adapter();
    assert_eq!((info.model.as_str(), info.serial.as_str()), ("QLE2742", "RFD0000Q00001"));
    assert_eq!((info.firmware.as_deref(), info.nvme, info.speed), (Some("9.8.0"), true, Some(32)));
    assert_eq!((info.state.as_str(), info.resets), ("link up", 0));
    assert!(info.temperature.is_some(), "{info:?}");
}

#[test]
fn a_26xx_comes_up_without_shadow_pointers() {
    let identity = Identity { board: Board::Qle2672, ..Identity::new(names(2)) };
    let mut rig = Rig::with(Settings::default(), identity);
    assert!(rig.adapter.is_26xx());
    rig.serve(Fc4::Fcp, 1);
    rig.until(5_000, |rig| rig.shown().state == PortState::Online);
    assert_eq!(rig.port.adapter().speed, Some(16));
    assert_eq!(rig.port.serves(), [Fc4::Fcp], "no FC-NVMe on this family");
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn names_of_the_settings_go_before_those_of_the_nvram() {
    let settings = Settings { names: Some(names(7)), ..Settings::default() };
    let mut rig = Rig::with(settings, Identity::new(names(2)));
    assert!(rig.port.is_known());
    rig.until(5_000, |rig| rig.shown().state == PortState::Online);
    assert!(rig.switch.id_of(names(7).port).is_some() && rig.switch.id_of(names(2).port).is_none());
}

#[test]
fn names_are_known_once_nvram_was_read() {
    let mut rig = Rig::new();
    assert!(!rig.port.is_known());
    rig.until(1_000, |rig| rig.port.is_known());
    assert_eq!(rig.port.names(), names(2));
}

fn refused(settings: Settings) -> String {
    refused_by(Board::Qle2742, settings)
}

fn refused_by(board: Board, settings: Settings) -> String {
    let (frames, arena) = (Frames::new(64), arena());
    let [near, _far] = ring_links(16, [nobody(), nobody()]);
    let identity = Identity { board, ..Identity::new(names(2)) };
    let (device, _runner) = model(identity, near, &frames, &arena);
    match Adapter::new(Box::new(device), settings, &arena, nobody()) {
        Err(error @ (Error::Settings(_) | Error::Firmware(_))) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    }
}

#[test]
fn dual_mode_and_a_missing_file_are_refused_with_a_sentence() {
    let said = refused(Settings { mode: Mode::Dual, ..Settings::default() });
    assert!(said.contains("dual mode") && said.contains("not supported"), "{said}");
    let file = Some("/nonexistent/ql2700_fw.bin".into());
    let said = refused(Settings { firmware_from_file: true, firmware_file: file, ..Settings::default() });
    assert!(said.contains("filestat error /nonexistent/ql2700_fw.bin"), "{said}");
    assert!(said.contains("LoadFWfromFile No"), "{said}");
    let said = refused_by(Board::Qle2672, Settings { serves: vec![Fc4::Nvme], ..Settings::default() });
    assert!(said.contains("a QLE26xx has no FC-NVMe"), "{said}");
}

#[test]
fn firmware_comes_from_the_file_if_that_is_wanted() {
    let path = std::env::temp_dir().join(format!("ql2700_fw-{}.bin", std::process::id()));
    std::fs::write(&path, emu::isp::synthetic_firmware([9, 12, 1])).unwrap();
    let settings = Settings { firmware_from_file: true, firmware_file: Some(path.clone()), ..Settings::default() };
    let mut rig = Rig::with(settings, Identity::new(names(2)));
    std::fs::remove_file(&path).unwrap();
    rig.until(5_000, |rig| rig.shown().state == PortState::Online);
}

#[test]
fn taken_down_and_up_by_the_operator() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.port.set_up(false);
    rig.until(1_000, |rig| rig.shown().state == PortState::Disabled);
    rig.until(1_000, |rig| rig.disks.iter().all(|disk| disk.sessions.is_empty()));
    assert!(rig.switch.id_of(names(2).port).is_none(), "{session:?}");
    rig.port.set_up(true);
    rig.until(10_000, |rig| rig.shown().state == PortState::Online);
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn an_idle_adapter_wants_to_be_polled_within_a_millisecond() {
    let mut rig = Rig::online();
    rig.pass(10);
    assert!(rig.adapter.deadline().unwrap() <= rig.now + MS);
    assert!(!rig.adapter.is_pending());
}
