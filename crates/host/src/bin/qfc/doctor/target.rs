//! A running target, and the fabric beside it, as their methods tell.

use super::finding::Finding;
use serde_json::{Value, json};

/// Asks a method; none when it is not there or refuses.
pub type Ask<'a> = &'a dyn Fn(&str, Value) -> Option<Value>;

/// A process that answers.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub ask: Ask<'a>,
    /// How its methods are called on a command line: `qfc rpc`, `qfc rpc -s SOCKET`.
    pub rpc: &'a str,
}

/// A fabric: its ports and zones.
struct Fabric {
    rpc: String,
    ports: Vec<Value>,
    zones: Value,
}

/// What there is to know about the ports, the services, and the hosts.
struct Known {
    ports: Vec<Value>,
    subsystems: Vec<Value>,
    portal_groups: Vec<Value>,
    nodes: Vec<Value>,
    sessions: Vec<Value>,
    fabrics: Vec<Fabric>,
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn each<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn fabrics(Side { ask, rpc }: Side) -> Vec<Fabric> {
    let names = list(ask("fabric_get_fabrics", json!({})));
    let one = |fabric: &Value| {
        let which = json!({ "fabric": fabric["name"] });
        let ports = list(ask("fabric_get_ports", which.clone()));
        Fabric { rpc: rpc.to_owned(), ports, zones: ask("fabric_get_zones", which).unwrap_or_default() }
    };
    names.iter().map(one).collect()
}

/// Everything that concerns a running target. `switch` is a `qfc_fabric` beside it, if there is one.
pub fn examine(target: Side, switch: Option<Side>) -> Vec<Finding> {
    let mut findings = examine_target(target, switch);
    // Zones are the fabric's affair, which says itself where it is asked.
    let of_target = findings.iter_mut().filter(|finding| finding.check != "zone");
    for command in of_target.flat_map(|finding| &mut finding.mend) {
        *command = command.replace(PLAIN, target.rpc);
    }
    findings
}

/// How methods are called in remedies, until it is known where.
const PLAIN: &str = "qfc rpc";

fn examine_target(target: Side, switch: Option<Side>) -> Vec<Finding> {
    let get = |method: &str| list((target.ask)(method, json!({})));
    let mut known = Known {
        ports: get("fc_get_ports"),
        subsystems: get("nvmf_get_subsystems"),
        portal_groups: get("scsi_get_portal_groups"),
        nodes: get("scsi_get_target_nodes"),
        sessions: get("scsi_get_sessions"),
        fabrics: fabrics(target),
    };
    known.fabrics.extend(switch.map(fabrics).unwrap_or_default());
    let mut findings: Vec<Finding> = get("hba_get_adapters").iter().map(adapter).collect();
    if known.ports.is_empty() {
        findings.push(no_port());
    }
    for port in &known.ports {
        findings.push(link(port));
        if text(port, "state") == "online" {
            known.examine_port(port, &mut findings);
        }
    }
    findings
}

fn no_port() -> Finding {
    Finding::problem("link", "", "the target has no Fibre Channel port")
        .mend("qfc rpc fc_port_create '{\"link\": \"fabric\"}'")
        .mend("qfc rpc hba_attach '{\"address\": \"virtual\"}'    (or a PCI address, or vfio-user:SOCKET)")
}

/// An adapter of the target, and how far its driver is with it.
fn adapter(adapter: &Value) -> Finding {
    let (address, state, model) = (text(adapter, "address"), text(adapter, "state"), text(adapter, "model"));
    let reason = adapter["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    match adapter["firmware"].as_str() {
        _ if state == "given up" => Finding::problem("adapter", address, format!("{model} was given up{reason}"))
            .mend(format!("qfc rpc fc_port_reset '{{\"name\": \"{}\"}}'", text(adapter, "wwpn"))),
        Some(firmware) => Finding::ok("adapter", address, format!("{model}, firmware {firmware}, {state}{reason}")),
        None => Finding::problem("adapter", address, format!("{model} does not run yet: {state}{reason}"))
            .mend("wait for it; the target's log has each step: qfc rpc log_set_flag '{\"flag\": \"hba\"}'"),
    }
}

fn link(port: &Value) -> Finding {
    let (name, names, over) = (text(port, "wwpn"), text(port, "names"), text(port, "link"));
    let up = format!("qfc rpc fc_port_set_state '{{\"wwpn\": \"{name}\", \"up\": true}}'");
    let reason = port["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    match text(port, "state") {
        "online" => Finding::ok("link", names, format!("online as {} over {over}", text(port, "port_id"))),
        "disabled" => Finding::problem("link", names, "taken down by the operator").mend(up),
        "refused" => Finding::problem("link", names, format!("the fabric refuses it{reason}"))
            .mend("another port name: qfc rpc fc_port_delete, fc_port_create (fc_port_set_names for an adapter)"),
        "logging_in" => {
            Finding::problem("link", names, format!("up over {over}, but no fabric answers its login{reason}"))
                .mend("look at the switch: is its port enabled, and an F_Port? qfc rpc fabric_get_ports")
        }
        _ => Finding::problem("link", names, format!("link down over {over}{reason}")).mend(cable(port)),
    }
}

/// What makes a link of its kind come up.
fn cable(port: &Value) -> String {
    let over = text(port, "link");
    match over.split_once(':') {
        Some(("unix", path)) => format!("start the switch: qfc_fabric -l {path}"),
        Some(("fcoe" | "vn2vn", interface)) => format!("sudo ip link set {interface} up; an FCF must answer there"),
        _ if text(port, "driver") == "soft" => {
            "qfc rpc fabric_get_ports, then fabric_port_up '{\"port\": N}'".to_owned()
        }
        _ => "check cable, SFP and switch port: qfc rpc hba_get_adapters shows the transceiver".to_owned(),
    }
}

impl Known {
    fn examine_port(&self, port: &Value, findings: &mut Vec<Finding>) {
        findings.push(self.service(port));
        findings.extend(self.zones(port));
        findings.extend(self.hosts(port));
    }

