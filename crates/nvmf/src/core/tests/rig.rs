//! Homes as values on one thread, and a host that drives them.

use super::disk::SoftDisk;
use super::port::{Sent, SoftPort};
use crate::view::{ListenerView, SubsystemView, TransportView};
use crate::{Config, ControllerIds, Core, Message, Trtype};
use bdev::Features;
use dma::{Arena, Backing, Class, Options, Pool};
use ring::{Sender, Tick, mailbox};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use wire::fabrics::{Connect, ConnectData, DISCOVERY_NQN, Nqn, PropertyGet, PropertySet};
use wire::nvme::{Cqe, Csts, Property, SglDescriptor, Sqe, Status};
use wire::{IntoBytes, U16};

pub const NQN: &str = "nqn.2016-06.io.spdk:cnode1";
pub const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
pub const HOSTID: [u8; 16] = *b"host identifier.";
pub const LISTENER: u32 = 7;
/// What a Linux host writes to CC.
pub const ENABLE: u64 = 0x0046_0001;
pub const ALL: Features =
    Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: true, volatile_cache: true };
pub const BLOCKS: u64 = 1024;

pub fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Tcp,
        max_queue_depth: 128,
        max_io_qpairs_per_ctrlr: 4,
        in_capsule_data_size: 4096,
        max_io_size: 131_072,
        max_aq_depth: 128,
        kas: 1,
        min_kato_ms: 0,
    }
}

pub fn listener() -> ListenerView {
    ListenerView {
        id: LISTENER,
        trtype: Trtype::Tcp,
        adrfam: 1,
        traddr: "0.0.0.0".to_owned(),
        trsvcid: "4420".to_owned(),
    }
}

