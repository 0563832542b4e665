//! The identifiers that hosts know a volume by: all from its UUID, so that they are the same on every port and protocol, and
//! stay what they are through a rename and a restart.

use uuid::Uuid;

/// The EUI-64 of a volume with that UUID, unless configured: the first eight bytes of the version 5 UUID (SHA-1) of the
/// name `eui-64` in the name space that the volume's UUID is, marked in its first byte as locally administered and
/// individual. So it stays what it is as long as the UUID does, and nothing is claimed of an IEEE number.
pub fn eui64(uuid: Uuid) -> [u8; 8] {
    let mut eui64 = derived(uuid, b"eui-64");
    eui64[0] = eui64[0] & 0xfc | 0x02;
    eui64
}

/// The NAA identifier of a volume with that UUID: format 3h, «locally assigned» (SPC-4 7.8.6.6.4). Formats 2h, 5h and 6h
/// hold a company's IEEE number, which we have none of; 3h is what the standard has for this case, and leaves 60 bits. They
/// are taken from the version 5 UUID of the name `naa` as above.
pub fn naa(uuid: Uuid) -> [u8; 8] {
    let mut naa = derived(uuid, b"naa");
    naa[0] = naa[0] & 0x0f | 0x30;
    naa
}

fn derived(uuid: Uuid, name: &[u8]) -> [u8; 8] {
    let derived = Uuid::new_v5(&uuid, name);
    derived.as_bytes()[..8].try_into().expect("eight bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_stable_local_and_of_their_volume() {
        let [a, b] = [1u128, 2].map(Uuid::from_u128);
        assert_eq!((eui64(a), naa(a)), (eui64(a), naa(a)));
        assert!(eui64(a) != eui64(b) && naa(a) != naa(b));
        assert_eq!((eui64(a)[0] & 3, naa(a)[0] >> 4), (2, 3));
    }

    #[test]
    fn identifiers_do_not_change_with_a_release() {
        // Hosts know disks by them.
        let known = Uuid::parse_str("0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4b").unwrap();
        assert_eq!(eui64(known), [0x3e, 0x2a, 0xc6, 0xa5, 0x5c, 0xfb, 0x56, 0x22]);
        let naa_of = Uuid::new_v5(&known, b"naa").into_bytes();
        assert_eq!(naa(known)[1..], naa_of[1..8]);
    }
}
