//! What a driver does from finding the function to its start.

use super::{BASE, Host, SCRATCH, identity};
use crate::isp::chip::{Board, Family, Identity, Stage, synthetic_firmware};
use wire::isp::flash::{FLT_ADDRESS, FLT_BYTES, Nvram, Region, SegmentHeader, regions};
use wire::isp::icb::{Icb, Options1, Options2};
use wire::isp::mailbox::{Command, Mailboxes};
use wire::isp::regs::{self, HccrCommand};
use wire::{IntoBytes, U16, U32, U64};

pub const REQUESTS: u64 = BASE + 0x1_0000;
pub const RESPONSES: u64 = BASE + 0x2_0000;
pub const ATIOS: u64 = BASE + 0x3_0000;

impl Host {
    fn load_segment(&mut self, address: u32, bytes: &[u8]) -> u16 {
        let mut words = bytes.to_vec();
        wire::isp::swap_words(&mut words);
        self.memory.put(SCRATCH, &words);
        let words = (words.len() / 4) as u32;
        let at = [(1, address as u16), (8, (address >> 16) as u16), (4, (words >> 16) as u16), (5, words as u16)];
        self.command_at(Command::LOAD_RAM.0, SCRATCH, &at)[0]
    }

    /// Loads both segments of an image; the address of the first.
    pub fn load(&mut self, image: &[u8]) -> u32 {
        let mut rest = image;
        let mut start = None;
        for _ in 0..2 {
            let header: SegmentHeader = wire::read(rest).unwrap();
            let (segment, tail) = rest.split_at(header.bytes() as usize);
            assert_eq!(self.load_segment(header.address.get(), segment), 0x4000);
            start.get_or_insert(header.address.get());
            rest = tail;
        }
        start.unwrap()
    }

    pub fn run(&mut self, start: u32) -> [Mailboxes; 2] {
        let at = [(1, (start >> 16) as u16), (2, start as u16)];
        [Command::VERIFY_CHECKSUM, Command::EXECUTE_FIRMWARE].map(|command| self.command(command.0, &at))
    }

    /// Reset as drivers do it.
    pub fn chip_reset(&mut self) {
        self.write32(0, regs::ICTRL, 0);
        self.write32(0, regs::CTRL_STATUS, 0x1_0030);
        assert_eq!(self.read32(0, regs::CTRL_STATUS) & 1 << 17, 0);
        self.write32(0, regs::CTRL_STATUS, 0x1_0031);
        assert_eq!(self.read16(regs::mailbox(0)), 0);
        assert_eq!(self.read32(0, regs::CTRL_STATUS) & 1, 0);
        self.hccr(HccrCommand::SET_RISC_RESET);
        assert_eq!(self.read32(0, regs::HCCR) & 0x20, 0x20);
        self.hccr(HccrCommand::RELEASE_RISC_PAUSE);
        self.hccr(HccrCommand::CLEAR_RISC_RESET);
        assert_eq!(self.read32(0, regs::HCCR), 0);
        self.settle();
        assert_eq!(self.read16(regs::mailbox(0)), 0);
    }

    /// Up to where the firmware runs.
    pub fn boot(&mut self) {
        self.chip_reset();
        let start = self.load(&synthetic_firmware([9, 8, 0]));
        assert_eq!(self.run(start).map(|answer| answer[0]), [0x4000; 2]);
    }

    pub fn initialize(&mut self, icb: &Icb) -> Mailboxes {
        self.memory.put(SCRATCH, icb.as_bytes());
        self.command_at(Command::MID_INIT_FIRMWARE.0, SCRATCH, &[])
    }

    /// All the way, with this control block. The host's pointers are where the queues start.
    pub fn start(icb: &Icb) -> Self {
        let mut host = Self::new();
        host.boot();
        let starts = [icb.request_out, icb.response_in, icb.atio_in].map(|start| u32::from(start.get()));
        let registers = [regs::QUEUE_REQUEST_IN, regs::QUEUE_RESPONSE_OUT, regs::QUEUE_ATIO_OUT];
        registers.into_iter().zip(starts).for_each(|(register, start)| host.write32(4, register, start));
        assert_eq!(host.initialize(icb)[0], 0x4000);
        host.settle();
        (host.memory.interrupts, host.memory.written) = (Vec::new(), Vec::new());
        host
    }

    fn flash(&mut self, at: u32, bytes: usize) -> Vec<u8> {
        let word = regs::FLASH_WINDOW + at / 4;
        let registers = [(1, word as u16), (8, (word >> 16) as u16), (5, (bytes / 4) as u16)];
        assert_eq!(self.command_at(Command::DUMP_RAM.0, SCRATCH, &registers)[0], 0x4000);
        self.memory.get(SCRATCH, bytes).to_vec()
    }
}

