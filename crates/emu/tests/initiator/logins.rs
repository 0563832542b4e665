//! Login/logout IOCBs: each answer that a driver tells apart, and the lists of logins.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::names;
use wire::fc::PortId;
use wire::isp::iocb::*;

fn failure(done: &LoginLogout) -> (u16, u32, u32) {
    (done.comp_status.get(), done.io_parameter[0].get(), done.io_parameter[1].get())
}

#[test]
fn plogi_with_the_firmwares_prli_is_answered_as_the_example_says() {
    let mut san = San::new();
    san.online();
    let id = san.disk();
    let done = san.plogi(DISK, id, 0x0010);
    let mut expected = order(DISK, id, 0x0010);
    expected.handle = done.handle;
    let mut bytes = *expected.entry();
    bytes[20] = 0x10;
    bytes[56] = 1;
    assert_eq!(done.entry(), &bytes);
    assert_eq!(san.targets[0].sessions, 1);
    // Conditional: once more without a frame.
    let frames = san.firmware.counters().exchanges.frames_out;
    assert_eq!(san.plogi(DISK, id, 0x0010).io_parameter[0].get(), 0x10);
    assert_eq!(san.firmware.counters().exchanges.frames_out, frames);
}

#[test]
fn prli_of_both_protocols_by_order() {
    let mut san = San::new();
    san.online();
    let id = san.disk();
    assert_eq!(san.plogi(DISK, id, 0x0030).io_parameter[0].get(), 0);
    assert_eq!(san.targets[0].sessions, 0);
    let nvme = san.plogi(DISK, id, 0x0041);
    assert_eq!((nvme.comp_status.get(), nvme.io_parameter[0].get(), nvme.io_parameter[1].get()), (0, 0x18, 0));
    let fcp = san.plogi(DISK, id, 0x0001);
    assert_eq!((fcp.comp_status.get(), fcp.io_parameter[0].get()), (0, 0x10));
    assert_eq!(san.targets[0].sessions, 2);
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut san = San::new();
    san.add_target(2);
    san.pass(50);
    san.online();
    let (first, second) = (san.address_of(0), san.address_of(1));
    assert_eq!(failure(&san.plogi(1, first, 0x10)), (0, 0x10, 0));
    assert_eq!(failure(&san.plogi(2, first, 0x10)), (0x31, 0x1a, 1), "the address has handle 1");
    assert_eq!(failure(&san.plogi(1, second, 0x10)), (0x31, 0x1b, first.0), "the handle is that port's");
    assert_eq!(failure(&san.plogi(9, second, 0x01)), (0x31, 0x09, 0), "PRLI without a login");
    assert_eq!(failure(&san.plogi(9, PortId::NONE, 0x03)), (0x31, 0x09, 0), "ADISC without a login");
    assert_eq!(failure(&san.plogi(0x7f0, second, 0x10)).1, 0x19);
    assert_eq!(failure(&san.plogi(9, PortId::NONE, 0x10)).1, 0x19);
    assert_eq!(failure(&san.plogi(9, second, 0x0f)).1, 0x19);
    // Nobody is there: the fabric does not carry the frame.
    san.send(0, &[*order(9, PortId(0x01ee00), 0x10).entry()]);
    san.sleep(40);
    let done = *LoginLogout::of(&san.response(0)[0]);
    assert_eq!(failure(&done).0, 0x31);
    assert!([0x04, 0x18].contains(&failure(&done).1), "{done:x?}");
    assert_eq!(failure(&san.plogi(9, second, 0x10)).0, 0, "and the handle is free again");
    let wrong_port = LoginLogout { vp_index: 200, ..order(9, second, 0x10) };
    assert_eq!(san.login_refused(wrong_port), 0x08);
}

#[test]
fn without_a_link_there_is_no_login() {
    let mut san = San::ready();
    san.firmware.set_cable(false);
    san.pass(10);
    san.outputs.clear();
    let id = san.disk();
    assert_eq!(failure(&san.plogi(DISK, id, 0x10)), (0x31, 0x01, 0));
    assert_eq!(failure(&san.plogi(DISK, id, 0x98)), (0, 0, 0), "but a logout");
}

#[test]
fn adisc_goes_by_the_handle_alone() {
    let mut san = San::ready();
    let done = san.plogi(DISK, PortId::NONE, 0x03);
    assert_eq!(failure(&done), (0, 0, 0));
    assert_eq!(san.targets[0].sessions, 1);
}

#[test]
fn logouts_explicit_implicit_and_of_nobody() {
    for (flags, frame) in [(0x00c8, true), (0x0098, false), (0x0018, false), (0x0008, true)] {
        let mut san = San::ready();
        let id = san.disk();
        assert_eq!(failure(&san.plogi(DISK, id, flags)), (0, 0, 0));
        assert_eq!(san.targets[0].sessions, if frame { 0 } else { 1 }, "{flags:#x}");
        assert_eq!(failure(&san.plogi(DISK, PortId::NONE, 0x03)).1, 0x09);
        assert_eq!(failure(&san.plogi(0x123, id, flags)), (0, 0, 0), "{flags:#x} of an unknown handle");
        assert_eq!(failure(&san.plogi(DISK, id, 0x10)), (0, 0x10, 0), "in again after {flags:#x}");
        assert_eq!(san.targets[0].sessions, 1);
    }
}

