//! Two homes, two volumes, a virtual clock, and a control side that changes what is mapped where.

use super::port::{ScsiPort, TARGET};
use crate::input::Input;
use bdev::{Bdev, Meter};
use bdev_delay::{Delay, Latencies};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Options, Pool};
use ring::{Sender, Tick, mailbox};
use scsi::{Ack, Config, Core, Device, Identity, LogicalUnitView, MapView, Message, NodeView, PortView, Rule, Who};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};

/// Nanoseconds of a millisecond.
pub const MS: Tick = 1_000_000;
const HOMES: usize = 2;

/// The homes.
pub struct Homes {
    /// One for each port.
    pub cores: Vec<Core<ScsiPort>>,
    mail: Vec<Sender<Message>>,
    now: Tick,
    answers: Option<(Receiver<Result<(), String>>, usize)>,
    /// The numbers that the logical units have now.
    units: [u32; 2],
}

impl Homes {
    /// Two of them, with both volumes mapped for everyone.
    pub fn new() -> Self {
        let (mail, boxes): (Vec<_>, Vec<_>) = (0..HOMES).map(|_| mailbox(64, || {})).unzip();
        let device = Arc::new(Device::default());
        let core = |(home, inbox)| {
            // Few of each, so that commands wait for buffers.
            let classes = [Class { size: 4096, count: 4 }, Class { size: 65_536, count: 3 }];
            let pool = Pool::new(arena(), &classes).expect("memory");
            let config = Config { core: home, max_transfer: 65_536, channel_depth: 64, device: device.clone() };
            Core::new(config, ScsiPort::default(), pool, inbox)
        };
        let cores = boxes.into_iter().enumerate().map(core).collect();
        let mut homes = Self { cores, mail, now: 0, answers: None, units: [1, 2] };
        homes.show_homes();
        homes.show_units();
        homes.await_answers();
        homes.show_node(0);
        homes.await_answers();
        homes
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

    fn post(&mut self, message: impl Fn(Ack) -> Message) {
        let (ack, answers) = sync_channel(4 * HOMES);
        self.mail.iter().for_each(|home| assert!(home.send(message(ack.clone())).is_ok(), "the mailbox has room"));
        let asked = self.answers.take().map_or(0, |(_, left)| left);
        assert_eq!(asked, 0, "one change at a time");
        self.answers = Some((answers, HOMES));
        self.run(8);
    }

    fn show_homes(&mut self) {
        let all: Arc<[_]> = self.mail.iter().cloned().map(Some).collect();
        let (ack, _answers) = sync_channel(HOMES);
        for (own, home) in self.mail.iter().enumerate() {
            let message = Message::Homes { own, all: all.clone(), ack: ack.clone() };
            assert!(home.send(message).is_ok(), "the mailbox has room");
        }
        self.run(8);
    }

    fn show_units(&mut self) {
        for (place, device) in devices().iter().enumerate() {
            let info = device.info();
            let meters = (0..HOMES).map(|_| Meter::default()).collect();
            let (id, identity) = (self.units[place], Identity::of(info.uuid));
            let view = Arc::new(LogicalUnitView {
                id,
                device: device.clone(),
                info,
                meters,
                identity,
                shared: Arc::default(),
            });
            self.post(|ack| Message::LogicalUnit { view: view.clone(), ack });
            self.await_answers();
        }
    }

    fn show_node(&mut self, how: u8) {
        let [first, second] = self.units;
        let luns = match how & 3 {
            0 => vec![(0, first), (1, second)],
            1 => vec![(0, second), (2, first)],
            2 => vec![(1, first), (3, first)],
            _ => Vec::new(),
        };
        let initiators =
            vec![Rule { allow: how & 4 == 0, who: Who::Wwpn(0x2000) }, Rule { allow: how & 8 == 0, who: Who::All }];
        let ports = vec![PortView { name: TARGET, relative: 1, group: 1 }];
        let map = MapView { ports, initiators, networks: Vec::new(), luns };
        let queue_depth = if how & 16 == 0 { 16 } else { 2 };
        let view = Arc::new(NodeView {
            id: 1,
            name: "node".into(),
            alias: String::new(),
            access: Default::default(),
            queue_depth,
            maps: vec![map],
        });
        self.post(|ack| Message::Node { view: view.clone(), ack });
    }

    /// Whether the last message was acknowledged by all.
    fn is_answered(&mut self) -> bool {
        let Some((answers, left)) = &mut self.answers else { return true };
        while let Ok(answer) = answers.try_recv() {
            answer.expect("the devices open");
            *left -= 1;
        }
        let done = *left == 0;
        if done {
            self.answers = None;
        }
        done
    }

    fn await_answers(&mut self) {
        for _ in 0..200 {
            if self.is_answered() {
                return;
            }
            // Commands whose data is held back keep what they use.
            self.cores.iter_mut().for_each(|core| core.port_mut().release());
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
        match what >> 5 {
            0 => {
                let id = self.units[usize::from(what & 1)];
                self.units[usize::from(what & 1)] += 2;
                self.post(|ack| Message::RemoveLogicalUnit { id, ack });
            }
            1 => self.show_units(),
            2 => self.post(|ack| Message::RemoveNode { id: 1, ack }),
            _ => self.show_node(what),
        }
    }

    /// When all initiators are gone: nothing is left of them.
    pub fn assert_empty(&mut self) {
        self.await_answers();
        for _ in 0..50 {
            self.wait(1000 * MS);
            if self.cores.iter().all(|core| core.census() == (0, 0, 0) && core.port().queues.is_empty()) {
                break;
            }
        }
        let (to, reports) = sync_channel(HOMES);
        for home in &self.mail {
            assert!(home.send(Message::Report { to: to.clone() }).is_ok());
        }
        self.run(8);
        for report in reports.try_iter() {
            assert!(report.nexuses.is_empty(), "left behind: {report:?}");
        }
        for core in &self.cores {
            assert_eq!(core.census(), (0, 0, 0), "exchanges, bytes of buffers, waiting");
            assert!(core.port().queues.is_empty(), "all nexuses end");
        }
    }
}

fn arena() -> &'static Arc<Arena> {
    static ARENA: OnceLock<Arc<Arena>> = OnceLock::new();
    let options = || Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    ARENA.get_or_init(|| Arena::new(options()).expect("memory"))
}

/// A volume in RAM, and one behind it that takes a millisecond.
fn devices() -> &'static [Arc<dyn Bdev>; 2] {
    static DEVICES: OnceLock<[Arc<dyn Bdev>; 2]> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let malloc = |name: &str| -> Arc<dyn Bdev> {
            let uuid = "6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c11".parse().expect("a UUID");
            let (name, block_size, blocks) = (name.to_owned(), 512, 2048);
            let shape = Shape { name, uuid, block_size, physical_block_size: 4096, blocks, optimal_io_boundary: 0 };
            Arc::new(Malloc::new(shape, arena().region(1 << 20).expect("memory")))
        };
        let slow = Delay::new("slow", None, malloc("below"), Latencies::new([1000; 4]));
        [malloc("fast"), Arc::new(slow)]
    })
}
