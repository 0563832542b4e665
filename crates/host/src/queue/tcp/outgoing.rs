//! What waits to be sent: headers in one buffer, data where it lies, all in one call a turn.

use super::Slot;
use super::table::Table;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::ops::Range;

/// Pieces offered to the kernel in one call.
const BATCH: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// None: in the header buffer.
    slot: Option<Slot>,
    at: u32,
    len: u32,
}

pub(crate) struct Outgoing {
    headers: Vec<u8>,
    list: VecDeque<Piece>,
}

impl Outgoing {
    /// For about `commands` PDUs; grows if a slow target makes more of them wait.
    pub fn new(commands: usize) -> Outgoing {
        Outgoing {
            headers: Vec::with_capacity(commands * 256 + 4096),
            list: VecDeque::with_capacity(commands * 3 + 16),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether so much waits that data of R2Ts should wait as well.
    pub fn is_full(&self) -> bool {
        self.list.len() >= BATCH
    }

    #[inline]
    pub fn header(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        let at = self.headers.len() as u32;
        self.headers.extend_from_slice(bytes);
        match self.list.back_mut() {
            Some(last) if last.slot.is_none() && last.at + last.len == at => last.len += bytes.len() as u32,
            _ => self.list.push_back(Piece { slot: None, at, len: bytes.len() as u32 }),
        }
    }

    #[inline]
    pub fn data(&mut self, slot: Slot, part: Range<u32>) {
        self.list.push_back(Piece { slot: Some(slot), at: part.start, len: part.end - part.start });
    }

    /// Drops headers that are sent when the buffer would have to grow.
    fn make_room(&mut self, more: usize) {
        if self.headers.len() + more <= self.headers.capacity() {
            return;
        }
        let first = self.list.iter().find(|p| p.slot.is_none()).map_or(self.headers.len() as u32, |p| p.at);
        self.headers.drain(..first as usize);
        for piece in self.list.iter_mut().filter(|p| p.slot.is_none()) {
            piece.at -= first;
        }
    }

    /// Offers all to the kernel; `table` counts its pieces down. Returns the bytes taken.
    pub fn flush(&mut self, mut stream: &TcpStream, table: &mut Table) -> io::Result<usize> {
        let mut total = 0;
        while !self.list.is_empty() {
            let mut slices = [IoSlice::new(&[]); BATCH];
            let count = self.list.len().min(BATCH);
            let mut offered = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.list) {
                let bytes = match piece.slot {
                    Some(slot) => table.bytes(slot, piece.at..piece.at + piece.len),
                    None => &self.headers[piece.at as usize..(piece.at + piece.len) as usize],
                };
                offered += bytes.len();
                *slice = IoSlice::new(bytes);
            }
            let sent = match stream.write_vectored(&slices[..count]) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            total += sent;
            self.accepted(sent, table);
            if sent < offered {
                break;
            }
        }
        if self.list.is_empty() {
            self.headers.clear();
        }
        Ok(total)
    }

    fn accepted(&mut self, mut sent: usize, table: &mut Table) {
        while sent > 0 {
            let first = self.list.front_mut().expect("the kernel takes what it was offered");
            if sent < first.len as usize {
                first.at += sent as u32;
                first.len -= sent as u32;
                return;
            }
            sent -= first.len as usize;
            if let Some(slot) = first.slot {
                table.entries[slot.index()].unsent -= 1;
            }
            self.list.pop_front();
        }
    }
}
