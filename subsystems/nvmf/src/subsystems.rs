//! `nvmf_create_subsystem`, `nvmf_delete_subsystem`, `nvmf_get_subsystems`.

use crate::answer::{invalid, not_there};
use crate::{NvmfTarget, show};
use app::{Method, RpcError, When};
use nvmf::{Error, NewSubsystem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Its name: nqn.yyyy-mm.reverse.domain:text
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
    /// At most 20 printable ASCII characters
    serial_number: Option<String>,
    /// At most 40 printable ASCII characters
    model_number: Option<String>,
    /// Only empty
    #[serde(default)]
    admin_label: String,
    /// Highest NSID; 32 unless given
    max_namespaces: Option<u32>,
    /// Anyone may connect
    #[serde(default)]
    allow_any_host: bool,
    /// Only false
    #[serde(default)]
    ana_reporting: bool,
    /// Lowest controller identifier
    min_cntlid: Option<u16>,
    /// Highest controller identifier
    max_cntlid: Option<u16>,
    /// Only 0
    #[serde(default)]
    dmrsl: u32,
    /// Only 0
    #[serde(default)]
    wzsl: u8,
    /// Only false
    #[serde(default)]
    passthrough: bool,
    /// Only false
    #[serde(default)]
    enable_nssr: bool,
    /// It is offered at every listener of the target, now and later (not in SPDK)
    #[serde(default)]
    any_listener: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// Its name
    nqn: String,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// Only this one
    nqn: Option<String>,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (create, delete, get) = (nvmf.clone(), nvmf.clone(), nvmf.clone());
    vec![
        Method::new("nvmf_create_subsystem", When::Runtime, "Makes a subsystem", move |p: Create| {
            create.create_subsystem(p)
        }),
        Method::new(
            "nvmf_delete_subsystem",
            When::Runtime,
            "Deletes a subsystem; its hosts lose it",
            move |p: Delete| {
                let target = delete.named(p.tgt_name.as_deref())?;
                target.delete_subsystem(&p.nqn).map(|()| true).map_err(invalid)
            },
        ),
        Method::new("nvmf_get_subsystems", When::Runtime, "Shows the subsystems", move |p: Get| get.get_subsystems(&p)),
    ]
}

impl NvmfTarget {
    fn create_subsystem(&self, params: Create) -> Result<bool, RpcError> {
        let unknown =
            |_| RpcError::internal(format!("Unable to find target {}", params.tgt_name.clone().unwrap_or_default()));
        let target = self.named(params.tgt_name.as_deref()).map_err(unknown)?;
        params.check_features()?;
        let new = params.subsystem();
        new.check_texts().map_err(invalid)?;
        if !new.is_cntlid_range() {
            let text = format!("Invalid cntlid range [{}-{}]", new.min_cntlid, new.max_cntlid);
            return Err(RpcError::bad_params(text));
        }
        let nqn = new.nqn.clone();
        target.create_subsystem(new).map(|()| true).map_err(|error| match error {
            Error::Silent(_) => invalid(error),
            error => RpcError::internal(format!("Unable to create subsystem {nqn}")).because(error.to_string()),
        })
    }

    fn get_subsystems(&self, params: &Get) -> Result<Vec<Value>, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        match &params.nqn {
            Some(nqn) => Ok(vec![show::subsystem(&target.subsystem(nqn).map_err(invalid)?)]),
            None => Ok(target.subsystems().iter().map(show::subsystem).collect()),
        }
    }
}

impl Create {
    fn check_features(&self) -> Result<(), RpcError> {
        not_there(!self.admin_label.is_empty(), "admin_label")?;
        not_there(self.ana_reporting, "ana_reporting")?;
        not_there(self.passthrough, "passthrough")?;
        not_there(self.enable_nssr, "enable_nssr")?;
        not_there(self.dmrsl != 0, "dmrsl other than 0")?;
        not_there(self.wzsl != 0, "wzsl other than 0")
    }

    fn subsystem(self) -> NewSubsystem {
        let plain = NewSubsystem::named(self.nqn);
        NewSubsystem {
            serial: self.serial_number.unwrap_or(plain.serial),
            model: self.model_number.unwrap_or(plain.model),
            allow_any_host: self.allow_any_host,
            max_namespaces: self.max_namespaces.filter(|n| *n != 0).unwrap_or(plain.max_namespaces),
            min_cntlid: self.min_cntlid.unwrap_or(plain.min_cntlid),
            max_cntlid: self.max_cntlid.unwrap_or(plain.max_cntlid),
            any_listener: self.any_listener,
            nqn: plain.nqn,
        }
    }
}
