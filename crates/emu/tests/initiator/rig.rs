//! A host with the firmware under test, a switch, and targets. Time is virtual.

use crate::memory::Memory;
use crate::storage::{Storage, names};
use emu::isp::firmware::{Entry, Firmware, Mailbox, Output, Settings};
use fabric::{Config as SwitchConfig, Switch};
use fc::fc2::Limits;
use fc::{Frames, Names, RingLink, Wake, ring_links};
use std::sync::Arc;
use wire::U32;
use wire::fc::{PortId, Wwn};
use wire::isp::icb::{Icb, Options1};
use wire::isp::iocb::*;

pub const MS: u64 = 1_000_000;
pub const PIECE: u32 = 256 << 10;
pub const FABRIC: Wwn = Wwn(0x1000_0271_6663_0001);

/// The handle that the tests give to the first target.
pub const DISK: u16 = 3;

pub struct San {
    pub switch: Switch,
    pub frames: Frames,
    pub now: u64,
    pub firmware: Firmware<RingLink>,
    pub memory: Memory,
    pub targets: Vec<Storage>,
    pub outputs: Vec<Output>,
    pub handles: u32,
}

pub fn host() -> Names {
    names(0x77)
}

pub fn limits() -> Limits {
    Limits { exchanges: 64, reserve: 8, ..Limits::default() }
}

pub fn pool(pieces: u32) -> dma::Pool {
    let options = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = dma::Arena::new(options).expect("memory");
    dma::Pool::new(&arena, &[dma::Class { size: PIECE, count: pieces }]).expect("memory")
}

fn links(switch: &mut Switch) -> RingLink {
    let nobody: Wake = Arc::new(|| {});
    let [near, far] = ring_links(64, [nobody.clone(), nobody]);
    switch.attach(Box::new(far)).expect("a port");
    near
}

impl San {
    /// A firmware that is not started, and one target.
    pub fn new() -> Self {
        Self::with(limits(), 8)
    }

    pub fn with(limits: Limits, pieces: u32) -> Self {
        let frames = Frames::new(4096);
        let config = SwitchConfig { name: "test".into(), wwn: FABRIC, domain: 1 };
        let mut switch = Switch::new(config, frames.clone());
        let settings =
            Settings { names: names(0x66), speed: 6, frames: frames.clone(), pool: pool(pieces), limits, vports: 8 };
        let firmware = Firmware::new(settings, links(&mut switch));
        let (memory, targets) = (Memory::new(), Vec::new());
        let mut san = Self { switch, frames, now: 1, firmware, memory, targets, outputs: Vec::new(), handles: 0x100 };
        san.add_target(1);
        san.pass(50);
        san
    }

    /// Started, online, and logged in with the target for FCP.
    pub fn ready() -> Self {
        Self::ready_with(limits(), 8)
    }

    pub fn ready_with(limits: Limits, pieces: u32) -> Self {
        let mut san = Self::with(limits, pieces);
        san.online();
        let done = san.plogi(DISK, san.disk(), 0x0010);
        assert_eq!(done.comp_status(), CompletionStatus::COMPLETE);
        san
    }

    pub fn online(&mut self) {
        self.start();
        self.ask_state();
        self.pass(30);
        self.ask_state();
        self.outputs.clear();
    }

    pub fn add_target(&mut self, n: u64) {
        let link = links(&mut self.switch);
        self.targets.push(Storage::new(n, self.frames.clone(), link));
    }

    pub fn icb() -> Icb {
        let mut icb = Icb::defaults();
        icb.port_name = host().port.to_bytes();
        icb.node_name = host().node.to_bytes();
        icb.options_1.set(Options1(0).with_node_name(true).0);
        icb
    }

    pub fn start(&mut self) {
        self.firmware.start(&Self::icb(), [0; 3], self.now);
    }

    /// The address of the first target.
    pub fn disk(&self) -> PortId {
        self.address_of(0)
    }

    pub fn address_of(&self, target: usize) -> PortId {
        let report = self.switch.ports();
        let port = report[target + 1].n_ports.first().map_or("0x0", |port| &port.port_id);
        PortId(u32::from_str_radix(port.trim_start_matches("0x"), 16).expect("an address"))
    }

