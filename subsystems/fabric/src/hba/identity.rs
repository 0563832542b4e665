//! Names of adapters that are given none.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use uuid::Uuid;
use wire::fc::Wwn;

/// The namespace of the UUIDs (version 5) that names are cut from. Never changed: zones and hosts know adapters by what comes out.
const NAMESPACE: Uuid = Uuid::from_u128(0x3d0e_6c1b_7a24_4f0e_8d5c_19b2_60f4_c7a8);

/// NAA 2 (IEEE extended) in bits 63:60; bit 56 says port (1) or node (0), as the maker of the original has it.
const NODE: u64 = 0x2000 << 48;
const PORT: u64 = 0x2100 << 48;

/// Bits of a 48-bit address: locally administered, and for a group.
const LOCAL: u64 = 0x0200_0000_0000;
const GROUP: u64 = 0x0100_0000_0000;

/// The port name of the adapter at this socket on this machine: the same after a restart, another on another machine.
pub(crate) fn port_name(socket: &Path) -> Wwn {
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let mut name = machine.trim_ascii().to_vec();
    name.push(0);
    name.extend_from_slice(socket.as_os_str().as_bytes());
    let bits = Uuid::new_v5(&NAMESPACE, &name).as_u64_pair().0 & 0xffff_ffff_ffff;
    Wwn(PORT | (bits | LOCAL) & !GROUP)
}

/// The node name that goes with a port name.
pub(crate) fn node_name(port: Wwn) -> Wwn {
    Wwn(NODE | port.0 & 0xffff_ffff_ffff)
}

/// A serial number that goes with a port name, in the form of the maker's: three letters, a year, five digits.
pub(crate) fn serial(port: Wwn) -> String {
    let mixed = Uuid::new_v5(&NAMESPACE, &port.0.to_be_bytes()).as_u64_pair().1;
    format!("QFC2611F{:05}", mixed % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_local_and_differ_by_path() {
        let name = port_name(Path::new("/run/a"));
        assert_eq!((name.naa(), name.0 >> 40 & 3), (2, 2));
        assert_ne!(name, port_name(Path::new("/run/b")));
        assert_eq!(name.0 ^ node_name(name).0, 1 << 56);
    }

    #[test]
    fn a_serial_number_fits_into_the_product_data() {
        let serial = serial(Wwn(0x2100_0024_ff00_0001));
        assert!(serial.len() == 13 && serial.chars().all(|c| c.is_ascii_alphanumeric()), "{serial}");
    }
}
