//! The calls that rebuild the target, in SPDK's order: kind by kind, listeners last, so that no host meets a subsystem that
//! is half built.

use crate::show::{self, hexadecimal};
use app::Call;
use nvmf::{NamespaceView, Shown, SubsystemView, Target};
use serde_json::{Value, json};

pub(crate) fn calls(target: &Target) -> Vec<Call> {
    let all = target.subsystems();
    let subsystems: Vec<&Shown> = all.iter().filter(|shown| !shown.view.discovery).collect();
    let mut calls = vec![Call::new("nvmf_set_max_subsystems", json!({ "max_subsystems": target.max_subsystems() }))];
    for transport in target.transports() {
        calls.push(Call::new("nvmf_create_transport", Value::Object(transport.options().to_json())));
    }
    for referral in target.referrals() {
        calls.push(Call::new("nvmf_discovery_add_referral", show::referral(&referral)));
    }
    calls.extend(subsystems.iter().map(|shown| create(&shown.view)));
    calls.extend(subsystems.iter().flat_map(|shown| hosts(&shown.view)));
    calls.extend(subsystems.iter().flat_map(|shown| namespaces(&shown.view)));
    calls.extend(all.iter().flat_map(listeners));
    calls
}

fn create(view: &SubsystemView) -> Call {
    let mut params = json!({
        "nqn": view.nqn,
        "allow_any_host": view.allow_any_host,
        "serial_number": view.serial,
        "model_number": view.model,
        "max_namespaces": view.max_namespaces,
        "min_cntlid": view.min_cntlid,
        "max_cntlid": view.max_cntlid,
        "ana_reporting": false,
        "passthrough": false,
        "enable_nssr": false,
    });
    if view.any_listener {
        params["any_listener"] = json!(true);
    }
    Call::new("nvmf_create_subsystem", params)
}

fn hosts(view: &SubsystemView) -> impl Iterator<Item = Call> + use<'_> {
    view.hosts.iter().map(|host| Call::new("nvmf_subsystem_add_host", json!({ "nqn": view.nqn, "host": host })))
}

fn namespaces(view: &SubsystemView) -> impl Iterator<Item = Call> + use<'_> {
    view.namespaces.iter().map(|namespace| add_ns(&view.nqn, namespace))
}

fn add_ns(nqn: &str, namespace: &NamespaceView) -> Call {
    let params = json!({
        "nqn": nqn,
        "namespace": {
            "nsid": namespace.nsid,
            "bdev_name": namespace.info.name,
            "nguid": hexadecimal(&namespace.nguid),
            "eui64": hexadecimal(&namespace.eui64),
            "uuid": namespace.uuid.to_string(),
            "no_auto_visible": false,
        },
    });
    Call::new("nvmf_subsystem_add_ns", params)
}

fn listeners(shown: &Shown) -> impl Iterator<Item = Call> + use<'_> {
    shown.own.iter().map(|listener| {
        let params =
            json!({ "nqn": shown.view.nqn, "listen_address": show::listener(listener), "secure_channel": false });
        Call::new("nvmf_subsystem_add_listener", params)
    })
}
