//! What a subsystem is, and the order in which they start.

use crate::{App, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// A method with its parameters: what a configuration is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method's name.
    pub method: String,
    /// Its parameters, an object; absent when there are none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
}

impl Call {
    /// A call of `method` with `params` (an object, or `Value::Null` for none).
    pub fn new(method: impl Into<String>, params: Value) -> Self {
        Self { method: method.into(), params }
    }
}

/// Memory that a subsystem will take from the arena, one line of the sum printed at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// For what, e.g. `I/O buffers, 2 cores x (512 x 4 KiB + 64 x 128 KiB)`.
    pub what: String,
    /// How many bytes.
    pub bytes: u64,
}

/// A part of the target that can be left out. One instance lives from start to stop.
///
/// Order of events: `methods` once; STARTUP calls of the configuration (SPDK's `--wait-for-rpc` state); `start` in
/// order of `after`; RUNTIME calls of the configuration; ...; `stop` in reverse order.
pub trait Subsystem: Send + Sync {
    /// Its own name, e.g. `bdev_malloc`.
    fn name(&self) -> &'static str;

    /// The SPDK configuration section that holds its calls: `bdev`, `nvmf`, ... Several subsystems may share one.
    /// Empty when it has no calls to save.
    fn section(&self) -> &'static str;

    /// The names of the subsystems that must be started before this one.
    fn after(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it starts before the framework is initialised, so that it works in the STARTUP state (the RPC server).
    fn early(&self) -> bool {
        false
    }

    /// Its methods. Called once, before `start`; a RUNTIME method is only ever called after `start`.
    fn methods(self: Arc<Self>) -> Vec<Method>;

    /// Memory it will take from the arena on `cores` cores when `calls` (the whole configuration) have been made.
    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need> {
        let _ = (cores, calls);
        Vec::new()
    }

    /// Starts it. It may keep a clone of `app`.
    ///
    /// # Errors
    /// Whatever stops the whole start, worded for the operator.
    fn start(&self, app: &App) -> anyhow::Result<()>;

    /// What it serves now, for people: lines printed once everything is started, with the commands that reach it.
    fn serves(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends its work: tells peers, finishes or fails what is in flight, frees the cores. Called once, may take seconds.
    fn stop(&self);

    /// The calls that rebuild its present state, in an order that works.
    fn config(&self) -> Vec<Call>;
}

/// Puts subsystems in an order in which each stands after those it names; otherwise the given order is kept.
///
/// # Errors
/// Two of one name, a name that nobody has, or a cycle: the text names them.
pub fn in_order(subsystems: Vec<Arc<dyn Subsystem>>) -> anyhow::Result<Vec<Arc<dyn Subsystem>>> {
    check_names(&subsystems)?;
    let mut waiting = subsystems;
    let mut ordered: Vec<Arc<dyn Subsystem>> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |s: &Arc<dyn Subsystem>| s.after().iter().all(|name| ordered.iter().any(|o| o.name() == *name));
        let Some(next) = waiting.iter().position(ready) else {
            let names: Vec<&str> = waiting.iter().map(|s| s.name()).collect();
            anyhow::bail!("subsystems wait for each other in a circle: {}", names.join(", "));
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

fn check_names(subsystems: &[Arc<dyn Subsystem>]) -> anyhow::Result<()> {
    for (n, subsystem) in subsystems.iter().enumerate() {
        let name = subsystem.name();
        anyhow::ensure!(!subsystems[..n].iter().any(|s| s.name() == name), "two subsystems are named {name}");
        for needed in subsystem.after() {
            let known = subsystems.iter().any(|s| s.name() == *needed);
            anyhow::ensure!(known, "subsystem {name} starts after {needed}, which there is not");
        }
    }
    Ok(())
}
