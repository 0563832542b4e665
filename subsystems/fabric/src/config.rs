//! The calls that rebuild a fabric: itself, its names, its zones, what is in force, and last the doors by which ports come in.

use crate::control::Fabric;
use app::Call;
use fabric::zoning::{Active, Zoning};
use serde_json::{Value, json};

pub(crate) fn calls(fabric: &Fabric) -> Vec<Call> {
    let name = &fabric.create.name;
    let Ok((zoning, listeners)) = fabric.call(|switch, _| (switch.zoning().clone(), switch.listeners())) else {
        return Vec::new();
    };
    let mut create = fabric.create.clone();
    create.default_zone = zoning.default_zone;
    let mut calls = vec![Call::new("fabric_create", json!(create))];
    calls.extend(zones(name, &zoning));
    let listen = |listener: String| match listener.split_once(':') {
        Some(("unix", path)) => Call::new("fabric_listen", json!({ "fabric": name, "path": path })),
        _ => Call::new("fabric_listen", json!({ "fabric": name, "interface": listener.trim_start_matches("fcoe:") })),
    };
    calls.extend(listeners.into_iter().map(listen));
    calls
}

fn zones(fabric: &str, zoning: &Zoning) -> Vec<Call> {
    let call = |method, name: &str, members: Value| {
        Call::new(method, json!({ "fabric": fabric, "name": name, "members": members }))
    };
    let mut calls = Vec::new();
    for (name, names) in &zoning.aliases {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        calls.push(call("fabric_alias_create", name, json!(names)));
    }
    calls.extend(zoning.zones.iter().map(|(name, members)| call("fabric_zone_create", name, json!(members))));
    calls.extend(zoning.sets.iter().map(|(name, zones)| call("fabric_zoneset_create", name, json!(zones))));
    match &zoning.active {
        Active::None => {}
        Active::All => calls.push(Call::new("fabric_zone_activate", json!({ "fabric": fabric }))),
        Active::Set(name) => calls.push(Call::new("fabric_zone_activate", json!({ "fabric": fabric, "name": name }))),
    }
    calls
}
