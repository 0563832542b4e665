//! SPDK's own client, as it comes from PyPI, against the target. `scripts/spdk-client.sh` fetches it.

use host::Options;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use testbed::{Disk, NQN, Setup, Target};

const HOST: &str = "nqn.2026-11.org.example:host1";

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a command line said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.out, self.err))
    }
}

/// A client: SPDK's, or our script that does the same.
struct Client {
    program: Vec<PathBuf>,
}

impl Client {
    fn spdk() -> Option<Client> {
        let program = project("target/spdk-client/bin/spdk-rpc");
        if program.exists() {
            return Some(Client { program: vec![program] });
        }
        println!("skipped: SPDK's client is not there; scripts/spdk-client.sh fetches it");
        None
    }

    fn ours() -> Client {
        Client { program: vec!["python3".into(), project("scripts/rpc.py")] }
    }

    fn run_with(&self, target: &Target, line: &str, input: &str) -> Said {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).arg("-s").arg(target.socket()).args(line.split_whitespace());
        command.current_dir(target.setup().dir());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A client that does not read its input ends without doing so.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A command that must work.
    fn run(&self, target: &Target, line: &str) -> Said {
        let said = self.run_with(target, line, "");
        assert_eq!(said.code, 0, "{line}: {} {}", said.out, said.err);
        said
    }

    /// A command that must be refused; code and message of the error object that is printed.
    fn refused(&self, target: &Target, line: &str) -> (i64, String) {
        let said = self.run_with(target, line, "");
        assert_eq!(said.code, 1, "{line}: {} {}", said.out, said.err);
        let all = said.out + &said.err;
        assert!(all.contains("Got JSON-RPC error response"), "{line}: {all}");
        let object = &all[all.find('{').unwrap_or_else(|| panic!("{line}: {all}"))..];
        // The request may be printed before it.
        let error = object.match_indices('{').filter_map(|(at, _)| {
            let mut values = serde_json::Deserializer::from_str(&object[at..]).into_iter::<Value>();
            values.next()?.ok().filter(|value| value.get("code").is_some())
        });
        let error = error
            .max_by_key(|value| value["code"].is_i64())
            .unwrap_or_else(|| panic!("{line}: no error object in {all}"));
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }
}

fn setup() -> Setup {
    let setup = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt"));
    for name in ["uring.img", "aio.img"] {
        std::fs::File::create(setup.dir().join(name)).unwrap().set_len(4 << 20).unwrap();
    }
    setup
}

/// The commands of the README, on the test's port and in its directory.
fn commands(setup: &Setup) -> Vec<(String, Option<&'static str>)> {
    let (dir, port) = (setup.dir().display().to_string(), setup.port());
    [
        ("bdev_malloc_create -b Malloc0 16 512".to_owned(), Some("Malloc0")),
        ("bdev_null_create Null0 64 4096".to_owned(), Some("Null0")),
        (format!("bdev_uring_create {dir}/uring.img Uring0 512"), Some("Uring0")),
        (format!("bdev_aio_create {dir}/aio.img AIO0 4096"), Some("AIO0")),
        ("nvmf_create_transport -t TCP -q 64 -m 16 -c 8192".to_owned(), None),
        (format!("nvmf_create_subsystem {NQN} -s SPDK00000000000001 -d Model -m 8"), None),
        (format!("nvmf_subsystem_add_ns {NQN} Malloc0 -n 1"), None),
        (format!("nvmf_subsystem_add_ns {NQN} Uring0"), None),
        (format!("nvmf_subsystem_add_listener {NQN} -t tcp -a 127.0.0.1 -s {port}"), None),
        (format!("nvmf_subsystem_add_host {NQN} {HOST}"), None),
    ]
    .into()
}

fn build(client: &Client, target: &Target) {
    for (line, printed) in commands(target.setup()) {
        let said = client.run(target, &line);
        if let Some(printed) = printed {
            assert_eq!(said.out.trim().trim_matches('"'), printed, "{line}");
        }
    }
}

fn as_host1() -> Options {
    let host = host::Identity::new(Some(HOST), None).unwrap();
    // Nobody sends keep-alives while the clients, which are Python, take their time.
    Options { host, kato: Duration::ZERO, ..Options::default() }
}

