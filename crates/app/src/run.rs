//! The life of the process: configuration, memory, cores, subsystems, then waiting for the end.

use crate::builtin::{Announcer, Built};
use crate::config_file::{Plan, Planned};
use crate::exit::Exit;
use crate::log_backend::backend;
use crate::options::{Idle, Options};
use crate::signals;
use crate::{App, Call, Cli, Methods, Need, Notify, RpcError, State, Subsystem, in_order};
use clap::CommandFactory;
use reactor::{Clock, Cores};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long subsystems may take to stop after a core has died.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Why the process cannot go on.
struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    fn new(exit: Exit, text: impl ToString) -> Self {
        Self { exit, text: text.to_string() }
    }
}

/// The whole life of the target: reads the configuration, takes memory and cores, starts the subsystems, makes the calls
/// of the configuration, waits for a signal, stops. Call it from the main thread before any other thread is started.
///
/// `default_config` is what `--default-config` uses. The exit codes are those of [`Exit`].
pub fn run(cli: Cli, subsystems: Vec<Arc<dyn Subsystem>>, default_config: &str) -> ExitCode {
    backend().install();
    let exit = if let Some(shell) = cli.completions {
        clap_complete::generate(shell, &mut Cli::command(), "qfc_tgt", &mut std::io::stdout());
        Exit::Ok
    } else if cli.man {
        print_manual()
    } else {
        live(&cli, subsystems, default_config).unwrap_or_else(|failure| {
            log::error!(target: "app", "{}", failure.text);
            eprintln!("Initialization failed.");
            failure.exit
        })
    };
    exit.into()
}

fn print_manual() -> Exit {
    match clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Usage,
    }
}

fn live(cli: &Cli, subsystems: Vec<Arc<dyn Subsystem>>, default_config: &str) -> Result<Exit, Failure> {
    let subsystems: Arc<[Arc<dyn Subsystem>]> =
        in_order(subsystems).map_err(|error| Failure::new(Exit::Start, format!("{error:#}")))?.into();
    let plan = load(cli, default_config)?;
    let options = cli.effective(&plan.options).map_err(|error| Failure::new(Exit::Config, error))?;
    set_up_log(cli, &options, &subsystems)?;
    if cli.check { check(plan, options, subsystems) } else { serve(plan, options, subsystems) }
}

fn load(cli: &Cli, default_config: &str) -> Result<Plan, Failure> {
    match &cli.config {
        Some(path) => Plan::read(path).map_err(|error| Failure::new(Exit::Config, error)),
        None if cli.default_config => Ok(Plan::parse("the built-in configuration", default_config.as_bytes())),
        None => Ok(Plan::default()),
    }
}

fn set_up_log(cli: &Cli, options: &Options, subsystems: &[Arc<dyn Subsystem>]) -> Result<(), Failure> {
    let backend = backend();
    subsystems.iter().for_each(|subsystem| backend.know(subsystem.name()));
    if cli.silence_noticelog || cli.check {
        backend.set_print_level("WARNING");
    }
    for flag in &options.log_flags {
        if !backend.set_flag(flag, true) {
            let known: Vec<String> = backend.all_flags().into_keys().collect();
            return Err(Failure::new(
                Exit::Usage,
                format!("-L {flag}: there is no such flag; there are {}, all", known.join(", ")),
            ));
        }
    }
    cli.notices().iter().for_each(|notice| log::info!(target: "app", "accepted without effect: {notice}"));
    Ok(())
}

/// `--check`: says what is wrong, prints the calls, starts nothing.
fn check(mut plan: Plan, options: Options, subsystems: Arc<[Arc<dyn Subsystem>]>) -> Result<Exit, Failure> {
    let arena = dma::Arena::new(dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 });
    let arena = arena.map_err(|error| Failure::new(Exit::Memory, error))?;
    let built = build(options, arena, Arc::new([]), subsystems).map_err(|error| Failure::new(Exit::Start, error))?;
    plan.verify(&built.app.methods);
    plan.remarks.iter().for_each(|remark| eprintln!("{remark}"));
    say(&format!("{:#}", plan.to_json()));
    Ok(if plan.failed { Exit::Config } else { Exit::Ok })
}