pub fn subsystem(disks: &[Arc<SoftDisk>]) -> SubsystemView {
    SubsystemView {
        id: 1,
        nqn: NQN.to_owned(),
        discovery: false,
        serial: "QFC00000000000000001".to_owned(),
        model: "qfc".to_owned(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![listener()],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: disks.iter().enumerate().map(|(n, disk)| disk.view(n as u32 + 1)).collect(),
    }
}

pub fn discovery() -> SubsystemView {
    SubsystemView {
        id: 0,
        nqn: DISCOVERY_NQN.to_owned(),
        discovery: true,
        any_listener: true,
        listeners: Vec::new(),
        ..subsystem(&[])
    }
}

/// Several homes of one target.
pub struct Rig {
    pub cores: Vec<Core<SoftPort>>,
    pub mail: Vec<Sender<Message>>,
    pub now: Tick,
    pub disk: Arc<SoftDisk>,
    next_cid: u16,
    /// The identifiers of each subsystem, with their range, as the control side keeps them.
    pub ids: BTreeMap<u32, ((u16, u16), Arc<ControllerIds>)>,
    fc: bool,
    /// Replies that were not asked for yet, by home.
    inbox: Vec<(usize, Sent)>,
}

impl Rig {
    /// `homes` homes with a subsystem of one disk, and the discovery subsystem.
    pub fn new(homes: usize) -> Self {
        Self::with(homes, transport())
    }

    pub fn with(homes: usize, transport: TransportView) -> Self {
        let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
        let (arena, fc) = (Arena::new(options).unwrap(), transport.trtype == Trtype::Fc);
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..homes).map(|_| mailbox(64, || {})).unzip();
        let core = |(home, inbox)| {
            let classes = [Class { size: 8192, count: 64 }, Class { size: 131_072, count: 16 }];
            let pool = Pool::new(&arena, &classes).unwrap();
            let config = Config { home, homes, core: home, transport: transport.clone(), channel_depth: 256 };
            Core::new(config, SoftPort::default(), pool, inbox, mail.clone())
        };
        let cores = boxes.into_iter().enumerate().map(core).collect();
        let disk = SoftDisk::new("disk", BLOCKS, 512, ALL);
        let mut rig = Self { cores, mail, now: 0, disk, next_cid: 100, ids: BTreeMap::new(), fc, inbox: Vec::new() };
        rig.update(subsystem(&[rig.disk.clone()])).unwrap();
        rig.update(discovery()).unwrap();
        rig
    }

    /// Runs all homes until nothing happens any more.
    pub fn run(&mut self) {
        for _ in 0..1000 {
            let work: usize = self.cores.iter_mut().map(|core| core.poll(self.now)).sum();
            for (home, core) in self.cores.iter_mut().enumerate() {
                self.inbox.extend(core.port_mut().sent.drain(..).map(|sent| (home, sent)));
            }
            if work == 0 {
                return;
            }
        }
        panic!("the homes do not come to rest");
    }

    /// Runs each home once.
    pub fn step(&mut self) {
        for core in &mut self.cores {
            core.poll(self.now);
            core.port_mut().sent.clear();
        }
    }

    pub fn wait(&mut self, ms: u64) {
        self.now += ms * 1_000_000;
        self.run();
    }

    /// Sends a message to all homes; the acknowledgements arrive later.
    pub fn post(&mut self, message: impl Fn(crate::Ack) -> Message) -> Receiver<Result<(), String>> {
        let (ack, answers) = sync_channel(self.mail.len());
        self.mail.iter().for_each(|home| home.send(message(ack.clone())).unwrap());
        self.run();
        answers
    }

    /// Changes a subsystem on all homes.
    pub fn update(&mut self, mut view: SubsystemView) -> Result<(), String> {
        let range = (view.min_cntlid, view.max_cntlid);
        let (known, ids) = self.ids.entry(view.id).or_insert_with(|| (range, ControllerIds::new(range.0, range.1)));
        if *known != range {
            (*known, *ids) = (range, ControllerIds::new(range.0, range.1));
        }
        view.cntlids = ids.clone();
        let view = Arc::new(view);
        let answers = self.post(|ack| Message::Subsystem { view: view.clone(), ack });
        let answers: Vec<_> = answers.try_iter().collect();
        assert_eq!(answers.len(), self.mail.len(), "all homes answered");
        self.mail.iter().for_each(|home| home.send(Message::Settled { id: view.id }).unwrap());
        self.run();
        answers.into_iter().collect()
    }

    pub fn port(&mut self, home: usize) -> &mut SoftPort {
        self.cores[home].port_mut()
    }

    /// Submits a command and returns its identifier.
    pub fn submit(&mut self, at: (usize, u32), mut sqe: Sqe, payload: &[u8]) -> u16 {
        self.next_cid = self.next_cid.wrapping_add(1);
        sqe.cid = U16::new(self.next_cid);
        self.port(at.0).submit(at.1, sqe, payload);
        self.run();
        self.next_cid
    }

    /// The completion of a command, and its data, if it is there.
    pub fn reply(&mut self, at: (usize, u32), cid: u16) -> Option<(Cqe, Vec<u8>)> {
        let cqe = |sent: &Sent| wire::read::<Cqe>(&sent.completion).unwrap();
        let place = self.inbox.iter().position(|(home, s)| (*home, s.queue) == at && cqe(s).cid.get() == cid)?;
        let (_, sent) = self.inbox.remove(place);
        Some((cqe(&sent), sent.data))
    }

    /// A command that is answered at once.
    pub fn call(&mut self, at: (usize, u32), sqe: Sqe, payload: &[u8]) -> (Cqe, Vec<u8>) {
        let cid = self.submit(at, sqe, payload);
        self.reply(at, cid).expect("the command was answered")
    }

    /// A command whose data goes to the host, with room for `len` bytes.
    pub fn get(&mut self, at: (usize, u32), mut sqe: Sqe, len: u32) -> (Cqe, Vec<u8>) {
        sqe.dptr = SglDescriptor::transport(len);
        self.call(at, sqe, &[])
    }

    pub fn status(&mut self, at: (usize, u32), sqe: Sqe) -> Status {
        self.call(at, sqe, &[]).0.status()
    }

    pub fn open(&mut self, home: usize) -> (usize, u32) {
        let queue = self.port(home).connect(LISTENER);
        self.run();
        (home, queue)
    }

    pub fn connect(&mut self, at: (usize, u32), sqe: Connect, data: &ConnectData) -> Cqe {
        let mut sqe = sqe.into_sqe();
        if self.fc {
            sqe.dptr = SglDescriptor::transport(data.as_bytes().len() as u32);
        }
        self.call(at, sqe, data.as_bytes()).0
    }

    /// A new admin queue, connected; the controller is not enabled.
    pub fn admin_of(&mut self, home: usize, subnqn: &str) -> ((usize, u32), u16) {
        let at = self.open(home);
        let cqe = self.connect(at, Connect::new(0, 32, 0), &data(subnqn, 0xffff));
        assert!(cqe.status().is_success(), "{cqe:?}");
        (at, cqe.dw0.get() as u16)
    }

    /// A new controller of the NVM subsystem, enabled.
    pub fn admin(&mut self, home: usize) -> ((usize, u32), u16) {
        let (at, cntlid) = self.admin_of(home, NQN);
        self.set_cc(at, ENABLE);
        assert_eq!(self.csts(at), Csts::default().with_rdy(true));
        (at, cntlid)
    }

    /// An I/O queue of a controller, on any home.
    pub fn io(&mut self, home: usize, cntlid: u16, qid: u16) -> (usize, u32) {
        let at = self.open(home);
        let cqe = self.connect(at, Connect::new(qid, 64, 0), &data(NQN, cntlid));
        assert!(cqe.status().is_success(), "{cqe:?}");
        at
    }

    pub fn set_cc(&mut self, at: (usize, u32), cc: u64) {
        let (cqe, _) = self.call(at, PropertySet::sqe(Property::CC, cc), &[]);
        assert!(cqe.status().is_success(), "{cqe:?}");
    }

    pub fn property(&mut self, at: (usize, u32), property: Property) -> u64 {
        let (cqe, _) = self.call(at, PropertyGet::sqe(property), &[]);
        assert!(cqe.status().is_success(), "{cqe:?}");
        cqe.value()
    }

    pub fn csts(&mut self, at: (usize, u32)) -> Csts {
        Csts(self.property(at, Property::CSTS) as u32)
    }

    pub fn is_open(&self, at: (usize, u32)) -> bool {
        self.cores[at.0].port().is_open(at.1)
    }

    /// Nothing is left in flight, and every buffer is home.
    pub fn assert_idle(&mut self) {
        self.run();
        for core in &self.cores {
            assert_eq!(core.census(), (0, 0, 0), "exchanges, bytes of buffers, waiting");
        }
    }
}

pub fn data(subnqn: &str, cntlid: u16) -> ConnectData {
    ConnectData::new(HOSTID, cntlid, Nqn::new(subnqn).unwrap(), Nqn::new(HOST).unwrap())
}
