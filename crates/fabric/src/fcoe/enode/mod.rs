//! An N_Port's side of FCoE: it finds a switch (FCF), logs in by FIP, keeps the login alive, and is a link to the fabric.

mod forwarders;
mod logins;

use super::door::{Came, Counters, Door, batch};
use super::{Ether, MS};
use fc::{Attachment, FrameBox, Frames, Link, LinkEvent, Names};
use forwarders::{Forwarder, Forwarders};
use logins::Logins;
use ring::Tick;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use wire::fcoe::Mac;
use wire::fip::{ALL_ENODES, ALL_FCFS, Flags, Kind, Message};

/// How often switches are asked for while there is none.
const SOLICIT_EVERY: Tick = 2_000 * MS;
/// How long further switches may answer before one is chosen.
const CHOOSE_AFTER: Tick = 500 * MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The interface is down, or the port is to be.
    Off,
    /// No switch is chosen.
    Searching { solicit_at: Tick, choose_at: Option<Tick> },
    /// Up: with this one.
    With(Forwarder, Tick),
}

/// A link to a fabric by an interface. See the module.
pub struct EnodeLink<E: Ether> {
    door: Door<E>,
    names: Names,
    on: bool,
    state: State,
    forwarders: Forwarders,
    logins: Logins,
    events: VecDeque<LinkEvent>,
    room: usize,
    max_payload: u16,
    now: Tick,
}

impl<E: Ether> EnodeLink<E> {
    /// One for the port of these names. Its frames come from `frames`.
    pub fn new(mut ether: E, names: Names, frames: Frames) -> Self {
        ether.join(ALL_ENODES);
        let door = Door::new(ether, frames);
        Self {
            names,
            on: true,
            state: State::Off,
            forwarders: Forwarders::default(),
            logins: Logins::default(),
            events: VecDeque::new(),
            room: 0,
            max_payload: door.max_payload(),
            door,
            now: 0,
        }
    }

    /// What was dropped.
    pub fn counters(&self) -> Counters {
        self.door.counters
    }

    fn search(&mut self) {
        self.forwarders.clear();
        self.state = State::Searching { solicit_at: self.now, choose_at: None };
    }

    /// The link is down, if it was up.
    fn lose(&mut self) {
        if let State::With(..) = self.state {
            self.events.push_back(LinkEvent::Down);
        }
        self.state = State::Off;
        for mac in self.logins.clear() {
            self.door.ether.leave(mac);
        }
    }

    fn solicit(&mut self, to: Mac) {
        let (from, size, node) = (self.door.status.mac, self.door.max_frame(), self.names.node);
        let fill = |writer: wire::fip::Writer<'_>| writer.mac(from).name(node).max_frame(size).finish();
        self.door.send_fip(to, from, Kind::Solicitation, Flags::default().with_fpma(true), fill);
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        if let Some(up) = self.door.look(now) {
            self.lose();
            if up && self.on {
                self.search();
            }
        }
        match self.state {
            State::Off => {}
            State::Searching { solicit_at, choose_at } => self.searching(solicit_at, choose_at),
            State::With(with, alive_at) => self.keep_alive(with, alive_at),
        }
        self.room = self.door.ether.room();
    }

    fn searching(&mut self, mut solicit_at: Tick, choose_at: Option<Tick>) {
        let chosen = choose_at.filter(|at| self.now >= *at).and_then(|_| self.forwarders.best());
        if let Some(best) = chosen {
            return self.attach(best);
        }
        if self.now >= solicit_at {
            self.solicit(ALL_FCFS);
            solicit_at = self.now + SOLICIT_EVERY;
        }
        let choose_at = choose_at.or_else(|| self.forwarders.best().map(|_| self.now + CHOOSE_AFTER));
        self.state = State::Searching { solicit_at, choose_at };
    }

    fn attach(&mut self, with: Forwarder) {
        log::info!("fcoe: {}: switch {} at {}", self.door.ether.name(), with.name, with.mac);
        self.max_payload = self.door.max_payload();
        self.state = State::With(with, self.now + with.period);
        self.events.push_back(LinkEvent::Up(Attachment::Login));
    }

    fn keep_alive(&mut self, with: Forwarder, alive_at: Tick) {
        if self.now >= with.heard + super::peer_timeout(with.period) {
            log::warn!("fcoe: {}: switch {} is silent", self.door.ether.name(), with.name);
            self.lose();
            return self.search();
        }
        if with.no_keep_alive || self.now < alive_at {
            return;
        }
        let (from, flags) = (self.door.status.mac, Flags::default().with_fpma(true));
        self.door.send_fip(with.mac, from, Kind::KeepAlive, flags, |writer| writer.mac(from).finish());
        for port in self.logins.due(self.now) {
            let fill = |writer: wire::fip::Writer<'_>| writer.mac(from).vn_port(port).finish();
            self.door.send_fip(with.mac, port.mac, Kind::KeepAlive, flags, fill);
        }
        self.state = State::With(with, self.now + with.period);
    }

