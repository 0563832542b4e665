//! Cores as values on one thread, with time by hand. What is below them is a script ([`fabric`]) or a node.
#![allow(dead_code, reason = "each test uses its part of it")]

pub mod disk;
pub mod fabric;
pub mod host;
pub mod initiator;

use disk::Disk;
use dma::{Arena, Backing, Class, Pool};
use fc::Queue;
use nvmf::{Config, ControllerIds, Core, ListenerView, Message, SubsystemView, TransportView, Trtype};
use nvmf_fc::{FcNvmePort, Mail, Note, Options};
use ring::{Sender, Tick, mailbox};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

pub const NQN: &str = "nqn.2026-11.org.qfc:fc";
pub const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";
pub const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
pub const LISTENER: u32 = 7;
pub const MS: Tick = 1_000_000;

pub struct Rig {
    pub cores: Vec<Core<FcNvmePort>>,
    pub mail: Vec<Sender<Message>>,
    pub notes: Vec<Sender<Note>>,
    pub disk: Arc<Disk>,
    pub now: Tick,
}

pub fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Fc,
        max_queue_depth: 64,
        max_io_qpairs_per_ctrlr: 128,
        in_capsule_data_size: 0,
        max_io_size: 65_536,
        max_aq_depth: 32,
        kas: 1,
        min_kato_ms: 0,
    }
}

pub fn options() -> Options {
    Options { admin_entries: 32, io_entries: 64, io_queues: 128, secret: [1, 2] }
}

pub fn subsystem(disk: &Arc<Disk>) -> SubsystemView {
    let (traddr, trsvcid) = (fabric::local().to_string(), "none".to_owned());
    SubsystemView {
        id: 1,
        nqn: NQN.into(),
        discovery: false,
        serial: "FC".into(),
        model: "qfc".into(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![ListenerView { id: LISTENER, trtype: Trtype::Fc, adrfam: 4, traddr, trsvcid }],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: vec![disk.view()],
    }
}

fn discovery() -> SubsystemView {
    let none = subsystem(&Disk::new());
    let (namespaces, listeners, cntlids) = (Vec::new(), Vec::new(), ControllerIds::new(1, 0xffef));
    let nqn = DISCOVERY.into();
    SubsystemView { id: 0, nqn, discovery: true, any_listener: true, namespaces, listeners, cntlids, ..none }
}

impl Rig {
    pub fn new(homes: usize) -> Self {
        let options_of_memory = dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = Arena::new(options_of_memory).unwrap();
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..homes).map(|_| mailbox(64, || {})).unzip();
        let (notes, note_boxes): (Vec<_>, Vec<_>) = (0..homes).map(|_| mailbox(512, || {})).unzip();
        let core = |(home, (inbox, note_box))| {
            let classes = [Class { size: 8192, count: 32 }, Class { size: 65_536, count: 8 }];
            let pool = Pool::new(&arena, &classes).unwrap();
            let config = Config { home, homes, core: home, transport: transport(), channel_depth: 256 };
            let port = FcNvmePort::new(options(), Mail::new(home, note_box, notes.clone()));
            Core::new(config, port, pool, inbox, mail.clone())
        };
        let cores = boxes.into_iter().zip(note_boxes).enumerate().map(core).collect();
        let mut rig = Self { cores, mail, notes, disk: Disk::new(), now: 0 };
        rig.update(subsystem(&rig.disk));
        rig.update(discovery());
        rig
    }

    /// Gives the cores their queues of a port.
    pub fn adopt(&mut self, lane: usize, listener: u32, queues: Vec<Box<dyn Queue>>) {
        for (home, queue) in self.notes.iter().zip(queues) {
            home.send(Note::Adopt { lane, listener, queue }).unwrap();
        }
        self.run();
    }

    pub fn step(&mut self) -> usize {
        self.cores.iter_mut().map(|core| core.poll(self.now)).sum()
    }

    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    pub fn is_pending(&self) -> bool {
        self.cores.iter().any(|core| core.port().is_pending())
    }

    /// Runs all cores until nothing happens any more.
    pub fn run(&mut self) {
        for _ in 0..1000 {
            if self.step() == 0 && !self.is_pending() {
                return;
            }
        }
        panic!("the cores do not come to rest");
    }

    pub fn wait(&mut self, ms: u64) {
        self.now += ms * MS;
        self.run();
    }

    pub fn post(&mut self, message: impl Fn(nvmf::Ack) -> Message) -> Receiver<Result<(), String>> {
        let (ack, answers) = sync_channel(self.mail.len());
        self.mail.iter().for_each(|home| home.send(message(ack.clone())).unwrap());
        self.run();
        answers
    }

    pub fn update(&mut self, view: SubsystemView) {
        let view = Arc::new(view);
        let answers = self.post(|ack| Message::Subsystem { view: view.clone(), ack });
        assert_eq!(answers.try_iter().filter(Result::is_ok).count(), self.mail.len());
    }

    /// Tells each core that a port goes; the answers come when it is gone.
    pub fn retire(&mut self, lane: usize) -> Receiver<()> {
        let (done, gone) = sync_channel(self.notes.len());
        self.notes.iter().for_each(|home| home.send(Note::Retire { lane, done: done.clone() }).unwrap());
        self.run();
        gone
    }

    /// Connections, commands and associations, of all cores.
    pub fn census(&self) -> (usize, usize, usize) {
        let one = |core: &Core<FcNvmePort>| core.port().census();
        let add = |a: (usize, usize, usize), b: (usize, usize, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
        self.cores.iter().map(one).fold((0, 0, 0), add)
    }

    /// Nothing is left in flight, and every buffer is home.
    pub fn assert_idle(&mut self) {
        self.run();
        for core in &self.cores {
            assert_eq!(core.census(), (0, 0, 0), "exchanges, bytes of buffers, waiting");
        }
    }

    /// ... and no connection is left.
    pub fn assert_empty(&mut self) {
        self.assert_idle();
        assert_eq!(self.census(), (0, 0, 0), "connections, commands, associations");
    }
}
