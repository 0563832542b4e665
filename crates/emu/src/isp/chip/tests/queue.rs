//! Queues: order, wrapping, room, and who is told.

use super::probe::{ATIOS, REQUESTS, RESPONSES, icb};
use super::{BASE, Host, Memory, SCRATCH};
use crate::isp::Entry;
use crate::isp::firmware::Output;
use wire::isp::mailbox::{A64, Command, Event, QueueOptions};
use wire::isp::regs::{self, Cause};
use wire::{U16, U32, U64};

const LENGTH: u16 = 8;
const MORE_REQUESTS: u64 = BASE + 0x4_0000;
const MORE_RESPONSES: u64 = BASE + 0x5_0000;

pub fn iocb(handle: u32, count: u8) -> Entry {
    let mut entry = [0; 64];
    (entry[0], entry[1]) = (0x18, count);
    entry[4..8].copy_from_slice(&handle.to_le_bytes());
    entry
}

fn handle(entry: &[u8]) -> u32 {
    u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]])
}

fn shadow(memory: &Memory, ring: u64) -> u16 {
    let bytes = memory.get(ring + 64 * u64::from(LENGTH), 2);
    u16::from_le_bytes([bytes[0], bytes[1]])
}

impl Host {
    fn slot(&mut self, ring: u64, index: u16, entry: &Entry) {
        self.memory.put(ring + 64 * u64::from(index % LENGTH), entry);
    }

    fn doorbell(&mut self, index: u16) {
        self.write32(4, regs::QUEUE_REQUEST_IN, u32::from(index % LENGTH));
        self.settle();
    }

    fn response(&mut self, index: u16) -> Entry {
        self.memory.get(RESPONSES + 64 * u64::from(index % LENGTH), 64).try_into().unwrap()
    }
}

#[test]
fn requests_and_responses_wrap_at_every_offset() {
    for (offset, count) in (0..LENGTH).flat_map(|offset| (1..LENGTH).map(move |count| (offset, count))) {
        let mut block = icb();
        (block.request_out, block.response_in) = (U16::new(offset), U16::new(offset));
        let mut host = Host::start(&block);
        host.slot(REQUESTS, offset, &iocb(100 + u32::from(count), count as u8));
        (1..count).for_each(|n| host.slot(REQUESTS, offset + n, &[n as u8; 64]));
        host.doorbell(offset + count);
        let (queue, entries) = host.chip.firmware().requests[0].clone();
        assert_eq!((queue, entries.len(), handle(&entries[0])), (0, usize::from(count), 100 + u32::from(count)));
        assert!((1..count).all(|n| entries[usize::from(n)] == [n as u8; 64]), "{offset} {count}");
        assert_eq!(shadow(&host.memory, REQUESTS), (offset + count) % LENGTH);
        assert_eq!(host.read32(4, regs::QUEUE_REQUEST_OUT), u32::from((offset + count) % LENGTH));
        assert_eq!(handle(&host.response(offset)), 100 + u32::from(count));
        assert_eq!(shadow(&host.memory, RESPONSES), (offset + 1) % LENGTH);
        assert_eq!(host.memory.interrupts, [1]);
    }
}

#[test]
fn many_rounds_keep_their_order() {
    let mut host = Host::start(&icb());
    for n in 0..100u16 {
        host.slot(REQUESTS, n, &iocb(u32::from(n), 1));
        host.doorbell(n + 1);
        assert_eq!(handle(&host.response(n)), u32::from(n));
        host.write32(4, regs::QUEUE_RESPONSE_OUT, u32::from((n + 1) % LENGTH));
    }
    assert_eq!(host.chip.counters().iocbs, 100);
}

/// What is not whole yet is waited for, without asking for polls.
#[test]
fn a_part_of_an_iocb_waits() {
    let mut host = Host::start(&icb());
    host.slot(REQUESTS, 0, &iocb(1, 3));
    host.doorbell(2);
    assert!(host.chip.firmware().requests.is_empty() && !host.chip.is_pending());
    host.doorbell(3);
    assert_eq!(host.chip.firmware().requests[0].1.len(), 3);
}

