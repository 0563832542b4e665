//! NVMe link service requests. FC-NVMe-2 clause 7 (NVMe_LS); the checks are those that targets in the field make.

use super::{LsExplanation, LsReason};
use crate::fabrics::Nqn;
use crate::parse;
use zerocopy::byteorder::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

open_enum! {
    /// First byte of a link service payload.
    pub enum LsCommand: u8 {
        /// Reject.
        REJECT = 1,
        /// Accept.
        ACCEPT = 2,
        /// Create Association (with its admin queue).
        CREATE_ASSOCIATION = 3,
        /// Create I/O Connection.
        CREATE_CONNECTION = 4,
        /// Disconnect Association.
        DISCONNECT_ASSOCIATION = 5,
        /// Disconnect Connection.
        DISCONNECT_CONNECTION = 6,
    }
}

open_enum! {
    /// Descriptor tags.
    pub enum Tag: u32 {
        /// Which request a reply belongs to.
        REQUEST = 1,
        /// Reject.
        REJECT = 2,
        /// Create Association.
        CREATE_ASSOCIATION = 3,
        /// Create Connection.
        CREATE_CONNECTION = 4,
        /// Disconnect.
        DISCONNECT = 5,
        /// Connection identifier.
        CONNECTION_ID = 6,
        /// Association identifier.
        ASSOCIATION_ID = 7,
    }
}

/// First 8 bytes of every link service payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LsHead {
    /// The request, accept or reject.
    pub command: LsCommand,
    /// Reserved.
    pub rsvd1: [u8; 3],
    /// Bytes of the descriptors that follow.
    pub list_length: U32,
}
assert_size!(LsHead = 8);

impl LsHead {
    /// The head of a payload of `total` bytes.
    pub(super) const fn new(command: LsCommand, total: usize) -> Self {
        Self { command, rsvd1: [0; 3], list_length: U32::new(total as u32 - 8) }
    }
}

macro_rules! id_descriptor {
    ($(#[$m:meta])* $name:ident, $tag:expr) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name {
            /// Tag.
            pub tag: U32,
            /// Length of what follows: 8.
            pub length: U32,
            /// The identifier.
            pub id: U64,
        }
        assert_size!($name = 16);

        impl $name {
            /// The descriptor with this identifier.
            pub const fn new(id: u64) -> Self {
                Self { tag: U32::new($tag.0), length: U32::new(8), id: U64::new(id) }
            }

            /// Tag and length are those of this descriptor.
            pub fn is_sound(&self) -> bool {
                self.tag.get() == $tag.0 && self.length.get() == 8
            }
        }
    };
}

id_descriptor! {
    /// Association identifier descriptor: 16 bytes.
    AssociationId, Tag::ASSOCIATION_ID
}
id_descriptor! {
    /// Connection identifier descriptor: 16 bytes.
    ConnectionId, Tag::CONNECTION_ID
}

/// Length of a Create Association request, its reserved tail included.
pub const CREATE_ASSOCIATION_BYTES: usize = 1024;

/// Create Association request, without its reserved tail of 432 bytes: 592 bytes. Hosts have sent tails of other lengths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CreateAssociation {
    /// Head.
    pub head: LsHead,
    /// [`Tag::CREATE_ASSOCIATION`].
    pub tag: U32,
    /// Length of what follows, the tail included: 1008.
    pub length: U32,
    /// At least one of this many responses is an NVMe_ERSP.
    pub ersp_ratio: U16,
    /// Reserved.
    pub rsvd18: [u8; 38],
    /// Controller identifier; FFFFh any.
    pub cntlid: U16,
    /// Entries of the admin submission queue, zero-based.
    pub sqsize_z: U16,
    /// Reserved.
    pub rsvd60: [u8; 4],
    /// Host identifier.
    pub host_id: [u8; 16],
    /// Host NQN.
    pub host_nqn: Nqn,
    /// Subsystem NQN.
    pub subsystem_nqn: Nqn,
}
assert_size!(CreateAssociation = 592);
assert_offset!(CreateAssociation: ersp_ratio = 16, cntlid = 56, sqsize_z = 58, host_id = 64, host_nqn = 80, subsystem_nqn = 336);

