//! A whole function, registers to link, at a switch: a host brings it up as drivers do, loses it and brings it up again.

mod host;

use host::{Host, MS, RESPONSES, SCRATCH};
use pci::Model;
use wire::fc::PortId;
use wire::isp::iocb::{CompletionStatus, LoginLogout};
use wire::isp::mailbox::WellKnown;
use wire::isp::regs;

/// Events of a link that came up: Loop Up with 32 Gb/s, Port Update.
const UP: [[u16; 4]; 2] = [[0x8011, 6, 0, 0], [0x8014, 0xffff, 6, 0x00ff]];

fn report_id(host: &Host, slot: u64) -> PortId {
    let entry = host.memory.get(RESPONSES + 64 * slot, 64);
    assert_eq!((entry[0], entry[17]), (0x32, 6));
    PortId::new(entry[14], entry[13], entry[12])
}

/// A login with the name server, by mailbox command 54h.
fn name_server(host: &mut Host) {
    let mut login = LoginLogout { port_id: PortId::DIRECTORY.into(), ..LoginLogout::new() };
    login.nport_handle.set(WellKnown::NAME_SERVER.0);
    login.control_flags.set(0x30);
    host.memory.put(SCRATCH, login.entry());
    assert_eq!(host.command_at(0x54, SCRATCH, &[])[0], 0x4000);
    let done = host.memory.get(SCRATCH, 64).try_into().unwrap();
    assert_eq!(LoginLogout::of(&done).comp_status(), CompletionStatus::COMPLETE);
}

#[test]
fn from_power_on_to_the_name_server_and_back() {
    let mut host = Host::new();
    host.pass(50);
    assert_eq!(host.switch.ports()[0].n_ports.len(), 0, "the laser is off");
    host.start(&Host::icb());
    host.pass(50);
    assert_eq!(host.command(0x69, &[])[..2], [0x4000, 3]);
    host.pass(5);
    host.drain();
    assert_eq!(host.events, UP);
    let id = report_id(&host, 0);
    assert_eq!(host.read32(4, regs::QUEUE_RESPONSE_IN), 1);
    assert_eq!(host.interrupts(), [1], "ICTRL is off");
    let adapter = host.command(0x20, &[]);
    assert_eq!((adapter[2], adapter[3], adapter[6]), (id.0 as u16, id.domain().into(), 3));
    assert_eq!(host.command(0x5d, &[])[1], 6);
    name_server(&mut host);
    // Unplugged and plugged in again: the address is told again.
    host.isp.firmware_mut().set_cable(false);
    host.pass(20);
    host.drain();
    assert_eq!(host.events[2][0], 0x8012);
    host.isp.firmware_mut().set_cable(true);
    host.pass(1500);
    host.drain();
    assert_eq!(host.events[3..], UP);
    assert_eq!(report_id(&host, 1), id);
    name_server(&mut host);
    // The host ends without a word.
    host.isp.reset();
    host.pass(50);
    assert_eq!(host.switch.ports()[0].n_ports.len(), 0, "it is logged out");
    assert!(!host.isp.is_pending());
}

#[test]
fn chip_resets_at_any_time() {
    let mut host = Host::new();
    for wait in [0, 1, 2, 3, 5, 8, 13, 21, 1100] {
        host.start(&Host::icb());
        for _ in 0..wait {
            host.pass(1);
        }
        host.chip_reset();
        let written = host.memory.written;
        host.pass(5);
        assert_eq!(host.memory.written, written, "no DMA after a reset");
        host.drain();
        host.events.clear();
    }
    host.start(&Host::icb());
    host.pass(1200);
    host.drain();
    assert_eq!(host.events, UP);
    name_server(&mut host);
}

/// A host that polls: no vectors, ICTRL off.
#[test]
fn a_host_that_only_polls() {
    let mut host = Host::new();
    let mut icb = Host::icb();
    icb.response_vector.set(0);
    host.start(&icb);
    host.pass(1200);
    host.drain();
    assert_eq!((&host.events[..], host.rings), (&UP[..], 1));
    assert_eq!(host.interrupts(), []);
    name_server(&mut host);
}

/// A function that nobody uses costs nothing.
#[test]
fn it_comes_to_rest() {
    let mut host = Host::new();
    host.start(&Host::icb());
    host.pass(1500);
    host.drain();
    assert!(!host.isp.is_pending());
    let next = host.isp.deadline();
    assert!(next.is_none_or(|at| at > host.now + MS), "{next:?} at {}", host.now);
}
