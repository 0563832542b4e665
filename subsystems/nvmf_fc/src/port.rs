//! The FC-NVMe port of one core: connections of any number of Fibre Channel ports, as an [`exchange::Port`].

use crate::associations::Associations;
use crate::connection::{Commands, Connections, Phase, unreplied};
use crate::ids::Ids;
use crate::lanes::Lanes;
use crate::limits;
use crate::notes::{Done, Mail, NewConnection, Note};
use crate::response;
use dma::Data;
use exchange::{Event, Port};
use fc::{Arrival, Names, Response, Xid};
use nvmf::{Address, Capsule, Completion, Origin};
use reactor::RateLimit;
use ring::{Tag, Tick};
use std::collections::VecDeque;

/// What a port is made for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Entries that an admin queue may have.
    pub admin_entries: u32,
    /// Entries that an I/O queue may have.
    pub io_entries: u32,
    /// I/O queues that an association may have.
    pub io_queues: u16,
    /// What makes identifiers that nobody can guess.
    pub secret: [u64; 2],
}

pub(crate) type PortEvent = Event<Capsule, Origin>;

/// A core's connections; on the first core (`home` 0) the associations, too.
pub struct FcNvmePort {
    pub(crate) options: Options,
    pub(crate) mail: Mail,
    pub(crate) lanes: Lanes,
    pub(crate) connections: Connections,
    pub(crate) commands: Commands,
    pub(crate) associations: Associations,
    pub(crate) ids: Ids,
    events: VecDeque<PortEvent>,
    in_turn: bool,
    pub(crate) now: Tick,
    /// What a host can have us log at will.
    pub(crate) complaints: RateLimit,
}

impl FcNvmePort {
    /// A port that serves nothing yet.
    pub fn new(options: Options, mail: Mail) -> Self {
        let secret = [options.secret[0], options.secret[1] ^ (mail.home() as u64) << 48];
        Self {
            options,
            associations: Associations::new(mail.homes()),
            mail,
            lanes: Lanes::default(),
            connections: Connections::default(),
            commands: Commands::new(0),
            ids: Ids::new(secret),
            events: VecDeque::new(),
            in_turn: false,
            now: 0,
            complaints: RateLimit::default(),
        }
    }

