//! The target that hosts attack: cores of a soft or a TCP port, two volumes, a virtual clock, a control side that meddles.

use crate::host::NQN;
use crate::input::Input;
use bdev::{Bdev, Meter};
use bdev_delay::{Delay, Latencies};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Options, Pool};
use exchange::Port;
use nvmf::{
    Capsule, Completion, Config, ControllerIds, Core, ListenerView, Message, NamespaceView, Origin, SubsystemView,
    TransportView, Trtype,
};
use ring::{Sender, Tick, mailbox};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use wire::fabrics::DISCOVERY_NQN;

/// The one listener.
pub const LISTENER: u32 = 7;
/// Bytes of in-capsule data of an I/O queue.
pub const IN_CAPSULE: u32 = 4096;
/// Nanoseconds of a millisecond.
pub const MS: Tick = 1_000_000;

/// Several homes of one target.
pub struct Target<P: Port> {
    /// The homes.
    pub cores: Vec<Core<P>>,
    mail: Vec<Sender<Message>>,
    /// The clock.
    pub now: Tick,
    answers: Option<(Receiver<Result<(), String>>, usize)>,
    /// The subsystem that they are about, for a change of which hosts are told then.
    changing: Option<u32>,
    subsystem: u32,
    /// The identifiers of the subsystem that was shown last, which are the same in all its views.
    ids: (u32, Arc<ControllerIds>),
}

impl<P> Target<P>
where
    P: Port<Command = Capsule, Reply = Completion, Origin = Origin>,
{
    /// A home for each port.
    pub fn new(ports: Vec<P>) -> Self {
        Self::with(ports, transport())
    }

    /// The same with other limits.
    pub fn with(ports: Vec<P>, transport: TransportView) -> Self {
        let homes = ports.len();
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..homes).map(|_| mailbox(64, || {})).unzip();
        let core = |((home, inbox), port)| {
            // Few of each, so that commands wait for buffers.
            let classes =
                [Class { size: 4096, count: 4 }, Class { size: 32_768, count: 2 }, Class { size: 131_072, count: 2 }];
            let pool = Pool::new(arena(), &classes).expect("memory");
            let config = Config { home, homes, core: home, transport: transport.clone(), channel_depth: 256 };
            Core::new(config, port, pool, inbox, mail.clone())
        };
        let cores = boxes.into_iter().enumerate().zip(ports).map(core).collect();
        let ids = (0, ControllerIds::new(1, 6));
        let mut target = Self { cores, mail, now: 0, answers: None, changing: None, subsystem: 1, ids };
        target.show(discovery());
        target.show(subsystem(1, &[true, true], true));
        target.await_answers();
        target
    }

    /// Runs all homes until nothing happens, or for so many turns.
    pub fn run(&mut self, turns: usize) {
        for _ in 0..turns {
            let work: usize = self.cores.iter_mut().map(|core| core.poll(self.now)).sum();
            if work == 0 {
                return;
            }
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Tick) {
        self.now += time;
        self.run(8);
    }

    fn post(&mut self, message: impl Fn(nvmf::Ack) -> Message) {
        let (ack, answers) = sync_channel(self.mail.len());
        self.mail.iter().for_each(|home| assert!(home.send(message(ack.clone())).is_ok(), "the mailbox has room"));
        self.answers = Some((answers, self.mail.len()));
    }

    fn show(&mut self, mut view: SubsystemView) {
        if view.id == self.ids.0 {
            view.cntlids = self.ids.1.clone();
        } else {
            self.ids = (view.id, view.cntlids.clone());
        }
        let view = Arc::new(view);
        self.post(|ack| Message::Subsystem { view: view.clone(), ack });
        self.changing = Some(view.id);
        self.run(8);
    }

    /// Whether the last message was acknowledged by all.
    fn is_answered(&mut self) -> bool {
        if let Some((answers, left)) = &mut self.answers {
            while let Ok(answer) = answers.try_recv() {
                answer.expect("the devices open");
                *left -= 1;
            }
            if *left > 0 {
                return false;
            }
        }
        self.answers = None;
        if let Some(id) = self.changing.take() {
            self.mail
                .iter()
                .for_each(|home| assert!(home.send(Message::Settled { id }).is_ok(), "the mailbox has room"));
            self.run(2);
        }
        true
    }

    fn await_answers(&mut self) {
        for _ in 0..200 {
            if self.is_answered() {
                return;
            }
            self.wait(500 * MS);
        }
        panic!("a message of the control side is never acknowledged");
    }

    /// Does what an administrator may do, unless the last such thing is still under way.
    pub fn meddle(&mut self, input: &mut Input) {
        let what = input.u8();
        if !self.is_answered() {
            return;
        }
        match what % 8 {
            0 => {
                let id = self.subsystem;
                self.subsystem += 1;
                self.post(|ack| Message::RemoveSubsystem { id, ack });
            }
            1 => self.post(|ack| Message::RemoveListener { id: LISTENER, ack }),
            2 => self.post(|ack| Message::Drain { ack }),
            3 => {
                let generation = u64::from(what);
                for home in &self.mail {
                    let message = Message::DiscoveryChanged { generation, referrals: Arc::new([]) };
                    assert!(home.send(message).is_ok(), "the mailbox has room");
                }
            }
            _ => self.show(subsystem(self.subsystem, &[what & 8 == 0, what & 16 == 0], what & 32 == 0)),
        }
    }

    /// When all hosts are gone: nothing is left of them.
    pub fn assert_empty(&mut self) {
        for second in 0..50 {
            self.wait(1000 * MS);
            if second > 3 && self.is_answered() && self.cores.iter().all(|core| core.census() == (0, 0, 0)) {
                break;
            }
        }
        self.await_answers();
        let (to, reports) = sync_channel(self.mail.len());
        for home in &self.mail {
            assert!(home.send(Message::Report { to: to.clone() }).is_ok());
        }
        self.run(8);
        for report in reports.try_iter() {
            assert!(report.controllers.is_empty() && report.queues.is_empty(), "left behind: {report:?}");
        }
        for core in &self.cores {
            assert_eq!(core.census(), (0, 0, 0), "exchanges, bytes of buffers, waiting");
        }
    }
}

