//! The built-in methods and the dispatch, without sockets: codes and texts as SPDK's.

use app::{
    App, Call, DecodeError, Method, NoParams, Options, Params, RpcError, State, Subsystem, When, assemble, in_order,
};
use bdev::{Bdev, Channel, Features, Info};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Address {
    traddr: String,
    port: u16,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Listen {
    nqn: String,
    listen_address: Address,
    #[serde(default)]
    secure_channel: bool,
}

struct Fake {
    name: &'static str,
    after: &'static [&'static str],
    section: &'static str,
}

impl Subsystem for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn section(&self) -> &'static str {
        self.section
    }

    fn after(&self) -> &'static [&'static str] {
        self.after
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        if self.name != "fake_target" {
            return Vec::new();
        }
        let listen = |p: Listen| {
            Ok(format!("{} {}:{} {}", p.nqn, p.listen_address.traddr, p.listen_address.port, p.secure_channel))
        };
        vec![
            Method::new("fake_listen", When::Runtime, "Listens", listen).alias("listen_fake"),
            Method::new("fake_limit", When::Startup, "Sets a limit", |_: NoParams| Ok(true))
                .decode_error(DecodeError::Internal),
            Method::new("fake_fail", When::Both, "Fails", |_: NoParams| Err::<bool, _>(RpcError::errno(17))),
        ]
    }

    fn start(&self, _app: &App) -> anyhow::Result<()> {
        Ok(())
    }

    fn stop(&self) {}

    fn config(&self) -> Vec<Call> {
        vec![Call::new(format!("{}_create", self.name), json!({ "name": self.name }))]
    }
}

fn fake(name: &'static str, section: &'static str, after: &'static [&'static str]) -> Arc<dyn Subsystem> {
    Arc::new(Fake { name, after, section })
}

fn target() -> App {
    let options = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
    let subsystems = vec![
        fake("fake_target", "nvmf", &["bdev_b", "bdev_a"]),
        fake("bdev_b", "bdev", &["bdev_a"]),
        fake("bdev_a", "bdev", &[]),
        fake("hidden", "", &[]),
    ];
    let subsystems = in_order(subsystems).unwrap();
    assemble(Options::default(), dma::Arena::new(options).unwrap(), Arc::new([]), subsystems.into()).unwrap()
}

fn running() -> App {
    let app = target();
    app.methods.enter(State::Runtime);
    app
}

fn error(app: &App, method: &str, params: Value) -> (i64, String) {
    let error = app.methods.call(method, params).unwrap_err();
    (error.code, error.message)
}

struct Disk(Info);

impl Bdev for Disk {
    fn info(&self) -> Info {
        self.0.clone()
    }

    fn channel(&self, _depth: u32) -> Result<Box<dyn Channel>, String> {
        Err("no I/O here".to_owned())
    }

    fn driver_specific(&self) -> Value {
        json!({ "fake": true })
    }
}

fn add_disk(app: &App, name: &str, uuid: u128) {
    let features =
        Features { write: true, unmap: true, unmap_zeroes: true, write_zeroes: false, volatile_cache: false };
    let uuid = uuid::Uuid::from_u128(uuid);
    let info = Info {
        name: name.to_owned(),
        product: "Fake disk",
        uuid,
        block_size: 512,
        physical_block_size: 4096,
        blocks: 2048,
        features,
    };
    app.bdevs.add(Arc::new(Disk(info))).unwrap();
}

