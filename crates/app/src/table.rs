//! All methods of the process by name, and the state that says which may be called.

use crate::{Call, Method, Params, RpcError, When};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Where the target is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Before the framework is initialised.
    Startup,
    /// Subsystems are being started: neither kind of method may be called, those for both may.
    Starting,
    /// Running.
    Runtime,
    /// Draining.
    Stopping,
}

/// The table of methods.
pub struct Methods {
    table: OnceLock<(Vec<Method>, HashMap<&'static str, usize>)>,
    state: Mutex<State>,
    changed: Condvar,
    warned: Mutex<HashSet<String>>,
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            table: OnceLock::new(),
            state: Mutex::new(State::Startup),
            changed: Condvar::new(),
            warned: Mutex::default(),
        }
    }
}

impl Methods {
    /// Fills the table, once.
    ///
    /// # Errors
    /// A name or alias that stands twice, or a second call.
    pub fn fill(&self, methods: Vec<Method>) -> anyhow::Result<()> {
        let mut index = HashMap::new();
        for (n, method) in methods.iter().enumerate() {
            for name in std::iter::once(&method.name()).chain(method.aliases()) {
                anyhow::ensure!(index.insert(*name, n).is_none(), "two methods are named {name}");
            }
        }
        self.table.set((methods, index)).map_err(|_| anyhow::anyhow!("the method table is filled already"))
    }

    /// All methods, in the order of their subsystems.
    pub fn list(&self) -> &[Method] {
        self.table.get().map_or(&[], |(list, _)| list)
    }

    /// The method of that name or alias.
    pub fn find(&self, name: &str) -> Option<&Method> {
        let (list, index) = self.table.get()?;
        index.get(name).map(|n| &list[*n])
    }

    /// The state of the target.
    pub fn state(&self) -> State {
        *self.lock()
    }

    /// Whether `method` may be called now.
    pub fn allowed(&self, method: &Method) -> bool {
        self.check(method.when()).is_ok()
    }

    /// Runs the method of that name: what a request on the RPC socket and a line of a configuration file both do.
    ///
    /// # Errors
    /// Unknown method, wrong state, bad parameters, or the method's own.
    pub fn call(&self, name: &str, params: impl Into<Params>) -> Result<Value, RpcError> {
        let method = self.find(name).ok_or_else(RpcError::method_not_found)?;
        self.check(method.when())?;
        if method.name() != name && self.warn_once(name) {
            log::warn!(target: "rpc", "RPC method {name} is deprecated, use {} instead", method.name());
        }
        method.call(params.into())
    }

    /// Makes a call of the configuration, in whatever state.
    pub(crate) fn replay(&self, call: &Call) -> Result<Value, RpcError> {
        let method = self.find(&call.method).ok_or_else(RpcError::method_not_found)?;
        method.call(call.params.clone())
    }

    /// Goes to `state` and wakes who waits for it.
    pub fn enter(&self, state: State) {
        *self.lock() = state;
        self.changed.notify_all();
    }

    /// Goes from `from` to `to` if it is in `from`; says whether it was.
    pub fn advance(&self, from: State, to: State) -> bool {
        let mut state = self.lock();
        let was = *state == from;
        if was {
            *state = to;
            self.changed.notify_all();
        }
        was
    }

    /// Waits until `done` holds for the state, and returns that.
    pub fn wait_until(&self, done: impl Fn(State) -> bool) -> State {
        let state = self.lock();
        *self.changed.wait_while(state, |state| !done(*state)).unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, when: When) -> Result<(), RpcError> {
        match (when, self.state()) {
            (When::Both, _) | (When::Startup, State::Startup) | (When::Runtime, State::Runtime) => Ok(()),
            (When::Runtime, State::Startup | State::Starting) => Err(RpcError::only_after_init()),
            (When::Startup, State::Starting | State::Runtime) => Err(RpcError::only_before_init()),
            (_, State::Stopping) => Err(RpcError::stopping()),
        }
    }

    fn warn_once(&self, name: &str) -> bool {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