fn arena() -> &'static Arc<Arena> {
    static ARENA: OnceLock<Arc<Arena>> = OnceLock::new();
    let options = || Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    ARENA.get_or_init(|| Arena::new(options()).expect("memory"))
}

fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Tcp,
        max_queue_depth: 16,
        max_io_qpairs_per_ctrlr: 3,
        in_capsule_data_size: IN_CAPSULE,
        max_io_size: 131_072,
        max_aq_depth: 32,
        kas: 1,
        min_kato_ms: 0,
    }
}

/// What a transport over Fibre Channel says of itself.
pub fn fc() -> TransportView {
    TransportView { trtype: Trtype::Fc, in_capsule_data_size: 0, max_io_size: 65_536, ..transport() }
}

/// A volume in RAM, and one behind it that takes a millisecond.
fn devices() -> &'static [Arc<dyn Bdev>; 2] {
    static DEVICES: OnceLock<[Arc<dyn Bdev>; 2]> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let malloc = |name: &str, block_size: u32| -> Arc<dyn Bdev> {
            let uuid = "6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c11".parse().expect("a UUID");
            let blocks = (1 << 20) / u64::from(block_size);
            let name = name.to_owned();
            let shape = Shape { name, uuid, block_size, physical_block_size: 4096, blocks, optimal_io_boundary: 0 };
            Arc::new(Malloc::new(shape, arena().region(1 << 20).expect("memory")))
        };
        let slow = Delay::new("slow", None, malloc("below", 4096), Latencies::new([1000; 4]));
        [malloc("fast", 512), Arc::new(slow)]
    })
}

fn subsystem(id: u32, there: &[bool; 2], allow_any_host: bool) -> SubsystemView {
    let view = |(place, device): (usize, &Arc<dyn Bdev>)| {
        let info = device.info();
        let (uuid, nguid) = (info.uuid, info.nguid());
        let meters = (0..4).map(|_| Meter::default()).collect();
        NamespaceView { nsid: place as u32 + 1, device: device.clone(), info, meters, uuid, nguid, eui64: [1; 8] }
    };
    let listener =
        ListenerView { id: LISTENER, trtype: Trtype::Tcp, adrfam: 1, traddr: "0.0.0.0".into(), trsvcid: "4420".into() };
    SubsystemView {
        id,
        nqn: NQN.into(),
        discovery: false,
        serial: "FUZZ".into(),
        model: "qfc".into(),
        allow_any_host,
        hosts: Vec::new(),
        listeners: vec![listener],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 6,
        cntlids: ControllerIds::new(1, 6),
        namespaces: devices().iter().enumerate().filter(|(place, _)| there[*place]).map(view).collect(),
    }
}

fn discovery() -> SubsystemView {
    let (listeners, namespaces) = (Vec::new(), Vec::new());
    let nqn = DISCOVERY_NQN.into();
    SubsystemView { nqn, discovery: true, any_listener: true, listeners, namespaces, ..subsystem(0, &[false; 2], true) }
}
