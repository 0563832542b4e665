//! Losses: of the link, of sessions, of the firmware itself. Nothing of before may be left, at either end.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::plot;
use emu::isp::firmware::Output;
use wire::U32;
use wire::isp::iocb::*;

fn hang(san: &mut San) -> U32 {
    let handle = san.handle();
    let mut cdb = [0; 16];
    (cdb[0], cdb[1]) = (0x28, plot::HANG);
    san.send(0, &command(handle, &cdb, 2, 512, &[Dsd64::new(BASE, 512)]));
    san.pass(5);
    handle
}

#[test]
fn a_link_bounce_ends_what_is_out_and_comes_back() {
    for code in [0x72, 0x62] {
        let mut san = San::ready();
        let victim = hang(&mut san);
        let begun = san.now;
        assert_eq!(san.mailbox(&[(0, code), (1, 0x10)])[0], 0x4000);
        san.pass(50);
        assert_eq!(san.events(), [[0x8012, 0, 0, 0]]);
        let entries = san.response(0);
        let status = Status::of(&entries[0]);
        assert_eq!((status.handle, status.comp_status()), (victim, CompletionStatus::PORT_LOGGED_OUT));
        assert_eq!(san.targets[0].sessions, 0, "the target knows, too");
        assert_eq!(san.ask_state(), 4);
        assert!(san.outputs.is_empty(), "asking makes nothing faster");
        while san.outputs.is_empty() {
            san.pass(1);
        }
        assert!(san.now - begun >= 100 * MS && san.now - begun < 200 * MS);
        let events: Vec<u16> = san.events().iter().map(|event| event[0]).collect();
        assert_eq!(events, [0x8011, 0x8014]);
        assert_eq!(san.response(0)[0][0], 0x32);
        assert_eq!(san.ask_state(), 3);
        let id = san.disk();
        assert_eq!(san.plogi(DISK, id, 0x10).comp_status(), CompletionStatus::COMPLETE);
    }
}

#[test]
fn a_stop_logs_out_everywhere_and_says_nothing() {
    let mut san = San::ready();
    hang(&mut san);
    let id = san.disk();
    assert_eq!(san.switch.ports()[0].n_ports.len(), 1);
    san.firmware.stop(san.now);
    san.pass(50);
    assert!(san.outputs.is_empty());
    assert_eq!(san.targets[0].sessions, 0);
    assert_eq!(san.targets[0].aborted, 1);
    assert_eq!(san.switch.ports()[0].n_ports.len(), 0);
    san.send(0, &[*order(DISK, id, 0x10).entry()]);
    san.pass(2000);
    assert!(san.outputs.is_empty(), "it is not started");
    san.online();
    assert_eq!(san.plogi(DISK, id, 0x10).comp_status(), CompletionStatus::COMPLETE);
    assert_eq!(san.targets[0].sessions, 1);
}

#[test]
fn a_start_without_a_stop_begins_anew() {
    let mut san = San::ready();
    hang(&mut san);
    san.start();
    san.pass(20);
    assert!(san.outputs.is_empty());
    assert_eq!(san.ask_state(), 3);
    let kinds: Vec<bool> = san.outputs.iter().map(|output| matches!(output, Output::Event(_))).collect();
    assert_eq!(kinds, [true, false, true], "{:?}", san.outputs);
    assert_eq!(san.targets[0].sessions, 0);
}

#[test]
fn all_memory_comes_home_at_a_stop() {
    let mut san = San::ready_with(limits(), 2);
    for _ in 0..2 {
        hang(&mut san);
    }
    san.firmware.stop(san.now);
    san.pass(20);
    san.online();
    let id = san.disk();
    san.plogi(DISK, id, 0x10);
    for _ in 0..2 {
        hang(&mut san);
    }
    assert_eq!(san.firmware.counters().waited, 0);
}

#[test]
fn a_logout_ends_its_commands() {
    for flags in [0x00c8, 0x0098] {
        let mut san = San::ready();
        let victim = hang(&mut san);
        let id = san.disk();
        san.send(0, &[*order(DISK, id, flags).entry()]);
        san.pass(10);
        let all = san.responses(0);
        assert_eq!(all.len(), 2, "{all:02x?}");
        let status = all.iter().find(|entries| entries[0][0] == 3).expect("a Status");
        let status = Status::of(&status[0]);
        assert_eq!((status.handle, status.comp_status()), (victim, CompletionStatus::PORT_LOGGED_OUT));
    }
}

#[test]
fn a_peer_that_goes_is_told_of_by_the_fabric() {
    use fc::Port;
    let mut san = San::ready();
    let victim = hang(&mut san);
    let [domain, area, al_pa] = san.disk().to_bytes();
    san.targets[0].port.set_up(false);
    san.pass(100);
    let events = san.events();
    let rscn = events.iter().find(|event| event[0] == 0x8015).expect("an RSCN");
    assert_eq!(rscn[1..], [u16::from(domain), u16::from(area) << 8 | u16::from(al_pa), 0]);
    assert!(san.responses(0).is_empty(), "the command is the driver's to give up: {victim}");
}
