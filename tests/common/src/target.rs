//! The target as a process.

use crate::{Disk, LIMIT, pattern, rpc, until};
use host::{Address, Controller, Identity, Options};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The subsystem that the tests use when one is enough.
pub const NQN: &str = "nqn.2026-11.org.example:disk";

/// A port on 127.0.0.1 that nobody listens on and that the kernel gives to no outgoing connection.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 12_000 + (std::process::id() % 1000) as u16 * 19;
    (0..2000)
        .map(|_| 12_000 + (base - 12_000 + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000)
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("a free port")
}

/// How a target is to be started. Clones share their directory.
#[derive(Clone)]
pub struct Setup {
    binary: PathBuf,
    dir: Arc<TempDir>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    huge: bool,
    port: u16,
}

impl Setup {
    /// The binary at this path, with nothing configured, in ordinary memory.
    pub fn new(binary: &str) -> Self {
        Self {
            binary: binary.into(),
            dir: Arc::new(tempfile::tempdir().expect("a directory")),
            arguments: Vec::new(),
            environment: Vec::new(),
            huge: false,
            port: free_port(),
        }
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without `--no-huge`.
    #[must_use]
    pub fn huge(mut self) -> Self {
        self.huge = true;
        self
    }

    /// A configuration file; `@PORT@` in it stands for [`Setup::port`], `@DIR@` for [`Setup::dir`].
    #[must_use]
    pub fn conf(self, text: &str) -> Self {
        let path = self.dir().join("qfc.conf");
        let dir = self.dir().to_str().expect("a temporary directory is UTF-8").to_owned();
        let text = text.replace("@PORT@", &self.port.to_string()).replace("@DIR@", &dir);
        std::fs::write(&path, text).expect("the configuration can be written");
        let path = path.to_str().expect("a temporary directory is UTF-8").to_owned();
        self.args(&["-c", &path])
    }

    /// Its directory; away when the last clone is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The port that is meant for its listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("-r").arg(self.dir().join("rpc.sock"));
        if !self.huge {
            command.arg("--no-huge");
        }
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.dir()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end: for what does not start.
    ///
    /// # Panics
    /// If it cannot be run at all.
    pub fn output(&self) -> Output {
        self.command().output().expect("the target runs")
    }

    /// Starts it and waits until it is in service.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(&self) -> Target {
        self.start_until("framework_wait_init")
    }

    /// Starts it and waits until its RPC socket answers: for `--wait-for-rpc`.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_waiting(&self) -> Target {
        self.start_until("rpc_get_methods")
    }

    fn start_until(&self, answered: &str) -> Target {
        let file = |name: &str| std::fs::File::create(self.dir().join(name)).expect("a file for the log");
        let begun = Instant::now();
        let child = self.command().stdout(file("out")).stderr(file("log")).spawn().expect("the target starts");
        let mut target = Target { child, setup: self.clone(), begun };
        until("the target answers", || {
            let status = target.child.try_wait().expect("a child can be waited for");
            assert!(status.is_none(), "the target ended: {status:?}");
            target.try_rpc(answered, Value::Null).ok()
        });
        target
    }
}

/// A running target. Dropped, its process is killed; when the test failed, the end of its log is shown.
pub struct Target {
    child: Child,
    setup: Setup,
    begun: Instant,
}

