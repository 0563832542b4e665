//! Connections and sessions that begin and end, and what time does to them.

use super::{Accepted, IscsiPort, Note};
use crate::commands::{Function, Phase as At};
use crate::connection::{Connection, Phase};
use crate::limits;
use crate::poller::Order;
use crate::session::{Session, What};
use ring::{Tag, Tick};
use std::net::Shutdown;
use std::os::fd::AsFd;
use wire::iscsi::AsyncEvent;

/// Nanoseconds of a second.
const SECOND: Tick = 1_000_000_000;

/// The transfer tag of our pings: no command has it, as no table has so many places.
const PING_TAG: u32 = 0xffff;

impl IscsiPort {
    /// Takes over a connection that is to log in. Not on the I/O path: it allocates.
    pub fn adopt(&mut self, accepted: Accepted, now: Tick) {
        let fresh = self.connections.iter().flatten().filter(|c| matches!(c.phase, Phase::Login { .. })).count();
        if fresh >= limits::FRESH_CONNECTIONS {
            return;
        }
        self.now = now;
        let by = now + Tick::from(self.settings.login_timeout_s) * SECOND;
        let Accepted { socket, local, peer, group } = accepted;
        self.add_connection(Box::new(Connection::new(socket, (local, peer), group, by, now)));
    }

    /// A place for a connection; `None`: there are too many.
    pub(super) fn add_connection(&mut self, connection: Box<Connection>) -> Option<u32> {
        if self.live >= limits::CONNECTIONS {
            return None;
        }
        let queue = self.free.pop().unwrap_or(self.connections.len() as u32);
        if self.ready.add(connection.socket.as_fd(), queue).is_err() {
            self.free.push(queue);
            return None;
        }
        if queue as usize == self.connections.len() {
            self.connections.push(None);
        }
        self.connections[queue as usize] = Some(connection);
        self.live += 1;
        self.make_room();
        Some(queue)
    }

    /// Takes a connection out of the table, to be given to another core.
    pub(super) fn remove_connection(&mut self, queue: u32) -> Box<Connection> {
        let mut connection = self.connections[queue as usize].take().expect("an open connection");
        self.ready.remove(&mut connection, queue);
        self.forget_connection(queue);
        connection
    }

    fn forget_connection(&mut self, queue: u32) {
        if self.cursor.is_some_and(|cursor| cursor.queue == queue) {
            self.cursor = None;
        }
        self.dirty.retain(|dirty| *dirty != queue);
        self.free.push(queue);
        self.live -= 1;
    }

    /// Room for all that the sessions there are can bring about, so that nothing is allocated later.
    pub(super) fn make_room(&mut self) {
        let notes = 3 * self.commands.capacity() + 2 * self.connections.len();
        self.notes.reserve(notes.saturating_sub(self.notes.len()));
        for list in [&mut self.dirty, &mut self.drain, &mut self.free] {
            list.reserve(self.connections.len().saturating_sub(list.len()));
        }
        self.ready.reserve(self.connections.len());
    }

    /// When [`exchange::Port::next`] must be called although no descriptor says so.
    pub fn deadline(&self) -> Option<Tick> {
        let ping = Tick::from(self.settings.nop_interval_s) * SECOND;
        let of = |c: &Connection| {
            let waits = !c.is_full() || c.fetching > 0 || c.blocked || c.pinged.is_some() || c.end_by.is_some();
            if waits { Some(self.next_sweep) } else { (ping > 0).then_some(self.next_sweep.max(c.heard + ping)) }
        };
        let held = |s: &Session| !s.held.is_empty();
        let gap = self.sessions.iter().flatten().any(|s| held(s)).then_some(self.next_sweep);
        let joining = (!self.joining.is_empty()).then_some(self.next_sweep);
        self.connections.iter().flatten().filter_map(|c| of(c)).chain(gap).chain(joining).min()
    }

    /// The connection's commands end early: each says so once.
    pub(super) fn abort_all(&mut self, queue: u32) {
        if std::mem::replace(&mut self.connection(queue).aborted, true) {
            return;
        }
        let of_it = |tag: Tag, phase: &At| (tag, matches!(phase, At::Held));
        let tags: Vec<(Tag, bool)> = self
            .commands
            .iter()
            .filter(|(_, command)| command.connection == queue && !matches!(command.phase, At::Replying))
            .map(|(tag, command)| of_it(tag, &command.phase))
            .collect();
        if let Some(session) = self.connection(queue).session {
            self.session(session).held.retain(|held| held.connection != queue || matches!(held.what, What::Nothing));
        }
        for (tag, unseen) in tags {
            if unseen { self.discard(tag) } else { self.abort(tag) }
        }
    }

