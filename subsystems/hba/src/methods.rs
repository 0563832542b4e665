//! The methods.

use crate::options::Options;
use crate::params::{Attach, GetPorts, SetNames, SetState, VportCreate, Which, wwn};
use crate::report;
use crate::subsystem::Hba;
use app::{Method, NoParams, When};
use std::sync::Arc;

pub(crate) fn methods(hba: &Arc<Hba>) -> Vec<Method> {
    [ports(hba), adapters(hba), states(hba)].into_iter().flatten().collect()
}

/// Making and unmaking.
fn ports(hba: &Arc<Hba>) -> Vec<Method> {
    let [a, b, c, d, e] = std::array::from_fn(|_| hba.clone());
    let run = When::Runtime;
    vec![
        Method::new("fc_set_options", When::Both, "Sets what is so for all ports and adapters.", move |p: Options| {
            e.set_options(p)
        }),
        Method::new("fc_port_create", run, "Makes a Fibre Channel port in software.", move |p| a.create(p)),
        Method::new("fc_port_delete", run, "Removes a software port.", move |p: Which| b.delete(p.text()?)),
        Method::new("fc_vport_create", run, "Makes a virtual port (NPIV).", move |p: VportCreate| c.create_virtual(&p)),
        Method::new("fc_vport_delete", run, "Removes a virtual port.", move |p: Which| {
            wwn("wwpn", p.text()?)?;
            d.delete_virtual(p.text()?)
        }),
    ]
}

/// Adapters.
fn adapters(hba: &Arc<Hba>) -> Vec<Method> {
    let [a, b, c, d] = std::array::from_fn(|_| hba.clone());
    let run = When::Runtime;
    vec![
        Method::new("hba_attach", run, "Takes an adapter and makes it a port.", move |p: Attach| a.attach(&p)),
        Method::new("hba_detach", run, "Lets an adapter go; its hosts are logged out.", move |p: Which| b.detach(&p)),
        Method::new("hba_get_adapters", run, "Tells of the adapters.", move |_: NoParams| Ok(c.adapters())),
        Method::new("fc_port_set_names", run, "Gives an adapter other names than its own.", move |p: SetNames| {
            d.set_names(&p)
        }),
    ]
}

/// Looking at them, up and down.
fn states(hba: &Arc<Hba>) -> Vec<Method> {
    let [a, b, c, d, e] = std::array::from_fn(|_| hba.clone());
    let run = When::Runtime;
    vec![
        Method::new("fc_get_ports", run, "Tells of all ports and their sessions.", move |p: GetPorts| a.get(&p)),
        Method::new("fc_get_sessions", run, "Tells who is logged in.", move |p: GetPorts| {
            let ports = b.selected(&p)?;
            Ok(ports.iter().flat_map(|port| report::sessions(port.as_ref())).collect::<Vec<_>>())
        }),
        Method::new("fc_get_stats", run, "Tells what ports count.", move |p: GetPorts| {
            let ports = c.selected(&p)?;
            Ok(ports.iter().map(|port| report::stats(port.as_ref())).collect::<Vec<_>>())
        }),
        Method::new("fc_port_set_state", run, "Takes a port up or down.", move |p: SetState| d.set_state(&p)),
        Method::new("fc_port_reset", run, "Takes a port down and up again; hosts log in anew.", move |p: Which| {
            e.reset(p.text()?)
        }),
    ]
}
