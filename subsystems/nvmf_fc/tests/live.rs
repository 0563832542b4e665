//! The transport as the control plane has it: reactors that sleep, ports that come and go, RPC calls, and a host.

mod rig;

use app::{App, Options, State, Subsystem};
use fc::{Config, Fc4, Frames, Names, Node, Port, Ports, RingLink, SoftPort, ring_links};
use nvmf_fc::FcFactory;
use nvmf_target::NvmfTarget;
use reactor::{Cores, Poller, Wake};
use rig::disk::Disk;
use rig::host::rw;
use rig::initiator::{Drive, Initiator, host_names, nobody};
use rig::{DISCOVERY, NQN, fabric};
use ring::Tick;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::fc::Wwn;
use wire::fcnvme::Disconnect;
use wire::nvme::NvmOpcode;

const LIMIT: Duration = Duration::from_secs(20);

/// A node on a core.
struct NodePoller(Node<RingLink>);

impl Poller for NodePoller {
    fn name(&self) -> &str {
        "node"
    }

    fn poll(&mut self, now: Tick) -> usize {
        self.0.poll(now)
    }

    fn wake(&mut self) -> Wake {
        if self.0.is_pending() {
            return Wake::Ready;
        }
        self.0.deadline().map_or(Wake::Event, Wake::At)
    }
}

struct World {
    app: App,
    nvmf: Arc<NvmfTarget>,
    ports: Arc<Ports>,
    cores: Option<Cores>,
    host: Initiator,
    port: Arc<SoftPort>,
    begin: Instant,
}