/// The process as an [`App`] in the STARTUP state, with the built-in methods and those of `subsystems` in its table and
/// nothing started: what [`run`] begins with, and a test of a subsystem.
///
/// # Errors
/// Two methods of one name.
pub fn assemble(
    options: Options,
    arena: Arc<dma::Arena>,
    cores: Arc<[reactor::Handle]>,
    subsystems: Arc<[Arc<dyn Subsystem>]>,
) -> anyhow::Result<App> {
    build(options, arena, cores, subsystems).map(|built| built.app)
}

fn build(
    options: Options,
    arena: Arc<dma::Arena>,
    cores: Arc<[reactor::Handle]>,
    subsystems: Arc<[Arc<dyn Subsystem>]>,
) -> anyhow::Result<Built> {
    let notify = Arc::new(Notify::default());
    let bdevs = Arc::new(bdev::Registry::new(options.cores.len()));
    bdevs.watch(Arc::new(Announcer::new(notify.clone())));
    let app = App { cores, arena, bdevs, options: Arc::new(options), notify, methods: Arc::new(Methods::default()) };
    let built = Built::new(app, subsystems);
    let mut methods = built.methods();
    methods.extend(built.subsystems.iter().flat_map(|subsystem| subsystem.clone().methods()));
    built.app.methods.fill(methods)?;
    Ok(built)
}

fn serve(mut plan: Plan, options: Options, subsystems: Arc<[Arc<dyn Subsystem>]>) -> Result<Exit, Failure> {
    // Before the first thread: signals are for the thread that waits for them.
    signals::block();
    let arena = memory(&options, &plan.calls, &subsystems)?;
    let ending = Ending::default();
    let cores = start_cores(&options, &ending)?;
    let wait_for_rpc = options.wait_for_rpc;
    let built =
        build(options, arena, cores.handles().into(), subsystems).map_err(|error| Failure::new(Exit::Start, error))?;
    ending.watch(&built.app.methods);
    plan.verify(&built.app.methods);
    plan.remarks.iter().for_each(|remark| log::warn!(target: "app", "{remark}"));
    if plan.failed {
        return Err(Failure::new(Exit::Config, "the configuration has errors: see above, or use --check"));
    }
    let mut started = Vec::new();
    let outcome = begin(&built, &plan, wait_for_rpc, &mut started);
    let outcome = outcome.map(|()| await_end(&built.app.methods));
    built.app.methods.enter(State::Stopping);
    stop(started, cores);
    outcome.map(|()| ending.exit())
}

/// Takes the memory that the configuration needs, and says how much for what.
fn memory(options: &Options, calls: &[Planned], subsystems: &[Arc<dyn Subsystem>]) -> Result<Arc<dma::Arena>, Failure> {
    let calls: Vec<Call> = calls.iter().map(|planned| planned.call.clone()).collect();
    let needs: Vec<Need> = subsystems.iter().flat_map(|s| s.memory(options.cores.len(), &calls)).collect();
    let needed: u64 = needs.iter().map(|need| need.bytes).sum();
    if let Some(given) = options.mem_mib.filter(|given| needed > given << 20) {
        let text = format!("the configuration needs {} MiB and -s gives {given} MiB", mib(needed));
        return Err(Failure::new(Exit::Memory, format!("{text}: start with -s {}, or without -s", mib(needed))));
    }
    let reserve = needed.max(options.mem_mib.unwrap_or(0) << 20);
    needs.iter().for_each(|need| log::info!(target: "app", "memory: {} MiB for {}", mib(need.bytes), need.what));
    log::info!(target: "app", "memory: {} MiB in all{}", mib(reserve), if options.huge { ", hugepages" } else { "" });
    let backing = match options.huge {
        true => dma::Backing::Huge { dir: options.huge_dir.clone() },
        false => dma::Backing::Ordinary,
    };
    let reserve =
        usize::try_from(reserve).map_err(|_| Failure::new(Exit::Memory, "more memory than there are addresses"))?;
    let arena = dma::Arena::new(dma::Options { backing, single_file: options.single_file, reserve });
    arena.map_err(|error| Failure::new(Exit::Memory, error))
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn start_cores(options: &Options, ending: &Ending) -> Result<Cores, Failure> {
    let idle = match options.idle {
        Idle::Spin => reactor::Idle::Spin,
        Idle::Adaptive(spin) => reactor::Idle::Adaptive { spin },
    };
    let theirs = reactor::Options { idle, clock: Clock::real(), ..reactor::Options::default() };
    let ending = ending.clone();
    Cores::start(&options.cores, &theirs, move |_, _| ending.died()).map_err(|error| Failure::new(Exit::Start, error))
}

/// From STARTUP to RUNTIME. What was started is in `started`, also when something failed.
fn begin(built: &Built, plan: &Plan, wait_for_rpc: bool, started: &mut Vec<Arc<dyn Subsystem>>) -> Result<(), Failure> {
    let methods = &built.app.methods;
    let (early, late) = plan.phases(methods);
    start(built, started, |subsystem| subsystem.early())?;
    replay(methods, &early)?;
    if wait_for_rpc {
        log::info!(target: "app", "waiting for framework_start_init on {}", built.app.options.rpc_socket.display());
        methods.wait_until(|state| state != State::Startup);
    } else {
        methods.advance(State::Startup, State::Starting);
    }
    if methods.state() != State::Starting {
        return Ok(());
    }
    start(built, started, |subsystem| !subsystem.early())?;
    replay(methods, &late)?;
    if methods.advance(State::Starting, State::Runtime) {
        log::info!(target: "app", "running on {}; {}", cores(built.app.cores.len()), summary(plan));
        built.subsystems.iter().flat_map(|subsystem| subsystem.serves()).for_each(|line| say(&line));
    }
    Ok(())
}

/// A line for people; one who does not listen is no reason to end.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn cores(count: usize) -> String {
    if count == 1 { "1 core".to_owned() } else { format!("{count} cores") }
}

