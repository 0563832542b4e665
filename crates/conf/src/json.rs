//! A plan in the shape of SPDK's JSON configuration files.

use serde_json::{Value, json};

use crate::plan::Plan;

/// The plan's calls as SPDK's `save_config` writes them:
/// `{"subsystems": [{"subsystem": "bdev", "config": [{"method", "params"}, ...]}, ...]}`.
/// The subsystem is the method's name up to its first `_`. SPDK's own client loads it with
/// `load_config`. Start options, [`Plan::not_yet`] and [`Plan::fc`] have no place in it.
pub fn to_json_config(plan: &Plan) -> Value {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for call in &plan.calls {
        let name = call.method.split_once('_').map_or(call.method.as_str(), |(name, _)| name);
        let entry = json!({"method": call.method, "params": call.params});
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, config)) => config.push(entry),
            None => groups.push((name, vec![entry])),
        }
    }
    let groups: Vec<Value> =
        groups.into_iter().map(|(name, config)| json!({"subsystem": name, "config": config})).collect();
    json!({"subsystems": groups})
}
