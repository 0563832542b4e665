//! SCSI: data both ways, and every Status that a driver tells apart.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::{pattern, plot};
use fc::fc2::Limits;
use wire::U32;
use wire::isp::iocb::*;

const AT: u64 = 0x10_000;

fn cdb(opcode: u8, plot: u8, extra: u8) -> [u8; 16] {
    let mut cdb = [0; 16];
    (cdb[0], cdb[1], cdb[2]) = (opcode, plot, extra);
    cdb
}

/// The count as segments of odd sizes, from an address of the memory on.
fn pieces(mut at: u64, count: u32, size: u32) -> Vec<Dsd64> {
    let (mut all, mut left) = (Vec::new(), count);
    while left > 0 {
        let len = left.min(size);
        all.push(Dsd64::new(BASE + at, len));
        (at, left) = (at + u64::from(len) + 7, left - len);
    }
    all
}

fn collect(san: &mut San, segments: &[Dsd64]) -> Vec<u8> {
    segments.iter().flat_map(|dsd| san.memory.get(dsd.address() - BASE, dsd.length() as usize)).collect()
}

struct Done {
    entries: Vec<Entry>,
    segments: Vec<Dsd64>,
}

impl Done {
    fn status(&self) -> &Status {
        Status::of(&self.entries[0])
    }

    /// comp / scsi_status / residual / FCP residual.
    fn words(&self) -> (u16, u16, u32, u32) {
        let status = self.status();
        (status.comp_status.get(), status.scsi_status.get(), status.residual.get(), status.fcp_residual.get())
    }
}

/// Runs a command with data in odd pieces and waits for its Status.
fn run(san: &mut San, cdb: [u8; 16], flags: u16, count: u32) -> Done {
    let segments = pieces(AT, count, 3001);
    let handle = san.handle();
    san.send(2, &command(handle, &cdb, flags, count, &segments));
    san.pass(20);
    let entries = san.response(2);
    assert_eq!((entries[0][0], Status::of(&entries[0]).handle), (0x03, handle));
    Done { entries, segments }
}

#[test]
fn reads_arrive_in_all_segments() {
    let mut san = San::ready();
    for count in [1, 511, 512, 4096, 65536, PIECE] {
        let done = run(&mut san, cdb(0x28, plot::PLAIN, 0), 2, count);
        assert_eq!(done.words(), (0, 0, 0, 0), "{count}");
        assert_eq!((done.status().state_flags.get(), done.entries.len()), (0x0800, 1));
        assert_eq!(collect(&mut san, &done.segments), pattern(count as usize));
    }
}

#[test]
fn writes_leave_from_all_segments() {
    let mut san = San::ready();
    for count in [1, 4096, 100_000, PIECE] {
        let bytes = pattern(count as usize);
        let mut at = 0;
        for dsd in pieces(AT, count, 3001) {
            san.memory.put(dsd.address() - BASE, &bytes[at..at + dsd.length() as usize]);
            at += dsd.length() as usize;
        }
        let done = run(&mut san, cdb(0x2a, plot::PLAIN, 0), 1, count);
        assert_eq!(done.words(), (0, 0, 0, 0));
        assert_eq!(san.targets[0].written.pop(), Some(bytes));
    }
}

#[test]
fn the_iu_is_what_the_iocb_says() {
    let mut san = San::ready();
    assert_eq!(run(&mut san, cdb(0x00, 0, 0), 0, 0).words(), (0, 0, 0, 0));
    let mut iocb = *Command7::of(&command(U32::new(5), &cdb(0, 0, 0), 0, 0, &[])[0]);
    iocb.lun = swapped_lun([0, 1, 0, 0, 0, 0, 0, 0]);
    iocb.flags.set(1 << 12);
    san.send(0, &[*iocb.entry()]);
    san.pass(10);
    san.response(0);
    assert_eq!(san.targets[0].functions, [0x10], "LUN reset");
}

#[test]
fn short_reads_are_underruns_with_both_residuals() {
    let mut san = San::ready();
    let done = run(&mut san, cdb(0x28, plot::HALF, 0), 2, 4096);
    assert_eq!(done.words(), (0x15, 0x0800, 2048, 2048));
    let bytes = collect(&mut san, &done.segments);
    assert_eq!(bytes[..2048], pattern(4096)[..2048]);
    assert!(bytes[2048..].iter().all(|byte| *byte == 0), "what did not come is not touched");
}

