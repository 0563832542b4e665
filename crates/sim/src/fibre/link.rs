//! Links that lose frames, hold them up, and deliver them twice.

use super::volume::Fault;
use crate::Chance;
use fc::{FrameBox, Frames, Link, LinkEvent, RingLink};
use ring::Tick;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::fc::{RCtl, Wwn};

/// How bad it is: one frame in so many; never for 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Lost.
    pub lost: u64,
    /// Delivered twice, the second time late.
    pub twice: u64,
    /// Late.
    pub late: u64,
    /// How late at most.
    pub late_by: Tick,
}

/// The weather over all links of a run.
#[derive(Clone)]
pub struct Sky(Arc<Mutex<(Weather, Chance)>>, Fault);

impl Sky {
    /// Weather with its own chance, and a fault that is planted.
    pub fn new(weather: Weather, fault: Fault, chance: Chance) -> Self {
        Self(Arc::new(Mutex::new((weather, chance))), fault)
    }

    /// Whether a planted fault shows itself now.
    fn plants(&self, fault: Fault, once_in: u64) -> bool {
        self.1 == fault && self.lock().1.once_in(once_in)
    }

    /// From now on it is like this.
    pub fn set(&self, weather: Weather) {
        self.lock().0 = weather;
    }

    fn lock(&self) -> MutexGuard<'_, (Weather, Chance)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a ring in bad weather; it spoils what is sent.
pub struct BadLink {
    inner: RingLink,
    sky: Sky,
    frames: Frames,
    late: Vec<(Tick, FrameBox)>,
    up: bool,
    now: Tick,
}

impl BadLink {
    /// An end that takes copies from `frames`, and returns there what is lost.
    pub fn new(inner: RingLink, sky: Sky, frames: Frames) -> Self {
        Self { inner, sky, frames, late: Vec::new(), up: false, now: 0 }
    }

    fn pass_on(&mut self, frame: FrameBox) {
        if self.up && self.inner.room() > 0 {
            self.inner.send(frame);
        } else {
            self.frames.give(frame);
        }
    }

    /// Whether it is lost, by how much it is late, and by how much its copy is.
    fn fate(&self) -> (bool, Option<Tick>, Option<Tick>) {
        let mut sky = self.sky.lock();
        let (weather, chance) = &mut *sky;
        let lost = chance.once_in(weather.lost);
        let late = chance.once_in(weather.late).then(|| chance.below(weather.late_by));
        let copy = chance.once_in(weather.twice).then(|| chance.below(weather.late_by.max(1)));
        (lost, late, copy)
    }
}

impl Link for BadLink {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        self.now = now;
        let event = self.inner.event(now)?;
        self.up = matches!(event, LinkEvent::Up(_));
        if !self.up {
            let late = std::mem::take(&mut self.late);
            late.into_iter().for_each(|(_, frame)| self.frames.give(frame));
        }
        Some(event)
    }

    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.inner.receive(now)
    }

    fn room(&self) -> usize {
        self.inner.room() / 2
    }

    fn send(&mut self, mut frame: FrameBox) {
        if self.sky.plants(Fault::KeepsFrames, 100) {
            return drop(frame);
        }
        let data = frame.header().r_ctl == RCtl::SOLICITED_DATA;
        if data && self.sky.plants(Fault::SpoilsData, 10) {
            frame.payload_room()[20] ^= 1;
        }
        if data && self.sky.plants(Fault::MisplacesData, 10) {
            let header = frame.header_mut();
            header.parameter = (header.parameter() ^ 0x800).into();
        }
        let (lost, late, copy) = self.fate();
        // A FLOGI that comes late is a login anew, by which the fabric forgets all that the port registered; on one cable
        // frames keep their order and no copies are made.
        let to_fabric = frame.header().d_id().is_well_known();
        let (late, copy) = (late.filter(|_| !to_fabric), copy.filter(|_| !to_fabric));
        if let Some(after) = copy
            && let Some(mut twin) = self.frames.take()
        {
            twin.set(frame.header(), frame.payload());
            self.late.push((self.now + after, twin));
        }
        match late {
            _ if lost => self.frames.give(frame),
            Some(after) => self.late.push((self.now + after, frame)),
            None => self.pass_on(frame),
        }
    }

    fn flush(&mut self, now: Tick) {
        self.now = now;
        while let Some(at) = self.late.iter().position(|(due, _)| *due <= now) {
            let (_, frame) = self.late.swap_remove(at);
            self.pass_on(frame);
        }
        self.inner.flush(now);
    }

    fn set_up(&mut self, up: bool) {
        self.inner.set_up(up);
    }

    fn max_payload(&self) -> u16 {
        self.inner.max_payload()
    }

    fn is_pending(&self) -> bool {
        self.inner.is_pending()
    }

    fn deadline(&self) -> Option<Tick> {
        self.late.iter().map(|(due, _)| *due).min()
    }

    fn is_gone(&self) -> bool {
        self.inner.is_gone()
    }

    fn peer_name(&self, peer: wire::fc::PortId) -> Option<Wwn> {
        self.inner.peer_name(peer)
    }

    fn describe(&self) -> String {
        "bad ring".to_owned()
    }
}
