//! One connection: bytes to whole messages with their descriptors, and back. Nothing here waits, except where it says so.
//!
//! A header is read alone, then exactly its payload: so the descriptors that come are those of that message.
use crate::message::{HEADER_BYTES, Header};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use os::Received;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A whole message.
#[derive(Debug)]
pub(crate) struct Message {
    pub header: Header,
    pub payload: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

/// The connection is of no use any more, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub String);

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Broken(error.to_string())
    }
}

#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    head: [u8; HEADER_BYTES],
    header: Option<Header>,
    payload: Vec<u8>,
    /// Bytes of the head, or of the payload once the header is there.
    got: usize,
    descriptors: Vec<OwnedFd>,
    /// What the socket did not take yet.
    out: Vec<u8>,
}

impl Channel {
    pub(crate) fn new(stream: UnixStream) -> std::io::Result<Channel> {
        stream.set_nonblocking(true)?;
        Ok(Channel {
            stream,
            head: [0; HEADER_BYTES],
            header: None,
            payload: Vec::new(),
            got: 0,
            descriptors: Vec::new(),
            out: Vec::new(),
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// The next message, if all of it is there.
    pub(crate) fn receive(&mut self) -> Result<Option<Message>, Broken> {
        let header = match self.header {
            Some(header) => header,
            None => {
                let mut head = self.head;
                let whole = self.fill(&mut head)?;
                self.head = head;
                if !whole {
                    return Ok(None);
                }
                let header = Header::parse(&head).ok_or_else(|| Broken("what came is no message".into()))?;
                self.payload.resize(header.payload(), 0);
                (self.got, self.header) = (0, Some(header));
                header
            }
        };
        let mut payload = std::mem::take(&mut self.payload);
        if !self.fill(&mut payload)? {
            self.payload = payload;
            return Ok(None);
        }
        (self.got, self.header) = (0, None);
        Ok(Some(Message { header, payload, descriptors: std::mem::take(&mut self.descriptors) }))
    }

    /// Gives a message's memory back for the next one.
    pub(crate) fn recycle(&mut self, mut payload: Vec<u8>) {
        if self.header.is_none() && payload.capacity() > self.payload.capacity() {
            payload.clear();
            self.payload = payload;
        }
    }

    /// Whether `into` is full.
    fn fill(&mut self, into: &mut [u8]) -> Result<bool, Broken> {
        while self.got < into.len() {
            match os::receive_with(self.stream.as_fd(), &mut into[self.got..], &mut self.descriptors)? {
                Received::Bytes(n) => self.got += n,
                Received::Empty => return Ok(false),
                Received::Closed if self.got == 0 && self.header.is_none() => return Err(Broken("it closed".into())),
                Received::Closed => return Err(Broken("it closed in the middle of a message".into())),
            }
            if self.descriptors.len() > os::DESCRIPTORS {
                return Err(Broken("too many descriptors with one message".into()));
            }
        }
        Ok(true)
    }

    /// Sends a message, or keeps what the socket does not take; returns whether it has all gone. Descriptors go at once or not at all.
    pub(crate) fn send(
        &mut self,
        header: Header,
        payload: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<bool, Broken> {
        let head = header.bytes();
        let mut sent = 0;
        if self.out.is_empty() {
            let parts = [IoSlice::new(&head), IoSlice::new(payload)];
            sent = os::send_with(self.stream.as_fd(), &parts, descriptors)?.unwrap_or(0);
        }
        if sent == 0 && !descriptors.is_empty() {
            return Err(Broken("there is no room to send descriptors".into()));
        }
        self.out.extend_from_slice(&head[sent.min(head.len())..]);
        self.out.extend_from_slice(&payload[sent.saturating_sub(head.len())..]);
        Ok(self.out.is_empty())
    }

    /// Sends what was kept; whether all has gone.
    pub(crate) fn flush(&mut self) -> Result<bool, Broken> {
        while !self.out.is_empty() {
            match os::send_with(self.stream.as_fd(), &[IoSlice::new(&self.out)], &[])? {
                Some(n) => drop(self.out.drain(..n)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether something waits for the other side to read.
    pub(crate) fn is_clogged(&self) -> bool {
        !self.out.is_empty()
    }

    /// Waits until all has gone.
    pub(crate) fn drain(&mut self, until: Instant) -> Result<(), Broken> {
        while !self.flush()? {
            self.wait(PollFlags::POLLOUT, until)?;
        }
        Ok(())
    }

    /// Waits for a message.
    pub(crate) fn await_message(&mut self, until: Instant) -> Result<Message, Broken> {
        loop {
            if let Some(message) = self.receive()? {
                return Ok(message);
            }
            self.wait(PollFlags::POLLIN, until)?;
        }
    }

    /// Waits until the socket can be read or written; an error when it is too late.
    fn wait(&self, what: PollFlags, until: Instant) -> Result<(), Broken> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Broken(LATE.into()));
        }
        let millis = left.max(Duration::from_millis(1)).as_millis().min(60_000) as u16;
        match poll(&mut [PollFd::new(self.stream.as_fd(), what)], PollTimeout::from(millis)) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(e) => Err(Broken(e.to_string())),
        }
    }
}

/// Why a wait ends in vain.
pub(crate) const LATE: &str = "there was no answer in time";