impl World {
    /// A target with a subsystem, and a port that it does not know yet.
    fn new() -> Self {
        let count = std::thread::available_parallelism().map_or(1, |count| count.get().min(2));
        let cores: Vec<usize> = (0..count).collect();
        let on_death = |core: usize, why: &str| eprintln!("core {core}: {why}");
        let cores = Cores::start(&cores, &reactor::Options::default(), on_death).unwrap();
        let ports = Arc::new(Ports::default());
        let nvmf = Arc::new(NvmfTarget::new(vec![Arc::new(FcFactory::new(ports.clone()))]));
        let arena = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(arena).unwrap();
        let subsystems: Arc<[Arc<dyn Subsystem>]> = Arc::new([nvmf.clone() as Arc<dyn Subsystem>]);
        let app = app::assemble(Options::default(), arena, cores.handles().into(), subsystems).unwrap();
        app.bdevs.add(Disk::new()).unwrap();
        nvmf.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        let frames = Frames::new(4096);
        let waker = cores.handles()[0].waker();
        let [near, far] = ring_links(256, [Arc::new(move || waker.wake()), nobody()]);
        let waker = cores.handles()[0].waker();
        let config = Config::new(fabric::local(), frames.clone());
        let (node, port) = Node::new(config, near, Arc::new(move || waker.wake()));
        cores.handles()[0].call(move |reactor| reactor.add(Box::new(NodePoller(node)))).unwrap();
        let host = Initiator::new(far, frames);
        let world = Self { app, nvmf, ports, cores: Some(cores), host, port, begin: Instant::now() };
        world.ok("nvmf_create_transport", json!({ "trtype": "fc", "max_io_qpairs_per_ctrlr": 16 }));
        world.ok("nvmf_create_subsystem", json!({ "nqn": NQN, "allow_any_host": true }));
        world.ok("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": { "bdev_name": "disk" } }));
        world
    }

    fn ok(&self, method: &str, params: Value) -> Value {
        self.app
            .methods
            .call(method, params.clone())
            .unwrap_or_else(|error| panic!("{method} {params}: {error} {:?}", error))
    }

    fn listen(&self, names: Names) -> Result<Value, app::RpcError> {
        self.app.methods.call("nvmf_subsystem_add_listener", address(names))
    }

    fn login(&mut self) {
        // The neighbour may not be known yet, or not have the service yet.
        for _ in 0..100 {
            self.host.refused = None;
            self.host.login();
            self.until("an end of the login", &mut |host| host.session.is_some() || host.refused.is_some());
            if self.host.session.is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the host cannot log in: {:?}, {:?}", self.host.refused, self.port.status());
    }

    fn turn(&mut self) {
        self.host.now = self.begin.elapsed().as_nanos() as Tick;
        if self.host.poll() == 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

fn address(names: Names) -> Value {
    json!({ "nqn": NQN, "listen_address": { "trtype": "FC", "traddr": names.to_string() } })
}

impl Drive for World {
    fn host(&mut self) -> &mut Initiator {
        &mut self.host
    }

    fn until(&mut self, what: &str, done: &mut dyn FnMut(&mut Initiator) -> bool) {
        let end = Instant::now() + LIMIT;
        while !done(&mut self.host) {
            assert!(Instant::now() < end, "{what} does not come");
            self.turn();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.nvmf.stop();
        if let Some(cores) = self.cores.take() {
            let deaths = cores.stop();
            assert!(std::thread::panicking() || deaths.is_empty(), "{deaths:?}");
        }
    }
}

#[test]
fn ports_and_listeners_come_in_any_order() {
    let mut world = World::new();
    // The listener comes first.
    world.listen(fabric::local()).unwrap();
    let shown = world.ok("nvmf_subsystem_get_listeners", json!({ "nqn": NQN }));
    let traddr = fabric::local().to_string();
    let expected = json!([{ "address": { "trtype": "FC", "adrfam": "FC", "traddr": traddr, "trsvcid": "none" } }]);
    assert_eq!(shown, expected);
    world.ports.add(world.port.clone()).unwrap();
    world.login();
    let (admin, ios) = world.controller(4);
    let bytes: Vec<u8> = (0..8192).map(|at| (at * 13) as u8).collect();
    for (n, io) in ios.iter().enumerate() {
        world.put(*io, rw(NvmOpcode::WRITE, 16 * n as u64, 16), &bytes);
        assert_eq!(world.get(*io, rw(NvmOpcode::READ, 16 * n as u64, 16), 8192), bytes);
    }
    // What people see of it.
    let queues = world.ok("nvmf_subsystem_get_qpairs", json!({ "nqn": NQN }));
    let queues = queues.as_array().unwrap();
    assert_eq!(queues.len(), 5);
    assert!(queues.iter().all(|queue| queue["peer_address"]["traddr"] == host_names().to_string()), "{queues:?}");
    assert!(queues.iter().all(|queue| queue["listen_address"]["traddr"] == traddr));
    let stats = world.ok("nvmf_get_stats", json!({}));
    let groups = stats["poll_groups"].as_array().unwrap();
    let sum = |name: &str| groups.iter().map(|group| group[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("current_admin_qpairs"), sum("current_io_qpairs")), (1, 4));
    // The listener goes: the host is told, and logged out.
    world.ok("nvmf_subsystem_remove_listener", address(fabric::local()));
    world.until("the end of the session", &mut |host| host.session.is_none());
    assert_eq!(world.host.told, [Disconnect::new(admin.association).to_bytes()]);
    // It comes again, to a port that is there.
    world.listen(fabric::local()).unwrap();
    world.login();
    let (_, ios) = world.controller(2);
    assert_eq!(world.get(ios[0], rw(NvmOpcode::READ, 0, 16), 8192), bytes);
}

#[test]
fn a_port_that_goes_takes_its_hosts_along_and_may_come_back() {
    let mut world = World::new();
    world.ports.add(world.port.clone()).unwrap();
    world.listen(fabric::local()).unwrap();
    world.ok(
        "nvmf_subsystem_add_listener",
        json!({ "nqn": DISCOVERY, "listen_address":
        { "trtype": "FC", "traddr": fabric::local().to_string() } }),
    );
    for _ in 0..3 {
        world.login();
        let (admin, _) = world.controller(3);
        world.host.told.clear();
        let ports = world.ports.clone();
        let removing = std::thread::spawn(move || ports.remove(fabric::local().port).expect("it is there"));
        world.until("the end of the session", &mut |host| host.session.is_none());
        assert_eq!(world.host.told, [Disconnect::new(admin.association).to_bytes()]);
        let port = removing.join().unwrap();
        // Nothing of ours is left on it when the call returns.
        assert!(port.attach(fc::Service { fc4: Fc4::Nvme, discovery: true }, vec![nobody()]).is_ok());
        port.detach(Fc4::Nvme);
        world.ports.add(world.port.clone()).unwrap();
    }
    world.login();
    world.controller(1);
}

#[test]
fn what_cannot_be_served_is_refused() {
    let world = World::new();
    world.ports.add(world.port.clone()).unwrap();
    let reason = |result: Result<Value, app::RpcError>| format!("{:?}", result.unwrap_err());
    let other = Names { node: Wwn(1), ..fabric::local() };
    assert!(reason(world.listen(other)).contains(&fabric::local().to_string()));
    world.listen(fabric::local()).unwrap();
    assert!(reason(world.listen(fabric::local())).contains("already"));
    // A port for SCSI alone.
    let [near, _far] = ring_links(8, [nobody(), nobody()]);
    let names = Names { node: Wwn(0x2000_0000_0000_0009), port: Wwn(0x2100_0000_0000_0009) };
    let config = Config { serves: vec![Fc4::Fcp], ..Config::new(names, Frames::new(8)) };
    let (_node, port) = Node::new(config, near, nobody());
    world.ports.add(port).unwrap();
    assert!(reason(world.listen(names)).contains("does not serve NVMe"));
    // What is refused leaves nothing behind.
    let shown = world.ok("nvmf_subsystem_get_listeners", json!({ "nqn": NQN }));
    assert_eq!(shown.as_array().unwrap().len(), 1);
}

#[test]
fn the_end_of_the_process_with_hosts_at_work() {
    let mut world = World::new();
    world.ports.add(world.port.clone()).unwrap();
    world.listen(fabric::local()).unwrap();
    world.login();
    let (admin, _) = world.controller(4);
    let nvmf = world.nvmf.clone();
    let begin = Instant::now();
    let stopping = std::thread::spawn(move || nvmf.stop());
    world.until("the end of the session", &mut |host| host.session.is_none());
    stopping.join().unwrap();
    assert_eq!(world.host.told, [Disconnect::new(admin.association).to_bytes()]);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}
