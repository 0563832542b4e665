//! The switch as a value: it owns its links and what is known of the ports behind them. Time and wakes come from outside.

use crate::Listener;
use crate::f_port::{FPort, State};
use crate::faults::Faults;
use crate::limits::F_PORTS;
use crate::n_ports::{NPorts, Place};
use crate::notices::Notices;
use crate::reach::Reach;
use crate::request::Parts;
use crate::zoning::{Effective, Refused, Zoning};
use fc::{Frames, Link, LinkEvent};
use ring::Tick;
use std::os::fd::BorrowedFd;
use wire::fc::els::EventQualifier;
use wire::fc::{PortId, Wwn};

/// What a switch is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its name, for people.
    pub name: String,
    /// Its World Wide Name: the fabric's name, and that of which the names of its ports are made.
    pub wwn: Wwn,
    /// The domain of all its addresses: 1 to 239.
    pub domain: u8,
}

/// What a switch counts beside its ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Requests to its own addresses.
    pub requests: u64,
    /// Those of them that were rejected.
    pub rejected: u64,
    /// RSCNs sent.
    pub rscn_sent: u64,
    /// RSCNs that were not answered, however often they were sent.
    pub rscn_unanswered: u64,
    /// Links refused because all F_Ports were taken.
    pub links_refused: u64,
}

/// A Fibre Channel switch.
pub struct Switch {
    pub(crate) config: Config,
    pub(crate) frames: Frames,
    pub(crate) f_ports: Vec<Option<FPort>>,
    pub(crate) n_ports: NPorts,
    pub(crate) zoning: Zoning,
    effective: Effective,
    pub(crate) reach: Reach,
    pub(crate) notices: Notices,
    pub(crate) parts: Parts,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    listeners: Vec<Box<dyn Listener>>,
    /// Which port is looked at first: another one each turn.
    first: usize,
    changed: bool,
}

impl Switch {
    /// A switch without ports. All links in one process draw on one pool of `frames`: a frame moves from link to link as it is.
    pub fn new(config: Config, frames: Frames) -> Self {
        let zoning = Zoning::default();
        Self {
            n_ports: NPorts::new(config.domain),
            config,
            frames,
            f_ports: Vec::new(),
            effective: zoning.effective(),
            zoning,
            reach: Reach::new(),
            notices: Notices::default(),
            parts: Parts::default(),
            faults: Faults::default(),
            counters: Counters::default(),
            listeners: Vec::new(),
            first: 0,
            changed: false,
        }
    }

    /// What it was made of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Gives a link an F_Port; returns its number.
    ///
    /// # Errors
    /// All are taken; the link is dropped.
    pub fn attach(&mut self, link: Box<dyn Link>) -> Result<u16, Refused> {
        let number = match self.f_ports.iter().position(Option::is_none) {
            Some(free) => free,
            None if self.f_ports.len() < F_PORTS => {
                self.f_ports.push(None);
                self.f_ports.len() - 1
            }
            None => {
                self.counters.links_refused += 1;
                return Err(Refused(format!("all {F_PORTS} F_Ports of fabric {} are taken", self.config.name)));
            }
        };
        log::info!(target: "fabric", "{}: F_Port {number}: {}", self.config.name, link.describe());
        self.f_ports[number] = Some(FPort::new(link, self.f_port_name(number as u16)));
        self.changed = true;
        Ok(number as u16)
    }

    /// Has peers attach themselves by `listener`.
    pub fn listen(&mut self, listener: Box<dyn Listener>) {
        log::info!(target: "fabric", "{}: listens at {}", self.config.name, listener.describe());
        self.listeners.push(listener);
        self.changed = true;
    }

    /// Ends a listener. Its links stay if they can. `false`: there is none that [describes](Listener::describe) itself so.
    pub fn unlisten(&mut self, what: &str) -> bool {
        let before = self.listeners.len();
        self.listeners.retain(|listener| listener.describe() != what);
        self.listeners.len() < before
    }

    /// The listeners, as they describe themselves.
    pub fn listeners(&self) -> Vec<String> {
        self.listeners.iter().map(|listener| listener.describe()).collect()
    }

    /// One turn: looks at all links, moves frames, answers requests. Returns how many things were done.
    pub fn poll(&mut self, now: Tick) -> usize {
        let mut done = self.welcome(now);
        done += self.release(now);
        for offset in 0..self.f_ports.len() {
            let number = (self.first + offset) % self.f_ports.len();
            done += self.poll_port(number as u16, now);
        }
        self.first = self.first.wrapping_add(1) % self.f_ports.len().max(1);
        done += self.notify(now);
        for port in self.f_ports.iter_mut().flatten() {
            port.drain(&mut self.frames, now);
            port.link.flush(now);
        }
        self.listeners.iter_mut().for_each(|listener| listener.flush(now));
        done
    }

    fn welcome(&mut self, now: Tick) -> usize {
        let mut done = 0;
        for n in 0..self.listeners.len() {
            done += self.listeners[n].poll(now);
            while let Some(link) = self.listeners[n].accept(now) {
                done += 1;
                let what = link.describe();
                if let Err(refused) = self.attach(link) {
                    log::warn!(target: "fabric", "{what}: {refused}");
                }
            }
        }
        done
    }

    fn poll_port(&mut self, number: u16, now: Tick) -> usize {
        let mut done = 0;
        while let Some(event) = self.port_mut(number).and_then(|port| port.link.event(now)) {
            done += 1;
            self.link_changed(number, event);
            if event == LinkEvent::Down {
                self.link_down(number, now);
            }
        }
        done += self.port_and_frames(number).map_or(0, |(port, frames)| port.drain(frames, now));
        done += self.take_in(number, now);
        if self.port_mut(number).is_some_and(|port| port.link.is_gone()) {
            self.detach(number, now);
        }
        done
    }

