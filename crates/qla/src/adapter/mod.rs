//! An adapter in target mode: one function of the chip, its home core's queues, its ports, who is logged in.
//!
//! A turn ([`Adapter::poll`]): orders of the control plane; the chip's start, while it is not running; mailbox; response queue; ATIO
//! queue; what lanes say; what is due by time; doorbells. A fault that only a reset mends is noted where it is found and acted upon at the
//! end of the turn (`stage.rs`).

mod abts;
mod base;
mod control;
mod ct;
mod entries;
mod events;
mod fabric;
mod initialize;
mod jobs;
mod lanes;
mod logins;
mod ls;
mod notify;
mod nport;
mod peers;
mod pending;
mod settings;
mod show;
mod stage;
mod time;
mod vports;

pub use settings::{Mode, Settings, Timing};

use crate::board::Board;
use crate::chip::{Chip, Family, Fault, FirmwareFile, Known, Running};
use crate::intake::Intake;
use crate::port::{Common, Control, Numbers, QlaPort, orders};
use crate::ring::Group;
use crate::{Error, chip};
use base::Base;
use dma::Arena;
use fc::{Names, Wake};
use lanes::Lanes;
use nport::NPort;
use peers::Peers;
use pending::Pending;
use ring::{Mailbox, Tick};
use stage::Stage;
use std::collections::VecDeque;
use std::sync::Arc;
use wire::fc::Wwn;
use wire::isp::mailbox::Speed;

/// Entries of a queue that are looked at in a turn at most.
const ENTRIES: usize = 256;
/// Most virtual ports: their index has 8 bits, and one stands for all.
const MOST_VPORTS: u16 = 254;
/// For so long after something was done the core is asked not to sleep: nothing wakes it when the chip has something.
const BUSY: Tick = 2_000_000;
/// Between looks meanwhile.
const LOOK: Tick = 20_000;

/// What is known of the link.
#[derive(Default)]
struct Link {
    up: bool,
    speed: Option<Speed>,
    failures: u64,
    temperature: Option<u16>,
    statistics: Vec<(&'static str, u64)>,
}

/// What is counted on the control path.
#[derive(Default)]
struct Counters {
    resets: u64,
    aborts: u64,
    strays: u64,
    bad_entries: u64,
    refused_logins: u64,
}

/// An adapter. Lives on one core, its home, and is driven by [`poll`](Self::poll).
pub struct Adapter {
    /// Goes first: then the chip reaches none of the memory below.
    chip: Chip,
    settings: Settings,
    file: FirmwareFile,
    common: Arc<Common>,
    control: Mailbox<Control>,
    board: Arc<Board>,
    now: Tick,
    stage: Stage,
    /// Found in this turn: only a reset helps.
    fault: Option<Fault>,
    last_fault: Option<Fault>,
    /// Resets since the firmware was last well.
    in_a_row: u32,
    generation: u32,
    known: Option<Known>,
    running: Option<Box<Running>>,
    base: Base,
    group: Group,
    jobs: jobs::Jobs,
    pending: Pending<entries::What>,
    ports: Vec<Option<NPort>>,
    peers: Peers,
    held: Vec<logins::Held>,
    early: VecDeque<notify::Early>,
    aborts: abts::Aborts,
    ct: ct::Ct,
    ls: ls::Buffers,
    intake: Intake,
    lanes: Lanes,
    link: Link,
    counters: Counters,
    next_heartbeat: Tick,
    next_time: Tick,
    /// Something was done a short while ago: more is likely.
    busy_until: Tick,
    /// Peers are to be looked up then: the fabric changed.
    look_at: Option<Tick>,
    changed: Vec<(u8, wire::fc::els::RscnPage)>,
    /// Virtual ports that are to be forgotten once the firmware has let them go.
    removing: Vec<u8>,
}

impl Adapter {
    /// Takes an adapter. Nothing but its configuration space is touched before the first [`poll`](Self::poll). `wake` wakes the core that
    /// polls it. The port has its names once the adapter's NVRAM was read ([`QlaPort::is_known`]), or at once if the settings name them.
    ///
    /// Reads the firmware file: call it on a control thread.
    ///
    /// # Errors
    /// The function is no adapter of these families or cannot be used; settings that cannot be met, dual mode among them; the firmware
    /// file that must be there is not; no memory.
    pub fn new(
        device: Box<dyn pci::Device>,
        mut settings: Settings,
        arena: &Arc<Arena>,
        wake: Wake,
    ) -> Result<(Self, Arc<QlaPort>), Error> {
        settings.check(&device.address()).map_err(Error::Settings)?;
        let mut chip = Chip::new(device, arena)?;
        settings.leave_out_nvme(chip.family, &chip.address).map_err(Error::Settings)?;
        let file = settings.firmware_file(chip.family.firmware_file());
        let file = FirmwareFile::read(&file, settings.firmware_from_file);
        file.check().map_err(|reason| Error::Firmware(format!("{}: {reason}", chip.address)))?;
        let base = Base::new(&chip, arena)?;
        let buffers = ls::Buffers::new(arena)?;
        let ct = ct::Ct::new(arena)?;
        let (sender, control) = orders(wake.clone());
        let common = Arc::new(Common {
            orders: sender,
            wake,
            arena: arena.clone(),
            places: settings.places,
            serves: settings.serves.clone(),
            lanes: Numbers::new(),
            vports: Numbers::new(),
            most_vports: settings.vports.min(MOST_VPORTS) as u8,
        });
        let nobody = Names { node: Wwn(0), port: Wwn(0) };
        let names = settings.names.unwrap_or(nobody);
        let board =
            Arc::new(Board::new(format!("{} {}", chip.family.chips(), chip.address), settings.frame_payload, names));
        let port = QlaPort::physical(common.clone(), board.clone());
        let stage = Stage::start(&mut chip, &file, None);
        let adapter = Self {
            lanes: Lanes::new(common.lanes.clone(), settings.queue_pairs),
            ports: vec![Some(NPort::new(0, names, board.clone()))],
            chip,
            settings,
            file,
            common,
            control,
            board,
            now: 0,
            stage,
            fault: None,
            last_fault: None,
            in_a_row: 0,
            generation: 1,
            known: None,
            running: None,
            base,
            group: Group::default(),
            jobs: jobs::Jobs::default(),
            pending: Pending::new(),
            peers: Peers::default(),
            held: Vec::new(),
            early: VecDeque::new(),
            aborts: abts::Aborts::default(),
            ct,
            ls: buffers,
            intake: Intake::default(),
            link: Link::default(),
            counters: Counters::default(),
            next_heartbeat: 0,
            next_time: 0,
            busy_until: 0,
            look_at: None,
            changed: Vec::new(),
            removing: Vec::new(),
        };
        Ok((adapter, port))
    }

