//! A connected socket: frames and messages both ways.

use fc::{FrameBox, Frames};
use os::{Epoll, Interest, PACKETS, PacketBatch, Received};
use ring::Tick;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use wire::fc::{HEADER_BYTES, MAX_PAYLOAD, MIN_PAYLOAD};

/// Frames that wait for the socket at most.
pub const BACKLOG: usize = 256;

/// A socket in which nothing was is left alone for so long.
const LOOK: Tick = 2_000;

/// Bytes of a message.
const MESSAGE: usize = 8;
const MAGIC: [u8; 5] = *b"qfcl\x01";
const UP: u8 = 1;
const DOWN: u8 = 2;

enum Item {
    Frame(FrameBox),
    Message([u8; MESSAGE]),
}

impl Item {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Frame(frame) => frame.bytes(),
            Self::Message(message) => message,
        }
    }
}

fn message(what: u8) -> [u8; MESSAGE] {
    let [a, b, c, d, version] = MAGIC;
    let [high, low] = (MAX_PAYLOAD as u16).to_be_bytes();
    [a, b, c, d, version, what, high, low]
}

/// One side of a connection.
pub(super) struct Pipe {
    socket: OwnedFd,
    /// What wakes the core: the socket, for writing too while it is full.
    epoll: Epoll,
    incoming: PacketBatch,
    out: VecDeque<Item>,
    blocked: bool,
    /// What the peer said last, and the payload that it takes.
    peer: Option<u16>,
    /// Why it is over.
    over: Option<String>,
    last_look: Tick,
    more: bool,
}

impl Pipe {
    pub(super) fn new(socket: OwnedFd, up: bool) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(socket.as_fd(), 0, Interest::READ)?;
        let mut pipe = Self {
            socket,
            epoll,
            incoming: PacketBatch::new(HEADER_BYTES + MAX_PAYLOAD),
            out: VecDeque::with_capacity(BACKLOG + 2),
            blocked: false,
            peer: None,
            over: None,
            last_look: 0,
            more: true,
        };
        if up {
            pipe.say_up(true);
        }
        Ok(pipe)
    }

    /// Tells the peer. Frames that wait are dropped when it is that we go down.
    pub(super) fn say_up(&mut self, up: bool) {
        if !up {
            self.out.retain(|item| matches!(item, Item::Message(_)));
        }
        if self.out.len() > BACKLOG {
            self.end("it takes nothing");
            return;
        }
        self.out.push_back(Item::Message(message(if up { UP } else { DOWN })));
        self.flush(None);
    }

    /// The largest payload that the peer takes, while it says that it is up.
    pub(super) fn peer(&self) -> Option<u16> {
        self.peer.filter(|_| self.over.is_none())
    }

    /// Why it is over, if it is.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }

    fn end(&mut self, why: impl Into<String>) {
        self.over.get_or_insert_with(|| why.into());
    }

    /// Takes in packets if it is time, and the messages among them that come first.
    pub(super) fn look(&mut self, now: Tick) {
        let idle = !self.more && now.saturating_sub(self.last_look) < LOOK;
        if self.over.is_none() && self.incoming.is_empty() && !idle {
            self.last_look = now;
            self.more = false;
            match self.incoming.receive(self.socket.as_fd()) {
                Ok(Received::Bytes(count)) => self.more = count == PACKETS,
                Ok(Received::Empty) => {}
                Ok(Received::Closed) => self.end("the other side closed it"),
                Err(error) => self.end(error.to_string()),
            }
        }
        self.take_message();
    }

    /// Acts on the first packet if it is a message. One at a time: who looks must see each change.
    fn take_message(&mut self) {
        let Some(packet) = self.incoming.first().filter(|packet| packet.len() < HEADER_BYTES) else { return };
        let Some((said, what)) = packet.split_first_chunk::<5>() else { return self.end("not a message") };
        let known = *said == MAGIC && packet.len() == MESSAGE;
        match (known, what.first()) {
            (true, Some(&UP)) => {
                let size = u16::from_be_bytes([packet[6], packet[7]]);
                if usize::from(size) < MIN_PAYLOAD {
                    return self.end("a frame size that is none");
                }
                self.peer = Some(size.min(MAX_PAYLOAD as u16));
            }
            (true, Some(&DOWN)) => self.peer = None,
            _ => return self.end("neither a frame nor a message of this version"),
        }
        self.incoming.pop();
    }

    /// The next frame, as long as no message comes before it.
    #[inline]
    pub(super) fn receive(&mut self, frames: &mut Frames, now: Tick) -> Option<FrameBox> {
        if self.incoming.is_empty() {
            self.look(now);
        }
        let packet = self.incoming.first().filter(|packet| packet.len() >= HEADER_BYTES)?;
        if self.over.is_some() {
            return None;
        }
        let mut frame = frames.take()?;
        let filled = frame.fill(packet);
        self.incoming.pop();
        if filled {
            return Some(frame);
        }
        frames.give(frame);
        self.end("a packet longer than a frame");
        None
    }

    pub(super) fn room(&self) -> usize {
        BACKLOG.saturating_sub(self.out.len())
    }

    #[inline]
    pub(super) fn send(&mut self, frame: FrameBox) {
        self.out.push_back(Item::Frame(frame));
    }

    /// Sends what waits, as much as the socket takes. Frames that left go home.
    pub(super) fn flush(&mut self, mut frames: Option<&mut Frames>) {
        while self.over.is_none() && !self.out.is_empty() {
            let sent = match os::send_packets(self.socket.as_fd(), self.out.iter().map(Item::bytes)) {
                Ok(sent) => sent,
                Err(error) => return self.end(error.to_string()),
            };
            for item in self.out.drain(..sent) {
                if let (Item::Frame(frame), Some(frames)) = (item, frames.as_deref_mut()) {
                    frames.give(frame);
                }
            }
            if sent == 0 {
                break;
            }
        }
        self.watch(!self.out.is_empty());
    }

    /// Has the core be woken when a full socket has room again.
    fn watch(&mut self, blocked: bool) {
        if blocked == self.blocked {
            return;
        }
        self.blocked = blocked;
        let interest = if blocked { Interest::BOTH } else { Interest::READ };
        if let Err(error) = self.epoll.modify(self.socket.as_fd(), 0, interest) {
            self.end(error.to_string());
        }
    }

    /// Whether packets are here that were not looked at.
    pub(super) fn is_pending(&self) -> bool {
        self.over.is_none() && (!self.incoming.is_empty() || self.more)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.fd()
    }

    /// Takes the frames that did not leave home.
    pub(super) fn clear(&mut self, frames: &mut Frames) {
        for item in self.out.drain(..) {
            if let Item::Frame(frame) = item {
                frames.give(frame);
            }
        }
    }
}