#[test]
fn a_configuration_is_built_live_saved_and_loaded() {
    let Some(client) = Client::spdk() else { return };
    let target = setup().start();
    build(&client, &target);
    let shown = client.run(&target, &format!("nvmf_get_subsystems {NQN}")).json();
    let subsystem = &shown[0];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for field in [
        "nqn",
        "subtype",
        "listen_addresses",
        "allow_any_host",
        "hosts",
        "serial_number",
        "model_number",
        "max_namespaces",
        "min_cntlid",
        "max_cntlid",
        "namespaces",
    ] {
        assert!(subsystem.get(field).is_some(), "{field} is not in {:?}", names(subsystem));
    }
    let port = target.setup().port().to_string();
    let listener = json!([{ "trtype": "TCP", "adrfam": "IPv4", "traddr": "127.0.0.1", "trsvcid": port }]);
    assert_eq!(subsystem["listen_addresses"], listener);
    assert_eq!((&subsystem["nqn"], &subsystem["subtype"]), (&json!(NQN), &json!("NVMe")));
    assert_eq!((&subsystem["allow_any_host"], &subsystem["hosts"][0]["nqn"]), (&json!(false), &json!(HOST)));
    assert_eq!((&subsystem["serial_number"], &subsystem["max_namespaces"]), (&json!("SPDK00000000000001"), &json!(8)));
    let namespaces = subsystem["namespaces"].as_array().unwrap();
    assert_eq!(namespaces.len(), 2);
    assert_eq!((&namespaces[1]["nsid"], &namespaces[1]["bdev_name"]), (&json!(2), &json!("Uring0")));
    assert!(namespaces[0]["uuid"].is_string() && namespaces[0]["nguid"].is_string(), "{}", namespaces[0]);
    let all = client.run(&target, "nvmf_get_subsystems").json();
    assert!(all.as_array().unwrap().iter().any(|s| s["subtype"] == "Discovery"), "the discovery subsystem is listed");

    let mut controller = target.connect(NQN, &as_host1());
    Disk::open(&mut controller, 1, 1, 8, 4096).write(0, &[1; 4096]);
    drop(controller);

    let saved = client.run(&target, "save_config").json();
    let setup = target.kill();
    let target = setup.start();
    let said = client.run_with(&target, "load_config", &saved.to_string());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert_eq!(client.run(&target, "save_config").json(), saved, "what was loaded is what was saved");
    let again = client.run(&target, &format!("nvmf_get_subsystems {NQN}")).json();
    assert_eq!(again, shown, "UUIDs and all");
    target.connect(NQN, &as_host1()).namespace(2).unwrap();

    // As the file of a new target, and to one that waits to be told to start.
    let file = target.setup().dir().join("saved.json");
    std::fs::write(&file, saved.to_string()).unwrap();
    let setup = target.stop();
    let target = setup.clone().args(&["-c", file.to_str().unwrap()]).start();
    assert_eq!(client.run(&target, "save_config").json(), saved);
    target.stop();
    let target = setup.args(&["--wait-for-rpc"]).start_waiting();
    assert_eq!(client.run_with(&target, "load_config", &saved.to_string()).code, 0);
    assert_eq!(client.run(&target, "save_config").json(), saved);
}

