//! Authentication groups. Secrets come in and are never shown, logged or saved.

use crate::Iscsi;
use crate::state::Groups;
use app::{Method, NoParams, RpcError, When};
use iscsi::secrets::SecretError;
use schemars::JsonSchema;
use scsi::control::Auth;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What who logs in must prove.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Chap {
    /// Nothing
    disable_chap: bool,
    /// That it knows a secret
    require_chap: bool,
    /// The target proves itself too
    mutual_chap: bool,
    /// Authentication group; 0: none
    chap_group: u32,
}

impl Chap {
    pub fn read(self) -> Result<Auth, RpcError> {
        let Self { disable_chap, require_chap, mutual_chap, chap_group } = self;
        read_auth(disable_chap, require_chap, mutual_chap, chap_group)
    }
}

/// A policy that can be.
pub(super) fn read_auth(disable: bool, require: bool, mutual: bool, group: u32) -> Result<Auth, RpcError> {
    check(Auth { disable, require, mutual, group })
}

/// Refuses a policy that contradicts itself.
pub(crate) fn check(auth: Auth) -> Result<Auth, RpcError> {
    let refuse = |text: &str| Err(RpcError::invalid_params(text));
    match auth {
        Auth { disable: true, require: true, .. } => refuse("disable_chap and require_chap exclude each other"),
        Auth { require: false, mutual: true, .. } => refuse("mutual_chap needs require_chap"),
        Auth { group: 65_536.., .. } => refuse("chap_group: up to 65535"),
        auth => Ok(auth),
    }
}

/// A text that the log and errors do not show.
#[derive(Deserialize, JsonSchema)]
struct Hidden(String);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Secret {
    /// The initiator's name for itself
    user: String,
    /// Its secret
    secret: Hidden,
    /// Our name, for mutual CHAP
    muser: Option<String>,
    /// Our secret
    msecret: Option<Hidden>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Number of the group, 1 to 65535
    tag: u32,
    /// Users
    #[serde(default)]
    secrets: Vec<Secret>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    /// The group
    tag: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The group
    tag: u32,
    /// The initiator's name for itself
    user: String,
    /// Its secret
    secret: Hidden,
    /// Our name, for mutual CHAP
    muser: Option<String>,
    /// Our secret
    msecret: Option<Hidden>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// The group
    tag: u32,
    /// Whom
    user: String,
}

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let all: [Arc<Iscsi>; 5] = std::array::from_fn(|_| iscsi.clone());
    let [create, delete, get, add, remove] = all;
    vec![
        Method::new("iscsi_create_auth_group", When::Runtime, "Makes an authentication group", move |p: Create| {
            create.edit(p.tag, |groups| {
                // All or nothing.
                let mut secrets = groups.secrets.clone();
                secrets.create(p.tag)?;
                p.secrets.iter().try_for_each(|one| {
                    let mutual = (one.muser.as_deref(), one.msecret.as_ref().map(|secret| &*secret.0));
                    secrets.add(p.tag, &one.user, &one.secret.0, mutual)
                })?;
                groups.secrets = secrets;
                Ok(())
            })
        }),
        Method::new("iscsi_delete_auth_group", When::Runtime, "Deletes an authentication group", move |p: Tag| {
            delete.edit(p.tag, |groups| groups.secrets.delete(p.tag))
        }),
        Method::new(
            "iscsi_get_auth_groups",
            When::Runtime,
            "Shows the authentication groups, without their secrets",
            move |_: NoParams| Ok(show(&get.state.groups())),
        ),
        Method::new(
            "iscsi_auth_group_add_secret",
            When::Runtime,
            "Adds a user to an authentication group",
            move |p: Add| {
                let mutual = (p.muser.as_deref(), p.msecret.as_ref().map(|secret| &*secret.0));
                add.edit(p.tag, |groups| groups.secrets.add(p.tag, &p.user, &p.secret.0, mutual))
            },
        ),
        Method::new(
            "iscsi_auth_group_remove_secret",
            When::Runtime,
            "Removes a user from an authentication group",
            move |p: Remove| remove.edit(p.tag, |groups| groups.secrets.remove(p.tag, &p.user)),
        ),
    ]
}

impl Iscsi {
    fn edit(&self, tag: u32, edit: impl FnOnce(&mut Groups) -> Result<(), SecretError>) -> Result<bool, RpcError> {
        let mut groups = self.state.groups();
        edit(&mut groups).map_err(|why| RpcError::invalid_params(why.to_string()))?;
        groups.changed.insert(tag);
        Ok(true)
    }
}

fn show(groups: &Groups) -> Vec<Value> {
    let user = |(user, mutual): (&str, Option<&str>)| match mutual {
        Some(mutual) => json!({ "user": user, "muser": mutual }),
        None => json!({ "user": user }),
    };
    let group = |tag: u32| json!({ "tag": tag, "secrets": groups.secrets.users(tag).map(user).collect::<Vec<_>>() });
    groups.secrets.groups().map(group).collect()
}
