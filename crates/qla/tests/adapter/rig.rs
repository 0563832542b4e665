//! A switch, an initiator, the model of an adapter, our driver, and disks on its queues.

use super::disk::Disk;
use dma::{Arena, Class, Pool};
use emu::isp::firmware::Settings as ModelSettings;
use emu::isp::{Faults, Identity, Isp};
use fabric::{Config as SwitchConfig, Switch};
use fc::fc2::{Direction, Failure, Limits};
use fc::{
    Config, Fc4, Frames, Names, Node, NodeEvent, Peer, Port, PortKey, PortState, PortStatus, RingLink, Service,
    SessionInfo, Wake, ring_links,
};
use pci::{InProcess, Runner};
use qla::{Adapter, QlaPort, Settings};
use std::sync::Arc;
use wire::fc::Wwn;

pub const MS: u64 = 1_000_000;
type Model = Isp<RingLink>;

pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

pub fn nobody() -> Wake {
    Arc::new(|| {})
}

pub fn arena() -> Arc<Arena> {
    Arena::new(dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

pub struct Rig {
    pub switch: Switch,
    pub runner: Runner<Model>,
    pub adapter: Adapter,
    pub port: Arc<QlaPort>,
    pub node: Node<RingLink>,
    pub disks: Vec<Disk>,
    pub arena: Arc<Arena>,
    pub pool: Pool,
    pub now: u64,
    pub events: Vec<NodeEvent>,
    /// The model gets no time.
    pub stopped: bool,
    next_context: u64,
}

/// Response, and bytes of data.
pub type Ended = (Result<Vec<u8>, Failure>, Vec<u8>);

/// The model of an adapter and a driver's way to it.
pub fn model(
    identity: Identity,
    link: RingLink,
    frames: &Frames,
    arena: &Arc<Arena>,
) -> (InProcess<Model>, Runner<Model>) {
    let settings = ModelSettings {
        names: identity.names,
        speed: 6,
        frames: frames.clone(),
        pool: Pool::new(arena, &[Class { size: 64 << 10, count: 64 }]).unwrap(),
        limits: Limits { exchanges: 512, ..Limits::default() },
        vports: 8,
    };
    pci::in_process(Isp::new(identity, settings, link), arena).unwrap()
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Settings::default(), Identity::new(names(2)))
    }

    pub fn with(settings: Settings, identity: Identity) -> Self {
        let frames = Frames::new(8192);
        let config = SwitchConfig { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
        let mut switch = Switch::new(config, frames.clone());
        let mut plug = || {
            let [near, far] = ring_links(256, [nobody(), nobody()]);
            switch.attach(Box::new(far)).unwrap();
            near
        };
        let (here, there) = (plug(), plug());
        let arena = arena();
        let (device, runner) = model(identity, here, &frames, &arena);
        let (adapter, port) = Adapter::new(Box::new(device), settings, &arena, nobody()).unwrap();
        let mut config = Config::initiator(names(1), frames);
        config.limits.exchanges = 512;
        let (node, _) = Node::new(config, there, nobody());
        let pool = Pool::new(&arena, &[Class { size: 16 << 10, count: 64 }]).unwrap();
        let (disks, events) = (Vec::new(), Vec::new());
        Self {
            switch,
            runner,
            adapter,
            port,
            node,
            disks,
            arena,
            pool,
            now: 1,
            events,
            stopped: false,
            next_context: 1,
        }
    }

    /// The runner of a model that nobody drives.
    pub fn runner_of_nobody() -> Runner<Model> {
        let (frames, arena) = (Frames::new(64), arena());
        let [near, _] = ring_links(16, [nobody(), nobody()]);
        model(Identity::new(names(9)), near, &frames, &arena).1
    }

    /// A rig whose port is online with both services, two queues for each.
    pub fn online() -> Self {
        let mut rig = Self::new();
        rig.serve_both();
        rig.until(5_000, |rig| rig.shown().state == PortState::Online);
        rig
    }

    pub fn serve_both(&mut self) {
        self.serve(Fc4::Fcp, 2);
        self.serve(Fc4::Nvme, 2);
    }

    pub fn serve(&mut self, fc4: Fc4, queues: usize) {
        let port = self.port.clone();
        self.serve_on(&*port, fc4, queues);
    }

    pub fn serve_on(&mut self, port: &dyn Port, fc4: Fc4, queues: usize) {
        let service = Service { fc4, discovery: fc4 == Fc4::Nvme };
        let queues = port.attach(service, (0..queues).map(|_| nobody()).collect()).unwrap();
        let arena = self.arena.clone();
        self.disks.extend(queues.into_iter().map(|queue| Disk::new(queue, &arena)));
    }

    pub fn shown(&self) -> PortStatus {
        self.port.shown()
    }

    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(self.runner.model().faults_mut());
    }

    pub fn turn(&mut self) {
        self.turn_but_for_the_adapter();
        self.adapter.poll(self.now);
        let now = self.now;
        self.disks.iter_mut().for_each(|disk| disk.poll(now));
    }

    pub fn turn_but_for_the_adapter(&mut self) {
        self.switch.poll(self.now);
        self.node.poll(self.now);
        while let Some(event) = self.node.next_event() {
            self.events.push(event);
        }
        if !self.stopped {
            self.runner.poll(self.now);
        }
        let now = self.now;
        self.disks.iter_mut().for_each(|disk| disk.poll(now));
    }

    /// Lets time pass in steps of a millisecond.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            for _ in 0..3 {
                self.turn();
            }
        }
    }

    /// Lets much time pass.
    pub fn sleep(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.now += 10 * MS;
            self.turn();
        }
    }

    /// Waits for something, with a limit in milliseconds.
    pub fn until(&mut self, limit: u64, done: impl Fn(&Self) -> bool) {
        for _ in 0..limit {
            if done(self) {
                return;
            }
            self.pass(1);
        }
        panic!("it does not come about: {:?} {:?}", self.port.shown(), self.port.adapter());
    }

    /// The initiator logs in with the port.
    pub fn login(&mut self, fc4: Fc4) -> SessionInfo {
        self.login_with(names(2).port, fc4)
    }

    pub fn login_with(&mut self, name: Wwn, fc4: Fc4) -> SessionInfo {
        self.forget_events();
        let id = self.switch.id_of(name).expect("the port is at the switch");
        self.node.login(PortKey::PHYSICAL, Peer::Id(id), fc4);
        self.until(20_000, |rig| rig.session().is_some());
        let session = self.session().expect("a session");
        self.pass(5);
        session
    }

    pub fn session(&self) -> Option<SessionInfo> {
        self.events.iter().rev().find_map(|event| match event {
            NodeEvent::SessionUp { info, .. } => Some(*info),
            _ => None,
        })
    }

    pub fn forget_events(&mut self) {
        for event in std::mem::take(&mut self.events) {
            if let NodeEvent::Ended { data, .. } = event {
                self.pool.give(data);
            }
        }
    }

    /// Sends a command; its context.
    pub fn command(&mut self, session: SessionInfo, iu: &[u8], data: Direction) -> u64 {
        self.next_context += 1;
        let (context, now) = (self.next_context, self.now);
        self.node.command(session.id, iu, data, 10_000 * MS, context, now).expect("sent");
        context
    }

    /// How a command ended: response, bytes of data.
    pub fn ended(&mut self, context: u64) -> Option<Ended> {
        let is_it = |event: &NodeEvent| matches!(event, NodeEvent::Ended { context: of, .. } if *of == context);
        let at = self.events.iter().position(is_it)?;
        let NodeEvent::Ended { data, result, .. } = self.events.remove(at) else { return None };
        let response = result.map(|payload| {
            let bytes = payload.bytes().to_vec();
            self.node.recycle(payload);
            bytes
        });
        let bytes = data.bytes().to_vec();
        self.pool.give(data);
        Some((response, bytes))
    }

    /// Reads `blocks` of 512 bytes and says whether all came as it should.
    pub fn reads(&mut self, session: SessionInfo, blocks: u16) -> bool {
        let data = self.pool.take(u32::from(blocks) * 512).unwrap();
        let context = self.command(session, &read(blocks), Direction::In(data));
        self.pass(20);
        let Some((Ok(response), bytes)) = self.ended(context) else { return false };
        response[10] & 0xf == 0 && bytes.iter().zip(0..).all(|(have, at)| *have == super::disk::byte(at))
    }

    /// An NVMe read of a length.
    pub fn nvme_reads(&mut self, session: SessionInfo, length: u32, connection: u64) -> bool {
        let data = self.pool.take(length).unwrap();
        let context = self.command(session, &nvme_iu(length, connection), Direction::In(data));
        self.pass(20);
        let Some((Ok(response), bytes)) = self.ended(context) else { return false };
        response.len() == 12 && bytes.iter().zip(0..).all(|(have, at)| *have == super::disk::byte(at))
    }

    /// All disks have all their memory, and nothing open.
    pub fn is_quiet(&self) -> bool {
        self.disks.iter().all(Disk::is_whole)
    }

    pub fn commands(&self) -> u64 {
        self.disks.iter().map(|disk| disk.commands).sum()
    }

    pub fn resets(&self) -> u64 {
        self.port.adapter().resets
    }
}

/// READ(10) as FCP_CMND.
pub fn read(blocks: u16) -> Vec<u8> {
    cmnd(0x28, blocks, 2)
}

/// WRITE(10).
pub fn write(blocks: u16) -> Vec<u8> {
    cmnd(0x2a, blocks, 1)
}

fn cmnd(opcode: u8, blocks: u16, direction: u8) -> Vec<u8> {
    let mut iu = vec![0; 32];
    iu[11] = direction;
    iu[12] = opcode;
    iu[19..21].copy_from_slice(&blocks.to_be_bytes());
    iu[28..].copy_from_slice(&(u32::from(blocks) * 512).to_be_bytes());
    iu
}

/// An NVMe command IU with a read of that length.
pub fn nvme_iu(length: u32, connection: u64) -> Vec<u8> {
    let mut iu = vec![0; 96];
    iu[..4].copy_from_slice(&[0xfd, 0x28, 0, 24]);
    iu[7] = if length > 0 { 2 } else { 0 };
    iu[8..16].copy_from_slice(&connection.to_be_bytes());
    iu[20..24].copy_from_slice(&length.to_be_bytes());
    iu
}

/// What is not given back is missed.
impl Drop for Rig {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.forget_events();
        }
    }
}
