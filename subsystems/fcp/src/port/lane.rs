//! One lane: a queue of one FC port, what its exchanges are called here, and its sessions.

use fc::{Queue, SessionId, Xid};
use ring::Tag;
use scsi::PortView;

/// A queue on its way to a core.
pub struct NewLane {
    /// Its number: one for each time that a port is attached, the same on all cores.
    pub number: u32,
    /// The queue.
    pub queue: Box<dyn Queue>,
    /// The port, as the configuration has it.
    pub port: PortView,
}

/// What an exchange of the lane is called here.
#[derive(Clone, Copy, Debug)]
struct Name {
    /// Turn of the exchange's name.
    turn: u32,
    tag: Tag,
}

/// A queue of one FC port.
pub(crate) struct Lane {
    pub number: u32,
    pub queue: Box<dyn Queue>,
    pub port: PortView,
    /// By index of the exchange.
    names: Vec<Option<Name>>,
    /// Sessions and their queue numbers, by rising identifier.
    sessions: Vec<(SessionId, u32)>,
    /// Exchanges that are open here: also those that were refused on the spot.
    pub open: usize,
    /// Wanted back: dropped when nothing is open.
    pub leaving: bool,
    /// Ordered something in this turn.
    pub dirty: bool,
}

impl Lane {
    pub fn new(new: NewLane) -> Self {
        let places = new.queue.places();
        Self {
            number: new.number,
            queue: new.queue,
            port: new.port,
            names: vec![None; places],
            sessions: Vec::new(),
            open: 0,
            leaving: false,
            dirty: false,
        }
    }

    /// Notes what an exchange is called here.
    #[inline]
    pub fn name(&mut self, xid: Xid, tag: Tag) {
        let index = xid.0.index();
        if index >= self.names.len() {
            self.make_room(index);
        }
        self.names[index] = Some(Name { turn: xid.0.turn(), tag });
    }

    /// A queue whose table grew.
    #[cold]
    fn make_room(&mut self, index: usize) {
        self.names.resize(index + 1, None);
    }

    /// What an exchange is called here; `None`: it was refused on the spot.
    #[inline]
    pub fn find(&self, xid: Xid) -> Option<Tag> {
        let name = self.names.get(xid.0.index()).copied().flatten()?;
        (name.turn == xid.0.turn()).then_some(name.tag)
    }

    /// Forgets it.
    #[inline]
    pub fn take(&mut self, xid: Xid) -> Option<Tag> {
        let tag = self.find(xid)?;
        self.names[xid.0.index()] = None;
        Some(tag)
    }

    /// A session came up. Identifiers rise, so the order is kept; one that does not is put in its place all the same.
    pub fn add_session(&mut self, id: SessionId, queue: u32) {
        let at = self.sessions.partition_point(|(known, _)| *known < id);
        self.sessions.insert(at, (id, queue));
    }

    /// The queue number of a session.
    #[inline]
    pub fn session(&self, id: SessionId) -> Option<u32> {
        // Most ports have few sessions, and most often the first is asked for.
        match self.sessions.first() {
            Some((known, queue)) if *known == id => Some(*queue),
            _ => self.place(id).map(|place| self.sessions[place].1),
        }
    }

    pub fn remove_session(&mut self, id: SessionId) -> Option<u32> {
        let place = self.place(id)?;
        Some(self.sessions.remove(place).1)
    }

    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + use<'_> {
        self.sessions.iter().map(|(id, _)| *id)
    }

    /// Whether it may be dropped.
    pub fn is_empty(&self) -> bool {
        self.open == 0 && self.sessions.is_empty()
    }

    fn place(&self, id: SessionId) -> Option<usize> {
        self.sessions.binary_search_by_key(&id, |(known, _)| *known).ok()
    }
}
