//! A transport whose cores are threads.

use bdev::{Bdev, Channel, Features, Info, Registry};
use ring::{Mailbox, Sender, mailbox};
use scsi::control::{Limits, Manager, Mapping, NewNode, NewPortal, NewPortalGroup, Transport};
use scsi::{Ack, LogicalUnitView, Message, NodeView, PortName, PortView, Rule, Who};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

pub const PORT: PortName = PortName::Fc { wwnn: 0, wwpn: 0x2100_0000_0000_0001 };
const HOMES: usize = 2;

#[derive(Default)]
pub struct Core {
    units: Mutex<BTreeMap<u32, Arc<LogicalUnitView>>>,
    nodes: Mutex<BTreeMap<u32, Arc<NodeView>>>,
    heard: Mutex<Vec<String>>,
    /// Its own number, and which homes are there.
    pub homes: Mutex<(usize, Vec<bool>)>,
    pub hangs: AtomicBool,
    pub refuses: Mutex<Option<String>>,
    stop: AtomicBool,
}

impl Core {
    fn run(&self, mut mailbox: Mailbox<Message>) {
        while !self.stop.load(SeqCst) {
            let next = if self.hangs.load(SeqCst) { None } else { mailbox.next() };
            match next {
                Some(message) => self.take(message),
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    fn take(&self, message: Message) {
        let (note, ack): (String, Ack) = match message {
            Message::LogicalUnit { view, ack } => {
                if self.refuses.lock().unwrap().as_ref() == Some(&view.info.name) {
                    let _ = ack.try_send(Err(format!("{} cannot be opened", view.info.name)));
                    return;
                }
                let note = format!("unit {} {}", view.id, view.info.name);
                self.units.lock().unwrap().insert(view.id, view);
                (note, ack)
            }
            Message::RemoveLogicalUnit { id, ack } => {
                self.units.lock().unwrap().remove(&id);
                (format!("no unit {id}"), ack)
            }
            Message::Node { view, ack } => {
                let luns = view.maps.first().map_or(&[][..], |map| &map.luns);
                let known = self.units.lock().unwrap();
                assert!(luns.iter().all(|(_, id)| known.contains_key(id)), "a LUN leads to a unit that is there");
                let note = format!("node {} {luns:?}", view.name);
                self.nodes.lock().unwrap().insert(view.id, view);
                (note, ack)
            }
            Message::RemoveNode { id, ack } => {
                self.nodes.lock().unwrap().remove(&id);
                (format!("no node {id}"), ack)
            }
            Message::Homes { own, all, ack } => {
                *self.homes.lock().unwrap() = (own, all.iter().map(Option::is_some).collect());
                let _ = ack.try_send(Ok(()));
                return;
            }
            Message::Drain { ack } => ("drain".to_owned(), ack),
            _ => panic!("the control side sends nothing else here"),
        };
        self.heard.lock().unwrap().push(note);
        let _ = ack.try_send(Ok(()));
    }
}

pub struct Fake {
    name: &'static str,
    homes: Vec<Sender<Message>>,
    cores: Arc<[Arc<Core>]>,
    offered: Mutex<Vec<PortView>>,
    pub refuses_port: Mutex<Option<PortName>>,
    pub stopped: AtomicBool,
}

impl Transport for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn homes(&self) -> &[Sender<Message>] {
        &self.homes
    }

    fn offer(&self, ports: &[PortView]) -> Result<(), String> {
        *self.offered.lock().unwrap() = ports.to_vec();
        let refused = self.refuses_port.lock().unwrap();
        let bad = ports.iter().any(|view| refused.is_some_and(|port| port.is_same_port(&view.name)));
        if bad { Err("there is no memory for it".into()) } else { Ok(()) }
    }

    fn stop(&self) {
        self.stopped.store(true, SeqCst);
        self.cores.iter().for_each(|core| core.stop.store(true, SeqCst));
    }
}

pub struct Device(pub Mutex<Info>);

impl Bdev for Device {
    fn info(&self) -> Info {
        self.0.lock().unwrap().clone()
    }
    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        Err("nobody opens it here".into())
    }
    fn driver_specific(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

pub fn device(name: &str) -> Arc<Device> {
    let features =
        Features { write: true, unmap: false, unmap_zeroes: false, write_zeroes: false, volatile_cache: false };
    Arc::new(Device(Mutex::new(Info {
        name: name.into(),
        product: "Test disk",
        uuid: Uuid::new_v4(),
        block_size: 512,
        physical_block_size: 512,
        blocks: 2048,
        features,
    })))
}

pub fn node(name: &str, luns: &[(u16, &str)]) -> NewNode {
    NewNode {
        luns: luns.iter().map(|(lun, device)| (*lun, (*device).to_owned())).collect(),
        mappings: vec![Mapping { portal_group: 1, initiator_group: 1 }],
        ..NewNode::named(name)
    }
}

/// A transport of that name, and its cores.
pub fn transport(name: &'static str) -> (Arc<Fake>, Arc<[Arc<Core>]>) {
    let cores: Arc<[Arc<Core>]> = (0..HOMES).map(|_| Arc::new(Core::default())).collect();
    let homes = cores.iter().map(|core| {
        let (home, inbox) = mailbox(64, || {});
        let core = core.clone();
        std::thread::spawn(move || core.run(inbox));
        home
    });
    let transport = Arc::new(Fake {
        name,
        homes: homes.collect(),
        cores: cores.clone(),
        offered: Mutex::default(),
        refuses_port: Mutex::default(),
        stopped: AtomicBool::new(false),
    });
    (transport, cores)
}

pub struct Rig {
    pub manager: Arc<Manager>,
    pub devices: Arc<Registry>,
    pub transport: Arc<Fake>,
    pub cores: Arc<[Arc<Core>]>,
}

impl Rig {
    /// Volumes A, B and C, and no transport yet.
    pub fn bare() -> Self {
        let devices = Arc::new(Registry::new(HOMES));
        for name in ["A", "B", "C"] {
            devices.add(device(name)).unwrap();
        }
        let limits = Limits { answer: Duration::from_millis(300), ..Limits::default() };
        let manager = Arc::new(Manager::new(devices.clone(), limits));
        devices.watch(manager.clone());
        let (transport, cores) = transport("Fake");
        Self { manager, devices, transport, cores }
    }

    pub fn join(&self) {
        self.manager.need_transport("Fake", || Ok(self.transport.clone())).unwrap();
        self.manager.need_transport("Fake", || panic!("it is there")).unwrap();
    }

    /// With the transport, portal group 1 of one port, and initiator group 1 for all.
    pub fn new() -> Self {
        let rig = Self::bare();
        rig.join();
        let portal = NewPortal { label: "FC1".into(), port: PORT, relative: None };
        let group = NewPortalGroup { tag: 1, portals: vec![portal], ..NewPortalGroup::default() };
        rig.manager.create_portal_group(&group).unwrap();
        rig.manager.create_initiator_group(1, &[Rule { allow: true, who: Who::All }], &[], "").unwrap();
        rig
    }

    /// What all cores heard since the last time.
    pub fn heard(&self) -> Vec<String> {
        let mut all = self.cores.iter().map(|core| std::mem::take(&mut *core.heard.lock().unwrap()));
        let first = all.next().unwrap();
        all.for_each(|other| assert_eq!(other, first));
        first
    }

    pub fn offered(&self) -> Vec<PortName> {
        self.transport.offered.lock().unwrap().iter().map(|view| view.name).collect()
    }

    pub fn view(&self, name: &str) -> Arc<NodeView> {
        self.cores[0].nodes.lock().unwrap().values().find(|view| view.name == name).unwrap().clone()
    }

    pub fn claim(&self, name: &str) -> Option<String> {
        self.devices.claimed_by(name)
    }

    /// Cores know exactly what the control side shows.
    pub fn assert_published(&self) {
        let (units, nodes) = (self.manager.units(), self.manager.nodes());
        for core in self.cores.iter() {
            let known = core.units.lock().unwrap();
            assert_eq!(known.len(), units.len());
            assert!(units.iter().all(|unit| Arc::ptr_eq(unit, &known[&unit.id])));
            let known = core.nodes.lock().unwrap();
            assert_eq!(known.len(), nodes.len());
            for shown in &nodes {
                let view = &known[&shown.node.id];
                let luns: Vec<(u16, u32)> = shown.node.luns.iter().map(|(lun, id)| (*lun, *id)).collect();
                assert_eq!((&view.name, view.queue_depth), (&shown.node.name, shown.node.queue_depth));
                assert!(view.maps.iter().all(|map| map.luns == luns));
                assert_eq!(view.maps.len(), shown.node.mappings.len());
            }
        }
        for shown in &units {
            assert_eq!(self.claim(&shown.info.name).as_deref(), Some("SCSI Target"));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.cores.iter().for_each(|core| core.stop.store(true, SeqCst));
    }
}
