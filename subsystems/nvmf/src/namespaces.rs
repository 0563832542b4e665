//! `nvmf_subsystem_add_ns`, `nvmf_subsystem_remove_ns`.

use crate::NvmfTarget;
use crate::answer::{invalid, no_effect, not_there};
use app::{Method, RpcError, When};
use nvmf::NewNamespace;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The subsystem
    nqn: String,
    /// The namespace
    namespace: Namespace,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Namespace {
    /// Its number; the lowest free one unless given
    nsid: Option<u32>,
    /// The block device, by name or UUID
    bdev_name: String,
    /// 32 hexadecimal digits; the device's UUID unless given
    nguid: Option<String>,
    /// 16 hexadecimal digits; made from the device's UUID unless given; zeroes: none
    eui64: Option<String>,
    /// The device's unless given
    #[schemars(with = "Option<String>")]
    uuid: Option<Uuid>,
    /// Not supported yet
    ptpl_file: Option<String>,
    /// Only the NSID
    anagrpid: Option<u32>,
    /// Only false
    #[serde(default)]
    no_auto_visible: bool,
    /// Without effect (deprecated)
    #[serde(default)]
    hide_metadata: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// The subsystem
    nqn: String,
    /// The namespace's number
    nsid: u32,
    /// nvmf_tgt
    tgt_name: Option<String>,
}

pub(crate) fn methods(nvmf: &Arc<NvmfTarget>) -> Vec<Method> {
    let (add, remove) = (nvmf.clone(), nvmf.clone());
    vec![
        Method::new("nvmf_subsystem_add_ns", When::Runtime, "Offers a block device as a namespace", move |p: Add| {
            add.add_ns(&p)
        }),
        Method::new("nvmf_subsystem_remove_ns", When::Runtime, "Removes a namespace", move |p: Remove| {
            let target = remove.named(p.tgt_name.as_deref())?;
            target.remove_namespace(&p.nqn, p.nsid).map(|()| true).map_err(invalid)
        }),
    ]
}

impl NvmfTarget {
    fn add_ns(&self, params: &Add) -> Result<u32, RpcError> {
        let target = self.named(params.tgt_name.as_deref())?;
        target.subsystem(&params.nqn).map_err(invalid)?;
        let new = params.namespace.read()?;
        target.add_namespace(&params.nqn, &new).map_err(invalid)
    }
}

impl Namespace {
    fn read(&self) -> Result<NewNamespace, RpcError> {
        not_there(self.ptpl_file.is_some(), "ptpl_file (reservations)")?;
        not_there(self.no_auto_visible, "no_auto_visible")?;
        not_there(
            self.anagrpid.is_some_and(|group| group != 0 && self.nsid != Some(group)),
            "anagrpid other than the NSID",
        )?;
        no_effect(self.hide_metadata, "hide_metadata (deprecated): no device has metadata");
        Ok(NewNamespace {
            device: self.bdev_name.clone(),
            nsid: self.nsid.filter(|nsid| *nsid != 0),
            uuid: self.uuid,
            nguid: hexadecimal("nguid", self.nguid.as_deref())?,
            eui64: hexadecimal("eui64", self.eui64.as_deref())?,
        })
    }
}

/// Exactly `N` bytes from pairs of hexadecimal digits.
fn hexadecimal<const N: usize>(what: &str, text: Option<&str>) -> Result<Option<[u8; N]>, RpcError> {
    let Some(text) = text else { return Ok(None) };
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let bytes = digits.map(|digits| {
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect::<Vec<u8>>()
    });
    let exact = bytes.filter(|_| text.len() == 2 * N).and_then(|bytes| bytes.try_into().ok());
    exact.map(Some).ok_or_else(|| RpcError::bad_params(format!("Invalid {what}")))
}
