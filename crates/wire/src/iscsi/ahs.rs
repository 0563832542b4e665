//! Additional header segments: a long CDB, and the read length of a bidirectional command. RFC 7143 11.2.2.

/// What the additional header segments of a SCSI Command say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Additional<'a> {
    /// CDB bytes behind the first 16.
    pub cdb: &'a [u8],
    /// Expected bidirectional read data length.
    pub read_length: Option<u32>,
}

/// What is wrong with additional header segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AhsFault {
    /// A length that does not fit, or two of a kind.
    Malformed,
    /// A type that the standard does not name.
    Unknown,
}

const EXTENDED_CDB: u8 = 1;
const READ_LENGTH: u8 = 2;

impl<'a> Additional<'a> {
    /// Reads all segments.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(mut bytes: &'a [u8]) -> Result<Self, AhsFault> {
        let mut all = Self::default();
        while let Some((&[high, low, kind], rest)) = bytes.split_first_chunk::<3>() {
            let len = usize::from(u16::from_be_bytes([high, low]));
            // The length counts the byte that fills the first word.
            let (own, _) = rest.split_at_checked(len).ok_or(AhsFault::Malformed)?;
            all.take(kind & 0x3f, own)?;
            let whole = (3 + len).next_multiple_of(4);
            bytes = bytes.get(whole..).ok_or(AhsFault::Malformed)?;
        }
        if bytes.is_empty() { Ok(all) } else { Err(AhsFault::Malformed) }
    }

    fn take(&mut self, kind: u8, own: &'a [u8]) -> Result<(), AhsFault> {
        let (_, value) = own.split_first().ok_or(AhsFault::Malformed)?;
        match kind {
            EXTENDED_CDB if self.cdb.is_empty() && !value.is_empty() => self.cdb = value,
            READ_LENGTH if self.read_length.is_none() => {
                let bytes: [u8; 4] = value.try_into().map_err(|_| AhsFault::Malformed)?;
                self.read_length = Some(u32::from_be_bytes(bytes));
            }
            EXTENDED_CDB | READ_LENGTH => return Err(AhsFault::Malformed),
            _ => return Err(AhsFault::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds() {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&[0, 5, 2, 0]);
        bytes[4..8].copy_from_slice(&4096_u32.to_be_bytes());
        bytes[8..12].copy_from_slice(&[0, 16, 1, 0]);
        bytes[12..27].fill(0xcc);
        let all = Additional::parse(&bytes).unwrap();
        assert_eq!((all.read_length, all.cdb), (Some(4096), &[0xcc; 15][..]));
        assert_eq!(Additional::parse(&[]), Ok(Additional::default()));
    }

    #[test]
    fn lengths_and_types_that_are_wrong() {
        let parse = |bytes: &[u8]| Additional::parse(bytes).map(|_| ()).unwrap_err();
        assert_eq!(parse(&[0, 2, 1, 0]), AhsFault::Malformed, "longer than there is");
        assert_eq!(parse(&[0, 0, 1, 0]), AhsFault::Malformed, "no byte of its own");
        assert_eq!(parse(&[0, 1, 1, 0]), AhsFault::Malformed, "an empty CDB");
        assert_eq!(parse(&[0, 2, 2, 0, 0, 0, 0, 0]), AhsFault::Malformed, "a read length of one byte");
        assert_eq!(parse(&[0, 1, 3, 0]), AhsFault::Unknown);
        assert_eq!(parse(&[0, 5, 2, 0, 0, 0, 0, 1, 0, 5, 2, 0, 0, 0, 0, 1]), AhsFault::Malformed, "twice");
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut seed = 0x9e37_79b9_u32;
        let mut passed = 0;
        for _ in 0..100_000 {
            let mut bytes = [0u8; 24];
            for byte in &mut bytes {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (seed >> 29) as u8;
            }
            passed += u32::from(Additional::parse(&bytes[..(seed >> 20) as usize % 7 * 4]).is_ok());
        }
        assert!(passed > 100, "{passed}");
    }
}