    fn fip(&mut self, to: Mac, from: Mac, body: &[u8]) -> Option<FrameBox> {
        if to != self.door.status.mac && to != ALL_ENODES {
            return None;
        }
        let Ok(message) = Message::parse(body) else {
            self.door.counters.fip_faults += 1;
            return None;
        };
        match message.kind {
            Kind::Advertisement => self.advertised(from, &message, body.len()),
            Kind::ClearVirtualLinks => return self.cleared(from, &message),
            Kind::LsReply => return self.replied(from, &message),
            _ => {}
        }
        None
    }

    fn advertised(&mut self, from: Mac, message: &Message<'_>, length: usize) {
        let Some(mut heard) = Forwarder::read(message, self.now) else { return };
        heard.fits = message.flags.solicited() && length >= usize::from(self.door.max_frame());
        match &mut self.state {
            State::With(with, _) if with.is(&heard) => with.refresh(&heard),
            State::Searching { .. } if from == heard.mac && !self.forwarders.hear(heard) => self.solicit(from),
            _ => {}
        }
    }

    /// Clear Virtual Links: of all our ports, or of some. Without the first there are none.
    fn cleared(&mut self, from: Mac, message: &Message<'_>) -> Option<FrameBox> {
        let State::With(with, _) = self.state else { return None };
        if from != with.mac || message.mac() != Some(with.mac) || message.name() != Some(with.name) {
            return None;
        }
        let mut named = message.vn_ports().peekable();
        let first = self.logins.first();
        if named.peek().is_none() || first.is_none() || message.vn_ports().any(|port| Some(port) == first) {
            log::warn!("fcoe: {}: switch {} cleared the link", self.door.ether.name(), with.name);
            self.lose();
            self.search();
            return None;
        }
        // Of further ports one is told of at a time; the switch says it again for those that still send.
        let gone = named.find_map(|port| self.logins.remove(port.id))?;
        self.door.ether.leave(gone.mac);
        let id = gone.id;
        Some(super::els::logo(wire::fc::PortId::FABRIC, id, gone.name, wire::fc::UNASSIGNED - 1))
    }

    #[inline]
    fn accepts(&self, to: Mac, from: Mac, frame: &FrameBox) -> bool {
        let State::With(with, _) = self.state else { return false };
        from == with.mac && self.logins.has(to, frame.header().d_id())
    }
}

impl<E: Ether> Link for EnodeLink<E> {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        self.turn(now);
        self.events.pop_front()
    }

    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.now = now;
        for _ in batch() {
            match self.door.receive()? {
                Came::Frame { to, from, frame } if self.accepts(to, from, &frame) => return Some(frame),
                Came::Frame { frame, .. } => self.door.count_stranger(frame),
                Came::Fip { to, from, body } => {
                    if let Some(frame) = self.fip(to, from, &body) {
                        return Some(frame);
                    }
                }
                Came::Nothing => {}
            }
        }
        None
    }

    fn room(&self) -> usize {
        self.room
    }

    fn send(&mut self, frame: FrameBox) {
        let State::With(with, _) = self.state else { return self.door.frames.give(frame) };
        self.room = self.room.saturating_sub(1);
        if let Some(kind) = super::els::fip_kind(&frame) {
            return self.request(kind, with, frame);
        }
        match self.logins.mac(frame.header().s_id()) {
            Some(from) => self.door.send_frame(with.mac, from, frame),
            None => self.door.count_stranger(frame),
        }
    }

    fn flush(&mut self, _now: Tick) {
        self.door.ether.flush();
        self.room = self.door.ether.room();
    }

    fn set_up(&mut self, up: bool) {
        if self.on == up {
            return;
        }
        self.on = up;
        if !up {
            self.log_out();
            self.lose();
        } else if self.door.status.up {
            self.search();
        }
    }

    fn max_payload(&self) -> u16 {
        self.max_payload
    }

    fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.door.ether.is_pending()
    }

    fn deadline(&self) -> Option<Tick> {
        let own = match self.state {
            State::Off => Tick::MAX,
            State::Searching { solicit_at, choose_at } => choose_at.map_or(solicit_at, |at| at.min(solicit_at)),
            State::With(with, alive_at) => alive_at.min(with.heard + super::peer_timeout(with.period)),
        };
        Some(own.min(self.door.next_look()))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.door.ether.fd()
    }

    fn describe(&self) -> String {
        format!("fcoe:{}", self.door.ether.name())
    }
}

impl<E: Ether> Drop for EnodeLink<E> {
    fn drop(&mut self) {
        self.log_out();
    }
}
