//! `fcp_port`: FCP_CMND of any content through the FCP port to the SCSI core and a disk in RAM, over two queues that keep the
//! contract of an FC port: one ending for each order, an abort whenever the input says so, sessions that go in the middle.
//!
//! Input: a script. Of each step the first byte says what happens, the second to which queue; then what that takes.

mod queue;

use crate::input::Input;
use bdev::{Bdev, Meter};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Options, Pool};
use fcp::{FcpPort, NewLane};
use queue::Peer;
use ring::{Sender, Tick, mailbox};
use scsi::{Ack, Config, Core, Identity, LogicalUnitView, MapView, Message, NodeView, PortName, PortView, Rule, Who};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};

const MS: Tick = 1_000_000;
/// Sessions of a queue.
const SESSIONS: usize = 3;
const PORT: PortView = PortView { name: PortName::Fc { wwnn: 1, wwpn: 2 }, relative: 1, group: 1 };

/// The target: one core with two lanes.
struct Target {
    core: Core<FcpPort>,
    mail: Sender<Message>,
    peers: [Peer; 2],
    now: Tick,
    answer: Option<Receiver<Result<(), String>>>,
    number: u32,
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut target = Target::new();
    while !input.is_empty() {
        target.step(&mut input);
    }
    target.end();
}

impl Target {
    fn new() -> Self {
        let (mail, inbox) = mailbox(16, || {});
        // Few of each, so that commands wait for buffers.
        let classes = [Class { size: 4096, count: 3 }, Class { size: 65_536, count: 2 }];
        let pool = Pool::new(arena(), &classes).expect("memory");
        let config = Config { core: 0, max_transfer: 65_536, channel_depth: 64, device: Arc::default() };
        let core = Core::new(config, FcpPort::new(20), pool, inbox);
        let mut target = Self { core, mail, peers: Default::default(), now: 0, answer: None, number: 0 };
        (0..2).for_each(|place| target.adopt(place));
        target.show_unit();
        target.show_node(0);
        target.await_answer();
        target
    }

    fn adopt(&mut self, place: usize) {
        self.number += 1;
        self.peers[place] = Peer::new(self.number);
        let queue = self.peers[place].queue();
        self.core.port_mut().adopt(NewLane { number: self.number, queue, port: PORT });
    }

    fn turn(&mut self, turns: usize) {
        for _ in 0..turns {
            self.now += 1000;
            self.core.poll(self.now);
        }
    }

    fn step(&mut self, input: &mut Input) {
        let (what, place) = (input.u8(), input.u8());
        let which = usize::from(place & 1);
        let peer = &self.peers[which];
        match what % 16 {
            0 if peer.sessions() < SESSIONS => peer.log_in(),
            1 => peer.lose(place >> 1),
            2 => peer.hold(true),
            3 => peer.hold(false),
            4 => self.now += input.pick(&[1, 10, 100, 2000]) * MS,
            5 => self.meddle(input.u8()),
            6 => peer.abort(input.u8()),
            7 => peer.fail_next(),
            8 => self.replace(which),
            9 => {
                let len = usize::from(input.u8() % 100);
                peer.command(place >> 1, input.bytes(len));
            }
            _ => peer.command(place >> 1, &command(input)),
        }
        if what & 0x80 == 0 {
            self.turn(4);
        }
    }

    /// The port goes and another comes.
    fn replace(&mut self, which: usize) {
        // A reset of one waits for the commands of the other.
        self.peers.iter().for_each(|peer| peer.hold(false));
        let number = self.peers[which].number;
        self.core.port_mut().release(number);
        for _ in 0..64 {
            self.now += MS;
            self.turn(1);
            if self.core.port_mut().drop_released(number) {
                return self.adopt(which);
            }
        }
        panic!("a lane is not given back");
    }

    /// What an administrator may do, one thing at a time.
    fn meddle(&mut self, how: u8) {
        match &self.answer {
            Some(answer) if answer.try_recv().is_err() => {}
            _ => {
                self.answer = None;
                match how >> 5 {
                    0 => self.post(|ack| Message::RemoveLogicalUnit { id: 1, ack }),
                    1 => self.show_unit(),
                    2 => self.post(|ack| Message::RemoveNode { id: 1, ack }),
                    _ => self.show_node(how),
                }
            }
        }
    }

