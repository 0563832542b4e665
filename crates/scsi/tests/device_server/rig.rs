//! Homes with ports in memory, disks in memory, and a control plane that is the test.

pub use crate::disk::{Disk, FEATURES, Handle};
pub use crate::port::{Ended, TestPort};
use dma::{Arena, Backing, Class, Options, Pool};
use ring::{Sender, mailbox};
pub use scsi::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
pub use wire::scsi::{Asc, Key, Status};

pub const BLOCKS: u64 = 2048;
pub const LARGEST: u32 = 65_536;
/// Our port, on all homes.
pub const TARGET: PortName = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0001 };

pub struct Rig {
    pub cores: Vec<Core<TestPort>>,
    mail: Vec<Sender<Message>>,
    pub disks: Vec<Arc<Disk>>,
    pub shared: Vec<Arc<Shared>>,
    pub device: Arc<Device>,
    pub now: u64,
    next_id: u32,
    answers: Vec<Receiver<Result<(), String>>>,
}

pub fn initiator(n: u64) -> PortName {
    PortName::Fc { wwnn: 0x1000_0000_0000_0000 | n, wwpn: 0x1100_0000_0000_0000 | n }
}

pub fn map(luns: &[(u16, u32)]) -> MapView {
    let ports = vec![PortView { name: TARGET, relative: 1, group: 1 }];
    MapView { ports, initiators: vec![Rule { allow: true, who: Who::All }], networks: Vec::new(), luns: luns.to_vec() }
}

pub fn node(maps: Vec<MapView>) -> NodeView {
    NodeView { id: 1, name: "node".into(), alias: String::new(), access: Default::default(), queue_depth: 16, maps }
}

/// A CDB, padded to 16 bytes.
pub fn cdb(bytes: &[u8]) -> [u8; 32] {
    let mut cdb = [0; 32];
    cdb[..bytes.len()].copy_from_slice(bytes);
    cdb
}

pub fn read10(lba: u32, blocks: u16) -> Vec<u8> {
    let mut cdb = vec![0x28, 0];
    cdb.extend(lba.to_be_bytes());
    cdb.push(0);
    cdb.extend(blocks.to_be_bytes());
    cdb.push(0);
    cdb
}

pub fn write10(lba: u32, blocks: u16) -> Vec<u8> {
    let mut cdb = read10(lba, blocks);
    cdb[0] = 0x2a;
    cdb
}

/// `len` bytes that differ from place to place and from `seed` to `seed`.
pub fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|place| (place as u8).wrapping_mul(31).wrapping_add((place >> 8) as u8) ^ seed).collect()
}