impl CreateAssociation {
    /// A request; `sq_entries` is the count itself (32 for an admin queue as hosts use it).
    pub fn new(host_nqn: Nqn, host_id: [u8; 16], subsystem_nqn: Nqn, sq_entries: u16, ersp_ratio: u16) -> Self {
        Self {
            head: LsHead::new(LsCommand::CREATE_ASSOCIATION, CREATE_ASSOCIATION_BYTES),
            tag: U32::new(Tag::CREATE_ASSOCIATION.0),
            length: U32::new(CREATE_ASSOCIATION_BYTES as u32 - 16),
            ersp_ratio: U16::new(ersp_ratio),
            cntlid: U16::new(0xffff),
            sqsize_z: U16::new(sq_entries.saturating_sub(1)),
            host_id,
            host_nqn,
            subsystem_nqn,
            ..Self::new_zeroed()
        }
    }

    /// Entries of the admin submission queue.
    pub const fn sq_entries(&self) -> u32 {
        self.sqsize_z.get() as u32 + 1
    }

    /// The bytes to send, with the tail.
    pub fn to_bytes(self) -> [u8; CREATE_ASSOCIATION_BYTES] {
        let mut out = [0; CREATE_ASSOCIATION_BYTES];
        out[..592].copy_from_slice(self.as_bytes());
        out
    }

    fn check(&self) -> Result<&Self, LsFault> {
        if self.head.list_length.get() < 584 || self.length.get() < 576 {
            return Err(LsFault::Length);
        }
        if self.tag.get() != Tag::CREATE_ASSOCIATION.0 {
            return Err(LsFault::Descriptor(Tag::CREATE_ASSOCIATION));
        }
        check_ratio(self.ersp_ratio, self.sqsize_z)?;
        Ok(self)
    }
}

/// Create I/O Connection request: 80 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CreateConnection {
    /// Head.
    pub head: LsHead,
    /// The association that the connection is for.
    pub association: AssociationId,
    /// [`Tag::CREATE_CONNECTION`].
    pub tag: U32,
    /// Length of what follows: 48.
    pub length: U32,
    /// At least one of this many responses is an NVMe_ERSP.
    pub ersp_ratio: U16,
    /// Reserved.
    pub rsvd34: [u8; 38],
    /// Queue identifier, 1 and up.
    pub qid: U16,
    /// Entries of the submission queue, zero-based.
    pub sqsize_z: U16,
    /// Reserved.
    pub rsvd76: [u8; 4],
}
assert_size!(CreateConnection = 80);
assert_offset!(CreateConnection: association = 8, tag = 24, ersp_ratio = 32, qid = 72, sqsize_z = 74);

impl CreateConnection {
    /// A request for queue `qid`; `sq_entries` is the count itself.
    pub fn new(association_id: u64, qid: u16, sq_entries: u16, ersp_ratio: u16) -> Self {
        Self {
            head: LsHead::new(LsCommand::CREATE_CONNECTION, 80),
            association: AssociationId::new(association_id),
            tag: U32::new(Tag::CREATE_CONNECTION.0),
            length: U32::new(48),
            ersp_ratio: U16::new(ersp_ratio),
            rsvd34: [0; 38],
            qid: U16::new(qid),
            sqsize_z: U16::new(sq_entries.saturating_sub(1)),
            rsvd76: [0; 4],
        }
    }

    /// Entries of the submission queue.
    pub const fn sq_entries(&self) -> u32 {
        self.sqsize_z.get() as u32 + 1
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 80] {
        transmute!(self)
    }