    /// Ends a connection when what is queued on it is out.
    pub(crate) fn hang_up(&mut self, queue: u32) {
        let by = self.now + limits::CLOSING_NS;
        let connection = self.connection(queue);
        if !connection.listens() {
            return;
        }
        connection.phase = Phase::Closing { by };
        self.abort_all(queue);
        self.mark_dirty(queue);
    }

    /// The connection is over. Its commands come home; then it is forgotten.
    pub(crate) fn lose(&mut self, queue: u32) {
        let connection = self.connection(queue);
        if connection.phase == Phase::Lost {
            return;
        }
        connection.phase = Phase::Lost;
        let _ = connection.socket.shutdown(Shutdown::Both);
        self.swallow_queued(queue);
        let Self { ready, connections, .. } = self;
        ready.remove(connections[queue as usize].as_mut().expect("just seen"), queue);
        self.mark_drain(queue);
        self.abort_all(queue);
        // Data that is owed does not come any more.
        let fetching: Vec<Tag> = self
            .commands
            .iter()
            .filter(|(tag, command)| command.connection == queue && self.is_fetching(*tag))
            .map(|(tag, _)| tag)
            .collect();
        fetching.into_iter().for_each(|tag| self.end_fetch(tag, false));
    }

    /// All replies of a connection that are out were told of.
    pub(super) fn drained(&mut self, queue: u32) {
        let Some(connection) = self.connections[queue as usize].as_ref() else { return };
        if connection.phase != Phase::Lost && connection.has_more() && !connection.blocked {
            self.mark_dirty(queue);
        }
        if connection_leaves(&self.connections, queue) {
            self.finish_logout(queue);
        }
        self.close_if_home(queue);
    }

    /// A command is over.
    pub(super) fn retire(&mut self, tag: Tag) {
        let command = self.commands.remove(tag).expect("an open command ends");
        let (session, queue) = (command.session, command.connection);
        let known = self.session(session);
        known.names.take(command.itt);
        known.places.push(command.place);
        known.open -= 1;
        known.counted -= u16::from(command.counted);
        self.connection(queue).open -= 1;
        match command.function {
            Some(Function::ColdReset) => self.reset_cold(session),
            Some(Function::Abort { .. }) => self.session(session).aborting -= 1,
            Some(Function::Plain) | None => {}
        }
        self.finish_logout(queue);
        if let Some(leaving) = self.session(session).leaving {
            self.finish_logout(leaving);
        }
        self.close_if_home(queue);
        self.settle(session);
    }

    fn close_if_home(&mut self, queue: u32) {
        let Some(connection) = self.connections[queue as usize].as_ref() else { return };
        if connection.phase != Phase::Lost || connection.open > 0 {
            return;
        }
        let session = connection.session;
        self.connections[queue as usize] = None;
        self.forget_connection(queue);
        if let Some(session) = session {
            let known = self.session(session);
            known.connections.retain(|other| *other != queue);
            if let Some(leaving) = known.leaving.filter(|leaving| *leaving != queue) {
                self.finish_logout(leaving);
            }
            self.settle(session);
        }
    }

    /// A session whose last connection is gone ends.
    pub(super) fn settle(&mut self, session: u32) {
        let Some(known) = self.sessions[session as usize].as_mut() else { return };
        if !known.connections.is_empty() || known.open > 0 || std::mem::replace(&mut known.closing, true) {
            return;
        }
        let (tsih, nexus) = (known.tsih, known.origin.is_some());
        self.registry.remove(tsih);
        if nexus { self.note(Note::Closed(session)) } else { self.forget_session(session) }
    }

    /// From here on the number may be given again, and logins that waited for it go on.
    pub(super) fn forget_session(&mut self, session: u32) {
        self.sessions[session as usize] = None;
        self.free_sessions.push(session);
        let waits = |c: &Connection| c.last_words.as_ref().is_some_and(|words| words.session == session);
        let told = self.connections.iter().position(|c| c.as_ref().is_some_and(|c| waits(c)));
        if let Some(queue) = told {
            self.connection(queue as u32).say_last_words();
            self.mark_dirty(queue as u32);
        }
        self.go_on_joining();
    }

