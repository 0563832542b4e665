//! From the start to the name server, as a driver does it.

use crate::memory::BASE;
use crate::rig::*;
use emu::isp::firmware::{EXECUTE, Output};
use fc::Port;
use wire::fc::{PortId, Wwn};
use wire::isp::iocb::*;

const LOOP_UP: [u16; 8] = [0x8011, 6, 0, 0, 0, 0, 0, 0];
const PORT_UPDATE: [u16; 8] = [0x8014, 0xffff, 6, 0x00ff, 0, 0, 0, 0];

/// The events of a link that came up, byte by byte (09 section 9.10 of the interface).
fn link_events(san: &mut San) -> PortId {
    let outputs = std::mem::take(&mut san.outputs);
    let [Output::Event(up), Output::Response { queue: 0, entries }, Output::Event(update)] = &outputs[..] else {
        panic!("{outputs:02x?}")
    };
    assert_eq!((up, update), (&LOOP_UP, &PORT_UPDATE));
    let rida = &entries[0];
    let report = san.switch.ports();
    let f_port: Wwn = report[0].name.parse().expect("a name");
    let id = report[0].n_ports[0].port_id.trim_start_matches("0x");
    let id = PortId(u32::from_str_radix(id, 16).expect("an address"));
    let mut expected = [0; 64];
    expected[..4].copy_from_slice(&[0x32, 1, 0, 0]);
    (expected[8], expected[9]) = (1, 1);
    let [domain, area, al_pa] = id.to_bytes();
    expected[12..16].copy_from_slice(&[al_pa, area, domain, 1]);
    expected[17] = 6;
    expected[40..48].copy_from_slice(&f_port.to_bytes());
    expected[48..56].copy_from_slice(&FABRIC.to_bytes());
    assert_eq!(rida, &expected);
    id
}

#[test]
fn nothing_happens_before_the_start() {
    let mut san = San::new();
    san.pass(100);
    assert!(san.outputs.is_empty());
    assert_eq!(san.switch.ports()[0].n_ports.len(), 0);
    assert_eq!(san.mailbox(&[(0, 0x69)])[..2], [0x4000, 0]);
    san.send(0, &[*order(1, PortId(0x010100), 0x10).entry()]);
    san.pass(10);
    assert!(san.outputs.is_empty());
}

#[test]
fn a_silent_host_hears_of_the_link_after_a_second() {
    let mut san = San::new();
    san.start();
    san.pass(900);
    assert!(san.outputs.is_empty(), "{:?}", san.outputs);
    assert_eq!(san.switch.ports()[0].n_ports.len(), 1, "it is logged in already");
    san.pass(150);
    link_events(&mut san);
}

#[test]
fn a_host_that_asks_for_the_state_hears_of_the_link_at_once() {
    let mut san = San::new();
    san.start();
    san.pass(20);
    assert_eq!(san.ask_state(), 3);
    let id = link_events(&mut san);
    let [domain, area, al_pa] = id.to_bytes();
    let adapter = san.mailbox(&[(0, 0x20)]);
    let low = u16::from(area) << 8 | u16::from(al_pa);
    assert_eq!(adapter[..8], [0x4000, 0x7fe, low, u16::from(domain), 0, 0, 3, 1 << 10]);
    assert_eq!(san.mailbox(&[(0, 0x22)])[..4], [0x4000, 8, 0, 200]);
    assert_eq!(san.mailbox(&[(0, 0x5d)])[..3], [0x4000, 6, 0]);
    let node = san.mailbox(&[(0, 0x6a), (1, 0x7fe), (10, 1)]);
    assert_eq!([node[0], node[2], node[3], node[6], node[7]], [0x4000, 0x1000, 0x0271, 0x6663, 0x0001]);
    assert_eq!(san.mailbox(&[(0, 0x6a), (1, 5)])[0], 0x400a);
}

#[test]
fn a_host_that_asks_too_early_waits_for_the_login() {
    let mut san = San::new();
    san.start();
    assert_eq!(san.ask_state(), 4, "no light was seen yet");
    let not_ready = san.mailbox(&[(0, 0x20)]);
    assert_eq!(not_ready[..2], [0x4005, 7]);
    san.pass(20);
    link_events(&mut san);
    assert_eq!(san.ask_state(), 3);
}

