//! The run: initiators that ask, homes that are polled, answers that are judged.

use super::command::{Command, PREEMPT_ABORT, REGISTER, RELEASE, RESERVE, What};
use super::model::{Model, Step, Wrote};
use super::port::{Ended, Port};
use crate::fibre::{Fault, MS, Volume};
use crate::{BLOCK, Chance, stamp_of};
use bdev::{Bdev, Meter};
use dma::{Arena, Backing, Class, Options, Pool};
use ring::{Sender, Tick, mailbox};
use scsi::{
    Ack, Attribute, Config, Core, Device, Identity, LogicalUnitView, Management, MapView, Message, NodeView, Origin,
    PortName, PortView, Reply, Rule, Task, Who,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wire::scsi::{Key, Status};

/// Homes, and hosts: one on each.
const HOMES: usize = 2;
const DISKS: usize = 2;
/// Our port, on both homes.
const TARGET: PortName = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0001 };
/// What a run may take to come to its end, in virtual time.
const PATIENCE: Tick = 300_000 * MS;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it comes from.
    pub seed: u64,
    /// What is done.
    pub actions: u32,
    /// Blocks of each volume.
    pub blocks: u64,
    /// Commands that a host has open.
    pub depth: usize,
    /// How long things take at most.
    pub slowness: Tick,
    /// One action in so many is trouble: a function, a lost nexus; 0: none.
    pub trouble: u64,
    /// One operation of a volume in so many fails; 0: none.
    pub failures: u64,
    /// Something is wrong with the volumes.
    pub fault: Fault,
    /// What happens is printed.
    pub trace: bool,
}

