//! ATIO type 7: a command for the target.

use super::{Entry, EntryType, Iocb};
use crate::U32;
use crate::fc::{FrameHeader, HEADER_BYTES};

/// No exchange was free: the command can only be answered BUSY.
pub const NO_EXCHANGE: u32 = u32::MAX;
/// The least length that an ATIO may have: frame header and a FCP_CMND of 32 bytes. Less means that the entry is damaged.
pub const ATIO_MIN_LENGTH: u16 = 0x38;

entry! {
    /// ATIO type 7. Bytes 2 and 3 of the header are length and attribute: [`length`](Self::length). The IU goes on, without a header,
    /// in the next slots.
    pub struct Atio7: ATIO_7 {
        /// The exchange: key of all that follows; or [`NO_EXCHANGE`].
        exchange_address: U32 = 4,
        /// Header of the frame, as on the link.
        frame: FrameHeader = 8,
        /// The first 32 bytes of the FCP_CMND or NVMe_CMND, as on the link.
        payload: [u8; 32] = 32,
    }
}

impl Atio7 {
    /// Bytes of frame header and IU.
    pub const fn length(&self) -> u16 {
        u16::from_le_bytes([self.header.sys_define, self.header.entry_status & 0x0f])
    }

    /// The attribute, which goes into the flags of the CTIOs.
    pub const fn attribute(&self) -> u8 {
        self.header.entry_status >> 4
    }

    /// This entry with a length (12 bits) and attribute (4 bits).
    #[must_use]
    pub const fn with_length(mut self, length: u16, attribute: u8) -> Self {
        let [low, high] = length.to_le_bytes();
        self.header.sys_define = low;
        self.header.entry_status = attribute << 4 | high & 0x0f;
        self
    }

    /// The entry carries an NVMe_CMND: its first bytes are FDh 28h, which is no LUN in use.
    pub const fn is_nvme(&self) -> bool {
        self.payload[0] == 0xfd && self.payload[1] == 0x28
    }
}

/// Puts a command IU into an ATIO and as many slots as it needs; tells how many entries of `out` were written. `None` when they are too
/// few or the IU is longer than the entry can say.
pub fn atio_group(
    exchange_address: u32,
    frame: &FrameHeader,
    attribute: u8,
    iu: &[u8],
    out: &mut [Entry],
) -> Option<usize> {
    let count = 1 + iu.len().saturating_sub(32).div_ceil(64);
    let length = u16::try_from(iu.len() + HEADER_BYTES).ok().filter(|length| *length <= 0xfff)?;
    let out = out.get_mut(..count)?;
    let mut first = Atio7::new().with_length(length, attribute);
    first.header.entry_count = count as u8;
    first.exchange_address.set(exchange_address);
    first.frame = *frame;
    out.fill([0; 64]);
    out[0] = *first.entry();
    out.as_flattened_mut()[32..32 + iu.len()].copy_from_slice(iu);
    Some(count)
}

/// The command IU of an ATIO, of all its slots; `None` when it says more than it has, or less than a FCP_CMND.
pub fn atio_payload(entries: &[Entry]) -> Option<&[u8]> {
    let first = Atio7::of(entries.first()?);
    let sound = first.header.entry_type == Atio7::TYPE && first.length() >= ATIO_MIN_LENGTH;
    let entries = entries.get(..usize::from(first.header.entry_count)).filter(|_| sound)?;
    entries.as_flattened().get(32..8 + usize::from(first.length()))
}

const _: () = assert!(EntryType::ATIO_7.0 == 6);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::{PortId, RCtl, Type};

    #[test]
    fn ius_go_out_and_in() {
        let frame = FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, PortId(0x010200), PortId(0x010300));
        let iu: [u8; 288] = core::array::from_fn(|at| at as u8);
        let mut group = [[0xee; 64]; 5];
        for (length, count) in [(32, 1), (33, 2), (96, 2), (97, 3), (288, 5)] {
            assert_eq!(atio_group(0x1234_5678, &frame, 5, &iu[..length], &mut group), Some(count));
            assert_eq!(atio_payload(&group[..count]), Some(&iu[..length]));
            assert_eq!(atio_payload(&group[..count - 1]), None);
            let first = Atio7::of(&group[0]);
            assert_eq!((usize::from(first.length()), first.attribute()), (length + 24, 5));
        }
        assert_eq!(group[0][..16], [6, 5, 0x38, 0x51, 0x78, 0x56, 0x34, 0x12, 6, 1, 3, 0, 0, 1, 2, 0]);
        assert_eq!(atio_group(0, &frame, 0, &iu, &mut group[..4]), None);
        assert_eq!(atio_group(0, &frame, 0, &[0; 4096], &mut [[0; 64]; 70]), None);
        let short = Atio7::new().with_length(ATIO_MIN_LENGTH - 1, 0);
        assert_eq!(atio_payload(&[*short.entry()]), None);
        assert!(!short.is_nvme());
    }
}
