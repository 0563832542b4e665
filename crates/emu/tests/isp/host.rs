//! A host with one function at a switch. Time is virtual.

use emu::isp::firmware::Settings;
use emu::isp::{Identity, Isp, Stage, synthetic_firmware};
use fabric::{Config, Switch};
use fc::fc2::Limits;
use fc::{Frames, Names, RingLink, Wake, ring_links};
use pci::{Bus, Fault, Model};
use std::sync::Arc;
use wire::IntoBytes;
use wire::fc::Wwn;
use wire::isp::icb::{Icb, Options2};
use wire::isp::mailbox::{A64, Mailboxes};
use wire::isp::regs::{self, Cause, HostStatus, MAILBOXES};

pub const MS: u64 = 1_000_000;
const BASE: u64 = 0x10_0000;
const BYTES: usize = 1 << 20;
pub const SCRATCH: u64 = BASE;
const REQUESTS: u64 = BASE + 0x1_0000;
pub const RESPONSES: u64 = BASE + 0x2_0000;

pub struct Memory {
    bytes: Vec<u8>,
    interrupts: Vec<u16>,
    pub written: usize,
}

impl Memory {
    fn place(&self, address: u64, len: usize) -> Result<std::ops::Range<usize>, Fault> {
        let fault = Fault { address, len };
        let at = address.checked_sub(BASE).ok_or(fault)? as usize;
        let end = at.checked_add(len).filter(|end| *end <= BYTES).ok_or(fault)?;
        Ok(at..end)
    }

    pub fn get(&self, address: u64, len: usize) -> &[u8] {
        &self.bytes[self.place(address, len).unwrap()]
    }

    pub fn put(&mut self, address: u64, bytes: &[u8]) {
        let place = self.place(address, bytes.len()).unwrap();
        self.bytes[place].copy_from_slice(bytes);
    }
}

impl Bus for Memory {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        into.copy_from_slice(&self.bytes[self.place(address, into.len())?]);
        Ok(())
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let place = self.place(address, from.len())?;
        self.bytes[place].copy_from_slice(from);
        self.written += 1;
        Ok(())
    }

    fn interrupt(&mut self, vector: u16) {
        self.interrupts.push(vector);
    }
}

pub struct Host {
    pub isp: Isp<RingLink>,
    pub switch: Switch,
    pub memory: Memory,
    pub now: u64,
    pub events: Vec<[u16; 4]>,
    /// How often host_status told of the response queue.
    pub rings: usize,
}

fn names() -> Names {
    Names { node: Wwn(0x2000_0024_ff01_0203), port: Wwn(0x2100_0024_ff01_0203) }
}

fn settings(frames: Frames) -> Settings {
    let options = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = dma::Arena::new(options).expect("memory");
    let pool = dma::Pool::new(&arena, &[dma::Class { size: 64 << 10, count: 4 }]).expect("memory");
    let limits = Limits { exchanges: 64, reserve: 8, ..Limits::default() };
    let nobody = Names { node: Wwn::NONE, port: Wwn::NONE };
    Settings { names: nobody, speed: 0, frames, pool, limits, vports: 8 }
}

impl Host {
    pub fn new() -> Self {
        let frames = Frames::new(256);
        let config = Config { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 1 };
        let mut switch = Switch::new(config, frames.clone());
        let nobody: Wake = Arc::new(|| {});
        let [near, far] = ring_links(64, [nobody.clone(), nobody]);
        switch.attach(Box::new(far)).expect("a port");
        let isp = Isp::new(Identity::new(names()), settings(frames), near);
        let memory = Memory { bytes: vec![0; BYTES], interrupts: Vec::new(), written: 0 };
        let mut host = Self { isp, switch, memory, now: 1, events: Vec::new(), rings: 0 };
        host.isp.write_config(4, &[6, 0]);
        host
    }

