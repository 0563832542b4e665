//! The ports that the operator made.

use crate::params::{ENODEV, Transport};
use app::{Call, RpcError};
use fc::{Port, PortState, SoftPort};
use reactor::PollerId;
use serde_json::json;
use std::sync::Arc;
use wire::fc::Wwn;

/// A software port with its node.
pub struct Made {
    /// What the operator calls it.
    pub name: String,
    pub port: Arc<SoftPort>,
    /// As it was given.
    pub link: String,
    /// As it was given, if it was.
    pub core: Option<usize>,
    pub transport: Transport,
    /// Which of the process's cores runs it, and as what.
    pub place: usize,
    pub poller: PollerId,
    /// Virtual ports on it, oldest first.
    pub virtuals: Vec<Arc<SoftPort>>,
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
        let missing = || RpcError::errno(ENODEV).because(format!("there is no software port {text}"));
        self.0.iter_mut().find(|made| made.is(text)).ok_or_else(missing)
    }

    /// Forgets it.
    pub fn take(&mut self, text: &str) -> Result<Made, RpcError> {
        self.find(text)?;
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
    pub fn take_virtual(&mut self, name: Wwn) -> Option<Arc<SoftPort>> {
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

    /// What the operator calls the port of that port name.
    pub fn name_of(&self, name: Wwn) -> Option<&str> {
        self.0.iter().find(|made| made.port.names().port == name).map(|made| made.name.as_str())
    }
}

impl Made {
    fn is(&self, text: &str) -> bool {
        self.name == text || text.parse() == Ok(self.port.names().port)
    }

    /// The calls that make it again.
    pub fn calls(&self) -> Vec<Call> {
        let names = self.port.names();
        let mut params = json!({
            "name": self.name,
            "wwnn": names.node.to_string(),
            "wwpn": names.port.to_string(),
            "link": self.link,
            "transport": self.transport,
        });
        if let Some(core) = self.core {
            params["core"] = json!(core);
        }
        let mut calls = vec![Call::new("fc_port_create", params)];
        for port in &self.virtuals {
            let names = port.names();
            let params = json!({ "parent": self.name, "wwpn": names.port.to_string(), "wwnn": names.node.to_string() });
            calls.push(Call::new("fc_vport_create", params));
        }
        let ports = self.virtuals.iter().rev().chain([&self.port]);
        let down = ports.filter(|port| port.shown().state == PortState::Disabled);
        calls.extend(
            down.map(|port| {
                Call::new("fc_port_set_state", json!({ "wwpn": port.names().port.to_string(), "up": false }))
            }),
        );
        calls
    }
}
