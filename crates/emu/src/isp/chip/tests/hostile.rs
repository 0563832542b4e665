//! A host that does whatever comes into its mind: nothing panics, and a reset helps.

use super::probe::{REQUESTS, icb};
use super::queue::iocb;
use super::{BASE, BYTES, Host};
use crate::isp::firmware::Output;
use wire::isp::regs;
use wire::{FromBytes, IntoBytes};

/// Numbers from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// An address: most often one with memory.
    fn address(&mut self) -> u64 {
        match self.below(8) {
            0 => self.roll(),
            1 => BASE + BYTES as u64 - self.below(200),
            _ => BASE + self.below(BYTES as u64) / 64 * 64,
        }
    }

    /// A small number, or one at an edge, or any.
    fn word(&mut self) -> u32 {
        match self.below(6) {
            0 => self.roll() as u32,
            1 => [0, 1, 7, 8, 0xffff, 0x1_0000, u32::MAX, regs::FLASH_WINDOW][self.below(8) as usize],
            _ => self.below(16) as u32,
        }
    }
}

fn step(host: &mut Host, dice: &mut Dice) {
    match dice.below(12) {
        0 => access(host, dice),
        1..3 => {
            let (offset, word) = (dice.below(0x40) * 4, dice.word());
            host.write32(0, offset, word);
        }
        3..6 => {
            let (queue, register, word) = (dice.below(4) as u16, dice.below(7) * 4, dice.word());
            host.write32(4, regs::queue_register(queue, register), word);
        }
        6 => command(host, dice),
        7 => queue(host, dice),
        8 => scribble(host, dice),
        9 => output(host, dice),
        10 => host.hccr(regs::HccrCommand((dice.below(16) as u32) << 28)),
        _ => {
            host.take();
        }
    }
}

/// An access of any size anywhere.
fn access(host: &mut Host, dice: &mut Dice) {
    let mut bytes = vec![dice.roll() as u8; dice.below(20) as usize];
    let (bar, offset) = (dice.below(7) as u8, [dice.below(0x120), dice.roll()][dice.below(2) as usize]);
    host.chip.write(bar, offset, &bytes);
    host.chip.read(bar, offset, &mut bytes);
    host.chip.read_config(offset as u16, &mut bytes);
    // Whatever is written, the bus stays enabled: else not much would happen.
    host.chip.write_config(offset as u16, &bytes);
    host.chip.write_config(4, &[6]);
}

fn command(host: &mut Host, dice: &mut Dice) {
    let mut registers: Vec<_> = (1..24).map(|n| (n, dice.word() as u16)).collect();
    let mut mailboxes = [0; 32];
    wire::isp::mailbox::A64(dice.address()).put(&mut mailboxes);
    registers.extend([2, 3, 6, 7].map(|n| (n, mailboxes[n])));
    let code = [dice.below(0x130) as u16, [0x48, 0x60, 0x1f, 0x0b, 0x0c, 0x54, 0x3e, 0x31][dice.below(8) as usize]];
    host.issue(code[dice.below(2) as usize], &registers);
}

/// A queue that is more or less right.
fn queue(host: &mut Host, dice: &mut Dice) {
    let mut mailboxes = [0; 32];
    wire::isp::mailbox::A64(dice.address()).put(&mut mailboxes);
    let mut registers = [2, 3, 6, 7].map(|n| (n, mailboxes[n])).to_vec();
    registers.extend([(1, 0x2000 | dice.below(4) as u16), (4, dice.below(4) as u16), (5, dice.below(12) as u16)]);
    registers.extend([(10, dice.below(4) as u16), (14, dice.below(17) as u16)]);
    host.issue(0x1f, &registers);
}

/// Entries anywhere, and such as may pass in the base queue.
fn scribble(host: &mut Host, dice: &mut Dice) {
    let at = BASE + dice.below(BYTES as u64 / 64) * 64;
    let entry: [u8; 64] = std::array::from_fn(|_| dice.word() as u8);
    host.memory.put(at, &entry);
    for slot in 0..8 {
        host.memory.put(REQUESTS + 64 * slot, &iocb(dice.word(), 1 + dice.below(4) as u8));
    }
}

fn output(host: &mut Host, dice: &mut Dice) {
    let queue = [dice.below(4) as u16, u16::MAX][dice.below(2) as usize];
    let entries = vec![[dice.roll() as u8; 64]; dice.below(12) as usize];
    host.chip.firmware_mut().outputs.extend([
        Output::Response { queue, entries: entries.clone() },
        Output::Atio { entries },
        Output::Event([dice.word() as u16; 8]),
    ]);
}

/// What is left over from before is gone after a reset, whatever that was.
fn recover(host: &mut Host) {
    host.chip.function_reset();
    host.chip.write_config(4, &[6, 0]);
    host.boot();
    assert_eq!(host.initialize(&icb())[0], 0x4000);
    host.chip.firmware_mut().outputs.clear();
}

#[test]
fn no_panic_and_a_reset_helps() {
    let mut done = [0; 6];
    for seed in 1..=40u64 {
        let (mut host, mut dice) = (Host::new(), Dice(0x9e37_79b9_7f4a_7c15 ^ seed));
        recover(&mut host);
        for n in 0..1500 {
            step(&mut host, &mut dice);
            host.now += dice.below(1000);
            host.chip.poll(&mut host.memory, host.now);
            let _ = (host.chip.is_pending(), host.chip.deadline());
            if n % 100 == 99 {
                recover(&mut host);
            }
        }
        let c = host.chip.counters();
        let counts = [c.mailbox_commands, c.iocbs, c.invalid_iocbs, c.responses, c.atios, c.dma_faults];
        done.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let least = [1000, 100, 20, 500, 500, 1];
    assert!(done.iter().zip(least).all(|(count, least)| *count >= least), "it has to get somewhere: {done:?}");
}

/// Control blocks with a few bytes changed.
#[test]
fn any_control_block_is_taken_or_refused() {
    let mut dice = Dice(7);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut host = Host::new();
        host.boot();
        let mut bytes: [u8; 128] = icb().as_bytes().try_into().unwrap();
        for _ in 0..dice.below(3) {
            bytes[dice.below(128) as usize] = dice.roll() as u8;
        }
        let block = wire::isp::icb::Icb::read_from_bytes(&bytes).unwrap();
        match host.initialize(&block)[0] {
            0x4000 => taken += 1,
            0x4002 | 0x4006 => refused += 1,
            other => panic!("{other:x}"),
        }
        host.chip.firmware_mut().outputs.extend([
            Output::Response { queue: 0, entries: vec![[1; 64]; 3] },
            Output::Atio { entries: vec![[1; 64]; 3] },
        ]);
        host.write32(4, 0, dice.word());
        host.settle();
    }
    assert!(taken > 50 && refused > 20, "{taken} {refused}");
}