fn summary(plan: &Plan) -> String {
    match plan.calls.len() {
        0 => "nothing is configured yet".to_owned(),
        calls => format!("{calls} calls of the configuration made"),
    }
}

fn start(
    built: &Built,
    started: &mut Vec<Arc<dyn Subsystem>>,
    which: impl Fn(&dyn Subsystem) -> bool,
) -> Result<(), Failure> {
    for subsystem in built.subsystems.iter().filter(|subsystem| which(&***subsystem)) {
        subsystem
            .start(&built.app)
            .map_err(|error| Failure::new(Exit::Start, format!("{}: {error:#}", subsystem.name())))?;
        started.push(subsystem.clone());
    }
    Ok(())
}

/// Makes the calls of the configuration, in whatever state, until the process is to end.
fn replay(methods: &Methods, calls: &[Planned]) -> Result<(), Failure> {
    for Planned { call, origin } in calls {
        if methods.state() == State::Stopping {
            break;
        }
        methods
            .replay(call)
            .map_err(|error| Failure::new(blame(call, &error), format!("{origin}: {}: {error}", call.method)))?;
    }
    Ok(())
}

/// An address that is not to be had now may be had later; all else is the configuration's fault.
fn blame(call: &Call, error: &RpcError) -> Exit {
    // SPDK's code for both is that of invalid parameters; only the system's own error tells them apart.
    let taken = call.method == "nvmf_subsystem_add_listener" && error.to_string().contains("(os error ");
    if taken { Exit::Start } else { Exit::Config }
}

fn await_end(methods: &Methods) {
    methods.wait_until(|state| state == State::Stopping);
    log::info!(target: "app", "stopping; once more stops at once");
}

fn stop(mut started: Vec<Arc<dyn Subsystem>>, cores: Cores) {
    while let Some(subsystem) = started.pop() {
        log::debug!(target: "app", "stopping {}", subsystem.name());
        subsystem.stop();
    }
    for panic in cores.stop() {
        log::error!(target: "app", "a core had died: {panic}");
    }
}

/// How it ends, told by signals and by cores that die.
#[derive(Clone, Default)]
struct Ending {
    died: Arc<AtomicBool>,
    methods: Arc<std::sync::OnceLock<Arc<Methods>>>,
}

impl Ending {
    /// From now on a signal ends the RUNTIME state, a second one the process.
    fn watch(&self, methods: &Arc<Methods>) {
        let _ = self.methods.set(methods.clone());
        let theirs = methods.clone();
        signals::watch(move || theirs.enter(State::Stopping), || std::process::exit(Exit::Forced.code().into()));
        if self.died.load(Ordering::SeqCst) {
            methods.enter(State::Stopping);
        }
    }

    fn died(&self) {
        self.died.store(true, Ordering::SeqCst);
        if let Some(methods) = self.methods.get() {
            methods.enter(State::Stopping);
        }
        std::thread::spawn(|| {
            std::thread::sleep(LAST_WORDS);
            std::process::exit(Exit::Died.code().into());
        });
    }

    fn exit(&self) -> Exit {
        if self.died.load(Ordering::SeqCst) { Exit::Died } else { Exit::Ok }
    }
}
