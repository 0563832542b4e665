//! Parameters of the methods.

use app::RpcError;
use fc::Fc4;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wire::fc::Wwn;

pub const EEXIST: i32 = 17;
pub const ENODEV: i32 = 19;
pub const EINVAL: i32 = 22;

/// Which protocols a port serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Transport {
    /// SCSI only.
    #[serde(rename = "FCP")]
    Fcp,
    /// NVMe only.
    #[serde(rename = "NVME")]
    Nvme,
    /// Both.
    #[default]
    #[serde(rename = "BOTH")]
    Both,
}

impl Transport {
    /// As the port wants it.
    pub fn protocols(self) -> Vec<Fc4> {
        match self {
            Self::Fcp => vec![Fc4::Fcp],
            Self::Nvme => vec![Fc4::Nvme],
            Self::Both => vec![Fc4::Fcp, Fc4::Nvme],
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortCreate {
    /// What to call it; the port name when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// World wide node name (16 hexadecimal digits, with or without colons); made from the port name when absent.
    #[serde(default)]
    pub wwnn: Option<String>,
    /// World wide port name; a random, locally administered one when absent.
    #[serde(default)]
    pub wwpn: Option<String>,
    /// What to attach it to: `fabric[:name]`, `unix:/path`, `fcoe:interface`, `vn2vn:interface`.
    pub link: String,
    /// The core that drives it, by its number in the system; the one with the fewest ports when absent.
    #[serde(default)]
    pub core: Option<usize>,
    /// Which protocols may be served on it; as `fc_set_options` says when absent.
    #[serde(default)]
    pub transport: Option<Transport>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VportCreate {
    /// Name or port name of the port to make it on.
    pub parent: String,
    /// World wide port name; a random, locally administered one when absent.
    #[serde(default)]
    pub wwpn: Option<String>,
    /// World wide node name; that of the parent when absent.
    #[serde(default)]
    pub wwnn: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its port name.
    #[serde(default)]
    pub wwpn: Option<String>,
}

impl Which {
    /// The one that is given.
    pub fn text(&self) -> Result<&str, RpcError> {
        match (&self.name, &self.wwpn) {
            (Some(text), None) | (None, Some(text)) => Ok(text),
            _ => Err(invalid("name, wwpn: give one of both")),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetPorts {
    /// Only the port of this name or port name.
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetState {
    /// Its port name, or the name of a port.
    pub wwpn: String,
    /// Whether it shall be up.
    pub up: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// Which adapter: a PCI address (`0000:3b:00.0`), `vfio-user:/path` (a device that another process serves), `virtual` (a model in
    /// this process), `auto` (all that are found; where there is none, models).
    pub address: String,
    /// What to call its port; the port name when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// World wide port name instead of the adapter's own; a model's own is a random one when absent.
    #[serde(default)]
    pub wwpn: Option<String>,
    /// World wide node name; made from the port name when absent.
    #[serde(default)]
    pub wwnn: Option<String>,
    /// `auto`: names of the models that stand for adapters (port names, or `nn-...:pn-...`).
    #[serde(default)]
    pub names: Vec<String>,
    /// `virtual`: what to attach it to, as in `fc_port_create`; `fabric` when absent.
    #[serde(default)]
    pub link: Option<String>,
    /// The core that drives it, by its number in the system; the one with the fewest ports when absent.
    #[serde(default)]
    pub core: Option<usize>,
    /// Which protocols may be served on it; as `fc_set_options` says when absent.
    #[serde(default)]
    pub transport: Option<Transport>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetNames {
    /// The adapter's port: its name or present port name.
    pub name: String,
    /// The new world wide port name.
    pub wwpn: String,
    /// The new world wide node name; made from the port name when absent.
    #[serde(default)]
    pub wwnn: Option<String>,
}

/// Parameters that make no sense.
pub fn invalid(reason: impl Into<String>) -> RpcError {
    RpcError::errno(EINVAL).because(reason)
}

/// The fabric's word against a port: its name is in use there, or something else.
pub fn refused(reason: String) -> RpcError {
    RpcError::errno(if reason.contains("in use") { EEXIST } else { EINVAL }).because(reason)
}

/// Reads a name that a parameter gives.
pub fn wwn(parameter: &str, text: &str) -> Result<Wwn, RpcError> {
    match text.parse::<Wwn>() {
        Ok(Wwn::NONE) => Err(invalid(format!("{parameter}: 0 is no name"))),
        Ok(name) => Ok(name),
        Err(error) => Err(invalid(format!("{parameter}: '{text}' {error}"))),
    }
}
