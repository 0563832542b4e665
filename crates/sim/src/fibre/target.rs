//! The target: one node, its FCP lane with the SCSI core, its NVMe lane with the NVMe core, one volume behind both.

use super::link::BadLink;
use super::volume::Volume;
use bdev::{Bdev, Meter};
use dma::{Arena, Class, Pool};
use fc::fc2::Limits;
use fc::{Config, Fc4, Frames, Names, Node, Port, Service, SoftPort, Wake};
use fcp::{FcpPort, NewLane};
use nvmf::{ControllerIds, ListenerView, NamespaceView, SubsystemView, TransportView, Trtype};
use nvmf_fc::{FcNvmePort, Mail, Note, Options};
use ring::{Tick, mailbox};
use scsi::{Identity, LogicalUnitView, MapView, NodeView, PortName, PortView, Rule, Who};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wire::fc::Wwn;

/// The subsystem.
pub const NQN: &str = "nqn.2026-11.org.qfc:sim";

/// Bytes of the largest command.
pub const LARGEST: u32 = 32 * crate::BLOCK;

/// The target.
pub struct Target {
    /// Its node.
    pub node: Node<BadLink>,
    /// Its port.
    pub port: Arc<SoftPort>,
    /// SCSI.
    pub scsi: scsi::Core<FcpPort>,
    /// NVMe.
    pub nvme: nvmf::Core<FcNvmePort>,
}

/// Names of port number `n`.
pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

/// The target's names.
pub fn target_names() -> Names {
    names(0x100)
}

/// Wakes nobody: everyone is polled.
pub fn nobody() -> Wake {
    Arc::new(|| {})
}

/// Sizes of an engine that is small enough to be full now and then.
pub fn limits() -> Limits {
    Limits { exchanges: 96, reserve: 16, max_burst: 8192, ..Limits::default() }
}

impl Target {
    /// A target on a link.
    pub fn new(link: BadLink, frames: Frames, arena: &Arc<Arena>, volume: &Arc<Volume>) -> Self {
        let config = Config { limits: limits(), ..Config::new(target_names(), frames) };
        let (node, port) = Node::new(config, link, nobody());
        let queue = |fc4| {
            let service = Service { fc4, discovery: false };
            port.attach(service, vec![nobody()]).expect("a new port serves both").remove(0)
        };
        let scsi = scsi_core(arena, volume, queue(Fc4::Fcp));
        let nvme = nvme_core(arena, volume, queue(Fc4::Nvme));
        Self { node, port, scsi, nvme }
    }

    /// A turn of its three parts.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.node.poll(now) + self.scsi.poll(now) + self.nvme.poll(now)
    }

    /// Whether anything is to be done at once.
    pub fn is_pending(&self) -> bool {
        self.node.is_pending() || self.scsi.port().is_pending() || self.nvme.port().is_pending()
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Tick> {
        let cores = self.scsi.deadline().into_iter().chain(self.nvme.deadline());
        cores.chain(self.node.deadline()).min()
    }

    /// What is left in it: for a message when that is not nothing.
    pub fn leftovers(&self) -> Option<String> {
        let groups = (self.scsi.census(), self.nvme.census());
        let ports = (self.scsi.port().census(), self.nvme.port().census());
        let nothing = groups == ((0, 0, 0), (0, 0, 0)) && ports.0 == (0, 0) && ports.1 == (0, 0, 0);
        (!nothing).then(|| {
            format!("exchanges, bytes, waiting: {groups:?}; FCP nexuses, commands; NVMe connections, commands, associations: {ports:?}")
        })
    }
}

fn classes() -> [Class; 2] {
    [Class { size: 4096, count: 12 }, Class { size: LARGEST, count: 6 }]
}

fn scsi_core(arena: &Arc<Arena>, volume: &Arc<Volume>, queue: Box<dyn fc::Queue>) -> scsi::Core<FcpPort> {
    let pool = Pool::new(arena, &classes()).expect("ordinary memory");
    let (mail, inbox) = mailbox(8, || {});
    let config = scsi::Config { core: 0, max_transfer: LARGEST, channel_depth: 64, device: Arc::default() };
    let mut core = scsi::Core::new(config, FcpPort::new(64), pool, inbox);
    let name = PortName::Fc { wwnn: target_names().node.0, wwpn: target_names().port.0 };
    let port = PortView { name, relative: 1, group: 1 };
    core.port_mut().adopt(NewLane { number: 1, queue, port });
    let device: Arc<dyn Bdev> = volume.clone();
    let info = device.info();
    let identity = Identity::of(info.uuid);
    let unit =
        LogicalUnitView { id: 1, device, info, meters: [Meter::default()].into(), identity, shared: Arc::default() };
    let all = vec![Rule { allow: true, who: Who::All }];
    let map = MapView { ports: vec![port], initiators: all, networks: Vec::new(), luns: vec![(0, 1)] };
    let node = NodeView {
        id: 1,
        name: "sim".into(),
        alias: String::new(),
        access: Default::default(),
        queue_depth: 16,
        maps: vec![map],
    };
    let (ack, answers) = sync_channel(2);
    mail.send(scsi::Message::LogicalUnit { view: Arc::new(unit), ack: ack.clone() }).expect("an empty mailbox");
    mail.send(scsi::Message::Node { view: Arc::new(node), ack }).expect("an empty mailbox");
    core.poll(1);
    assert!(answers.try_iter().all(|answer| answer.is_ok()));
    core
}

fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Fc,
        max_queue_depth: 32,
        max_io_qpairs_per_ctrlr: 4,
        in_capsule_data_size: 0,
        max_io_size: LARGEST,
        max_aq_depth: 32,
        kas: 1,
        min_kato_ms: 0,
    }
}

fn subsystem(volume: &Arc<Volume>) -> SubsystemView {
    let device: Arc<dyn Bdev> = volume.clone();
    let info = device.info();
    let (uuid, nguid) = (info.uuid, info.nguid());
    let meters = [Meter::default()].into();
    let traddr = target_names().to_string();
    SubsystemView {
        id: 1,
        nqn: NQN.into(),
        discovery: false,
        serial: "SIM".into(),
        model: "qfc".into(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![ListenerView { id: 1, trtype: Trtype::Fc, adrfam: 4, traddr, trsvcid: "none".into() }],
        any_listener: false,
        max_namespaces: 1,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: vec![NamespaceView { nsid: 1, device, info, meters, uuid, nguid, eui64: [1; 8] }],
    }
}

fn nvme_core(arena: &Arc<Arena>, volume: &Arc<Volume>, queue: Box<dyn fc::Queue>) -> nvmf::Core<FcNvmePort> {
    let pool = Pool::new(arena, &classes()).expect("ordinary memory");
    let (mail, inbox) = mailbox(64, || {});
    let (notes, note_box) = mailbox(512, || {});
    let config = nvmf::Config { home: 0, homes: 1, core: 0, transport: transport(), channel_depth: 64 };
    let options = Options { admin_entries: 32, io_entries: 32, io_queues: 4, secret: [1, 2] };
    let port = FcNvmePort::new(options, Mail::new(0, note_box, vec![notes.clone()]));
    let mut core = nvmf::Core::new(config, port, pool, inbox, vec![mail.clone()]);
    let (ack, answers) = sync_channel(1);
    mail.send(nvmf::Message::Subsystem { view: Arc::new(subsystem(volume)), ack }).expect("an empty mailbox");
    notes.send(Note::Adopt { lane: 0, listener: 1, queue }).expect("an empty mailbox");
    for now in 1..4 {
        core.poll(now);
    }
    assert!(answers.try_iter().all(|answer| answer.is_ok()));
    core
}
