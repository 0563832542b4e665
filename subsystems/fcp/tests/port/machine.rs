//! The port with the SCSI core behind it: aborts and lost sessions in every state of a command, and nothing is left behind.

use crate::disk::{Disk, Switch};
use crate::script::{Script, TARGET, Told, read, test_unit_ready, write, xid};
use bdev::{Bdev, Meter};
use dma::{Arena, Backing, Class, Options, Pool};
use fc::{SessionId, Xid};
use fcp::{FcpPort, NewLane};
use ring::{Sender, mailbox};
use scsi::{Config, Core, Identity, LogicalUnitView, MapView, Message, NodeView, PortName, PortView, Rule, Who};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::sync_channel;

pub struct Rig {
    core: Core<FcpPort>,
    mail: Sender<Message>,
    script: Script,
    disk: Arc<Switch>,
    now: u64,
    next: u32,
}

const PORT: PortView =
    PortView { name: PortName::Fc { wwnn: TARGET.node.0, wwpn: TARGET.port.0 }, relative: 1, group: 1 };

impl Rig {
    /// A node with LUN 0, and session 3 whose unit attention is told.
    fn new(pieces: u32) -> Self {
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let pool = Pool::new(&arena, &[Class { size: 65_536, count: pieces }]).unwrap();
        let (mail, inbox) = mailbox(64, || {});
        let config = Config { core: 0, max_transfer: 65_536, channel_depth: 32, device: Arc::default() };
        let mut core = Core::new(config, FcpPort::new(64), pool, inbox);
        let (script, disk) = (Script::default(), Arc::new(Switch::default()));
        core.port_mut().adopt(NewLane { number: 1, queue: script.queue(16), port: PORT });
        let mut rig = Self { core, mail, script, disk, now: 1, next: 0 };
        rig.configure();
        rig.log_in(3);
        rig
    }

    fn configure(&mut self) {
        let device: Arc<dyn Bdev> = Arc::new(Disk(self.disk.clone()));
        let info = device.info();
        let identity = Identity::of(info.uuid);
        let unit = LogicalUnitView {
            id: 1,
            device,
            info,
            meters: [Meter::default()].into(),
            identity,
            shared: Arc::default(),
        };
        let initiators = vec![Rule { allow: true, who: Who::All }];
        let map = MapView { ports: vec![PORT], initiators, networks: Vec::new(), luns: vec![(0, 1)] };
        let node = NodeView {
            id: 1,
            name: "n".into(),
            alias: String::new(),
            access: Default::default(),
            queue_depth: 16,
            maps: vec![map],
        };
        let (ack, answers) = sync_channel(2);
        assert!(self.mail.send(Message::LogicalUnit { view: Arc::new(unit), ack: ack.clone() }).is_ok());
        assert!(self.mail.send(Message::Node { view: Arc::new(node), ack }).is_ok());
        self.run();
        assert_eq!(answers.try_iter().collect::<Vec<_>>(), [Ok(()), Ok(())]);
    }

    fn log_in(&mut self, session: u32) {
        self.script.up(session);
        let xid = self.send(session, &test_unit_ready());
        let Some(Told::Respond(_, response)) = self.script.told() else { panic!("answered") };
        assert_eq!((response.status, response.sense[2] & 0xf), (2, 6), "the first command is told of the power-on");
        self.end(xid);
    }

    fn run(&mut self) {
        for _ in 0..4 {
            self.now += 1000;
            self.core.poll(self.now);
        }
    }

    fn send(&mut self, session: u32, payload: &[u8]) -> Xid {
        let xid = xid(self.next % 16, self.next / 16);
        self.next += 1;
        self.script.command(xid, session, payload);
        self.run();
        xid
    }

    fn end(&mut self, xid: Xid) {
        self.script.sent(xid);
        self.run();
    }

    fn assert_empty(&self) {
        assert_eq!(self.core.census(), (0, 0, 0));
        assert_eq!((self.core.port().census().1, self.disk.held.load(SeqCst)), (0, 0));
    }
}

#[test]
fn reads_and_writes_go_through() {
    let mut rig = Rig::new(8);
    let one = rig.send(3, &read(8));
    let Some(Told::Transmit(_, 4096, response)) = rig.script.told() else { panic!("data and response in one") };
    assert_eq!((response.status, response.residual), (0, fc::Residual::None));
    rig.end(one);
    let two = rig.send(3, &write(8));
    assert_eq!(rig.script.told(), Some(Told::Receive(two, 4096)));
    rig.script.received(two, true);
    rig.run();
    assert!(matches!(rig.script.told(), Some(Told::Respond(_, response)) if response.status == 0));
    rig.end(two);
    rig.assert_empty();
}

#[test]
fn data_that_do_not_come_fail_the_command() {
    let mut rig = Rig::new(8);
    let one = rig.send(3, &write(8));
    rig.script.told().unwrap();
    rig.script.received(one, false);
    rig.run();
    let Some(Told::Respond(_, response)) = rig.script.told() else { panic!("answered") };
    assert_eq!((response.status, response.sense[2] & 0xf), (2, 0xb), "ABORTED COMMAND");
    rig.end(one);
    rig.assert_empty();
}