impl Rig {
    /// So many homes, without anything on them.
    pub fn empty(homes: usize) -> Self {
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..homes).map(|_| mailbox(64, || {})).unzip();
        let device = Arc::new(Device::default());
        let cores = boxes.into_iter().enumerate().map(|(home, own)| {
            let pool =
                Pool::new(&arena, &[Class { size: 4096, count: 16 }, Class { size: LARGEST, count: 4 }]).unwrap();
            let config = Config { core: home, max_transfer: 1 << 20, channel_depth: 64, device: device.clone() };
            Core::new(config, TestPort::new(), pool, own)
        });
        let cores = cores.collect();
        let mut rig = Self {
            cores,
            mail,
            disks: Vec::new(),
            shared: Vec::new(),
            device,
            now: 1,
            next_id: 100,
            answers: Vec::new(),
        };
        rig.put_homes(&[]);
        rig
    }

    /// One home with disk 1 as LUN 0, and nexus 0, whose power-on attention is told already.
    pub fn new() -> Self {
        let mut rig = Self::homes(1);
        rig.open(0, 0);
        rig.calm(0, 0, 0);
        rig
    }

    /// So many homes with disk 1 as LUN 0.
    pub fn homes(homes: usize) -> Self {
        let mut rig = Self::empty(homes);
        rig.add_disk(FEATURES);
        rig.put_node(node(vec![map(&[(0, 1)])]));
        rig
    }

    /// Adds a disk, as the logical unit of the next number from 1 on.
    pub fn add_disk(&mut self, features: bdev::Features) -> u32 {
        self.add_sized_disk(BLOCKS, 512, features)
    }

    pub fn add_sized_disk(&mut self, blocks: u64, block_size: u32, features: bdev::Features) -> u32 {
        let id = self.disks.len() as u32 + 1;
        self.disks.push(Disk::new(id.into(), blocks, block_size, features));
        let info = bdev::Bdev::info(&Handle(self.disks[id as usize - 1].clone()));
        self.shared.push(self.device.share(&info));
        let view = self.unit_view(id);
        self.put_unit(view);
        id
    }

    pub fn disk(&self, id: u32) -> &Disk {
        &self.disks[id as usize - 1]
    }

    pub fn unit_view(&self, id: u32) -> LogicalUnitView {
        let device: Arc<dyn bdev::Bdev> = Arc::new(Handle(self.disks[id as usize - 1].clone()));
        let info = device.info();
        let identity = Identity::of(info.uuid);
        let meters = (0..self.cores.len()).map(|_| bdev::Meter::default()).collect();
        LogicalUnitView { id, device, info, meters, identity, shared: self.shared[id as usize - 1].clone() }
    }

    /// Sends a message with an acknowledgement to all homes; it is pending.
    pub fn ask(&mut self, message: impl Fn(Ack) -> Message) {
        let (ack, answer) = sync_channel(self.mail.len());
        for mail in &self.mail {
            assert!(mail.send(message(ack.clone())).is_ok());
        }
        self.answers = vec![answer];
        self.run();
    }

    /// The ways to all homes.
    pub fn senders(&self) -> Vec<Sender<Message>> {
        self.mail.clone()
    }

    /// Tells all homes which there are: all but those that are gone.
    pub fn put_homes(&mut self, gone: &[usize]) {
        let all: Arc<[_]> =
            self.mail.iter().enumerate().map(|(n, mail)| (!gone.contains(&n)).then(|| mail.clone())).collect();
        for (own, mail) in self.mail.iter().enumerate().filter(|(own, _)| !gone.contains(own)) {
            let (ack, answer) = sync_channel(1);
            assert!(mail.send(Message::Homes { own, all: all.clone(), ack }).is_ok());
            self.cores[own].poll(self.now);
            assert_eq!(answer.try_recv(), Ok(Ok(())));
        }
        self.run();
    }

    /// Sends a message to home 0.
    pub fn tell(&mut self, message: Message) {
        assert!(self.mail[0].send(message).is_ok());
        self.run();
    }

    /// How many homes have acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.answers.iter().flat_map(Receiver::try_iter).inspect(|answer| assert_eq!(*answer, Ok(()))).count()
    }

    pub fn put_unit(&mut self, view: LogicalUnitView) {
        let view = Arc::new(view);
        self.ask(|ack| Message::LogicalUnit { view: view.clone(), ack });
        assert_eq!(self.acknowledged(), self.cores.len());
    }

    pub fn put_node(&mut self, view: NodeView) {
        let view = Arc::new(view);
        self.ask(|ack| Message::Node { view: view.clone(), ack });
        assert_eq!(self.acknowledged(), self.cores.len());
    }

    /// Opens a nexus of the initiator of its number.
    pub fn open(&mut self, core: usize, queue: u32) {
        let origin = Origin {
            initiator: initiator(queue.into()),
            target: TARGET,
            relative_port: 1,
            port_group: 1,
            address: None,
        };
        self.cores[core].port_mut().open(queue, origin);
        self.run();
    }

    /// Turns until nothing happens.
    pub fn run(&mut self) {
        for _ in 0..10_000 {
            self.now += 1000;
            if self.cores.iter_mut().map(|core| core.poll(self.now)).sum::<usize>() == 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    pub fn task(&mut self, queue: u32, lun: u16, bytes: &[u8]) -> Task {
        self.next_id += 1;
        Task {
            queue,
            id: self.next_id,
            lun: wire::scsi::to_lun(lun),
            cdb: cdb(bytes),
            cdb_len: 16,
            attribute: Attribute::Simple,
            management: None,
            data_in: 0,
            data_out: 0,
        }
    }

    /// Sends a task and runs; its identifier.
    pub fn start(&mut self, core: usize, task: Task, sends: Vec<u8>) -> u32 {
        self.cores[core].port_mut().send_task(task, sends);
        self.run();
        task.id
    }

    /// How a task of a home ended, if it did.
    pub fn ended(&mut self, core: usize, id: u32) -> Option<Ended> {
        let ended = &mut self.cores[core].port_mut().ended;
        let place = ended.iter().position(|ended| ended.id == id)?;
        Some(ended.remove(place))
    }

    /// Runs a task on home 0 to its end.
    pub fn run_task(&mut self, task: Task, sends: Vec<u8>) -> Ended {
        let id = self.start(0, task, sends);
        self.ended(0, id).expect("it ended")
    }

    /// A command of nexus 0 on LUN 0 that is ready for `data_in` bytes.
    pub fn ask_lun(&mut self, bytes: &[u8], data_in: u32) -> Ended {
        let task = self.task(0, 0, bytes);
        self.run_task(Task { data_in, ..task }, Vec::new())
    }

    /// A command of nexus 0 on LUN 0 that sends `data`.
    pub fn tell_lun(&mut self, bytes: &[u8], data: &[u8]) -> Ended {
        let task = self.task(0, 0, bytes);
        self.run_task(Task { data_out: data.len() as u32, ..task }, data.to_vec())
    }

    /// Tells all unit attentions of a nexus and LUN; what they were.
    pub fn calm(&mut self, core: usize, queue: u32, lun: u16) -> Vec<u16> {
        let mut told = Vec::new();
        loop {
            let task = self.task(queue, lun, &[0]);
            let id = self.start(core, task, Vec::new());
            let ended = self.ended(core, id).expect("TEST UNIT READY ends");
            if ended.reply.status == Status::GOOD {
                return told;
            }
            let (key, asc) = ended.sense();
            assert_eq!(key, Key::UNIT_ATTENTION, "{asc:?}");
            told.push(asc.0);
        }
    }

    pub fn manage(&mut self, core: usize, queue: u32, lun: u16, function: Management) -> u32 {
        let task = Task { management: Some(function), ..self.task(queue, lun, &[]) };
        self.start(core, task, Vec::new())
    }

    /// The answer to a task management function, if it came.
    pub fn response(&mut self, core: usize, id: u32) -> Option<ServiceResponse> {
        self.ended(core, id).map(|ended| ended.reply.response.expect("a response"))
    }

    /// Nothing is left over.
    pub fn check_quiet(&mut self) {
        self.run();
        for core in &self.cores {
            assert_eq!((core.census(), core.port().open_tasks()), ((0, 0, 0), 0));
        }
    }
}

impl Ended {
    pub fn sense(&self) -> (Key, Asc) {
        assert_eq!(self.reply.status, Status::CHECK_CONDITION);
        let sense = self.reply.sense();
        assert_eq!((sense.len(), sense[0] & 0x7f), (18, 0x70));
        (Key(sense[2] & 0xf), Asc(u16::from_be_bytes([sense[12], sense[13]])))
    }

    /// Sense key and code as numbers, or the status alone.
    pub fn told(&self) -> (u8, u8, u16) {
        if self.reply.status != Status::CHECK_CONDITION {
            return (self.reply.status.0, 0, 0);
        }
        let (key, asc) = self.sense();
        (2, key.0, asc.0)
    }

    pub fn good(self) -> Self {
        assert_eq!(self.told(), (0, 0, 0));
        self
    }
}

impl Drop for Rig {
    /// Ends everything, so that channels are dropped when nothing is in flight.
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Data that is out now is nobody's concern.
            std::mem::take(&mut self.cores).into_iter().for_each(std::mem::forget);
            return;
        }
        for disk in &self.disks {
            disk.hold(false);
            disk.stubborn.store(false, Ordering::Relaxed);
        }
        for core in &mut self.cores {
            let port = core.port_mut();
            (port.holds_fetches, port.holds_replies) = (false, false);
            for queue in port.open_queues.clone() {
                port.lose(queue);
            }
        }
        self.check_quiet();
    }
}
