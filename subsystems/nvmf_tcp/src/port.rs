//! The TCP port of one core: connections and their turns, as an [`exchange::Port`].

use crate::commands::{Command, Commands, Phase as Data_};
use crate::connection::{Connection, Phase, Sink};
use crate::limits;
use crate::ready::Ready;
use dma::Data;
use exchange::{Event, Port};
use nvmf::{Capsule, Completion, Origin};
use os::Flush;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

/// What a port is made for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Commands that a connection may have open.
    pub depth: u16,
    /// Bytes of in-capsule data that an I/O queue takes.
    pub in_capsule_data_size: u32,
    /// Leave out the completion of a read that went well (C2HData with SUCCESS).
    pub c2h_success: bool,
}

/// A connection that was accepted, on its way to its core.
#[derive(Debug)]
pub struct Accepted {
    /// The stream, non-blocking.
    pub socket: TcpStream,
    /// Which listener, and the addresses.
    pub origin: Origin,
}

pub(crate) type PortEvent = Event<Capsule, Origin>;

/// What of the receive buffer is not looked at yet, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub queue: u32,
    pub at: usize,
    pub end: usize,
}

/// A core's connections.
pub struct TcpPort {
    pub(crate) options: Options,
    pub(crate) connections: Vec<Option<Box<Connection>>>,
    free: Vec<u32>,
    live: usize,
    pub(crate) commands: Commands,
    pub(crate) buffer: Box<[u8]>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) ready: Ready,
    events: VecDeque<PortEvent>,
    /// Connections whose queue is to be flushed.
    dirty: Vec<u32>,
    /// Connections whose queue has replies that are out.
    drain: Vec<u32>,
    /// Connections whose stalled command has moved on.
    resume: Vec<u32>,
    next_sweep: Tick,
    in_turn: bool,
    pub(crate) now: Tick,
}

