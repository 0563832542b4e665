//! Command descriptor blocks as this initiator sends them. SPC-4, SBC-3.

use crate::queue::{Io, Payload};
use wire::scsi::CDB_BYTES;

/// A command descriptor block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cdb {
    bytes: [u8; CDB_BYTES],
    len: u8,
}

impl Cdb {
    /// From its bytes, at most 16.
    ///
    /// # Panics
    /// When there are more.
    pub fn new(bytes: &[u8]) -> Cdb {
        let mut cdb = Cdb { bytes: [0; CDB_BYTES], len: bytes.len() as u8 };
        cdb.bytes[..bytes.len()].copy_from_slice(bytes);
        cdb
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// TEST UNIT READY.
    pub fn test_unit_ready() -> Cdb {
        Cdb::new(&[0; 6])
    }

    /// INQUIRY: standard data, or a page of vital product data.
    pub fn inquiry(page: Option<u8>, bytes: u16) -> Cdb {
        let [high, low] = bytes.to_be_bytes();
        Cdb::new(&[0x12, u8::from(page.is_some()), page.unwrap_or(0), high, low, 0])
    }

    /// READ CAPACITY (16).
    pub fn read_capacity() -> Cdb {
        let mut bytes = [0; 16];
        (bytes[0], bytes[1], bytes[13]) = (0x9e, 0x10, 32);
        Cdb::new(&bytes)
    }

    /// REPORT LUNS.
    pub fn report_luns(bytes: u32) -> Cdb {
        let mut cdb = [0; 12];
        cdb[0] = 0xa0;
        cdb[6..10].copy_from_slice(&bytes.to_be_bytes());
        Cdb::new(&cdb)
    }

    fn extent(opcode: u8, block: u64, blocks: u32) -> Cdb {
        let mut bytes = [0; 16];
        bytes[0] = opcode;
        bytes[2..10].copy_from_slice(&block.to_be_bytes());
        bytes[10..14].copy_from_slice(&blocks.to_be_bytes());
        Cdb::new(&bytes)
    }

    /// READ (16).
    #[inline]
    pub fn read(block: u64, blocks: u32) -> Cdb {
        Cdb::extent(0x88, block, blocks)
    }

    /// WRITE (16).
    #[inline]
    pub fn write(block: u64, blocks: u32) -> Cdb {
        Cdb::extent(0x8a, block, blocks)
    }

    /// A block operation of so many bytes.
    #[inline]
    pub fn of_io(io: Io, bytes: u32) -> (Cdb, Payload) {
        match io {
            Io::Read { block, blocks } => (Cdb::read(block, blocks), Payload::Read(bytes)),
            Io::Write { block, blocks } => (Cdb::write(block, blocks), Payload::Write(bytes)),
            Io::Flush => (Cdb::synchronize_cache(), Payload::None),
        }
    }

    /// SYNCHRONIZE CACHE (16) of the whole unit.
    pub fn synchronize_cache() -> Cdb {
        Cdb::extent(0x91, 0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::scsi::Command;

    #[test]
    fn they_mean_what_they_should() {
        let parse = |cdb: Cdb| Command::parse(cdb.bytes()).unwrap();
        let Command::Read(extent) = parse(Cdb::read(1 << 40, 300)) else { panic!() };
        assert_eq!((extent.lba, extent.blocks), (1 << 40, 300));
        assert!(matches!(parse(Cdb::write(1, 2)), Command::Write(extent) if extent.lba == 1));
        assert!(matches!(
            parse(Cdb::inquiry(Some(0x83), 255)),
            Command::Inquiry { vpd: true, page: 0x83, allocation: 255 }
        ));
        assert!(matches!(parse(Cdb::read_capacity()), Command::ReadCapacity16 { allocation: 32 }));
        assert!(matches!(parse(Cdb::report_luns(4096)), Command::ReportLuns { allocation: 4096, .. }));
        assert!(matches!(parse(Cdb::test_unit_ready()), Command::TestUnitReady));
    }
}
