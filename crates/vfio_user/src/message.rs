//! Messages as bytes: the header, the payloads, their numbers. No I/O; whatever comes in is looked at before it is believed.

/// Bytes that one transfer moves at most.
pub const TRANSFER_MAX: usize = 1 << 20;
/// Bytes of the longest message.
pub const MESSAGE_MAX: usize = TRANSFER_MAX + 64;
/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[expect(missing_docs, reason = "the specification's names")]
pub enum Command {
    Version = 1,
    DmaMap = 2,
    DmaUnmap = 3,
    GetInfo = 4,
    GetRegionInfo = 5,
    GetRegionIoFds = 6,
    GetIrqInfo = 7,
    SetIrqs = 8,
    RegionRead = 9,
    RegionWrite = 10,
    DmaRead = 11,
    DmaWrite = 12,
    Reset = 13,
    WriteMulti = 15,
}

impl Command {
    const ALL: [Command; 14] = {
        use Command::*;
        [
            Version,
            DmaMap,
            DmaUnmap,
            GetInfo,
            GetRegionInfo,
            GetRegionIoFds,
            GetIrqInfo,
            SetIrqs,
            RegionRead,
            RegionWrite,
            DmaRead,
            DmaWrite,
            Reset,
            WriteMulti,
        ]
    };

    /// The command of a number.
    pub fn from_number(number: u16) -> Option<Command> {
        Self::ALL.into_iter().find(|command| *command as u16 == number)
    }
}

const TYPE: u32 = 0xF;
const REPLY: u32 = 1;
const NO_REPLY: u32 = 1 << 4;
const ERROR: u32 = 1 << 5;

/// What every message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's name for it; the reply has the same.
    pub id: u16,
    /// Number of the command, also in a reply.
    pub command: u16,
    /// Bytes of the whole message.
    pub size: u32,
    flags: u32,
    errno: u32,
}

impl Header {
    /// Of a request with `payload` bytes.
    pub fn request(id: u16, command: Command, payload: usize) -> Header {
        Header { id, command: command as u16, size: (HEADER_BYTES + payload) as u32, flags: 0, errno: 0 }
    }

    /// The same, which nobody answers.
    pub fn posted(self) -> Header {
        Header { flags: self.flags | NO_REPLY, ..self }
    }

    /// Of the reply to this, with `payload` bytes.
    pub fn reply(self, payload: usize) -> Header {
        Header { size: (HEADER_BYTES + payload) as u32, flags: REPLY, errno: 0, ..self }
    }

    /// Of the reply to this that refuses it.
    pub fn refusal(self, errno: Errno) -> Header {
        Header { size: HEADER_BYTES as u32, flags: REPLY | ERROR, errno: errno as i32 as u32, ..self }
    }

    /// Reads one. None if it cannot be the head of a message: then the stream has no meaning any more.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let mut fields = Fields(bytes);
        let (id, command) = (fields.u16()?, fields.u16()?);
        let header = Header { id, command, size: fields.u32()?, flags: fields.u32()?, errno: fields.u32()? };
        let fits = (HEADER_BYTES..=MESSAGE_MAX).contains(&(header.size as usize));
        (fits && header.flags & TYPE <= REPLY).then_some(header)
    }

    /// Its bytes.
    pub fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..2].copy_from_slice(&self.id.to_ne_bytes());
        out[2..4].copy_from_slice(&self.command.to_ne_bytes());
        out[4..8].copy_from_slice(&self.size.to_ne_bytes());
        out[8..12].copy_from_slice(&self.flags.to_ne_bytes());
        out[12..].copy_from_slice(&self.errno.to_ne_bytes());
        out
    }

    /// Bytes behind it.
    pub fn payload(&self) -> usize {
        self.size as usize - HEADER_BYTES
    }

    /// Whether it answers something.
    pub fn is_reply(&self) -> bool {
        self.flags & TYPE == REPLY
    }

    /// Whether it wants an answer.
    pub fn wants_reply(&self) -> bool {
        !self.is_reply() && self.flags & NO_REPLY == 0
    }

    /// The error that a reply tells; it may be 0 although there was one.
    pub fn error(&self) -> Option<i32> {
        (self.flags & ERROR != 0).then_some(self.errno as i32)
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[expect(missing_docs, reason = "the system's names")]
pub enum Errno {
    Exists = 17,
    Fault = 14,
    Invalid = 22,
    NoEntry = 2,
    NotSupported = 95,
    TooBig = 7,
    TooMany = 28,
}

/// Takes numbers off the front of a payload.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// Two bytes, if they are there.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_ne_bytes)
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (now, later) = self.0.split_at_checked(len)?;
        self.0 = later;
        Some(now)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }
}

