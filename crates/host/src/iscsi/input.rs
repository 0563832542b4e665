//! The receive buffer, and whole PDUs out of it.

use super::broken;
use crate::Result;
use std::ops::Range;
use wire::iscsi::{Bhs, DIGEST_BYTES, Layout};

/// A PDU that is there whole.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its header.
    pub bhs: Bhs,
    /// Where its data is: see [`Input::data`].
    pub data: Range<usize>,
}

pub struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of the PDU that was given last.
    used: usize,
    /// Most bytes of data in a PDU.
    limit: u32,
    header_digest: bool,
    data_digest: bool,
}

impl Input {
    /// Before login: segments of up to 8 KiB, no digests.
    pub fn new() -> Input {
        Input { buffer: Box::default(), start: 0, end: 0, used: 0, limit: 0, header_digest: false, data_digest: false }
            .with(8192, false, false)
    }

    /// What was agreed on; what has been received stays.
    pub fn with(mut self, limit: u32, header_digest: bool, data_digest: bool) -> Input {
        let mut buffer = vec![0; 2 * (limit as usize + 2048)].into_boxed_slice();
        let there = self.end - self.start - self.used;
        let room = buffer.len().max(there);
        if room > buffer.len() {
            buffer = vec![0; room].into_boxed_slice();
        }
        buffer[..there].copy_from_slice(&self.buffer[self.start + self.used..self.end]);
        (self.buffer, self.start, self.end, self.used) = (buffer, 0, there, 0);
        (self.limit, self.header_digest, self.data_digest) = (limit, header_digest, data_digest);
        self
    }

    /// Room to receive into.
    #[inline]
    pub fn room(&mut self) -> &mut [u8] {
        self.start += std::mem::take(&mut self.used);
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }

    #[inline]
    pub fn filled(&mut self, n: usize) {
        self.end += n;
    }

    /// The data of the PDU that was given last.
    #[inline]
    pub fn data(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// The next PDU, when it is there whole.
    pub fn next(&mut self) -> Result<Option<Whole>> {
        self.start += std::mem::take(&mut self.used);
        let bytes = &self.buffer[self.start..self.end];
        let Some(bhs) = wire::read::<Bhs>(bytes) else { return Ok(None) };
        let layout = bhs.layout();
        if layout.data > self.limit {
            return Err(broken(format!("{} of {} bytes of data, we take {}", bhs.opcode(), layout.data, self.limit)));
        }
        let digest = |on: bool| if on { DIGEST_BYTES as usize } else { 0 };
        let begin = layout.header() + digest(self.header_digest);
        let padded = layout.data as usize + layout.padding();
        let whole = begin + padded + digest(self.data_digest && layout.data > 0);
        if bytes.len() < whole {
            return Ok(None);
        }
        self.check(bytes, &bhs, &layout, begin)?;
        self.used = whole;
        let begin = self.start + begin;
        Ok(Some(Whole { bhs, data: begin..begin + layout.data as usize }))
    }

    fn check(&self, bytes: &[u8], bhs: &Bhs, layout: &Layout, begin: usize) -> Result<()> {
        if self.header_digest && !is_digest(&bytes[..layout.header()], &bytes[layout.header()..begin]) {
            return Err(broken(format!("a wrong header digest of a {}", bhs.opcode())));
        }
        let end = begin + layout.data as usize + layout.padding();
        if self.data_digest && layout.data > 0 && !is_digest(&bytes[begin..end], &bytes[end..end + 4]) {
            return Err(broken(format!("a wrong data digest of a {}", bhs.opcode())));
        }
        Ok(())
    }
}

fn is_digest(of: &[u8], digest: &[u8]) -> bool {
    crc32c::crc32c(of).to_le_bytes() == digest
}
