//! The CRC of a frame: over header and data field, fill bytes included. FC-FS-5 11.4; the polynomial and the bit order are
//! those of Ethernet (IEEE 802.3, CRC-32).

/// x^32 + x^26 + ... + 1 with the bits of a byte in the order in which they are sent (least significant first).
const POLYNOMIAL: u32 = 0xedb8_8320;

/// `TABLES[k][b]`: what byte `b` with `k` further bytes behind it adds to the remainder.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// A CRC over bytes that come in parts.
#[derive(Clone, Copy, Debug)]
pub struct Crc(u32);

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

impl Crc {
    /// Over nothing yet.
    pub const fn new() -> Self {
        Self(!0)
    }

    /// With these bytes added.
    #[must_use]
    pub fn update(self, bytes: &[u8]) -> Self {
        let (eights, rest) = bytes.as_chunks::<8>();
        let mut crc = self.0;
        for eight in eights {
            let [a, b, c, d, ..] = *eight;
            let low = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
            let bytes = [low[0], low[1], low[2], low[3], eight[4], eight[5], eight[6], eight[7]];
            crc = (0..8).fold(0, |sum, i| sum ^ TABLES[7 - i][usize::from(bytes[i])]);
        }
        for byte in rest {
            crc = crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ byte)];
        }
        Self(crc)
    }

    /// The CRC. On the wire its bytes are in the order of a little-endian integer.
    pub const fn finish(self) -> u32 {
        !self.0
    }
}

/// CRC of a whole frame: header and data field.
pub fn crc(frame: &[u8]) -> u32 {
    Crc::new().update(frame).finish()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Bit by bit, as the standard defines it.
    fn slow(bytes: &[u8]) -> u32 {
        let step = |crc: u32, bit: u32| if (crc ^ bit) & 1 != 0 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc, |crc, i| step(crc, u32::from(byte) >> i & 1)))
    }

    #[test]
    fn known_values() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc(&[0; 32]), 0x190a_55ad);
        assert_eq!(crc(&[]), 0);
    }

    #[test]
    fn any_length_any_cut() {
        let bytes: Vec<u8> = (0..100u32).map(|i| ((i * i) >> 1) as u8).collect();
        for length in 0..bytes.len() {
            let whole = &bytes[..length];
            assert_eq!(crc(whole), slow(whole), "{length}");
            let (a, b) = whole.split_at(length / 3);
            assert_eq!(Crc::new().update(a).update(b).finish(), slow(whole));
        }
    }
}
