//! A client's connection: one request at a time, from whatever thread, each with its answer.
use crate::channel::{Broken, Channel};
use crate::message::{Command, Errno, Header};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long a server may take for one answer. One that takes longer is taken to be gone.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Why a request did not do what it should.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The server said no, with this number (0: it did not say why).
    Refused(i32),
    /// There is no server any more.
    Gone(String),
}

impl Failure {
    /// In words, for what was asked.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Failure::Refused(0) => "the server refused".into(),
            Failure::Refused(errno) => format!("the server refused: {}", std::io::Error::from_raw_os_error(*errno)),
            Failure::Gone(why) => why.clone(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    wire: Mutex<Wire>,
    /// Nothing is sent any more.
    gone: AtomicBool,
}

#[derive(Debug)]
struct Wire {
    channel: Channel,
    next_id: u16,
    /// Why it is gone.
    reason: String,
}

impl Connection {
    pub(crate) fn new(channel: Channel) -> Connection {
        Connection {
            wire: Mutex::new(Wire { channel, next_id: 0, reason: String::new() }),
            gone: AtomicBool::new(false),
        }
    }

    /// Sends a request and waits for its answer's payload.
    pub(crate) fn ask(&self, command: Command, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Result<Vec<u8>, Failure> {
        let mut wire = self.wire()?;
        match wire.exchange(command, payload, fds) {
            Ok((header, payload)) => header.error().map_or(Ok(payload), |errno| Err(Failure::Refused(errno))),
            Err(broken) => Err(self.end(&mut wire, broken)),
        }
    }

    /// Sends a request that nobody answers.
    pub(crate) fn post(&self, command: Command, payload: &[u8]) -> Result<(), Failure> {
        let mut wire = self.wire()?;
        let header = wire.header(command, payload).posted();
        let sent = wire.send(header, payload, &[], Instant::now() + PATIENCE);
        sent.map_err(|broken| self.end(&mut wire, broken))
    }

    /// The server breaks the rules: it is treated as gone.
    pub(crate) fn give_up(&self, why: &str) -> Failure {
        match self.wire() {
            Ok(mut wire) => self.end(&mut wire, Broken(why.into())),
            Err(failure) => failure,
        }
    }

    /// Whether it is gone, as far as anybody has noticed.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Relaxed)
    }

    fn wire(&self) -> Result<MutexGuard<'_, Wire>, Failure> {
        let wire = self.wire.lock().unwrap_or_else(|panicked| panicked.into_inner());
        if self.is_gone() { Err(Failure::Gone(wire.reason.clone())) } else { Ok(wire) }
    }

    fn end(&self, wire: &mut Wire, broken: Broken) -> Failure {
        self.gone.store(true, Relaxed);
        wire.reason = broken.0.clone();
        Failure::Gone(broken.0)
    }
}

impl Wire {
    fn header(&mut self, command: Command, payload: &[u8]) -> Header {
        self.next_id = self.next_id.wrapping_add(1);
        Header::request(self.next_id, command, payload.len())
    }

    fn send(&mut self, header: Header, payload: &[u8], fds: &[BorrowedFd<'_>], until: Instant) -> Result<(), Broken> {
        self.channel.drain(until)?;
        self.channel.send(header, payload, fds)?;
        self.channel.drain(until)
    }

    fn exchange(
        &mut self,
        command: Command,
        payload: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(Header, Vec<u8>), Broken> {
        let until = Instant::now() + PATIENCE;
        let header = self.header(command, payload);
        self.send(header, payload, fds, until)?;
        loop {
            let message = self.channel.await_message(until)?;
            let answer = message.header;
            if answer.is_reply() && answer.id == header.id && answer.command == header.command {
                return Ok((answer, message.payload));
            }
            if answer.is_reply() {
                return Err(Broken("it answered what was not asked".into()));
            }
            // It asks for our memory, all of which it can map.
            if answer.wants_reply() {
                self.channel.send(answer.refusal(Errno::NotSupported), &[], &[])?;
            }
        }
    }
}
