//! Each misbehaviour happens, once, and not by itself.

use super::Host;
use super::probe::{REQUESTS, RESPONSES, icb};
use super::queue::iocb;
use crate::isp::chip::Stage;
use wire::isp::mailbox::{Command, Event, Status};
use wire::isp::regs::{self, HccrCommand};

/// Sends an IOCB; the entry status of its completion, if one came.
fn send(host: &mut Host, n: u16) -> Option<u8> {
    host.memory.put(REQUESTS + 64 * u64::from(n), &iocb(u32::from(n) + 1, 1));
    let before = host.read32(4, regs::QUEUE_RESPONSE_IN);
    host.write32(4, regs::QUEUE_REQUEST_IN, u32::from(n) + 1);
    host.settle();
    assert_eq!(host.read32(4, regs::QUEUE_REQUEST_OUT), u32::from(n) + 1, "it is fetched in any case");
    let came = host.read32(4, regs::QUEUE_RESPONSE_IN) != before;
    came.then(|| host.memory.get(RESPONSES + 64 * u64::from(before) + 3, 1)[0])
}

#[test]
fn completions_are_lost_or_bad() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().lose_responses = 1;
    assert_eq!([0, 1].map(|n| send(&mut host, n)), [None, Some(0)]);
    host.chip.faults_mut().lose_iocbs = 1;
    assert_eq!([2, 3].map(|n| send(&mut host, n)), [None, Some(0)]);
    assert_eq!(host.chip.firmware().requests.len(), 3);
    host.chip.faults_mut().entry_status = Some(0x08);
    assert_eq!([4, 5].map(|n| send(&mut host, n)), [Some(0x08), Some(0)]);
}

#[test]
fn mailbox_commands_fail_hang_or_take_their_time() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().fail_mailbox = Some((Command::GET_VERSION, Status::COMMAND_ERROR, 0x17));
    assert_eq!(host.command(0x69, &[])[0], 0x4000, "another command");
    assert_eq!(host.command(0x08, &[])[..2], [0x4005, 0x17]);
    assert_eq!(host.command(0x08, &[])[0], 0x4000);
    host.chip.faults_mut().stick_mailbox = Some(Command::GET_VERSION);
    host.issue(0x08, &[]);
    host.settle();
    assert!(!host.status().pending());
    host.chip.faults_mut().mailbox_delay = 500;
    host.issue(0x08, &[]);
    host.settle();
    assert!(!host.status().pending());
    assert_eq!(host.chip.deadline(), Some(host.now + 500));
    host.now += 500;
    host.settle();
    assert_eq!(host.take().unwrap()[0], 0x4000);
}

#[test]
fn outputs_come_late_and_in_order() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().output_delay = 1000;
    assert_eq!(send(&mut host, 0), None);
    host.chip.faults_mut().output_delay = 0;
    assert_eq!(send(&mut host, 1), None, "not before the one that came sooner");
    assert_eq!(host.chip.deadline(), Some(host.now + 1000));
    host.now += 1000;
    host.settle();
    assert_eq!(host.read32(4, regs::QUEUE_RESPONSE_IN), 2);
}

#[test]
fn a_system_error_is_the_end_until_a_reset() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().system_error = true;
    host.settle();
    host.drain();
    assert_eq!(host.events[0][0], Event::SYSTEM_ERROR.0);
    assert_eq!(host.chip.stage(), Stage::Dead);
    host.write32(4, regs::QUEUE_REQUEST_IN, 1);
    host.settle();
    assert!(host.chip.firmware().requests.is_empty());
    // The dump reads memory; nothing else is answered with success.
    assert_eq!(host.command(0x0f, &[(8, 0x10)])[0], 0x4000);
    assert_eq!(host.command(0x69, &[])[0], 0x4005);
    host.boot();
    assert_eq!(host.initialize(&icb())[0], 0x4000);
    assert_eq!(send(&mut host, 0), Some(0));
    // The same by order of the host.
    assert_eq!(host.command(0x2a, &[])[0], 0x4000);
    host.drain();
    assert_eq!(host.events[1][0], Event::SYSTEM_ERROR.0);
    assert_ne!(host.events[1][1..3], [0, 0], "with zeroes drivers give the adapter up");
}

#[test]
fn a_frozen_or_paused_chip_does_nothing() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().frozen = true;
    host.issue(0x69, &[]);
    host.settle();
    assert!(!host.status().pending() && !host.chip.is_pending());
    host.chip.faults_mut().frozen = false;
    host.settle();
    assert_eq!(host.take().unwrap()[0], 0x4000);
    host.chip.faults_mut().pause = true;
    host.settle();
    assert!(host.status().paused());
    host.issue(0x69, &[]);
    host.settle();
    assert!(!host.status().pending());
    host.hccr(HccrCommand::RELEASE_RISC_PAUSE);
    host.settle();
    assert!(!host.status().paused() && host.take().is_some());
}

#[test]
fn events_on_order() {
    let mut host = Host::start(&icb());
    host.chip.faults_mut().events = vec![[0x8015, 1, 2, 3, 0, 0, 0, 0], [0x8130, 0, 0, 0, 0, 0, 0, 0]];
    host.settle();
    host.drain();
    assert_eq!(host.events, [[0x8015, 1, 2, 3], [0x8130, 0, 0, 0]]);
}
