//! FCP_CMND: a command or a task management function. FCP-4 9.1.

use crate::parse;
use zerocopy::byteorder::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Most bytes of a CDB behind the first 16.
pub const MAX_ADDITIONAL_CDB: usize = 63 * 4;
/// The longest FCP_CMND: the longest CDB, both data lengths.
pub const MAX_CMND_BYTES: usize = 28 + MAX_ADDITIONAL_CDB + 8;

open_enum! {
    /// Task attribute: bits 2:0.
    pub enum TaskAttribute: u8 {
        /// Simple.
        SIMPLE = 0,
        /// Head of queue.
        HEAD_OF_QUEUE = 1,
        /// Ordered.
        ORDERED = 2,
        /// ACA.
        ACA = 4,
        /// Untagged (obsolete).
        UNTAGGED = 5,
    }
}

bitfield! {
    /// Task management flags. FCP-4 9.1.2.5: at most one is set; with one set, the CDB is not looked at.
    pub struct TaskManagement(u8) {
        flags {
            /// Clear ACA.
            clear_aca, with_clear_aca = 6;
            /// Target reset (obsolete, still sent).
            target_reset, with_target_reset = 5;
            /// Logical unit reset.
            lun_reset, with_lun_reset = 4;
            /// Query asynchronous event.
            query_async_event, with_query_async_event = 3;
            /// Clear task set.
            clear_task_set, with_clear_task_set = 2;
            /// Abort task set.
            abort_task_set, with_abort_task_set = 1;
            /// Query task set.
            query_task_set, with_query_task_set = 0;
        }
        fields {}
    }
}

impl TaskManagement {
    /// No function: this is a command.
    pub const NONE: Self = Self(0);

    /// Exactly one function is asked for.
    pub const fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }
}

/// Which way the data goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// No data.
    None,
    /// To the initiator.
    Read,
    /// From the initiator.
    Write,
    /// Both; there is a second length.
    Bidirectional,
}

/// The first 28 bytes of an FCP_CMND.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CmndHead {
    /// Logical unit number, as SAM lays it out.
    pub lun: [u8; 8],
    /// Command reference number; 0 when precise delivery is not used.
    pub crn: u8,
    /// Bits 6:3 command priority, 2:0 task attribute.
    pub attribute: u8,
    /// See [`TaskManagement`].
    pub task_management: u8,
    /// Bits 7:2 words of additional CDB, bit 1 RDDATA, bit 0 WRDATA.
    pub lengths: u8,
    /// The CDB, or the first 16 bytes of a longer one.
    pub cdb: [u8; 16],
}
assert_size!(CmndHead = 28);
assert_offset!(CmndHead: crn = 8, attribute = 9, task_management = 10, lengths = 11, cdb = 12);

impl CmndHead {
    /// Task attribute.
    pub const fn attribute(&self) -> TaskAttribute {
        TaskAttribute(self.attribute & 7)
    }

    /// Command priority: 0 none, 1 highest to 15 lowest.
    pub const fn priority(&self) -> u8 {
        self.attribute >> 3 & 0xf
    }

    /// Task management function, if any.
    pub const fn task_management(&self) -> TaskManagement {
        TaskManagement(self.task_management)
    }

    /// Which way the data goes.
    pub const fn direction(&self) -> Direction {
        match self.lengths & 3 {
            0 => Direction::None,
            1 => Direction::Write,
            2 => Direction::Read,
            _ => Direction::Bidirectional,
        }
    }

    /// Bytes of CDB behind the first 16.
    pub const fn additional_cdb_bytes(&self) -> usize {
        (self.lengths & 0xfc) as usize
    }
}

/// A whole FCP_CMND, in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cmnd<'a> {
    /// All but the tail.
    pub head: &'a CmndHead,
    /// CDB bytes behind the first 16.
    pub additional_cdb: &'a [u8],
    /// FCP_DL: bytes to transfer; of a bidirectional command those to the target.
    pub data_length: u32,
    /// FCP_BIDIRECTIONAL_READ_DL, for a bidirectional command.
    pub read_length: Option<u32>,
}

