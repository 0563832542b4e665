//! The receive buffer, and whole PDU headers out of it.

use crate::{Error, Result, Violation};
use wire::tcp::{CommonHeader, Framing, Layout, PduType, Sender};

/// Bytes of the receive buffer of a queue.
const BUFFER: usize = 128 << 10;

/// A header that arrived whole (with its digest and padding), checked as far as that needs no command.
pub(crate) struct Head {
    pub kind: PduType,
    pub bytes: [u8; 24],
    pub layout: Layout,
    pub ch: CommonHeader,
}

pub(crate) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    strict: bool,
}

impl Input {
    pub fn new(strict: bool) -> Input {
        Input { buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0, strict }
    }

    /// Received and not yet used.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    pub fn consume(&mut self, n: usize) {
        self.start += n;
        debug_assert!(self.start <= self.end);
    }

    /// Room to receive into; what is left over goes to the front first (it is less than a header).
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }

    #[inline]
    pub fn filled(&mut self, n: usize) {
        self.end += n;
    }

    /// The next header, when all of it is there.
    pub fn head(&mut self, framing: &Framing) -> Result<Option<Head>> {
        let Some(ch) = wire::read::<CommonHeader>(self.bytes()) else { return Ok(None) };
        let layout = ch.layout(Sender::Controller, framing).map_err(|fault| Violation::header(&ch, fault))?;
        let whole = match ch.kind {
            PduType::C2H_TERM_REQ => layout.total,
            PduType::IC_RESP => return Err(Violation::sequence(ch.kind, "PDU-Type", "a second one".to_owned()).into()),
            _ => layout.data_offset,
        } as usize;
        let available = self.bytes();
        if available.len() < whole {
            return Ok(None);
        }
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&available[..24]);
        if layout.hdgst {
            check_digest(&ch, &bytes, &available[24..28])?;
        }
        if self.strict {
            check_header(
                &ch,
                &layout,
                &available[usize::from(layout.header) + if layout.hdgst { 4 } else { 0 }..whole],
            )?;
        }
        self.consume(whole);
        Ok(Some(Head { kind: ch.kind, bytes, layout, ch }))
    }
}

fn check_digest(ch: &CommonHeader, header: &[u8], digest: &[u8]) -> Result<()> {
    let (found, right) = (u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]), crc32c::crc32c(header));
    if found == right {
        return Ok(());
    }
    let what = format!("{found:#010x}, the header's CRC32C is {right:#010x}");
    Err(Violation { pdu: ch.kind, field: "HDGST", what, fault: wire::tcp::Fault::header_digest(found) }.into())
}

/// Flags that a PDU may not have, PDO of a PDU without data, padding that is not zero.
fn check_header(ch: &CommonHeader, layout: &Layout, padding: &[u8]) -> Result<()> {
    use wire::tcp::flags::{DDGSTF, HDGSTF, LAST_PDU, SUCCESS};
    let allowed = match ch.kind {
        PduType::C2H_DATA => HDGSTF | DDGSTF | LAST_PDU | SUCCESS,
        PduType::CAPSULE_RESP | PduType::R2T => HDGSTF,
        _ => 0,
    };
    let wrong = |field, offset, what| Err(Error::from(Violation::field(ch.kind, field, offset, what)));
    if ch.flags & !allowed != 0 {
        return wrong("FLAGS", 1, format!("{:#x}, only {allowed:#x} may be set", ch.flags));
    }
    if ch.kind != PduType::C2H_DATA && ch.pdo != 0 {
        return wrong("PDO", 3, format!("{}, is reserved here", ch.pdo));
    }
    if ch.kind == PduType::C2H_DATA && layout.data > 0 && padding.iter().any(|&b| b != 0) {
        return wrong("PAD", u32::from(layout.header), "is not zero".to_owned());
    }
    Ok(())
}
