//! Under which identities a namespace is known.

use uuid::Uuid;

/// The EUI-64 of a volume with that UUID, unless configured: the first eight bytes of the version 5 UUID (SHA-1) of the
/// name `eui-64` in the name space that the volume's UUID is, marked in its first byte as locally administered and
/// individual. So it stays what it is as long as the UUID does, and nothing is claimed of an IEEE number.
pub fn eui64(uuid: Uuid) -> [u8; 8] {
    let derived = Uuid::new_v5(&uuid, b"eui-64");
    let mut eui64: [u8; 8] = derived.as_bytes()[..8].try_into().expect("eight bytes");
    eui64[0] = eui64[0] & 0xfc | 0x02;
    eui64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eui64_is_stable_local_and_of_its_volume() {
        let [a, b] = [1u128, 2].map(Uuid::from_u128);
        assert_eq!(eui64(a), eui64(a));
        assert_ne!(eui64(a), eui64(b));
        assert_eq!(eui64(a)[0] & 3, 2);
        // Must not change with a release: hosts know disks by it.
        let known = Uuid::parse_str("0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4b").unwrap();
        assert_eq!(eui64(known), [0x3e, 0x2a, 0xc6, 0xa5, 0x5c, 0xfb, 0x56, 0x22]);
    }
}
