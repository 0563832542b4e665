//! The FCP port of one core: the lanes of all FC ports that serve FCP, as an [`exchange::Port`].

mod iu;
mod lane;
mod response;

pub use lane::NewLane;

use dma::Data;
use exchange::{Event, Port};
use fc::{Arrival, Fc4, Response, SessionId, SessionInfo, Xid};
use lane::Lane;
use ring::{Slots, Tag, Tick};
use scsi::{Origin, PortName, Reply, Task};
use wire::scsi::Status;

/// What the port has to say.
type FcpEvent = Event<Task, Origin>;

/// Arrivals that a lane may bring in one turn before another has its own.
const BATCH: usize = 128;

/// An open command.
struct Command {
    /// Place of its lane.
    lane: u32,
    /// Its session's number here.
    queue: u32,
    xid: Xid,
    /// It was aborted: what is sent would be swallowed.
    aborted: bool,
    /// Memory that does not go out, until the exchange is over.
    held: Data,
}

/// A session, by its number here.
struct Session {
    lane: u32,
    id: SessionId,
    /// Its open commands.
    open: u32,
    /// It is logged in.
    up: bool,
    /// It was asked to log out.
    closing: bool,
    /// It gets no more commands.
    quiet: bool,
}

/// The lanes of a core.
pub struct FcpPort {
    lanes: Vec<Option<Lane>>,
    sessions: Vec<Option<Session>>,
    free_sessions: Vec<u32>,
    commands: Slots<Command>,
    /// The table of commands grows no larger.
    most: usize,
    /// Sessions that are gone and not told yet.
    closed: Vec<u32>,
    /// The lane that is asked next, and what it may bring yet in this turn.
    cursor: usize,
    left: usize,
}

impl FcpPort {
    /// A port without lanes, for `most` open commands of all lanes together.
    pub fn new(most: usize) -> Self {
        Self {
            lanes: Vec::new(),
            sessions: Vec::new(),
            free_sessions: Vec::new(),
            commands: Slots::new(0),
            most,
            closed: Vec::new(),
            cursor: 0,
            left: BATCH,
        }
    }