impl TcpPort {
    /// A port without connections.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new(options: Options) -> std::io::Result<Self> {
        Ok(Self {
            options,
            connections: Vec::new(),
            free: Vec::new(),
            live: 0,
            commands: Commands::new(0),
            buffer: vec![0; limits::RECEIVE_BYTES].into(),
            cursor: None,
            ready: Ready::new()?,
            events: VecDeque::new(),
            dirty: Vec::new(),
            drain: Vec::new(),
            resume: Vec::new(),
            next_sweep: 0,
            in_turn: false,
            now: 0,
        })
    }

    /// Takes over a connection. Not on the I/O path: it allocates.
    pub fn adopt(&mut self, accepted: Accepted, now: Tick) {
        if self.live >= limits::CONNECTIONS {
            return;
        }
        let queue = self.free.pop().unwrap_or(self.connections.len() as u32);
        if self.ready.add(accepted.socket.as_fd(), queue).is_err() {
            return self.free.push(queue);
        }
        let connection = Box::new(Connection::new(accepted.socket, self.options.depth, now));
        if queue as usize == self.connections.len() {
            self.connections.push(None);
        }
        self.connections[queue as usize] = Some(connection);
        self.live += 1;
        self.make_room();
        self.events.push_back(Event::Opened { queue, origin: accepted.origin });
    }

    /// Room for all that the connections there are can bring about, so that nothing is allocated later.
    fn make_room(&mut self) {
        self.commands.grow(self.live * self.options.depth as usize);
        let events = 2 * self.commands.capacity() + 2 * self.connections.len();
        self.events.reserve(events - self.events.len());
        for list in [&mut self.dirty, &mut self.drain, &mut self.resume, &mut self.free] {
            list.reserve(self.connections.len() - list.len());
        }
        self.ready.reserve(self.connections.len());
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.live
    }

    /// What wakes a sleeping core for the connections.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.ready.fd()
    }

    /// The core is about to sleep. Whether it must not, because something is to be done already.
    pub fn is_pending(&mut self) -> bool {
        let lists = [&self.dirty, &self.drain, &self.resume];
        self.ready.cool(&mut self.connections);
        !self.events.is_empty() || self.cursor.is_some() || lists.iter().any(|list| !list.is_empty())
    }

    /// When [`Port::next`] must be called although no descriptor says so.
    pub fn deadline(&self) -> Option<Tick> {
        let waits = |c: &Connection| !c.is_ready() || c.fetching > 0 || c.blocked || c.stalled.is_some();
        self.connections.iter().flatten().any(|c| waits(c)).then_some(self.next_sweep)
    }

    pub(crate) fn connection(&mut self, queue: u32) -> &mut Connection {
        self.connections[queue as usize].as_mut().expect("an open connection")
    }

    pub(crate) fn event(&mut self, event: PortEvent) {
        self.events.push_back(event);
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

    fn flush_one(&mut self, queue: u32) {
        let now = self.now;
        let Some(connection) = self.connections[queue as usize].as_mut() else { return };
        connection.dirty = false;
        if connection.phase == Phase::Lost {
            return;
        }
        let before = connection.out.queued();
        match connection.out.flush(connection.socket.as_fd()) {
            Ok(Flush::Blocked) => {
                if connection.out.queued() < before {
                    connection.moved = now;
                }
                if !std::mem::replace(&mut connection.blocked, true) {
                    connection.moved = now;
                    self.ready.watch_writes(connection.socket.as_fd(), queue, true);
                }
                self.mark_drain(queue);
            }
            Ok(_) => {
                connection.moved = now;
                if std::mem::replace(&mut connection.blocked, false) {
                    self.ready.watch_writes(connection.socket.as_fd(), queue, false);
                }
                self.mark_drain(queue);
                self.flushed(queue);
            }
            Err(_) => self.lose(queue),
        }
    }

    /// All that was queued is out.
    fn flushed(&mut self, queue: u32) {
        let by = self.now + limits::CLOSING_NS;
        let connection = self.connection(queue);
        match connection.phase {
            Phase::Closing { .. } | Phase::Terminating { .. } => {
                let _ = connection.socket.shutdown(Shutdown::Write);
                connection.phase = Phase::Lingering { by };
            }
            _ => {}
        }
    }

    /// The connection's commands end early: each says so once.
    fn abort_all(&mut self, queue: u32) {
        if std::mem::replace(&mut self.connection(queue).aborted, true) {
            return;
        }
        let Self { commands, events, .. } = self;
        let open = |command: &Command| command.queue == queue && !matches!(command.phase, Data_::Replying);
        let tags = commands.iter().filter(|(_, command)| open(command)).map(|(tag, _)| tag);
        events.extend(tags.map(|tag| Event::Abort { tag }));
    }

    /// The connection is over. Its commands come home; then it says [`Event::Closed`].
    pub(crate) fn lose(&mut self, queue: u32) {
        let connection = self.connection(queue);
        if connection.phase == Phase::Lost {
            return;
        }
        connection.phase = Phase::Lost;
        let unended = connection.out.abandon();
        assert!(unended.is_empty(), "a message is queued whole");
        let _ = connection.socket.shutdown(Shutdown::Both);
        let Self { ready, connections, .. } = self;
        ready.remove(connections[queue as usize].as_mut().expect("just seen"), queue);
        self.mark_drain(queue);
        self.abort_all(queue);
    }

    /// Says goodbye with a reason. What the peer sends from here on is dropped.
    pub(crate) fn terminate(&mut self, queue: u32, pdu: &[u8]) {
        let by = self.now + limits::CLOSING_NS;
        let connection = self.connection(queue);
        if !connection.out.room() {
            return self.lose(queue);
        }
        connection.out.header(pdu);
        connection.phase = Phase::Terminating { by };
        self.abort_all(queue);
        self.mark_dirty(queue);
    }

    /// The next reply that is out.
    fn next_sent(&mut self) -> Option<PortEvent> {
        while let Some(queue) = self.drain.last().copied() {
            let sent = self.connections[queue as usize].as_mut().and_then(|connection| connection.out.next_sent());
            if let Some((tag, data)) = sent {
                self.retire(tag);
                return Some(Event::Sent { tag, data });
            }
            self.drain.pop();
            self.close_if_home(queue);
        }
        None
    }

    /// A command is over.
    fn retire(&mut self, tag: Tag) {
        let command = self.commands.remove(tag).expect("an open command ends");
        self.connection(command.queue).open -= 1;
    }

    fn close_if_home(&mut self, queue: u32) {
        let home = |connection: &Connection| connection.phase == Phase::Lost && connection.open == 0;
        if self.connections[queue as usize].as_ref().is_some_and(|connection| home(connection)) {
            self.connections[queue as usize] = None;
            self.free.push(queue);
            self.live -= 1;
            self.event(Event::Closed { queue });
        }
    }

    fn next_event(&mut self) -> Option<PortEvent> {
        let event = self.events.pop_front()?;
        if let Event::Sent { tag, .. } = event {
            let queue = self.commands.get(tag).expect("an open command ends").queue;
            self.retire(tag);
            self.close_if_home(queue);
        }
        Some(event)
    }

    /// Flushes one that has something to send before another one's turn; then the next that has something to say.
    fn next_turn(&mut self) -> bool {
        if let Some(queue) = self.resume.pop() {
            return self.resume(queue);
        }
        let Some(queue) = self.ready.next() else { return false };
        self.receive(queue);
        true
    }

    /// Ends connections whose time is over.
    fn sweep(&mut self) {
        self.next_sweep = self.now + limits::SWEEP_NS;
        for queue in 0..self.connections.len() as u32 {
            let Some(connection) = &self.connections[queue as usize] else { continue };
            let over = match connection.phase {
                Phase::Fresh { by } | Phase::Closing { by } => self.now > by,
                Phase::Terminating { by } | Phase::Lingering { by } => self.now > by,
                Phase::Ready => connection.is_stuck(self.now),
                Phase::Lost => false,
            };
            if over {
                self.lose(queue);
            }
        }
    }

    /// The command's connection, if a reply or a request for data can go out on it.
    fn ready_connection(&mut self, tag: Tag) -> Option<(&mut Command, &mut Connection)> {
        let Self { commands, connections, .. } = self;
        let command = commands.get_mut(tag).expect("the group names open commands");
        let connection = connections[command.queue as usize].as_mut().expect("open commands keep their connection");
        connection.is_ready().then_some((command, connection))
    }

    /// The command will be replied to: in-capsule data that it did not want may pass.
    fn release_stall(&mut self, tag: Tag) {
        let queue = self.commands.get(tag).expect("the group names open commands").queue;
        let connection = self.connection(queue);
        if connection.stalled == Some(tag) {
            connection.stalled = None;
            self.resume.push(queue);
        }
    }

    fn swallow(&mut self, tag: Tag, data: Data) {
        self.commands.get_mut(tag).expect("the group names open commands").phase = Data_::Replying;
        self.event(Event::Sent { tag, data });
    }
}