#[test]
fn without_a_cable_nothing_comes() {
    let mut san = San::new();
    san.firmware.set_cable(false);
    san.start();
    san.pass(1500);
    assert_eq!(san.ask_state(), 4);
    assert!(san.outputs.is_empty());
    san.firmware.set_cable(true);
    san.pass(50);
    link_events(&mut san);
    san.firmware.set_cable(false);
    san.pass(5);
    assert_eq!(san.events(), [[0x8012, 0, 0, 0]]);
    assert_eq!(san.ask_state(), 4);
}

#[test]
fn well_known_ports_are_logged_in_through_the_mailbox() {
    let mut san = San::new();
    san.online();
    for (handle, id, flags) in [(0x7ef, PortId::MANAGEMENT, 0x20), (0x7fc, PortId::DIRECTORY, 0x30)] {
        for _ in 0..2 {
            let iocb = order(handle, id, flags);
            san.send(EXECUTE, &[*iocb.entry()]);
            san.pass(10);
            let done = san.response(EXECUTE);
            let mut expected = iocb;
            expected.io_parameter[9].set(1);
            assert_eq!(done, [*expected.entry()]);
        }
    }
}

/// A CT request, and the status, the length and the bytes of its answer.
fn ct(san: &mut San, handle: u16, request: &[u8], room: u32) -> (CompletionStatus, u32, Vec<u8>) {
    let at = san.memory.put(0, request);
    let mut iocb = CtPassThrough { handle: san.handle(), ..CtPassThrough::new() };
    iocb.nport_handle.set(handle);
    iocb.cmd_dsd_count.set(1);
    iocb.rsp_dsd_count.set(1);
    iocb.dsds = [Dsd64::new(at, request.len() as u32), Dsd64::new(BASE + 0x1000, room)];
    san.send(0, &[*iocb.entry()]);
    san.pass(10);
    let done = *CtPassThrough::of(&san.response(0)[0]);
    assert_eq!((done.handle, done.header.entry_status), (iocb.handle, 0));
    let len = done.rsp_byte_count.get();
    (done.comp_status(), len, san.memory.get(0x1000, len as usize))
}

/// GPN_FT for FCP.
const GPN_FT: [u8; 20] = [1, 0, 0, 0, 0xfc, 2, 0, 0, 1, 0x72, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 8];

#[test]
fn the_name_server_is_asked_by_ct() {
    let mut san = San::new();
    san.online();
    assert_eq!(ct(&mut san, 0x7fc, &GPN_FT, 32784).0, CompletionStatus::PORT_LOGGED_OUT);
    san.plogi(0x7fc, PortId::DIRECTORY, 0x30);
    let (status, len, reply) = ct(&mut san, 0x7fc, &GPN_FT, 32784);
    assert_eq!((status, len), (CompletionStatus::DATA_UNDERRUN, 32));
    assert_eq!(reply[8..10], [0x80, 0x02]);
    let mut entry = vec![0x80];
    entry.extend(san.disk().to_bytes());
    entry.extend([0; 4]);
    entry.extend(san.targets[0].port.names().port.to_bytes());
    assert_eq!(reply[16..], entry);
    assert_eq!(ct(&mut san, 0x7fc, &GPN_FT, 32).0, CompletionStatus::COMPLETE);
    assert_eq!(ct(&mut san, 0x7fc, &GPN_FT, 20).0, CompletionStatus::DATA_OVERRUN);
    // GPSC of the management server: rejected, which is an answer.
    san.plogi(0x7ef, PortId::MANAGEMENT, 0x20);
    let gpsc = [1, 0, 0, 0, 0xfa, 1, 0, 0, 1, 0x27, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (_, _, reply) = ct(&mut san, 0x7ef, &gpsc, 20);
    assert_eq!(reply[8..10], [0x80, 0x01]);
}

#[test]
fn statistics_are_real() {
    let mut san = San::ready();
    let out = san.mailbox(&[(0, 0x6d), (2, (BASE >> 16) as u16), (3, 0), (6, 0), (7, (BASE >> 32) as u16), (8, 128)]);
    assert_eq!(out[0], 0x4000);
    let block = san.memory.get(0, 512);
    let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
    let counters = san.firmware.counters();
    assert_eq!(u64::from(word(132)), counters.exchanges.frames_out);
    assert_eq!(u64::from(word(136)), counters.exchanges.frames_in);
    assert!(word(132) >= 4 && word(28) == 1 && word(0) == 0);
    san.mailbox(&[(0, 0x72), (1, 0x10)]);
    san.pass(150);
    assert_eq!(san.firmware.counters().link_failures, 1);
}