/// Puts numbers behind each other.
#[derive(Default)]
pub struct Payload(pub Vec<u8>);

impl Payload {
    /// Two bytes.
    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    /// Four bytes.
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    /// Eight bytes.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    /// Some bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// A read or write of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where in the region.
    pub offset: u64,
    /// BARs are 0 to 5, [`REGION_CONFIG`] is configuration space.
    pub region: u32,
    /// Bytes.
    pub count: u32,
}

impl Access {
    /// Reads one.
    pub fn parse(fields: &mut Fields<'_>) -> Option<Access> {
        Some(Access { offset: fields.u64()?, region: fields.u32()?, count: fields.u32()? })
    }

    /// Its bytes.
    pub fn payload(&self) -> Payload {
        Payload::default().u64(self.offset).u32(self.region).u32(self.count)
    }
}

/// Number of the region that is configuration space.
pub const REGION_CONFIG: u32 = 7;
/// Regions of a PCI function: BARs, ROM, configuration space, VGA.
pub const REGIONS: u32 = 9;
/// Kinds of interrupts of a PCI function: INTx, MSI, MSI-X, error, request.
pub const IRQS: u32 = 5;
/// The kind INTx.
pub const IRQ_INTX: u32 = 0;
/// The kind MSI-X.
pub const IRQ_MSIX: u32 = 2;

/// `vfio_irq_set` flags.
pub mod irq_set {
    /// No data.
    pub const NONE: u32 = 1;
    /// A byte for each.
    pub const BOOL: u32 = 2;
    /// A descriptor for each.
    pub const EVENTFD: u32 = 4;
    /// Masks.
    pub const MASK: u32 = 8;
    /// Unmasks.
    pub const UNMASK: u32 = 16;
    /// Fires, or says what fires.
    pub const TRIGGER: u32 = 32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_what_was_written_and_nonsense_is_refused() {
        let header = Header::request(7, Command::RegionRead, 16);
        assert_eq!(header.bytes(), [7, 0, 9, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Header::parse(&header.bytes()), Some(header));
        assert!(header.wants_reply() && !header.posted().wants_reply() && !header.reply(3).wants_reply());
        let refusal = Header::parse(&header.refusal(Errno::Invalid).bytes()).unwrap();
        assert_eq!((refusal.error(), refusal.payload(), refusal.id), (Some(22), 0, 7));
        for (at, value) in [(4, 15), (7, 0xFF), (8, 2)] {
            let mut bytes = header.bytes();
            bytes[at] = value;
            assert_eq!(Header::parse(&bytes), None, "byte {at}");
        }
        assert_eq!(Command::from_number(14), None);
        assert_eq!(Command::from_number(15), Some(Command::WriteMulti));
    }

    #[test]
    fn fields_end_where_the_payload_ends() {
        let bytes = Access { offset: 1 << 40, region: 2, count: 3 }.payload().bytes(&[1, 2]).0;
        let mut fields = Fields(&bytes);
        assert_eq!(Access::parse(&mut fields), Some(Access { offset: 1 << 40, region: 2, count: 3 }));
        assert_eq!((fields.bytes(3), fields.bytes(2), fields.u16()), (None, Some(&[1, 2][..]), None));
    }
}
