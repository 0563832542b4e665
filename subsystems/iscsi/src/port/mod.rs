//! The iSCSI port of one core: connections, sessions and their turns, as an [`exchange::Port`].
//!
//! | file | what |
//! | --- | --- |
//! | `intake` | bytes to PDUs, PDUs to who handles them |
//! | `login` | logins, and connections on their way to the core of their session |
//! | `command` | SCSI commands and the data that initiators send |
//! | `request` | all other requests |
//! | `output`, `encode` | PDUs that go out |
//! | `report` | what sessions there are |
//! | `life` | connections and sessions that begin and end, and time |

mod command;
mod encode;
mod intake;
mod life;
mod login;
mod output;
mod report;
mod request;

pub(crate) use login::Join;

use crate::commands::{Command, Commands, Phase as At};
use crate::connection::{Connection, Item};
use crate::limits;
use crate::poller::Door;
use crate::ready::Ready;
use crate::registry::Registry;
use crate::session::Session;
use dma::Data;
use exchange::{Event, Port};
use iscsi::Directory;
use reactor::RateLimit;
use ring::{Tag, Tick};
use scsi::{Origin, Reply, Task};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What a portal is made for; what is negotiated is the directory's.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sessions of the process, at most.
    pub sessions: usize,
    /// Seconds of silence after which a peer is pinged; 0: never.
    pub nop_interval_s: u32,
    /// Seconds that a ping may stay without an answer.
    pub nop_timeout_s: u32,
    /// Seconds that a login may take.
    pub login_timeout_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sessions: 1024, nop_interval_s: 30, nop_timeout_s: 60, login_timeout_s: 15 }
    }
}

/// A connection that was accepted, on its way to the core of its login.
#[derive(Debug)]
pub struct Accepted {
    /// The stream, non-blocking.
    pub socket: TcpStream,
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub peer: SocketAddr,
    /// Tag of the portal group of the listener.
    pub group: u16,
}

pub(crate) type PortEvent = Event<Task, Origin>;

/// What is to be told to the group, in order.
#[derive(Debug)]
pub(crate) enum Note {
    Opened(u32),
    Command(Tag, Task),
    Fetched(Tag, Data, bool),
    Sent(Tag, Data),
    Abort(Tag),
    Closed(u32),
}

/// What of the receive buffer is not looked at yet, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub queue: u32,
    pub at: usize,
    pub end: usize,
}

/// A core's connections and sessions.
pub struct IscsiPort {
    pub(crate) settings: Settings,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) registry: Arc<Registry>,
    /// The ways to all cores, and which of them this is.
    pub(crate) doors: Arc<[Door]>,
    pub(crate) home: usize,
    pub(crate) connections: Vec<Option<Box<Connection>>>,
    free: Vec<u32>,
    live: usize,
    pub(crate) sessions: Vec<Option<Box<Session>>>,
    free_sessions: Vec<u32>,
    pub(crate) commands: Commands,
    /// Logins that wait for the session whose place they take to be gone.
    #[expect(clippy::vec_box, reason = "they come boxed from the door, and go on so")]
    joining: Vec<Box<Join>>,
    pub(crate) buffer: Box<[u8]>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) ready: Ready,
    notes: VecDeque<Note>,
    /// Connections whose queue is to be flushed.
    dirty: Vec<u32>,
    /// Connections whose queue has replies that are out.
    drain: Vec<u32>,
    next_sweep: Tick,
    in_turn: bool,
    /// A flood of logins that are refused must not flood the log.
    refusals: RateLimit,
    pub(crate) now: Tick,
}

