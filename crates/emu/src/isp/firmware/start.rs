//! How commands start: memory for their data, then an exchange; without either they wait, in their order.

use super::commands::{Flow, Order};
use super::core::Core;
use super::data::{gather, refusal};
use super::status;
use dma::Pool;
use fc::fc2::{Direction, Route};
use pci::Bus;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use wire::isp::iocb::CompletionStatus;

/// Why a command does not start now.
enum Hindrance {
    /// No memory or frame: later.
    Wait,
    /// It ends with this status.
    Ends(CompletionStatus),
    /// All exchanges are taken.
    Busy,
}

impl Core {
    /// Takes a command on. It ends with a Status entry, or goes back with an entry status.
    pub fn submit(&mut self, bus: &mut dyn Bus, order: Order) {
        if order.count > self.pool.largest() && order.flow != Flow::None {
            return self.refuse(order.queue, &order.entry, refusal::PARAMETER);
        }
        let tag = self.commands.add(order);
        if self.commands.waiting.is_empty() {
            self.start_or_end(bus, tag);
        } else {
            self.wait(tag);
        }
    }

    fn wait(&mut self, tag: Tag) {
        self.counters.waited += 1;
        self.commands.waiting.push_back(tag);
    }

    /// When the first of those that wait is given up.
    pub fn waiting_deadline(&self) -> Option<Tick> {
        let orders = self.commands.waiting.iter().filter_map(|tag| self.commands.all.get(*tag));
        orders.map(|order| order.expires).min().filter(|expires| *expires != Tick::MAX)
    }

    /// Starts what waited and can go now, gives up what waited too long; returns how many.
    pub fn start_waiting(&mut self, bus: &mut dyn Bus) -> usize {
        let mut started = 0;
        if self.waiting_deadline().is_some_and(|expires| expires <= self.now) {
            started += self.end_waiting(CompletionStatus::TIMEOUT, |order, now| order.expires <= now);
        }
        while let Some(tag) = self.commands.waiting.pop_front() {
            if let Err(Hindrance::Wait) = self.try_start(bus, tag) {
                self.commands.waiting.push_front(tag);
                break;
            }
            started += 1;
        }
        started
    }

    fn start_or_end(&mut self, bus: &mut dyn Bus, tag: Tag) {
        if let Err(Hindrance::Wait) = self.try_start(bus, tag) {
            self.wait(tag);
        }
    }

    /// Starts a command, or ends it; what must wait is left.
    fn try_start(&mut self, bus: &mut dyn Bus, tag: Tag) -> Result<(), Hindrance> {
        match self.start(bus, tag) {
            Ok(()) => Ok(()),
            Err(Hindrance::Wait) => Err(Hindrance::Wait),
            Err(Hindrance::Ends(status)) => {
                self.end_unsent(tag, status);
                Ok(())
            }
            Err(Hindrance::Busy) => {
                if let Some(order) = self.commands.all.remove(tag) {
                    self.refuse(order.queue, &order.entry, refusal::BUSY);
                    self.aborts_done(order.aborts);
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, bus: &mut dyn Bus, tag: Tag) -> Result<(), Hindrance> {
        let Some(order) = self.commands.all.get(tag) else { return Ok(()) };
        if self.now >= order.expires {
            return Err(Hindrance::Ends(CompletionStatus::TIMEOUT));
        }
        let gone = Hindrance::Ends(CompletionStatus::PORT_LOGGED_OUT);
        let login = self.logins.get(order.vp, order.nport).filter(|login| login.speaks(order.kind.fc4()));
        let port = self.ports.get(usize::from(order.vp)).filter(|port| port.is_online());
        let Some((login, port)) = login.zip(port) else { return Err(gone) };
        if self.fc2.open() >= self.places {
            return Err(Hindrance::Busy);
        }
        let route = Route { local: port.id, remote: login.id, max_payload: login.max_payload };
        let data = stage(&mut self.pool, bus, order).inspect_err(|hindrance| {
            self.counters.faults += u64::from(matches!(hindrance, Hindrance::Ends(_)));
        })?;
        let timeout = if order.expires == Tick::MAX { Tick::MAX } else { order.expires - self.now };
        let fc4 = order.kind.fc4();
        match self.fc2.command(route, fc4, &order.iu, data, timeout, tag.to_u64(), self.now) {
            Ok(xid) => {
                if let Some(order) = self.commands.all.get_mut(tag) {
                    order.xid = Some(xid);
                }
                Ok(())
            }
            Err((_, data)) => {
                self.pool.give(data.into_data());
                Err(Hindrance::Wait)
            }
        }
    }

    /// A command that never got an exchange is over.
    pub fn end_unsent(&mut self, tag: Tag, status: CompletionStatus) {
        if let Some(order) = self.commands.all.remove(tag) {
            self.respond(order.queue, vec![status::failed(&order, status, 0)]);
            self.aborts_done(order.aborts);
        }
    }

    /// The login of commands that wait is gone.
    pub fn fail_waiting(&mut self, vp: u8, nport: u16) {
        self.end_waiting(CompletionStatus::PORT_LOGGED_OUT, |order, _| (order.vp, order.nport) == (vp, nport));
    }

    fn end_waiting(&mut self, status: CompletionStatus, which: impl Fn(&Order, Tick) -> bool) -> usize {
        let (all, now) = (&self.commands.all, self.now);
        let meant = |tag: &Tag| all.get(*tag).is_some_and(|order| which(order, now));
        let (gone, rest): (VecDeque<Tag>, _) = self.commands.waiting.iter().copied().partition(meant);
        self.commands.waiting = rest;
        let count = gone.len();
        gone.into_iter().for_each(|tag| self.end_unsent(tag, status));
        count
    }
}

/// Memory for the data of a command, filled with what goes out.
fn stage(pool: &mut Pool, bus: &mut dyn Bus, order: &Order) -> Result<Direction, Hindrance> {
    if order.flow == Flow::None {
        return Ok(Direction::None);
    }
    let mut data = pool.take(order.count).ok_or(Hindrance::Wait)?;
    if order.flow == Flow::In {
        return Ok(Direction::In(data));
    }
    match gather(bus, &order.segments, data.bytes_mut()) {
        Ok(()) => Ok(Direction::Out(data)),
        Err(_) => {
            pool.give(data);
            Err(Hindrance::Ends(CompletionStatus::DMA_ERROR))
        }
    }
}