    fn check(&self) -> Result<&Self, LsFault> {
        check_list(&self.head, 80)?;
        check_association(&self.association)?;
        if self.tag.get() != Tag::CREATE_CONNECTION.0 || self.length.get() != 48 {
            return Err(LsFault::Descriptor(Tag::CREATE_CONNECTION));
        }
        if self.qid.get() == 0 {
            return Err(LsFault::QueueId);
        }
        check_ratio(self.ersp_ratio, self.sqsize_z)?;
        Ok(self)
    }
}

/// Disconnect Association request: 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Disconnect {
    /// Head.
    pub head: LsHead,
    /// The association that ends.
    pub association: AssociationId,
    /// [`Tag::DISCONNECT`].
    pub tag: U32,
    /// Length of what follows: 16.
    pub length: U32,
    /// Reserved (an early draft had a scope in the first word).
    pub rsvd32: [u8; 16],
}
assert_size!(Disconnect = 48);

impl Disconnect {
    /// A request to end an association.
    pub const fn new(association_id: u64) -> Self {
        Self {
            head: LsHead::new(LsCommand::DISCONNECT_ASSOCIATION, 48),
            association: AssociationId::new(association_id),
            tag: U32::new(Tag::DISCONNECT.0),
            length: U32::new(16),
            rsvd32: [0; 16],
        }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 48] {
        transmute!(self)
    }

    fn check(&self) -> Result<&Self, LsFault> {
        check_list(&self.head, 48)?;
        check_association(&self.association)?;
        // A scope other than 0 is the early draft's way to end one connection.
        let sound = self.tag.get() == Tag::DISCONNECT.0 && self.length.get() == 16 && self.rsvd32[..4] == [0; 4];
        if sound { Ok(self) } else { Err(LsFault::Descriptor(Tag::DISCONNECT)) }
    }
}

/// Disconnect Connection request: 40 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DisconnectConnection {
    /// Head.
    pub head: LsHead,
    /// The association.
    pub association: AssociationId,
    /// The connection that ends.
    pub connection: ConnectionId,
}
assert_size!(DisconnectConnection = 40);

impl DisconnectConnection {
    /// A request to end one connection of an association.
    pub const fn new(association_id: u64, connection_id: u64) -> Self {
        let head = LsHead::new(LsCommand::DISCONNECT_CONNECTION, 40);
        Self { head, association: AssociationId::new(association_id), connection: ConnectionId::new(connection_id) }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 40] {
        transmute!(self)
    }

    fn check(&self) -> Result<&Self, LsFault> {
        check_list(&self.head, 40)?;
        check_association(&self.association)?;
        if self.connection.is_sound() { Ok(self) } else { Err(LsFault::Descriptor(Tag::CONNECTION_ID)) }
    }
}

fn check_list(head: &LsHead, total: u32) -> Result<(), LsFault> {
    if head.list_length.get() == total - 8 { Ok(()) } else { Err(LsFault::Length) }
}

fn check_association(id: &AssociationId) -> Result<(), LsFault> {
    if id.is_sound() { Ok(()) } else { Err(LsFault::Descriptor(Tag::ASSOCIATION_ID)) }
}

/// A ratio of 0, or one that the queue can never reach, would let the host wait for its head pointer for ever.
fn check_ratio(ratio: U16, sqsize_z: U16) -> Result<(), LsFault> {
    if ratio.get() != 0 && ratio.get() < sqsize_z.get() { Ok(()) } else { Err(LsFault::ErspRatio) }
}

/// What is wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LsFault {
    /// No such command.
    Command(u8),
    /// Too short, or the list length is not that of the request.
    Length,
    /// This descriptor is missing or not of its length.
    Descriptor(Tag),
    /// ERSP_RATIO is 0 or not below SQSIZE.
    ErspRatio,
    /// Queue identifier 0.
    QueueId,
}

