//! What is going on: `nvmf_subsystem_get_controllers`, `nvmf_subsystem_get_qpairs`, `nvmf_get_stats`.

use crate::answer::invalid;
use crate::{NvmfTarget, show};
use app::{Method, RpcError, When};
use nvmf::{ControllerReport, CoreReport, PollGroup, QueueReport, Shown, Target, Trtype, adrfam_name};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Of {
    /// The subsystem
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stats {
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (controllers, queues, stats) = (nvmf.clone(), nvmf.clone(), nvmf.clone());
    vec![
        Method::new(
            "nvmf_subsystem_get_controllers",
            When::Runtime,
            "Shows the controllers of a subsystem",
            move |p: Of| controllers.get_controllers(&p),
        ),
        Method::new("nvmf_subsystem_get_qpairs", When::Runtime, "Shows the queues of a subsystem", move |p: Of| {
            queues.get_qpairs(&p)
        }),
        Method::new("nvmf_get_stats", When::Runtime, "Shows what each core did", move |p: Stats| {
            stats.named(p.tgt_name.as_deref()).map(|target| get_stats(target))
        }),
    ]
}

impl NvmfTarget {
    fn get_controllers(&self, params: &Of) -> Result<Vec<Value>, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        let shown = target.subsystem(&params.nqn).map_err(invalid)?;
        let reports = target.reports();
        Ok(controllers(&shown, &reports).map(|controller| self::controller(&shown, controller)).collect())
    }

    fn get_qpairs(&self, params: &Of) -> Result<Vec<Value>, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        let shown = target.subsystem(&params.nqn).map_err(invalid)?;
        let (reports, listeners) = (target.reports(), target.listeners());
        let of_it = |queue: &&QueueReport| queue.subsystem == Some(shown.view.id);
        let one = |home: &str, queue: &QueueReport| {
            let controller = controllers(&shown, &reports).find(|controller| controller.cntlid == queue.cntlid);
            let mut value = json!({
                "cntlid": queue.cntlid,
                "qid": queue.qid,
                "state": if queue.connected { "enabled" } else { "connecting" },
                "thread": home,
            });
            if let Some(controller) = controller {
                value["hostnqn"] = json!(controller.hostnqn);
            }
            if let Some(listener) = listeners.iter().find(|listener| listener.id == queue.listener) {
                value["listen_address"] = show::listener(listener);
                value["peer_address"] = peer(listener.trtype.name(), &queue.peer);
            }
            value
        };
        let of_home = |(home, report): &(String, CoreReport)| {
            report.queues.iter().filter(of_it).map(|queue| one(home, queue)).collect::<Vec<_>>()
        };
        Ok(reports.iter().flat_map(of_home).collect())
    }
}

fn controllers<'a>(shown: &Shown, reports: &'a [(String, CoreReport)]) -> impl Iterator<Item = &'a ControllerReport> {
    let id = shown.view.id;
    reports.iter().flat_map(|(_, report)| &report.controllers).filter(move |controller| controller.subsystem == id)
}

fn controller(shown: &Shown, controller: &ControllerReport) -> Value {
    json!({
        "cntlid": controller.cntlid,
        "cntrltype": if shown.view.discovery { "discovery" } else { "io" },
        "hostnqn": controller.hostnqn,
        "hostid": Uuid::from_bytes(controller.hostid).to_string(),
        "num_io_qpairs": controller.num_io_qpairs,
    })
}

/// The host's side of a queue, in the shape of an address.
fn peer(trtype: &str, peer: &str) -> Value {
    match peer.parse::<SocketAddr>() {
        Ok(address) => json!({
            "trtype": trtype,
            "adrfam": adrfam_name(if address.is_ipv4() { 1 } else { 2 }),
            "traddr": address.ip().to_string(),
            "trsvcid": address.port().to_string(),
        }),
        Err(_) => json!({ "trtype": trtype, "adrfam": "FC", "traddr": peer, "trsvcid": "none" }),
    }
}