    fn link_changed(&mut self, number: u16, event: LinkEvent) {
        let Some(port) = self.port_mut(number) else { return };
        match event {
            LinkEvent::Up(_) if port.state == State::Offline => {
                port.state = State::Online;
                port.counters.link_ups += 1;
            }
            LinkEvent::Down if port.state == State::Online => {
                port.state = State::Offline;
                port.counters.link_downs += 1;
            }
            _ => {}
        }
    }

    /// Forgets an F_Port whose link is of no use any more.
    fn detach(&mut self, number: u16, now: Tick) {
        self.link_down(number, now);
        if let Some(mut port) = self.f_ports[usize::from(number)].take() {
            log::info!(target: "fabric", "{}: F_Port {number}: {} is gone", self.config.name, port.link.describe());
            port.clear(&mut self.frames);
        }
    }

    /// All logins of a port are over.
    pub(crate) fn link_down(&mut self, number: u16, now: Tick) {
        if let Some((port, frames)) = self.port_and_frames(number) {
            port.clear(frames);
        }
        self.parts.forget(number);
        for place in self.n_ports.on(number) {
            self.log_out(place, now);
        }
    }

    /// Takes in an N_Port that has just logged in.
    pub(crate) fn logged_in(&mut self, place: Place, now: Tick) {
        self.reach.add(&self.n_ports, &self.effective, place);
        self.notices.changed(&mut self.n_ports, &self.reach, place, EventQualifier::NONE, now);
    }

    /// Ends the login of an N_Port, whatever the reason.
    pub(crate) fn log_out(&mut self, place: Place, now: Tick) {
        self.notices.changed(&mut self.n_ports, &self.reach, place, EventQualifier::REMOVED, now);
        self.reach.remove(place);
        if let Some(port) = self.n_ports.remove(place) {
            log::info!(target: "fabric", "{}: {} ({}) logged out", self.config.name, port.name, port.id);
        }
    }

    /// Takes an F_Port down or up: as if its cable were pulled.
    ///
    /// # Errors
    /// There is no such port.
    pub fn set_up(&mut self, number: u16, up: bool, now: Tick) -> Result<(), Refused> {
        let name = self.config.name.clone();
        let port = self.port_mut(number).ok_or_else(|| Refused(format!("fabric {name} has no F_Port {number}")))?;
        if up == (port.state != State::Disabled) {
            return Ok(());
        }
        if port.state == State::Online {
            port.counters.link_downs += 1;
        }
        port.state = if up { State::Offline } else { State::Disabled };
        port.link.set_up(up);
        if !up {
            self.link_down(number, now);
        }
        Ok(())
    }

    /// What is defined.
    pub fn zoning(&self) -> &Zoning {
        &self.zoning
    }

    /// Changes zoning; ports hear of what that changes for them.
    ///
    /// # Errors
    /// Those of `change`; then nothing has changed.
    pub fn rezone<T>(
        &mut self,
        now: Tick,
        change: impl FnOnce(&mut Zoning) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut zoning = self.zoning.clone();
        let result = change(&mut zoning)?;
        self.zoning = zoning;
        let effective = self.zoning.effective();
        if effective != self.effective {
            self.effective = effective;
            let before = self.reach.clone();
            self.reach.rebuild(&self.n_ports, &self.effective);
            self.notices.rezoned(&mut self.n_ports, &before, &self.reach, now);
        }
        Ok(result)
    }

    pub(crate) fn f_port_name(&self, number: u16) -> Wwn {
        f_port_name(self.config.wwn, number)
    }

    pub(crate) fn port_mut(&mut self, number: u16) -> Option<&mut FPort> {
        self.f_ports.get_mut(usize::from(number))?.as_mut()
    }

    pub(crate) fn port_and_frames(&mut self, number: u16) -> Option<(&mut FPort, &mut Frames)> {
        let port = self.f_ports.get_mut(usize::from(number))?.as_mut()?;
        Some((port, &mut self.frames))
    }

    /// The F_Port behind which a port name is logged in.
    pub fn f_port_of(&self, name: Wwn) -> Option<u16> {
        self.n_ports.named(name).map(|(_, port)| port.f_port)
    }

    /// The address of a port name that is logged in.
    pub fn id_of(&self, name: Wwn) -> Option<PortId> {
        self.n_ports.named(name).map(|(_, port)| port.id)
    }

    /// Whether there is work now, or may be without a wake.
    pub fn is_pending(&self) -> bool {
        self.f_ports.iter().flatten().any(FPort::is_pending) || self.listeners.iter().any(|l| l.is_pending())
    }

    /// When it must be polled although nothing wakes it.
    pub fn deadline(&self) -> Option<Tick> {
        let links = self.f_ports.iter().flatten().filter_map(|port| port.link.deadline());
        let listeners = self.listeners.iter().filter_map(|listener| listener.deadline());
        links.chain(listeners).chain(self.notices.deadline()).chain(self.faults.deadline()).min()
    }

    /// Whether links or listeners came since the last time: whoever sleeps on their descriptors asks for those again.
    pub fn has_new_fds(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The descriptors of all links and listeners.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let links = self.f_ports.iter().flatten().filter_map(|port| port.link.fd());
        links.chain(self.listeners.iter().filter_map(|listener| listener.fd()))
    }
}

/// The name of an F_Port: its number in the vendor part of an NAA 2 name made of the switch's.
pub(crate) fn f_port_name(switch: Wwn, number: u16) -> Wwn {
    Wwn(0x2 << 60 | (u64::from(number) + 1) << 48 | switch.0 & 0xffff_ffff_ffff)
}
