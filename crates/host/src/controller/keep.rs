//! What a host does besides commands: keep-alive, and waiting for asynchronous events.

use super::Controller;
use crate::{Error, Payload, Result, Slot};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use wire::nvme::{AdminOpcode, Event, EventConfig, FeatureId, Sqe};

#[derive(Debug)]
pub(super) struct Keep {
    kato: Duration,
    /// When the last Keep Alive was sent, and its slot while it is out.
    sent: Instant,
    alive: Option<Slot>,
    requests: Vec<Slot>,
    events: VecDeque<Event>,
}

impl Keep {
    pub fn new(kato: Duration) -> Keep {
        Keep { kato, sent: Instant::now(), alive: None, requests: Vec::new(), events: VecDeque::new() }
    }

    /// A reset took the Asynchronous Event Requests away (their completions were aborted or will not come).
    pub fn forget_events(&mut self) {
        self.requests.clear();
    }
}

/// Asynchronous Event Requests that are kept at the controller.
const REQUESTS: usize = 4;

impl Controller {
    /// Turns on the notices that the controller offers, and sends Asynchronous Event Requests.
    pub(super) fn start_events(&mut self) -> Result<()> {
        let offered = EventConfig(self.identify.oaes.get() & 0xffff_ff00);
        let wanted = EventConfig::default()
            .with_namespace(offered.namespace())
            .with_discovery(offered.discovery())
            .with_ana(offered.ana());
        if self.address.is_discovery() && !offered.discovery() {
            return Ok(());
        }
        self.set_feature(FeatureId::ASYNC_EVENT_CONFIG, wanted.0)?;
        let most = usize::from(self.identify.aerl) + 1;
        while self.keep.requests.len() < most.min(REQUESTS) {
            self.request_event()?;
        }
        self.admin.poll().map(drop)
    }

    fn request_event(&mut self) -> Result<()> {
        let slot = self.admin.take().ok_or_else(|| Error::Controller("the admin queue is full".to_owned()))?;
        self.admin.start(slot, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Payload::None);
        self.keep.requests.push(slot);
        Ok(())
    }

    /// To be called now and then, at least every quarter of the Keep Alive Timeout: sends keep-alives, collects events.
    ///
    /// # Errors
    /// The connection is dead, or a keep-alive failed.
    pub fn tick(&mut self) -> Result<()> {
        let due = !self.keep.kato.is_zero() && self.keep.sent.elapsed() >= self.keep.kato / 3;
        if due
            && self.keep.alive.is_none()
            && let Some(slot) = self.admin.take()
        {
            self.admin.start(slot, Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0), Payload::None);
            self.keep.alive = Some(slot);
            self.keep.sent = Instant::now();
        }
        if due && self.keep.alive.is_some() && self.keep.sent.elapsed() > self.keep.kato {
            return Err(Error::Timeout { what: "Keep Alive".to_owned(), after: self.keep.kato });
        }
        self.admin.poll()?;
        while let Some(done) = self.admin.next_done() {
            self.admin.give(done.slot);
            self.background_done(done)?;
        }
        Ok(())
    }

    fn background_done(&mut self, done: crate::Completion) -> Result<()> {
        let status = done.cqe.status();
        if self.keep.alive == Some(done.slot) {
            self.keep.alive = None;
            if !status.is_success() {
                return Err(Error::Status { command: "Keep Alive".to_owned(), status });
            }
        } else if let Some(at) = self.keep.requests.iter().position(|&slot| slot == done.slot) {
            self.keep.requests.swap_remove(at);
            if status.is_success() {
                self.keep.events.push_back(Event::from_dw0(done.cqe.dw0.get()));
                self.request_event()?;
            }
        }
        Ok(())
    }

    /// The next event that came. Reading its log page lets the controller report the next of its type.
    pub fn next_event(&mut self) -> Option<Event> {
        self.keep.events.pop_front()
    }

    /// Asynchronous Event Requests that are at the controller now.
    pub fn event_requests(&self) -> usize {
        self.keep.requests.len()
    }
}
