//! One TCP connection as a stream of PDUs, both ways.

use super::input::{Input, Whole};
use crate::{Error, Result};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use wire::iscsi::{BHS_BYTES, padding};

pub struct Stream {
    socket: TcpStream,
    input: Input,
    out: Vec<u8>,
    sent: usize,
    header_digest: bool,
    data_digest: bool,
    epoll: Option<os::Epoll>,
}

impl Stream {
    pub fn open(address: SocketAddr, timeout: Duration) -> Result<Stream> {
        let socket =
            TcpStream::connect_timeout(&address, timeout).map_err(|source| Error::Unreachable { address, source })?;
        let lost = |source| Error::Lost { what: "setting the connection up", source };
        os::tune(&socket, os::Tune::default()).map_err(lost)?;
        let (header_digest, data_digest) = (false, false);
        Ok(Stream { socket, input: Input::new(), out: Vec::new(), sent: 0, header_digest, data_digest, epoll: None })
    }

    /// What the login agreed on holds from here.
    pub fn agreed(&mut self, parameters: &iscsi::Parameters) {
        (self.header_digest, self.data_digest) = (parameters.header_digest, parameters.data_digest);
        let input = std::mem::replace(&mut self.input, Input::new());
        let most = parameters.max_recv_data_segment_length;
        self.input = input.with(most, self.header_digest, self.data_digest);
    }

    /// Queues a PDU; the length of its data is already in the header.
    #[inline]
    pub fn queue(&mut self, header: &[u8; BHS_BYTES], data: &[u8]) {
        self.out.extend_from_slice(header);
        if self.header_digest {
            self.out.extend_from_slice(&crc32c::crc32c(header).to_le_bytes());
        }
        if data.is_empty() {
            return;
        }
        let begin = self.out.len();
        self.out.extend_from_slice(data);
        self.out.extend_from_slice(&[0; 3][..padding(data.len() as u32)]);
        if self.data_digest {
            let digest = crc32c::crc32c(&self.out[begin..]);
            self.out.extend_from_slice(&digest.to_le_bytes());
        }
    }

    /// Sends what waits, as far as the socket takes it.
    #[inline]
    pub fn flush(&mut self) -> Result<()> {
        while self.sent < self.out.len() {
            match (&self.socket).write(&self.out[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Lost { what: "sending", source }),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Receives what is there; whether that was anything.
    #[inline]
    pub fn receive(&mut self) -> Result<bool> {
        let room = self.input.room();
        match (&self.socket).read(room) {
            Ok(0) if !room.is_empty() => Err(Error::Closed { what: "it was in use" }),
            Ok(n) => {
                self.input.filled(n);
                Ok(n > 0)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
            Err(source) => Err(Error::Lost { what: "receiving", source }),
        }
    }

    /// The next PDU that is there whole.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Whole>> {
        self.input.next()
    }

    /// The data of the PDU that was given last.
    #[inline]
    pub fn data(&self, range: Range<usize>) -> &[u8] {
        self.input.data(range)
    }

    /// Waits for a PDU.
    pub fn wait_next(&mut self, what: &str, limit: Duration) -> Result<Whole> {
        let begin = Instant::now();
        loop {
            self.flush()?;
            if let Some(whole) = self.next()? {
                return Ok(whole);
            }
            if self.receive()? {
                continue;
            }
            let spent = begin.elapsed();
            if spent >= limit {
                return Err(Error::Timeout { what: what.to_owned(), after: limit });
            }
            self.wait((limit - spent).min(Duration::from_millis(100)))?;
        }
    }

    /// Waits until something may have come.
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        let lost = |source| Error::Lost { what: "waiting", source };
        if self.epoll.is_none() {
            let epoll = os::Epoll::new().map_err(lost)?;
            epoll.add(self.socket.as_fd(), 0, os::Interest::READ).map_err(lost)?;
            self.epoll = Some(epoll);
        }
        // With bytes waiting to be sent nothing tells us when: look again soon.
        let limit = if self.out.is_empty() { limit } else { limit.min(Duration::from_millis(1)) };
        let epoll = self.epoll.as_ref().expect("made above");
        epoll.wait(&mut [os::Ready::NONE], Some(limit)).map_err(lost)?;
        Ok(())
    }

    pub fn shut(&mut self) {
        // The other end may have closed already.
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}
