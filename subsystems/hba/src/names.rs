//! World wide names for ports that are given none.

use fc::Names;
use uuid::Uuid;
use wire::fc::Wwn;

/// NAA 2 (IEEE extended) in bits 63:60; bit 56 says port (1) or node (0), as many makers have it.
const NODE: u64 = 0x2000 << 48;
const PORT: u64 = 0x2100 << 48;

/// The bit of a 48-bit address that says: locally administered, no maker's.
const LOCAL: u64 = 0x0200_0000_0000;
const GROUP: u64 = 0x0100_0000_0000;

/// A node and a port name around a random, locally administered address. They are saved with the configuration, so a port
/// keeps them.
pub fn random() -> Names {
    let bits = Uuid::new_v4().as_u64_pair().0 & 0xffff_ffff_ffff;
    let address = (bits | LOCAL) & !GROUP;
    Names { node: Wwn(NODE | address), port: Wwn(PORT | address) }
}

/// The node name that goes with a port name when none is given.
pub fn node_of(port: Wwn) -> Wwn {
    Wwn(NODE | port.0 & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_local_and_not_twice_the_same() {
        let (one, other) = (random(), random());
        assert_ne!(one.port, other.port);
        for names in [one, other] {
            assert_eq!((names.port.naa(), names.port.0 >> 40 & 3), (2, 2));
            assert_eq!(node_of(names.port), names.node);
            assert_ne!(names.node, names.port);
        }
    }
}
