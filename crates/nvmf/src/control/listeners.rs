//! Where subsystems are offered.

use crate::control::turn::Turn;
use crate::control::{Error, ListenAddress, Target};
use crate::view::{ListenerView, SubsystemView};

impl Target {
    /// Offers a subsystem at an address. The first one there starts to listen.
    ///
    /// # Errors
    /// No such subsystem or transport, a subsystem that is there already, or an address that cannot be listened at.
    pub fn add_listener(&self, nqn: &str, address: &ListenAddress) -> Result<(), Error> {
        let turn = self.turn();
        let entry = turn.model().subsystem(nqn)?;
        if entry.own.iter().any(|own| address.is(own)) {
            return Err(Error::Exists(format!("{nqn} is offered at {address} already")));
        }
        let transport = turn.model().transport(address.trtype);
        let missing = || format!("there is no {} transport; create it first", address.trtype.name());
        let transport = transport.ok_or_else(|| Error::Refused(missing()))?;
        let known = turn.model().listener(address).cloned();
        let listener = known.clone().unwrap_or_else(|| address.listener(turn.model().number_listener()));
        let mut told = turn.offer(nqn, &listener)?;
        if known.is_none() {
            if let Err(why) = transport.listen(&listener) {
                let _ = turn.withdraw(nqn, listener.id)?;
                return Err(Error::Failed(format!("{address}: {why}")));
            }
            turn.model().listeners.push(listener);
            told = told.and(turn.refresh_offers());
        }
        turn.discovery_changed();
        told.done(())
    }

    /// Offers a subsystem at an address no more; the last one there stops listening. Queues that came by it end.
    ///
    /// # Errors
    /// No such subsystem, or one that is not offered there.
    pub fn remove_listener(&self, nqn: &str, address: &ListenAddress) -> Result<(), Error> {
        let turn = self.turn();
        let entry = turn.model().subsystem(nqn)?;
        let listener = entry.own.iter().find(|own| address.is(own)).cloned();
        let listener = listener.ok_or_else(|| Error::NotFound(format!("{nqn} is not offered at {address}")))?;
        let mut told = turn.withdraw(nqn, listener.id)?;
        if !turn.model().is_used(listener.id) {
            turn.unlisten(&listener);
            told = told.and(turn.refresh_offers()).and(turn.close(listener.id));
        }
        turn.discovery_changed();
        told.done(())
    }
}

impl Turn<'_> {
    /// Adds a listener to a subsystem.
    fn offer(&self, nqn: &str, listener: &ListenerView) -> Result<super::turn::Told, Error> {
        let mut entry = self.model().subsystem(nqn)?;
        entry.own.push(listener.clone());
        self.put_offer(entry)
    }

    /// Takes a listener from a subsystem.
    fn withdraw(&self, nqn: &str, listener: u32) -> Result<super::turn::Told, Error> {
        let mut entry = self.model().subsystem(nqn)?;
        entry.own.retain(|own| own.id != listener);
        self.put_offer(entry)
    }

    fn put_offer(&self, entry: super::model::Entry) -> Result<super::turn::Told, Error> {
        let listeners = self.model().offered(&entry);
        let view = SubsystemView { listeners, ..(*entry.view).clone() };
        self.put(entry.with(view))
    }

    /// Stops to accept at an address.
    pub(super) fn unlisten(&self, listener: &ListenerView) {
        let transport = self.model().transport(listener.trtype);
        if let Some(Err(why)) = transport.map(|transport| transport.unlisten(listener.id)) {
            log::warn!(target: "nvmf", "{} {}: {why}", listener.traddr, listener.trsvcid);
        }
        self.model().listeners.retain(|known| known.id != listener.id);
    }
}