#[test]
fn an_overrun_is_told() {
    let mut san = San::ready();
    assert_eq!(run(&mut san, cdb(0x28, plot::OVER, 0), 2, 4096).words(), (0x07, 0x0400, 0, 512));
}

#[test]
fn a_target_that_lies_is_not_believed() {
    let mut san = San::ready();
    let handle = san.handle();
    san.memory.put(AT, &[0xaa; 4096]);
    san.send(0, &command(handle, &cdb(0x28, plot::LIE, 0), 2, 4096, &[Dsd64::new(BASE + AT, 4096)]));
    san.sleep(5);
    let entries = san.response(0);
    let status = Status::of(&entries[0]);
    assert_eq!(status.comp_status(), CompletionStatus::DATA_REASSEMBLY_ERROR);
    assert_eq!(san.memory.get(AT, 4096), [0xaa; 4096]);
}

#[test]
fn sense_is_swapped_and_goes_on() {
    let mut san = San::ready();
    for (len, entries) in [(18u8, 1), (28, 1), (29, 2), (40, 2)] {
        let done = run(&mut san, cdb(0x28, plot::SENSE, len), 2, 512);
        assert_eq!((done.words(), done.entries.len()), ((0, 0x0202, 512, 0), entries));
        assert_eq!((done.status().sense_length.get(), done.entries[0][1]), (u32::from(len), entries as u8));
        assert_eq!(done.entries[0][36..44], [4, 3, 2, 1, 8, 7, 6, 5]);
        if entries == 2 {
            assert_eq!(done.entries[1][0], 0x10);
            assert_eq!(done.entries[1][7], 29, "the first byte of the continuation is the last of its word");
        }
    }
}

#[test]
fn response_information_comes_before_sense() {
    let mut san = San::ready();
    let done = run(&mut san, cdb(0x28, plot::REFUSE, 0), 2, 512);
    let status = done.status();
    assert_eq!((status.scsi_status.get(), status.info_length.get()), (0x0100, 8));
    assert_eq!(done.entries[0][36..44], [4, 0, 0, 0, 0, 0, 0, 0], "byte 3 of the first word");
}

#[test]
fn type_6_brings_its_iu_and_its_list() {
    let mut san = San::ready();
    let iu = wire::fcp::Cmnd::simple([0; 8], &cdb(0x28, 0, 0), wire::fcp::Direction::Read, 8192);
    let iu_at = san.memory.put(0, &iu);
    // Two blocks: two segments and the way on, one segment and nothing.
    let second: Vec<u8> = [Dsd64::new(BASE + 0x9000, 4096), Dsd64::new(0, 0)].iter().flat_map(bytes_of).collect();
    let second_at = san.memory.put(0x800, &second);
    let first = [Dsd64::new(BASE + 0x4000, 1000), Dsd64::new(BASE + 0x6000, 3096), Dsd64::new(second_at, 24)];
    let first: Vec<u8> = first.iter().flat_map(bytes_of).collect();
    let first_at = san.memory.put(0x400, &first);
    let mut iocb = Command6 { handle: san.handle(), cmnd_address: iu_at.into(), ..Command6::new() };
    iocb.nport_handle.set(DISK);
    iocb.flags.set(2 | 4);
    iocb.cmnd_length.set(32);
    iocb.byte_count.set(8192);
    iocb.dseg_count.set(1);
    iocb.dsd[0] = Dsd64::new(first_at, 36);
    san.send(0, &[*iocb.entry()]);
    san.pass(10);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::COMPLETE);
    let all = [san.memory.get(0x4000, 1000), san.memory.get(0x6000, 3096), san.memory.get(0x9000, 4096)].concat();
    assert_eq!(all, pattern(8192));
}

fn bytes_of(dsd: &Dsd64) -> Vec<u8> {
    use wire::IntoBytes;
    dsd.as_bytes().to_vec()
}

fn abort_of(san: &mut San, victim: U32, queue: u16) -> Abort {
    let mut abort = Abort { handle: san.handle(), handle_to_abort: victim, ..Abort::new() };
    abort.nport_handle.set(DISK);
    abort.request_queue.set(queue);
    abort
}

