//! Whole: an initiator's node, a link, the target's node, two cores, a disk. Every byte of it goes over the wire.

mod rig;

use fc::{Config, Fc4, Frames, Node, Port, RingLink, Service, SoftPort, ring_links};
use rig::host::{nqn, rw};
use rig::initiator::{Drive, Initiator, nobody};
use rig::{DISCOVERY, HOST, LISTENER, MS, NQN, Rig, fabric};
use std::sync::Arc;
use wire::IntoBytes;
use wire::fabrics::{Connect, ConnectData};
use wire::fcnvme::Disconnect;
use wire::fcp::Direction;
use wire::log::DiscoveryEntry;
use wire::nvme::{AdminOpcode, Cns, Csi, GetLogPage, Identify, LogId, NvmOpcode, Sqe};

struct World {
    rig: Rig,
    target: Node<RingLink>,
    port: Arc<SoftPort>,
    host: Initiator,
}

impl World {
    fn new(cores: usize) -> Self {
        let frames = Frames::new(4096);
        let [near, far] = ring_links(256, [nobody(), nobody()]);
        let (target, port) = Node::new(Config::new(fabric::local(), frames.clone()), near, nobody());
        let mut rig = Rig::new(cores);
        let service = Service { fc4: Fc4::Nvme, discovery: true };
        let queues = port.attach(service, (0..cores).map(|_| nobody()).collect()).unwrap();
        rig.adopt(0, LISTENER, queues);
        let mut world = Self { rig, target, port, host: Initiator::new(far, frames) };
        world.pass(4000);
        world.login();
        world
    }

    fn login(&mut self) {
        self.host.login();
        self.pass(1000);
        assert!(self.host.session.is_some(), "logged in for NVMe");
    }

    fn step(&mut self) -> usize {
        self.host.now = self.rig.now;
        self.target.poll(self.rig.now) + self.host.poll() + self.rig.step()
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let work = self.step();
            let pending = self.rig.is_pending() || self.target.is_pending() || self.host.node.is_pending();
            if work == 0 && !pending {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.settle();
            self.rig.now += 10 * MS;
        }
        self.settle();
    }
}

impl Drive for World {
    fn host(&mut self) -> &mut Initiator {
        &mut self.host
    }

    fn until(&mut self, what: &str, done: &mut dyn FnMut(&mut Initiator) -> bool) {
        self.settle();
        assert!(done(&mut self.host), "{what} came");
    }
}

#[test]
fn discover_connect_and_verify() {
    let mut world = World::new(2);
    // The discovery controller.
    let admin = world.associate();
    world.connect(admin, 0, 32, 0xffff, DISCOVERY);
    world.enable(admin);
    let page = world.get(admin, GetLogPage::sqe(LogId::DISCOVERY, 0, 4096, 0, false), 4096);
    let entry: &DiscoveryEntry = wire::parse(&page[1024..]).unwrap();
    assert_eq!(wire::unpadded(&entry.traddr).unwrap(), fabric::local().to_string());
    assert_eq!((entry.subnqn.text().unwrap(), wire::unpadded(&entry.trsvcid).unwrap()), (NQN, "none"));
    world.disconnect(admin);
    world.rig.assert_empty();
    // The volume, by two queues that live on two cores.
    let (admin, ios) = world.controller(2);
    assert_ne!(ios[0].connection & 1, ios[1].connection & 1);
    let id: wire::identify::Controller =
        wire::read(&world.get(admin, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096)).unwrap();
    assert_eq!(id.subnqn.text().unwrap(), NQN);
    for (n, blocks) in [1, 8, 9, 128].into_iter().enumerate() {
        let bytes: Vec<u8> = (0..blocks * 512).map(|at: u32| (at.wrapping_mul(31) >> 3) as u8 ^ n as u8).collect();
        let block = 200 * n as u64;
        world.put(ios[n % 2], rw(NvmOpcode::WRITE, block, blocks), &bytes);
        assert_eq!(world.get(ios[(n + 1) % 2], rw(NvmOpcode::READ, block, blocks), blocks * 512), bytes);
    }
    // Many at once, on both.
    let started: Vec<_> = (0..40)
        .map(|n| world.host.start(ios[n % 2], rw(NvmOpcode::READ, 200, 8), Direction::Read, 4096, &[]).0)
        .collect();
    world.settle();
    let short = started.into_iter().filter(|context| world.host.reply(*context, 4096).cqe.is_none()).count();
    assert!((1..40).contains(&short), "{short} of 40 with the shorter response");
    world.disconnect(admin);
    // FC-NVMe-2 wants one of ours before that answer.
    assert_eq!(world.host.told.last().unwrap()[..], Disconnect::new(admin.association).to_bytes());
    world.rig.assert_empty();
}

