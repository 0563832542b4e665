//! A target with a transport whose cores are threads that only remember what they are told.
#![allow(dead_code, reason = "each test uses a part of it")]

use app::{App, Call, Need, Options, RpcError, State, Subsystem};
use bdev::{Bdev, Channel, Features, Info};
use nvmf::{Ack, ControllerReport, CoreReport, Limits, ListenerView, Message, PollGroup, QueueReport, SubsystemView};
use nvmf::{Transport, TransportOptions, TransportView, Trtype};
use nvmf_target::{NvmfTarget, TransportFactory};
use ring::{Mailbox, Sender, mailbox};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

pub const HOMES: usize = 3;
pub const NQN: &str = "nqn.2016-06.io.spdk:cnode1";
pub const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4b";

/// What a core was told, and how it behaves.
#[derive(Default)]
pub struct Core {
    pub views: Mutex<BTreeMap<u32, Arc<SubsystemView>>>,
    pub generation: Mutex<u64>,
    pub closed: Mutex<Vec<u32>>,
    /// It takes no message.
    pub hangs: AtomicBool,
    /// It cannot open this device.
    pub refuses: Mutex<Option<String>>,
    stop: AtomicBool,
}

impl Core {
    fn run(&self, mut mailbox: Mailbox<Message>, log: &Log) {
        while !self.stop.load(Ordering::SeqCst) {
            let next = if self.hangs.load(Ordering::SeqCst) { None } else { mailbox.next() };
            match next {
                Some(message) => self.take(message, log),
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    fn take(&self, message: Message, log: &Log) {
        match message {
            Message::Subsystem { view, ack } => self.subsystem(view, &ack),
            Message::RemoveSubsystem { id, ack } => {
                self.views.lock().unwrap().remove(&id);
                let _ = ack.try_send(Ok(()));
            }
            Message::DiscoveryChanged { generation, .. } => *self.generation.lock().unwrap() = generation,
            Message::RemoveListener { id, ack } => {
                self.closed.lock().unwrap().push(id);
                let _ = ack.try_send(Ok(()));
            }
            Message::Settled { .. } => {}
            Message::Drain { ack } => {
                log.note("drain");
                let _ = ack.try_send(Ok(()));
            }
            Message::Report { to } => {
                let _ = to.try_send(report());
            }
            Message::Peer(_) => panic!("the control side sends no letters between homes"),
        }
    }

    fn subsystem(&self, view: Arc<SubsystemView>, ack: &Ack) {
        let refused = self.refuses.lock().unwrap().clone();
        if let Some(name) = refused.filter(|name| view.namespaces.iter().any(|ns| ns.info.name == *name)) {
            let _ = ack.try_send(Err(format!("{name} cannot be opened")));
            return;
        }
        self.views.lock().unwrap().insert(view.id, view);
        let _ = ack.try_send(Ok(()));
    }
}

fn report() -> CoreReport {
    let controller =
        ControllerReport { subsystem: 1, cntlid: 7, hostnqn: HOST.into(), hostid: [1; 16], num_io_qpairs: 2 };
    let queue = QueueReport {
        subsystem: Some(1),
        cntlid: 7,
        qid: 0,
        listener: 1,
        peer: "10.0.0.2:50000".into(),
        connected: true,
    };
    CoreReport { controllers: vec![controller], queues: vec![queue] }
}

/// What happened to the transport, in order.
#[derive(Default)]
pub struct Log(pub Mutex<Vec<String>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
}

pub struct FakeTransport {
    options: TransportOptions,
    view: TransportView,
    homes: Vec<Sender<Message>>,
    pub cores: Arc<[Arc<Core>]>,
    pub log: Arc<Log>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Transport for FakeTransport {
    fn view(&self) -> &TransportView {
        &self.view
    }

    fn options(&self) -> &TransportOptions {
        &self.options
    }

    fn homes(&self) -> &[Sender<Message>] {
        &self.homes
    }

    fn listen(&self, listener: &ListenerView) -> Result<(), String> {
        if listener.trsvcid == "22" {
            return Err("Address already in use".into());
        }
        self.log.note(format!("listen {} {}", listener.id, listener.trsvcid));
        Ok(())
    }

    fn unlisten(&self, id: u32) -> Result<(), String> {
        self.log.note(format!("unlisten {id}"));
        Ok(())
    }

    fn stats(&self) -> Vec<PollGroup> {
        let more = Map::from_iter([("pending_data_buffer".to_owned(), json!(0))]);
        let group =
            |n| PollGroup { name: format!("reactor_{n}"), io_qpairs: 4, more: more.clone(), ..PollGroup::default() };
        (0..HOMES).map(group).collect()
    }

    fn stop(&self) {
        self.log.note("stop");
        self.cores.iter().for_each(|core| core.stop.store(true, Ordering::SeqCst));
        self.threads.lock().unwrap().drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// Makes one transport, whose cores a test can look at before and after.
pub struct Factory {
    pub trtype: Trtype,
    pub cores: Arc<[Arc<Core>]>,
    pub log: Arc<Log>,
    pub capacity: usize,
}

impl TransportFactory for Factory {
    fn trtype(&self) -> Trtype {
        self.trtype
    }

    fn memory(&self, cores: usize, options: &TransportOptions) -> Vec<Need> {
        vec![Need { what: "buffers".into(), bytes: cores as u64 * u64::from(options.max_io_size) }]
    }

    fn create(&self, _: &App, options: &TransportOptions) -> Result<Arc<dyn Transport>, String> {
        if options.sock_priority == 99 {
            return Err("no such priority".into());
        }
        let mut homes = Vec::new();
        let mut threads = Vec::new();
        for core in self.cores.iter() {
            let (sender, mailbox) = mailbox(self.capacity, || {});
            let (core, log) = (core.clone(), self.log.clone());
            homes.push(sender);
            threads.push(std::thread::spawn(move || core.run(mailbox, &log)));
        }
        let (cores, log) = (self.cores.clone(), self.log.clone());
        let transport = FakeTransport {
            options: options.clone(),
            view: options.view(),
            homes,
            cores,
            log,
            threads: Mutex::new(threads),
        };
        Ok(Arc::new(transport))
    }
}

/// A device that cannot do anything.
pub struct Device(pub Mutex<Info>);

impl Bdev for Device {
    fn info(&self) -> Info {
        self.0.lock().unwrap().clone()
    }

    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        Err("no test does I/O".into())
    }

    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

pub fn device(name: &str) -> Arc<Device> {
    let features = Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: true, volatile_cache: false };
    Arc::new(Device(Mutex::new(Info {
        name: name.into(),
        product: "Test disk",
        uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
        block_size: 512,
        physical_block_size: 512,
        blocks: 1024,
        features,
    })))
}

/// A target with devices `Malloc0` to `Malloc7`, its cores, and what happened to its transport.
pub struct Rig {
    pub nvmf: Arc<NvmfTarget>,
    pub app: App,
    pub cores: Arc<[Arc<Core>]>,
    pub log: Arc<Log>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Limits::default(), &[])
    }

    /// One with other limits, on which `startup` was called before the start.
    pub fn with(limits: Limits, startup: &[Call]) -> Self {
        let cores: Arc<[Arc<Core>]> = (0..HOMES).map(|_| Arc::new(Core::default())).collect();
        let log = Arc::new(Log::default());
        let factory = Factory { trtype: Trtype::Tcp, cores: cores.clone(), log: log.clone(), capacity: 8 };
        let nvmf = Arc::new(NvmfTarget::with_limits(vec![Arc::new(factory)], limits));
        let arena = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(arena).unwrap();
        let subsystems: Arc<[Arc<dyn Subsystem>]> = Arc::new([nvmf.clone() as Arc<dyn Subsystem>]);
        let app = app::assemble(Options::default(), arena, Arc::new([]), subsystems).unwrap();
        for call in startup {
            app.methods.call(&call.method, call.params.clone()).unwrap();
        }
        for n in 0..8 {
            app.bdevs.add(device(&format!("Malloc{n}"))).unwrap();
        }
        nvmf.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        Self { nvmf, app, cores, log }
    }

    /// One with a TCP transport, and [`NQN`] with Malloc0 as namespace 1 at 127.0.0.1:4420.
    pub fn small(limits: Limits) -> Self {
        let rig = Self::with(limits, &[]);
        rig.ok("nvmf_create_transport", json!({ "trtype": "TCP" }));
        rig.ok("nvmf_create_subsystem", json!({ "nqn": NQN, "allow_any_host": true }));
        rig.ok("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": { "bdev_name": "Malloc0" } }));
        rig.ok("nvmf_subsystem_add_listener", listener(NQN, "4420"));
        rig
    }

    pub fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.app.methods.call(method, params)
    }

    pub fn ok(&self, method: &str, params: Value) -> Value {
        self.call(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// What `nvmf_get_subsystems` says of [`NQN`].
    pub fn shown(&self) -> Value {
        self.ok("nvmf_get_subsystems", json!({ "nqn": NQN }))[0].clone()
    }

    /// Each core has exactly the subsystems of the model, and they are the very same copies.
    pub fn assert_published(&self) {
        let model = self.nvmf.target().subsystems();
        for (n, core) in self.cores.iter().enumerate() {
            let views = core.views.lock().unwrap();
            assert_eq!(views.len(), model.len(), "core {n}");
            for shown in &model {
                assert!(Arc::ptr_eq(&shown.view, &views[&shown.view.id]), "core {n}, {}", shown.view.nqn);
            }
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.cores.iter().for_each(|core| core.hangs.store(false, Ordering::SeqCst));
        self.nvmf.stop();
    }
}

/// Parameters of `nvmf_subsystem_add_listener`.
pub fn listener(nqn: &str, port: &str) -> Value {
    json!({ "nqn": nqn, "listen_address": { "trtype": "tcp", "traddr": "127.0.0.1", "trsvcid": port } })
}