/// A control block with small queues: 8 requests, 8 responses, 8 ATIOs, all with vectors.
pub fn icb() -> Icb {
    let mut icb = Icb::defaults();
    icb.port_name = identity().names.port.to_bytes();
    icb.node_name = identity().names.node.to_bytes();
    (icb.request_address, icb.request_length) = (U64::new(REQUESTS), U16::new(8));
    (icb.response_address, icb.response_length) = (U64::new(RESPONSES), U16::new(8));
    (icb.atio_address, icb.atio_length) = (U64::new(ATIOS), U16::new(8));
    (icb.response_vector, icb.atio_vector) = (U16::new(1), U16::new(2));
    icb.options_1 = U32::new(Options1(icb.options_1.get()).with_target_mode(true).0);
    let two = Options2(icb.options_2.get()).with_multi_queue(true);
    icb.options_2 = U32::new(two.with_shadow_request(true).with_shadow_response(true).0);
    icb
}

#[test]
fn configuration_space_is_what_drivers_look_for() {
    let mut host = Host::with(Identity { port: 1, multifunction: true, ..identity() });
    let mut bytes = [0; 256];
    host.chip.read_config(0, &mut bytes);
    assert_eq!(bytes[..4], [0x77, 0x10, 0x61, 0x22]);
    assert_eq!((&bytes[8..12], bytes[0x0e], bytes[0x3d]), (&[1, 0, 4, 0x0c][..], 0x80, 2));
    assert_eq!(bytes[0x2c..0x30], [0x77, 0x10, 0x9a, 0x02]);
    assert_eq!((bytes[0x34], bytes[0x45], bytes[0x4d]), (0x44, 0x4c, 0x90));
    assert_eq!(bytes[0x90..0x9c], [0x11, 0, 15, 0, 2, 0, 0, 0, 2, 0x10, 0, 0]);
    // Sizes of BARs, as everybody finds them out.
    host.chip.write_config(0x10, &[0xff; 24]);
    host.chip.read_config(0x10, &mut bytes[..24]);
    let sizes = [0x0c, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(bytes[..8], sizes);
    assert_eq!((bytes[8..11].to_vec(), bytes[16..20].to_vec()), (vec![0x0c, 0xe0, 0xff], vec![0x0c, 0, 0xf0, 0xff]));
    host.chip.write_config(0, &[0; 4]);
    host.chip.read_config(0, &mut bytes[..2]);
    assert_eq!(bytes[..2], [0x77, 0x10]);
    // A function level reset.
    host.chip.write_config(0x55, &[0x80]);
    host.chip.read_config(0x10, &mut bytes[..4]);
    assert_eq!(bytes[..4], [0x0c, 0, 0, 0]);
    assert_eq!(host.chip.counters().resets, 1);
}

#[test]
fn a_driver_probes_it() {
    let mut host = Host::new();
    host.chip_reset();
    // Flash: layout, then the settings of its port.
    let table = host.flash(FLT_ADDRESS, FLT_BYTES);
    let list = regions(&table).unwrap();
    let of = |code: Region| list.iter().find(|region| region.code.get() == code.0).unwrap();
    let nvram: Nvram = wire::read(&host.flash(of(Region::NVRAM_0).start.get(), 512)).unwrap();
    assert!(nvram.is_valid());
    assert_eq!(nvram.port_name, identity().names.port.to_bytes());
    // The ROM.
    let patterns = [0xaaaa, 0x5555, 0xaa55, 0x55aa, 0xa5a5, 0x5a5a, 0x2525];
    let registers: Vec<_> = (1..).zip(patterns).collect();
    assert_eq!(host.command(0x06, &registers)[1..8], patterns);
    assert_eq!(host.command(0x69, &[])[0], 0x4001, "the firmware does not run");
    // Firmware out of the flash, read word by word.
    let firmware = of(Region::FIRMWARE).start.get();
    let image: Vec<u8> = (0..(128 + 212) / 4)
        .flat_map(|n| {
            host.write32(0, regs::FLASH_ADDRESS, regs::FLASH_WINDOW + firmware / 4 + n);
            assert_ne!(host.read32(0, regs::FLASH_ADDRESS) & regs::FLASH_FLAG, 0);
            host.read32(0, regs::FLASH_DATA).to_le_bytes()
        })
        .collect();
    assert_eq!(image, synthetic_firmware([9, 8, 0]));
    let start = host.load(&image);
    let [verified, executed] = host.run(start);
    assert_eq!((verified[0], executed[0], executed[2] & 3), (0x4000, 0x4000, 1));
    // The transceiver: short wave, or the driver would start again.
    let sfp = host.command_at(0x31, SCRATCH, &[(1, 0xa0), (8, 64), (9, 0), (10, 2)]);
    assert_eq!((sfp[0], host.memory.get(SCRATCH, 16)[0], host.memory.get(SCRATCH, 16)[7] & 0xb0), (0x4000, 3, 0));
    let version = host.command(0x08, &[]);
    assert_eq!((&version[1..4], version[6], version[15]), (&[9, 8, 0][..], 0x44, 0x4400));
    let counts = host.command(0x42, &[]);
    assert_eq!([1, 2, 3, 6, 7, 10, 11].map(|n| counts[n]), [2048, 2048, 2048, 2048, 2048, 2048, 254]);
    assert_eq!(host.command(0x38, &[(2, 0x810), (3, 0x400)])[0], 0x4000);
    assert_eq!(host.command(0x69, &[])[..2], [0x4000, 0], "configuration is waited for");
    assert_eq!(host.initialize(&icb())[0], 0x4000);
    assert_eq!(host.chip.firmware().started, Some(icb()));
    assert_eq!(host.chip.firmware().options, [0, 0x810, 0x400]);
    assert_eq!(host.chip.stage(), Stage::Started);
    assert_eq!(host.command(0x69, &[])[..2], [0x4000, 3]);
    assert_eq!(host.command_at(0x59, SCRATCH, &[(1, 9 << 8 | 7)])[0], 0x4000);
    assert_eq!(host.command(0x5a, &[(1, 0x0c00)])[1], 45);
    assert_eq!(host.command(0x1234, &[])[0], 0x4001, "never ignored");
    assert!(host.events.is_empty() && host.memory.interrupts.is_empty(), "ICTRL is off");
}

#[test]
fn bad_firmware_is_not_executed() {
    let mut host = Host::new();
    host.chip_reset();
    assert_eq!(host.run(0x10_0000).map(|answer| answer[0]), [0x4010, 0x4005], "nothing was loaded");
    let mut image = synthetic_firmware([9, 8, 0]);
    image[50] ^= 1;
    let start = host.load(&image);
    assert_eq!(host.run(start).map(|answer| answer[0]), [0x4010, 0x4005]);
    assert_eq!(host.chip.stage(), Stage::Rom);
    // A file of somebody else, with a version of its own: what is loaded whole is taken.
    let mut other = vec![0; 80];
    other[8..16].copy_from_slice(&[0, 0x10, 0, 0, 0, 0, 0, 10]);
    other[16..20].copy_from_slice(&[0, 0, 0, 8]);
    other.copy_within(..40, 40);
    other[41 + 8] = 0x20;
    let start = host.load(&other);
    assert_eq!(host.run(start).map(|answer| answer[0]), [0x4000; 2]);
    assert_eq!(host.command(0x08, &[])[1], 8);
}

#[test]
fn bad_control_blocks_are_refused() {
    let bad: [fn(&mut Icb); 12] = [
        |icb| icb.version = U16::new(2),
        |icb| icb.frame_payload = U16::new(64),
        |icb| icb.request_address = U64::new(0),
        |icb| icb.request_address = U64::new(REQUESTS + 4),
        |icb| icb.request_length = U16::new(1),
        |icb| icb.response_address = U64::new(!63),
        |icb| icb.response_length = U16::new(0),
        |icb| icb.response_in = U16::new(8),
        |icb| icb.request_out = U16::new(9),
        |icb| icb.response_vector = U16::new(16),
        |icb| icb.atio_address = U64::new(0),
        |icb| icb.atio_length = U16::new(0),
    ];
    let mut host = Host::new();
    host.boot();
    for (n, change) in bad.into_iter().enumerate() {
        let mut block = icb();
        change(&mut block);
        assert_eq!(host.initialize(&block)[0], 0x4006, "{n}");
    }
    let mut elsewhere = icb();
    elsewhere.response_address = U64::new(0x4000_0000);
    assert_eq!(host.initialize(&elsewhere)[0], 0x4002, "there is no memory");
    assert_eq!(host.command_at(0x48, 64, &[])[0], 0x4002);
    assert_eq!(host.chip.firmware().started, None);
    assert_eq!(host.initialize(&icb())[0], 0x4000);
    assert_eq!(host.initialize(&icb())[0], 0x4005, "started already");
}

#[test]
fn without_bus_mastering_there_is_no_dma() {
    let mut host = Host::new();
    host.chip.write_config(4, &[2, 0]);
    host.chip_reset();
    assert_eq!(host.command_at(0x0c, SCRATCH, &[(5, 16)])[0], 0x4002);
    assert_eq!(host.command(0x06, &[(1, 7)])[1], 7, "commands without memory work");
    assert!(host.memory.written.is_empty());
}

#[test]
fn reset_ends_everything() {
    let mut host = Host::start(&icb());
    host.chip.firmware_mut().outputs.push_back(super::Output::Response { queue: 0, entries: vec![[1; 64]] });
    host.chip.faults_mut().events.push([0x8015, 0, 0, 0, 0, 0, 0, 0]);
    host.issue(0x69, &[]);
    let stops = host.chip.firmware().stops;
    host.chip_reset();
    assert_eq!(host.chip.firmware().stops, stops + 1, "several resets in a row are one to the firmware");
    assert!(host.memory.written.is_empty() && host.chip.firmware().outputs.is_empty());
    assert_eq!((host.chip.stage(), host.read32(4, regs::QUEUE_RESPONSE_IN)), (Stage::Rom, 0));
    host.write32(4, regs::QUEUE_REQUEST_IN, 3);
    host.settle();
    assert!(host.memory.written.is_empty() && host.chip.firmware().requests.is_empty());
    // Orders to misbehave outlast a reset; events come only once there is firmware to tell of them.
    host.boot();
    assert!(host.events.is_empty());
    assert_eq!(host.initialize(&icb())[0], 0x4000);
    host.settle();
    host.drain();
    assert_eq!(host.events[0][0], 0x8015);
}

#[test]
fn stopping_the_firmware_is_the_end_of_events() {
    let mut host = Host::start(&icb());
    assert_eq!(host.command(0x14, &[])[0], 0x4000);
    host.chip.firmware_mut().outputs.push_back(super::Output::Event([0x8011, 6, 0, 0, 0, 0, 0, 0]));
    host.settle();
    assert!(!host.status().pending());
    assert_eq!(host.command(0x69, &[])[0], 0x4001);
}

#[test]
fn the_older_family() {
    let old = Identity { board: Board::Qle2670, ..identity() };
    assert_eq!(old.board.family(), Family::Isp2031);
    let mut host = Host::with(old);
    let mut id = [0; 4];
    host.chip.read_config(0, &mut id);
    assert_eq!(id, [0x77, 0x10, 0x31, 0x20]);
    host.boot();
    let version = host.command(0x08, &[]);
    assert_eq!((version[6], version[15]), (0x44, 0), "no NVMe");
    host.initialize(&icb());
    host.memory.put(REQUESTS, &super::queue::iocb(7, 1));
    host.write32(4, regs::QUEUE_REQUEST_IN, 1);
    host.settle();
    let pointers = [regs::QUEUE_REQUEST_OUT, regs::QUEUE_RESPONSE_IN].map(|at| host.read32(4, at));
    assert_eq!(pointers, [1, 1]);
    assert_eq!(host.memory.get(REQUESTS + 64 * 8, 2), [0, 0], "no pointers in memory");
    assert_eq!(host.memory.get(RESPONSES + 64 * 8, 2), [0, 0]);
}

#[test]
fn flash_can_be_updated() {
    let mut host = Host::new();
    host.boot();
    let word = regs::FLASH_WINDOW + 0x50_0000 / 4;
    let at = [(1, word as u16), (8, (word >> 16) as u16), (5, 16)];
    host.memory.put(SCRATCH, &[0x5a; 64]);
    assert_eq!(host.command_at(0x0b, SCRATCH, &at)[0], 0x4006, "protected");
    assert_eq!(host.command(0x3e, &[(1, 5)])[1], 0x4000, "words of a sector");
    assert_eq!(host.command(0x3e, &[(1, 3)])[0], 0x4000);
    assert_eq!(host.command(0x3e, &[(1, 1)])[0], 0x4000);
    let last = word + 0x3fff;
    let range = [(2, word as u16), (3, (word >> 16) as u16), (4, last as u16), (5, (last >> 16) as u16)];
    assert_eq!(host.command(0x3e, &[&[(1, 2)], &range[..]].concat())[0], 0x4000);
    assert_eq!(host.command_at(0x0b, SCRATCH, &at)[0], 0x4000);
    assert_eq!(host.command(0x3e, &[(1, 0)])[0], 0x4000);
    assert_eq!(host.flash(0x50_0000, 64), [0x5a; 64]);
    host.chip_reset();
    assert_eq!(host.flash(0x50_0000, 64), [0x5a; 64]);
}