#[test]
fn counts_that_cannot_be_are_refused() {
    let mut host = Host::start(&icb());
    host.slot(REQUESTS, 0, &iocb(1, 0));
    host.slot(REQUESTS, 1, &iocb(2, 8));
    host.slot(REQUESTS, 2, &iocb(3, 1));
    host.doorbell(3);
    assert_eq!(host.chip.firmware().requests.len(), 1);
    let seen: Vec<_> = (0..3).map(|n| (handle(&host.response(n)), host.response(n)[3])).collect();
    assert_eq!(seen, [(1, 0x10), (2, 0x10), (3, 0)]);
}

/// An in-pointer outside of the ring is not believed, neither is an out-pointer.
#[test]
fn pointers_that_cannot_be_are_ignored() {
    let mut host = Host::start(&icb());
    for pointer in [8, 9, 0xffff, 0x1_0003, u32::MAX] {
        host.write32(4, regs::QUEUE_REQUEST_IN, pointer);
        host.write32(4, regs::QUEUE_RESPONSE_OUT, pointer);
        host.settle();
    }
    assert!(host.chip.firmware().requests.is_empty());
}

/// No slot is written that the host has not taken; nothing is lost when there is room again; 3 polls are 3 interrupts at most.
#[test]
fn a_full_response_queue_waits_for_its_host() {
    let mut host = Host::start(&icb());
    let group = |n: u8| Output::Response { queue: 0, entries: vec![iocb(u32::from(n), 1)] };
    host.chip.firmware_mut().outputs.extend((0..20).map(group));
    host.settle();
    assert_eq!((shadow(&host.memory, RESPONSES), host.memory.interrupts.clone()), (7, vec![1]));
    assert!(!host.chip.is_pending() && host.chip.counters().response_full > 0);
    let mut taken = 0u16;
    while taken < 20 {
        for _ in 0..3.min(20 - taken) {
            assert_eq!(handle(&host.response(taken)), u32::from(taken));
            host.memory.put(RESPONSES + 64 * u64::from(taken % LENGTH), &[0xee; 64]);
            taken += 1;
        }
        host.write32(4, regs::QUEUE_RESPONSE_OUT, u32::from(taken % LENGTH));
        host.settle();
    }
}

#[test]
fn a_group_becomes_visible_at_once() {
    let mut host = Host::start(&icb());
    let entries = vec![[1; 64], [2; 64], [3; 64]];
    host.chip
        .firmware_mut()
        .outputs
        .extend([Output::Response { queue: 0, entries: vec![[9; 64]; 5] }, Output::Response { queue: 0, entries }]);
    host.settle();
    assert_eq!(shadow(&host.memory, RESPONSES), 5, "of a group that does not fit, nothing is told");
    host.write32(4, regs::QUEUE_RESPONSE_OUT, 5);
    host.settle();
    assert_eq!(shadow(&host.memory, RESPONSES), 0);
    assert_eq!([5, 6, 7].map(|n| host.response(n)[0]), [1, 2, 3]);
    let pointers = host.memory.written.iter().filter(|(at, _)| *at == RESPONSES + 64 * u64::from(LENGTH)).count();
    assert_eq!(pointers, 2);
    // A group longer than the ring goes in pieces.
    host.write32(4, regs::QUEUE_RESPONSE_OUT, 0);
    host.chip.firmware_mut().outputs.push_back(Output::Response { queue: 0, entries: vec![[4; 64]; 9] });
    host.settle();
    assert_eq!(shadow(&host.memory, RESPONSES), 7);
    host.write32(4, regs::QUEUE_RESPONSE_OUT, 7);
    host.settle();
    assert_eq!(shadow(&host.memory, RESPONSES), 1);
}

/// The host looks at the first slot's signature only.
#[test]
fn an_atio_is_whole_when_its_signature_is_there() {
    for offset in 0..LENGTH {
        let mut block = icb();
        block.atio_in = U16::new(offset);
        let mut host = Host::start(&block);
        let mut last = [3; 64];
        last[60..].copy_from_slice(&regs::PROCESSED.to_le_bytes());
        host.chip.firmware_mut().outputs.push_back(Output::Atio { entries: vec![[1; 64], [2; 64], last] });
        host.settle();
        let slot = |n: u16| ATIOS + 64 * u64::from((offset + n) % LENGTH);
        assert_eq!(host.memory.written.last(), Some(&(slot(0) + 60, 4)));
        let order: Vec<_> = host.memory.written.iter().map(|(at, _)| at & !63).collect();
        assert_eq!(order, [slot(1), slot(2), slot(0), slot(0)]);
        assert_eq!(host.memory.get(slot(0), 64), [1; 64]);
        assert_ne!(host.memory.get(slot(2) + 60, 4), regs::PROCESSED.to_le_bytes());
        assert_eq!(host.read32(4, regs::QUEUE_ATIO_IN), u32::from((offset + 3) % LENGTH));
        assert_eq!(host.memory.interrupts, [2]);
    }
}

