//! `--hba SOCKET[,key=value...]`.

use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Keys with the parameters of `fabric_hba_create` that they become.
const KEYS: &[(&str, &str)] = &[
    ("name", "name"),
    ("wwpn", "wwpn"),
    ("wwnn", "wwnn"),
    ("priority", "fc4_priority"),
    ("model", "model"),
    ("serial", "serial"),
    ("vectors", "vectors"),
];

/// A virtual adapter as the command line asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HbaArg {
    socket: PathBuf,
    params: Map<String, Value>,
}

/// Reads it.
///
/// # Errors
/// A sentence: a key that there is not, or one without a value.
pub fn parse(text: &str) -> Result<HbaArg, String> {
    let mut parts = text.split(',');
    let socket = parts.next().filter(|socket| !socket.is_empty() && !socket.contains('='));
    let socket = socket.ok_or("the socket's path comes first: /run/vm1.sock,wwpn=...")?;
    let params = parts.map(param).collect::<Result<Map<_, _>, String>>()?;
    Ok(HbaArg { socket: socket.into(), params })
}

fn param(part: &str) -> Result<(String, Value), String> {
    let known = || KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ");
    let (key, value) =
        part.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or(format!("'{part}': write key=value"))?;
    let (_, param) =
        KEYS.iter().find(|(name, _)| *name == key).ok_or_else(|| format!("'{key}' is not known: {}", known()))?;
    let number = (key == "vectors").then(|| value.parse::<u16>().ok()).flatten();
    Ok(((*param).to_owned(), number.map_or_else(|| json!(value), |number| json!(number))))
}

impl HbaArg {
    /// The parameters of `fabric_hba_create`.
    pub fn params(&self) -> Value {
        let socket = std::path::absolute(&self.socket).unwrap_or_else(|_| Path::to_owned(&self.socket));
        let mut params = json!({ "socket": socket });
        self.params.iter().for_each(|(key, value)| params[key] = value.clone());
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_with_its_keys() {
        let arg = parse("/run/a.sock,wwpn=21000024ff000001,priority=fcp,vectors=16").unwrap();
        let wanted =
            json!({ "socket": "/run/a.sock", "wwpn": "21000024ff000001", "fc4_priority": "fcp", "vectors": 16 });
        assert_eq!(arg.params(), wanted);
        assert_eq!(parse("/run/a.sock").unwrap().params(), json!({ "socket": "/run/a.sock" }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (wrong, part) in
            [("", "path"), ("wwpn=1", "path"), ("/a,wwpn", "key=value"), ("/a,wwpn=", "key=value"), ("/a,x=1", "'x'")]
        {
            assert!(parse(wrong).unwrap_err().contains(part), "{wrong}");
        }
    }
}
