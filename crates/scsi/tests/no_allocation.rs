//! Once a nexus is there, a core plans, does and answers commands that read and write without allocating, right ones and wrong
//! ones.
#![forbid(unsafe_code)]

use bdev::{Bdev, Channel, Done, Features, Info, Meter, Op, Status};
use dma::{Arena, Backing, Class, Data, Options, Pool};
use exchange::{Event, Port};
use ring::{Tag, Tick, mailbox};
use scsi::{
    Attribute, Config, Core, Identity, LogicalUnitView, MapView, Message, NodeView, Origin, PortName, PortView, Reply,
    Rule, Task, Who,
};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

/// A host that waits for each answer, and a fabric that has all data at hand.
struct OneByOne {
    events: VecDeque<Event<Task, Origin>>,
    turn: u32,
    last: Option<Reply>,
}

impl Port for OneByOne {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, _: Tick) -> Option<Event<Task, Origin>> {
        self.events.pop_front()
    }

    fn fetch(&mut self, tag: Tag, mut data: Data) {
        data.bytes_mut().fill(7);
        self.events.push_back(Event::Fetched { tag, data, ok: true });
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        self.last = Some(reply);
        self.events.push_back(Event::Sent { tag, data });
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.send(tag, Data::empty(), reply);
    }

    fn cancel(&mut self, _: Tag) {}
    fn close(&mut self, _: u32) {}
    fn flush(&mut self) {}

    fn places(&self) -> usize {
        1
    }

    fn lends(&self, _: Tag) -> bool {
        false
    }
}

/// A device that is done at once.
struct Instant(Info);

struct InstantChannel;

impl Bdev for Instant {
    fn info(&self) -> Info {
        self.0.clone()
    }

    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        Ok(Box::new(InstantChannel))
    }

    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

impl Channel for InstantChannel {
    fn submit(&mut self, tag: Tag, _: Op, data: Data) -> Option<Done> {
        Some(Done { tag, status: Status::Ok, data })
    }

    fn cancel(&mut self, _: Tag) {}
    fn reset(&mut self) {}
    fn turn(&mut self, _: Tick) {}
    fn bell(&mut self) {}

    fn next(&mut self) -> Option<Done> {
        None
    }
}

fn unit() -> LogicalUnitView {
    let features = Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: true, volatile_cache: true };
    let uuid = uuid::Uuid::from_u128(1);
    let (block_size, physical_block_size, blocks) = (512, 4096, 1024);
    let info = Info { name: "d".into(), product: "d", uuid, block_size, physical_block_size, blocks, features };
    let device = Arc::new(Instant(info.clone()));
    LogicalUnitView {
        id: 1,
        device,
        info,
        meters: [Meter::default()].into(),
        identity: Identity::of(uuid),
        shared: Arc::default(),
    }
}

const TARGET: PortName = PortName::Fc { wwnn: 1, wwpn: 2 };

fn node() -> NodeView {
    let map = MapView {
        ports: vec![PortView { name: TARGET, relative: 1, group: 1 }],
        initiators: vec![Rule { allow: true, who: Who::All }],
        networks: Vec::new(),
        luns: vec![(0, 1)],
    };
    NodeView {
        id: 1,
        name: "n".into(),
        alias: String::new(),
        access: Default::default(),
        queue_depth: 64,
        maps: vec![map],
    }
}

fn target() -> Core<OneByOne> {
    let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let classes = [Class { size: 8192, count: 8 }, Class { size: 131_072, count: 8 }];
    let pool = Pool::new(&arena, &classes).unwrap();
    let (mail, inbox) = mailbox(8, || {});
    let port = OneByOne { events: VecDeque::with_capacity(16), turn: 0, last: None };
    let config = Config { core: 0, max_transfer: 131_072, channel_depth: 128, device: Arc::default() };
    let mut core = Core::new(config, port, pool, inbox);
    let (ack, acknowledged) = sync_channel(2);
    mail.send(Message::LogicalUnit { view: Arc::new(unit()), ack: ack.clone() }).unwrap_or_else(|_| panic!());
    mail.send(Message::Node { view: Arc::new(node()), ack }).unwrap_or_else(|_| panic!());
    core.poll(0);
    assert_eq!(acknowledged.try_iter().collect::<Vec<_>>(), [Ok(()), Ok(())]);
    let initiator = PortName::Fc { wwnn: 3, wwpn: 4 };
    let origin = Origin { initiator, target: TARGET, relative_port: 1, port_group: 1, address: None };
    core.port_mut().events.push_back(Event::Opened { queue: 0, origin });
    core.poll(0);
    core
}

/// Sends a command that may move so many bytes either way, and says how it ended.
fn call(core: &mut Core<OneByOne>, bytes: &[u8], expects: u32) -> Reply {
    let mut cdb = [0; 32];
    cdb[..bytes.len()].copy_from_slice(bytes);
    let task = Task {
        queue: 0,
        id: 1,
        lun: [0; 8],
        cdb,
        cdb_len: 16,
        attribute: Attribute::Simple,
        management: None,
        data_in: expects,
        data_out: expects,
    };
    let port = core.port_mut();
    port.turn += 1;
    let tag = Tag::new(0, port.turn);
    port.events.push_back(Event::Command { tag, queue: 0, command: task });
    core.poll(0);
    core.port_mut().last.take().expect("the command was answered")
}

#[test]
fn io_does_not_allocate() {
    let mut core = target();
    assert_eq!(call(&mut core, &[0], 0).sense()[12], 0x29);
    let commands: [(&[u8], u32); 20] = [
        (&[0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0], 4096),
        (&[0x2a, 8, 0, 0, 0, 0, 0, 0, 8, 0], 4096),
        (&[0x08, 0, 0, 0, 8, 0], 4096),
        (&[0x0a, 0, 0, 0, 8, 0], 4096),
        (&[0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], 4096),
        (&[0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], 4096),
        (&[0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], 4096),
        (&[0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0], 700),
        (&[0x35], 0),
        (&[0], 0),
        (&[0x2f, 0, 0, 0, 0, 0, 0, 0, 8, 0], 0),
        (&[0x93, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], 512),
        (&[0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], 0),
        (&[0x2e, 0, 0, 0, 0, 0, 0, 0, 8, 0], 4096),
        (&[0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0], 0),
        (&[0x34, 0, 0, 0, 0, 0, 0, 0, 8, 0], 0),
        // Wrong in many ways.
        (&[0x28, 0, 0, 0, 4, 0, 0, 0, 8, 0], 4096),
        (&[0x2a, 0, 0, 0, 0, 0, 0, 0, 8, 0], 700),
        (&[0xff], 0),
        (&[0x9e, 0x1f], 0),
    ];
    let mut run = |rounds: u32| {
        let mut good = 0;
        for _ in 0..rounds {
            for (cdb, expects) in commands {
                good += u32::from(call(&mut core, cdb, expects).status == wire::scsi::Status::GOOD);
            }
        }
        good
    };
    assert_eq!(run(1), 16);
    assert_eq!(frugal::without_allocation(|| run(1000)), 16_000);
}

#[test]
#[should_panic(expected = "allocations or frees")]
fn what_may_allocate_is_seen() {
    let mut core = target();
    frugal::without_allocation(|| call(&mut core, &[0x12, 0, 0, 0, 96, 0], 96));
}