impl IscsiPort {
    /// A port without connections, on core `home` of those that `doors` lead to.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(
        settings: Settings,
        directory: Arc<dyn Directory>,
        registry: Arc<Registry>,
        doors: Arc<[Door]>,
        home: usize,
    ) -> std::io::Result<Self> {
        Ok(Self {
            settings,
            directory,
            registry,
            doors,
            home,
            connections: Vec::new(),
            free: Vec::new(),
            live: 0,
            sessions: Vec::new(),
            free_sessions: Vec::new(),
            commands: Commands::new(0),
            joining: Vec::new(),
            buffer: vec![0; limits::RECEIVE_BYTES].into(),
            cursor: None,
            ready: Ready::new()?,
            notes: VecDeque::new(),
            dirty: Vec::new(),
            drain: Vec::new(),
            next_sweep: 0,
            in_turn: false,
            refusals: RateLimit::default(),
            now: 0,
        })
    }

    /// How many connections there are, those that wait to join a session included.
    pub fn connections(&self) -> usize {
        self.live + self.joining.len()
    }

    /// Sessions, and commands that are open.
    pub fn census(&self) -> (usize, usize) {
        (self.sessions.iter().flatten().count(), self.commands.len())
    }

    /// What wakes a sleeping core for the connections.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.ready.fd()
    }

    /// The core is about to sleep. Whether it must not, because something is to be done already.
    pub fn is_pending(&mut self) -> bool {
        self.ready.cool(&mut self.connections);
        !self.notes.is_empty() || self.cursor.is_some() || !self.dirty.is_empty() || !self.drain.is_empty()
    }

    pub(crate) fn connection(&mut self, queue: u32) -> &mut Connection {
        self.connections[queue as usize].as_mut().expect("an open connection")
    }

    pub(crate) fn session(&mut self, session: u32) -> &mut Session {
        self.sessions[session as usize].as_mut().expect("an open session")
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push_back(note);
    }

    fn command(&mut self, tag: Tag) -> &mut Command {
        self.commands.get_mut(tag).expect("the group names open commands")
    }

    /// Has the connection flushed at the end of the turn, or before its next one.
    pub(crate) fn mark_dirty(&mut self, queue: u32) {
        let connection = self.connection(queue);
        if !std::mem::replace(&mut connection.dirty, true) {
            self.dirty.push(queue);
        }
    }

    fn mark_drain(&mut self, queue: u32) {
        if !self.drain.contains(&queue) {
            self.drain.push(queue);
        }
    }

    fn next_note(&mut self) -> Option<PortEvent> {
        Some(match self.notes.pop_front()? {
            Note::Opened(queue) => {
                let origin = self.session(queue).origin.expect("only nexuses are told of");
                Event::Opened { queue, origin }
            }
            Note::Command(tag, command) => Event::Command { tag, queue: command.queue, command },
            Note::Fetched(tag, data, ok) => Event::Fetched { tag, data, ok },
            Note::Sent(tag, data) => {
                self.retire(tag);
                Event::Sent { tag, data }
            }
            Note::Abort(tag) => Event::Abort { tag },
            Note::Closed(queue) => {
                self.forget_session(queue);
                Event::Closed { queue }
            }
        })
    }

    /// The next reply that is out.
    fn next_sent(&mut self) -> Option<PortEvent> {
        while let Some(queue) = self.drain.last().copied() {
            let sent = self.connections[queue as usize].as_mut().and_then(|connection| connection.out.next_sent());
            match sent {
                Some((Some(tag), data)) => {
                    self.retire(tag);
                    return Some(Event::Sent { tag, data });
                }
                Some((None, _)) => {}
                None => {
                    self.drain.pop();
                    self.drained(queue);
                }
            }
        }
        None
    }

    /// A command's place in the window is free.
    fn uncount(&mut self, tag: Tag) {
        let command = self.commands.get_mut(tag).expect("the group names open commands");
        command.phase = At::Replying;
        if std::mem::replace(&mut command.counted, false) {
            let session = command.session;
            self.session(session).counted -= 1;
        }
    }

    fn queue_reply(&mut self, tag: Tag, data: Data, reply: Reply) {
        let session = self.command(tag).session;
        let known = self.session(session);
        let shut = known.max_cmd_sn().wrapping_add(1) == known.exp_cmd_sn;
        self.uncount(tag);
        let queue = self.command(tag).connection;
        if !self.connection(queue).is_full() {
            return self.note(Note::Sent(tag, data));
        }
        if reply.silent {
            if shut {
                // Nothing else would tell that there is room again.
                self.tell_window(queue);
            }
            return self.note(Note::Sent(tag, data));
        }
        if self.session(session).aborting > 0 {
            self.abort_came_late(tag);
        }
        self.connection(queue).items.push_back(Item::Reply { tag, data, reply });
        self.mark_dirty(queue);
    }
}

impl Port for IscsiPort {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, now: Tick) -> Option<PortEvent> {
        if !std::mem::replace(&mut self.in_turn, true) {
            self.now = now;
            if now >= self.next_sweep {
                self.sweep();
            }
            self.ready.begin_turn(&mut self.connections);
        }
        loop {
            if let Some(event) = self.next_note().or_else(|| self.next_sent()) {
                return Some(event);
            }
            if let Some(cursor) = self.cursor {
                self.look(cursor);
                // A connection's replies go out before the next one's turn: one send for one receive.
                if self.cursor.is_none() && self.connections[cursor.queue as usize].as_ref().is_some_and(|c| c.dirty) {
                    self.dirty.retain(|queue| *queue != cursor.queue);
                    self.flush_one(cursor.queue);
                }
            } else {
                let queue = self.ready.next()?;
                self.receive(queue);
            }
        }
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        self.begin_fetch(tag, data);
    }

    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let cursor = self.cursor?;
        let connection = self.connections[cursor.queue as usize].as_ref()?;
        let command = self.commands.get(tag)?;
        let all = command.incoming.arriving && command.incoming.received == 0 && command.incoming.fault.is_none();
        let whole = command.expected == len && connection.sink == crate::connection::Sink::Command(tag);
        let bytes = connection.receiver.ahead(&self.buffer[cursor.at..cursor.end])?;
        (all && whole && !command.incoming.unsolicited && bytes.len() == len as usize).then_some(bytes)
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        self.queue_reply(tag, data, reply);
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.queue_reply(tag, Data::empty(), reply);
    }

    fn cancel(&mut self, tag: Tag) {
        if matches!(self.command(tag).phase, At::Fetching { .. }) {
            self.end_fetch(tag, false);
        }
    }

    fn quiesce(&mut self, queue: u32) {
        if let Some(session) = self.sessions.get_mut(queue as usize).and_then(Option::as_mut) {
            session.quiet = true;
            self.ask_to_log_out(queue);
        }
    }

    fn close(&mut self, queue: u32) {
        if self.sessions.get(queue as usize).is_some_and(Option::is_some) {
            self.drop_session(queue);
        }
    }

    fn flush(&mut self) {
        let count = self.dirty.len();
        for at in 0..count {
            self.flush_one(self.dirty[at]);
        }
        self.dirty.drain(..count);
        self.in_turn = false;
    }

    fn places(&self) -> usize {
        self.commands.capacity()
    }

    /// Only whole blocks can be lent, and each PDU of a reply must be some of them.
    fn lends(&self, tag: Tag) -> bool {
        let Some(command) = self.commands.get(tag) else { return false };
        let connection = self.connections[command.connection as usize].as_ref();
        let burst =
            self.sessions[command.session as usize].as_ref().map(|session| session.parameters().max_burst_length);
        let (Some(connection), Some(burst)) = (connection, burst) else { return false };
        let whole = |bytes: u32| bytes.is_multiple_of(512);
        !connection.framing.data_digest && whole(connection.framing.max_data) && whole(burst) && whole(command.expected)
    }
}
