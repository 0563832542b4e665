//! The switches that an ENode has heard of.

use crate::fcoe::MS;
use ring::Tick;
use wire::fc::Wwn;
use wire::fcoe::{FcMap, Mac};
use wire::fip::{Kind, Message};

/// Most that are remembered.
const MOST: usize = 16;

/// A switch as it says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forwarder {
    pub mac: Mac,
    pub name: Wwn,
    pub map: FcMap,
    priority: u8,
    available: bool,
    /// Frames of our size get through to it.
    pub fits: bool,
    pub period: Tick,
    pub no_keep_alive: bool,
    pub heard: Tick,
}

impl Forwarder {
    /// `None` for what is no advertisement of a switch that could be used.
    pub(super) fn read(message: &Message<'_>, now: Tick) -> Option<Self> {
        let (period_ms, no_keep_alive) = message.fka_adv_period()?;
        let flags = message.flags;
        let found = Self {
            mac: message.mac().filter(|mac| mac.is_station())?,
            name: message.name()?,
            map: message.fabric()?.map,
            priority: message.priority()?,
            available: flags.available() && flags.fpma(),
            fits: false,
            period: Tick::from(period_ms.clamp(250, 90_000)) * MS,
            no_keep_alive,
            heard: now,
        };
        (message.kind == Kind::Advertisement && flags.f_port()).then_some(found)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        (self.mac, self.name, self.map) == (other.mac, other.name, other.map)
    }

    /// Takes over what may change while it is in use.
    pub(super) fn refresh(&mut self, heard: &Self) {
        (self.period, self.no_keep_alive, self.heard) = (heard.period, heard.no_keep_alive, heard.heard);
    }
}

#[derive(Default)]
pub(super) struct Forwarders(Vec<Forwarder>);

impl Forwarders {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Remembers it; `false` when it has not shown yet that frames of our size get through.
    pub(super) fn hear(&mut self, heard: Forwarder) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| known.is(&heard)) {
            let fits = known.fits || heard.fits;
            *known = Forwarder { fits, ..heard };
            return fits;
        }
        if self.0.len() == MOST {
            // No room for one more: leave it alone.
            return true;
        }
        self.0.push(heard);
        heard.fits
    }

    /// The one to use: of the smallest priority, then of the smallest name.
    pub(super) fn best(&self) -> Option<Forwarder> {
        let usable = self.0.iter().filter(|known| known.fits && known.available);
        usable.min_by_key(|known| (known.priority, known.name)).copied()
    }
}
