//! A switch, an initiator, the firmware with its host's memory, and a driver: a RAM disk in that memory, served by CTIOs.

use emu::isp::firmware::{Entry, Firmware, Output, Settings};
use fabric::{Config as SwitchConfig, Switch};
use fc::fc2::{Direction, Failure, Limits};
use fc::{Config, Fc4, Frames, Names, Node, NodeEvent, Peer, PortKey, RingLink, SessionInfo, Wake, Xid, ring_links};
use pci::{Bus, Fault};
use std::sync::Arc;
use wire::fc::els::Command;
use wire::fc::{PortId, Wwn};
use wire::fcp::Cmnd;
use wire::isp::icb::{Icb, Options1, Options2};
use wire::isp::iocb::{
    Atio7, Continuation, Ctio7, Ctio7Completion, CtioFlags, CtioStatus, Dsd64, EntryHeader, EntryType, ImmediateNotify,
    NotifyAck, SKIP_HANDLE, atio_payload, entries_for,
};

pub const MS: u64 = 1_000_000;
pub const BLOCK: u32 = 512;
/// Where the host's memory begins and where the RAM disk is in it.
pub const BASE: u64 = 0x4_0000_0000;
pub const DISK: usize = 0x10_0000;
pub const DISK_BYTES: usize = 0x40_0000;

pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_0000_0000 | n), port: Wwn(0x2100_0024_0000_0000 | n) }
}

/// How a command ended: response, data, bytes that came, bytes that went.
pub type Ended = (Result<Vec<u8>, Failure>, dma::Data, u32, u32);

/// The host's memory.
pub struct Memory(pub Vec<u8>);

impl Memory {
    fn range(&self, address: u64, len: usize) -> Result<std::ops::Range<usize>, Fault> {
        let start = address.checked_sub(BASE).and_then(|start| usize::try_from(start).ok());
        let range = start.and_then(|start| Some(start..start.checked_add(len)?));
        range.filter(|range| range.end <= self.0.len()).ok_or(Fault { address, len })
    }
}

impl Bus for Memory {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let range = self.range(address, into.len())?;
        into.copy_from_slice(&self.0[range]);
        Ok(())
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let range = self.range(address, from.len())?;
        self.0[range].copy_from_slice(from);
        Ok(())
    }

    fn interrupt(&mut self, _vector: u16) {}
}

/// What is special about a rig.
pub struct Options {
    pub limits: Limits,
    pub classes: Vec<dma::Class>,
    pub initiator_too: bool,
    pub abts_to_atio: bool,
}

impl Default for Options {
    fn default() -> Self {
        let classes = vec![dma::Class { size: 64 << 10, count: 32 }];
        let limits = Limits { exchanges: 512, ..Limits::default() };
        Self { limits, classes, initiator_too: false, abts_to_atio: true }
    }
}

