//! The Fibre Channel ports that a core serves: its queue of each, and which command an exchange of it is.

use crate::limits;
use crate::notes::Done;
use fc::{Arrival, Queue, SessionId, SessionInfo, Xid};
use ring::{Tag, Tick};

/// A core's part of one Fibre Channel port.
pub(crate) struct Lane {
    pub queue: Box<dyn Queue>,
    pub listener: u32,
    /// Which command an exchange is, by the index of its name.
    tags: Vec<Option<Tag>>,
    /// Who is logged in.
    sessions: Vec<SessionInfo>,
    /// Associations may be created.
    pub accepting: bool,
    /// It goes, and who wants to know when it is gone.
    pub retiring: Option<Done>,
    budget: usize,
}

impl Lane {
    fn new(queue: Box<dyn Queue>, listener: u32) -> Self {
        let tags = vec![None; queue.places()];
        let (sessions, budget) = (Vec::new(), limits::ARRIVALS);
        Self { queue, listener, tags, sessions, accepting: true, retiring: None, budget }
    }

    pub fn session(&self, id: SessionId) -> Option<&SessionInfo> {
        self.sessions.iter().find(|session| session.id == id)
    }

    pub fn login(&mut self, session: SessionInfo) {
        self.sessions.push(session);
    }

    pub fn logout(&mut self, id: SessionId) {
        self.sessions.retain(|session| session.id != id);
    }

    /// The command that an exchange is; none for one that was ended at once.
    #[inline]
    pub fn tag(&self, xid: Xid) -> Option<Tag> {
        *self.tags.get(xid.0.index())?
    }

    #[inline]
    pub fn set_tag(&mut self, xid: Xid, tag: Option<Tag>) {
        let place = xid.0.index();
        if place >= self.tags.len() {
            // A port numbers its exchanges from 0 to places - 1, or else once costs us this.
            self.tags.resize(place + 1, None);
        }
        self.tags[place] = tag;
    }
}

/// All of a core.
#[derive(Default)]
pub(crate) struct Lanes {
    places: Vec<Option<Lane>>,
    turn: usize,
}

impl Lanes {
    pub fn adopt(&mut self, place: usize, listener: u32, queue: Box<dyn Queue>) {
        if place >= self.places.len() {
            self.places.resize_with(place + 1, || None);
        }
        assert!(self.places[place].is_none(), "the control side names free places");
        self.places[place] = Some(Lane::new(queue, listener));
    }

    pub fn get(&self, place: usize) -> Option<&Lane> {
        self.places.get(place)?.as_ref()
    }

    pub fn get_mut(&mut self, place: usize) -> Option<&mut Lane> {
        self.places.get_mut(place)?.as_mut()
    }

    /// The lane of an open command or connection.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut Lane {
        self.places[place].as_mut().expect("what is open keeps its lane")
    }

    pub fn remove(&mut self, place: usize) {
        self.places[place] = None;
    }

    pub fn begin_turn(&mut self) {
        self.places.iter_mut().flatten().for_each(|lane| lane.budget = limits::ARRIVALS);
    }

    /// The next thing that happened on any of them, each in its turn.
    #[inline]
    pub fn next(&mut self, now: Tick) -> Option<(usize, Arrival)> {
        for _ in 0..self.places.len() {
            if self.turn >= self.places.len() {
                self.turn = 0;
            }
            let place = self.turn;
            if let Some(lane) = self.places[place].as_mut()
                && lane.budget > 0
                && let Some(arrival) = lane.queue.next(now)
            {
                lane.budget -= 1;
                return Some((place, arrival));
            }
            self.turn += 1;
        }
        None
    }

    pub fn flush(&mut self) {
        self.places.iter_mut().flatten().for_each(|lane| lane.queue.flush());
    }

    pub fn is_pending(&self) -> bool {
        self.places.iter().flatten().any(|lane| lane.queue.is_pending())
    }

    /// The places of those that go.
    pub fn retiring(&self) -> impl Iterator<Item = usize> + '_ {
        let goes = |lane: &Option<Lane>| lane.as_ref().is_some_and(|lane| lane.retiring.is_some());
        self.places.iter().enumerate().filter(move |(_, lane)| goes(lane)).map(|(place, _)| place)
    }
}
