//! Tasks as an initiator writes them, from the input's choices: mostly right, so that they get past the first check.

use crate::input::Input;
use scsi::{Attribute, Management, Task};

/// Operation code of copies.
const COPY: u8 = 0x83;

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
    if how & 1 == 0 && opcode == COPY {
        return copy(input, task);
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
        Ok(wire::scsi::Command::Unmap { length, .. } | wire::scsi::Command::ModeSelect { length, .. }) => length.into(),
        Ok(
            wire::scsi::Command::ExtendedCopy { length, .. }
            | wire::scsi::Command::PopulateToken { length, .. }
            | wire::scsi::Command::WriteUsingToken { length, .. }
            | wire::scsi::Command::PersistentReserveOut { length, .. }
            | wire::scsi::Command::SetTargetPortGroups { length }
            | wire::scsi::Command::SetTimestamp { length },
        ) => length,
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

/// A copy whose list is mostly right: its header and its designators are, its blocks and its flaws are the input's.
fn copy(input: &mut Input, mut task: Task) -> (Task, Vec<u8>) {
    let mut list = match task.cdb[1] {
        0 | 1 => extended_copy(input, task.cdb[1] == 1),
        0x10 => ranges(input, vec![0; 14]),
        0x11 => {
            let mut header = vec![0; 534];
            header[16..24].copy_from_slice(&[0xff, 0xff, 0, 1, 0, 0, 1, 0xf8]);
            ranges(input, header)
        }
        _ => Vec::new(),
    };
    // A flaw, and an end that is too early.
    let (flaw, place, cut) = (input.u8(), usize::from(input.u16()), input.u8());
    if flaw & 0xc0 == 0xc0
        && let Some(byte) = list.get_mut(place % 600)
    {
        *byte ^= flaw & 0x3f;
    }
    task.cdb[6..10].fill(0);
    task.cdb[9] = flaw & 3;
    task.cdb[10..14].copy_from_slice(&(list.len() as u32).to_be_bytes());
    if cut & 0xe0 == 0xe0 {
        list.truncate(list.len().saturating_sub(usize::from(cut & 0x1f)));
    }
    task.data_out = list.len() as u32;
    (task, list)
}

/// Segments between both volumes, which have one name.
fn extended_copy(input: &mut Input, lid4: bool) -> Vec<u8> {
    let (count, id) = (input.u8() & 3, input.u8());
    let naa = scsi::Identity::of("6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c11".parse().expect("a UUID")).naa;
    let mut cscd = vec![0xe4, 0, 0, 0, 1, 3, 0, 8];
    cscd.extend(naa);
    cscd.resize(32, 0);
    let mut segments = Vec::new();
    for _ in 0..count {
        let [how, blocks, from, to] = input.array::<4>();
        let end = if how & 1 == 0 { 0 } else { 0xffff_u16 };
        segments.extend([2, how >> 6, 0, 24]);
        segments.extend([end, 0, 0, u16::from(blocks) << (how & 3)].iter().flat_map(|n| n.to_be_bytes()));
        segments.extend([from, to].iter().flat_map(|n| (u64::from(*n) << (how >> 2 & 3)).to_be_bytes()));
    }
    let mut header = vec![0; if lid4 { 48 } else { 16 }];
    if lid4 {
        (header[0], header[3], header[16], header[23]) = (1, 0x20, 0xff, id & 3);
        (header[43], header[45]) = (32, segments.len() as u8);
    } else {
        (header[0], header[3], header[11]) = (id & 3, 32, segments.len() as u8);
    }
    [header, cscd, segments].concat()
}

/// A header of so many bytes, ranges behind it.
fn ranges(input: &mut Input, mut list: Vec<u8>) -> Vec<u8> {
    let count = u16::from(input.u8() & 7);
    list.extend((count * 16).to_be_bytes());
    for _ in 0..count {
        let [place, blocks] = input.array::<2>();
        list.extend((u64::from(place) * 9).to_be_bytes());
        list.extend(u32::from(blocks & 15).to_be_bytes());
        list.extend([0; 4]);
    }
    let length = list.len() as u16 - 2;
    list[..2].copy_from_slice(&length.to_be_bytes());
    list
}
