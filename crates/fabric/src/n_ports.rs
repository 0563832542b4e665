//! Who is logged in, and under which address. Addresses stay with a port name as long as the switch lives.

use crate::directory::Object;
use crate::limits::{N_PORTS, REMEMBERED};
use crate::notices::Registration;
use std::collections::{BTreeSet, HashMap};
use wire::fc::{PortId, Wwn};

/// A place in the table of N_Ports; zoning uses it, too.
pub(crate) type Place = u16;

/// A logged in N_Port.
pub(crate) struct NPort {
    pub(crate) id: PortId,
    pub(crate) name: Wwn,
    pub(crate) node: Wwn,
    /// Number of its F_Port.
    pub(crate) f_port: u16,
    /// The longest payload that it takes.
    pub(crate) max_payload: u16,
    /// It logged in by FDISC.
    pub(crate) is_virtual: bool,
    /// What the name server knows.
    pub(crate) object: Object,
    /// What it wants to be told.
    pub(crate) registration: Registration,
}

/// All of them.
pub(crate) struct NPorts {
    domain: u8,
    places: Vec<Option<NPort>>,
    /// By area and port of the address: place + 1, or 0.
    routes: Box<[Place]>,
    by_name: HashMap<Wwn, Place>,
    remembered: HashMap<Wwn, PortId>,
    given: BTreeSet<PortId>,
    /// Where the search for an address outside of its area goes on.
    cursor: u16,
}

impl NPorts {
    pub(crate) fn new(domain: u8) -> Self {
        Self {
            domain,
            places: (0..N_PORTS).map(|_| None).collect(),
            routes: vec![0; 1 << 16].into(),
            by_name: HashMap::new(),
            remembered: HashMap::new(),
            given: BTreeSet::new(),
            cursor: u16::MAX,
        }
    }

    /// Who has that address. This is the table that each frame is looked up in.
    #[inline]
    pub(crate) fn route(&self, id: PortId) -> Option<(Place, &NPort)> {
        if id.domain() != self.domain {
            return None;
        }
        let place = self.routes[(id.0 & 0xffff) as usize].checked_sub(1)?;
        self.places[usize::from(place)].as_ref().map(|port| (place, port))
    }

    pub(crate) fn place_of(&self, id: PortId) -> Option<Place> {
        self.route(id).map(|(place, _)| place)
    }

    pub(crate) fn named(&self, name: Wwn) -> Option<(Place, &NPort)> {
        let place = *self.by_name.get(&name)?;
        self.places[usize::from(place)].as_ref().map(|port| (place, port))
    }

    pub(crate) fn get(&self, place: Place) -> Option<&NPort> {
        self.places[usize::from(place)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut NPort> {
        self.places[usize::from(place)].as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &NPort)> {
        self.places.iter().enumerate().filter_map(|(place, port)| port.as_ref().map(|port| (place as Place, port)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Place, &mut NPort)> {
        self.places.iter_mut().enumerate().filter_map(|(place, port)| port.as_mut().map(|port| (place as Place, port)))
    }

    /// The N_Ports of an F_Port.
    pub(crate) fn on(&self, f_port: u16) -> Vec<Place> {
        self.iter().filter(|(_, port)| port.f_port == f_port).map(|(place, _)| place).collect()
    }

    /// Logs a port in whose name nobody has; its address is the one that the name had before, if it had one. `beside` is the
    /// address of the port that it is a virtual port of. `None`: the switch is full.
    pub(crate) fn add(
        &mut self,
        name: Wwn,
        beside: Option<PortId>,
        make: impl FnOnce(PortId) -> NPort,
    ) -> Option<Place> {
        let place = self.places.iter().position(Option::is_none)? as Place;
        let id = self.address(name, beside)?;
        self.routes[(id.0 & 0xffff) as usize] = place + 1;
        self.by_name.insert(name, place);
        self.places[usize::from(place)] = Some(make(id));
        Some(place)
    }

    /// Logs a port out.
    pub(crate) fn remove(&mut self, place: Place) -> Option<NPort> {
        let port = self.places[usize::from(place)].take()?;
        self.routes[(port.id.0 & 0xffff) as usize] = 0;
        self.by_name.remove(&port.name);
        Some(port)
    }

    fn address(&mut self, name: Wwn, beside: Option<PortId>) -> Option<PortId> {
        if let Some(id) = self.remembered.get(&name) {
            return Some(*id);
        }
        if self.remembered.len() >= REMEMBERED {
            self.forget_those_away();
        }
        let id = self.free_address(beside).or_else(|| {
            self.forget_those_away();
            self.free_address(beside)
        })?;
        self.remembered.insert(name, id);
        self.given.insert(id);
        Some(id)
    }

    /// A physical port gets an area of its own, a virtual one the next address in the area of its physical port; when there is
    /// none, any.
    fn free_address(&mut self, beside: Option<PortId>) -> Option<PortId> {
        let (domain, given) = (self.domain, &self.given);
        let free = |id: &PortId| !given.contains(id);
        let near = match beside {
            Some(id) => (0..=255).map(|port| PortId::new(domain, id.area(), port)).find(free),
            None => (1..=255).map(|area| PortId::new(domain, area, 0)).find(free),
        };
        near.or_else(|| {
            let from = self.cursor;
            let below = |n: u16| PortId(u32::from(domain) << 16 | u32::from(from.wrapping_sub(n)));
            let found = (0..=u16::MAX).map(below).filter(|id| id.area() != 0).find(free)?;
            self.cursor = (found.0 as u16).wrapping_sub(1);
            Some(found)
        })
    }

    fn forget_those_away(&mut self) {
        let by_name = &self.by_name;
        self.remembered.retain(|name, _| by_name.contains_key(name));
        self.given = self.remembered.values().copied().collect();
    }
}
