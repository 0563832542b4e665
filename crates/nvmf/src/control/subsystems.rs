//! Making and deleting subsystems; who may connect.

use crate::ControllerIds;
use crate::control::model::Entry;
use crate::control::nqn::{check_nqn, check_text};
use crate::control::{Error, Target};
use crate::view::SubsystemView;

/// Lowest controller identifier.
pub const MIN_CNTLID: u16 = 1;
/// Highest; those above are the standard's own.
pub const MAX_CNTLID: u16 = 0xffef;
/// Highest NSID that a subsystem may be made for.
pub const MOST_NAMESPACES: u32 = 65_535;
/// Namespaces of a subsystem that does not say how many.
pub const DEFAULT_NAMESPACES: u32 = 32;

/// A subsystem to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubsystem {
    /// Its name.
    pub nqn: String,
    /// At most 20 printable ASCII characters.
    pub serial: String,
    /// At most 40 printable ASCII characters.
    pub model: String,
    /// Anyone may connect.
    pub allow_any_host: bool,
    /// Highest NSID.
    pub max_namespaces: u32,
    /// Lowest controller identifier.
    pub min_cntlid: u16,
    /// Highest controller identifier.
    pub max_cntlid: u16,
    /// It is offered at every listener of the process, now and later.
    pub any_listener: bool,
}

impl NewSubsystem {
    /// One with SPDK's defaults.
    pub fn named(nqn: impl Into<String>) -> Self {
        Self {
            nqn: nqn.into(),
            serial: "00000000000000000000".to_owned(),
            model: "SPDK bdev Controller".to_owned(),
            allow_any_host: false,
            max_namespaces: DEFAULT_NAMESPACES,
            min_cntlid: MIN_CNTLID,
            max_cntlid: MAX_CNTLID,
            any_listener: false,
        }
    }

    /// Whether its controller identifiers are a range.
    pub fn is_cntlid_range(&self) -> bool {
        MIN_CNTLID <= self.min_cntlid && self.min_cntlid <= self.max_cntlid && self.max_cntlid <= MAX_CNTLID
    }

    /// Whether serial and model number may stand in Identify data.
    ///
    /// # Errors
    /// [`Error::Refused`] with which may not, and why.
    pub fn check_texts(&self) -> Result<(), Error> {
        check_text("serial_number", &self.serial, 20)?;
        check_text("model_number", &self.model, 40)
    }

    fn check(&self) -> Result<(), Error> {
        check_nqn(&self.nqn)?;
        self.check_texts()?;
        if !self.is_cntlid_range() {
            let text = format!("Invalid cntlid range [{}-{}]", self.min_cntlid, self.max_cntlid);
            return Err(Error::Refused(text));
        }
        if self.max_namespaces == 0 || self.max_namespaces > MOST_NAMESPACES {
            return Err(Error::refused(format!("max_namespaces: from 1 to {MOST_NAMESPACES}")));
        }
        Ok(())
    }

    fn view(self, id: u32) -> SubsystemView {
        SubsystemView {
            id,
            nqn: self.nqn,
            discovery: false,
            serial: self.serial,
            model: self.model,
            allow_any_host: self.allow_any_host,
            hosts: Vec::new(),
            listeners: Vec::new(),
            any_listener: self.any_listener,
            max_namespaces: self.max_namespaces,
            min_cntlid: self.min_cntlid,
            max_cntlid: self.max_cntlid,
            cntlids: ControllerIds::new(self.min_cntlid, self.max_cntlid),
            namespaces: Vec::new(),
        }
    }
}

impl Target {
    /// Makes a subsystem.
    ///
    /// # Errors
    /// Anything in it that cannot be, a name that is taken, too many subsystems, or a core that cannot.
    pub fn create_subsystem(&self, new: NewSubsystem) -> Result<(), Error> {
        new.check()?;
        let turn = self.turn();
        let entry = {
            let mut model = turn.model();
            if model.subsystem(&new.nqn).is_ok() {
                return Err(Error::Exists(format!("{} exists already", new.nqn)));
            }
            if model.subsystems.len() > model.max_subsystems as usize {
                return Err(Error::refused(format!(
                    "there are {} subsystems, as many as there may be",
                    model.max_subsystems
                )));
            }
            let mut entry = Entry::new(new.view(model.number_subsystem()));
            let listeners = model.offered(&entry);
            entry = entry.with(SubsystemView { listeners, ..(*entry.view).clone() });
            entry
        };
        let offered = !entry.view.listeners.is_empty();
        let told = turn.put(entry)?;
        if offered {
            turn.discovery_changed();
        }
        told.done(())
    }

    /// Deletes a subsystem: ends its controllers, lets its devices go, stops listening where only it was offered.
    ///
    /// # Errors
    /// No such subsystem, the discovery subsystem, or [`Error::Silent`]: then it is still listed and can be deleted again.
    pub fn delete_subsystem(&self, nqn: &str) -> Result<(), Error> {
        let turn = self.turn();
        let entry = turn.model().subsystem(nqn)?;
        if entry.view.discovery {
            return Err(Error::refused("the discovery subsystem stays"));
        }
        if let Some(kept) = turn.model().subsystems.get_mut(&entry.view.id) {
            kept.own.clear();
        }
        let unheard = entry.own.iter().filter(|listener| !turn.model().is_used(listener.id)).collect::<Vec<_>>();
        unheard.iter().for_each(|listener| turn.unlisten(listener));
        let mut told = turn.remove(entry.view.id);
        if turn.model().subsystem(nqn).is_err() {
            entry.view.namespaces.iter().for_each(|namespace| self.unclaim(&namespace.info.name));
        }
        for listener in unheard {
            told = told.and(turn.close(listener.id));
        }
        told = told.and(turn.refresh_offers());
        turn.discovery_changed();
        told.done(())
    }

    /// Lets a host connect.
    ///
    /// # Errors
    /// No such subsystem, a name that is none, or one that is in the list.
    pub fn add_host(&self, nqn: &str, host: &str) -> Result<(), Error> {
        self.change_access(nqn, |view| {
            check_nqn(host)?;
            if view.hosts.iter().any(|known| known == host) {
                return Err(Error::Exists(format!("{host} may connect already")));
            }
            view.hosts.push(host.to_owned());
            Ok(())
        })
    }

    /// Lets a host connect no more, and ends its controllers.
    ///
    /// # Errors
    /// No such subsystem, or a host that is not in the list.
    pub fn remove_host(&self, nqn: &str, host: &str) -> Result<(), Error> {
        self.change_access(nqn, |view| {
            let at = view.hosts.iter().position(|known| known == host);
            let at = at.ok_or_else(|| Error::NotFound(format!("{host} is not in the list")))?;
            view.hosts.remove(at);
            Ok(())
        })
    }

    /// Lets anyone connect, or only the hosts of the list.
    ///
    /// # Errors
    /// No such subsystem.
    pub fn set_allow_any_host(&self, nqn: &str, allow: bool) -> Result<(), Error> {
        self.change_access(nqn, |view| {
            view.allow_any_host = allow;
            Ok(())
        })
    }

    fn change_access(
        &self,
        nqn: &str,
        edit: impl FnOnce(&mut SubsystemView) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let turn = self.turn();
        let ((), told) = turn.edit(nqn, edit)?;
        turn.discovery_changed();
        told.done(())
    }
}