#[test]
fn a_full_atio_queue_waits_for_its_host() {
    let mut host = Host::start(&icb());
    host.chip.firmware_mut().outputs.extend((0..9).map(|n| Output::Atio { entries: vec![[n; 64]; 1] }));
    host.chip.firmware_mut().outputs.push_back(Output::Atio { entries: vec![[77; 64]; 8] });
    host.settle();
    assert_eq!(host.read32(4, regs::QUEUE_ATIO_IN), 7);
    assert_eq!((host.chip.counters().outputs_dropped, host.chip.is_pending()), (1, false), "longer than the ring");
    assert_eq!(host.memory.get(ATIOS + 64 * 7, 1), [0], "the slot before the host's is free");
    host.write32(4, regs::QUEUE_ATIO_OUT, 2);
    host.settle();
    assert_eq!((host.memory.get(ATIOS + 64 * 7, 1), host.memory.get(ATIOS, 1)), (&[7][..], &[8][..]));
}

fn queue(host: &mut Host, options: QueueOptions, number: u16, ring: u64, more: &[(usize, u16)]) -> u16 {
    let mut mailboxes = [0; 32];
    A64(ring).put(&mut mailboxes);
    let mut all: Vec<_> = [2, 3, 6, 7].map(|n| (n, mailboxes[n])).to_vec();
    all.extend([(1, options.0), (4, number), (5, LENGTH)]);
    all.extend(more);
    host.command(Command::INIT_QUEUE.0, &all)[0]
}

const RESPONSE: QueueOptions = QueueOptions(0x2002);
const REQUEST: QueueOptions = QueueOptions(0x2000);

#[test]
fn further_queues_have_completions_and_vectors_of_their_own() {
    let mut host = Host::start(&icb());
    assert_eq!(queue(&mut host, REQUEST, 3, MORE_REQUESTS, &[(10, 3)]), 0x4006, "its response queue is not there");
    assert_eq!(queue(&mut host, RESPONSE, 3, MORE_RESPONSES, &[(14, 5)]), 0x4000);
    assert_eq!(queue(&mut host, RESPONSE, 3, MORE_RESPONSES, &[(14, 5)]), 0x4006, "it is there already");
    for (number, vector) in [(0, 1), (256, 1), (7, 16)] {
        assert_eq!(queue(&mut host, RESPONSE, number, MORE_RESPONSES, &[(14, vector)]), 0x4006);
    }
    assert_eq!(queue(&mut host, REQUEST, 4, MORE_REQUESTS, &[(10, 3)]), 0x4000);
    host.memory.put(MORE_REQUESTS, &iocb(0x4_0001, 1));
    host.write32(4, regs::queue_register(4, regs::QUEUE_REQUEST_IN), 1);
    host.settle();
    assert_eq!(handle(host.memory.get(MORE_RESPONSES, 64)), 0x4_0001);
    assert_eq!((shadow(&host.memory, MORE_RESPONSES), shadow(&host.memory, MORE_REQUESTS)), (1, 1));
    assert_eq!(host.read32(4, regs::queue_register(3, regs::QUEUE_RESPONSE_IN)), 1);
    assert_eq!(host.memory.interrupts, [5]);
    let delete = |options: QueueOptions| options.with_delete(true);
    assert_eq!(queue(&mut host, delete(RESPONSE), 3, 0, &[]), 0x4006, "in use");
    assert_eq!(queue(&mut host, delete(REQUEST), 4, 0, &[]), 0x4000);
    assert_eq!(queue(&mut host, delete(REQUEST), 4, 0, &[]), 0x4006);
    host.chip.firmware_mut().outputs.push_back(Output::Response { queue: 4, entries: vec![[1; 64]] });
    host.settle();
    assert_eq!(host.chip.counters().outputs_dropped, 1);
    assert_eq!(queue(&mut host, delete(RESPONSE), 3, 0, &[]), 0x4000);
}

