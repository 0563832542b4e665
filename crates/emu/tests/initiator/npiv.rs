//! Virtual ports.

use crate::rig::*;
use crate::storage::names;
use emu::isp::firmware::EXECUTE;
use wire::fc::PortId;
use wire::isp::iocb::*;

fn config(vp: u8, n: u64) -> VpConfig {
    let names = names(n);
    VpConfig {
        command: 1,
        vp_count: 1,
        vp_index_1: vp,
        options_1: 0x38,
        port_name_1: names.port.to_bytes(),
        node_name_1: names.node.to_bytes(),
        ..VpConfig::new()
    }
}

fn control(command: VpCommand, vp: u8) -> VpControl {
    let mut iocb = VpControl::new();
    iocb.command.set(command.0);
    iocb.vp_count.set(1);
    iocb.vp_map[usize::from(vp - 1) / 8] = 1 << ((vp - 1) % 8);
    iocb
}

fn enable(san: &mut San, vp: u8, n: u64) -> u16 {
    san.send(EXECUTE, &[*config(vp, n).entry()]);
    let done = VpConfig::of(&san.response(EXECUTE)[0]).comp_status.get();
    san.pass(20);
    done
}

/// The address that the RIDA of a virtual port told.
fn address(san: &mut San, vp: u8) -> PortId {
    let all = san.responses(0);
    let mut reports = all.iter().map(|entries| *ReportId::of(&entries[0]));
    let of_port = |report: &ReportId| report.header.entry_type == EntryType::REPORT_ID && report.vp_index == vp;
    let report = reports.find(of_port).unwrap_or_else(|| panic!("no RIDA of {vp}: {all:x?}"));
    assert_eq!((report.status, report.format, report.flags), (ReportIdStatus::COMPLETE, 1, 6));
    report.port_id.port_id()
}

#[test]
fn a_virtual_port_gets_its_own_address_and_logins() {
    let mut san = San::ready();
    assert_eq!(enable(&mut san, 3, 0x33), 0);
    let id = address(&mut san, 3);
    assert!(san.events().contains(&[0x8014, 0xffff, 6, 3]));
    assert_eq!(san.switch.ports()[0].n_ports.len(), 2);
    let adapter = san.mailbox(&[(0, 0x20), (9, 3)]);
    assert_eq!(u32::from(adapter[3]) << 16 | u32::from(adapter[2]), id.0);
    // The same target by the same services, each under the virtual port's own login.
    let disk = san.disk();
    let mine = LoginLogout { vp_index: 3, ..order(0x7fc, PortId::DIRECTORY, 0x30) };
    assert_eq!(san.login(mine).comp_status(), CompletionStatus::COMPLETE);
    let taken = LoginLogout { vp_index: 3, ..order(DISK, disk, 0x10) };
    assert_eq!(san.login(taken).failure(), Some((LoginSubcode::HANDLE_USED, disk.0)));
    let own = LoginLogout { vp_index: 3, ..order(DISK + 1, disk, 0x10) };
    assert_eq!(san.login(own).io_parameter[0].get(), 0x10);
    assert_eq!(san.targets[0].sessions, 2);
    let handle = san.handle();
    let mut entries = command(handle, &[0; 16], 0, 0, &[]);
    let iocb = Command7::of_mut(&mut entries[0]);
    iocb.nport_handle.set(DISK + 1);
    san.send(0, &entries);
    san.pass(5);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::PORT_LOGGED_OUT, "not port 0's");
    Command7::of_mut(&mut entries[0]).vp_index = 3;
    san.send(0, &entries);
    san.pass(5);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::COMPLETE);
    // RSCN for each of the ports.
    san.events();
    san.add_target(2);
    san.pass(100);
    let told: Vec<u16> = san.events().iter().filter(|event| event[0] == 0x8015).map(|event| event[3]).collect();
    assert!(told.contains(&0) && told.contains(&3), "{told:?}");
    // It goes alone.
    san.send(0, &[*control(VpCommand::DISABLE_LOGO_ALL, 3).entry()]);
    assert_eq!(VpControl::of(&san.response(0)[0]).comp_status.get(), 0);
    san.pass(50);
    assert_eq!(san.switch.ports()[0].n_ports.len(), 1);
    assert_eq!(san.targets[0].sessions, 1);
    assert_eq!(san.mailbox(&[(0, 0x20), (9, 3)])[0], 0x4005);
    san.send(0, &[*control(VpCommand::ENABLE, 3).entry()]);
    san.pass(20);
    assert_eq!(address(&mut san, 3), id, "the fabric remembers");
}

#[test]
fn virtual_ports_come_back_with_the_link() {
    let mut san = San::ready();
    enable(&mut san, 1, 0x31);
    enable(&mut san, 2, 0x32);
    san.outputs.clear();
    san.mailbox(&[(0, 0x72)]);
    san.pass(200);
    let events = san.events();
    assert_eq!(events[..3], [[0x8012, 0, 0, 0], [0x8011, 6, 0, 0], [0x8014, 0xffff, 6, 0xff]]);
    assert!(events.contains(&[0x8014, 0xffff, 6, 1]) && events.contains(&[0x8014, 0xffff, 6, 2]));
    assert_eq!(san.switch.ports()[0].n_ports.len(), 3);
}

#[test]
fn a_name_that_is_in_use_is_reported() {
    let mut san = San::ready();
    assert_eq!(enable(&mut san, 1, 1), 0);
    let all = san.responses(0);
    let report = ReportId::of(&all[0][0]);
    assert_eq!((report.vp_index, report.status, report.ls_rjt_reason), (1, ReportIdStatus::FAILED, 0x09));
}

#[test]
fn there_are_no_more_ports_than_there_are() {
    let mut san = San::ready();
    for vp in [0, 9, 255] {
        assert_eq!(enable(&mut san, vp, 0x33), 1);
    }
    san.send(0, &[*control(VpCommand::ENABLE, 9).entry()]);
    let done = *VpControl::of(&san.response(0)[0]);
    assert_eq!((done.comp_status.get(), done.vp_index_failed.get()), (1, 9));
    assert_eq!(san.mailbox(&[(0, 0x20), (9, 9)])[0], 0x4006);
}