impl Port for TcpPort {
    type Command = Capsule;
    type Reply = Completion;
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
            if let Some(event) = self.next_event().or_else(|| self.next_sent()) {
                return Some(event);
            }
            if let Some(cursor) = self.cursor {
                if let Some(event) = self.look(cursor) {
                    return Some(event);
                }
                // A connection's replies go out before the next one's turn: one send for one receive.
                if self.cursor.is_none() && self.connections[cursor.queue as usize].as_ref().is_some_and(|c| c.dirty) {
                    self.dirty.retain(|queue| *queue != cursor.queue);
                    self.flush_one(cursor.queue);
                }
            } else if !self.next_turn() {
                return None;
            }
        }
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        let now = self.now;
        let Some((command, connection)) = self.ready_connection(tag) else {
            return self.event(Event::Fetched { tag, data, ok: false });
        };
        let (queue, inline) = (command.queue, command.inline);
        let len = data.len();
        let mut asked = 0;
        let mut ttag = None;
        if inline == 0 {
            asked = len.min(limits::R2T_BYTES);
            let new = connection.ttags.take(tag);
            connection.queue_r2t(command.cid, new, 0, asked);
            ttag = Some(new);
        }
        connection.fetching += 1;
        connection.moved = now;
        command.phase = Data_::Fetching { data, got: 0, asked, ttag, sound: true, cancelled: false };
        if inline == 0 {
            self.mark_dirty(queue);
        } else {
            self.release_stall(tag);
        }
    }

    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let cursor = self.cursor?;
        let connection = self.connections[cursor.queue as usize].as_ref()?;
        let new = connection.sink == Sink::Inline(tag) && self.commands.get(tag)?.inline == len;
        if new { connection.receiver.ahead(&self.buffer[cursor.at..cursor.end]) } else { None }
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Completion) {
        let success = self.options.c2h_success;
        self.release_stall(tag);
        let Some((command, connection)) = self.ready_connection(tag) else { return self.swallow(tag, data) };
        command.phase = Data_::Replying;
        let queue = command.queue;
        connection.queue_data(command.cid, data, reply, success);
        connection.out.end(tag);
        self.mark_dirty(queue);
    }

    fn reply(&mut self, tag: Tag, reply: Completion) {
        self.release_stall(tag);
        let Some((command, connection)) = self.ready_connection(tag) else { return self.swallow(tag, Data::empty()) };
        command.phase = Data_::Replying;
        let queue = command.queue;
        connection.queue_response(reply);
        connection.out.end(tag);
        self.mark_dirty(queue);
    }

    fn cancel(&mut self, tag: Tag) {
        let ready = self.ready_connection(tag).is_some();
        let command = self.commands.get_mut(tag).expect("the group names open commands");
        let Data_::Fetching { cancelled, .. } = &mut command.phase else { return };
        *cancelled = true;
        if !ready {
            self.end_fetch(tag, false);
        }
    }

    fn quiesce(&mut self, queue: u32) {
        if let Some(connection) = self.connections.get_mut(queue as usize).and_then(Option::as_mut) {
            connection.quiet = true;
        }
    }

    fn close(&mut self, queue: u32) {
        let by = self.now + limits::CLOSING_NS;
        let Some(connection) = self.connections.get_mut(queue as usize).and_then(Option::as_mut) else { return };
        if !matches!(connection.phase, Phase::Ready | Phase::Fresh { .. }) {
            return;
        }
        connection.phase = Phase::Closing { by };
        self.abort_all(queue);
        self.mark_dirty(queue);
    }

    fn flush(&mut self) {
        for at in 0..self.dirty.len() {
            self.flush_one(self.dirty[at]);
        }
        self.dirty.clear();
        self.in_turn = false;
    }

    fn places(&self) -> usize {
        self.commands.capacity()
    }

    fn lends(&self, tag: Tag) -> bool {
        let connection = self.commands.get(tag).and_then(|command| self.connections[command.queue as usize].as_ref());
        connection.is_some_and(|connection| !connection.framing.ddgst)
    }
}
