//! Parameters of the methods `fabric_hba_*`.

use app::RpcError;
use emu::isp::Board;
use fc::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wire::fc::Wwn;

use super::identity;

/// The longest path of a Unix socket: 108 bytes, of which the last is zero.
const LONGEST_PATH: usize = 107;

/// Most MSI-X vectors of an adapter: what a stock driver asks for at most (a queue pair for each CPU, and three more).
const MOST_VECTORS: u16 = 64;

/// Which FC-4 type the host's driver shall log in with where a port offers both: a bit of the NVRAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    /// FCP: SCSI disks.
    #[default]
    Fcp,
    /// FC-NVMe: namespaces.
    Nvme,
}

/// What a virtual adapter is made of.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// The fabric that it is attached to; not needed when there is one only. Without any, one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fabric: Option<String>,
    /// What to call it; the file name of its socket, without its extension, when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Where the socket for `vfio-user-pci` is made, an absolute path.
    pub(crate) socket: PathBuf,
    /// World wide port name in its NVRAM, 16 hexadecimal digits; made from the machine and the socket's path when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wwpn: Option<String>,
    /// World wide node name; made from the port name when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wwnn: Option<String>,
    /// Which board it is: QLE2740, QLE2742 (when it is not said), QLE2690, QLE2692, QLE2670, QLE2672.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// Its serial number; made from the port name when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<String>,
    /// Which FC-4 type the host's driver logs in with where a port offers both: `fcp` (when it is not said) or `nvme`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fc4_priority: Option<Priority>,
    /// MSI-X vectors, 3 to 64; three of them are for mailboxes, the base queues and targets, each of the others for a queue pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vectors: Option<u16>,
    /// The core that it runs on; the first when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) core: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The adapter.
    pub(crate) name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Get {
    /// Only this adapter.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetCable {
    /// The adapter.
    pub(crate) name: String,
    /// Whether the cable is plugged in.
    #[serde(rename = "in")]
    pub(crate) plugged: bool,
}

/// The same, looked at and complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adapter {
    pub(crate) name: String,
    pub(crate) names: Names,
    pub(crate) board: Board,
    pub(crate) serial: String,
    pub(crate) priority: Priority,
    pub(crate) vectors: u16,
}

impl Create {
    /// What is to be made.
    pub(crate) fn adapter(&self) -> Result<Adapter, RpcError> {
        check_path(&self.socket)?;
        let stem = self.socket.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = self.name.clone().or(stem).unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(RpcError::bad_params(format!("name '{name}': it has 1 to 64 letters, digits, _ - .")));
        }
        let names = self.names()?;
        Ok(Adapter {
            name,
            names,
            board: self.board()?,
            serial: text("serial", self.serial.as_deref(), 15, || identity::serial(names.port))?,
            priority: self.fc4_priority.unwrap_or_default(),
            vectors: within("vectors", self.vectors.unwrap_or(16), 3, MOST_VECTORS)?,
        })
    }

    fn board(&self) -> Result<Board, RpcError> {
        let name = self.model.as_deref().unwrap_or("QLE2742");
        Board::by_name(name).ok_or_else(|| {
            let known = "QLE2740, QLE2742, QLE2690, QLE2692, QLE2670, QLE2672";
            RpcError::bad_params(format!("model '{name}': there are {known}"))
        })
    }

    fn names(&self) -> Result<Names, RpcError> {
        let read = |what: &str, text: &str| match text.parse::<Wwn>() {
            Ok(Wwn::NONE) => Err(RpcError::bad_params(format!("{what}: 0 is no name"))),
            Ok(name) => Ok(name),
            Err(error) => Err(RpcError::bad_params(format!("{what} '{text}' {error}"))),
        };
        let port = self.wwpn.as_deref().map(|text| read("wwpn", text)).transpose()?;
        let port = port.unwrap_or_else(|| identity::port_name(&self.socket));
        let node = self.wwnn.as_deref().map(|text| read("wwnn", text)).transpose()?;
        Ok(Names { node: node.unwrap_or_else(|| identity::node_name(port)), port })
    }

    /// What makes the same again, whatever the socket's path is by then.
    pub(crate) fn complete(mut self, fabric: &str, adapter: &Adapter) -> Self {
        self.fabric = Some(fabric.to_owned());
        self.name = Some(adapter.name.clone());
        self.wwpn = Some(adapter.names.port.to_string());
        self.wwnn = Some(adapter.names.node.to_string());
        self.serial = Some(adapter.serial.clone());
        self
    }
}

