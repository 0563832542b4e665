//! Methods about the framework itself: what there is to call, its state, its configuration.

use super::Built;
use crate::{Call, DecodeError, Method, NoParams, RpcError, State, When, cpumask};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The SPDK release whose methods, parameters and results ours follow.
const SPDK: (u32, u32, u32) = (26, 9, 0);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetMethods {
    /// Only those that may be called now
    #[serde(default)]
    current: bool,
    /// Old names too
    #[serde(default)]
    include_aliases: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetSchema {
    /// Only of this method
    method: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetConfig {
    /// Section, e.g. bdev or nvmf
    name: String,
    /// Let calls that may be made together stand in arrays (there are none here)
    #[serde(default)]
    with_batches: bool,
}

/// Other members are the options of other schedulers; SPDK lets them pass here as well.
#[derive(Deserialize, JsonSchema)]
struct SetScheduler {
    /// Its name: static
    name: String,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
enum KillSignal {
    #[serde(rename = "SIGINT")]
    Int,
    #[serde(rename = "SIGTERM")]
    Term,
    #[serde(rename = "SIGQUIT")]
    Quit,
    #[serde(rename = "SIGHUP")]
    Hup,
    #[serde(rename = "SIGKILL")]
    Kill,
    #[serde(rename = "SIGUSR1")]
    Usr1,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kill {
    /// Signal to send to the target itself
    sig_name: KillSignal,
}

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let mut list = about_methods(built);
    list.extend(about_state(built));
    list.extend(about_config(built));
    list.extend(about_scheduling(built));
    list
}

fn about_methods(built: &Built) -> Vec<Method> {
    let (names, schema) = (built.clone(), built.clone());
    vec![
        Method::new("rpc_get_methods", When::Both, "Lists the methods", move |p: GetMethods| {
            let methods = &names.app.methods;
            let list = methods.list().iter().filter(|method| !p.current || methods.allowed(method));
            let aliases = |m: &Method| if p.include_aliases { m.aliases().to_vec() } else { Vec::new() };
            Ok(list.flat_map(|m| std::iter::once(m.name()).chain(aliases(m))).collect::<Vec<_>>())
        })
        .alias("get_rpc_methods"),
        Method::new(
            "rpc.schema",
            When::Both,
            "Describes the methods and their parameters as JSON schema",
            move |p: GetSchema| {
                let wanted = |m: &&Method| {
                    p.method.as_deref().is_none_or(|name| name == m.name() || m.aliases().contains(&name))
                };
                let list: Vec<Value> = schema.app.methods.list().iter().filter(wanted).map(describe).collect();
                if list.is_empty() { Err(RpcError::method_not_found()) } else { Ok(list) }
            },
        ),
        Method::new(
            "spdk_get_version",
            When::Both,
            "Tells the version, and the SPDK release it speaks like",
            |_: NoParams| {
                let (ours, (major, minor, patch)) = (env!("CARGO_PKG_VERSION"), SPDK);
                Ok(json!({
                    "version": format!("qfc v{ours} (RPC as SPDK v{major}.{minor:02})"),
                    "fields": { "major": major, "minor": minor, "patch": patch, "suffix": format!("-qfc-{ours}") },
                }))
            },
        )
        .alias("get_spdk_version"),
        Method::new("spdk_kill_instance", When::Runtime, "Sends a signal to the target", |p: Kill| {
            let signal = match p.sig_name {
                KillSignal::Int => Signal::SIGINT,
                KillSignal::Term => Signal::SIGTERM,
                KillSignal::Quit => Signal::SIGQUIT,
                KillSignal::Hup => Signal::SIGHUP,
                KillSignal::Kill => Signal::SIGKILL,
                KillSignal::Usr1 => Signal::SIGUSR1,
            };
            kill(Pid::this(), signal).map_err(|errno| RpcError::errno(errno as i32)).map(|()| true)
        })
        .alias("kill_instance"),
    ]
}

fn describe(method: &Method) -> Value {
    json!({
        "name": method.name(),
        "aliases": method.aliases(),
        "when": method.when(),
        "summary": method.summary(),
        "params": method.schema(),
    })
}

fn about_state(built: &Built) -> Vec<Method> {
    let (start, wait) = (built.clone(), built.clone());
    vec![
        Method::new(
            "framework_start_init",
            When::Startup,
            "Starts the subsystems (after --wait-for-rpc)",
            move |_: NoParams| {
                let methods = &start.app.methods;
                if !methods.advance(State::Startup, State::Starting) {
                    return Err(RpcError::only_before_init());
                }
                started(methods.wait_until(|state| state != State::Starting))
            },
        )
        .alias("start_subsystem_init"),
        Method::new("framework_wait_init", When::Both, "Waits until the subsystems are started", move |_: NoParams| {
            started(wait.app.methods.wait_until(|state| matches!(state, State::Runtime | State::Stopping)))
        })
        .alias("wait_subsystem_init"),
    ]
}

fn started(state: State) -> Result<bool, RpcError> {
    match state {
        State::Runtime => Ok(true),
        _ => Err(RpcError::internal("Initialization failed.").because("the target is shutting down, see its log")),
    }
}

fn about_config(built: &Built) -> Vec<Method> {
    let (list, config) = (built.clone(), built.clone());
    vec![
        Method::new(
            "framework_get_subsystems",
            When::Runtime,
            "Lists the sections of the configuration",
            move |_: NoParams| {
                let entry = |(name, needs)| json!({ "subsystem": name, "depends_on": Value::from(needs) });
                Ok(list.sections().into_iter().map(entry).collect::<Vec<_>>())
            },
        )
        .alias("get_subsystems"),
        Method::new(
            "framework_get_config",
            When::Runtime,
            "Lists the calls that rebuild one section",
            move |p: GetConfig| {
                let _ = p.with_batches;
                let calls: Option<Vec<Call>> = config.config(&p.name);
                calls.ok_or_else(|| RpcError::bad_params(format!("Subsystem '{}' not found", p.name)))
            },
        )
        .decode_error(DecodeError::Own(-32602, "Invalid arguments"))
        .alias("get_subsystem_config"),
    ]
}

fn about_scheduling(built: &Built) -> Vec<Method> {
    let main_core = built.app.options.main_core;
    let accept = |name, summary| Method::new(name, When::Both, summary, |_: NoParams| Ok(true));
    vec![
        Method::new(
            "framework_set_scheduler",
            When::Both,
            "Chooses the scheduler; there is only static",
            |p: SetScheduler| match p.name.as_str() {
                "static" => Ok(true),
                _ => Err(RpcError::internal_errno(22).because("connections stay on their core: there is only static")),
            },
        ),
        Method::new("framework_get_scheduler", When::Both, "Tells the scheduler", move |_: NoParams| {
            Ok(json!({
                "scheduler_name": "static",
                "scheduler_period": 0,
                "isolated_core_mask": cpumask::format([]),
                "scheduling_core": main_core,
            }))
        }),
        Method::new("framework_get_governor", When::Runtime, "Tells the governor; there is none", |_: NoParams| {
            Ok(json!({}))
        }),
        accept("framework_enable_cpumask_locks", "Accepted; cores are not locked against other processes"),
        accept("framework_disable_cpumask_locks", "Accepted; cores are not locked against other processes"),
    ]
}
