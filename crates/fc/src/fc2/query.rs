//! What others want to know of an exchange: REC, RRQ, and counts.

use super::exchange::{Exchange, State};
use super::{ExchangeStatus, Fc2};
use crate::Fc4;
use wire::fc::els::RecStatus;
use wire::fc::{PortId, UNASSIGNED};

impl Fc2 {
    /// Answers REC from `remote` to `local`, about an exchange of `originator`. `None`: LS_RJT, logical error, invalid OX_ID-RX_ID.
    pub fn rec(
        &self,
        local: PortId,
        remote: PortId,
        originator: PortId,
        ox_id: u16,
        rx_id: u16,
    ) -> Option<ExchangeStatus> {
        let place = self.subject(local, remote, originator, ox_id, rx_id)?;
        let exchange = self.table.at(place);
        let (ox_id, rx_id) = exchange.identifiers();
        let responder = if originator == local { remote } else { local };
        let (fc4_value, status) = (moved(exchange), status(exchange));
        Some(ExchangeStatus { ox_id, rx_id, originator, responder, fc4_value, status })
    }

    /// RRQ from `remote` to `local`: forgets the recovery qualifier. `false`: there is no such exchange (LS_RJT as for REC).
    pub fn rrq(&mut self, local: PortId, remote: PortId, originator: PortId, ox_id: u16, rx_id: u16) -> bool {
        let place = self.subject(local, remote, originator, ox_id, rx_id);
        let place = place.filter(|place| self.table.at(*place).state == State::Qualified);
        place.map(|place| self.release(place)).is_some()
    }

    /// The exchange that a link service names.
    fn subject(&self, local: PortId, remote: PortId, originator: PortId, ox_id: u16, rx_id: u16) -> Option<u16> {
        let place = match originator {
            _ if originator == remote => self.table.find_theirs(remote, local, ox_id)?,
            _ if originator == local => self.table.find(ox_id)?,
            _ => return None,
        };
        let exchange = self.table.at(place);
        let (_, known) = exchange.identifiers();
        let between = exchange.route.local == local && exchange.route.remote == remote;
        let ours = exchange.originator == (originator == local);
        (between && ours && (rx_id == UNASSIGNED || known == UNASSIGNED || rx_id == known)).then_some(place)
    }

    /// Exchanges that are open between two addresses, of one upper protocol or of any; ELS do not count.
    pub fn open_between(&self, local: PortId, remote: PortId, fc4: Option<Fc4>) -> u32 {
        let between = |exchange: &Exchange| {
            exchange.state != State::Qualified
                && exchange.route.local == local
                && exchange.route.remote == remote
                && exchange.belongs_to(fc4)
        };
        self.table.taken().filter(|(_, exchange)| between(exchange)).count() as u32
    }

    /// Exchanges in the table, recovery qualifiers included. For tests and for a look from outside.
    pub fn open(&self) -> usize {
        self.table.capacity() - self.table.free()
    }

    /// How many of them are over, and only keep their identifiers out of use.
    pub fn qualified(&self) -> usize {
        self.table.taken().filter(|(_, exchange)| exchange.state == State::Qualified).count()
    }
}

/// Bytes that were moved.
fn moved(exchange: &Exchange) -> u32 {
    match exchange.state {
        State::Transmitting => exchange.cursor,
        State::Receiving | State::Commanding | State::Aborting => exchange.extents.covered(),
        _ => 0,
    }
}

fn status(exchange: &Exchange) -> RecStatus {
    let over = exchange.state == State::Qualified;
    let initiative = match exchange.state {
        State::Receiving => exchange.burst,
        State::Gathering | State::Asking => false,
        State::Commanding | State::Aborting => exchange.burst,
        _ => true,
    };
    RecStatus::default()
        .with_owner_is_responder(!exchange.originator)
        .with_initiative_here(initiative && !over)
        .with_complete(over)
        .with_abnormal(over)
        .with_recovery_qualifier(over)
}
