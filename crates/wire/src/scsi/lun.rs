//! Logical unit numbers of one level (SAM-5 4.7).

/// The highest number in flat space addressing.
pub const MOST_FLAT: u16 = 0x3fff;

/// The REPORT LUNS well known logical unit (SAM-5 4.7.7.5.2, SPC-4 8.2).
pub const REPORT_LUNS_LUN: [u8; 8] = [0xc1, 0x01, 0, 0, 0, 0, 0, 0];

/// The number that a LUN means: peripheral device addressing on bus 0, or flat space addressing, of one level. `None` when it
/// is something else.
#[inline]
pub fn parse_lun(lun: &[u8; 8]) -> Option<u16> {
    let [high, low, rest @ ..] = *lun;
    if rest != [0; 6] {
        return None;
    }
    match high >> 6 {
        0b00 if high == 0 => Some(low.into()),
        0b01 => Some(u16::from_be_bytes([high & 0x3f, low])),
        _ => None,
    }
}

/// The LUN of a number: peripheral device addressing below 256, flat space addressing above.
pub const fn to_lun(number: u16) -> [u8; 8] {
    let [high, low] = number.to_be_bytes();
    let method = if number < 256 { 0 } else { 0x40 };
    [method | high & 0x3f, low, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_their_luns() {
        assert!((0..=MOST_FLAT).all(|number| parse_lun(&to_lun(number)) == Some(number)));
        assert_eq!(to_lun(255)[..2], [0, 255]);
        assert_eq!(to_lun(256)[..2], [0x41, 0]);
        assert_eq!(to_lun(MOST_FLAT)[..2], [0x7f, 0xff]);
    }

    #[test]
    fn small_numbers_may_come_flat_and_other_forms_mean_nothing() {
        assert_eq!(parse_lun(&[0x40, 7, 0, 0, 0, 0, 0, 0]), Some(7));
        let others: [[u8; 8]; 5] = [
            [0x01, 7, 0, 0, 0, 0, 0, 0], // bus 1
            [0x80, 7, 0, 0, 0, 0, 0, 0], // logical unit addressing
            [0xc1, 1, 0, 0, 0, 0, 0, 0], // the REPORT LUNS well known logical unit
            [0xd2, 0, 0, 7, 0, 0, 0, 0], // extended flat
            [0x40, 7, 0, 0, 0, 0, 0, 1], // more levels
        ];
        assert!(others.iter().all(|lun| parse_lun(lun).is_none()));
    }
}