    fn post(&mut self, message: impl FnOnce(Ack) -> Message) {
        let (ack, answer) = sync_channel(1);
        assert!(self.mail.send(message(ack)).is_ok(), "the mailbox has room");
        self.answer = Some(answer);
        self.turn(1);
    }

    fn show_unit(&mut self) {
        let device = device();
        let info = device.info();
        let identity = Identity::of(info.uuid);
        let view = LogicalUnitView { id: 1, device, info, meters: [Meter::default()].into(), identity, shared: Arc::default() };
        self.post(|ack| Message::LogicalUnit { view: Arc::new(view), ack });
    }

    fn show_node(&mut self, how: u8) {
        let luns = if how & 1 == 0 { vec![(0, 1)] } else { vec![(2, 1)] };
        let initiators = vec![Rule { allow: how & 2 == 0, who: Who::All }];
        let map = MapView { ports: vec![PORT], initiators, networks: Vec::new(), luns };
        let queue_depth = if how & 4 == 0 { 16 } else { 2 };
        let node = NodeView { id: 1, name: "n".into(), alias: String::new(), access: Default::default(), queue_depth, maps: vec![map] };
        self.post(|ack| Message::Node { view: Arc::new(node), ack });
    }

    fn await_answer(&mut self) {
        for _ in 0..200 {
            match self.answer.take() {
                None => return,
                Some(answer) => match answer.try_recv() {
                    Ok(answer) => return answer.expect("the device opens"),
                    Err(_) => self.answer = Some(answer),
                },
            }
            self.now += 100 * MS;
            self.turn(4);
        }
        panic!("a message of the control side is never acknowledged");
    }

    /// All initiators go; nothing is left of them.
    fn end(&mut self) {
        for peer in &self.peers {
            peer.hold(false);
            (0..SESSIONS).for_each(|_| peer.lose(0));
        }
        for _ in 0..50 {
            self.now += 100 * MS;
            self.turn(8);
        }
        self.await_answer();
        assert_eq!(self.core.census(), (0, 0, 0), "exchanges, bytes of buffers, waiting");
        assert_eq!(self.core.port().census(), (0, 0), "sessions and commands");
        assert!(self.peers.iter().all(Peer::is_empty), "each exchange has ended");
    }
}

/// An FCP_CMND that is mostly right, so that it gets past the first check.
fn command(input: &mut Input) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    let (lun, kind, how) = (input.u8(), input.u8(), input.u8());
    bytes[1] = lun & 3;
    bytes[9] = if how & 0x40 != 0 { input.u8() } else { 0 };
    bytes[10] = if how & 0x80 != 0 { 1 << (kind & 7) } else { 0 };
    bytes[11] = if how & 3 == 0 { 2 } else { how & 3 };
    let row = &wire::scsi::TABLE[usize::from(kind) % wire::scsi::TABLE.len()];
    bytes[12..28].copy_from_slice(&input.array::<16>());
    bytes[12] = row.opcode;
    for (byte, used) in bytes[12..28].iter_mut().zip(row.usage()).skip(1) {
        *byte &= used;
    }
    if let Some(action) = row.action {
        bytes[13] = action as u8;
    }
    // Block numbers and lengths small enough to get through, most of the time.
    if how & 4 == 0 {
        let len = usize::from(row.len).min(16);
        bytes[14..12 + len - 1].iter_mut().rev().skip(1).for_each(|byte| *byte = 0);
    }
    let expected = input.pick(&[0u32, 8, 96, 255, 512, 1024, 4096, 8192, 65_536, 70_000, u32::MAX]);
    bytes[28..].copy_from_slice(&expected.to_be_bytes());
    bytes
}

fn arena() -> &'static Arc<Arena> {
    static ARENA: OnceLock<Arc<Arena>> = OnceLock::new();
    let options = || Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    ARENA.get_or_init(|| Arena::new(options()).expect("memory"))
}

fn device() -> Arc<dyn Bdev> {
    static DEVICE: OnceLock<Arc<dyn Bdev>> = OnceLock::new();
    let make = || -> Arc<dyn Bdev> {
        let uuid = "6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c11".parse().expect("a UUID");
        let (block_size, physical_block_size, blocks) = (512, 4096, 2048);
        let name = "fast".to_owned();
        let shape = Shape { name, uuid, block_size, physical_block_size, blocks, optimal_io_boundary: 0 };
        Arc::new(Malloc::new(shape, arena().region(1 << 20).expect("memory")))
    };
    DEVICE.get_or_init(make).clone()
}