impl Plan {
    /// The run of a seed. Every eighth has good weather.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5c51);
        let fine = seed.is_multiple_of(8);
        Self {
            seed,
            actions: 150,
            blocks: chance.between(40, 600),
            depth: chance.between(2, 10) as usize,
            slowness: chance.between(0, 30) * MS,
            trouble: if fine { 0 } else { chance.between(4, 40) },
            failures: if fine { 0 } else { [0, 20, 100][chance.below(3) as usize] },
            fault: Fault::Nothing,
            trace: false,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Commands that ended.
    pub ended: u64,
    /// Those that ended with GOOD.
    pub good: u64,
    /// Copies of them.
    pub copies: u64,
    /// Those that nobody was told of.
    pub silent: u64,
    /// Those that met a reservation.
    pub conflicts: u64,
}

/// A command or function that is open.
struct Live {
    host: usize,
    command: Option<Command>,
    invoked: Step,
    /// Something was done that may end it without an answer.
    touched: bool,
    /// The reservation when it set out, if nobody was changing it.
    reserved: Option<(u64, Option<usize>)>,
    /// What it ends may come as long as it is open.
    storm: bool,
    /// When it set out, in turns of the reservation; nothing, if somebody was changing it.
    alone: Option<u64>,
    id: u32,
}

/// A run.
pub struct Scsi {
    plan: Plan,
    chance: Chance,
    cores: Vec<Core<Port>>,
    mail: Vec<Sender<Message>>,
    names: Vec<Identity>,
    model: Model,
    live: BTreeMap<u64, Live>,
    /// The nexus of each host.
    queues: Vec<u32>,
    serial: u64,
    now: Tick,
    tally: Tally,
}

impl Scsi {
    /// Two homes with both volumes, shown to both hosts.
    pub fn new(plan: Plan) -> Self {
        let mut chance = Chance::new(plan.seed);
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).expect("memory");
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..HOMES).map(|_| mailbox(64, || {})).unzip();
        let device = Arc::new(Device::default());
        let mut core = |(home, inbox)| {
            let pool =
                Pool::new(&arena, &[Class { size: 4096, count: 6 }, Class { size: 16_384, count: 4 }]).expect("memory");
            let config = Config { core: home, max_transfer: 16_384, channel_depth: 64, device: device.clone() };
            Core::new(config, Port::new(chance.part(), plan.slowness), pool, inbox)
        };
        let cores = boxes.into_iter().enumerate().map(&mut core).collect();
        let model = Model::new(DISKS, plan.blocks);
        let (names, live, queues) = (Vec::new(), BTreeMap::new(), vec![0; HOMES]);
        let mut run =
            Self { plan, chance, cores, mail, names, model, live, queues, serial: 0, now: 1, tally: Tally::default() };
        run.configure();
        (0..HOMES).for_each(|host| run.connect(host));
        run
    }

    fn configure(&mut self) {
        let all: Arc<[_]> = self.mail.iter().cloned().map(Some).collect();
        for own in 0..HOMES {
            let all = all.clone();
            self.tell(own, |ack| Message::Homes { own, all, ack });
        }
        for number in 1..=DISKS as u32 {
            let Plan { blocks, slowness, fault, failures, .. } = self.plan;
            let chance = self.chance.part();
            let volume = Volume::numbered(number.into(), blocks, slowness, fault, failures, chance);
            let info = volume.info();
            let identity = Identity::of(info.uuid);
            self.names.push(identity.clone());
            let meters = (0..HOMES).map(|_| Meter::default()).collect();
            let view = LogicalUnitView { id: number, device: volume, info, meters, identity, shared: Arc::default() };
            let view = Arc::new(view);
            (0..HOMES).for_each(|home| self.tell(home, |ack| Message::LogicalUnit { view: view.clone(), ack }));
        }
        let ports = vec![PortView { name: TARGET, relative: 1, group: 1 }];
        let initiators = vec![Rule { allow: true, who: Who::All }];
        let luns = (0..DISKS as u16).map(|lun| (lun, u32::from(lun) + 1)).collect();
        let maps = vec![MapView { ports, initiators, networks: Vec::new(), luns }];
        let (name, alias) = ("node".to_owned(), String::new());
        let view = Arc::new(NodeView { id: 1, name, alias, access: Arc::default(), queue_depth: 32, maps });
        (0..HOMES).for_each(|home| self.tell(home, |ack| Message::Node { view: view.clone(), ack }));
    }

    fn tell(&mut self, home: usize, message: impl FnOnce(Ack) -> Message) {
        let (ack, answer) = sync_channel(1);
        assert!(self.mail[home].send(message(ack)).is_ok(), "the mailbox has room");
        for _ in 0..100 {
            self.poll();
            if answer.try_recv().is_ok_and(|answer| answer.is_ok()) {
                return;
            }
            self.now += MS;
        }
        panic!("a message is never acknowledged");
    }

    fn connect(&mut self, host: usize) {
        let initiator = PortName::Fc { wwnn: 0x1000 + host as u64, wwpn: 0x2000 + host as u64 };
        let origin = Origin { initiator, target: TARGET, relative_port: 1, port_group: 1, address: None };
        self.queues[host] += 1;
        let queue = self.queues[host];
        self.cores[host].port_mut().connect(queue, origin);
    }

    /// Polls until nothing happens at this moment.
    fn poll(&mut self) {
        for _ in 0..10_000 {
            let work: usize = self.cores.iter_mut().map(|core| core.poll(self.now)).sum();
            let ended: Vec<Ended> =
                self.cores.iter_mut().flat_map(|core| std::mem::take(&mut core.port_mut().ended)).collect();
            let idle = work == 0 && ended.is_empty();
            ended.into_iter().for_each(|ended| self.end(ended));
            if idle {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Goes on to the next moment at which something happens, at the latest `until`.
    fn advance(&mut self, until: Tick) {
        let of_cores = self.cores.iter().filter_map(Core::deadline);
        let of_ports = self.cores.iter().filter_map(|core| core.port().deadline());
        let next = of_cores.chain(of_ports).min().unwrap_or(Tick::MAX);
        self.now = next.clamp(self.now + 1, until.max(self.now + 1));
        self.poll();
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// When a rule is broken.
    pub fn run(mut self) -> Tally {
        for _ in 0..self.plan.actions {
            self.act();
            let until = self.now + self.chance.below(self.plan.slowness / 4 + 2);
            while self.now < until {
                self.advance(until);
            }
        }
        self.settle();
        self.read_all();
        (0..HOMES).for_each(|host| self.lose(host));
        self.settle();
        for core in &self.cores {
            assert_eq!(core.census(), (0, 0, 0), "exchanges, bytes, waiting");
            assert!(core.port().queues.is_empty(), "all nexuses end");
        }
        self.tally
    }

    /// Everything that is open ends.
    fn settle(&mut self) {
        let until = self.now + PATIENCE;
        let closing = |core: &Core<Port>| core.port().queues.iter().any(|queue| !core.port().is_open(*queue));
        while !self.live.is_empty() || self.cores.iter().any(closing) {
            let open: Vec<_> = self.live.values().map(|live| live.command).take(3).collect();
            assert!(self.now < until, "{} never end: {open:?}", self.live.len());
            self.advance(until);
        }
        self.advance(self.now + 1);
    }

    fn act(&mut self) {
        let host = self.chance.below(HOMES as u64) as usize;
        let core = &self.cores[host];
        if !core.port().is_open(self.queues[host]) {
            if core.port().queues.is_empty() {
                self.connect(host);
            }
            return;
        }
        if self.chance.once_in(self.plan.trouble) {
            return self.trouble(host);
        }
        let open = self.live.values().filter(|live| live.host == host).count();
        if open < self.plan.depth && core.port().has_room() {
            self.ask(host);
        }
    }

    fn lose(&mut self, host: usize) {
        self.touch(|live| live.host == host);
        self.say(|| format!("host {host} is lost"));
        let queue = self.queues[host];
        self.cores[host].port_mut().lose(queue);
        self.poll();
    }

    fn touch(&mut self, which: impl Fn(&Live) -> bool) {
        self.live.values_mut().filter(|live| which(live)).for_each(|live| live.touched = true);
    }

    fn trouble(&mut self, host: usize) {
        let open: Vec<u32> = self.live.values().filter(|live| live.host == host).map(|live| live.id).collect();
        let id = self.chance.place(open.len()).map_or(0, |place| open[place]);
        let function = match self.chance.below(10) {
            0 => return self.lose(host),
            1..4 => Management::AbortTask { id },
            4 => Management::AbortTaskSet,
            5 => Management::ClearTaskSet,
            6 => Management::LunReset,
            7 => Management::TargetReset,
            8 => Management::ItNexusReset,
            _ => Management::QueryTask { id },
        };
        if !self.cores[host].port().has_room() {
            return;
        }
        let resets = matches!(function, Management::LunReset | Management::TargetReset);
        self.touch(|live| live.command.is_some() && (resets || live.host == host));
        let lun = self.live.values().find(|live| live.id == id).and_then(|live| live.command).map_or(0, |c| c.disk);
        let lun = if matches!(function, Management::AbortTask { .. }) { lun } else { self.chance.below(2) as usize };
        self.say(|| format!("host {host}: {function:?} on {lun}"));
        let serial = self.note(host, None, true);
        let task = Task { management: Some(function), ..self.task(host, serial, lun, &[]) };
        self.cores[host].port_mut().submit(serial, task, Vec::new());
    }

    fn task(&self, host: usize, serial: u64, lun: usize, bytes: &[u8]) -> Task {
        let mut cdb = [0; 32];
        cdb[..bytes.len()].copy_from_slice(bytes);
        Task {
            queue: self.queues[host],
            id: serial as u32,
            lun: wire::scsi::to_lun(lun as u16),
            cdb,
            cdb_len: 16,
            attribute: Attribute::Simple,
            management: None,
            data_in: 0,
            data_out: 0,
        }
    }

    /// Takes down what sets out.
    fn note(&mut self, host: usize, command: Option<Command>, storm: bool) -> u64 {
        self.serial += u64::from(command.is_none());
        let touched = self.live.values().any(|live| live.storm);
        let invoked = self.model.step();
        let reserved = match self.model.holder {
            Some(holder) if self.model.changing == 0 => Some((self.model.turns, holder)),
            _ => None,
        };
        let alone = (self.model.changing == 0).then_some(self.model.turns);
        let id = self.serial as u32;
        self.live.insert(self.serial, Live { host, command, invoked, touched, reserved, storm, alone, id });
        self.serial
    }

    fn ask(&mut self, host: usize) {
        let Some(command) = self.choose(host) else { return };
        self.serial = command.serial;
        self.say(|| format!("{command:?}"));
        let preempts = matches!(command.what, What::Reservation { action: PREEMPT_ABORT, .. });
        if preempts {
            self.touch(|live| live.host != host);
        }
        self.note(host, Some(command), preempts);
        if command.reserves() {
            (self.model.turns, self.model.changing) = (self.model.turns + 1, self.model.changing + 1);
        }
        self.will_write(&command);
        let (cdb, data) = command.words(&self.names);
        let task = self.task(host, command.serial, command.disk, &cdb);
        let data_out = data.len() as u32;
        let attribute = match self.chance.below(12) {
            0 => Attribute::Ordered,
            1 => Attribute::HeadOfQueue,
            _ => Attribute::Simple,
        };
        let task = Task { data_in: command.gets(), data_out, attribute, ..task };
        self.cores[host].port_mut().submit(command.serial, task, data);
    }

    /// Something that may be done now.
    fn choose(&mut self, host: usize) -> Option<Command> {
        let chance = &mut self.chance;
        let disk = chance.below(DISKS as u64) as usize;
        let list = chance.below(4) as u8;
        let other = (1 - host) as u64 + 1;
        let from = chance.below(DISKS as u64) as usize;
        let blocks = chance.between(1, 24.min(self.plan.blocks / 4));
        // Copies are of more than a buffer, so that they have steps.
        let many = chance.between(1, 120.min(self.plan.blocks / 3));
        let first = chance.below(self.plan.blocks - many + 1);
        let (what, blocks) = match chance.below(24) {
            0..8 => (What::Read, blocks),
            8..15 => (What::Write, blocks),
            15..19 => (What::Copy { from, first, list }, many),
            19 => (What::CopyStatus { list }, 0),
            20 if self.plan.trouble > 0 => (What::CopyAbort { list }, 0),
            21..23 => {
                let calm = [REGISTER, RESERVE, RELEASE];
                let action = if self.plan.trouble > 0 && chance.once_in(4) {
                    PREEMPT_ABORT
                } else {
                    calm[chance.below(3) as usize]
                };
                (What::Reservation { action, other }, 0)
            }
            _ => (What::Read, blocks),
        };
        let block = chance.below(self.plan.blocks - blocks + 1);
        let disk = if matches!(what, What::Reservation { .. }) { 0 } else { disk };
        let command = Command { host, serial: self.serial + 1, what, disk, block, blocks: blocks as u32 };
        self.may_ask(&command).then_some(command)
    }

    /// A copy's source is written by nobody while it runs, the copy itself aside.
    fn may_ask(&self, command: &Command) -> bool {
        let overlap = |(disk, block, count): (usize, u64, u32), (other, first, many): (usize, u64, u32)| {
            disk == other && block < first + u64::from(many) && first < block + u64::from(count)
        };
        let source = |c: &Command| match c.what {
            What::Copy { from, first, .. } => Some((from, first, c.blocks)),
            _ => None,
        };
        let written = |c: &Command| c.writes().then_some((c.disk, c.block, c.blocks));
        self.live.values().filter_map(|live| live.command.as_ref()).all(|open| {
            let meets = |a: Option<_>, b: Option<_>| a.zip(b).is_some_and(|(a, b)| overlap(a, b));
            !meets(source(command), written(open)) && !meets(written(command), source(open))
        })
    }

    fn will_write(&mut self, command: &Command) {
        if !command.writes() {
            return;
        }
        for place in 0..u64::from(command.blocks) {
            let block = command.block + place;
            let values = match command.what {
                What::Copy { from, first, .. } => self.model.values(from, first + place),
                _ => vec![command.leaves(block)],
            };
            // A copy onto itself: what is there already is read before anything is written.
            for value in values {
                self.model.may_write(command.disk, block, command.serial, value);
            }
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.plan.trace {
            eprintln!("{:>9} us {}", self.now / 1000, what());
        }
    }

    /// A command or function is over.
    fn end(&mut self, Ended { serial, told }: Ended) {
        let live = self.live.remove(&serial).unwrap_or_else(|| panic!("{serial} ended twice"));
        let Some(command) = live.command else {
            let answered = told.is_some_and(|(reply, _)| reply.response.is_some());
            assert!(answered || live.touched || !self.cores[live.host].port().is_open(self.queues[live.host]));
            return;
        };
        self.tally.ended += 1;
        self.say(|| {
            format!("{serial} ends: {:?}", told.as_ref().map(|(reply, _)| (reply.status, reply.sense().to_vec())))
        });
        let wrote = match &told {
            None => {
                assert!(live.touched, "nobody touched it, and it is not answered: {command:?}");
                self.tally.silent += 1;
                Wrote::Perhaps
            }
            Some((reply, bytes)) => self.judge(&live, &command, reply, bytes),
        };
        if command.writes() {
            for block in command.block..command.block + u64::from(command.blocks) {
                self.model.ended(command.disk, block, serial, live.invoked, wrote);
            }
        }
        if command.reserves() {
            self.reserved(&live, &command, wrote);
        }
        let oldest = self.live.values().map(|live| live.invoked).min().unwrap_or(Step::MAX);
        self.model.forget(oldest);
    }

    /// Who holds the reservation after a command about it.
    fn reserved(&mut self, live: &Live, command: &Command, wrote: Wrote) {
        let model = &mut self.model;
        let alone = live.alone.is_some_and(|turn| model.turns == turn + 1);
        (model.turns, model.changing) = (model.turns + 1, model.changing - 1);
        let What::Reservation { action, other } = command.what else { return };
        let other = Some(other as usize - 1);
        match (wrote, action) {
            // Others that were open beside it may have been done before or after it.
            _ if !alone => model.holder = None,
            (Wrote::Nothing, _) | (Wrote::All, REGISTER) => {}
            (Wrote::Perhaps, _) => model.holder = None,
            (Wrote::All, RESERVE) => model.holder = Some(Some(command.host)),
            (Wrote::All, RELEASE) if model.holder == Some(Some(command.host)) => model.holder = Some(None),
            (Wrote::All, PREEMPT_ABORT) if model.holder == Some(other) => model.holder = Some(Some(command.host)),
            _ => {}
        }
    }

    /// What a reply means, and whether it may be.
    fn judge(&mut self, live: &Live, command: &Command, reply: &Reply, bytes: &[u8]) -> Wrote {
        let stands = live.reserved.filter(|(turns, _)| *turns == self.model.turns && self.model.changing == 0);
        let others = stands.map(|(_, holder)| holder.is_some_and(|holder| holder != command.host));
        let meets = command.touches(0);
        let fine = self.plan.trouble == 0 && self.plan.failures == 0 && self.plan.fault == Fault::Nothing;
        match reply.status {
            Status::GOOD => {
                assert!(!(meets && others == Some(true)), "past a reservation: {command:?}");
                self.tally.good += 1;
                self.tally.copies += u64::from(matches!(command.what, What::Copy { .. }));
                if command.what == What::Read {
                    self.check_read(live, command, bytes);
                }
                Wrote::All
            }
            Status::RESERVATION_CONFLICT => {
                assert!(!(meets && others == Some(false)), "nobody else holds a reservation: {command:?}");
                self.tally.conflicts += 1;
                Wrote::Nothing
            }
            Status::TASK_SET_FULL => Wrote::Nothing,
            Status::CHECK_CONDITION => match Key(reply.sense()[2] & 0xf) {
                Key::UNIT_ATTENTION | Key::ILLEGAL_REQUEST => Wrote::Nothing,
                // A reservation that comes while a copy runs ends it.
                Key::COPY_ABORTED => Wrote::Perhaps,
                _ if !fine => Wrote::Perhaps,
                key => panic!("{key:?} in fine weather: {command:?}"),
            },
            Status::BUSY if !fine => Wrote::Perhaps,
            status => panic!("{status:?}: {command:?}"),
        }
    }

    fn check_read(&self, live: &Live, command: &Command, bytes: &[u8]) {
        assert_eq!(bytes.len(), (command.blocks * BLOCK) as usize, "all of its data");
        for (place, bytes) in bytes.chunks_exact(BLOCK as usize).enumerate() {
            let block = command.block + place as u64;
            let value = stamp_of(bytes).unwrap_or_else(|| panic!("block {block} is torn"));
            let possible = self.model.may_be(command.disk, block, value, live.invoked);
            let known = || self.model.describe(command.disk, block);
            assert!(possible, "volume {} block {block}: {value:x} of {command:?}, not of {}", command.disk, known());
        }
    }

    /// Reads all blocks; a host that a reservation keeps out leaves them to the other.
    fn read_all(&mut self) {
        for host in 0..HOMES {
            if self.cores[host].port().queues.is_empty() {
                self.connect(host);
            }
        }
        self.settle();
        for disk in 0..DISKS {
            for block in (0..self.plan.blocks).step_by(24) {
                let blocks = 24.min(self.plan.blocks - block) as u32;
                let read = (0..200).any(|go| self.read(go % HOMES, disk, block, blocks));
                assert!(read, "volume {disk} block {block} cannot be read");
            }
        }
    }

    fn read(&mut self, host: usize, disk: usize, block: u64, blocks: u32) -> bool {
        let command = Command { host, serial: self.serial + 1, what: What::Read, disk, block, blocks };
        let good = self.tally.good;
        self.serial = command.serial;
        self.note(host, Some(command), false);
        let (cdb, _) = command.words(&self.names);
        let task = Task { data_in: command.gets(), ..self.task(host, command.serial, disk, &cdb) };
        self.cores[host].port_mut().submit(command.serial, task, Vec::new());
        self.settle();
        self.tally.good > good
    }
}