#[test]
fn questions_are_answered_in_spdks_shape() {
    let Some(client) = Client::spdk() else { return };
    let target = setup().start();
    build(&client, &target);
    let get = |line: &str| client.run(&target, line).json();
    let methods = get("rpc_get_methods");
    assert!(methods.as_array().unwrap().contains(&json!("nvmf_create_subsystem")));
    assert!(get("spdk_get_version")["version"].is_string());
    let bdevs = get("bdev_get_bdevs");
    assert_eq!(bdevs.as_array().unwrap().len(), 4);
    let malloc = get("bdev_get_bdevs -b Malloc0");
    assert_eq!((&malloc[0]["block_size"], &malloc[0]["num_blocks"]), (&json!(512), &json!(32768)));
    for field in [
        "aliases",
        "product_name",
        "uuid",
        "assigned_rate_limits",
        "claimed",
        "zoned",
        "supported_io_types",
        "driver_specific",
    ] {
        assert!(malloc[0].get(field).is_some(), "{field} is not in {malloc}");
    }
    let transports = get("nvmf_get_transports");
    assert_eq!((&transports[0]["trtype"], &transports[0]["max_queue_depth"]), (&json!("TCP"), &json!(64)));
    assert_eq!(transports[0]["max_io_qpairs_per_ctrlr"], json!(16));

    let mut controller = target.connect(NQN, &as_host1());
    let mut disk = Disk::open(&mut controller, 1, 1, 8, 4096);
    (0..10).for_each(|at| disk.write(at * 8, &[1; 4096]));
    (0..4).for_each(|at| drop(disk.read(at * 8, 8)));
    let stat = get("bdev_get_iostat --names Malloc0");
    let stat = &stat["bdevs"][0];
    assert_eq!(
        (&stat["name"], &stat["bytes_written"], &stat["num_write_ops"]),
        (&json!("Malloc0"), &json!(40960), &json!(10))
    );
    assert_eq!((&stat["bytes_read"], &stat["num_read_ops"]), (&json!(16384), &json!(4)));
    let controllers = get(&format!("nvmf_subsystem_get_controllers {NQN}"));
    assert_eq!((&controllers[0]["hostnqn"], &controllers[0]["num_io_qpairs"]), (&json!(HOST), &json!(1)));
    let qpairs = get(&format!("nvmf_subsystem_get_qpairs {NQN}"));
    let mut qids: Vec<u64> = qpairs.as_array().unwrap().iter().map(|q| q["qid"].as_u64().unwrap()).collect();
    qids.sort_unstable();
    assert_eq!(qids, [0, 1], "{qpairs}");
    let listeners = get(&format!("nvmf_subsystem_get_listeners {NQN}"));
    assert_eq!(listeners[0]["address"]["trtype"], json!("TCP"));
    let stats = get("nvmf_get_stats");
    assert_eq!(stats["poll_groups"][0]["current_io_qpairs"], json!(1), "{stats}");
    assert!(stats["tick_rate"].is_u64());
    // RAM is written within the turn; a file takes its time.
    let mut file = Disk::open(&mut controller, 2, 2, 8, 4096);
    file.write(0, &[1; 4096]);
    let stat = get("bdev_get_iostat --names Uring0");
    assert!(stat["bdevs"][0]["write_latency_ticks"].as_u64().unwrap() > 0, "{stat}");

    let reactors = get("framework_get_reactors");
    assert_eq!(reactors["reactors"][0]["lcore"], json!(0), "{reactors}");
    for line in [
        "framework_get_subsystems",
        "framework_get_scheduler",
        "thread_get_stats",
        "thread_get_pollers",
        "log_get_flags",
        "notify_get_types",
        "iobuf_get_stats",
        "nvmf_discovery_get_referrals",
    ] {
        get(line);
    }
    client.run(&target, "log_set_flag nvmf");
    assert_eq!(get("log_get_flags")["nvmf"], json!(true));
    client.run(&target, "log_clear_flag nvmf");
    client.run(&target, "log_set_print_level DEBUG");
    assert_eq!(get("log_get_print_level"), json!("DEBUG"));
    client.run(&target, "framework_wait_init");
}