    /// Does what there is to do, a bounded amount; returns how many things were done.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.now = now;
        let mut work = self.controls();
        work += self.drive();
        if self.stage.is_running() {
            work += self.mailbox();
            work += self.responses();
            work += self.atios();
        }
        work += self.hear_lanes();
        if self.stage.is_running() {
            self.time();
            self.next_job();
            work += self.base.drain(now);
            self.base.flush();
        }
        if let Some(fault) = self.fault.take() {
            self.fail(fault);
        }
        if work > 0 {
            self.busy_until = now + BUSY;
        }
        self.lanes.flush();
        self.show();
        work
    }

    /// Whether there is something to do at once, so that its core must not sleep.
    pub fn is_pending(&mut self) -> bool {
        let queues = self.stage.is_running() && self.base.is_pending();
        queues || self.lanes.is_pending() || !self.control.is_empty()
    }

    /// When it must be polled although nothing wakes its core: this driver has no interrupts. An adapter that does nothing is looked at
    /// once in a millisecond.
    pub fn deadline(&self) -> Option<Tick> {
        let at = self.stage.deadline(&self.chip)?;
        let busy = self.stage.is_running() && self.now < self.busy_until;
        Some(if busy { at.min(self.now + LOOK) } else { at })
    }

    /// Whether it is a QLE26xx: 16 Gb/s, no FC-NVMe by its firmware's own word.
    pub fn is_26xx(&self) -> bool {
        self.chip.family == Family::Isp2031
    }

    /// Notes a fault that only a reset mends; the first of a turn counts.
    fn noted(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn port(&self, vp: u8) -> Option<&NPort> {
        self.ports.get(usize::from(vp))?.as_ref()
    }

    fn port_mut(&mut self, vp: u8) -> Option<&mut NPort> {
        self.ports.get_mut(usize::from(vp))?.as_mut()
    }

    /// Virtual port indexes in use, the physical port's first.
    fn vps(&self) -> Vec<u8> {
        self.ports.iter().flatten().map(|port| port.vp).collect()
    }
}

/// What a doubling wait has come to.
fn back_off(first: Tick, limit: Tick, attempts: u32) -> Tick {
    first.saturating_mul(1 << attempts.min(16)).min(limit)
}

/// Events that mean a reset.
fn serious(words: &[u16; 8]) -> Result<(), Fault> {
    chip::serious(words)
}

/// It is made on a control thread and polled on a core.
const _: () = {
    const fn moves<T: Send>() {}
    moves::<Adapter>();
};

#[cfg(test)]
mod tests;