#[test]
fn an_abort_ends_the_command_first() {
    let mut san = San::ready();
    let victim = san.handle();
    san.send(2, &command(victim, &cdb(0x28, plot::HANG, 0), 2, 512, &pieces(AT, 512, 512)));
    san.pass(5);
    assert_eq!(san.targets[0].hung, 1);
    let nobody = abort_of(&mut san, U32::new(0xdead), 2);
    let wrong_queue = abort_of(&mut san, victim, 0);
    let right = abort_of(&mut san, victim, 2);
    san.send(2, &[*nobody.entry()]);
    san.send(2, &[*wrong_queue.entry()]);
    for _ in 0..2 {
        assert_eq!(Abort::of(&san.responses(2)[0][0]).comp_status(), CompletionStatus::IOCB_ERROR);
        san.send(2, &[*nobody.entry()]);
    }
    san.outputs.clear();
    san.send(2, &[*right.entry()]);
    san.pass(5);
    let all = san.responses(2);
    assert_eq!(all.len(), 2);
    let (status, abort) = (Status::of(&all[0][0]), Abort::of(&all[1][0]));
    assert_eq!((status.handle, status.comp_status()), (victim, CompletionStatus::ABORTED));
    assert_eq!((abort.handle, abort.comp_status()), (right.handle, CompletionStatus::COMPLETE));
    assert_eq!(san.targets[0].aborted, 1, "ABTS went out");
}

#[test]
fn a_time_out_aborts() {
    let mut san = San::ready();
    let mut entries = command(san.handle(), &cdb(0x28, plot::HANG, 0), 2, 512, &pieces(AT, 512, 512));
    Command7::of_mut(&mut entries[0]).timeout.set(2);
    san.send(0, &entries);
    san.pass(1900);
    assert!(san.responses(0).is_empty());
    san.pass(300);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::TIMEOUT);
    assert_eq!(san.targets[0].aborted, 1);
}

#[test]
fn task_management_clears_what_it_names() {
    let mut san = San::ready();
    let hang = |san: &mut San, lun: u8| {
        let victim = san.handle();
        let mut entries = command(victim, &cdb(0x28, plot::HANG, 0), 2, 512, &pieces(AT, 512, 512));
        Command7::of_mut(&mut entries[0]).lun = swapped_lun([0, lun, 0, 0, 0, 0, 0, 0]);
        san.send(2, &entries);
        victim
    };
    let (zero, one) = (hang(&mut san, 0), hang(&mut san, 1));
    san.pass(5);
    let function = |san: &mut San, bits: u32| {
        let mut iocb = TaskManagement { handle: san.handle(), ..TaskManagement::new() };
        iocb.nport_handle.set(DISK);
        iocb.control_flags.set(bits);
        iocb.lun = swapped_lun([0, 1, 0, 0, 0, 0, 0, 0]);
        san.send(0, &[*iocb.entry()]);
        san.pass(10);
        let entries = san.response(0);
        let status = *Status::of(&entries[0]);
        assert_eq!((status.handle, status.comp_status()), (iocb.handle, CompletionStatus::COMPLETE));
        assert_eq!((status.scsi_status.get(), status.info_length.get(), entries[0][36]), (0x0100, 8, 0));
    };
    function(&mut san, 1 << 4);
    let ended = san.response(2);
    let status = Status::of(&ended[0]);
    assert_eq!((status.handle, status.comp_status()), (one, CompletionStatus::ABORTED));
    function(&mut san, 1 << 1);
    assert_eq!(Status::of(&san.response(2)[0]).handle, zero);
    assert_eq!(san.targets[0].functions, [0x10, 0x20]);
    // Then a marker, with and without a handle.
    let mut marker = Marker { handle: san.handle(), ..Marker::new() };
    san.send(0, &[*marker.entry()]);
    assert_eq!(san.response(0), [*marker.entry()]);
    marker.handle.set(SKIP_HANDLE);
    san.send(0, &[*marker.entry()]);
    assert!(san.outputs.is_empty());
}

#[test]
fn faults_of_the_hosts_memory_end_the_command() {
    let mut san = San::ready();
    let segments = pieces(AT, 8192, 4096);
    let bad = segments[1].address();
    san.memory.poisoned.push(bad + 10..bad + 11);
    for (opcode, flags) in [(0x28, 2), (0x2a, 1)] {
        let handle = san.handle();
        san.send(0, &command(handle, &cdb(opcode, 0, 0), flags, 8192, &segments));
        san.pass(10);
        assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::DMA_ERROR);
    }
    assert_eq!(san.firmware.counters().faults, 2);
    assert!(san.targets[0].written.is_empty());
    san.memory.poisoned.clear();
    assert_eq!(run(&mut san, cdb(0x28, 0, 0), 2, 8192).words().0, 0);
}

