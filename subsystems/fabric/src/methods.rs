//! Fabrics, their ports and their listeners.

use crate::control::{Create, Fabric};
use crate::subsystem::Inner;
use app::{Method, NoParams, RpcError, When};
use fabric::fcoe::{Fcf, FcfConfig, Nic};
use fabric::link::UnixListener;
use fabric::{Counters, Listener, PortReport, Refused};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use wire::fc::Wwn;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The fabric; not needed when there is one only.
    pub(crate) fabric: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The fabric.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Listen {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// Where a Unix socket is made for ports of other processes.
    path: Option<PathBuf>,
    /// A network interface on which ENodes find the fabric (FCoE).
    interface: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PortAt {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// Number of the F_Port.
    port: Option<u16>,
    /// Or a port name that is logged in there.
    wwpn: Option<String>,
}

#[derive(Serialize)]
struct Stats {
    #[serde(flatten)]
    counters: Counters,
    /// Frames of the process that nobody holds.
    free_frames: usize,
    ports: Vec<PortReport>,
}

pub(crate) fn methods(inner: &Arc<Inner>) -> Vec<Method> {
    let share = || inner.clone();
    let (create, delete, list, ports) = (share(), share(), share(), share());
    let (listen, unlisten, down, up, stats) = (share(), share(), share(), share(), share());
    vec![
        Method::new("fabric_create", When::Runtime, "Makes a Fibre Channel fabric of one switch.", move |p: Create| {
            create.create(p).map(|fabric| fabric.create.name.clone())
        }),
        Method::new("fabric_delete", When::Runtime, "Ends a fabric; its links go down.", move |p: Named| {
            delete.delete(&p.name).map(|()| true)
        }),
        Method::new("fabric_get_fabrics", When::Runtime, "Shows the fabrics.", move |_: NoParams| {
            list.all().iter().map(|fabric| describe(fabric)).collect::<Result<Vec<_>, _>>()
        }),
        Method::new("fabric_get_ports", When::Runtime, "Shows F_Ports and who is logged in.", move |p: Which| {
            ports.find(p.fabric.as_deref())?.call(|switch, _| switch.ports())
        }),
        Method::new("fabric_get_stats", When::Runtime, "Shows what a fabric counts.", move |p: Which| {
            stats.find(p.fabric.as_deref())?.call(|switch, _| Stats {
                counters: switch.counters(),
                free_frames: switch.free_frames(),
                ports: switch.ports(),
            })
        }),
        Method::new("fabric_listen", When::Runtime, "Lets ports of others attach themselves.", move |p: Listen| {
            start_listening(&listen, &p).map(|()| true)
        }),
        Method::new("fabric_unlisten", When::Runtime, "Ends what fabric_listen began.", move |p: Listen| {
            stop_listening(&unlisten, &p).map(|()| true)
        }),
        Method::new("fabric_port_down", When::Runtime, "Takes an F_Port down.", move |p: PortAt| {
            set_up(&down, p, false)
        }),
        Method::new("fabric_port_up", When::Runtime, "Takes an F_Port up.", move |p: PortAt| set_up(&up, p, true)),
    ]
}

fn describe(fabric: &Fabric) -> Result<Value, RpcError> {
    let create = &fabric.create;
    let (config, listeners, ports) =
        fabric.call(|switch, _| (switch.config().clone(), switch.listeners(), switch.ports().len()))?;
    Ok(json!({
        "name": create.name,
        "wwn": config.wwn.to_string(),
        "domain": config.domain,
        "default_zone": create.default_zone,
        "listeners": listeners,
        "ports": ports,
    }))
}

fn start_listening(inner: &Inner, listen: &Listen) -> Result<(), RpcError> {
    let fabric = inner.find(listen.fabric.as_deref())?;
    let (frames, what) = (inner.frames(), address(listen)?);
    if fabric.call(|switch, _| switch.listeners())?.contains(&what) {
        return Err(RpcError::bad_params(format!("fabric '{}' listens at {what} already", fabric.create.name)));
    }
    let listener: Box<dyn Listener> = match (&listen.path, &listen.interface) {
        (Some(path), _) => Box::new(UnixListener::bind(path, frames).map_err(RpcError::bad_params)?),
        (None, interface) => {
            let interface = interface.as_deref().unwrap_or_default();
            let nic = Nic::open(interface);
            let nic = nic.map_err(|error| RpcError::bad_params(format!("network interface '{interface}': {error}")))?;
            let wwn = fabric.call(|switch, _| switch.config().wwn)?;
            Box::new(Fcf::new(nic, FcfConfig::new(fcf_name(wwn, interface), wwn), frames))
        }
    };
    fabric.call(move |switch, _| switch.listen(listener))
}

/// The name of the forwarder on an interface: the fabric's with a number made of the interface's name, so that it is the same after
/// a restart.
fn fcf_name(fabric: Wwn, interface: &str) -> Wwn {
    let hash = interface.bytes().fold(0u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Wwn(0x2 << 60 | (0x800 | hash & 0x3ff) << 48 | fabric.0 & 0xffff_ffff_ffff)
}

/// What the listener calls itself.
fn address(listen: &Listen) -> Result<String, RpcError> {
    match (&listen.path, &listen.interface) {
        (Some(path), None) if path.is_absolute() => Ok(format!("unix:{}", path.display())),
        (Some(path), None) => Err(RpcError::bad_params(format!("path {}: give an absolute one", path.display()))),
        (None, Some(interface)) => Ok(format!("fcoe:{interface}")),
        _ => Err(RpcError::bad_params("say either a path or an interface")),
    }
}

fn stop_listening(inner: &Inner, listen: &Listen) -> Result<(), RpcError> {
    let fabric = inner.find(listen.fabric.as_deref())?;
    let what = address(listen)?;
    let text = format!("fabric '{}' does not listen at {what}", fabric.create.name);
    let ended = fabric.call(move |switch, _| switch.unlisten(&what))?;
    if ended { Ok(()) } else { Err(RpcError::bad_params(text)) }
}

fn set_up(inner: &Inner, at: PortAt, up: bool) -> Result<bool, RpcError> {
    let wwpn = at.wwpn.map(|text| name(&text)).transpose()?;
    if wwpn.is_some() == at.port.is_some() {
        return Err(RpcError::bad_params("say either a port or a wwpn"));
    }
    inner.find(at.fabric.as_deref())?.try_call(move |switch, now| {
        let by_name = || wwpn.and_then(|wwpn| switch.f_port_of(wwpn));
        let number = at.port.or_else(by_name).ok_or_else(|| Refused("that port name is not logged in".to_owned()))?;
        switch.set_up(number, up, now)
    })?;
    Ok(true)
}

/// A port name as a parameter.
pub(crate) fn name(text: &str) -> Result<Wwn, RpcError> {
    text.parse().map_err(|error| RpcError::bad_params(format!("'{text}' {error}")))
}
