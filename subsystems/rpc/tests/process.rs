//! A target's whole life as a process: options, configuration files, `--wait-for-rpc`, signals, exit codes, `scripts/rpc.py`.
//!
//! The binary is its own target: with `--as-target` it is `app::run` with some subsystems, else it runs the tests.

use clap::Parser;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEFAULT: &str = "[Malloc]\n  NumberOfLuns 1\n  LunSizeInMB 2\n";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "--as-target") {
        arguments.remove(1);
        return app::run(app::Cli::parse_from(arguments), subsystems(), DEFAULT);
    }
    run_tests(arguments.iter().skip(1).find(|argument| !argument.starts_with('-')).map(String::as_str))
}

fn subsystems() -> Vec<Arc<dyn app::Subsystem>> {
    vec![
        rpc::Rpc::new(),
        Arc::new(bdev_malloc::MallocSubsystem::default()),
        Arc::new(bdev_null::NullSubsystem::default()),
        Arc::new(Slow),
    ]
}

/// Takes its time to stop when a certain file is there, and refuses to start when another is.
struct Slow;

impl app::Subsystem for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn section(&self) -> &'static str {
        ""
    }

    fn methods(self: Arc<Self>) -> Vec<app::Method> {
        vec![app::Method::new("slow_kill_core", app::When::Runtime, "Has the first core panic", |_: app::NoParams| {
            CORE.get()
                .unwrap()
                .send(|_| panic!("killed by a test"))
                .map_err(|e| app::RpcError::internal(e.to_string()))
                .map(|()| true)
        })]
    }

    fn start(&self, app: &app::App) -> anyhow::Result<()> {
        let _ = CORE.set(app.cores[0].clone());
        anyhow::ensure!(std::env::var_os("REFUSE").is_none(), "it was told to refuse");
        Ok(())
    }

    fn stop(&self) {
        if std::env::var_os("SLOW").is_some() {
            std::thread::sleep(Duration::from_secs(60));
        }
    }

    fn config(&self) -> Vec<app::Call> {
        Vec::new()
    }
}

static CORE: std::sync::OnceLock<reactor::Handle> = std::sync::OnceLock::new();

type Test = (&'static str, fn());

const TESTS: [Test; 11] = [
    ("help_version_man_completions", help_version_man_completions),
    ("usage_errors_are_2", usage_errors_are_2),
    ("check_says_what_is_wrong_with_line", check_says_what_is_wrong_with_line),
    ("an_ini_file_is_served_and_sigterm_ends_it", an_ini_file_is_served_and_sigterm_ends_it),
    ("a_json_file_is_the_same_as_what_it_saves", a_json_file_is_the_same_as_what_it_saves),
    ("a_refused_call_names_its_place", a_refused_call_names_its_place),
    ("wait_for_rpc", wait_for_rpc),
    ("a_second_signal_stops_at_once", a_second_signal_stops_at_once),
    ("what_is_not_to_be_had_is_4_and_memory_3", what_is_not_to_be_had_is_4_and_memory_3),
    ("a_dead_core_ends_the_process_with_6", a_dead_core_ends_the_process_with_6),
    ("rpc_py", rpc_py),
];

fn run_tests(wanted: Option<&str>) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in TESTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted))) {
        let verdict = catch_unwind(test);
        println!("test {name} ... {}", if verdict.is_ok() { "ok" } else { "FAILED" });
        if verdict.is_ok() { passed += 1 } else { failed += 1 }
    }
    println!("\ntest result: {passed} passed; {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

struct Target {
    child: Child,
    dir: tempfile::TempDir,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--as-target").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> (i32, String, String) {
    let output: Output = command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

impl Target {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_with(arguments, environment, None)
    }

    fn start_with(arguments: &[&str], environment: &[(&str, &str)], config: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("rpc.sock");
        let mut command = command(&["--no-huge", "-r", socket.to_str().unwrap()]);
        if let Some(config) = config {
            let file = dir.path().join("config");
            std::fs::write(&file, config).unwrap();
            command.arg("-c").arg(file);
        }
        let child = command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::inherit()).spawn().unwrap();
        let mut target = Self { child, dir };
        target.await_socket();
        target
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("rpc.sock")
    }

    fn await_socket(&mut self) {
        let start = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            assert!(
                self.child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20),
                "it does not come up"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let mut stream = BufReader::new(UnixStream::connect(self.socket()).unwrap());
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        stream.get_mut().write_all(request.to_string().as_bytes()).unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let reply: Value = serde_json::from_str(&line).unwrap();
        if reply["error"].is_null() { Ok(reply["result"].clone()) } else { Err(reply["error"].clone()) }
    }

    fn names(&self) -> Vec<String> {
        let list = self.call("bdev_get_bdevs", Value::Null).unwrap();
        list.as_array().unwrap().iter().map(|bdev| bdev["name"].as_str().unwrap().to_owned()).collect()
    }

    fn saved(&self) -> Value {
        let sections = self.call("framework_get_subsystems", Value::Null).unwrap();
        let save = |section: &Value| {
            let name = &section["subsystem"];
            json!({ "subsystem": name, "config": self.call("framework_get_config", json!({ "name": name })).unwrap() })
        };
        json!({ "subsystems": sections.as_array().unwrap().iter().map(save).collect::<Vec<_>>() })
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The exit code and the log, which must come within some seconds.
    fn end(mut self) -> (i32, String) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut log).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), log)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn help_version_man_completions() {
    let (code, help, _) = output(&["--help"]);
    assert!(code == 0 && help.contains("Exit codes:") && help.contains("--default-config"), "{help}");
    let (code, help, _) = output(&["-h"]);
    assert!(code == 0 && help.contains("Examples:") && !help.contains("--shm-id"));
    assert!(output(&["-v"]).1.starts_with("qfc_tgt "));
    assert!(output(&["--man"]).1.contains(".SH OPTIONS"));
    assert!(output(&["--completions", "bash"]).1.contains("complete -F"));
}