    /// Takes over a lane. Not on the I/O path: it allocates.
    pub fn adopt(&mut self, new: NewLane) {
        let lane = Some(Lane::new(new));
        match self.lanes.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = lane,
            None => self.lanes.push(lane),
        }
        let places: usize = self.lanes.iter().flatten().map(|lane| lane.queue.places()).sum();
        self.commands.grow(places.min(self.most));
    }

    /// Wants a lane back. It is dropped when its last session and exchange are gone; its sessions are logged out.
    pub fn release(&mut self, number: u32) {
        let Some(lane) = self.lanes.iter_mut().flatten().find(|lane| lane.number == number) else { return };
        if !std::mem::replace(&mut lane.leaving, true) {
            let sessions: Vec<SessionId> = lane.sessions().collect();
            sessions.into_iter().for_each(|session| lane.queue.logout(session));
            lane.dirty = true;
        }
    }

    /// Drops a lane that was released, if it may be dropped by now. Whether it is gone.
    pub fn drop_released(&mut self, number: u32) -> bool {
        let is_it = |place: &Option<Lane>| place.as_ref().is_some_and(|lane| lane.number == number);
        let Some(place) = self.lanes.iter_mut().find(|place| is_it(place)) else { return true };
        let empty = place.as_ref().is_some_and(|lane| lane.leaving && lane.is_empty());
        if empty {
            *place = None;
        }
        empty
    }

    /// Whether something waits, so that the core must not sleep.
    pub fn is_pending(&self) -> bool {
        let waits = |lane: &Lane| lane.dirty || lane.queue.is_pending();
        !self.closed.is_empty() || self.lanes.iter().flatten().any(waits)
    }

    /// Sessions that are logged in, and open commands.
    pub fn census(&self) -> (usize, usize) {
        (self.sessions.iter().flatten().count(), self.commands.len())
    }

    fn peek(&self, place: u32) -> &Lane {
        self.lanes[place as usize].as_ref().expect("a lane with commands or sessions is there")
    }

    fn lane(&mut self, place: u32) -> &mut Lane {
        let lane = self.lanes[place as usize].as_mut().expect("a lane with commands or sessions is there");
        lane.dirty = true;
        lane
    }

    fn take_arrival(&mut self, place: u32, arrival: Arrival) -> Option<FcpEvent> {
        match arrival {
            Arrival::Command { xid, session, iu } => self.on_command(place, xid, session, iu.bytes()),
            Arrival::Received { xid, data, ok } => {
                let tag = self.peek(place).find(xid).expect("data was asked for under an open name");
                Some(Event::Fetched { tag, data, ok })
            }
            Arrival::Sent { xid, data, .. } => self.on_sent(place, xid, data),
            Arrival::Abort { xid } => self.on_abort(place, xid),
            Arrival::SessionUp(info) => self.on_session_up(place, &info),
            Arrival::SessionDown { session } => self.on_session_down(place, session),
            // FCP has no link services of its own.
            Arrival::Request { xid, .. } => {
                self.lane(place).queue.answer(xid, Box::default());
                None
            }
        }
    }

    fn on_command(&mut self, place: u32, xid: Xid, session: SessionId, payload: &[u8]) -> Option<FcpEvent> {
        let lane = self.lanes[place as usize].as_mut().expect("its lane is there");
        lane.open += 1;
        let Some(queue) = lane.session(session) else {
            lane.dirty = true;
            lane.queue.terminate(xid);
            return None;
        };
        let known = self.sessions[queue as usize].as_mut().expect("a session of a lane is there");
        if known.quiet {
            return self.refuse(place, xid, response::status(Status::BUSY));
        }
        let command = Command { lane: place, queue, xid, aborted: false, held: Data::empty() };
        let Ok(tag) = self.commands.insert(command) else {
            return self.refuse(place, xid, response::status(Status::TASK_SET_FULL));
        };
        match iu::task(payload, queue, tag.index() as u32) {
            Ok(command) => {
                known.open += 1;
                lane.name(xid, tag);
                Some(Event::Command { tag, queue, command })
            }
            Err(code) => {
                self.commands.remove(tag);
                self.refuse(place, xid, response::invalid(code))
            }
        }
    }

    /// Answers on the spot; nobody else hears of the exchange.
    #[cold]
    fn refuse(&mut self, place: u32, xid: Xid, response: fc::FcpResponse) -> Option<FcpEvent> {
        self.lane(place).queue.respond(xid, Response::Fcp(response));
        None
    }

    fn on_sent(&mut self, place: u32, xid: Xid, data: Data) -> Option<FcpEvent> {
        let lane = self.lanes[place as usize].as_mut().expect("its lane is there");
        lane.open -= 1;
        let tag = lane.take(xid)?;
        let Command { queue, held, .. } = self.commands.remove(tag).expect("a name leads to an open command");
        let session = self.sessions[queue as usize].as_mut().expect("a session with commands is there");
        session.open -= 1;
        if session.open == 0 && !session.up {
            self.closed.push(queue);
        }
        let data = if held.is_empty() { data } else { held };
        Some(Event::Sent { tag, data })
    }

    fn on_abort(&mut self, place: u32, xid: Xid) -> Option<FcpEvent> {
        let tag = self.peek(place).find(xid)?;
        self.commands.get_mut(tag).expect("a name leads to an open command").aborted = true;
        Some(Event::Abort { tag })
    }

    /// Not on the I/O path: it allocates.
    fn on_session_up(&mut self, place: u32, info: &SessionInfo) -> Option<FcpEvent> {
        let lane = self.lanes[place as usize].as_mut().expect("its lane is there");
        if info.fc4 != Fc4::Fcp {
            return None;
        }
        let queue = self.free_sessions.pop().unwrap_or(self.sessions.len() as u32);
        lane.add_session(info.id, queue);
        if lane.leaving {
            lane.dirty = true;
            lane.queue.logout(info.id);
        }
        let origin = Origin {
            initiator: PortName::Fc { wwnn: info.peer.node.0, wwpn: info.peer.port.0 },
            target: PortName::Fc { wwnn: info.local.node.0, wwpn: info.local.port.0 },
            relative_port: lane.port.relative,
            port_group: lane.port.group,
            address: None,
        };
        if queue as usize == self.sessions.len() {
            self.sessions.push(None);
            self.closed.reserve(self.sessions.len());
            self.free_sessions.reserve(self.sessions.len());
        }
        let session = Session { lane: place, id: info.id, open: 0, up: true, closing: false, quiet: false };
        self.sessions[queue as usize] = Some(session);
        Some(Event::Opened { queue, origin })
    }

    fn on_session_down(&mut self, place: u32, session: SessionId) -> Option<FcpEvent> {
        let queue = self.lane(place).remove_session(session)?;
        let session = self.sessions[queue as usize].as_mut().expect("a session of a lane is there");
        session.up = false;
        if session.open == 0 { Some(self.tell_closed(queue)) } else { None }
    }

    /// From here on the number may be given again.
    fn tell_closed(&mut self, queue: u32) -> FcpEvent {
        self.sessions[queue as usize] = None;
        self.free_sessions.push(queue);
        Event::Closed { queue }
    }

    /// The command under `tag` and its lane.
    #[inline]
    fn open(&mut self, tag: Tag) -> (&mut Command, &mut Lane) {
        let command = self.commands.get_mut(tag).expect("the tag is open");
        let lane = self.lanes[command.lane as usize].as_mut().expect("a lane with commands is there");
        lane.dirty = true;
        (command, lane)
    }
}

