//! What a model host says and hears in SCSI.

use crate::{BLOCK, Command, Kind};
use wire::fcp::{Cmnd, Direction, Rsp, RspCode, TaskManagement};

/// How a response is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did what was asked.
    Good,
    /// It did not, and is told so for a reason that the faults of a run explain.
    Excused,
    /// It is said that something else happened to the nexus; the command was not begun.
    Attention,
}

/// The IU of a command.
pub fn unit(command: &Command) -> [u8; 32] {
    let (block, blocks) = (command.block as u8, command.blocks as u8);
    let bytes = command.blocks * BLOCK;
    match command.kind {
        Kind::Read => Cmnd::simple([0; 8], &[0x28, 0, 0, 0, 0, block, 0, 0, blocks, 0], Direction::Read, bytes),
        Kind::Write => Cmnd::simple([0; 8], &[0x2a, 0, 0, 0, 0, block, 0, 0, blocks, 0], Direction::Write, bytes),
        Kind::Flush => Cmnd::simple([0; 8], &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], Direction::None, 0),
        _ => Cmnd::simple([0; 8], &[0; 6], Direction::None, 0),
    }
}

/// A task management function, by number.
pub fn function(number: u64) -> [u8; 32] {
    let function = match number % 4 {
        0 => TaskManagement::NONE.with_lun_reset(true),
        1 => TaskManagement::NONE.with_abort_task_set(true),
        2 => TaskManagement::NONE.with_clear_task_set(true),
        _ => TaskManagement::NONE.with_target_reset(true),
    };
    Cmnd::task_management([0; 8], function)
}

/// Judges the response to a command; `function`: to a task management function.
pub fn judge(payload: &[u8], function: bool) -> Verdict {
    let rsp = Rsp::parse(payload).expect("an FCP_RSP");
    if function {
        let code = rsp.code.expect("a function is answered by a code");
        assert!(matches!(code, RspCode::COMPLETE | RspCode::SUCCEEDED | RspCode::FAILED), "{code:?}");
        return Verdict::Good;
    }
    assert!(rsp.code.is_none_or(|code| code == RspCode::COMPLETE), "{:?}", rsp.code);
    match (rsp.status, rsp.sense.get(2).map(|key| key & 0xf)) {
        (0, _) => {
            assert_eq!(rsp.residual, wire::fcp::Residual::None);
            Verdict::Good
        }
        (2, Some(6)) => Verdict::Attention,
        // ABORTED COMMAND: its data did not come.
        (2, Some(0xb)) => Verdict::Excused,
        // BUSY, TASK SET FULL, TASK ABORTED.
        (0x08 | 0x28 | 0x40, _) => Verdict::Excused,
        (status, key) => panic!("status {status:#x}, sense key {key:?}: {:02x?}", rsp.sense),
    }
}
