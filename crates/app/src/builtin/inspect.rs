//! Methods that look at the reactors. They read counters and never wait for a core, so they answer when one hangs.

use super::Built;
use crate::{Method, NoParams, RpcError, When, cpumask};
use reactor::Handle;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Times are in nanoseconds.
pub(super) const TICK_RATE: u64 = 1_000_000_000;

pub(super) fn methods(built: &Built) -> Vec<Method> {
    let (reactors, threads, pollers, channels, memory) =
        (built.clone(), built.clone(), built.clone(), built.clone(), built.clone());
    vec![
        Method::new(
            "framework_get_reactors",
            When::Runtime,
            "Tells busy and idle time of each core",
            move |_: NoParams| {
                let list: Vec<Value> =
                    reactors.app.cores.iter().enumerate().map(|(n, core)| reactor(n, core)).collect();
                Ok(json!({ "tick_rate": TICK_RATE, "pid": std::process::id(), "reactors": list }))
            },
        ),
        Method::new(
            "thread_get_stats",
            When::Runtime,
            "Tells busy and idle time of each thread",
            move |_: NoParams| Ok(per_core(&threads, thread)),
        ),
        Method::new("thread_get_pollers", When::Runtime, "Lists the pollers of each thread", move |_: NoParams| {
            Ok(per_core(&pollers, polled))
        }),
        Method::new(
            "thread_get_io_channels",
            When::Runtime,
            "Lists the threads; their channels are their pollers' own",
            move |_: NoParams| Ok(per_core(&channels, |_, core| json!({ "name": name(core), "io_channels": [] }))),
        ),
        Method::new(
            "env_dpdk_get_mem_stats",
            When::Runtime,
            "Writes what is known of the memory into a file",
            move |_: NoParams| memory_file(&memory).map_err(RpcError::from).map(|file| json!({ "filename": file })),
        ),
    ]
}

fn per_core(built: &Built, describe: impl Fn(usize, &Handle) -> Value) -> Value {
    let threads: Vec<Value> = built.app.cores.iter().enumerate().map(|(n, core)| describe(n, core)).collect();
    json!({ "tick_rate": TICK_RATE, "threads": threads })
}

fn name(core: &Handle) -> String {
    format!("reactor_{}", core.core().unwrap_or_default())
}

fn mask(core: &Handle) -> String {
    cpumask::format(core.core())
}

fn reactor(n: usize, core: &Handle) -> Value {
    let stats = core.stats();
    let (busy, idle) = core.times();
    json!({
        "lcore": core.core(),
        "tid": core.tid(),
        "busy": busy,
        "idle": idle,
        "in_interrupt": false,
        "turns": stats.turns.get(),
        "sleeps": stats.sleeps.get(),
        "lw_threads": [{ "name": name(core), "id": n + 1, "cpumask": mask(core), "elapsed": busy + idle }],
    })
}

fn thread(n: usize, core: &Handle) -> Value {
    let (busy, idle) = core.times();
    json!({
        "name": name(core),
        "id": n + 1,
        "cpumask": mask(core),
        "busy": busy,
        "idle": idle,
        "in_interrupt": false,
        "active_pollers_count": core.stats().pollers().len(),
        "timed_pollers_count": 0,
        "paused_pollers_count": 0,
    })
}

fn polled(n: usize, core: &Handle) -> Value {
    let describe = |(id, p): (u64, std::sync::Arc<reactor::PollerStats>)| json!({ "name": p.name, "id": id + 1, "state": "waiting", "run_count": p.runs.get(), "busy_count": p.busy.get() });
    let pollers: Vec<Value> = core.stats().pollers().into_iter().map(describe).collect();
    json!({ "name": name(core), "id": n + 1, "active_pollers": pollers, "timed_pollers": [], "paused_pollers": [] })
}

/// SPDK dumps DPDK's heaps into a file and returns its name. There is no DPDK here, so ours has what the arena knows.
fn memory_file(built: &Built) -> std::io::Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("qfc_mem.{}.{}.txt", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    // A new file, ours alone: a link that someone put there is not followed.
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let usage = built.app.arena.usage();
    writeln!(
        file,
        "mapped bytes: {}\nused bytes: {}\nfiles: {}\nhugepages: {}",
        usage.mapped, usage.used, usage.files, usage.huge
    )?;
    file.write_all(std::fs::read("/proc/self/status").unwrap_or_default().as_slice())?;
    Ok(path.display().to_string())
}