#[test]
fn refusals_have_spdks_codes_and_words() {
    let Some(client) = Client::spdk() else { return };
    let target = setup().start();
    build(&client, &target);
    let nobody = "nqn.2026-11.org.example:nobody";
    let cases: Vec<(String, i64, String)> = vec![
        ("bdev_malloc_create -b Malloc0 16 512".into(), -17, "File exists".into()),
        ("bdev_malloc_create -b M1 16 513".into(), -22, "Invalid argument".into()),
        ("bdev_malloc_delete None0".into(), -19, "No such device".into()),
        ("bdev_get_bdevs -b None0".into(), -19, "No such device".into()),
        ("bdev_uring_create /nowhere/x.img U1 512".into(), -32603, "Unable to create URING bdev.".into()),
        ("bdev_aio_create /nowhere/x.img A1 512".into(), -2, "No such file or directory".into()),
        ("nvmf_create_transport -t TCP".into(), -32603, "Transport type 'TCP' already exists".into()),
        (format!("nvmf_create_subsystem {NQN} -s X"), -32603, format!("Unable to create subsystem {NQN}")),
        ("nvmf_create_subsystem nonsense -s X".into(), -32603, "Unable to create subsystem nonsense".into()),
        (format!("nvmf_subsystem_add_ns {NQN} None0"), -32602, "Invalid parameters".into()),
        (format!("nvmf_subsystem_add_ns {NQN} Null0 -n 1"), -32602, "Invalid parameters".into()),
        (format!("nvmf_subsystem_remove_ns {NQN} 9"), -32602, "Invalid parameters".into()),
        (format!("nvmf_delete_subsystem {nobody}"), -32602, format!("Subsystem with NQN '{nobody}' not found")),
        (format!("nvmf_get_subsystems {nobody}"), -32602, format!("Subsystem with NQN '{nobody}' not found")),
        (
            format!("nvmf_subsystem_add_listener {NQN} -t tcp -a 127.0.0.999 -s 4420"),
            -32602,
            "Invalid parameters".into(),
        ),
        (
            format!("nvmf_subsystem_add_listener {NQN} -t rdma -a 127.0.0.1 -s 4420"),
            -32602,
            "Invalid parameters".into(),
        ),
        ("framework_start_init".into(), -1, "Method may only be called before framework is initialized.".into()),
    ];
    for (line, code, message) in cases {
        let said = client.refused(&target, &line);
        assert!(said.0 == code && said.1.contains(&message), "{line}: {said:?}, expected {code} {message:?}");
    }
    // Nothing came of it.
    let bdevs = client.run(&target, "bdev_get_bdevs").json();
    assert_eq!(bdevs.as_array().unwrap().len(), 4);
    assert_eq!(
        target.try_rpc("nonsense", Value::Null).unwrap_err(),
        json!({ "code": -32601, "message": "Method not found" })
    );
    let unknown =
        target.try_rpc("bdev_null_create", json!({ "name": "N", "num_blocks": 8, "block_size": 512, "colour": "red" }));
    assert_eq!(unknown.unwrap_err()["code"], json!(-32603), "an unknown parameter is an error");
}

#[test]
fn several_commands_on_standard_input() {
    let Some(client) = Client::spdk() else { return };
    let target = setup().start();
    let lines: String = commands(target.setup()).into_iter().map(|(line, _)| line + "\n").collect();
    let said = client.run_with(&target, "", &format!("# the whole configuration\n{lines}bdev_get_bdevs -b Null0\n"));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("Malloc0") && said.out.contains("\"num_blocks\": 16384"), "{}", said.out);
    target.connect(NQN, &as_host1()).namespace(1).unwrap();
    let batch = "bdev_null_create B0 1 512\nbdev_null_create B1 1 512\nbdev_get_bdevs -b B1\n";
    let said = client.run_with(&target, "--batch-mode", batch);
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    assert!(said.out.contains("\"B0\"") && said.out.contains("\"num_blocks\": 2048"), "{}", said.out);
}