/// A host without vectors: everything is told by host_status, also with ICTRL off.
#[test]
fn without_vectors_host_status_tells() {
    let mut block = icb();
    (block.response_vector, block.atio_vector) = (U16::new(0), U16::new(0));
    let mut host = Host::start(&block);
    host.chip.firmware_mut().outputs.extend([
        Output::Event([Event::LOOP_UP.0, 6, 0, 0, 0, 0, 0, 0]),
        Output::Response { queue: 0, entries: vec![[1; 64]] },
        Output::Atio { entries: vec![[2; 64]] },
        Output::Response { queue: 0, entries: vec![[3; 64]] },
    ]);
    host.settle();
    host.drain();
    assert_eq!(host.events, [[0x8011, 6, 0, 0]]);
    assert_eq!(host.causes, [Cause::RESPONSE, Cause::ATIO_27XX]);
    assert!(host.memory.interrupts.is_empty());
    host.write32(0, regs::ICTRL, regs::ICTRL_ENABLE);
    host.chip.firmware_mut().outputs.push_back(Output::Response { queue: 0, entries: vec![[1; 64]] });
    host.settle();
    assert_eq!(host.memory.interrupts, [0]);
}

#[test]
fn vector_0_comes_again_after_each_acknowledge() {
    let mut host = Host::start(&icb());
    host.write32(0, regs::ICTRL, regs::ICTRL_ENABLE);
    let event = |n| Output::Event([Event::RSCN.0, n, 0, 0, 0, 0, 0, 0]);
    host.chip.firmware_mut().outputs.extend([1, 2, 3].map(event));
    host.settle();
    host.settle();
    assert_eq!(host.memory.interrupts, [0]);
    assert_eq!(host.read16(regs::mailbox(1)), 1, "frozen until the acknowledge");
    host.drain();
    assert_eq!(host.memory.interrupts, [0; 3]);
    assert_eq!(host.events.len(), 3);
}

#[test]
fn memory_that_fails_is_told() {
    let mut host = Host::start(&icb());
    // The second slot of the ring is beyond the host's memory.
    let end = BASE + super::BYTES as u64 - 64;
    let mut block = icb();
    block.options_1 = U32::new(0);
    block.atio_address = U64::new(0);
    host.boot();
    block.request_address = U64::new(end);
    assert_eq!(host.initialize(&block)[0], 0x4002);
    // It goes away while it is used.
    block.request_address = U64::new(REQUESTS);
    assert_eq!(host.initialize(&block)[0], 0x4000);
    host.write32(4, regs::QUEUE_REQUEST_IN, 1);
    host.chip.write_config(4, &[2, 0]);
    host.settle();
    host.chip.write_config(4, &[6, 0]);
    host.settle();
    host.drain();
    assert_eq!(host.events[0][0], Event::REQUEST_TRANSFER_ERROR.0);
    assert!(host.chip.firmware().requests.is_empty() && !host.chip.is_pending());
}

#[test]
fn an_iocb_by_mailbox() {
    let mut host = Host::start(&icb());
    host.memory.put(SCRATCH, &iocb(0x55, 1));
    host.memory.put(SCRATCH + 8, &[1; 8]);
    assert_eq!(host.command_at(Command::EXECUTE_IOCB_A64.0, SCRATCH, &[])[0], 0x4000);
    assert_eq!(host.chip.firmware().requests[0].0, u16::MAX);
    assert_eq!(handle(host.memory.get(SCRATCH, 64)), 0x55);
    // One that takes its time, of which the host gets tired: the completion of the next is not mistaken for its own.
    host.chip.firmware_mut().echo = false;
    let issue = |host: &mut Host, at: u64| {
        let mut mailboxes = [0; 32];
        A64(at).put(&mut mailboxes);
        host.issue(Command::EXECUTE_IOCB_A64.0, &[2, 3, 6, 7].map(|n| (n, mailboxes[n])));
        host.settle();
        assert!(!host.status().pending());
    };
    issue(&mut host, SCRATCH);
    issue(&mut host, SCRATCH + 64);
    for n in [1, 2] {
        let entries = vec![iocb(n, 1)];
        host.chip.firmware_mut().outputs.push_back(Output::Response { queue: u16::MAX, entries });
    }
    host.settle();
    assert_eq!(host.take().unwrap()[0], 0x4000);
    assert_eq!(handle(host.memory.get(SCRATCH + 64, 64)), 2);
    assert_eq!(handle(host.memory.get(SCRATCH, 64)), 0x55);
}