pub struct Rig {
    pub switch: Switch,
    pub firmware: Firmware<RingLink>,
    pub memory: Memory,
    pub node: Node<RingLink>,
    pub pool: dma::Pool,
    pub now: u64,
    pub events: Vec<NodeEvent>,
    /// What the firmware said, and the driver has not taken: ATIO groups, notifies, ABTS, responses, events.
    pub outputs: Vec<Output>,
    /// The driver acknowledges notifies.
    pub acks: bool,
    /// The driver serves the RAM disk.
    pub serves: bool,
    pub notifies: Vec<ImmediateNotify>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let frames = Frames::new(8192);
        let config = SwitchConfig { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
        let mut switch = Switch::new(config, frames.clone());
        let nobody: Wake = Arc::new(|| {});
        let mut plug = || {
            let [near, far] = ring_links(256, [nobody.clone(), nobody.clone()]);
            switch.attach(Box::new(far)).unwrap();
            near
        };
        let (here, there) = (plug(), plug());
        let arena =
            dma::Arena::new(dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let pool = |classes: &[dma::Class]| dma::Pool::new(&arena, classes).unwrap();
        let settings = Settings {
            names: names(2),
            speed: 6,
            frames: frames.clone(),
            pool: pool(&options.classes),
            limits: options.limits,
            vports: 0,
        };
        let mut firmware = Firmware::new(settings, here);
        let mut icb = Icb::defaults();
        icb.port_name = names(2).port.to_bytes();
        icb.options_1.set(Options1(0).with_target_mode(true).with_no_initiator(!options.initiator_too).0);
        icb.options_2.set(Options2(0).with_target_prli_control(true).0);
        let words = [0, u16::from(options.abts_to_atio) << 11, 0];
        firmware.start(&icb, words, 1);
        let mut config = Config::initiator(names(1), frames);
        config.limits.exchanges = 1024;
        let (node, _) = Node::new(config, there, nobody);
        Self {
            switch,
            firmware,
            memory: Memory(vec![0; DISK + DISK_BYTES]),
            node,
            pool: pool(&[dma::Class { size: 256 << 10, count: 64 }]),
            now: 1,
            events: Vec::new(),
            outputs: Vec::new(),
            acks: true,
            serves: true,
            notifies: Vec::new(),
        }
    }

    /// Lets time pass in steps of a millisecond.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            for _ in 0..4 {
                self.turn();
            }
        }
    }

    pub fn turn(&mut self) {
        self.switch.poll(self.now);
        self.node.poll(self.now);
        while let Some(event) = self.node.next_event() {
            self.events.push(event);
        }
        self.firmware.poll(&mut self.memory, self.now);
        while let Some(output) = self.firmware.output() {
            self.take(output);
        }
    }

    /// The driver looks at an output.
    fn take(&mut self, output: Output) {
        if let Output::Atio { entries } = &output {
            match EntryHeader::of(&entries[0]).entry_type {
                EntryType::IMMEDIATE_NOTIFY => {
                    let notify = *ImmediateNotify::of(&entries[0]);
                    self.notifies.push(notify);
                    if self.acks {
                        self.order(0, &[*NotifyAck::to(&notify, SKIP_HANDLE).entry()]);
                    }
                    return;
                }
                EntryType::ATIO_7 if self.serves && self.serve(entries) => return,
                _ => {}
            }
        }
        self.outputs.push(output);
    }

    /// Hands an IOCB to the firmware.
    pub fn order(&mut self, queue: u16, entries: &[Entry]) {
        self.firmware.request(queue, entries, &mut self.memory, self.now);
    }

    /// Serves a read or write of the RAM disk with one or two CTIOs.
    fn serve(&mut self, entries: &[Entry]) -> bool {
        let payload = atio_payload(entries).unwrap();
        let cmnd = Cmnd::parse(payload).unwrap();
        let (opcode, block) = (cmnd.head.cdb[0], u32::from_be_bytes(cmnd.head.cdb[2..6].try_into().unwrap()));
        let at = BASE + DISK as u64 + u64::from(block * BLOCK);
        let (length, half) = (cmnd.data_length, cmnd.data_length / 2 / 4 * 4);
        match opcode {
            // First half, second half with status.
            0x28 => {
                let first = data(entries, CtioFlags(0).with_data_in(true), (0, half), at);
                self.order(0, &first);
                let flags = CtioFlags(0).with_data_in(true).with_send_status(true);
                let second = data(entries, flags, (half, length - half), at + u64::from(half));
                self.order(0, &second);
            }
            // Data, then status.
            0x2a => {
                let write = data(entries, CtioFlags(0).with_data_out(true).with_no_completion(true), (0, length), at);
                self.order(1, &write);
                self.order(1, &[*status(entries, 0).entry()]);
            }
            _ => return false,
        }
        true
    }

    /// Logs the initiator in; the session.
    pub fn login(&mut self, fc4: Fc4) -> Option<SessionInfo> {
        self.begin_login(fc4);
        self.pass(100);
        self.session()
    }

    pub fn begin_login(&mut self, fc4: Fc4) {
        self.pass(1200);
        let id = self.switch.id_of(names(2).port).expect("the firmware logged in with the fabric");
        self.forget_events();
        self.node.login(PortKey::PHYSICAL, Peer::Id(id), fc4);
    }

    /// Forgets what the initiator was told.
    pub fn forget_events(&mut self) {
        for event in self.events.drain(..) {
            if let NodeEvent::Ended { data, .. } = event {
                self.pool.give(data);
            }
        }
    }

    /// Lets much time pass.
    pub fn sleep(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.now += 20 * MS;
            self.turn();
        }
    }

    pub fn session(&self) -> Option<SessionInfo> {
        self.events.iter().rev().find_map(|event| match event {
            NodeEvent::SessionUp { info, .. } => Some(*info),
            _ => None,
        })
    }

    /// A rig with a session.
    pub fn ready(fc4: Fc4) -> (Self, SessionInfo) {
        let mut rig = Self::new();
        let session = rig.login(fc4).expect("a session");
        (rig, session)
    }

    pub fn command(&mut self, session: SessionInfo, iu: &[u8], data: Direction, context: u64) -> Xid {
        self.node.command(session.id, iu, data, 60_000 * MS, context, self.now).expect("sent")
    }

    /// How a command of the initiator ended: response, data, bytes that came and went.
    pub fn ended(&mut self, context: u64) -> Option<Ended> {
        let is_it = |event: &NodeEvent| matches!(event, NodeEvent::Ended { context: of, .. } if *of == context);
        let at = self.events.iter().position(is_it)?;
        let NodeEvent::Ended { data, result, received, sent, .. } = self.events.remove(at) else { return None };
        let response = result.map(|payload| {
            let bytes = payload.bytes().to_vec();
            self.node.recycle(payload);
            bytes
        });
        Some((response, data, received, sent))
    }

    /// Takes the ATIO queue's next group of a type.
    pub fn atio(&mut self, of: EntryType) -> Option<Vec<Entry>> {
        let is_it = |output: &Output| matches!(output, Output::Atio { entries } if entries[0][0] == of.0);
        let at = self.outputs.iter().position(is_it)?;
        match self.outputs.remove(at) {
            Output::Atio { entries } => Some(entries),
            _ => None,
        }
    }

    /// Takes the next response of a type.
    pub fn response(&mut self, of: EntryType) -> Option<(u16, Entry)> {
        let is_it = |output: &Output| matches!(output, Output::Response { entries, .. } if entries[0][0] == of.0);
        let at = self.outputs.iter().position(is_it)?;
        match self.outputs.remove(at) {
            Output::Response { queue, entries } => Some((queue, entries[0])),
            _ => None,
        }
    }

    /// Takes all CTIO completions: status, flags.
    pub fn completions(&mut self) -> Vec<(CtioStatus, CtioFlags)> {
        std::iter::from_fn(|| self.response(EntryType::CTIO_7))
            .map(|(_, entry)| (Ctio7Completion::of(&entry).status(), Ctio7Completion::of(&entry).flags()))
            .collect()
    }

    /// Takes notifies: ELS and handle.
    pub fn notified(&mut self) -> Vec<Command> {
        self.notifies.drain(..).map(|notify| notify.status_subcode).collect()
    }

    pub fn disk(&mut self) -> &mut [u8] {
        &mut self.memory.0[DISK..]
    }
}

