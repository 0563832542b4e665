//! The ports that the operator made.

use crate::own::Own;
use crate::params::{ENODEV, Transport};
use app::{Call, RpcError};
use fc::{Names, PortState};
use reactor::PollerId;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::fc::Wwn;

/// What carries a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A node in software, on a link as it was given.
    Soft(String),
    /// An adapter.
    Adapter {
        /// Where it is.
        address: String,
        /// What a model is attached to.
        link: String,
        /// The names that it was given instead of its own.
        names: Option<Names>,
    },
}

/// The address of models in the process; each has it.
pub const VIRTUAL: &str = "virtual";

impl Source {
    /// Where the adapter is, if it is one.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Soft(_) => None,
            Self::Adapter { address, .. } => Some(address),
        }
    }
}

/// A port with what drives it.
pub struct Made {
    /// What the operator calls it.
    pub name: String,
    pub port: Arc<dyn Own>,
    pub source: Source,
    /// As it was given, if it was.
    pub core: Option<usize>,
    pub transport: Transport,
    /// Which of the process's cores runs it, and as what; what was added last goes first.
    pub place: usize,
    pub pollers: Vec<PollerId>,
    /// Virtual ports on it, oldest first.
    pub virtuals: Vec<Arc<dyn Own>>,
}

/// All of them, oldest first.
#[derive(Default)]
pub struct Table(Vec<Made>);

impl Table {
    pub fn add(&mut self, made: Made) {
        self.0.push(made);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Made> {
        self.0.iter()
    }

    /// The port of that name or port name.
    pub fn find(&mut self, text: &str) -> Result<&mut Made, RpcError> {
        let missing = || RpcError::errno(ENODEV).because(format!("there is no port {text}"));
        self.0.iter_mut().find(|made| made.is(text)).ok_or_else(missing)
    }

    /// Forgets it, if it is one of those that `wanted` says.
    pub fn take(&mut self, text: &str, wanted: impl Fn(&Source) -> Result<(), RpcError>) -> Result<Made, RpcError> {
        wanted(&self.find(text)?.source)?;
        let place = self.0.iter().position(|made| made.is(text)).expect("it was found");
        Ok(self.0.remove(place))
    }

    /// All are forgotten, newest first.
    pub fn take_all(&mut self) -> Vec<Made> {
        let mut all = std::mem::take(&mut self.0);
        all.reverse();
        all
    }

    /// Takes a virtual port from its parent.
    pub fn take_virtual(&mut self, name: Wwn) -> Option<Arc<dyn Own>> {
        self.0.iter_mut().find_map(|made| {
            let place = made.virtuals.iter().position(|port| port.names().port == name)?;
            Some(made.virtuals.remove(place))
        })
    }

    /// The core with the fewest ports of `cores`.
    pub fn least_loaded(&self, cores: usize) -> usize {
        let load = |core: &usize| self.0.iter().filter(|made| made.place == *core).count();
        (0..cores).min_by_key(load).unwrap_or(0)
    }

    /// The port of that port name, physical or virtual.
    pub fn own(&self, name: Wwn) -> Option<Arc<dyn Own>> {
        let mut all = self.0.iter().flat_map(|made| made.virtuals.iter().chain([&made.port]));
        all.find(|port| port.names().port == name).cloned()
    }

    /// What the operator calls the port of that port name.
    pub fn name_of(&self, name: Wwn) -> Option<&str> {
        self.0.iter().find(|made| made.port.names().port == name).map(|made| made.name.as_str())
    }
}

impl Made {
    fn is(&self, text: &str) -> bool {
        let address = self.source.address().filter(|address| *address != VIRTUAL);
        self.name == text || address == Some(text) || text.parse() == Ok(self.port.names().port)
    }

    /// The calls that make it again.
    pub fn calls(&self) -> Vec<Call> {
        let mut calls = vec![self.call()];
        for port in &self.virtuals {
            let names = port.names();
            let params = json!({ "parent": self.name, "wwpn": names.port.to_string(), "wwnn": names.node.to_string() });
            calls.push(Call::new("fc_vport_create", params));
        }
        let ports = self.virtuals.iter().rev().chain([&self.port]);
        let down = ports.filter(|port| port.shown().state == PortState::Disabled);
        let set = |port: &Arc<dyn Own>| json!({ "wwpn": port.names().port.to_string(), "up": false });
        calls.extend(down.map(|port| Call::new("fc_port_set_state", set(port))));
        calls
    }

    /// What it is, for people.
    pub fn serves(&self) -> String {
        match &self.source {
            Source::Soft(link) => format!("FC port {} on {link}", self.port.names()),
            Source::Adapter { address, .. } => format!("FC port {} of adapter {address}", self.port.names()),
        }
    }

    fn call(&self) -> Call {
        let (method, mut params) = match &self.source {
            Source::Soft(link) => {
                let mut params = json!({ "name": self.name });
                put_names(&mut params, self.port.names());
                params["link"] = json!(link);
                ("fc_port_create", params)
            }
            Source::Adapter { address, link, names } => {
                let mut params = json!({ "address": address, "name": self.name });
                let is_model = address == VIRTUAL;
                if is_model {
                    params["link"] = json!(link);
                }
                let own = is_model.then(|| self.port.names());
                names.or(own).into_iter().for_each(|names| put_names(&mut params, names));
                ("hba_attach", params)
            }
        };
        params["transport"] = json!(self.transport);
        if let Some(core) = self.core {
            params["core"] = json!(core);
        }
        Call::new(method, params)
    }
}

fn put_names(params: &mut Value, names: Names) {
    params["wwnn"] = json!(names.node.to_string());
    params["wwpn"] = json!(names.port.to_string());
}