impl Target {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it was started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// When it was started.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The RPC socket.
    pub fn socket(&self) -> PathBuf {
        self.setup.dir().join("rpc.sock")
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.setup.dir().join("log")).unwrap_or_default()
    }

    /// What it wrote to stdout so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.setup.dir().join("out")).unwrap_or_default()
    }

    /// A call; the error object if there is one.
    ///
    /// # Errors
    /// The error object; code 0 where the socket itself failed.
    pub fn try_rpc(&self, method: &str, params: Value) -> Result<Value, Value> {
        rpc::call(&self.socket(), method, params)
    }

    /// A call that must work.
    ///
    /// # Panics
    /// If it does not.
    pub fn rpc(&self, method: &str, params: Value) -> Value {
        self.try_rpc(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// Creates the TCP transport.
    pub fn tcp(&self) {
        self.rpc("nvmf_create_transport", json!({ "trtype": "TCP" }));
    }

    /// A RAM volume.
    pub fn malloc(&self, name: &str, mib: u64, block: u64) {
        self.rpc("bdev_malloc_create", json!({ "name": name, "num_blocks": (mib << 20) / block, "block_size": block }));
    }

    /// A subsystem for any host with these bdevs as namespaces 1, 2, .., at the target's port.
    pub fn subsystem(&self, nqn: &str, bdevs: &[&str]) {
        self.rpc("nvmf_create_subsystem", json!({ "nqn": nqn, "serial_number": "SN1", "allow_any_host": true }));
        for (bdev, nsid) in bdevs.iter().zip(1..) {
            self.rpc("nvmf_subsystem_add_ns", json!({ "nqn": nqn, "namespace": { "bdev_name": bdev, "nsid": nsid } }));
        }
        self.listen(nqn, "127.0.0.1", self.setup.port);
    }

    /// A listener for a subsystem.
    pub fn listen(&self, nqn: &str, address: &str, port: u16) {
        self.rpc("nvmf_subsystem_add_listener", json!({ "nqn": nqn, "listen_address": trid(address, port) }));
    }

    /// Transport, one RAM volume `Malloc0` of 16 MiB with blocks of this size, subsystem [`NQN`].
    pub fn ram_disk(&self, block: u64) {
        self.tcp();
        self.malloc("Malloc0", 16, block);
        self.subsystem(NQN, &["Malloc0"]);
    }

    /// Where a subsystem is.
    pub fn address(&self, nqn: &str) -> Address {
        Address::new("127.0.0.1", self.setup.port, nqn).expect("an address")
    }

    /// Connects a host with these options.
    ///
    /// # Panics
    /// If it cannot.
    pub fn connect(&self, nqn: &str, options: &Options) -> Controller {
        Controller::connect(&self.address(nqn), options).unwrap_or_else(|error| panic!("connect to {nqn}: {error}"))
    }

    /// Queue pairs of a subsystem.
    pub fn qpairs(&self, nqn: &str) -> usize {
        self.rpc("nvmf_subsystem_get_qpairs", json!({ "nqn": nqn })).as_array().expect("a list").len()
    }

    /// Still serves: a fresh host identifies, writes and reads back; RPC answers; all queue pairs go when it has gone;
    /// nothing in the log says that something panicked.
    ///
    /// # Panics
    /// If one of these is not so.
    pub fn is_well(&self, after: &str) {
        static HOST: AtomicU16 = AtomicU16::new(0);
        let number = HOST.fetch_add(1, Ordering::Relaxed);
        let name = format!("nqn.2026-11.org.example:fresh{number}");
        let options = Options { host: Identity::new(Some(&name), None).expect("a name"), ..Options::default() };
        let mut controller = Controller::connect(&self.address(NQN), &options)
            .unwrap_or_else(|error| panic!("after {after}: a fresh host cannot connect: {error}"));
        let mut disk = Disk::open(&mut controller, 1, 1, 8, 16 << 10);
        let data = pattern(u64::from(number), 8 * disk.block() as usize);
        disk.write(64, &data);
        assert!(disk.read(64, 8) == data, "after {after}: a fresh host reads what it did not write");
        drop(disk);
        controller.disconnect().unwrap_or_else(|error| panic!("after {after}: shutdown: {error}"));
        until(&format!("after {after}: the queue pairs are gone"), || (self.qpairs(NQN) == 0).then_some(()));
        until(&format!("after {after}: no queue and no I/O is left on any core"), || self.is_empty().then_some(()));
        let log = self.log();
        assert!(!log.contains("panicked"), "after {after}: {log}");
    }

    /// Whether the cores count no connected queue and no I/O in a device.
    fn is_empty(&self) -> bool {
        let stats = self.rpc("nvmf_get_stats", Value::Null);
        let groups = stats["poll_groups"].as_array().expect("a list");
        let counts = ["current_admin_qpairs", "current_io_qpairs", "pending_bdev_io"];
        groups.iter().all(|group| counts.iter().all(|count| group[count] == 0))
    }

    /// Sends a signal by its name (`TERM`).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().expect("kill runs");
        assert!(status.success(), "kill -s {name}");
    }

    /// Waits for its end; exit code (minus the signal where one killed it) and log.
    ///
    /// # Panics
    /// If it does not end.
    pub fn end(mut self) -> (i32, String) {
        let status = until("the target ends", || self.child.try_wait().expect("a child can be waited for"));
        (code(status), self.log())
    }

    /// Kills it (-9) and waits until it is gone.
    pub fn kill(mut self) -> Setup {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
        self.setup.clone()
    }

    /// SIGTERM, and the end in order.
    ///
    /// # Panics
    /// If it ends otherwise.
    pub fn stop(self) -> Setup {
        let setup = self.setup.clone();
        self.signal("TERM");
        let (code, log) = self.end();
        assert_eq!(code, 0, "{log}");
        setup
    }

    /// CPU time that the process's threads have used, user and system: as the scheduler counts it, in nanoseconds; at
    /// least what is counted in ticks of 10 ms.
    pub fn cpu_time(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the process is there");
        let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("schedstat")).ok();
        let run = |text: String| text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
        let exact: u64 = tasks.filter_map(|task| of_task(task.ok()?)).filter_map(run).sum();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("the process is there");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("a name in parentheses").split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number of ticks")).sum();
        // USER_HZ is 100 on every Linux that Rust runs on.
        Duration::from_nanos(exact).max(Duration::from_millis(ticks * 10))
    }
}

/// A listen address as the RPCs have it.
fn trid(address: &str, port: u16) -> Value {
    let family = if address.contains(':') { "IPv6" } else { "IPv4" };
    json!({ "trtype": "TCP", "adrfam": family, "traddr": address, "trsvcid": port.to_string() })
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the target's log, its end ---\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

const _: () = assert!(LIMIT.as_secs() >= 10, "the machine may be busy");