impl<'a> Cmnd<'a> {
    /// Reads an FCP_CMND payload; `None` when it is shorter than its own lengths say. What follows is passed over.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let head: &CmndHead = parse(payload)?;
        let (additional_cdb, tail) = payload.get(28..)?.split_at_checked(head.additional_cdb_bytes())?;
        let data_length = parse::<U32>(tail)?.get();
        let read_length = match head.direction() {
            Direction::Bidirectional => Some(parse::<U32>(tail.get(4..)?)?.get()),
            _ => None,
        };
        Some(Self { head, additional_cdb, data_length, read_length })
    }

    /// Writes the payload into `out` and answers with its length: 32 bytes for a CDB of up to 16 in one direction,
    /// [`MAX_CMND_BYTES`] at most. The lengths byte of the head is written to fit the other fields. `None` when `out` is too
    /// short, or the additional CDB too long or no multiple of 4.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let cdb = self.additional_cdb.len();
        let two_lengths = self.head.direction() == Direction::Bidirectional;
        if cdb > MAX_ADDITIONAL_CDB || !cdb.is_multiple_of(4) || two_lengths != self.read_length.is_some() {
            return None;
        }
        let length = 32 + cdb + if self.read_length.is_some() { 4 } else { 0 };
        let (head, rest) = out.get_mut(..length)?.split_at_mut(28);
        head.copy_from_slice(self.head.as_bytes());
        head[11] = self.head.lengths & 3 | cdb as u8;
        let (additional, tail) = rest.split_at_mut(cdb);
        additional.copy_from_slice(self.additional_cdb);
        tail[..4].copy_from_slice(&self.data_length.to_be_bytes());
        if let Some(read) = self.read_length {
            tail[4..].copy_from_slice(&read.to_be_bytes());
        }
        Some(length)
    }

    /// The 32 bytes of a command with a CDB of up to 16 bytes (further ones are cut off) in one direction.
    pub fn simple(lun: [u8; 8], cdb: &[u8], direction: Direction, data_length: u32) -> [u8; 32] {
        let mut head = CmndHead { lun, crn: 0, attribute: 0, task_management: 0, lengths: 0, cdb: [0; 16] };
        let n = cdb.len().min(16);
        head.cdb[..n].copy_from_slice(&cdb[..n]);
        head.lengths = match direction {
            Direction::None => 0,
            Direction::Write => 1,
            Direction::Read | Direction::Bidirectional => 2,
        };
        Self::fixed(head, data_length)
    }

    /// The 32 bytes of a task management function.
    pub fn task_management(lun: [u8; 8], function: TaskManagement) -> [u8; 32] {
        Self::fixed(CmndHead { lun, crn: 0, attribute: 0, task_management: function.0, lengths: 0, cdb: [0; 16] }, 0)
    }

    fn fixed(head: CmndHead, data_length: u32) -> [u8; 32] {
        let mut out = [0; 32];
        out[..28].copy_from_slice(head.as_bytes());
        out[28..].copy_from_slice(&data_length.to_be_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LUN_1: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];

    #[test]
    fn read_10() {
        let cdb = [0x28, 0, 0, 0, 0, 8, 0, 0, 8, 0];
        let bytes = Cmnd::simple(LUN_1, &cdb, Direction::Read, 4096);
        let expected =
            [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x28, 0, 0, 0, 0, 8, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0];
        assert_eq!(bytes, expected);
        let cmnd = Cmnd::parse(&bytes).unwrap();
        assert_eq!((cmnd.head.direction(), cmnd.data_length, cmnd.read_length), (Direction::Read, 4096, None));
        assert_eq!(cmnd.head.attribute(), TaskAttribute::SIMPLE);
        assert!(Cmnd::parse(&bytes[..31]).is_none());
    }

    #[test]
    fn long_and_bidirectional() {
        let mut bytes = [0; MAX_CMND_BYTES];
        bytes[9] = 5 << 3 | 2;
        bytes[11] = 16 | 3;
        bytes[28..44].fill(0xcc);
        bytes[44..52].copy_from_slice(&[0, 0, 2, 0, 0, 0, 4, 0]);
        let cmnd = Cmnd::parse(&bytes[..52]).unwrap();
        assert_eq!((cmnd.additional_cdb, cmnd.data_length, cmnd.read_length), (&[0xcc; 16][..], 0x200, Some(0x400)));
        assert_eq!((cmnd.head.priority(), cmnd.head.attribute()), (5, TaskAttribute::ORDERED));
        assert_eq!(cmnd.head.direction(), Direction::Bidirectional);
        let mut out = [0; MAX_CMND_BYTES];
        assert_eq!(cmnd.write(&mut out), Some(52));
        assert_eq!(out, bytes);
        assert!(Cmnd::parse(&bytes[..51]).is_none());
        assert_eq!(cmnd.write(&mut out[..51]), None);
        assert_eq!(Cmnd { read_length: None, ..cmnd }.write(&mut out), None);
        assert_eq!(Cmnd { additional_cdb: &[0; 15], ..cmnd }.write(&mut out), None);
        assert_eq!(Cmnd { additional_cdb: &[0; 256], ..cmnd }.write(&mut out), None);
        bytes[11] = 0xfc | 3;
        assert_eq!(Cmnd::parse(&bytes).unwrap().additional_cdb.len(), MAX_ADDITIONAL_CDB);
        assert!(Cmnd::parse(&bytes[..MAX_CMND_BYTES - 1]).is_none());
    }

    #[test]
    fn task_management() {
        let reset = TaskManagement::NONE.with_lun_reset(true);
        let bytes = Cmnd::task_management(LUN_1, reset);
        assert_eq!((bytes[10], bytes[11]), (0x10, 0));
        let function = Cmnd::parse(&bytes).unwrap().head.task_management();
        assert!(function.lun_reset() && function.is_one());
        assert!(!TaskManagement(0x30).is_one() && !TaskManagement::NONE.is_one());
    }
}