    /// Ends a session, with a word.
    pub(crate) fn drop_session(&mut self, session: u32) {
        let parameters = *self.session(session).parameters();
        for queue in self.session(session).connections.clone() {
            if self.connection(queue).is_full() {
                self.push_event(queue, AsyncEvent::SESSION_DROP, [0, parameters.time2wait, parameters.time2retain]);
                self.hang_up(queue);
            }
        }
    }

    /// Has an initiator log out, and ends the session if it does not.
    pub(crate) fn ask_to_log_out(&mut self, session: u32) {
        let by = self.now + Tick::from(limits::LOGOUT_SECONDS) * SECOND;
        for queue in self.session(session).connections.clone() {
            if self.connection(queue).is_full() && self.connection(queue).end_by.is_none() {
                self.connection(queue).end_by = Some(by);
                self.push_event(queue, AsyncEvent::LOGOUT_REQUEST, [0, 0, limits::LOGOUT_SECONDS]);
            }
        }
    }

    /// The sessions of a target (of all, without a name) are to end: in a while, or now.
    pub(crate) fn end_sessions(&mut self, target: Option<&str>, now: bool) {
        for session in 0..self.sessions.len() as u32 {
            let Some(known) = self.sessions[session as usize].as_ref() else { continue };
            let meant = match (&known.agreement.kind, target) {
                (_, None) => true,
                (iscsi::SessionKind::Normal { target: own }, Some(target)) => own == target,
                (iscsi::SessionKind::Discovery, Some(_)) => false,
            };
            match (meant, now) {
                (true, true) => self.drop_session(session),
                (true, false) => self.ask_to_log_out(session),
                (false, _) => {}
            }
        }
    }

    /// TARGET COLD RESET: all sessions of the target end, on all cores (RFC 7143 11.5.1).
    #[cold]
    fn reset_cold(&mut self, session: u32) {
        let iscsi::SessionKind::Normal { target } = self.session(session).agreement.kind.clone() else { return };
        let Some(own) = self.session(session).origin.map(|origin| origin.target) else { return };
        for home in self.registry.homes_of(&own) {
            let order = Order::EndSessions { target: Some(target.clone()), now: true };
            if self.doors[home].orders.send(order).is_err() {
                log::warn!("iSCSI: core {home} does not keep up, and its sessions of {target} outlive a cold reset");
            }
        }
    }

    /// Ends what has had its time.
    pub(super) fn sweep(&mut self) {
        self.next_sweep = self.now + limits::SWEEP_NS;
        for queue in 0..self.connections.len() as u32 {
            self.look_at_clock(queue);
        }
        let now = self.now;
        for session in 0..self.sessions.len() as u32 {
            let over = |s: &Session| !s.held.is_empty() && now > s.gap_since + limits::GAP_NS;
            if self.sessions[session as usize].as_ref().is_some_and(|session| over(session)) {
                self.drop_session(session);
            }
        }
        self.go_on_joining();
    }

    fn look_at_clock(&mut self, queue: u32) {
        let now = self.now;
        let (interval, timeout) = (self.settings.nop_interval_s, self.settings.nop_timeout_s);
        let after = |seconds: u32| Tick::from(seconds) * SECOND;
        let Some(connection) = self.connections[queue as usize].as_mut() else { return };
        let over = match connection.phase {
            Phase::Login { by } | Phase::Closing { by } | Phase::Lingering { by } => now > by,
            Phase::Full => {
                connection.is_stuck(now)
                    || connection.end_by.is_some_and(|by| now > by)
                    || connection.pinged.is_some_and(|since| now > since + after(timeout))
            }
            Phase::Lost => false,
        };
        if over {
            return self.lose(queue);
        }
        let silent = interval > 0 && connection.is_full() && now > connection.heard + after(interval);
        if silent && connection.pinged.is_none() {
            connection.pinged = Some(now);
            self.push_nop(queue, PING_TAG);
        }
    }
}

fn connection_leaves(connections: &[Option<Box<Connection>>], queue: u32) -> bool {
    connections[queue as usize].as_ref().is_some_and(|connection| connection.leaving.is_some())
}
