//! The subsystem `hba` and its methods.

use crate::made::Table;
use crate::options::Options;
use crate::params::{ENODEV, GetPorts, SetState};
use crate::report::{self, PortReport};
use app::{App, Call, Method, Need, RpcError, Subsystem};
use fc::{Frames, LinkMaker, Port, PortState, Ports};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// How long `fc_port_set_state` waits for the port.
const PATIENCE: Duration = Duration::from_millis(500);

/// Memory of an adapter: its own rings and buffers, and for each protocol and core a queue pair and responses. (Seen: 1,556 KiB and 392 KiB.)
const BASE: u64 = 2 << 20;
const LANE: u64 = 512 << 10;

/// The ports of the target.
pub struct Hba {
    pub(crate) ports: Arc<Ports>,
    pub(crate) makers: Vec<Arc<dyn LinkMaker>>,
    pub(crate) frames: Frames,
    app: OnceLock<App>,
    table: Mutex<Table>,
    /// Held by who makes or unmakes a port.
    changes: Mutex<()>,
    options: Mutex<Options>,
}

impl Hba {
    /// Puts ports into `ports` and attaches them to what `makers` make. `frames` is the pool of the whole process: frames
    /// move between ports and switches as they are.
    pub fn new(ports: Arc<Ports>, makers: Vec<Arc<dyn LinkMaker>>, frames: Frames) -> Self {
        Self {
            ports,
            makers,
            frames,
            app: OnceLock::new(),
            table: Mutex::default(),
            changes: Mutex::default(),
            options: Mutex::default(),
        }
    }

    pub(crate) fn app(&self) -> &App {
        self.app.get().expect("methods run after start")
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn options(&self) -> Options {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_options(&self, said: Options) -> Result<bool, RpcError> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner).change(said)?;
        Ok(true)
    }

    /// The port of any driver by its port name, or a software port by its name.
    fn port(&self, text: &str) -> Result<Arc<dyn Port>, RpcError> {
        if let Ok(name) = text.parse::<Wwn>()
            && let Some(port) = self.ports.find(name)
        {
            return Ok(port);
        }
        let mut table = self.table();
        match table.find(text) {
            Ok(made) => Ok(made.port.clone()),
            Err(_) => Err(RpcError::errno(ENODEV).because(format!("there is no port {text}"))),
        }
    }

    /// The port that is asked for, or all.
    pub(crate) fn selected(&self, params: &GetPorts) -> Result<Vec<Arc<dyn Port>>, RpcError> {
        match &params.name {
            Some(text) => Ok(vec![self.port(text)?]),
            None => Ok(self.ports.list()),
        }
    }

    pub(crate) fn get(&self, params: &GetPorts) -> Result<Vec<PortReport>, RpcError> {
        let ports = self.selected(params)?;
        let cores = self.app().cores.clone();
        let number = |place: usize| cores.get(place).and_then(reactor::Handle::core).unwrap_or(place);
        let table = self.table();
        Ok(ports.iter().map(|port| report::of(port.as_ref(), &table, number)).collect())
    }

    pub(crate) fn set_state(&self, params: &SetState) -> Result<bool, RpcError> {
        set_up(self.port(&params.wwpn)?.as_ref(), params.up)
    }

    /// An adapter's chip is reset; another port goes down and up again.
    pub(crate) fn reset(&self, text: &str) -> Result<bool, RpcError> {
        let port = self.port(text)?;
        let own = self.table().own(port.names().port);
        if let Some(own) = own
            && own.reset().map_err(RpcError::internal)?
        {
            return Ok(true);
        }
        set_up(port.as_ref(), false)?;
        set_up(port.as_ref(), true)
    }
}

/// Takes a port up or down, and waits for it.
fn set_up(port: &dyn Port, up: bool) -> Result<bool, RpcError> {
    port.set_up(up);
    let end = Instant::now() + PATIENCE;
    while (port.status().state == PortState::Disabled) == up {
        if Instant::now() >= end {
            return Err(RpcError::internal(format!("port {} does not obey in time", port.names())));
        }
    }
    Ok(true)
}

impl Subsystem for Hba {
    fn name(&self) -> &'static str {
        "hba"
    }

    fn section(&self) -> &'static str {
        "fc"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        crate::methods::methods(&self)
    }

    fn memory(&self, cores: usize, calls: &[Call]) -> Vec<Need> {
        let attached = calls.iter().filter(|call| call.method == "hba_attach");
        let adapters: usize = attached.map(|call| crate::open::adapters(&call.params)).sum();
        let each = BASE + cores as u64 * 2 * LANE;
        let what = format!("rings of FC adapters, {adapters} x {} KiB", each >> 10);
        let need = Need { what, bytes: adapters as u64 * each };
        (adapters > 0).then_some(need).into_iter().collect()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.set(app.clone()).is_ok(), "hba is started already");
        Ok(())
    }

    fn serves(&self) -> Vec<String> {
        let table = self.table();
        table.iter().map(crate::made::Made::serves).collect()
    }

    fn stop(&self) {
        let _one_at_a_time = self.changes();
        let all = self.table().take_all();
        all.into_iter().for_each(|made| self.end(made));
    }

    fn config(&self) -> Vec<Call> {
        let options = self.options();
        let options = Options { transport: Some(options.transport()), ..options };
        let options = Call::new("fc_set_options", json!(options));
        let table = self.table();
        [options].into_iter().chain(table.iter().flat_map(crate::made::Made::calls)).collect()
    }
}