fn check_path(path: &Path) -> Result<(), RpcError> {
    let bad = |reason: String| Err(RpcError::bad_params(format!("socket {}: {reason}", path.display())));
    if !path.is_absolute() || path.file_name().is_none() {
        return bad("give an absolute path".to_owned());
    }
    match path.as_os_str().len() {
        length if length > LONGEST_PATH => {
            bad(format!("it has {length} bytes, and sockets have {LONGEST_PATH} at most"))
        }
        _ => Ok(()),
    }
}

/// Text that goes into the adapter's product data: printable, without blanks at its ends, so that drivers show it as it is.
fn text(what: &str, said: Option<&str>, most: usize, default: impl FnOnce() -> String) -> Result<String, RpcError> {
    let Some(said) = said else { return Ok(default()) };
    let fits = (1..=most).contains(&said.len()) && said.chars().all(|c| c.is_ascii_graphic());
    if fits {
        Ok(said.to_owned())
    } else {
        Err(RpcError::bad_params(format!("{what} '{said}': 1 to {most} letters, digits, signs")))
    }
}

fn within(what: &str, value: u16, least: u16, most: u16) -> Result<u16, RpcError> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(RpcError::bad_params(format!("{what} {value}: {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(params: Value) -> Result<Adapter, String> {
        let create: Create = serde_json::from_value(params).map_err(|error| error.to_string())?;
        create.adapter().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_made_and_is_the_same_each_time() {
        let made = read(json!({ "socket": "/run/vm1.sock" })).unwrap();
        assert_eq!(made, read(json!({ "socket": "/run/vm1.sock" })).unwrap());
        assert_eq!((made.name.as_str(), made.board, made.vectors), ("vm1", Board::Qle2742, 16));
        assert_eq!(made.priority, Priority::Fcp);
        let other = read(json!({ "socket": "/run/vm2.sock" })).unwrap();
        assert!(other.names.port != made.names.port && other.serial != made.serial);
    }

    #[test]
    fn saved_it_is_the_same_at_another_place() {
        let create: Create =
            serde_json::from_value(json!({ "socket": "/run/vm1.sock", "fc4_priority": "nvme" })).unwrap();
        let adapter = create.adapter().unwrap();
        let mut saved = create.complete("san", &adapter);
        saved.socket = "/tmp/other".into();
        assert_eq!(saved.adapter().unwrap(), adapter);
        assert_eq!(saved.fabric.as_deref(), Some("san"));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (wrong, part) in [
            (json!({ "socket": "vm.sock" }), "absolute"),
            (json!({ "socket": format!("/{}", "a".repeat(107)) }), "107"),
            (json!({ "socket": "/a b" }), "name 'a b'"),
            (json!({ "socket": "/a", "wwpn": "12" }), "wwpn"),
            (json!({ "socket": "/a", "wwpn": "0" }), "wwpn"),
            (json!({ "socket": "/a", "wwnn": "0x0000000000000000" }), "wwnn: 0"),
            (json!({ "socket": "/a", "model": "QLE9" }), "model 'QLE9'"),
            (json!({ "socket": "/a", "serial": "with blank" }), "serial"),
            (json!({ "socket": "/a", "vectors": 2 }), "vectors 2: 3 to 64"),
            (json!({ "socket": "/a", "fc4_priority": "iscsi" }), "iscsi"),
            (json!({ "socket": "/a", "colour": "red" }), "colour"),
        ] {
            let error = read(wrong.clone()).unwrap_err();
            assert!(error.contains(part), "{wrong}: {error}");
        }
    }
}