    /// Whether the core must not sleep, because something is to be done already.
    pub fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.mail.is_pending() || self.lanes.is_pending()
    }

    /// Connections here, commands that are open on them, and associations (on the first core).
    pub fn census(&self) -> (usize, usize, usize) {
        (self.connections.len(), self.commands.len(), self.associations.len())
    }

    fn begin_turn(&mut self, now: Tick) {
        self.now = now;
        self.lanes.begin_turn();
        while let Some(note) = self.mail.next() {
            self.on_note(note);
        }
    }

    fn on_note(&mut self, note: Note) {
        match note {
            Note::Adopt { lane, listener, queue } => self.lanes.adopt(lane, listener, queue),
            Note::Leave { lane, end, done } => self.leave(lane, end, done),
            Note::Retire { lane, done } => self.retire(lane, done),
            Note::Open(new) => self.open(new),
            Note::Close { connection } => {
                if let Some(queue) = self.connections.find(connection) {
                    self.close(queue);
                }
            }
            Note::Opened { association, qid, connection } => self.on_opened(association, qid, connection),
            Note::Gone { association, qid } => self.on_gone(association, qid),
            Note::Broken { association } => self.end_association(association),
        }
    }

    /// Makes a connection and tells the first core, which accepts it to the host: its commands find it here.
    fn open(&mut self, new: NewConnection) {
        let lane = self.lanes.get(new.lane).filter(|lane| lane.retiring.is_none());
        let connection = match lane {
            Some(lane) if self.connections.len() < limits::CONNECTIONS => {
                let origin = Origin { listener: lane.listener, local: address(new.local), peer: address(new.peer) };
                let id = self.ids.connection(self.connections.next(), self.mail.home());
                let queue = self.connections.insert(id, new, places(&new));
                self.make_room();
                self.events.push_back(Event::Opened { queue, origin });
                Some(id)
            }
            _ => None,
        };
        self.mail.send(0, Note::Opened { association: new.association, qid: new.qid, connection });
    }

    /// Room for all that the connections there are can bring about, so that nothing is allocated later.
    fn make_room(&mut self) {
        let (connections, commands) = self.connections.room();
        self.commands.grow(commands);
        let events = 2 * self.commands.capacity() + 2 * connections;
        self.events.reserve(events.saturating_sub(self.events.len()));
    }

    fn retire(&mut self, place: usize, done: Done) {
        let Some(lane) = self.lanes.get_mut(place) else {
            let _ = done.try_send(());
            return;
        };
        lane.accepting = false;
        lane.retiring = Some(done);
        self.end_associations(|association| association.lane == place);
        for queue in self.connections.which(|connection| connection.asked.lane == place) {
            self.close(queue);
        }
    }

    /// Lets go of the queues of ports that go, when nothing of them is left here.
    fn let_go(&mut self) {
        loop {
            let deserted = self.lanes.retiring().find(|place| self.is_deserted(*place));
            let Some(place) = deserted else { return };
            let done = self.lanes.at(place).retiring.take();
            self.lanes.remove(place);
            if let Some(done) = done {
                let _ = done.try_send(());
            }
        }
    }

    fn is_deserted(&self, place: usize) -> bool {
        let unused = self.connections.which(|connection| connection.asked.lane == place).is_empty();
        unused && !self.associations.uses(place)
    }

    fn on_arrival(&mut self, place: usize, arrival: Arrival) -> Option<PortEvent> {
        match arrival {
            Arrival::Command { xid, session, iu } => self.on_command(place, xid, session, &iu),
            Arrival::Received { xid, data, ok } => Some(self.on_received(place, xid, data, ok)),
            Arrival::Sent { xid, data, .. } => self.on_sent(place, xid, data),
            Arrival::Abort { xid } => self.on_abort(place, xid),
            Arrival::SessionUp(session) => {
                self.lanes.at(place).login(session);
                None
            }
            Arrival::SessionDown { session } => {
                self.lanes.at(place).logout(session);
                self.end_associations(|association| (association.lane, association.session) == (place, session));
                let of_it = |asked: &NewConnection| (asked.lane, asked.session) == (place, session);
                for queue in self.connections.which(|connection| of_it(&connection.asked)) {
                    self.close(queue);
                }
                None
            }
            Arrival::Request { xid, session, payload } => {
                self.on_request(place, xid, session, &payload);
                None
            }
        }
    }

    fn on_received(&mut self, place: usize, xid: Xid, data: Data, ok: bool) -> PortEvent {
        let tag = self.lanes.at(place).tag(xid).expect("data comes for an open command");
        let command = self.commands.get_mut(tag).expect("a lane knows open commands");
        command.phase = Phase::New;
        command.moved = if ok { data.len() } else { 0 };
        Event::Fetched { tag, data, ok }
    }

    fn on_sent(&mut self, place: usize, xid: Xid, data: Data) -> Option<PortEvent> {
        let lane = self.lanes.at(place);
        // Those that were refused at once have no tag.
        let tag = lane.tag(xid)?;
        lane.set_tag(xid, None);
        let command = self.commands.remove(tag).expect("a lane knows open commands");
        self.connections.at(command.queue).open -= 1;
        self.close_if_home(command.queue);
        Some(Event::Sent { tag, data: command.held.unwrap_or(data) })
    }

    fn on_abort(&mut self, place: usize, xid: Xid) -> Option<PortEvent> {
        let tag = self.lanes.at(place).tag(xid)?;
        let command = self.commands.get_mut(tag).expect("a lane knows open commands");
        if command.phase == Phase::Replying {
            return None;
        }
        command.aborted = true;
        Some(Event::Abort { tag })
    }

    fn close_if_home(&mut self, queue: u32) {
        let home = self.connections.get(queue).filter(|connection| connection.closing && connection.open == 0);
        let Some(asked) = home.map(|connection| connection.asked) else { return };
        self.connections.remove(queue, places(&asked));
        self.events.push_back(Event::Closed { queue });
        self.mail.send(0, Note::Gone { association: asked.association, qid: asked.qid });
    }

    /// Ends a command: with a response and data, or without when nobody waits for them.
    fn end(&mut self, tag: Tag, data: Option<Data>, reply: Completion) {
        let command = self.commands.get_mut(tag).expect("the group names open commands");
        let connection = self.connections.at(command.queue);
        let queue = &mut self.lanes.at(command.lane).queue;
        command.phase = Phase::Replying;
        if command.aborted {
            connection.unanswered -= 1;
            command.held = data;
            return queue.terminate(command.xid);
        }
        if let Some(data) = &data {
            command.moved = data.len();
        }
        let response = response::of(connection, command, reply);
        match data {
            Some(data) => queue.transmit(command.xid, 0, data, Some(response)),
            None => queue.respond(command.xid, response),
        }
    }

    /// Ends an exchange at once; it never becomes a command.
    pub(crate) fn refuse(&mut self, place: usize, xid: Xid, response: Option<Response>) {
        let queue = &mut self.lanes.at(place).queue;
        match response {
            Some(response) => queue.respond(xid, response),
            None => queue.terminate(xid),
        }
    }
}

