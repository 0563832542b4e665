//! Referrals to discovery services elsewhere: `nvmf_discovery_add_referral`, `nvmf_discovery_remove_referral`,
//! `nvmf_discovery_get_referrals`.

use crate::address::Address;
use crate::answer::{internal, not_there};
use crate::{NvmfTarget, show};
use app::{Method, RpcError, When};
use nvmf::{Error, Referral};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Where it is
    address: Address,
    /// Only false
    #[serde(default)]
    secure_channel: bool,
    /// Its name; the well-known one unless given
    subnqn: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// Where it is
    address: Address,
    /// Its name; the well-known one unless given
    subnqn: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (add, remove, get) = (nvmf.clone(), nvmf.clone(), nvmf.clone());
    vec![
        Method::new(
            "nvmf_discovery_add_referral",
            When::Runtime,
            "Refers hosts to another discovery service",
            move |p: Add| {
                let target = add.named(p.tgt_name.as_deref())?;
                not_there(p.secure_channel, "secure_channel (TLS)")?;
                target.add_referral(read(&p.address, p.subnqn)?).map(|()| true).map_err(internal)
            },
        ),
        Method::new("nvmf_discovery_remove_referral", When::Runtime, "Takes a referral back", move |p: Remove| {
            let target = remove.named(p.tgt_name.as_deref())?;
            let removed = target.remove_referral(&read(&p.address, p.subnqn)?);
            removed.map(|()| true).map_err(|error| match error {
                Error::NotFound(why) => RpcError::internal("Unable to remove a referral.").because(why),
                error => internal(error),
            })
        }),
        Method::new("nvmf_discovery_get_referrals", When::Runtime, "Shows the referrals", move |p: Get| {
            let target = get.named(p.tgt_name.as_deref())?;
            Ok(target.referrals().iter().map(show::referral).collect::<Vec<Value>>())
        }),
    ]
}

fn read(address: &Address, subnqn: Option<String>) -> Result<Referral, RpcError> {
    if address.trsvcid.as_ref().is_none_or(String::is_empty) && !address.trtype.eq_ignore_ascii_case("fc") {
        return Err(RpcError::internal("Service ID is required."));
    }
    let plain = Referral::at(address.read()?);
    match subnqn.filter(|subnqn| !subnqn.is_empty()) {
        Some(subnqn) if subnqn.len() > 223 => Err(RpcError::bad_params("Invalid subsystem NQN")),
        Some(subnqn) => Ok(Referral { subnqn, ..plain }),
        None => Ok(plain),
    }
}
