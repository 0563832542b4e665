//! What `qfc_tgt --default-config` serves: a volume in a file, a volume in RAM; over NVMe/TCP and iSCSI on 127.0.0.1, and over FCP
//! and FC-NVMe on a port in software.

use app::Cli;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// The file volume's size. The file is sparse: it takes what is written.
const FILE_BYTES: u64 = 256 << 20;

/// The built-in configuration, its file made where it was not yet; nothing when it is not asked for.
///
/// # Errors
/// A sentence for the operator: the file cannot be made.
pub fn text(cli: &Cli) -> Result<String, String> {
    if !cli.default_config {
        return Ok(String::new());
    }
    let path = directory().join("volume0.img");
    make(&path).map_err(|error| {
        format!("cannot make {}: {error}; name another directory in the variable QFC_DATA", path.display())
    })?;
    let state = std::path::absolute(directory().join("state")).map_err(|error| error.to_string())?;
    let text = include_str!("default.conf").replace("@FILE@", &path.display().to_string());
    let text = text.replace("@STATE@", &state.display().to_string());
    Ok(text.replace("@FABRIC@", &fabric().display().to_string()))
}

/// The fabric's socket: `$QFC_FABRIC`, or where `qfc` looks for it.
fn fabric() -> PathBuf {
    std::env::var_os("QFC_FABRIC").map_or_else(|| "/var/tmp/qfc_fabric.sock".into(), PathBuf::from)
}

/// Where the file volume lives: `$QFC_DATA`, or `qfc-data` here.
fn directory() -> PathBuf {
    std::env::var_os("QFC_DATA").map_or_else(|| "qfc-data".into(), PathBuf::from)
}

fn make(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() == 0 {
        file.set_len(FILE_BYTES)?;
        file.sync_all()?;
    }
    Ok(())
}