#[test]
fn what_makes_no_sense_goes_back_at_once() {
    let mut san = San::ready();
    let refused = |san: &mut San, entries: &[Entry]| {
        san.send(0, entries);
        let back = san.response(0);
        assert_eq!((back[0][0], back[0][4..8].to_vec()), (entries[0][0], entries[0][4..8].to_vec()));
        back[0][3]
    };
    let segments = pieces(AT, 60_000, 3000);
    let handle = san.handle();
    let entries = command(handle, &cdb(0x28, 0, 0), 2, 60_000, &segments);
    assert_eq!(refused(&mut san, &entries[..2]), 0x10, "too few continuations");
    let mut other = entries.clone();
    other[1][0] = 0x18;
    assert_eq!(refused(&mut san, &other), 0x10, "no continuation");
    assert_eq!(refused(&mut san, &command(handle, &cdb(0x28, 0, 0), 2, 60_001, &segments)), 0x08, "no room");
    assert_eq!(refused(&mut san, &command(handle, &cdb(0x28, 0, 0), 3, 60_000, &segments)), 0x08, "both ways");
    let large = pieces(0, PIECE + 1, 1 << 20);
    assert_eq!(refused(&mut san, &command(handle, &cdb(0x28, 0, 0), 2, PIECE + 1, &large)), 0x08, "too large");
    assert_eq!(refused(&mut san, &[[0x77; 64]]), 0x04, "no such entry");
    let mut nobody = entries;
    Command7::of_mut(&mut nobody[0]).nport_handle.set(0x55);
    san.send(0, &nobody);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::PORT_LOGGED_OUT);
}

#[test]
fn commands_wait_for_memory_in_their_order() {
    let mut san = San::ready_with(limits(), 2);
    let handles: Vec<U32> = (0..10).map(|_| san.handle()).collect();
    for handle in &handles {
        san.send(0, &command(*handle, &cdb(0x28, 0, 0), 2, 20_000, &pieces(AT, 20_000, 20_000)));
    }
    let late = san.handle();
    san.send(0, &command(late, &cdb(0x00, 0, 0), 0, 0, &[]));
    san.pass(50);
    let ended: Vec<U32> = san.responses(0).iter().map(|entries| Status::of(&entries[0]).handle).collect();
    assert_eq!(ended[..8], handles[..8]);
    assert!(ended.len() == 11 && ended.contains(&late), "a short one may end earlier than what began before it");
    assert_eq!(san.firmware.counters().waited, 9);
}

#[test]
fn a_command_that_waits_is_aborted_and_times_out() {
    let mut san = San::ready_with(limits(), 1);
    let segments = pieces(AT, 512, 512);
    let first = san.handle();
    san.send(0, &command(first, &cdb(0x28, plot::HANG, 0), 2, 512, &segments));
    let (second, third) = (san.handle(), san.handle());
    for handle in [second, third] {
        let mut entries = command(handle, &cdb(0x28, 0, 0), 2, 512, &segments);
        Command7::of_mut(&mut entries[0]).timeout.set(1);
        san.send(0, &entries);
    }
    let abort = abort_of(&mut san, second, 0);
    san.send(0, &[*abort.entry()]);
    let all = san.responses(0);
    assert_eq!(Status::of(&all[0][0]).comp_status(), CompletionStatus::ABORTED);
    assert_eq!(Abort::of(&all[1][0]).comp_status(), CompletionStatus::COMPLETE);
    san.sleep(3);
    let abort = abort_of(&mut san, first, 0);
    san.send(0, &[*abort.entry()]);
    san.pass(10);
    let all = san.responses(0);
    let ends: Vec<_> = all.iter().map(|entries| (entries[0][0], entries[0][8])).collect();
    assert_eq!(ends, [(3, 6), (3, 5), (0x33, 0)]);
}

#[test]
fn without_an_exchange_the_host_is_told_busy() {
    let mut san = San::ready_with(Limits { exchanges: 12, reserve: 2, ..limits() }, 8);
    for _ in 0..20 {
        let handle = san.handle();
        san.send(0, &command(handle, &cdb(0x00, plot::HANG, 0), 0, 0, &[]));
    }
    let refused = san.responses(0);
    assert!(refused.len() >= 8, "{}", refused.len());
    assert!(refused.iter().all(|entries| entries[0][0] == 0x18 && entries[0][3] == 0x02));
}