    /// Lets time pass in steps of a millisecond.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.step(MS);
        }
    }

    /// The same in long steps.
    pub fn sleep(&mut self, seconds: u64) {
        for _ in 0..seconds * 20 {
            self.step(50 * MS);
        }
    }

    fn step(&mut self, time: u64) {
        self.now += time;
        for _ in 0..4 {
            self.switch.poll(self.now);
            self.firmware.poll(&mut self.memory, self.now);
            let now = self.now;
            self.targets.iter_mut().for_each(|target| target.turn(now));
            self.collect();
        }
    }

    pub fn collect(&mut self) {
        while let Some(output) = self.firmware.output() {
            self.outputs.push(output);
        }
    }

    pub fn mailbox(&mut self, mailboxes: &[(usize, u16)]) -> [u16; 32] {
        let mut all = [0; 32];
        mailboxes.iter().for_each(|(at, value)| all[*at] = *value);
        let done = self.firmware.mailbox(&all, &mut self.memory, self.now);
        self.collect();
        match done {
            Mailbox::Done(out) => out,
            Mailbox::NotMine => panic!("{:#x} is not the firmware's", all[0]),
        }
    }

    /// Mailbox command 69h.
    pub fn ask_state(&mut self) -> u16 {
        self.mailbox(&[(0, 0x69)])[1]
    }

    pub fn send(&mut self, queue: u16, entries: &[Entry]) {
        self.firmware.request(queue, entries, &mut self.memory, self.now);
        self.collect();
    }

    /// A handle that was not used yet.
    pub fn handle(&mut self) -> U32 {
        self.handles += 1;
        U32::new(self.handles)
    }

    /// Takes out the responses of a queue, in order.
    pub fn responses(&mut self, queue: u16) -> Vec<Vec<Entry>> {
        let (mine, rest) = std::mem::take(&mut self.outputs)
            .into_iter()
            .partition(|output| matches!(output, Output::Response { queue: of, .. } if *of == queue));
        self.outputs = rest;
        let mine: Vec<Output> = mine;
        let entries = mine.into_iter().map(|output| match output {
            Output::Response { entries, .. } => entries,
            _ => unreachable!(),
        });
        entries.collect()
    }

    /// The one response of a queue.
    pub fn response(&mut self, queue: u16) -> Vec<Entry> {
        let mut all = self.responses(queue);
        assert_eq!(all.len(), 1, "{all:02x?}");
        all.remove(0)
    }

    /// Takes out the events.
    pub fn events(&mut self) -> Vec<[u16; 4]> {
        let (mine, rest) =
            std::mem::take(&mut self.outputs).into_iter().partition(|output| matches!(output, Output::Event(_)));
        self.outputs = rest;
        let mine: Vec<Output> = mine;
        let first = |output: Output| match output {
            Output::Event(all) => [all[0], all[1], all[2], all[3]],
            _ => unreachable!(),
        };
        mine.into_iter().map(first).collect()
    }

    /// A login/logout IOCB, and what it is answered with.
    pub fn login(&mut self, mut iocb: LoginLogout) -> LoginLogout {
        iocb.handle = self.handle();
        self.send(0, &[*iocb.entry()]);
        self.pass(30);
        let done = self.response(0);
        assert_eq!((done.len(), done[0][..8].to_vec()), (1, iocb.entry()[..8].to_vec()));
        *LoginLogout::of(&done[0])
    }

    pub fn plogi(&mut self, handle: u16, id: PortId, flags: u16) -> LoginLogout {
        self.login(order(handle, id, flags))
    }
}

pub fn order(handle: u16, id: PortId, flags: u16) -> LoginLogout {
    let mut iocb = LoginLogout { port_id: id.into(), ..LoginLogout::new() };
    iocb.nport_handle.set(handle);
    iocb.control_flags.set(flags);
    iocb
}

/// A SCSI command for the disk: flags 1 write, 2 read.
pub fn command(handle: U32, cdb: &[u8], flags: u16, count: u32, segments: &[Dsd64]) -> Vec<Entry> {
    let mut iocb = Command7 { handle, cdb: swapped_cdb(cdb), ..Command7::new() };
    iocb.nport_handle.set(DISK);
    iocb.flags.set(flags);
    iocb.byte_count.set(count);
    iocb.dseg_count.set(segments.len() as u16);
    iocb.dsd[0] = segments.first().copied().unwrap_or_default();
    with_continuations(*iocb.entry(), segments)
}

/// The entry and the continuations that its further segments need.
pub fn with_continuations(mut first: Entry, segments: &[Dsd64]) -> Vec<Entry> {
    let mut entries = vec![first];
    for part in segments.get(1..).unwrap_or_default().chunks(5) {
        let mut more = Continuation::new();
        more.dsds[..part.len()].copy_from_slice(part);
        entries.push(*more.entry());
    }
    first[1] = entries.len() as u8;
    entries[0] = first;
    entries
}
