//! What initiators ask for, as CDBs and data.

use crate::{BLOCK, paint, stamp};
use scsi::Identity;
use wire::IntoBytes;
use wire::scsi::copy::{Cscd, Descriptor, Lid1Header};

/// What a command wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Blocks.
    Read,
    /// To write blocks.
    Write,
    /// To copy blocks from a volume and a block.
    Copy {
        /// The volume.
        from: usize,
        /// Its first block.
        first: u64,
        /// LIST IDENTIFIER.
        list: u8,
    },
    /// To know how a copy goes.
    CopyStatus {
        /// LIST IDENTIFIER.
        list: u8,
    },
    /// To end a copy.
    CopyAbort {
        /// LIST IDENTIFIER.
        list: u8,
    },
    /// To register, to reserve, to release, or to preempt and abort the other.
    Reservation {
        /// Service action of PERSISTENT RESERVE OUT.
        action: u8,
        /// The key of the other.
        other: u64,
    },
}

/// REGISTER AND IGNORE EXISTING KEY.
pub const REGISTER: u8 = 6;
/// RESERVE.
pub const RESERVE: u8 = 1;
/// RELEASE.
pub const RELEASE: u8 = 2;
/// PREEMPT AND ABORT.
pub const PREEMPT_ABORT: u8 = 5;
/// Exclusive access.
const TYPE: u8 = 3;

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Who asks.
    pub host: usize,
    /// A number that no other has.
    pub serial: u64,
    /// What it wants.
    pub what: What,
    /// The volume: the logical unit number too.
    pub disk: usize,
    /// First block.
    pub block: u64,
    /// How many.
    pub blocks: u32,
}

impl Command {
    /// What it leaves in a block if it writes it from its own data.
    pub fn leaves(&self, block: u64) -> u64 {
        stamp(self.serial, block)
    }

    /// The blocks that it reads.
    pub fn reads(&self) -> Option<(usize, u64)> {
        match self.what {
            What::Read => Some((self.disk, self.block)),
            What::Copy { from, first, .. } => Some((from, first)),
            _ => None,
        }
    }

    /// Whether it writes its blocks.
    pub fn writes(&self) -> bool {
        matches!(self.what, What::Write | What::Copy { .. })
    }

    /// Whether it changes the reservation.
    pub fn reserves(&self) -> bool {
        matches!(self.what, What::Reservation { .. })
    }

    /// Whether it has to do with blocks of a volume.
    pub fn touches(&self, disk: usize) -> bool {
        (self.writes() && self.disk == disk) || self.reads().is_some_and(|(from, _)| from == disk)
    }

    /// Bytes that its initiator is ready to take.
    pub fn gets(&self) -> u32 {
        match self.what {
            What::Read => self.blocks * BLOCK,
            What::CopyStatus { .. } => 12,
            _ => 0,
        }
    }

    /// Its CDB, and the data that its initiator sends.
    pub fn words(&self, names: &[Identity]) -> (Vec<u8>, Vec<u8>) {
        match self.what {
            What::Read => (self.extent(0x28), Vec::new()),
            What::Write => {
                let mut data = vec![0; (self.blocks * BLOCK) as usize];
                for (place, bytes) in data.chunks_exact_mut(BLOCK as usize).enumerate() {
                    paint(bytes, self.leaves(self.block + place as u64));
                }
                (self.extent(0x2a), data)
            }
            What::Copy { from, first, list } => {
                let data = self.list(names, from, first, list);
                (long(0x83, 0, 0, data.len()), data)
            }
            What::CopyStatus { list } => (long(0x84, 0, list, 12), Vec::new()),
            What::CopyAbort { list } => {
                let mut cdb = long(0x83, 0x1c, 0, 0);
                cdb[5] = list;
                (cdb, Vec::new())
            }
            What::Reservation { action, other } => {
                let own = self.host as u64 + 1;
                let mut cdb = vec![0x5f, action, TYPE, 0, 0, 0, 0, 0, 24, 0];
                if action == REGISTER {
                    cdb[2] = 0;
                }
                let (key, service) = match action {
                    REGISTER => (0, own),
                    PREEMPT_ABORT => (own, other),
                    _ => (own, 0),
                };
                let mut data = [key.to_be_bytes(), service.to_be_bytes()].concat();
                data.resize(24, 0);
                (cdb, data)
            }
        }
    }

    fn extent(&self, opcode: u8) -> Vec<u8> {
        let (lba, blocks) = ((self.block as u32).to_be_bytes(), (self.blocks as u16).to_be_bytes());
        [&[opcode, 0][..], &lba, &[0], &blocks, &[0]].concat()
    }

    fn list(&self, names: &[Identity], from: usize, first: u64, list: u8) -> Vec<u8> {
        let cscds = [from, self.disk].map(|disk| name(&names[disk]));
        let mut segment = vec![Descriptor::BLOCK_TO_BLOCK.0, 0, 0, 24, 0, 0, 0, 1, 0, 0];
        segment.extend((self.blocks as u16).to_be_bytes());
        segment.extend([first.to_be_bytes(), self.block.to_be_bytes()].concat());
        let mut header = Lid1Header {
            list,
            flags: 0,
            cscds: (size_of_val(&cscds) as u16).into(),
            reserved: [0; 4],
            segments: (segment.len() as u32).into(),
            inline: 0.into(),
        };
        header.list = list;
        [header.as_bytes(), cscds.as_bytes(), &segment].concat()
    }
}

fn name(identity: &Identity) -> Cscd {
    let mut bytes = [0; size_of::<Cscd>()];
    (bytes[0], bytes[4], bytes[5], bytes[7]) = (Descriptor::IDENTIFICATION.0, 1, 3, 8);
    bytes[8..16].copy_from_slice(&identity.naa);
    wire::read(&bytes[..]).expect("as long as that")
}

fn long(opcode: u8, action: u8, list: u8, length: usize) -> Vec<u8> {
    let mut cdb = vec![0; 16];
    (cdb[0], cdb[1], cdb[2]) = (opcode, action, list);
    cdb[10..14].copy_from_slice(&(length as u32).to_be_bytes());
    cdb
}
