//! Aliases, zones, zone sets.

use crate::methods::{Which, name};
use crate::subsystem::Inner;
use app::{Method, RpcError, When};
use fabric::Refused;
use fabric::zoning::{Active, DefaultZone, Member, Zoning};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// What it is called.
    name: String,
    /// Zone: port names and aliases. Alias: port names. Zone set: zones.
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// What it is called.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MemberOf {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// The zone.
    zone: String,
    /// A port name or an alias.
    member: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Activate {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// The zone set; all zones that are defined when it is not said.
    name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Default_ {
    /// The fabric; not needed when there is one only.
    fabric: Option<String>,
    /// Who may talk with whom while no zone set is active: `open` or `deny`.
    #[schemars(with = "String")]
    access: DefaultZone,
}

fn member(text: &str) -> Result<Member, RpcError> {
    text.parse().map_err(|refused: Refused| RpcError::bad_params(refused.to_string()))
}

fn change(
    inner: &Inner,
    fabric: Option<&str>,
    change: impl FnOnce(&mut Zoning) -> Result<(), Refused> + Send + 'static,
) -> Result<bool, RpcError> {
    inner.find(fabric)?.try_call(move |switch, now| switch.rezone(now, change))?;
    Ok(true)
}

fn create_zone(inner: &Inner, p: Create) -> Result<bool, RpcError> {
    let members = p.members.iter().map(|text| member(text)).collect::<Result<BTreeSet<_>, _>>()?;
    change(inner, p.fabric.as_deref(), move |zoning| zoning.create_zone(&p.name, members))
}

fn create_alias(inner: &Inner, p: Create) -> Result<bool, RpcError> {
    let members = p.members.iter().map(|text| name(text)).collect::<Result<BTreeSet<_>, _>>()?;
    if members.is_empty() {
        return Err(RpcError::bad_params("an alias stands for at least one port name"));
    }
    change(inner, p.fabric.as_deref(), move |zoning| zoning.create_alias(&p.name, members))
}

fn create_set(inner: &Inner, p: Create) -> Result<bool, RpcError> {
    let zones: BTreeSet<String> = p.members.into_iter().collect();
    change(inner, p.fabric.as_deref(), move |zoning| zoning.create_set(&p.name, zones))
}

fn edit(inner: &Inner, p: MemberOf, add: bool) -> Result<bool, RpcError> {
    let member = member(&p.member)?;
    change(inner, p.fabric.as_deref(), move |zoning| match add {
        true => zoning.add_member(&p.zone, member),
        false => zoning.remove_member(&p.zone, &member),
    })
}

fn set_default(inner: &Inner, p: &Default_) -> Result<bool, RpcError> {
    let access = p.access;
    change(inner, p.fabric.as_deref(), move |zoning| {
        zoning.default_zone = access;
        Ok(())
    })
}

/// The zones with the port names that they come to.
fn show(zoning: &Zoning) -> Value {
    let zone = |(name, members): (&String, &BTreeSet<Member>)| {
        let names: Vec<String> = zoning.names(members).iter().map(ToString::to_string).collect();
        json!({ "name": name, "members": members, "wwpns": names, "active": is_active(zoning, name) })
    };
    let alias = |(name, members): (&String, &BTreeSet<wire::fc::Wwn>)| json!({ "name": name, "members": members.iter().map(ToString::to_string).collect::<Vec<_>>() });
    let set = |(name, zones): (&String, &BTreeSet<String>)| json!({ "name": name, "members": zones });
    let active = match &zoning.active {
        Active::None => Value::Null,
        Active::All => json!("(all zones)"),
        Active::Set(name) => json!(name),
    };
    json!({
        "active": active,
        "default_zone": zoning.default_zone,
        "aliases": zoning.aliases.iter().map(alias).collect::<Vec<_>>(),
        "zones": zoning.zones.iter().map(zone).collect::<Vec<_>>(),
        "zonesets": zoning.sets.iter().map(set).collect::<Vec<_>>(),
    })
}

fn is_active(zoning: &Zoning, zone: &str) -> bool {
    match &zoning.active {
        Active::None => false,
        Active::All => true,
        Active::Set(name) => zoning.sets.get(name).is_some_and(|zones| zones.contains(zone)),
    }
}

pub(crate) fn methods(inner: &Arc<Inner>) -> Vec<Method> {
    definitions(inner).into_iter().chain(activation(inner)).collect()
}

fn definitions(inner: &Arc<Inner>) -> Vec<Method> {
    let share = || inner.clone();
    let (a, b, c, d, e, f, g, h) = (share(), share(), share(), share(), share(), share(), share(), share());
    let run = When::Runtime;
    vec![
        Method::new("fabric_alias_create", run, "Names one or several port names.", move |p| create_alias(&a, p)),
        Method::new("fabric_alias_delete", run, "Removes an alias.", move |p: Delete| {
            change(&b, p.fabric.as_deref(), move |zoning| zoning.delete_alias(&p.name))
        }),
        Method::new("fabric_zone_create", run, "Defines a zone: ports that may see each other.", move |p| {
            create_zone(&c, p)
        }),
        Method::new("fabric_zone_delete", run, "Removes a zone.", move |p: Delete| {
            change(&d, p.fabric.as_deref(), move |zoning| zoning.delete_zone(&p.name))
        }),
        Method::new("fabric_zone_add_member", run, "Adds a port name or alias to a zone.", move |p| edit(&e, p, true)),
        Method::new("fabric_zone_remove_member", run, "Removes a member of a zone.", move |p| edit(&f, p, false)),
        Method::new("fabric_zoneset_create", run, "Defines a zone set.", move |p| create_set(&g, p)),
        Method::new("fabric_zoneset_delete", run, "Removes a zone set.", move |p: Delete| {
            change(&h, p.fabric.as_deref(), move |zoning| zoning.delete_set(&p.name))
        }),
    ]
}

fn activation(inner: &Arc<Inner>) -> Vec<Method> {
    let share = || inner.clone();
    let (a, b, c, d) = (share(), share(), share(), share());
    let run = When::Runtime;
    vec![
        Method::new("fabric_zone_activate", run, "Puts a zone set, or all zones, in force.", move |p: Activate| {
            change(&a, p.fabric.as_deref(), move |zoning| zoning.activate(p.name.as_deref()))
        }),
        Method::new("fabric_zone_deactivate", run, "Goes back to the default zone.", move |p: Which| {
            change(&b, p.fabric.as_deref(), |zoning| {
                zoning.active = Active::None;
                Ok(())
            })
        }),
        Method::new("fabric_set_default_zone", run, "Says who sees whom without zones.", move |p| set_default(&c, &p)),
        Method::new("fabric_get_zones", run, "Shows aliases, zones and zone sets.", move |p: Which| {
            d.find(p.fabric.as_deref())?.call(|switch, _| show(switch.zoning()))
        }),
    ]
}