#[test]
fn aborts_over_the_wire() {
    let mut world = World::new(2);
    let (_, ios) = world.controller(2);
    world.rig.disk.hold(true);
    for io in &ios {
        let (read, xid) = world.host.start(*io, rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
        world.settle();
        world.host.node.abort(xid, world.rig.now);
        let (write, xid) = world.host.start(*io, rw(NvmOpcode::WRITE, 0, 8), Direction::Write, 4096, &[1; 4096]);
        world.settle();
        world.host.node.abort(xid, world.rig.now);
        world.pass(100);
        for context in [read, write] {
            assert!(world.host.ended.remove(&context).expect("it ended").response.is_none());
        }
    }
    world.rig.disk.hold(false);
    world.rig.assert_idle();
    assert_eq!(world.get(ios[0], rw(NvmOpcode::READ, 0, 8), 4096), [0; 4096]);
}

#[test]
fn a_logout_with_io_in_flight() {
    let mut world = World::new(2);
    let (admin, ios) = world.controller(2);
    world.rig.disk.hold(true);
    world.host.start(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Direction::None, 0, &[]);
    for io in &ios {
        for _ in 0..4 {
            world.host.start(*io, rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
            world.host.start(*io, rw(NvmOpcode::WRITE, 0, 128), Direction::Write, 65_536, &[1; 65_536]);
        }
    }
    // In the middle of it.
    for _ in 0..3 {
        world.step();
    }
    world.host.node.logout(world.host.session.unwrap());
    world.pass(500);
    world.rig.disk.hold(false);
    world.pass(100);
    world.rig.assert_empty();
    assert_eq!(world.host.ended.len(), 17, "every command ended");
    // It may come back.
    world.login();
    world.controller(2);
}

#[test]
fn a_port_is_given_up_and_served_again() {
    let mut world = World::new(2);
    let (_, ios) = world.controller(2);
    world.rig.disk.hold(true);
    world.host.start(ios[0], rw(NvmOpcode::READ, 0, 8), Direction::Read, 4096, &[]);
    world.settle();
    world.port.detach(Fc4::Nvme);
    let gone = world.rig.retire(0);
    world.pass(500);
    world.rig.disk.hold(false);
    world.pass(100);
    assert_eq!(gone.try_iter().count(), 2);
    world.rig.assert_empty();
    assert!(world.host.session.is_none());
    let service = Service { fc4: Fc4::Nvme, discovery: true };
    let queues = world.port.attach(service, vec![nobody(), nobody()]).unwrap();
    world.rig.adopt(0, LISTENER, queues);
    world.login();
    world.controller(1);
}

#[test]
fn a_silent_host_is_told_that_its_association_ended() {
    let mut world = World::new(2);
    let admin = world.associate();
    let data = ConnectData::new([7; 16], 0xffff, nqn(NQN), nqn(HOST));
    let sqe = Connect::new(0, 32, 2000).into_sqe();
    world.call(admin, sqe, Direction::Write, 1024, data.as_bytes());
    world.pass(2500);
    assert_eq!(world.host.told, [Disconnect::new(admin.association).to_bytes()]);
    world.rig.assert_empty();
}
