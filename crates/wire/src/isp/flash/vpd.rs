//! Vital product data, as PCI has them.

/// Tag of a VPD: identifier string.
pub const VPD_IDENTIFIER: u8 = 0x82;
/// Tag of a VPD: fields.
pub const VPD_FIELDS: u8 = 0x90;
/// Tag of a VPD: fields that can be written.
pub const VPD_WRITABLE: u8 = 0x91;
/// Tag of a VPD: its end.
pub const VPD_END: u8 = 0x78;

/// The identifier string of a VPD.
pub fn vpd_identifier(vpd: &[u8]) -> Option<&[u8]> {
    vpd_resources(vpd).find(|(tag, _)| *tag == VPD_IDENTIFIER).map(|(_, data)| data)
}

/// A field of a VPD by its keyword, such as `SN`.
pub fn vpd_field(vpd: &[u8], keyword: [u8; 2]) -> Option<&[u8]> {
    let lists = vpd_resources(vpd).filter(|(tag, _)| matches!(*tag, VPD_FIELDS | VPD_WRITABLE));
    lists.flat_map(|(_, data)| vpd_fields(data)).find(|(key, _)| *key == keyword).map(|(_, data)| data)
}

/// Tags and contents of a VPD up to its end.
fn vpd_resources(vpd: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = vpd;
    core::iter::from_fn(move || {
        let (&[tag, low, high], tail) = rest.split_first_chunk()?;
        if tag == VPD_END {
            return None;
        }
        let (data, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        rest = tail;
        Some((tag, data))
    })
}

fn vpd_fields(list: &[u8]) -> impl Iterator<Item = ([u8; 2], &[u8])> {
    let mut rest = list;
    core::iter::from_fn(move || {
        let (&[a, b, length], tail) = rest.split_first_chunk()?;
        let (data, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        Some(([a, b], data))
    })
}
