//! What all cores share: of one logical unit [`Shared`], of the whole device server [`Device`].
//!
//! - Owns: per logical unit its reservations, mode pages and exclusions; for all of them the tokens of copies, and where
//!   state outlives the process.
//! - In: rare commands of any core (PERSISTENT RESERVE OUT, MODE SELECT, POPULATE TOKEN, ...).
//! - Out: verdicts for every command.
//!
//! Each part is a `Mutex` that rare commands take for a moment, and an atomic generation that the I/O path loads: while it has
//! not moved, what a nexus was told before holds.

mod access;
mod clock;
mod exclusion;
mod known;
mod medium;
mod modes;
mod reservations;
mod sanitize;
mod tokens;

pub(crate) use access::Group as PortGroup;
pub use access::{AccessState, AccessStates, Cause};
pub(crate) use clock::Clock;
pub(crate) use exclusion::{Exclusion, Span, Who};
pub(crate) use known::Known;
pub(crate) use medium::Prevention;
pub(crate) use modes::{Modes, Selected};
pub(crate) use reservations::{
    Action, Allowed, Effects, IDS_AT, ItNexus, Kind, Request, Reservations, Seat, Served, Store, Table,
};
pub(crate) use sanitize::Sanitize;
pub(crate) use tokens::{Stands, Token, Tokens, UnitTokens};

use crate::control::Keeper;

/// What all cores share of one logical unit, for as long as it is one: new views of it keep it.
#[derive(Debug, Default)]
pub struct Shared {
    pub(crate) reservations: Reservations,
    pub(crate) modes: Modes,
    pub(crate) clock: Clock,
    pub(crate) prevention: Prevention,
    pub(crate) sanitize: Sanitize,
    pub(crate) exclusion: Exclusion,
    pub(crate) tokens: UnitTokens,
}

impl Shared {
    /// The logical unit is reset: nobody holds it by RESERVE, mode parameters are the default ones again, and nobody prevents that a medium is taken out.
    pub(crate) fn reset(&self) {
        self.reservations.let_go(|_| true);
        self.modes.reset();
        self.prevention.reset();
    }
}

/// What all cores of all transports share of the device server.
#[derive(Debug, Default)]
pub struct Device {
    pub(crate) keeper: Keeper,
    pub(crate) known: Known,
    pub(crate) tokens: Tokens,
}
