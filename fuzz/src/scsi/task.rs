//! Tasks as an initiator writes them, from the input's choices: mostly right, so that they get past the first check.

use crate::input::Input;
use scsi::{Attribute, Management, Task};

/// The most that an initiator sends.
const MOST: usize = 70_000;

fn task(input: &mut Input, queue: u32, id: u32) -> Task {
    let place = input.u8();
    let lun = if place & 0x80 != 0 { input.array() } else { wire::scsi::to_lun((place & 3).into()) };
    let attributes = [Attribute::Simple, Attribute::Ordered, Attribute::HeadOfQueue, Attribute::Aca];
    let attribute = if place & 0x40 != 0 { input.pick(&attributes) } else { Attribute::Simple };
    Task { queue, id, lun, cdb: [0; 32], cdb_len: 16, attribute, management: None, data_in: 0, data_out: 0 }
}

/// A task management function.
pub fn management(input: &mut Input, queue: u32, id: u32) -> Task {
    let task = task(input, queue, id);
    let victim = input.u8().into();
    let function = input.pick(&[
        Management::AbortTask { id: victim },
        Management::AbortTaskSet,
        Management::ClearTaskSet,
        Management::LunReset,
        Management::TargetReset,
        Management::QueryTask { id: victim },
        Management::QueryTaskSet,
        Management::ItNexusReset,
        Management::ClearAca,
    ]);
    Task { management: Some(function), ..task }
}

/// A command and the initiator's data.
pub fn command(input: &mut Input, queue: u32, id: u32) -> (Task, Vec<u8>) {
    let mut task = task(input, queue, id);
    let kind = input.u8();
    let opcode = if kind & 0x80 != 0 {
        input.u8()
    } else {
        wire::scsi::TABLE[usize::from(kind) % wire::scsi::TABLE.len()].opcode
    };
    let cdb = input.array::<32>();
    task.cdb = cdb;
    task.cdb[0] = opcode;
    let how = input.u8();
    if how & 1 == 0 {
        tame(&mut task, kind);
    }
    if how & 2 != 0 {
        task.cdb_len = input.u8();
    }
    let (bytes, payload) = lengths(input, &task, how);
    if how & 4 == 0 {
        task.data_in = bytes
    } else {
        task.data_out = bytes
    }
    if how & 8 != 0 {
        (task.data_in, task.data_out) = (bytes, bytes);
    }
    (task, payload)
}

/// Makes a CDB small enough to get through: service actions, block numbers, flags.
fn tame(task: &mut Task, kind: u8) {
    let row = &wire::scsi::TABLE[usize::from(kind) % wire::scsi::TABLE.len()];
    let len = usize::from(row.len);
    if row.opcode != task.cdb[0] {
        return;
    }
    for (byte, used) in task.cdb[..len].iter_mut().zip(row.usage()).skip(1) {
        *byte &= used;
    }
    if let Some(action) = row.action {
        task.cdb[1] = action as u8;
    }
    task.cdb[len - 1] = 0;
    // The upper bytes of block numbers and lengths.
    let high: &[usize] = match len {
        10 => &[2, 3, 7],
        12 => &[2, 3, 6, 7, 8],
        16 => &[2, 3, 4, 5, 6, 7, 10, 11, 12],
        _ => &[],
    };
    if row.usage[2] != 0 {
        high.iter().for_each(|at| task.cdb[*at] = 0);
        task.cdb[1] &= 0x1f;
    }
}

/// What the initiator expects, and what it sends: mostly what the CDB asks for.
fn lengths(input: &mut Input, task: &Task, how: u8) -> (u32, Vec<u8>) {
    let asked = match wire::scsi::Command::parse(&task.cdb[..16]) {
        Ok(wire::scsi::Command::Read(extent) | wire::scsi::Command::Write(extent)) => extent.blocks.saturating_mul(512),
        Ok(wire::scsi::Command::Verify { extent, .. }) => extent.blocks.saturating_mul(512),
        Ok(wire::scsi::Command::WriteSame { .. }) => 512,
        Ok(wire::scsi::Command::Unmap { length, .. }) => length.into(),
        Ok(command) => command.allocation().unwrap_or(0),
        Err(_) => 0,
    };
    let bytes = match how >> 4 & 7 {
        0..4 => asked,
        4 => asked / 2,
        5 => asked.saturating_add(input.u8().into()),
        6 => input.u16().into(),
        _ => 0,
    };
    let bytes = bytes.min(MOST as u32);
    let seed = input.bytes(48);
    let payload = if seed.is_empty() {
        vec![0; bytes as usize]
    } else {
        seed.iter().copied().cycle().take(bytes as usize).collect()
    };
    (bytes, payload)
}