/// The states in which a command can be when something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// It waits for a buffer.
    Waiting,
    /// Its data are awaited.
    Fetching,
    /// The disk has it: a read, and a write.
    Reading,
    Writing,
    /// Its reply is on its way.
    Replying,
}

const EVER: [When; 5] = [When::Waiting, When::Fetching, When::Reading, When::Writing, When::Replying];

/// A command in that state, and one that keeps it there.
fn in_state(rig: &mut Rig, when: When) -> (Xid, Option<Xid>) {
    match when {
        When::Waiting => {
            // All buffers are with others.
            let keeper = rig.send(3, &write(8));
            assert!(matches!(rig.script.told(), Some(Told::Receive(..))));
            let one = rig.send(3, &read(8));
            assert_eq!((rig.script.told(), rig.core.census().2), (None, 1));
            (one, Some(keeper))
        }
        When::Fetching => {
            let one = rig.send(3, &write(8));
            assert_eq!(rig.script.told(), Some(Told::Receive(one, 4096)));
            (one, None)
        }
        When::Reading | When::Writing => {
            rig.disk.holds.store(true, SeqCst);
            let one = rig.send(3, &if when == When::Reading { read(8) } else { write(8) });
            if when == When::Writing {
                rig.script.told().unwrap();
                rig.script.received(one, true);
                rig.run();
            }
            assert_eq!((rig.script.told(), rig.disk.held.load(SeqCst)), (None, 1));
            (one, None)
        }
        When::Replying => {
            let one = rig.send(3, &read(8));
            assert!(matches!(rig.script.told(), Some(Told::Transmit(..))));
            (one, None)
        }
    }
}

/// Lets what waits for the initiator's data go on, and ends all exchanges as the fabric would.
fn wind_up(rig: &mut Rig, when: When, one: Xid, keeper: Option<Xid>) {
    let mut told: Vec<Told> = std::iter::from_fn(|| rig.script.told()).collect();
    match when {
        When::Fetching => {
            assert_eq!(told.remove(0), Told::Cancel(one));
            rig.script.received(one, false);
            rig.run();
            told.extend(std::iter::from_fn(|| rig.script.told()));
        }
        When::Reading | When::Writing => assert_eq!(rig.disk.cancels.load(SeqCst), 1),
        When::Waiting | When::Replying => {}
    }
    let ends: Vec<&Told> = told.iter().filter(|told| matches!(told, Told::Terminate(xid) if *xid == one)).collect();
    assert_eq!(ends.len(), usize::from(when != When::Replying), "{when:?}: {told:?}");
    assert!(
        told.iter().all(|told| !matches!(told, Told::Transmit(..) | Told::Respond(..))),
        "nothing is sent: {told:?}"
    );
    rig.end(one);
    if let Some(keeper) = keeper {
        rig.script.received(keeper, false);
        rig.run();
        assert!(matches!(rig.script.told(), Some(Told::Respond(..) | Told::Terminate(..))));
        rig.end(keeper);
    }
    rig.disk.holds.store(false, SeqCst);
    rig.run();
}

#[test]
fn an_abort_in_every_state_ends_the_exchange_once() {
    for when in EVER {
        let mut rig = Rig::new(if when == When::Waiting { 1 } else { 8 });
        let (one, keeper) = in_state(&mut rig, when);
        rig.script.abort(one);
        rig.script.abort(one);
        rig.run();
        wind_up(&mut rig, when, one, keeper);
        rig.assert_empty();
        // The session lives on.
        let next = rig.send(3, &test_unit_ready());
        assert!(matches!(rig.script.told(), Some(Told::Respond(_, response)) if response.status == 0), "{when:?}");
        rig.end(next);
    }
}

#[test]
fn a_session_lost_in_every_state_leaves_nothing() {
    for when in EVER {
        let mut rig = Rig::new(if when == When::Waiting { 1 } else { 8 });
        let (one, keeper) = in_state(&mut rig, when);
        for xid in [Some(one), keeper].into_iter().flatten() {
            rig.script.abort(xid);
        }
        rig.script.down(3);
        rig.run();
        let cancelled = |told: &Told| matches!((told, keeper), (Told::Cancel(xid), Some(keeper)) if *xid == keeper);
        rig.script.0.lock().unwrap().told.retain(|told| !cancelled(told));
        assert_eq!(rig.core.port().census().0, 1, "{when:?}: it is there until its exchanges are over");
        wind_up(&mut rig, when, one, keeper);
        rig.assert_empty();
        assert_eq!(rig.core.port().census().0, 0);
        rig.log_in(4);
    }
}

#[test]
fn a_core_that_is_drained_logs_everyone_out() {
    let mut rig = Rig::new(8);
    let (ack, answer) = sync_channel(1);
    assert!(rig.mail.send(Message::Drain { ack }).is_ok());
    rig.run();
    assert_eq!(rig.script.told(), Some(Told::Logout(SessionId(3))));
    assert!(answer.try_recv().is_err());
    rig.script.down(3);
    for _ in 0..8 {
        rig.now += 10_000_000;
        rig.run();
    }
    assert_eq!(answer.try_recv(), Ok(Ok(())));
}
