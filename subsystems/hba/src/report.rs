//! Ports as `fc_get_ports` tells of them.

use crate::made::{Made, Table};
use fc::{Port, PortState, SessionStatus, Topology};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub struct PortReport {
    /// What the operator calls it; none for virtual ports.
    name: Option<String>,
    names: String,
    wwnn: String,
    wwpn: String,
    driver: &'static str,
    /// Port name of the port that a virtual one is on.
    parent: Option<String>,
    core: Option<usize>,
    transport: Vec<fc::Fc4>,
    state: PortState,
    reason: Option<String>,
    port_id: String,
    topology: Option<Topology>,
    fabric: Option<String>,
    link: String,
    max_payload: u16,
    sessions: Vec<SessionStatus>,
    counters: BTreeMap<&'static str, u64>,
}

/// A port as it is now. `core_number` turns a place among the process's cores into the system's number.
pub fn of(port: &dyn Port, table: &Table, core_number: impl Fn(usize) -> usize) -> PortReport {
    let (names, status) = (port.names(), port.status());
    let owner = port.parent().unwrap_or(names.port);
    let made = table.iter().find(|made| made.port.names().port == owner);
    PortReport {
        name: table.name_of(names.port).map(str::to_owned),
        names: names.to_string(),
        wwnn: names.node.to_string(),
        wwpn: names.port.to_string(),
        driver: port.driver(),
        parent: port.parent().map(|name| name.to_string()),
        core: made.map(|made| core_number(made.place)),
        transport: port.serves().to_vec(),
        state: status.state,
        reason: status.reason,
        port_id: format!("{:#08x}", status.port_id),
        topology: status.topology,
        fabric: status.fabric,
        link: status.link,
        max_payload: status.max_payload,
        sessions: status.sessions,
        counters: status.counters.into_iter().collect(),
    }
}

/// A login on one of our ports.
#[derive(Serialize)]
pub struct SessionReport {
    /// Our port.
    port: String,
    id: fc::SessionId,
    fc4: fc::Fc4,
    /// The peer's names and address.
    peer: String,
    wwpn: String,
    port_id: String,
    open_exchanges: u32,
}

/// Who is logged in on a port.
pub fn sessions(port: &dyn Port) -> Vec<SessionReport> {
    let names = port.names().to_string();
    let report = |session: SessionStatus| SessionReport {
        port: names.clone(),
        id: session.id,
        fc4: session.fc4,
        peer: session.peer.to_string(),
        wwpn: session.peer.port.to_string(),
        port_id: format!("{:#08x}", session.peer_id),
        open_exchanges: session.open_exchanges,
    };
    port.status().sessions.into_iter().map(report).collect()
}

/// What a port counts.
#[derive(Serialize)]
pub struct StatsReport {
    port: String,
    driver: &'static str,
    state: PortState,
    sessions: usize,
    open_exchanges: u64,
    counters: BTreeMap<&'static str, u64>,
}

/// What a port counts.
pub fn stats(port: &dyn Port) -> StatsReport {
    let status = port.status();
    StatsReport {
        port: port.names().to_string(),
        driver: port.driver(),
        state: status.state,
        sessions: status.sessions.len(),
        open_exchanges: status.sessions.iter().map(|session| u64::from(session.open_exchanges)).sum(),
        counters: status.counters.into_iter().collect(),
    }
}

/// An adapter that the target drives.
#[derive(Serialize)]
pub struct AdapterReport {
    name: String,
    wwnn: String,
    wwpn: String,
    port_state: PortState,
    #[serde(flatten)]
    adapter: qla::AdapterInfo,
}

impl AdapterReport {
    /// The adapter behind a port, if there is one.
    pub fn of(made: &Made) -> Option<Self> {
        let (names, mut adapter) = (made.port.names(), made.port.adapter()?);
        adapter.address = made.source.address()?.to_owned();
        let (wwnn, wwpn) = (names.node.to_string(), names.port.to_string());
        Some(Self { name: made.name.clone(), wwnn, wwpn, port_state: made.port.shown().state, adapter })
    }
}
