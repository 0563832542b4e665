//! FC-NVMe: link services, commands, RSP and ERSP.

use crate::memory::BASE;
use crate::rig::*;
use crate::storage::pattern;
use wire::fcnvme::CmndIu;
use wire::fcp::Direction;
use wire::isp::iocb::*;
use wire::nvme::Sqe;
use wire::{FromZeros, U32};

const IU: u64 = 0x100;
const DATA: u64 = 0x4000;

fn ready() -> San {
    let mut san = San::ready();
    let id = san.disk();
    assert_eq!(san.plogi(DISK, id, 0x0041).comp_status(), CompletionStatus::COMPLETE);
    san
}

/// A command; `cid` FFFFh is one that the target answers with an error.
fn command(san: &mut San, opcode: u8, direction: Direction, cid: u16, count: u32) -> CommandNvme {
    let mut sqe = Sqe::new_zeroed();
    sqe.opcode = opcode;
    sqe.cid.set(cid);
    let iu = CmndIu::new(0x100, 1, direction, count, sqe, false).to_bytes();
    let at = san.memory.put(IU, &iu);
    let mut iocb = CommandNvme { handle: san.handle(), cmnd_address: at.into(), ..CommandNvme::new() };
    iocb.nport_handle.set(DISK);
    iocb.cmnd_length.set(96);
    let write = direction == Direction::Write;
    let read = direction == Direction::Read;
    iocb.control_flags.set(NvmeControl(0).with_write(write).with_read(read).0);
    iocb.byte_count.set(count);
    iocb.dseg_count.set(u16::from(count > 0));
    iocb.dsd[0] = Dsd64::new(BASE + DATA, count);
    iocb
}

fn run(san: &mut San, iocb: &CommandNvme) -> Status {
    san.send(1, &[*iocb.entry()]);
    san.pass(20);
    let entries = san.response(1);
    let status = *Status::of(&entries[0]);
    assert_eq!((entries.len(), status.handle), (1, iocb.handle));
    status
}

#[test]
fn a_read_with_the_short_response() {
    let mut san = ready();
    let iocb = command(&mut san, 2, Direction::Read, 5, 4096);
    let status = run(&mut san, &iocb);
    let mut expected = Status { handle: iocb.handle, ox_id: status.ox_id, ..Status::new() };
    expected.state_flags.set(0x0800);
    assert_eq!(status, expected);
    assert_eq!(san.memory.get(DATA, 4096), pattern(4096));
}

#[test]
fn a_write_and_a_command_without_data() {
    let mut san = ready();
    san.memory.put(DATA, &pattern(65536));
    let iocb = command(&mut san, 1, Direction::Write, 5, 65536);
    assert_eq!((run(&mut san, &iocb).comp_status.get(), run(&mut san, &iocb).residual.get()), (0, 0));
    assert_eq!(san.targets[0].written, [pattern(65536), pattern(65536)]);
    let iocb = command(&mut san, 0, Direction::None, 5, 0);
    assert_eq!(run(&mut san, &iocb).state_flags.get(), 0x0800);
}

#[test]
fn an_error_comes_as_ersp_in_the_entry() {
    let mut san = ready();
    let iocb = command(&mut san, 2, Direction::Read, 0xffff, 4096);
    let status = run(&mut san, &iocb);
    assert_eq!((status.comp_status.get(), status.state_flags.get(), status.response_length.get()), (0, 0x0840, 32));
    assert_eq!(status.residual.get(), 4096);
    let entry = status.entry();
    assert_eq!(entry[32..40], [8, 0, 0, 0, 1, 0, 0, 0], "wire 00 00 00 08, then RSN 1");
    assert_eq!(status.ersp()[28..31], [0xff, 0xff, 4]);
}

#[test]
fn link_services_go_by_the_login() {
    let mut san = ready();
    let request = pattern(1024);
    let at = san.memory.put(0x1000, &request);
    let mut iocb = PtLs4 { handle: san.handle(), ..PtLs4::new() };
    iocb.nport_handle.set(DISK);
    iocb.tx_dseg_count.set(1);
    iocb.rx_dseg_count.set(1);
    iocb.timeout.set(20);
    iocb.dsds = [Dsd64::new(at, 1024), Dsd64::new(BASE + 0x3000, 2048)];
    let mut ask = |san: &mut San, handle: u16| {
        iocb.nport_handle.set(handle);
        san.send(0, &[*iocb.entry()]);
        san.pass(10);
        let done = *PtLs4::of(&san.response(0)[0]);
        assert_eq!(done, iocb.completed(done.comp_status()));
        done.comp_status()
    };
    assert_eq!(ask(&mut san, DISK), CompletionStatus::COMPLETE);
    assert_eq!(san.memory.get(0x3000, 1024), request, "the target echoes");
    assert_eq!(ask(&mut san, 0x44), CompletionStatus::PORT_LOGGED_OUT);
}

#[test]
fn an_abort_of_a_command_and_of_a_login() {
    let mut san = ready();
    let iocb = command(&mut san, 0x7f, Direction::Read, 5, 4096);
    san.send(1, &[*iocb.entry()]);
    san.pass(5);
    let mut abort = Abort { handle: san.handle(), handle_to_abort: iocb.handle, ..Abort::new() };
    abort.request_queue.set(1);
    abort.options.set(0x18);
    san.send(1, &[*abort.entry()]);
    san.pass(10);
    let all = san.responses(1);
    assert_eq!(Status::of(&all[0][0]).comp_status(), CompletionStatus::ABORTED);
    assert_eq!(Abort::of(&all[1][0]).comp_status(), CompletionStatus::COMPLETE);
    // A PLOGI that nobody answers.
    let mut plogi = order(9, wire::fc::PortId(0x01ee00), 0x30);
    plogi.handle = U32::new(0x1234);
    san.send(0, &[*plogi.entry()]);
    abort.handle_to_abort = plogi.handle;
    abort.request_queue.set(0);
    san.send(0, &[*abort.entry()]);
    let all = san.responses(0);
    assert_eq!(LoginLogout::of(&all[0][0]).failure(), Some((LoginSubcode::COMMAND_FAILED, 0)));
    assert_eq!(Abort::of(&all[1][0]).comp_status(), CompletionStatus::COMPLETE);
}

#[test]
fn what_is_no_nvme_command_goes_back() {
    let mut san = ready();
    let mut iocb = command(&mut san, 2, Direction::Read, 5, 4096);
    let refused = |san: &mut San, iocb: &CommandNvme| {
        san.send(0, &[*iocb.entry()]);
        san.response(0)[0][3]
    };
    iocb.cmnd_length.set(64);
    assert_eq!(refused(&mut san, &iocb), 0x08);
    iocb.cmnd_length.set(96);
    san.memory.put(IU, &[0; 2]);
    assert_eq!(refused(&mut san, &iocb), 0x08);
    iocb.cmnd_address.set(1);
    san.send(0, &[*iocb.entry()]);
    assert_eq!(Status::of(&san.response(0)[0]).comp_status(), CompletionStatus::DMA_ERROR);
}