fn get_stats(target: &Target) -> Value {
    let mut groups: Vec<(PollGroup, Vec<Value>)> = Vec::new();
    for transport in target.transports() {
        for group in transport.stats() {
            let mut own = json!({ "trtype": transport.view().trtype.name() });
            group.more.iter().for_each(|(name, value)| own[name] = value.clone());
            match groups.iter_mut().find(|(known, _)| known.name == group.name) {
                Some((known, transports)) => {
                    add(known, &group);
                    transports.push(own);
                }
                None => groups.push((group, vec![own])),
            }
        }
    }
    // Times are in nanoseconds.
    json!({ "tick_rate": 1_000_000_000, "poll_groups": groups.iter().map(group).collect::<Vec<_>>() })
}

fn add(sum: &mut PollGroup, group: &PollGroup) {
    sum.admin_qpairs += group.admin_qpairs;
    sum.io_qpairs += group.io_qpairs;
    sum.current_admin_qpairs += group.current_admin_qpairs;
    sum.current_io_qpairs += group.current_io_qpairs;
    sum.current_unassociated_qpairs += group.current_unassociated_qpairs;
    sum.pending_bdev_io += group.pending_bdev_io;
    sum.completed_nvme_io += group.completed_nvme_io;
}

fn group((group, transports): &(PollGroup, Vec<Value>)) -> Value {
    json!({
        "name": group.name,
        "admin_qpairs": group.admin_qpairs,
        "io_qpairs": group.io_qpairs,
        "current_admin_qpairs": group.current_admin_qpairs,
        "current_io_qpairs": group.current_io_qpairs,
        "current_unassociated_qpairs": group.current_unassociated_qpairs,
        "pending_bdev_io": group.pending_bdev_io,
        "completed_nvme_io": group.completed_nvme_io,
        "transports": transports,
    })
}

/// What the target serves, for people, with the commands that reach it.
pub(crate) fn served(target: &Target) -> Vec<String> {
    let listeners = target.listeners();
    let discover = listeners.iter().map(|l| match l.trtype {
        Trtype::Fc => format!(
            "nvme discover -t fc -a {0} -w <the host's nn-...:pn-...>    or: qfc discover -t fc -a {0}",
            l.traddr
        ),
        Trtype::Tcp | Trtype::Rdma => format!(
            "nvme discover -t {} -a {1} -s {2}    or: qfc discover -a {1} -s {2}",
            l.trtype.name().to_lowercase(),
            l.traddr,
            l.trsvcid
        ),
    });
    let offered =
        target.subsystems().into_iter().filter(|shown| !shown.view.discovery).flat_map(|shown| offers(&shown));
    discover.chain(offered).collect()
}

fn offers(shown: &Shown) -> Vec<String> {
    let view = &shown.view;
    let volumes: Vec<&str> = view.namespaces.iter().map(|namespace| namespace.info.name.as_str()).collect();
    let places = view.listeners.iter().flat_map(|l| {
        let kind = l.trtype.name().to_lowercase();
        let ip = if l.traddr.contains(':') { format!("[{}]", l.traddr) } else { l.traddr.clone() };
        let volumes = if volumes.is_empty() { "nothing yet".into() } else { volumes.join(", ") };
        let head = format!("{} serves {volumes}:", view.nqn);
        match l.trtype {
            Trtype::Fc => vec![
                head,
                format!("  nvme connect -t fc -a {} -w <the host's nn-...:pn-...> -n {}", l.traddr, view.nqn),
                format!("  qfc perf fc://{}/{} -w randread -t 5", l.traddr, view.nqn),
            ],
            Trtype::Tcp | Trtype::Rdma => vec![
                head,
                format!("  nvme connect -t {kind} -a {} -s {} -n {}", l.traddr, l.trsvcid, view.nqn),
                format!("  qfc perf {kind}://{ip}:{}/{} -w randread -t 5", l.trsvcid, view.nqn),
            ],
        }
    });
    places.collect()
}
