//! A host in a script, its memory, and a firmware that only writes down what it is told.

mod faulty;
mod hostile;
mod probe;
mod queue;

use super::{Behind, Chip, Identity, Resources};
use crate::isp::Entry;
use crate::isp::firmware::{Mailbox, Output};
use fc::Names;
use pci::{Bus, Fault};
use ring::Tick;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use wire::fc::Wwn;
use wire::isp::icb::Icb;
use wire::isp::mailbox::{A64, Command, FirmwareState, Mailboxes};
use wire::isp::regs::{self, Cause, HccrCommand, HostStatus, MAILBOXES};

/// Where the host's memory starts, and how much there is.
pub const BASE: u64 = 0x10_0000;
pub const BYTES: usize = 1 << 20;
/// Scratch for mailbox commands.
pub const SCRATCH: u64 = BASE;

/// The host's memory, and what happened to it.
pub struct Memory {
    bytes: Vec<u8>,
    pub interrupts: Vec<u16>,
    pub written: Vec<(u64, usize)>,
}

impl Memory {
    fn place(&self, address: u64, len: usize) -> Result<std::ops::Range<usize>, Fault> {
        let at = address.checked_sub(BASE).and_then(|at| usize::try_from(at).ok());
        let range = at.and_then(|at| Some(at..at.checked_add(len)?)).filter(|range| range.end <= BYTES);
        range.ok_or(Fault { address, len })
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
        self.written.push((address, from.len()));
        Ok(())
    }

    fn interrupt(&mut self, vector: u16) {
        self.interrupts.push(vector);
    }
}

/// Writes down what it is told; answers each IOCB by its own entry if `echo` is on.
#[derive(Default)]
pub struct Stub {
    pub started: Option<Icb>,
    pub options: [u16; 3],
    pub stops: usize,
    pub requests: Vec<(u16, Vec<Entry>)>,
    pub outputs: VecDeque<Output>,
    pub echo: bool,
}

impl Behind for Stub {
    fn start(&mut self, icb: &Icb, options: [u16; 3], _now: Tick) {
        (self.started, self.options) = (Some(*icb), options);
    }

    fn stop(&mut self, _now: Tick) {
        self.started = None;
        self.stops += 1;
    }

    fn request(&mut self, queue: u16, entries: &[Entry], _bus: &mut dyn Bus, _now: Tick) {
        if self.echo {
            self.outputs.push_back(Output::Response { queue, entries: vec![entries[0]] });
        }
        self.requests.push((queue, entries.to_vec()));
    }

    fn mailbox(&mut self, mailboxes: &Mailboxes, _bus: &mut dyn Bus, _now: Tick) -> Mailbox {
        if mailboxes[0] != Command::GET_FIRMWARE_STATE.0 {
            return Mailbox::NotMine;
        }
        let mut answer = [0; MAILBOXES];
        (answer[0], answer[1]) = (0x4000, FirmwareState::READY.0);
        Mailbox::Done(answer)
    }

    fn poll(&mut self, _bus: &mut dyn Bus, _now: Tick) -> usize {
        0
    }

    fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn is_pending(&self) -> bool {
        !self.outputs.is_empty()
    }

    fn deadline(&self) -> Option<Tick> {
        None
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// The host.
pub struct Host {
    pub chip: Chip<Stub>,
    pub memory: Memory,
    pub now: Tick,
    /// Events and ring codes that came.
    pub events: Vec<[u16; 4]>,
    pub causes: Vec<Cause>,
}

pub fn identity() -> Identity {
    Identity::new(Names { node: Wwn(0x2000_0024_ff01_0203), port: Wwn(0x2100_0024_ff01_0203) })
}

impl Host {
    pub fn new() -> Self {
        Self::with(identity())
    }

    /// The bus is enabled already.
    pub fn with(identity: Identity) -> Self {
        let resources = Resources { exchanges: 2048, vports: 254 };
        let memory = Memory { bytes: vec![0; BYTES], interrupts: Vec::new(), written: Vec::new() };
        let chip = Chip::new(identity, resources, Stub { echo: true, ..Stub::default() });
        let mut host = Self { chip, memory, now: 1, events: Vec::new(), causes: Vec::new() };
        host.chip.write_config(4, &[6, 0]);
        host
    }

    pub fn read32(&self, bar: u8, offset: u64) -> u32 {
        let mut bytes = [0; 4];
        self.chip.read(bar, offset, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    pub fn read16(&self, offset: u64) -> u16 {
        let mut bytes = [0; 2];
        self.chip.read(0, offset, &mut bytes);
        u16::from_le_bytes(bytes)
    }

    pub fn write32(&mut self, bar: u8, offset: u64, value: u32) {
        self.chip.write(bar, offset, &value.to_le_bytes());
    }

    pub fn write16(&mut self, offset: u64, value: u16) {
        self.chip.write(0, offset, &value.to_le_bytes());
    }

    pub fn hccr(&mut self, command: HccrCommand) {
        self.write32(0, regs::HCCR, command.0);
    }

    /// Polls until there is nothing more to do.
    pub fn settle(&mut self) {
        for _ in 0..1000 {
            self.chip.poll(&mut self.memory, self.now);
            if !self.chip.is_pending() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    pub fn status(&self) -> HostStatus {
        HostStatus(self.read32(0, regs::HOST_STATUS))
    }

    /// A mailbox command as drivers issue it: what was not asked for is kept in `events` and `causes`.
    pub fn command(&mut self, command: u16, registers: &[(usize, u16)]) -> Mailboxes {
        self.issue(command, registers);
        for _ in 0..1000 {
            self.settle();
            if let Some(answer) = self.take() {
                return answer;
            }
        }
        panic!("mailbox command {command:x} timed out");
    }

    pub fn issue(&mut self, command: u16, registers: &[(usize, u16)]) {
        let mut mailboxes = [0; MAILBOXES];
        mailboxes[0] = command;
        registers.iter().for_each(|(n, value)| mailboxes[*n] = *value);
        (0..MAILBOXES).for_each(|n| self.write16(regs::mailbox(n), mailboxes[n]));
        self.hccr(HccrCommand::SET_HOST_INTERRUPT);
    }

    /// Takes what host_status shows; the answer, if it is one.
    pub fn take(&mut self) -> Option<Mailboxes> {
        let status = self.status();
        if !status.pending() {
            return None;
        }
        let mailboxes: Mailboxes = std::array::from_fn(|n| self.read16(regs::mailbox(n)));
        let cause = Cause(status.cause());
        self.hccr(HccrCommand::CLEAR_RISC_INTERRUPT);
        if cause.is_mailbox() {
            assert_eq!(status.mailbox0(), mailboxes[0]);
            return Some(mailboxes);
        }
        match cause {
            Cause::ASYNC_EVENT => self.events.push([0, 1, 2, 3].map(|n| mailboxes[n])),
            _ => self.causes.push(cause),
        }
        None
    }

    /// Takes all that host_status has.
    pub fn drain(&mut self) {
        while self.status().pending() {
            self.take();
            self.settle();
        }
    }

    /// A command with an address.
    pub fn command_at(&mut self, command: u16, address: u64, registers: &[(usize, u16)]) -> Mailboxes {
        let mut mailboxes = [0; MAILBOXES];
        A64(address).put(&mut mailboxes);
        let mut all = vec![(2, mailboxes[2]), (3, mailboxes[3]), (6, mailboxes[6]), (7, mailboxes[7])];
        all.extend(registers);
        self.command(command, &all)
    }
}