    fn listening<'a>(&'a self, port: &'a Value) -> impl Iterator<Item = &'a Value> {
        let here = move |listener: &Value| text(listener, "traddr") == text(port, "names");
        self.subsystems.iter().filter(move |subsystem| each(subsystem, "listen_addresses").any(here))
    }

    fn service(&self, port: &Value) -> Finding {
        let (names, wwpn) = (text(port, "names"), text(port, "wwpn"));
        let here = |group: &&Value| each(group, "portals").any(|portal| text(portal, "wwpn") == wwpn);
        let tags: Vec<&Value> = self.portal_groups.iter().filter(here).map(|group| &group["tag"]).collect();
        let mapped = |node: &&Value| each(node, "pg_ig_maps").any(|map| tags.contains(&&map["pg_tag"]));
        let (nodes, subsystems) = (self.nodes.iter().filter(mapped).count(), self.listening(port).count());
        if nodes + subsystems == 0 {
            return Finding::problem("service", names, "nothing is offered at this port: hosts that log in see neither LUNs nor subsystems")
                .mend(format!("qfc rpc nvmf_subsystem_add_listener '{{\"nqn\": \"NQN\", \"listen_address\": {{\"trtype\": \"FC\", \"adrfam\": \"FC\", \"traddr\": \"{names}\", \"trsvcid\": \"none\"}}}}'"))
                .mend(format!("qfc rpc scsi_create_portal_group '{{\"tag\": 1, \"portals\": [{{\"label\": \"FC1\", \"wwpn\": \"{wwpn}\"}}]}}', then scsi_target_node_add_pg_ig_maps"));
        }
        Finding::ok("service", names, format!("{nodes} SCSI target node(s), {subsystems} NVMe subsystem(s)"))
    }

