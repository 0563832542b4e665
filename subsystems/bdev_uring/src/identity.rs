//! The UUID of a device that was given none.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use uuid::Uuid;

/// The namespace of these UUIDs (version 5). Never changed: hosts know volumes by what comes out.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1f_0c3a_52de_4a67_9f0d_3c58_71e2_a4b9);

/// The UUID of the volume in `path` (canonical) on this machine: the same after a restart and whatever the device is called.
///
/// The machine's id is in it, because hosts refuse a volume whose UUID they know from another target. A file that moves to another
/// machine or place keeps its identity when `uuid` is given, as saved configurations do.
pub fn derived(path: &Path) -> Uuid {
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let mut name = machine.trim_ascii().to_vec();
    name.push(0);
    name.extend_from_slice(path.as_os_str().as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_identity() {
        assert_eq!(derived(Path::new("/a/b")), derived(Path::new("/a/b")));
        assert_ne!(derived(Path::new("/a/b")), derived(Path::new("/a/c")));
    }
}
