//! The subsystem `hba` and its methods.

use crate::made::Table;
use crate::params::{ENODEV, GetPorts, SetOptions, SetState, Transport, VportCreate, Which, wwn};
use crate::report::{self, PortReport};
use app::{App, Call, Method, RpcError, Subsystem, When};
use fc::{Frames, LinkMaker, Port, PortState, Ports};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// How long `fc_port_set_state` waits for the port.
const PATIENCE: Duration = Duration::from_millis(500);

/// The ports of the target.
pub struct Hba {
    pub(crate) ports: Arc<Ports>,
    pub(crate) makers: Vec<Arc<dyn LinkMaker>>,
    pub(crate) frames: Frames,
    app: OnceLock<App>,
    table: Mutex<Table>,
    /// Held by who makes or unmakes a port.
    changes: Mutex<()>,
    transport: Mutex<Transport>,
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
            transport: Mutex::default(),
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

    pub(crate) fn transport(&self) -> Transport {
        *self.transport.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_transport(&self, transport: Transport) {
        *self.transport.lock().unwrap_or_else(PoisonError::into_inner) = transport;
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

    fn get(&self, params: &GetPorts) -> Result<Vec<PortReport>, RpcError> {
        let ports = match &params.name {
            Some(text) => vec![self.port(text)?],
            None => self.ports.list(),
        };
        let cores = self.app().cores.clone();
        let number = |place: usize| cores.get(place).and_then(reactor::Handle::core).unwrap_or(place);
        let table = self.table();
        Ok(ports.iter().map(|port| report::of(port.as_ref(), &table, number)).collect())
    }

    fn set_state(&self, params: &SetState) -> Result<bool, RpcError> {
        let port = self.port(&params.wwpn)?;
        port.set_up(params.up);
        let end = Instant::now() + PATIENCE;
        while (port.status().state == PortState::Disabled) == params.up {
            if Instant::now() >= end {
                return Err(RpcError::internal(format!("port {} does not obey in time", port.names())));
            }
        }
        Ok(true)
    }
}

impl Subsystem for Hba {
    fn name(&self) -> &'static str {
        "hba"
    }

    fn section(&self) -> &'static str {
        "fc"
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        let [a, b, c, d, e, f] = std::array::from_fn(|_| self.clone());
        vec![
            Method::new(
                "fc_set_options",
                When::Both,
                "Sets what ports serve that do not say.",
                move |p: SetOptions| {
                    self.set_transport(p.transport);
                    Ok(true)
                },
            ),
            Method::new("fc_port_create", When::Runtime, "Makes a Fibre Channel port in software.", move |p| {
                a.create(p)
            }),
            Method::new("fc_port_delete", When::Runtime, "Removes a software port.", move |p: Which| {
                b.delete(p.text()?)
            }),
            Method::new("fc_vport_create", When::Runtime, "Makes a virtual port (NPIV).", move |p: VportCreate| {
                c.create_virtual(&p)
            }),
            Method::new("fc_vport_delete", When::Runtime, "Removes a virtual port.", move |p: Which| {
                wwn("wwpn", p.text()?)?;
                d.delete_virtual(p.text()?)
            }),
            Method::new("fc_get_ports", When::Runtime, "Tells of all ports and their sessions.", move |p: GetPorts| {
                e.get(&p)
            }),
            Method::new("fc_port_set_state", When::Runtime, "Takes a port up or down.", move |p: SetState| {
                f.set_state(&p)
            }),
        ]
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.set(app.clone()).is_ok(), "hba is started already");
        Ok(())
    }

    fn serves(&self) -> Vec<String> {
        let table = self.table();
        table.iter().map(|made| format!("FC port {} on {}", made.port.names(), made.link)).collect()
    }

    fn stop(&self) {
        let _one_at_a_time = self.changes();
        let all = self.table().take_all();
        all.into_iter().for_each(|made| self.end(made));
    }

    fn config(&self) -> Vec<Call> {
        let options = Call::new("fc_set_options", json!({ "transport": self.transport() }));
        let table = self.table();
        [options].into_iter().chain(table.iter().flat_map(crate::made::Made::calls)).collect()
    }
}