    /// Initiators on the port's fabric, and whether a zone lets them see it.
    fn zones(&self, port: &Value) -> Vec<Finding> {
        let (names, wwpn) = (text(port, "names"), text(port, "wwpn"));
        let on = |fabric: &&Fabric| fabric.n_ports().any(|n_port| text(n_port, "wwpn") == wwpn);
        let Some(fabric) = self.fabrics.iter().find(on) else { return Vec::new() };
        let hosts: Vec<&str> = fabric.initiators().filter(|host| *host != wwpn).collect();
        if hosts.is_empty() {
            return vec![Finding::note("host", names, "no host is logged in to its fabric yet")];
        }
        let rpc = fabric.rpc.as_str();
        let apart = |host: &&str| !fabric.joins(host, wwpn);
        let finding = |host: &str| {
            Finding::problem("zone", names, format!("host {host} is on the fabric, and no zone in force holds both"))
                .mend(format!("{rpc} fabric_zone_create '{{\"name\": \"z_{}\", \"members\": [\"{host}\", \"{wwpn}\"]}}' && {rpc} fabric_zone_activate", &host[2.min(host.len())..]))
        };
        hosts.iter().copied().filter(|host| apart(host)).map(finding).collect()
    }

    /// Hosts that are logged in, and those that would be turned away.
    fn hosts(&self, port: &Value) -> Vec<Finding> {
        let names = text(port, "names");
        let mut findings = Vec::new();
        let count = each(port, "sessions").count();
        if count > 0 {
            findings.push(Finding::ok("host", names, format!("{count} session(s)")));
        }
        let unseen = |session: &&Value| text(session, "target") == names && session["target_node"].is_null();
        for session in self.sessions.iter().filter(unseen) {
            let host = text(session, "initiator");
            // An iSCSI initiator is its name, without the session's identifier.
            let wwpn =
                host.split_once(":pn-").map_or_else(|| host.split(",i,").next().unwrap_or(host), |(_, wwpn)| wwpn);
            findings.push(
                Finding::problem(
                    "host",
                    names,
                    format!("{host} is logged in for SCSI and no initiator group lets it in: it sees no LUN"),
                )
                .mend(format!(
                    "qfc rpc scsi_initiator_group_add_initiators '{{\"tag\": 1, \"initiators\": [\"{wwpn}\"]}}'"
                )),
            );
        }
        let closed =
            |subsystem: &&Value| subsystem["allow_any_host"] == false && each(subsystem, "hosts").next().is_none();
        for subsystem in self.listening(port).filter(closed) {
            let nqn = text(subsystem, "nqn");
            findings.push(
                Finding::problem("host", names, format!("no host may connect to {nqn}"))
                    .mend(format!("qfc rpc nvmf_subsystem_add_host '{{\"nqn\": \"{nqn}\", \"host\": \"NQN of /etc/nvme/hostnqn\"}}'"))
                    .mend(format!("qfc rpc nvmf_subsystem_allow_any_host '{{\"nqn\": \"{nqn}\", \"allow_any_host\": true}}'")),
            );
        }
        findings
    }
}

impl Fabric {
    fn n_ports(&self) -> impl Iterator<Item = &Value> {
        self.ports.iter().flat_map(|port| each(port, "n_ports"))
    }

    fn initiators(&self) -> impl Iterator<Item = &str> {
        let initiator =
            |n_port: &&Value| each(n_port, "fc4").filter_map(Value::as_str).any(|fc4| fc4.contains("initiator"));
        self.n_ports().filter(initiator).map(|n_port| text(n_port, "wwpn"))
    }

    /// Whether the zoning in force lets the two see each other.
    fn joins(&self, a: &str, b: &str) -> bool {
        if self.zones["active"].is_null() {
            return text(&self.zones, "default_zone") != "deny";
        }
        let holds = |zone: &Value, wwpn: &str| each(zone, "wwpns").any(|name| name == wwpn);
        each(&self.zones, "zones").any(|zone| zone["active"] == true && holds(zone, a) && holds(zone, b))
    }
}
