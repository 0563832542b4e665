//! A switch, initiators, the model of an adapter, the driver, disks.

use super::disk::{BLOCK, Disk, Store, store};
use super::host::{Host, Io, Over};
use dma::{Arena, Class, Pool};
use emu::isp::firmware::Settings as ModelSettings;
use emu::isp::{Faults, Identity, Isp};
use fabric::{Config as SwitchConfig, Switch};
use fc::fc2::Limits;
use fc::{Fc4, Frames, Names, Port, PortState, PortStatus, RingLink, Service, Wake, ring_links};
use pci::Runner;
use qla::{Adapter, QlaPort, Settings};
use std::sync::Arc;
use wire::fc::Wwn;

pub const MS: u64 = 1_000_000;

pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

pub fn nobody() -> Wake {
    Arc::new(|| {})
}

/// What is special about a rig.
pub struct Options {
    pub settings: Settings,
    pub identity: Identity,
    /// Hosts of each protocol.
    pub fcp: usize,
    pub nvme: usize,
    /// Queues of each service.
    pub queues: usize,
    /// Exchanges of the model.
    pub exchanges: u16,
}

impl Default for Options {
    fn default() -> Self {
        let (settings, identity) = (Settings::default(), Identity::new(names(1)));
        Self { settings, identity, fcp: 1, nvme: 1, queues: 2, exchanges: 1024 }
    }
}

pub struct Rig {
    switch: Switch,
    pub runner: Runner<Isp<RingLink>>,
    pub adapter: Adapter,
    pub port: Arc<QlaPort>,
    pub hosts: Vec<Host>,
    pub disks: Vec<Disk>,
    pub store: Store,
    pub now: u64,
}

impl Rig {
    /// Online, with all hosts logged in.
    pub fn new(options: Options) -> Self {
        let frames = Frames::new(16_384);
        let config = SwitchConfig { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
        let mut switch = Switch::new(config, frames.clone());
        let mut plug = || {
            let [near, far] = ring_links(512, [nobody(), nobody()]);
            switch.attach(Box::new(far)).unwrap();
            near
        };
        let arena =
            Arena::new(dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let settings = ModelSettings {
            names: options.identity.names,
            speed: 6,
            frames: frames.clone(),
            pool: Pool::new(&arena, &[Class { size: 64 << 10, count: 128 }]).unwrap(),
            limits: Limits { exchanges: options.exchanges, ..Limits::default() },
            vports: 8,
        };
        let model = Isp::new(options.identity, settings, plug());
        let (device, runner) = pci::in_process(model, &arena).unwrap();
        let (adapter, port) = Adapter::new(Box::new(device), options.settings, &arena, nobody()).unwrap();
        let protocols = [vec![Fc4::Fcp; options.fcp], vec![Fc4::Nvme; options.nvme]].concat();
        let host = |(n, fc4): (usize, &Fc4)| Host::new(names(0x100 + n as u64), *fc4, plug(), frames.clone(), &arena);
        let hosts = protocols.iter().enumerate().map(host).collect();
        let store = store();
        let mut disks = Vec::new();
        for (fc4, wanted) in [(Fc4::Fcp, options.fcp), (Fc4::Nvme, options.nvme)] {
            if wanted > 0 {
                let service = Service { fc4, discovery: false };
                let queues = port.attach(service, vec![nobody(); options.queues]).unwrap();
                disks.extend(queues.into_iter().map(|queue| Disk::new(queue, store.clone(), &arena)));
            }
        }
        let mut rig = Self { switch, runner, adapter, port, hosts, disks, store, now: 1 };
        rig.until(10_000, |rig| rig.port.shown().state == PortState::Online);
        rig.login();
        rig
    }

    pub fn login(&mut self) {
        let id = self.switch.id_of(names(1).port).expect("the port is at the switch");
        self.hosts.iter_mut().filter(|host| host.session.is_none()).for_each(|host| host.login(id));
        self.until(20_000, |rig| {
            assert!(rig.hosts.iter().all(|host| host.failed.is_none()), "{:?}", rig.hosts[0].failed);
            rig.hosts.iter().all(|host| host.session.is_some())
        });
        self.pass(5);
    }

    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(self.runner.model().faults_mut());
    }

    pub fn turn(&mut self) {
        let now = self.now;
        self.switch.poll(now);
        self.hosts.iter_mut().for_each(|host| host.poll(now));
        self.runner.poll(now);
        self.adapter.poll(now);
        self.disks.iter_mut().for_each(|disk| disk.poll(now));
    }

    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            (0..3).for_each(|_| self.turn());
        }
    }

    /// Waits for something, with a limit in milliseconds.
    #[track_caller]
    pub fn until(&mut self, limit: u64, done: impl Fn(&Self) -> bool) {
        for _ in 0..limit {
            if done(self) {
                return;
            }
            self.pass(1);
        }
        let open: Vec<_> = self.hosts.iter().map(|host| host.open.len()).collect();
        panic!("it does not come about: {open:?} {:?}", self.port.shown());
    }

    /// Sends a command of a host and waits for its end.
    pub fn run(&mut self, host: usize, io: &Io, data: &[u8]) -> Over {
        let context = self.hosts[host].send(io, data, 10_000 * MS, self.now).expect("sent");
        self.over(host, context)
    }

    /// The end of a command.
    pub fn over(&mut self, host: usize, context: u64) -> Over {
        self.until(30_000, |rig| rig.hosts[host].over.contains_key(&context));
        self.hosts[host].over.remove(&context).expect("over")
    }

    /// What the disk has there.
    pub fn stored(&self, io: &Io) -> Vec<u8> {
        let at = (io.block * BLOCK) as usize;
        self.store.borrow()[at..at + (io.blocks * BLOCK) as usize].to_vec()
    }

    /// All is over, and all memory is where it belongs.
    pub fn is_clean(&mut self) {
        self.until(30_000, |rig| rig.disks.iter().all(Disk::is_whole) && rig.hosts.iter().all(Host::is_whole));
        let open: u32 = self.status().sessions.iter().map(|session| session.open_exchanges).sum();
        assert_eq!(open, 0);
    }

    /// The state of this moment.
    pub fn status(&mut self) -> PortStatus {
        let port = self.port.clone();
        let asks = std::thread::spawn(move || port.status());
        while !asks.is_finished() {
            self.turn();
        }
        asks.join().expect("an answer")
    }
}

/// Bytes that say where they belong and who wrote them.
pub fn pattern(block: u32, blocks: u32, seed: u64) -> Vec<u8> {
    let byte = |at: u32| (u64::from(block * BLOCK + at).wrapping_mul(0x9e37_79b9) >> 13 ^ seed) as u8;
    (0..blocks * BLOCK).map(byte).collect()
}

pub fn io(write: bool, block: u32, blocks: u32) -> Io {
    Io { write, unit: super::disk::unit::DISK, block, blocks, connection: 0 }
}
