//! What the switch looks like from outside.

use crate::f_port::{PortCounters, State};
use crate::faults::{Rule, RuleReport};
use crate::n_ports::NPort;
use crate::switch::{Counters, Switch};
use serde::Serialize;
use wire::fc::Type;

/// A logged in N_Port, for people.
#[derive(Clone, Debug, Serialize)]
pub struct NPortReport {
    /// Its address.
    pub port_id: String,
    /// Port name.
    pub wwpn: String,
    /// Node name.
    pub wwnn: String,
    /// It logged in by FDISC.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    /// Registered FC-4 types with their features: `fcp target`, `nvme initiator`.
    pub fc4: Vec<String>,
    /// Registered symbolic port name.
    pub symbolic_port_name: String,
    /// Registered symbolic node name.
    pub symbolic_node_name: String,
    /// It hears of changes (SCR).
    pub registered_for_changes: bool,
    /// The longest payload that it takes.
    pub max_payload: u16,
}

/// An F_Port, for people.
#[derive(Clone, Debug, Serialize)]
pub struct PortReport {
    /// Its number.
    pub port: u16,
    /// Its name.
    pub name: String,
    /// What it is attached by.
    pub link: String,
    /// How far it is.
    pub state: State,
    /// Frames that wait to leave by it.
    pub waiting: usize,
    /// Who is logged in.
    pub n_ports: Vec<NPortReport>,
    /// What it counts.
    pub counters: PortCounters,
}

fn fc4(port: &NPort, type_: Type) -> String {
    let name = match type_ {
        Type::FCP => "fcp".to_owned(),
        Type::NVME => "nvme".to_owned(),
        Type(other) => format!("{other:#04x}"),
    };
    let features = port.object.features.get(type_);
    let words =
        [(features.initiator(), " initiator"), (features.target(), " target"), (features.discovery(), " discovery")];
    words.into_iter().filter(|(on, _)| *on).fold(name, |name, (_, word)| name + word)
}

fn n_port(port: &NPort) -> NPortReport {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_matches(|c: char| c == '\0' || c == ' ').to_owned();
    NPortReport {
        port_id: port.id.to_string(),
        wwpn: port.name.to_string(),
        wwnn: port.node.to_string(),
        is_virtual: port.is_virtual,
        fc4: port.object.types.iter().map(|type_| fc4(port, type_)).collect(),
        symbolic_port_name: text(&port.object.port_name),
        symbolic_node_name: text(&port.object.node_name),
        registered_for_changes: port.registration.is_registered(),
        max_payload: port.max_payload,
    }
}

impl Switch {
    /// All F_Ports.
    pub fn ports(&self) -> Vec<PortReport> {
        let ports = self.f_ports.iter().enumerate().filter_map(|(n, port)| port.as_ref().map(|port| (n as u16, port)));
        let report = |(number, port): (u16, &crate::f_port::FPort)| PortReport {
            port: number,
            name: port.name.to_string(),
            link: port.link.describe(),
            state: port.state,
            waiting: port.waiting() + usize::from(port.held.is_some()),
            n_ports: self.n_ports.on(number).into_iter().filter_map(|at| self.n_ports.get(at)).map(n_port).collect(),
            counters: port.counters,
        };
        ports.map(report).collect()
    }

    /// What it counts beside its ports.
    pub fn counters(&self) -> Counters {
        Counters { rscn_sent: self.notices.sent, rscn_unanswered: self.notices.unheard, ..self.counters }
    }

    /// Frames of the pool that nobody holds.
    pub fn free_frames(&self) -> usize {
        self.frames.free()
    }

    /// Has frames go wrong from now on; returns the rule's number.
    pub fn inject(&mut self, rule: Rule) -> u32 {
        self.faults.add(rule)
    }

    /// Ends a rule, or all. What they hold back still comes. `false`: there is no such rule.
    pub fn inject_clear(&mut self, id: Option<u32>) -> bool {
        self.faults.clear(id)
    }

    /// The rules.
    pub fn injections(&self) -> Vec<RuleReport> {
        self.faults.report()
    }
}