    pub fn icb() -> Icb {
        let mut icb = Icb::defaults();
        icb.port_name = names().port.to_bytes();
        icb.node_name = names().node.to_bytes();
        icb.request_address.set(REQUESTS);
        icb.request_length.set(64);
        icb.response_address.set(RESPONSES);
        icb.response_length.set(64);
        icb.response_vector.set(1);
        icb.options_2.set(Options2(icb.options_2.get()).with_multi_queue(true).with_shadow_response(true).0);
        icb
    }

    /// Interrupts since the last time.
    pub fn interrupts(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.memory.interrupts)
    }

    /// Lets time pass in steps of a millisecond.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            for _ in 0..4 {
                self.switch.poll(self.now);
                self.isp.poll(&mut self.memory, self.now);
            }
        }
    }

    pub fn read32(&mut self, bar: u8, offset: u64) -> u32 {
        let mut bytes = [0; 4];
        self.isp.read(bar, offset, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn write32(&mut self, offset: u64, value: u32) {
        self.isp.write(0, offset, &value.to_le_bytes());
    }

    pub fn chip_reset(&mut self) {
        self.write32(regs::CTRL_STATUS, 1);
        for command in [1, 4, 2] {
            self.write32(regs::HCCR, command << 28);
        }
        self.pass(1);
        assert_eq!(self.isp.stage(), Stage::Rom);
    }

    /// Reset, firmware, control block.
    pub fn start(&mut self, icb: &Icb) {
        self.chip_reset();
        let mut image = synthetic_firmware([9, 8, 0]);
        wire::isp::swap_words(&mut image);
        for (n, address) in [0x10_u16, 0x20].into_iter().enumerate() {
            self.memory.put(SCRATCH, &image[64 * n..][..64]);
            assert_eq!(self.command_at(0x0b, SCRATCH, &[(8, address), (5, 16)])[0], 0x4000);
        }
        for command in [0x07, 0x02] {
            assert_eq!(self.command(command, &[(1, 0x10)])[0], 0x4000);
        }
        self.memory.put(SCRATCH, icb.as_bytes());
        assert_eq!(self.command_at(0x48, SCRATCH, &[])[0], 0x4000);
    }

    pub fn command(&mut self, command: u16, registers: &[(usize, u16)]) -> Mailboxes {
        let mut mailboxes = [0; MAILBOXES];
        mailboxes[0] = command;
        registers.iter().for_each(|(n, value)| mailboxes[*n] = *value);
        self.isp.write(0, regs::MAILBOX, mailboxes.as_bytes());
        self.write32(regs::HCCR, 5 << 28);
        for _ in 0..1000 {
            self.pass(1);
            if let Some(answer) = self.take() {
                return answer;
            }
        }
        panic!("mailbox command {command:x} timed out");
    }

    pub fn command_at(&mut self, command: u16, address: u64, registers: &[(usize, u16)]) -> Mailboxes {
        let mut mailboxes = [0; MAILBOXES];
        A64(address).put(&mut mailboxes);
        let mut all = [2, 3, 6, 7].map(|n| (n, mailboxes[n])).to_vec();
        all.extend(registers);
        self.command(command, &all)
    }

    /// Takes what host_status has; the answer of a mailbox command, if one is there.
    fn take(&mut self) -> Option<Mailboxes> {
        loop {
            let status = HostStatus(self.read32(0, regs::HOST_STATUS));
            if !status.pending() {
                return None;
            }
            let mailboxes: Mailboxes = std::array::from_fn(|n| self.read32(0, regs::mailbox(n)) as u16);
            self.write32(regs::HCCR, 0xa << 28);
            match Cause(status.cause()) {
                cause if cause.is_mailbox() => return Some(mailboxes),
                Cause::ASYNC_EVENT => self.events.push([0, 1, 2, 3].map(|n| mailboxes[n])),
                cause => self.rings += usize::from(cause.is_response()),
            }
        }
    }

    /// Takes all that host_status has.
    pub fn drain(&mut self) {
        assert_eq!(self.take(), None, "nobody asked");
    }
}
