//! A driver that has lost its way: any bytes in any entry and mailbox, and no promise but one: no panic, and for each IOCB at most one
//! completion.

use crate::memory::BASE;
use crate::rig::*;
use emu::isp::firmware::{EXECUTE, Mailbox, Output};
use std::collections::HashMap;
use wire::fc::PortId;
use wire::isp::iocb::EntryType;

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const TYPES: [EntryType; 20] = [
    EntryType::COMMAND_7,
    EntryType::COMMAND_6,
    EntryType::COMMAND_NVME,
    EntryType::TASK_MANAGEMENT,
    EntryType::ABORT,
    EntryType::MARKER,
    EntryType::LOGIN_LOGOUT,
    EntryType::CT_PASS_THROUGH,
    EntryType::ELS_PASS_THROUGH,
    EntryType::PT_LS4,
    EntryType::MAILBOX,
    EntryType::VP_CONFIG,
    EntryType::VP_CONTROL,
    EntryType::CTIO_7,
    EntryType::NOTIFY_ACK,
    EntryType::ABTS_RESPONSE,
    EntryType::CTIO_CRC_2,
    EntryType::CTIO_NVME,
    EntryType::STATUS,
    EntryType::CONTINUATION,
];

/// An entry of noise, some of whose fields are likely to make sense.
fn entry(san: &mut San, chance: &mut Chance, disk: PortId) -> [u8; 64] {
    let mut entry = [0; 64];
    entry.iter_mut().for_each(|byte| *byte = if chance.below(3) == 0 { chance.next() as u8 } else { 0 });
    entry[0] = TYPES[chance.below(TYPES.len() as u64) as usize].0;
    entry[4..8].copy_from_slice(&san.handle().get().to_le_bytes());
    if chance.below(2) == 0 {
        let handles = [DISK, 0x7fc, 0x7fe, 4];
        let handle = handles[chance.below(4) as usize].to_le_bytes();
        let at = if matches!(entry[0], 0x52 | 0x29 | 0x53 | 0x89) { 10 } else { 8 };
        entry[at..at + 2].copy_from_slice(&handle);
    }
    for at in [28, 40, 52] {
        if chance.below(2) == 0 {
            entry[at..at + 8].copy_from_slice(&(BASE + chance.below(1 << 16)).to_le_bytes());
            entry[at + 8..at + 12].copy_from_slice(&(chance.below(5000) as u32).to_le_bytes());
        }
    }
    if chance.below(2) == 0 {
        entry[44..48].copy_from_slice(&(chance.below(5000) as u32).to_le_bytes());
        (entry[12], entry[13]) = (chance.below(3) as u8, 0);
        let id = disk.to_bytes();
        (entry[16], entry[17], entry[18]) = (id[2], id[1], id[0]);
    }
    // Without a time-out of hours.
    entry[11] = 0;
    entry
}

fn run(seed: u64) {
    let mut chance = Chance(seed);
    let mut san = San::ready();
    let disk = san.disk();
    let noise: Vec<u8> = (0..1 << 17).map(|_| chance.next() as u8).collect();
    san.memory.put(0, &noise);
    let mut completions: HashMap<u32, u32> = HashMap::new();
    for _ in 0..300 {
        let queue = [0, 1, EXECUTE][chance.below(3) as usize];
        let first = entry(&mut san, &mut chance, disk);
        let mut entries = vec![first];
        for _ in 0..chance.below(3) {
            let mut more = entry(&mut san, &mut chance, disk);
            if chance.below(3) > 0 {
                more[0] = EntryType::CONTINUATION.0;
            }
            entries.push(more);
        }
        completions.insert(u32::from_le_bytes(first[4..8].try_into().unwrap()), 0);
        san.send(queue, &entries);
        if chance.below(4) == 0 {
            mailbox(&mut san, &mut chance);
        }
        if chance.below(3) == 0 {
            san.pass(1);
        }
    }
    san.sleep(60);
    for output in &san.outputs {
        if let Output::Response { entries, .. } = output {
            let handle = u32::from_le_bytes(entries[0][4..8].try_into().unwrap());
            if let Some(count) = completions.get_mut(&handle) {
                *count += 1;
                assert_eq!(*count, 1, "seed {seed}: {entries:02x?}");
            }
        }
    }
    // It still works for a driver that has found its way again.
    san.firmware.stop(san.now);
    san.pass(50);
    san.memory.poisoned.clear();
    san.online();
    let id = san.disk();
    assert_eq!(san.plogi(DISK, id, 0x10).comp_status.get(), 0, "seed {seed}");
}

fn mailbox(san: &mut San, chance: &mut Chance) {
    let codes =
        [0x20, 0x22, 0x5d, 0x69, 0x6a, 0x70, 0x64, 0x75, 0x7c, 0x6d, 0x72, 0x62, 0x1a, 0x56, 0x59, 0x48, 0xffff];
    let mut all = [0; 32];
    all.iter_mut().for_each(|word| *word = if chance.below(2) == 0 { chance.next() as u16 } else { 0 });
    all[0] = codes[chance.below(codes.len() as u64) as usize];
    if chance.below(2) == 0 {
        (all[1], all[9]) = (DISK, 0);
        (all[2], all[3], all[6], all[7]) = ((BASE >> 16) as u16, 0, 0, (BASE >> 32) as u16);
    }
    let done = san.firmware.mailbox(&all, &mut san.memory, san.now);
    san.collect();
    if let Mailbox::Done(out) = done {
        assert_eq!(out[0] & 0xff00, 0x4000, "{:#x}", all[0]);
    }
}

#[test]
fn noise_is_answered_once_or_not_at_all() {
    (0..12).for_each(run);
}
