//! The link: when it is up, what ends with it, and when the host is told.
//!
//! A host hears of the first link of its start a second after that, or when it first asks for the firmware's state, whichever is
//! first: a driver that has just started is not ready for events, one that polls waits for them. After a loss the link
//! stays down for at least [`PAUSE`], so that nobody misses it.

use super::core::Core;
use super::ports::Stage;
use super::settings::Options;
use fc::{Attachment, LinkEvent, Names};
use ring::Tick;
use wire::isp::mailbox::Event;

const MS: Tick = 1_000_000;

/// Between a loss of the link and what is told of the next one.
pub(crate) const PAUSE: Tick = 100 * MS;

/// Between the last LOGO and the end of the light, so that it arrives.
const FAREWELL: Tick = 10 * MS;

/// Between the start and the first event, unless the host asks.
const PATIENCE: Tick = 1_000 * MS;

/// The state of the link.
pub(crate) struct LinkState {
    /// Between start and stop.
    pub started: bool,
    /// The cable is in.
    pub cable: bool,
    /// There is light.
    pub up: bool,
    /// What to do to it: the laser on or off.
    pub order: Option<bool>,
    /// When the laser goes off, and when it goes on again.
    lower_at: Option<Tick>,
    raise_at: Option<Tick>,
    /// The host is told no earlier.
    tell_at: Tick,
    /// It is the first link since the start.
    first: bool,
    /// The host knows that it is up.
    pub told: bool,
    /// Names of the F_Port and of the fabric, once it gave us an address.
    pub fabric: Option<Names>,
    /// The fabric gives further addresses.
    pub npiv: bool,
    /// The most that it carries in a frame.
    pub max_payload: u16,
    /// How often it came and went.
    pub ups: u32,
    pub failures: u32,
}

impl Default for LinkState {
    fn default() -> Self {
        Self {
            started: false,
            cable: true,
            up: false,
            order: Some(false),
            lower_at: None,
            raise_at: None,
            tell_at: 0,
            first: true,
            told: false,
            fabric: None,
            npiv: false,
            max_payload: wire::fc::MAX_PAYLOAD as u16,
            ups: 0,
            failures: 0,
        }
    }
}

impl LinkState {
    /// When something is due.
    pub fn deadline(&self) -> Option<Tick> {
        let tell = (self.fabric.is_some() && !self.told).then_some(self.tell_at);
        [self.lower_at, self.raise_at, tell].into_iter().flatten().min()
    }

    /// The host asks how far the link is: it is ready for events.
    pub fn asked(&mut self, now: Tick) {
        if self.first {
            self.tell_at = self.tell_at.min(now);
        }
    }
}

impl Core {
    /// The laser goes on.
    pub fn link_start(&mut self) {
        let (cable, now) = (self.link.cable, self.now);
        let (ups, failures) = (self.link.ups, self.link.failures);
        let (max_payload, lower_at) = (self.link.max_payload, self.link.lower_at);
        self.link = LinkState { started: true, cable, ups, failures, max_payload, ..LinkState::default() };
        // What was before the start has to end first.
        self.link.order = (cable && lower_at.is_none()).then_some(true);
        self.link.lower_at = lower_at;
        self.link.raise_at = lower_at.map(|at| at + FAREWELL);
        self.link.tell_at = now + PATIENCE;
    }

    /// The laser goes off for good, a moment later.
    pub fn link_stop(&mut self) {
        self.ports.iter_mut().for_each(|port| port.down(Stage::Down));
        self.options = Options::stopped(self.nvram);
        self.link.started = false;
        self.link.lower_at = self.link.up.then_some(self.now + FAREWELL);
        (self.link.up, self.link.told, self.link.fabric) = (false, false, None);
        (self.link.order, self.link.raise_at) = (self.link.lower_at.is_none().then_some(false), None);
    }

    /// The laser goes off and, in a while, on again.
    pub fn link_bounce(&mut self) {
        if self.link.started && self.link.cable {
            self.link.order = Some(false);
            self.link.raise_at = Some(self.now + PAUSE);
        }
    }

    /// The cable is put in or pulled.
    pub fn set_cable(&mut self, there: bool) {
        if self.link.cable != there {
            self.link.cable = there;
            self.link.raise_at = None;
            self.link.order = (!there || self.link.started).then_some(there);
        }
    }

    /// An event of the link.
    pub fn link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Up(Attachment::Login) if self.link.started => self.link_up(),
            LinkEvent::Up(Attachment::Assigned(_)) => {
                log::warn!("the model of the adapter needs a fabric; there is none on this link");
            }
            LinkEvent::Up(_) | LinkEvent::PeerUp(_) | LinkEvent::PeerDown(_) => {}
            LinkEvent::Down => self.link_down(),
        }
    }

    fn link_up(&mut self) {
        if self.link.up {
            self.link_down();
        }
        self.link.up = true;
        self.link.ups += 1;
        let now = self.now;
        if let Some(port) = self.port_mut(0) {
            port.enabled = true;
            port.stage = Stage::Due(now);
        }
    }

    fn link_down(&mut self) {
        if !self.link.up {
            return;
        }
        self.link.up = false;
        self.link.failures += 1;
        self.fabric_lost();
        self.fc2.end_all();
    }

    /// The address is gone, and all logins with it. The host is told if it knew of the link.
    pub fn fabric_lost(&mut self) {
        for vp in 0..self.ports.len() as u8 {
            self.drop_logins(vp);
            self.ports[usize::from(vp)].down(Stage::Down);
        }
        self.link.fabric = None;
        self.link.first = false;
        self.link.tell_at = self.now + PAUSE;
        if std::mem::take(&mut self.link.told) {
            self.event(Event::LOOP_DOWN, [0; 3]);
        }
    }

    /// What is due.
    pub fn link_time(&mut self) {
        if self.link.lower_at.is_some_and(|at| at <= self.now) {
            self.link.lower_at = None;
            self.link.order = Some(false);
            return;
        }
        if self.link.raise_at.is_some_and(|at| at <= self.now) {
            self.link.raise_at = None;
            self.link.order = Some(self.link.cable && self.link.started);
        }
        self.tell_link();
    }

    /// Tells the host of the link and of our addresses, if it is time.
    pub fn tell_link(&mut self) {
        let Some(fabric) = self.link.fabric.filter(|_| !self.link.told && self.link.tell_at <= self.now) else {
            return;
        };
        self.link.told = true;
        self.event(Event::LOOP_UP, [self.speed, 0, 0]);
        self.report_id(0, self.ports[0].id, fabric);
        self.ports_update(0);
        let others: Vec<u8> =
            (1..self.ports.len() as u8).filter(|vp| self.ports[usize::from(*vp)].is_online()).collect();
        others.into_iter().for_each(|vp| self.tell_virtual(vp));
    }

    /// Tells the host of the address of a virtual port.
    pub fn tell_virtual(&mut self, vp: u8) {
        let Some((fabric, port)) = self.link.fabric.zip(self.port(vp)) else { return };
        let id = port.id;
        self.report_id(vp, id, fabric);
        self.ports_update(vp);
    }
}
