//! The subsystems as this core has them: the control plane's copy, and the devices that are open here.

use crate::view::{NamespaceView, SubsystemView};
use bdev::Features;
use ring::Tag;
use std::sync::Arc;

/// What planning an I/O command needs to know of a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespace {
    /// The device, as the group named it.
    pub target: Tag,
    pub blocks: u64,
    /// Bytes of a block, as a power of two.
    pub shift: u32,
    pub features: Features,
}

/// A subsystem on this core.
pub(crate) struct Subsystem {
    pub view: Arc<SubsystemView>,
    /// By NSID - 1.
    table: Vec<Option<Namespace>>,
    /// It is being removed: nobody connects any more.
    pub going: bool,
}

impl Subsystem {
    /// The open device of a namespace.
    #[inline]
    pub fn namespace(&self, nsid: u32) -> Option<&Namespace> {
        self.table.get(nsid.wrapping_sub(1) as usize)?.as_ref()
    }

    /// The active namespaces' identifiers, rising.
    pub fn nsids(&self) -> impl Iterator<Item = u32> {
        self.view.namespaces.iter().map(|ns| ns.nsid)
    }

    /// The control plane's copy of a namespace.
    pub fn view_of(&self, nsid: u32) -> Option<&NamespaceView> {
        self.view.namespaces.iter().find(|ns| ns.nsid == nsid)
    }

    /// The one with a volatile cache, if no other has one: `Err` when several have.
    pub fn volatile(&self) -> Result<Option<&Namespace>, ()> {
        let mut volatile = self.table.iter().flatten().filter(|ns| ns.features.volatile_cache);
        match (volatile.next(), volatile.next()) {
            (first, None) => Ok(first),
            _ => Err(()),
        }
    }

    /// Whether a host may connect.
    pub fn allows(&self, hostnqn: &str) -> bool {
        self.view.allow_any_host || self.view.hosts.iter().any(|host| host == hostnqn)
    }

    /// Whether it is offered at a listener.
    pub fn is_at(&self, listener: u32) -> bool {
        self.view.any_listener || self.view.listeners.iter().any(|l| l.id == listener)
    }
}

/// A device that was opened for a namespace, or kept.
pub(crate) struct Opened<'a> {
    pub view: &'a NamespaceView,
    pub target: Tag,
}

/// What a new copy changed.
#[derive(Default)]
pub(crate) struct Change {
    /// Devices that are not used any more.
    pub gone: Vec<Tag>,
    /// Namespaces that are new, gone, or different.
    pub nsids: Vec<u32>,
}

/// All subsystems on this core. A place is used anew only after the last queue and controller of it is gone.
#[derive(Default)]
pub(crate) struct Subsystems {
    places: Vec<Option<Subsystem>>,
}

impl Subsystems {
    #[inline]
    pub fn get(&self, place: u32) -> Option<&Subsystem> {
        self.places.get(place as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, place: u32) -> Option<&mut Subsystem> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Subsystem)> {
        self.places.iter().enumerate().filter_map(|(place, s)| Some((place as u32, s.as_ref()?)))
    }

    pub fn by_id(&self, id: u32) -> Option<(u32, &Subsystem)> {
        self.iter().find(|(_, s)| s.view.id == id)
    }

    /// The one that hosts may connect to by this name.
    pub fn by_nqn(&self, nqn: &str) -> Option<(u32, &Subsystem)> {
        self.iter().find(|(_, s)| !s.going && s.view.nqn == nqn)
    }

    /// The device that is open already for a namespace of a new copy.
    pub fn kept(&self, id: u32, new: &NamespaceView) -> Option<Tag> {
        let (_, subsystem) = self.by_id(id)?;
        let old = subsystem.view_of(new.nsid)?;
        let same = Arc::ptr_eq(&old.device, &new.device) && old.uuid == new.uuid;
        if same { subsystem.namespace(new.nsid).map(|ns| ns.target) } else { None }
    }

    /// Puts a new copy in the place of the old one, or in a free one.
    pub fn replace(&mut self, view: &Arc<SubsystemView>, opened: &[Opened<'_>]) -> (u32, Change) {
        let place = self.place_for(view.id);
        let slot = &mut self.places[place];
        let mut change = Change::default();
        if let Some(old) = slot {
            change.gone = old.targets().filter(|tag| opened.iter().all(|o| o.target != *tag)).collect();
            change.nsids = changed(&old.view, view);
        }
        *slot = Some(Subsystem { view: view.clone(), table: table(opened), going: false });
        (place as u32, change)
    }

    /// Has nobody connect any more, and gives up the devices.
    pub fn start_removing(&mut self, place: u32) -> Vec<Tag> {
        let Some(subsystem) = self.get_mut(place) else { return Vec::new() };
        let targets = subsystem.targets().collect();
        subsystem.going = true;
        subsystem.table.clear();
        targets
    }

    pub fn remove(&mut self, place: u32) {
        self.places[place as usize] = None;
    }

    fn place_for(&mut self, id: u32) -> usize {
        let same = self.places.iter().position(|s| s.as_ref().is_some_and(|s| s.view.id == id));
        same.or_else(|| self.places.iter().position(Option::is_none)).unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        })
    }
}

impl Subsystem {
    fn targets(&self) -> impl Iterator<Item = Tag> + use<'_> {
        self.table.iter().flatten().map(|ns| ns.target)
    }
}

fn table(opened: &[Opened<'_>]) -> Vec<Option<Namespace>> {
    let highest = opened.iter().map(|o| o.view.nsid).max().unwrap_or(0) as usize;
    let mut table = vec![None; highest];
    for Opened { view, target } in opened {
        let info = &view.info;
        table[view.nsid as usize - 1] = Some(Namespace {
            target: *target,
            blocks: info.blocks,
            shift: info.block_size.trailing_zeros(),
            features: info.features,
        });
    }
    table
}

fn changed(old: &SubsystemView, new: &SubsystemView) -> Vec<u32> {
    let find = |view: &SubsystemView, nsid| view.namespaces.iter().find(|ns| ns.nsid == nsid).cloned();
    let mut nsids: Vec<u32> = old.namespaces.iter().chain(&new.namespaces).map(|ns| ns.nsid).collect();
    nsids.sort_unstable();
    nsids.dedup();
    nsids.retain(|nsid| match (find(old, *nsid), find(new, *nsid)) {
        (Some(a), Some(b)) => {
            a.uuid != b.uuid
                || a.nguid != b.nguid
                || a.eui64 != b.eui64
                || a.info.blocks != b.info.blocks
                || a.info.block_size != b.info.block_size
                || a.info.features != b.info.features
        }
        _ => true,
    });
    nsids
}