/// Places that a connection has for its commands.
pub(crate) fn places(asked: &NewConnection) -> usize {
    asked.entries as usize * limits::PLACES_PER_ENTRY
}

fn address(names: Names) -> Address {
    Address::Fc { wwnn: names.node.0, wwpn: names.port.0 }
}

impl Port for FcNvmePort {
    type Command = Capsule;
    type Reply = Completion;
    type Origin = Origin;

    fn next(&mut self, now: Tick) -> Option<PortEvent> {
        if !std::mem::replace(&mut self.in_turn, true) {
            self.begin_turn(now);
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                if let Event::Closed { queue } = event {
                    self.connections.release(queue);
                }
                return Some(event);
            }
            let (place, arrival) = self.lanes.next(now)?;
            if let Some(event) = self.on_arrival(place, arrival) {
                return Some(event);
            }
        }
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        let command = self.commands.get_mut(tag).expect("the group names open commands");
        if command.aborted {
            return self.events.push_back(Event::Fetched { tag, data, ok: false });
        }
        command.phase = Phase::Fetching;
        self.lanes.at(command.lane).queue.receive(command.xid, 0, data);
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Completion) {
        self.end(tag, Some(data), reply);
    }

    fn reply(&mut self, tag: Tag, reply: Completion) {
        self.end(tag, None, reply);
    }

    fn cancel(&mut self, tag: Tag) {
        let command = self.commands.get(tag).expect("the group names open commands");
        if command.phase == Phase::Fetching {
            self.lanes.at(command.lane).queue.cancel(command.xid);
        }
    }

    /// Replies that were given are out, or on their way and so waited for; all other commands are terminated.
    fn close(&mut self, queue: u32) {
        let Some(connection) = self.connections.get_mut(queue) else { return };
        if std::mem::replace(&mut connection.closing, true) {
            return;
        }
        let before = self.events.len();
        self.events.extend(unreplied(&self.commands, queue).map(|tag| Event::Abort { tag }));
        for event in self.events.range(before..) {
            if let Event::Abort { tag } = event
                && let Some(command) = self.commands.get_mut(*tag)
            {
                command.aborted = true;
            }
        }
        self.close_if_home(queue);
    }

    fn flush(&mut self) {
        self.let_go();
        self.lanes.flush();
        self.tell_leavers();
        self.mail.flush();
        self.in_turn = false;
    }

    fn places(&self) -> usize {
        self.commands.capacity()
    }

    /// Never: a block leaves in several frames, on another core or by an adapter's own reading, and might be sent half old
    /// and half new.
    fn lends(&self, _: Tag) -> bool {
        false
    }
}