/// The requests exactly as SPDK's client sends them, switches that mean nothing here included.
#[test]
fn requests_with_all_their_switches() {
    let target = setup().start();
    let port = target.setup().port().to_string();
    let aio = target.setup().dir().join("aio.img");
    let listen = json!({ "trtype": "tcp", "traddr": "127.0.0.1", "trsvcid": port });
    let free_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let calls = [
        (
            "bdev_malloc_create",
            json!({ "num_blocks": 8192, "block_size": 512, "name": "Malloc0", "md_interleave": false, "dif_is_head_of_md": false }),
            json!("Malloc0"),
        ),
        (
            "bdev_null_create",
            json!({ "num_blocks": 8192, "block_size": 512, "name": "Null0", "dif_is_head_of_md": false }),
            json!("Null0"),
        ),
        (
            "bdev_aio_create",
            json!({ "filename": aio, "name": "AIO0", "block_size": 4096, "readonly": false, "fallocate": false, "nowait": false }),
            json!("AIO0"),
        ),
        (
            "nvmf_create_transport",
            json!({ "no_srq": false, "c2h_success": true, "trtype": "TCP", "zcopy": false, "dif_insert_or_strip": false, "no_wr_batching": false, "disable_mappable_bar0": false, "disable_adaptive_irq": false, "disable_shadow_doorbells": false, "disable_command_passthru": false }),
            json!(true),
        ),
        (
            "nvmf_create_subsystem",
            json!({ "nqn": NQN, "serial_number": "SN", "model_number": "MN", "allow_any_host": true, "ana_reporting": false, "passthrough": false, "enable_nssr": false }),
            json!(true),
        ),
        (
            "nvmf_subsystem_add_ns",
            json!({ "nqn": NQN, "namespace": { "bdev_name": "Malloc0", "nsid": 1, "no_auto_visible": false } }),
            json!(1),
        ),
        ("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": { "bdev_name": "Null0" } }), json!(2)),
        (
            "nvmf_subsystem_add_listener",
            json!({ "nqn": NQN, "secure_channel": false, "listen_address": listen }),
            json!(true),
        ),
        ("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": HOST }), json!(true)),
        (
            "iscsi_create_portal_group",
            json!({ "portals": [{ "host": "127.0.0.1", "port": free_port }], "tag": 1, "private": false, "wait": false }),
            json!(true),
        ),
        (
            "iscsi_create_initiator_group",
            json!({ "tag": 2, "initiators": ["ANY"], "netmasks": ["127.0.0.1/32"] }),
            json!(true),
        ),
        (
            "iscsi_create_target_node",
            json!({ "luns": [{ "bdev_name": "AIO0", "lun_id": 0 }], "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 2 }], "name": "disk1", "alias_name": "Data Disk1", "queue_depth": 64, "disable_chap": true, "require_chap": false, "mutual_chap": false, "header_digest": false, "data_digest": false }),
            json!(true),
        ),
        ("framework_get_config", json!({ "name": "bdev", "with_batches": false }), Value::Null),
        ("rpc_get_methods", json!({ "current": true, "include_aliases": false }), Value::Null),
    ];
    for (method, params, result) in calls {
        let answer = target.rpc(method, params);
        assert!(result.is_null() || answer == result, "{method}: {answer}");
    }
    // What older clients still send.
    target.rpc("nvmf_delete_subsystem", json!({ "nqn": NQN }));
    target.rpc("nvmf_create_subsystem", json!({ "nqn": NQN }));
    let old = setup().start();
    let options = json!({ "trtype": "TCP", "io_unit_size": 16384, "num_shared_buffers": 511, "buf_cache_size": 32, "max_io_qpairs_per_ctrlr": 7, "in_capsule_data_size": 8192 });
    assert_eq!(old.rpc("nvmf_create_transport", options), json!(true));
}

/// Our script that needs nothing but Python, with required parameters in the schema's order or by name.
#[test]
fn our_own_script() {
    let client = Client::ours();
    let target = setup().start();
    client.run(&target, "nvmf_create_transport TCP");
    client.run(&target, "bdev_malloc_create --name Malloc0 --num-blocks 8192 --block-size 512");
    client.run(&target, &format!("nvmf_create_subsystem {NQN} --serial-number SN --allow-any-host true"));
    client.run(
        &target,
        &format!("nvmf_subsystem_add_ns --json {}", json!({ "nqn": NQN, "namespace": { "bdev_name": "Malloc0" } })),
    );
    let listen = json!({ "nqn": NQN, "listen_address": { "trtype": "TCP", "traddr": "127.0.0.1", "trsvcid": target.setup().port().to_string() } });
    client.run(&target, &format!("nvmf_subsystem_add_listener --json {listen}"));
    target.is_well("a configuration by scripts/rpc.py");
    let saved = client.run(&target, "save_config").json();
    let target = target.kill().start();
    assert_eq!(client.run_with(&target, "load_config", &saved.to_string()).code, 0);
    assert_eq!(client.run(&target, "save_config").json(), saved);
    assert_eq!(client.refused(&target, "bdev_get_bdevs --name None0"), (-19, "No such device".to_owned()));
}
