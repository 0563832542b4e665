//! Reaching memory that the client has not shared: asking it, and keeping what it asks for meanwhile.
use crate::channel::{Broken, Channel, LATE, Message};
use crate::message::{Command, Fields, Header, Payload, TRANSFER_MAX};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long one access may take, if nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// Requests that are kept while we wait.
const KEPT: usize = 256;
/// A client that takes less at once is not asked.
const LEAST: usize = 512;

/// A connection to a client, in both directions.
#[derive(Debug)]
pub(crate) struct Link {
    pub channel: Channel,
    kept: VecDeque<Message>,
    next_id: u16,
    /// Bytes that one request may move.
    transfer: usize,
    patience: Duration,
    /// It did not answer the last time.
    deaf: bool,
    /// It broke while it was asked.
    pub broken: Option<Broken>,
}

impl Link {
    pub(crate) fn new(channel: Channel, patience: Duration) -> Link {
        let (kept, transfer) = (VecDeque::new(), TRANSFER_MAX);
        Link { channel, kept, next_id: 0, transfer, patience, deaf: false, broken: None }
    }

    /// What the client said that it takes at once.
    pub(crate) fn set_transfer(&mut self, bytes: u64) {
        self.transfer = usize::try_from(bytes).unwrap_or(usize::MAX).min(TRANSFER_MAX);
    }

    /// The next request. Answers that nobody waits for any more are dropped.
    pub(crate) fn request(&mut self) -> Result<Option<Message>, Broken> {
        if let Some(message) = self.kept.pop_front() {
            return Ok(Some(message));
        }
        while let Some(message) = self.channel.receive()? {
            if !message.header.is_reply() {
                return Ok(Some(message));
            }
            self.deaf = false;
        }
        Ok(None)
    }

    /// Whether there are requests that the socket does not show.
    pub(crate) fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Reads memory; whether it worked.
    pub(crate) fn read(&mut self, address: u64, into: &mut [u8]) -> bool {
        let step = self.transfer;
        into.chunks_mut(step.max(LEAST)).zip(0u64..).all(|(piece, i)| {
            let at = address + i * step as u64;
            let asked = Payload::default().u64(at).u64(piece.len() as u64);
            let Some(reply) = self.ask(Command::DmaRead, &asked.0) else { return false };
            let mut fields = Fields(&reply.payload);
            let whole = fields.u64() == Some(at) && fields.u64() == Some(piece.len() as u64);
            let bytes = fields.bytes(piece.len()).filter(|_| whole);
            bytes.is_some_and(|bytes| {
                piece.copy_from_slice(bytes);
                true
            })
        })
    }

    /// Writes memory; whether it worked.
    pub(crate) fn write(&mut self, address: u64, from: &[u8]) -> bool {
        let step = self.transfer;
        from.chunks(step.max(LEAST)).zip(0u64..).all(|(piece, i)| {
            let at = address + i * step as u64;
            let told = Payload::default().u64(at).u64(piece.len() as u64).bytes(piece);
            self.ask(Command::DmaWrite, &told.0).is_some()
        })
    }

    /// Sends a request of ours and waits for its answer. None if it was refused, or does not come.
    fn ask(&mut self, command: Command, payload: &[u8]) -> Option<Message> {
        if self.deaf || self.broken.is_some() || self.transfer < LEAST {
            return None;
        }
        match self.exchange(command, payload) {
            Ok(reply) => reply.header.error().is_none().then_some(reply),
            Err(Broken(why)) if why == LATE => {
                self.deaf = true;
                log::warn!(target: "vfio_user", "the client does not answer requests for its memory: it ought to share it");
                None
            }
            Err(broken) => {
                self.broken = Some(broken);
                None
            }
        }
    }

    fn exchange(&mut self, command: Command, payload: &[u8]) -> Result<Message, Broken> {
        let until = Instant::now() + self.patience;
        self.next_id = self.next_id.wrapping_add(1);
        let header = Header::request(self.next_id, command, payload.len());
        self.channel.send(header, payload, &[])?;
        self.channel.drain(until)?;
        loop {
            let message = self.channel.await_message(until)?;
            let answers = message.header.id == header.id && message.header.command == header.command;
            match message.header.is_reply() {
                true if answers => return Ok(message),
                true => {}
                false if self.kept.len() < KEPT => self.kept.push_back(message),
                false => return Err(Broken("too many requests while it was asked something".into())),
            }
        }
    }
}