fn usage_errors_are_2() {
    assert_eq!(output(&["--nonsense"]).0, 2);
    let (code, _, log) = output(&["--no-huge", "-L", "nonsense"]);
    assert!(code == 2 && log.contains("there is no such flag") && log.contains("rpc"), "{log}");
}

fn check_says_what_is_wrong_with_line() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let file = dir.path().join("x.conf");
        std::fs::write(&file, text).unwrap();
        output(&["--check", "-c", file.to_str().unwrap()])
    };
    let (code, json, remarks) = check("[Malloc]\n  NumberOfLuns 2\n  LunSizeInMB 4\n");
    let calls: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, remarks.as_str(), calls["subsystems"][0]["config"].as_array().unwrap().len()), (0, "", 2));
    let (code, _, remarks) = check("[Malloc]\n  NumberOfLuns 1\n  LunSizeInMB 4\n  Nonsense 5\n");
    assert!(code == 0 && remarks.contains("x.conf:4: warning"), "{code} {remarks}");
    let (code, _, remarks) = check(
        r#"{"subsystems":[{"subsystem":"bdev","config":[{"method":"bdev_nonsense"},{"method":"bdev_null_create","params":{}}]}]}"#,
    );
    assert!(code == 1 && remarks.contains("call 1: error: bdev_nonsense: Method not found"), "{remarks}");
    assert!(remarks.contains("call 2: error: bdev_null_create:") && remarks.contains("missing field"), "{remarks}");
    let (code, _, remarks) = check("{\n\"subsystems\": [,]}");
    assert!(code == 1 && remarks.contains("line 2"), "{remarks}");
    assert_eq!(output(&["--check", "-c", "/nowhere"]).0, 1);
    assert_eq!(output(&["--check", "--default-config"]).0, 0);
}

fn an_ini_file_is_served_and_sigterm_ends_it() {
    let target = Target::start_with(&[], &[], Some("[Malloc]\n  NumberOfLuns 2\n  LunSizeInMB 1\n"));
    assert_eq!(target.call("framework_wait_init", Value::Null), Ok(json!(true)));
    assert_eq!(target.names(), ["Malloc0", "Malloc1"]);
    assert_eq!(target.call("framework_start_init", Value::Null).unwrap_err()["code"], -1);
    target.signal("HUP");
    let socket = target.socket();
    target.signal("TERM");
    let (code, log) = target.end();
    assert!(code == 0 && log.contains("NOTICE app: running on 1 core"), "{code} {log}");
    assert!(!socket.exists());
}

fn a_json_file_is_the_same_as_what_it_saves() {
    let first = Target::start(&["--default-config"], &[]);
    first.call("framework_wait_init", Value::Null).unwrap();
    first.call("bdev_null_create", json!({ "name": "N0", "num_blocks": 4096, "block_size": 4096 })).unwrap();
    let saved = first.saved();
    let commented = format!("// saved\n{saved:#} /* end */");
    let second = Target::start_with(&[], &[], Some(&commented));
    second.call("framework_wait_init", Value::Null).unwrap();
    assert_eq!(second.names(), ["Malloc0", "N0"]);
    assert_eq!(second.saved(), saved);
    assert_eq!(first.call("spdk_kill_instance", json!({ "sig_name": "SIGTERM" })), Ok(json!(true)));
    assert_eq!(first.end().0, 0);
}

fn a_refused_call_names_its_place() {
    let twice = r#"{"subsystems":[{"subsystem":"bdev","config":[
        {"method":"bdev_null_create","params":{"name":"N","num_blocks":8,"block_size":512}},
        {"method":"bdev_null_create","params":{"name":"N","num_blocks":8,"block_size":512}}]}]}"#;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("twice.json");
    std::fs::write(&file, twice).unwrap();
    let socket = dir.path().join("rpc.sock");
    let (code, _, log) = output(&["--no-huge", "-r", socket.to_str().unwrap(), "-c", file.to_str().unwrap()]);
    assert!(code == 1 && log.contains("twice.json: subsystem bdev, call 2: bdev_null_create:"), "{code} {log}");
    assert!(log.contains("Initialization failed.") && !socket.exists(), "{log}");
}