#[test]
fn prlo_leaves_the_other_protocol() {
    let mut san = San::ready();
    let id = san.disk();
    assert_eq!(failure(&san.plogi(DISK, id, 0x0041)).0, 0);
    assert_eq!(san.targets[0].sessions, 2);
    assert_eq!(failure(&san.plogi(DISK, id, 0x0009)), (0, 0, 0));
    assert_eq!(san.targets[0].sessions, 1);
    assert_eq!(san.mailbox_memory(0x64, &[(1, DISK)]), 0x4000);
    assert_eq!(san.memory.get(2, 1), [0x64]);
}

impl San {
    fn login_refused(&mut self, iocb: LoginLogout) -> u8 {
        self.send(0, &[*iocb.entry()]);
        let back = self.response(0)[0];
        assert_eq!(back[0], 0x52);
        back[3]
    }

    /// A mailbox command with a buffer at the begin of the memory; its status.
    fn mailbox_memory(&mut self, code: u16, more: &[(usize, u16)]) -> u16 {
        let mut all = vec![(0, code), (2, (BASE >> 16) as u16), (7, (BASE >> 32) as u16)];
        all.extend(more);
        self.mailbox(&all)[0]
    }
}

#[test]
fn the_port_database_and_both_lists_as_the_examples_say() {
    let mut san = San::ready();
    san.plogi(0x7fc, PortId::DIRECTORY, 0x30);
    let [domain, area, al_pa] = san.disk().to_bytes();
    assert_eq!(san.mailbox_memory(0x64, &[(1, 77)]), 0x400a);
    assert_eq!(san.mailbox_memory(0x64, &[(1, DISK)]), 0x4000);
    let mut expected = [0; 64];
    (expected[2], expected[3]) = (0x46, 0x46);
    expected[8..11].copy_from_slice(&[domain, area, al_pa]);
    expected[14] = DISK as u8;
    // 2,048 is what the control block asked for.
    (expected[16], expected[17]) = (0, 8);
    let names = names(1);
    expected[24..32].copy_from_slice(&names.port.to_bytes());
    expected[32..40].copy_from_slice(&names.node.to_bytes());
    let entry = san.memory.get(0, 64);
    assert_eq!(entry[22] & 0x30, 0x10, "a target");
    (expected[22], expected[23]) = (entry[22], entry[23]);
    assert_eq!(entry, expected);
    // By an IOCB, as drivers do it: one entry of 40 bytes, services are not in it.
    let mut iocb = MailboxIocb { handle: san.handle(), ..MailboxIocb::new() };
    for (at, value) in [(0, 0x75), (1, 0xc), (2, (BASE >> 16) as u16), (7, (BASE >> 32) as u16), (8, 0x4000)] {
        iocb.mailboxes[at].set(value);
    }
    san.send(0, &[*iocb.entry()]);
    let done = *MailboxIocb::of(&san.response(0)[0]);
    assert_eq!((done.handle, done.mailboxes[0].get(), done.mailboxes[1].get()), (iocb.handle, 0x4000, 40));
    let list = san.memory.get(0, 40);
    expected[8..11].copy_from_slice(&[al_pa, area, domain]);
    expected[24..32].reverse();
    expected[32..40].reverse();
    assert_eq!(list, expected[..40]);
    assert_eq!(san.mailbox_memory(0x7c, &[]), 0x4000);
    assert_eq!(san.memory.get(0, 8), [al_pa, area, domain, 0, DISK as u8, 0, 0, 0]);
    // Not one of the firmware's.
    iocb.mailboxes[0].set(0x31);
    san.send(0, &[*iocb.entry()]);
    assert_eq!(MailboxIocb::of(&san.response(0)[0]).mailboxes[0].get(), 0x4001);
}

#[test]
fn a_mailbox_logout_is_seen_by_the_port() {
    let mut san = San::ready();
    assert_eq!(san.mailbox(&[(0, 0x56), (1, DISK)])[0], 0x4000);
    san.pass(10);
    assert_eq!(san.targets[0].sessions, 0);
    assert_eq!(san.mailbox(&[(0, 0x56), (1, DISK)])[0], 0x4000);
    assert_eq!(san.mailbox(&[(0, 0x70), (1, 3)])[0], 0x4000);
    assert_eq!(san.mailbox(&[(0, 0x70), (1, 9)])[0], 0x4006);
    assert_eq!(san.mailbox(&[(0, 0x1a), (1, DISK)])[0], 0x400a);
}

#[test]
fn a_lost_plogi_is_tried_again() {
    use fabric::{Action, Match, Rule};
    let mut san = San::new();
    san.online();
    let matches = Match { r_ctl: Some(wire::fc::RCtl::ELS_REQUEST), ..Match::default() };
    san.switch.inject(Rule { matches, action: Action::Drop, count: Some(1), probability: 1.0, seed: 1 });
    let id = san.disk();
    san.send(0, &[*order(DISK, id, 0x10).entry()]);
    san.sleep(6);
    let done = *LoginLogout::of(&san.response(0)[0]);
    assert_eq!(failure(&done), (0, 0x10, 0));
}