impl LsFault {
    /// What the reject has to say.
    pub const fn codes(self) -> (LsReason, LsExplanation) {
        match self {
            Self::Command(_) => (LsReason::INVALID_COMMAND, LsExplanation::NONE),
            Self::Length => (LsReason::LOGICAL_ERROR, LsExplanation::INVALID_LENGTH),
            Self::Descriptor(_) => (LsReason::LOGICAL_ERROR, LsExplanation::NONE),
            Self::ErspRatio => (LsReason::INVALID_PARAMETERS, LsExplanation::INVALID_ERSP_RATIO),
            Self::QueueId => (LsReason::INVALID_PARAMETERS, LsExplanation::INVALID_QUEUE_ID),
        }
    }
}

impl core::fmt::Display for LsFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Command(code) => write!(f, "NVMe link service command {code:#04x} is not one"),
            Self::Length => f.write_str("length does not fit the request"),
            Self::Descriptor(tag) => write!(f, "descriptor {tag} is missing or not of its length"),
            Self::ErspRatio => f.write_str("ERSP ratio is 0 or not below the queue size"),
            Self::QueueId => f.write_str("queue identifier 0 is the admin queue"),
        }
    }
}

impl core::error::Error for LsFault {}

/// A received request, sound in itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LsRequest<'a> {
    /// A host wants a controller.
    CreateAssociation(&'a CreateAssociation),
    /// A host wants an I/O queue.
    CreateConnection(&'a CreateConnection),
    /// An association ends.
    Disconnect(&'a Disconnect),
    /// A connection ends.
    DisconnectConnection(&'a DisconnectConnection),
}

impl<'a> LsRequest<'a> {
    /// Reads and checks a request payload. Whether the identifiers exist is not known here.
    ///
    /// # Errors
    /// What is wrong with it; [`super::LsRjt::new`] makes the reply.
    pub fn parse(payload: &'a [u8]) -> Result<Self, LsFault> {
        let command = LsCommand(*payload.first().ok_or(LsFault::Length)?);
        let short = LsFault::Length;
        match command {
            LsCommand::CREATE_ASSOCIATION => {
                parse::<CreateAssociation>(payload).ok_or(short)?.check().map(Self::CreateAssociation)
            }
            LsCommand::CREATE_CONNECTION => {
                parse::<CreateConnection>(payload).ok_or(short)?.check().map(Self::CreateConnection)
            }
            LsCommand::DISCONNECT_ASSOCIATION => {
                parse::<Disconnect>(payload).ok_or(short)?.check().map(Self::Disconnect)
            }
            LsCommand::DISCONNECT_CONNECTION => {
                parse::<DisconnectConnection>(payload).ok_or(short)?.check().map(Self::DisconnectConnection)
            }
            LsCommand(code) => Err(LsFault::Command(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn association() -> CreateAssociation {
        let host = Nqn::new("nqn.2014-08.org.nvmexpress:uuid:host").unwrap();
        let subsystem = Nqn::new("nqn.2024-01.io.qfc:volume").unwrap();
        CreateAssociation::new(host, [7; 16], subsystem, 32, 8)
    }

    #[test]
    fn create_association() {
        let request = association();
        let bytes = request.to_bytes();
        assert_eq!(&bytes[..20], &[3, 0, 0, 0, 0, 0, 3, 0xf8, 0, 0, 0, 3, 0, 0, 3, 0xf0, 0, 8, 0, 0]);
        assert_eq!(&bytes[56..60], &[0xff, 0xff, 0, 31]);
        assert_eq!(&bytes[64..80], &[7; 16]);
        assert_eq!(&bytes[80..88], b"nqn.2014");
        assert_eq!(&bytes[336..344], b"nqn.2024");
        assert_eq!(LsRequest::parse(&bytes), Ok(LsRequest::CreateAssociation(&request)));
        assert_eq!(request.sq_entries(), 32);
        // Tails of other lengths are in the field.
        assert!(LsRequest::parse(&bytes[..592]).is_ok());
        assert_eq!(LsRequest::parse(&bytes[..591]), Err(LsFault::Length));
    }

    #[test]
    fn create_connection() {
        let request = CreateConnection::new(0x1122, 1, 128, 25);
        let bytes = request.to_bytes();
        assert_eq!(&bytes[..16], &[4, 0, 0, 0, 0, 0, 0, 72, 0, 0, 0, 7, 0, 0, 0, 8]);
        assert_eq!(&bytes[16..34], &[0, 0, 0, 0, 0, 0, 0x11, 0x22, 0, 0, 0, 4, 0, 0, 0, 48, 0, 25]);
        assert_eq!(&bytes[72..], &[0, 1, 0, 127, 0, 0, 0, 0]);
        assert_eq!(LsRequest::parse(&bytes), Ok(LsRequest::CreateConnection(&request)));
        assert_eq!(LsRequest::parse(&bytes[..79]), Err(LsFault::Length));
    }

    #[test]
    fn disconnects() {
        let request = Disconnect::new(0x1122);
        let bytes = request.to_bytes();
        assert_eq!(&bytes[..8], &[5, 0, 0, 0, 0, 0, 0, 40]);
        assert_eq!(&bytes[24..32], &[0, 0, 0, 5, 0, 0, 0, 16]);
        assert_eq!(LsRequest::parse(&bytes), Ok(LsRequest::Disconnect(&request)));
        let request = DisconnectConnection::new(1, 2);
        let bytes = request.to_bytes();
        assert_eq!(&bytes[24..], &[0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(LsRequest::parse(&bytes), Ok(LsRequest::DisconnectConnection(&request)));
    }

    #[test]
    fn faults() {
        type Change = (usize, u8, LsFault);
        let check = |bytes: &[u8], changes: &[Change]| {
            for &(at, value, fault) in changes {
                let mut bytes = <[u8; 1024]>::read_from_prefix(&[bytes, &[0; 1024]].concat()).unwrap().0;
                bytes[at] = value;
                assert_eq!(LsRequest::parse(&bytes), Err(fault), "{at}");
            }
        };
        extern crate std;
        check(
            &association().to_bytes(),
            &[
                (0, 9, LsFault::Command(9)),
                (0, 1, LsFault::Command(1)),
                (6, 1, LsFault::Length),
                (11, 4, LsFault::Descriptor(Tag::CREATE_ASSOCIATION)),
                (14, 1, LsFault::Length),
                (17, 0, LsFault::ErspRatio),
                (17, 31, LsFault::ErspRatio),
            ],
        );
        check(
            &CreateConnection::new(1, 1, 128, 8).to_bytes(),
            &[
                (7, 73, LsFault::Length),
                (11, 6, LsFault::Descriptor(Tag::ASSOCIATION_ID)),
                (15, 9, LsFault::Descriptor(Tag::ASSOCIATION_ID)),
                (27, 3, LsFault::Descriptor(Tag::CREATE_CONNECTION)),
                (31, 47, LsFault::Descriptor(Tag::CREATE_CONNECTION)),
                (73, 0, LsFault::QueueId),
                (33, 127, LsFault::ErspRatio),
            ],
        );
        check(
            &Disconnect::new(1).to_bytes(),
            &[
                (7, 41, LsFault::Length),
                (11, 6, LsFault::Descriptor(Tag::ASSOCIATION_ID)),
                (27, 6, LsFault::Descriptor(Tag::DISCONNECT)),
                (31, 8, LsFault::Descriptor(Tag::DISCONNECT)),
                (32, 1, LsFault::Descriptor(Tag::DISCONNECT)),
            ],
        );
        check(&DisconnectConnection::new(1, 2).to_bytes(), &[(27, 7, LsFault::Descriptor(Tag::CONNECTION_ID))]);
        assert_eq!(LsRequest::parse(&[]), Err(LsFault::Length));
    }
}