impl Port for FcpPort {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, now: Tick) -> Option<FcpEvent> {
        if let Some(queue) = self.closed.pop() {
            return Some(self.tell_closed(queue));
        }
        while self.cursor < self.lanes.len() {
            let place = self.cursor;
            let arrival = match &mut self.lanes[place] {
                Some(lane) if self.left > 0 => lane.queue.next(now),
                _ => None,
            };
            let Some(arrival) = arrival else {
                (self.cursor, self.left) = (place + 1, BATCH);
                continue;
            };
            self.left -= 1;
            let event = self.take_arrival(place as u32, arrival);
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        let (command, lane) = self.open(tag);
        lane.queue.receive(command.xid, 0, data);
    }

    fn send(&mut self, tag: Tag, mut data: Data, reply: Reply) {
        let (command, lane) = self.open(tag);
        let len = reply.transferred.min(data.len());
        if command.aborted || reply.silent {
            command.held = data;
            lane.queue.terminate(command.xid);
        } else if len == 0 {
            command.held = data;
            lane.queue.respond(command.xid, Response::Fcp(response::response(&reply)));
        } else {
            data.truncate(len);
            lane.queue.transmit(command.xid, 0, data, Some(Response::Fcp(response::response(&reply))));
        }
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        let (command, lane) = self.open(tag);
        if command.aborted || reply.silent {
            lane.queue.terminate(command.xid);
        } else {
            lane.queue.respond(command.xid, Response::Fcp(response::response(&reply)));
        }
    }

    fn cancel(&mut self, tag: Tag) {
        let (command, lane) = self.open(tag);
        lane.queue.cancel(command.xid);
    }

    fn quiesce(&mut self, queue: u32) {
        if let Some(session) = self.sessions.get_mut(queue as usize).and_then(Option::as_mut) {
            session.quiet = true;
        }
    }

    fn close(&mut self, queue: u32) {
        let Some(session) = self.sessions.get_mut(queue as usize).and_then(Option::as_mut) else { return };
        if session.up && !std::mem::replace(&mut session.closing, true) {
            let (place, id) = (session.lane, session.id);
            self.lane(place).queue.logout(id);
        }
    }

    fn flush(&mut self) {
        (self.cursor, self.left) = (0, BATCH);
        for lane in self.lanes.iter_mut().flatten().filter(|lane| lane.dirty) {
            lane.dirty = false;
            lane.queue.flush();
        }
    }

    fn places(&self) -> usize {
        self.commands.capacity()
    }

    /// Lanes only read what they send.
    fn lends(&self, _tag: Tag) -> bool {
        true
    }
}