#[test]
fn parameters_are_decoded_strictly_and_the_reason_is_in_data() {
    let app = running();
    let address = json!({ "traddr": "a", "port": 1 });
    assert_eq!(
        app.methods.call("fake_listen", json!({ "nqn": "n", "listen_address": address })).unwrap(),
        "n a:1 false"
    );
    for (params, reason) in [
        (json!({ "listen_address": address }), "missing field `nqn`"),
        (
            json!({ "nqn": "n", "listen_address": { "traddr": "a", "port": 70000 } }),
            "listen_address.port: invalid value: integer `70000`",
        ),
        (json!({ "nqn": "n", "listen_address": { "traddr": "a", "port": "1" } }), "listen_address.port: invalid type"),
        (json!({ "nqn": "n", "listen_address": address, "typo": 1 }), "typo: unknown field `typo`"),
        (json!(["n", address]), "not an array"),
        (Value::Null, "missing field `nqn`"),
    ] {
        let error = app.methods.call("fake_listen", params.clone()).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (-32602, "Invalid parameters"), "{params}");
        assert!(error.data.as_ref().unwrap().as_str().unwrap().contains(reason), "{params}: {error}");
    }
    let twice = Params { value: json!({ "nqn": "n", "listen_address": address }), duplicate: Some("nqn".to_owned()) };
    assert_eq!(app.methods.call("fake_listen", twice).unwrap_err().code, -32602);
}

#[test]
fn state_method_and_decode_errors_have_spdks_codes_and_texts() {
    let app = target();
    assert_eq!(error(&app, "nonsense", json!({})), (-32601, "Method not found".into()));
    let after = "Method may only be called after framework is initialized using framework_start_init RPC.";
    assert_eq!(error(&app, "fake_listen", json!({})), (-1, after.into()));
    assert_eq!(error(&app, "fake_limit", json!({ "x": 1 })), (-32603, "spdk_json_decode_object failed".into()));
    assert_eq!(error(&app, "fake_fail", json!(null)), (-17, "File exists".into()));
    app.methods.enter(State::Runtime);
    let (code, text) = error(&app, "fake_limit", json!({}));
    assert_eq!(code, -1);
    assert!(
        text.starts_with("Method may only be called before framework is initialized. Use --wait-for-rpc command line")
    );
    assert_eq!(error(&app, "framework_start_init", json!({})).0, -1);
    app.methods.enter(State::Stopping);
    assert_eq!(error(&app, "fake_listen", json!({})).0, -1);
    assert_eq!(error(&app, "framework_wait_init", json!({})).0, -32603);
}

#[test]
fn methods_are_listed_by_state_and_with_aliases_on_request() {
    let app = target();
    let list = |params: Value| -> Vec<String> {
        serde_json::from_value(app.methods.call("rpc_get_methods", params).unwrap()).unwrap()
    };
    let has = |list: &[String], name: &str| list.iter().any(|n| n == name);
    let all = list(json!({ "include_aliases": false }));
    assert!(has(&all, "fake_listen") && has(&all, "fake_limit") && !has(&all, "listen_fake"));
    let now = list(json!({ "current": true, "include_aliases": false }));
    assert!(!has(&now, "fake_listen") && has(&now, "fake_limit") && has(&now, "framework_start_init"));
    app.methods.enter(State::Runtime);
    let now = list(json!({ "current": true, "include_aliases": true }));
    assert!(has(&now, "fake_listen") && has(&now, "listen_fake") && !has(&now, "fake_limit"));
    assert!(
        app.methods.call("listen_fake", json!({ "nqn": "n", "listen_address": { "traddr": "a", "port": 1 } })).is_ok()
    );
}

#[test]
fn the_schema_tells_all_that_a_client_needs() {
    let app = running();
    let schema = app.methods.call("rpc.schema", json!({ "method": "listen_fake" })).unwrap();
    let method = &schema[0];
    assert_eq!(
        (&method["name"], &method["when"], &method["aliases"][0]),
        (&json!("fake_listen"), &json!("runtime"), &json!("listen_fake"))
    );
    assert_eq!(method["params"]["required"], json!(["nqn", "listen_address"]));
    assert_eq!(method["params"]["additionalProperties"], json!(false));
    let all = app.methods.call("rpc.schema", json!({})).unwrap();
    assert_eq!(all.as_array().unwrap().len(), app.methods.list().len());
    assert!(app.methods.list().iter().all(|method| !method.summary().is_empty()));
}