fn wait_for_rpc() {
    let target = Target::start(&["--wait-for-rpc", "--default-config"], &[]);
    let current = target.call("rpc_get_methods", json!({ "current": true })).unwrap();
    assert!(current.as_array().unwrap().contains(&json!("framework_start_init")));
    assert_eq!(target.call("bdev_get_bdevs", Value::Null).unwrap_err()["code"], -1);
    assert_eq!(target.call("bdev_set_options", json!({ "bdev_io_pool_size": 1000 })), Ok(json!(true)));
    assert_eq!(target.call("framework_start_init", Value::Null), Ok(json!(true)));
    assert_eq!(target.names(), ["Malloc0"]);
    let options = &target.saved()["subsystems"][0]["config"][0];
    assert_eq!(*options, json!({ "method": "bdev_set_options", "params": { "bdev_io_pool_size": 1000 } }));
    // One that is never told to start can be ended as well.
    let waiting = Target::start(&["--wait-for-rpc"], &[]);
    waiting.signal("INT");
    assert_eq!(waiting.end().0, 0);
}

fn a_second_signal_stops_at_once() {
    let target = Target::start(&[], &[("SLOW", "1")]);
    target.call("framework_wait_init", Value::Null).unwrap();
    target.signal("TERM");
    let start = Instant::now();
    while target.call("bdev_get_bdevs", Value::Null).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    target.signal("TERM");
    assert_eq!(target.end().0, 5);
}

fn what_is_not_to_be_had_is_4_and_memory_3() {
    let target = Target::start(&[], &[]);
    let socket = target.socket();
    let (code, _, log) = output(&["--no-huge", "-r", socket.to_str().unwrap()]);
    assert!(code == 4 && log.contains(&format!("in use by process {}", target.child.id())), "{code} {log}");
    let (code, _, log) = output(&["--no-huge", "-m", "[999]", "-r", "/nowhere"]);
    assert!(code == 4 && log.contains("core 999"), "{code} {log}");
    let refused = command(&["--no-huge", "-r", target.dir.path().join("other.sock").to_str().unwrap()])
        .env("REFUSE", "1")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("slow: it was told to refuse"));
    // No machine has so many hugepages.
    let (code, _, log) = output(&["-s", "64G", "-r", "/nowhere"]);
    assert!(code == 3 && log.contains("--no-huge"), "{code} {log}");
}

fn a_dead_core_ends_the_process_with_6() {
    let target = Target::start(&[], &[]);
    target.call("framework_wait_init", Value::Null).unwrap();
    let _ = target.call("slow_kill_core", Value::Null);
    let (code, log) = target.end();
    assert!(code == 6 && log.contains("core 0 died: killed by a test"), "{code} {log}");
}

fn rpc_py() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rpc.py");
    let target = Target::start(&["--wait-for-rpc"], &[]);
    let rpc = |arguments: &[&str], input: &str| {
        let mut command = Command::new("python3");
        command
            .arg(&script)
            .arg("-s")
            .arg(target.socket())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end without reading; then there is nobody to write to.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let config = r#"{"subsystems":[{"subsystem":"bdev","config":[{"method":"bdev_set_options","params":{"bdev_io_pool_size":9}},
        {"method":"bdev_null_create","params":{"name":"L0","num_blocks":8,"block_size":512}}]}]}"#;
    assert_eq!(rpc(&["load_config"], config), (0, String::new(), String::new()));
    assert_eq!(rpc(&["bdev_null_create", "--name", "N0", "--num-blocks", "0x100", "--block-size=512"], "").1, "N0\n");
    assert_eq!(rpc(&["bdev_null_create", "N1", "512", "64"], "").1, "N1\n", "required ones in the schema's order");
    assert_eq!(rpc(&["bdev_null_create", "--json", r#"{"name":"N2","num_blocks":8,"block_size":512}"#], "").1, "N2\n");
    assert_eq!(target.names(), ["L0", "N0", "N1", "N2"]);
    let (code, saved, _) = rpc(&["save_config"], "");
    assert_eq!((code, serde_json::from_str::<Value>(&saved).unwrap()), (0, target.saved()));
    let (code, out, err) = rpc(&["bdev_get_bdevs", "--name", "none"], "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("Got JSON-RPC error response") && err.contains("-19") && err.contains("No such device"),
        "{err}"
    );
    let (code, _, err) = rpc(&["nonsense"], "");
    assert!(code == 1 && err.contains("Method not found"), "{err}");
    assert!(rpc(&["log_set_level", "--help"], "").1.contains("{ERROR,WARNING,NOTICE,INFO,DEBUG}"));
    assert_eq!(rpc(&["log_set_level", "LOUD"], "").0, 2);
    let (code, _, err) = rpc(&["bdev_null_create", "--name", "x"], "");
    assert!(code == 2 && err.contains("missing: block_size, num_blocks"), "{err}");
    assert!(rpc(&["--list", "null"], "").1.lines().all(|line| line.contains("null")));
    let (code, _, err) = rpc(&["-s", "/nowhere", "rpc_get_methods"], "");
    assert!(code == 1 && err.contains("Is qfc_tgt running"), "{err}");
}