/// Both ends stop: memory that somebody forgot panics.
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.firmware.stop(self.now);
        if let Some(f_port) = self.switch.f_port_of(names(1).port) {
            let _ = self.switch.set_up(f_port, false, self.now);
        }
        self.sleep(500);
        self.forget_events();
        assert!(self.pool.is_whole());
    }
}

/// A CTIO for the command of an ATIO.
pub fn ctio(atio: &[Entry], flags: CtioFlags) -> Ctio7 {
    let atio = Atio7::of(&atio[0]);
    let mut ctio = Ctio7::new();
    ctio.handle.set(0x2000_0001);
    ctio.timeout.set(10);
    ctio.exchange_address = atio.exchange_address;
    ctio.initiator_id = PortId::from_bytes(atio.frame.s_id).into();
    ctio.ox_id.set(atio.frame.ox_id());
    ctio.flags.set(flags.with_attribute(atio.attribute()).0);
    ctio
}

/// A status CTIO of mode 1 without sense.
pub fn status(atio: &[Entry], status: u8) -> Ctio7 {
    let mut ctio = ctio(atio, CtioFlags(0).with_send_status(true).with_mode_1(true));
    ctio.scsi_status.set(u16::from(status));
    ctio
}

/// A data CTIO over segments of odd lengths.
pub fn data(atio: &[Entry], flags: CtioFlags, (offset, length): (u32, u32), at: u64) -> Vec<Entry> {
    let mut head = ctio(atio, flags);
    head.relative_offset.set(offset);
    head.transfer_length.set(length);
    let mut dsds = Vec::new();
    let mut done = 0;
    while done < length {
        let part = (length - done).min(4096 + 33 * dsds.len() as u32 + 1);
        dsds.push(Dsd64::new(at + u64::from(done), part));
        done += part;
    }
    head.dseg_count.set(dsds.len() as u16);
    let mut entries = vec![[0; 64]; entries_for(dsds.len(), 1)];
    head.header.entry_count = entries.len() as u8;
    if let Some((first, rest)) = dsds.split_first() {
        head.dsd = [*first];
        for (entry, dsds) in entries[1..].iter_mut().zip(rest.chunks(5)) {
            let mut more = Continuation::new();
            more.dsds[..dsds.len()].copy_from_slice(dsds);
            *entry = *more.entry();
        }
    }
    entries[0] = *head.entry();
    entries
}

/// READ(10) or WRITE(10).
pub fn disk_cdb(opcode: u8, block: u32, blocks: u16) -> [u8; 10] {
    let ([a, b, c, d], [e, f]) = (block.to_be_bytes(), blocks.to_be_bytes());
    [opcode, 0, a, b, c, d, 0, e, f, 0]
}