#[test]
fn sections_are_saved_in_the_order_of_their_subsystems() {
    let app = running();
    let sections = app.methods.call("framework_get_subsystems", Value::Null).unwrap();
    assert_eq!(
        sections,
        json!([{ "subsystem": "bdev", "depends_on": [] }, { "subsystem": "nvmf", "depends_on": ["bdev"] }])
    );
    let calls = app.methods.call("framework_get_config", json!({ "name": "bdev", "with_batches": false })).unwrap();
    let names: Vec<&str> = calls.as_array().unwrap().iter().map(|call| call["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["bdev_a_create", "bdev_b_create", "bdev_wait_for_examine"]);
    assert_eq!(
        error(&app, "framework_get_config", json!({ "name": "vmd" })),
        (-32602, "Subsystem 'vmd' not found".into())
    );
    assert_eq!(error(&app, "framework_get_config", json!({})), (-32602, "Invalid arguments".into()));
}

#[test]
fn order_errors_name_the_subsystems() {
    let names = |list: Vec<Arc<dyn Subsystem>>| in_order(list).map(|l| l.iter().map(|s| s.name()).collect::<Vec<_>>());
    assert_eq!(names(vec![fake("b", "", &["a"]), fake("c", "", &[]), fake("a", "", &[])]).unwrap(), ["c", "a", "b"]);
    let circle = names(vec![fake("x", "", &["y"]), fake("y", "", &["x"]), fake("z", "", &[])]).unwrap_err().to_string();
    assert!(circle.contains("circle: x, y"), "{circle}");
    let unknown = names(vec![fake("x", "", &["nobody"])]).unwrap_err().to_string();
    assert!(unknown.contains('x') && unknown.contains("nobody"), "{unknown}");
    assert!(names(vec![fake("x", "", &[]), fake("x", "", &[])]).is_err());
}

#[test]
fn devices_are_described_counted_and_awaited() {
    let app = running();
    assert_eq!(error(&app, "bdev_get_bdevs", json!({ "name": "M0" })), (-19, "No such device".into()));
    assert_eq!(
        error(&app, "bdev_get_bdevs", json!({ "nme": "M0" })),
        (-32603, "spdk_json_decode_object failed".into())
    );
    let later = app.clone();
    let start = Instant::now();
    let adder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        add_disk(&later, "M0", 7);
    });
    let list = app.methods.call("bdev_get_bdevs", json!({ "name": "M0", "timeout": 20_000 })).unwrap();
    adder.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    let disk = &list[0];
    assert_eq!((&disk["name"], &disk["num_blocks"], &disk["block_size"]), (&json!("M0"), &json!(2048), &json!(512)));
    assert_eq!((&disk["uuid"], &disk["claimed"]), (&json!("00000000-0000-0000-0000-000000000007"), &json!(false)));
    assert_eq!(
        (&disk["supported_io_types"]["unmap"], &disk["supported_io_types"]["write_zeroes"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(disk["driver_specific"], json!({ "fake": true }));
    let notes = app.methods.call("notify_get_notifications", json!({ "id": 0 })).unwrap();
    assert_eq!(notes, json!([{ "type": "bdev_register", "ctx": "M0", "id": 0 }]));
    assert_eq!(app.methods.call("bdev_examine", json!({ "name": "M1" })).unwrap_err().code, -19);
}

#[test]
fn iostat_counts_from_the_last_reset() {
    let app = running();
    add_disk(&app, "M0", 1);
    add_disk(&app, "M1", 2);
    let read = bdev::Op::Read { block: 0, blocks: 8 };
    let meters = app.bdevs.meters("M0").unwrap();
    meters[0].count(read, bdev::Status::Ok, 4096, 1000);
    let stat = |params: Value| app.methods.call("bdev_get_iostat", params).unwrap();
    let first = stat(json!({ "names": ["M0"], "per_channel": false }));
    assert_eq!((&first["tick_rate"], first["bdevs"].as_array().unwrap().len()), (&json!(1_000_000_000u64), 1));
    let m0 = &first["bdevs"][0];
    assert_eq!(
        (&m0["bytes_read"], &m0["num_read_ops"], &m0["read_latency_ticks"]),
        (&json!(4096), &json!(1), &json!(1000))
    );
    assert_eq!(app.methods.call("bdev_reset_iostat", json!({ "name": "M0" })).unwrap(), true);
    meters[0].count(read, bdev::Status::Ok, 512, 10);
    assert_eq!(stat(json!({}))["bdevs"][0]["bytes_read"], 512);
    assert_eq!(stat(json!({ "reset_mode": "all" }))["bdevs"][0]["num_read_ops"], 1);
    assert_eq!(stat(json!({ "name": "M1" }))["bdevs"][0]["name"], "M1", "as older clients ask");
    let cores = stat(json!({ "names": ["M0"], "per_channel": true }));
    assert_eq!((&cores["name"], &cores["channels"][0]["bytes_read"]), (&json!("M0"), &json!(0)));
    assert_eq!(error(&app, "bdev_get_iostat", json!({ "per_channel": true })), (-22, "Invalid argument".into()));
    assert_eq!(error(&app, "bdev_get_iostat", json!({ "names": ["M0", "no"] })), (-19, "No such device".into()));
    assert_eq!(
        error(&app, "bdev_reset_iostat", json!({ "mode": "some" })),
        (-32603, "spdk_json_decode_object failed".into())
    );
    // A new device of the old name counts from zero, and from before no more.
    app.bdevs.remove("M0").unwrap();
    add_disk(&app, "M0", 3);
    app.bdevs.meters("M0").unwrap()[0].count(read, bdev::Status::Ok, 77, 10);
    assert_eq!(stat(json!({ "names": ["M0"] }))["bdevs"][0]["bytes_read"], 77);
}

#[test]
fn a_histogram_counts_from_when_it_was_enabled() {
    let app = running();
    add_disk(&app, "M0", 1);
    assert_eq!(error(&app, "bdev_get_histogram", json!({ "name": "M0" })), (-32603, "Bad address".into()));
    assert_eq!(
        error(&app, "bdev_enable_histogram", json!({ "name": "no", "enable": true })),
        (-19, "No such device".into())
    );
    assert_eq!(
        error(&app, "bdev_enable_histogram", json!({ "name": "M0", "enable": true, "opc": "fly" })),
        (-32603, "Invalid Io type".into())
    );
    assert_eq!(error(&app, "bdev_enable_histogram", json!({ "name": "M0", "enable": true, "opc": "flush" })).0, -95);
    let meters = app.bdevs.meters("M0").unwrap();
    let write = bdev::Op::Write { block: 0, blocks: 1, fua: false };
    meters[0].count(write, bdev::Status::Ok, 512, 5000);
    app.methods.call("bdev_enable_histogram", json!({ "name": "M0", "enable": true, "opc": "write" })).unwrap();
    meters[0].count(write, bdev::Status::Ok, 512, 2000);
    meters[0].count(bdev::Op::Read { block: 0, blocks: 1 }, bdev::Status::Ok, 512, 2000);
    let histogram = app.methods.call("bdev_get_histogram", json!({ "name": "M0" })).unwrap();
    assert_eq!(
        (&histogram["granularity"], &histogram["min_range"], &histogram["tsc_rate"]),
        (&json!(6), &json!(4), &json!(1_000_000_000u64))
    );
    let text = histogram["histogram"].as_str().unwrap();
    let ones = text.chars().filter(|c| *c != 'A' && *c != '=').count();
    assert_eq!(ones, 1, "one bucket has one write: {text}");
    app.methods.call("bdev_enable_histogram", json!({ "name": "M0", "enable": false })).unwrap();
    assert_eq!(app.methods.call("bdev_get_histogram", json!({ "name": "M0" })).unwrap_err().code, -32603);
}

#[test]
fn small_methods_answer_as_spdks_clients_expect() {
    let app = running();
    let call = |method: &str, params: Value| app.methods.call(method, params).unwrap();
    let version = call("spdk_get_version", Value::Null);
    assert!(version["version"].as_str().unwrap().starts_with("qfc v"));
    assert_eq!((&version["fields"]["major"], &version["fields"]["minor"]), (&json!(26), &json!(9)));
    assert_eq!(call("framework_wait_init", Value::Null), true);
    assert_eq!(call("framework_set_scheduler", json!({ "name": "static", "period": 5 })), true);
    assert_eq!(
        error(&app, "framework_set_scheduler", json!({ "name": "dynamic" })),
        (-32603, "Invalid argument".into())
    );
    assert_eq!(call("framework_get_scheduler", Value::Null)["scheduler_name"], "static");
    assert_eq!(call("framework_get_governor", Value::Null), json!({}));
    assert_eq!(call("framework_disable_cpumask_locks", Value::Null), true);
    assert_eq!(call("iobuf_get_stats", Value::Null), json!([]));
    assert_eq!(call("sock_get_default_impl", Value::Null), json!({ "impl_name": "posix" }));
    assert_eq!(error(&app, "sock_impl_get_options", json!({ "impl_name": "uring" })).0, -32602);
    assert_eq!(call("log_set_print_level", json!({ "level": "WARNING" })), true);
    assert_eq!(call("log_get_print_level", Value::Null), "WARNING");
    assert_eq!(
        error(&app, "log_set_print_level", json!({ "level": "LOUD" })),
        (-32603, "spdk_json_decode_object failed".into())
    );
    assert_eq!(error(&app, "log_set_flag", json!({ "flag": "nonsense" })), (-32602, "invalid log flag".into()));
    assert_eq!(
        error(&app, "spdk_kill_instance", json!({ "sig_name": "SIGFOO" })),
        (-32602, "Invalid parameters".into())
    );
    let file = call("env_dpdk_get_mem_stats", Value::Null)["filename"].as_str().unwrap().to_owned();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("mapped bytes: "));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn start_init_waits_for_who_starts() {
    let app = target();
    let client = app.clone();
    let answer = Arc::new(Mutex::new(None));
    let theirs = answer.clone();
    let caller = std::thread::spawn(move || {
        *theirs.lock().unwrap() = Some(client.methods.call("framework_start_init", Value::Null))
    });
    assert_eq!(app.methods.wait_until(|state| state != State::Startup), State::Starting);
    // Neither kind may be called while subsystems are being started.
    assert_eq!((error(&app, "fake_listen", json!({})).0, error(&app, "fake_limit", json!({})).0), (-1, -1));
    app.methods.enter(State::Runtime);
    caller.join().unwrap();
    assert_eq!(answer.lock().unwrap().take().unwrap().unwrap(), true);
}

#[test]
fn what_reactors_do_is_told_without_asking_them() {
    let cores = reactor::Cores::start(&[0], &reactor::Options::default(), |_, _| {}).unwrap();
    let arena =
        dma::Arena::new(dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let app = assemble(Options::default(), arena, cores.handles().into(), Arc::new([])).unwrap();
    app.methods.enter(State::Runtime);
    let (release, held) = std::sync::mpsc::channel::<()>();
    cores.handles()[0].send(move |_| held.recv().unwrap()).unwrap();
    // The core hangs now.
    let start = Instant::now();
    let reactors = app.methods.call("framework_get_reactors", Value::Null).unwrap();
    assert_eq!((&reactors["reactors"][0]["lcore"], &reactors["pid"]), (&json!(0), &json!(std::process::id())));
    let stats = app.methods.call("thread_get_stats", Value::Null).unwrap();
    assert_eq!((&stats["threads"][0]["name"], &stats["threads"][0]["cpumask"]), (&json!("reactor_0"), &json!("1")));
    for method in ["thread_get_pollers", "thread_get_io_channels", "bdev_get_bdevs", "bdev_get_iostat"] {
        app.methods.call(method, Value::Null).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    release.send(()).unwrap();
    cores.stop();
}
