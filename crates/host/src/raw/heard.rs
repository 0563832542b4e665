//! What came from the target.

use wire::nvme::Cqe;
use wire::tcp::{C2HData, CapsuleResp, CommonHeader, Fault, Layout, PduType, R2T, TermReq};

/// What was heard, or that nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A PDU whose header is sound.
    Pdu(Received),
    /// The target ended the connection, after so many bytes of a PDU.
    Closed {
        /// Bytes before it.
        partial: usize,
    },
    /// The target ended the connection by a reset.
    Reset,
    /// Nothing (more) came in time.
    Silence {
        /// Bytes before it.
        partial: usize,
    },
    /// A header that no controller may send.
    Nonsense {
        /// Its first 8 bytes.
        header: Vec<u8>,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl Heard {
    /// The PDU, if it was one.
    pub fn pdu(self) -> Option<Received> {
        match self {
            Heard::Pdu(pdu) => Some(pdu),
            _ => None,
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What C2HTermReq said, if one came.
    pub fault: Option<Fault>,
    /// The target closed or reset the connection (else it fell silent).
    pub closed: bool,
    /// All PDUs that came, the C2HTermReq too.
    pub pdus: Vec<Received>,
}

/// A PDU from the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its common header.
    pub ch: CommonHeader,
    /// All of its header, without digest.
    pub header: Vec<u8>,
    /// Its data; for a C2HTermReq the header that it is about.
    pub data: Vec<u8>,
    /// Whether the header digest is right (true when there is none).
    pub hdgst_right: bool,
    /// Whether the data digest is right (true when there is none).
    pub ddgst_right: bool,
}

impl Received {
    pub(super) fn new(ch: CommonHeader, layout: &Layout, bytes: Vec<u8>) -> Received {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let hlen = usize::from(layout.header);
        let (start, end) = (layout.data_offset as usize, (layout.data_offset + layout.data) as usize);
        Received {
            ch,
            header: bytes[..hlen].to_vec(),
            data: bytes[start..end].to_vec(),
            hdgst_right: !layout.hdgst || number(hlen) == crc32c::crc32c(&bytes[..hlen]),
            ddgst_right: !layout.ddgst || number(end) == crc32c::crc32c(&bytes[start..end]),
        }
    }

    /// Its type.
    pub fn kind(&self) -> PduType {
        self.ch.kind
    }

    /// The completion of a response capsule.
    pub fn cqe(&self) -> Option<Cqe> {
        self.of(PduType::CAPSULE_RESP).then(|| wire::read::<CapsuleResp>(&self.header).expect("24 bytes").cqe)
    }

    /// An R2T.
    pub fn r2t(&self) -> Option<R2T> {
        self.of(PduType::R2T).then(|| wire::read(&self.header).expect("24 bytes"))
    }

    /// A C2HData header.
    pub fn c2h_data(&self) -> Option<C2HData> {
        self.of(PduType::C2H_DATA).then(|| wire::read(&self.header).expect("24 bytes"))
    }

    /// What a C2HTermReq says.
    pub fn fault(&self) -> Option<Fault> {
        self.of(PduType::C2H_TERM_REQ).then(|| wire::read::<TermReq>(&self.header).expect("24 bytes").fault())
    }

    fn of(&self, kind: PduType) -> bool {
        self.ch.kind == kind
    }
}
