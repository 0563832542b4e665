//! The table of N_Port logins, by the handle that the host (or, for inbound logins, the firmware) gave them.

use fc::{Fc4, Names};
use std::collections::BTreeMap;
use wire::fc::{PortId, Wwn};
use wire::isp::iocb::handles;

/// How far a login is, for one protocol: a nibble of the port database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum State {
    /// The handle belongs to the port, which is not logged in.
    Held = 0,
    /// PLOGI is out, or waits for the host's answer.
    PlogiPending = 3,
    /// Logged in, without this protocol.
    Plogi = 4,
    /// PRLI is out.
    PrliPending = 5,
    /// Logged in.
    Prli = 6,
}

/// A port that has a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    /// Whose login: 0, or a virtual port.
    pub vp: u8,
    /// Its handle.
    pub handle: u16,
    /// Its address.
    pub id: PortId,
    /// Its names, once it is logged in.
    pub names: Names,
    /// Most payload bytes of a frame to it.
    pub max_payload: u16,
    /// By protocol.
    pub states: [State; 2],
    /// Word 3 of its PRLI page, by protocol.
    pub params: [u32; 2],
    /// First burst of its NVMe page, in units of 512 bytes.
    pub first_burst: u16,
    /// Which login of this handle it is: an answer to a request of an earlier one is late.
    pub epoch: u32,
}

impl Login {
    /// Logged in (PLOGI).
    pub fn is_up(&self) -> bool {
        self.states.iter().any(|state| *state >= State::Plogi)
    }

    /// Logged in for a protocol (PRLI).
    pub fn speaks(&self, fc4: Fc4) -> bool {
        self.states[fc4 as usize] == State::Prli
    }

    /// All protocols at once.
    pub fn set_states(&mut self, state: State) {
        self.states = [state; 2];
    }

    /// The login state byte of the port database: the low nibble is FCP's, the high one NVMe's.
    pub fn state_byte(&self) -> u8 {
        (self.states[Fc4::Nvme as usize] as u8) << 4 | self.states[Fc4::Fcp as usize] as u8
    }
}

/// Whether a host may use a handle for a port, or for a service.
pub(crate) fn is_valid(handle: u16) -> bool {
    handle <= handles::LAST || is_service(handle)
}

/// Whether it is one of a well-known address.
pub(crate) fn is_service(handle: u16) -> bool {
    handles::service(handle).is_some()
}

/// The logins.
#[derive(Default)]
pub(crate) struct Logins {
    all: BTreeMap<(u8, u16), Login>,
    epochs: u32,
}

/// Handles of ports are the adapter's, those of services a virtual port's.
fn key(vp: u8, handle: u16) -> (u8, u16) {
    if is_service(handle) { (vp, handle) } else { (0, handle) }
}

impl Logins {
    /// The login of a handle. A handle of another virtual port is not found.
    pub fn get(&self, vp: u8, handle: u16) -> Option<&Login> {
        self.all.get(&key(vp, handle)).filter(|login| login.vp == vp)
    }

    /// The same, to change.
    pub fn get_mut(&mut self, vp: u8, handle: u16) -> Option<&mut Login> {
        self.all.get_mut(&key(vp, handle)).filter(|login| login.vp == vp)
    }

    /// Who has a handle, on whatever virtual port.
    pub fn holder(&self, vp: u8, handle: u16) -> Option<&Login> {
        self.all.get(&key(vp, handle))
    }

    /// The login with an address.
    pub fn at(&self, vp: u8, id: PortId) -> Option<&Login> {
        self.all.values().find(|login| login.vp == vp && login.id == id)
    }

    /// The login with a port name.
    pub fn named(&self, vp: u8, name: Wwn) -> Option<&Login> {
        self.all.values().find(|login| login.vp == vp && login.is_up() && login.names.port == name)
    }

    /// Gives a handle to an address: a login that is not up yet. What the handle was before is forgotten.
    pub fn hold(&mut self, vp: u8, handle: u16, id: PortId) -> &mut Login {
        self.epochs = self.epochs.wrapping_add(1);
        let login = Login {
            vp,
            handle,
            id,
            names: Names { node: Wwn::NONE, port: Wwn::NONE },
            max_payload: wire::fc::MIN_PAYLOAD as u16,
            states: [State::Held; 2],
            params: [0; 2],
            first_burst: 0,
            epoch: self.epochs,
        };
        self.all.insert(key(vp, handle), login);
        self.all.get_mut(&key(vp, handle)).expect("it was just put there")
    }

    /// A handle of the firmware's choice for an inbound login: from the top, as hosts begin at the bottom.
    pub fn free_handle(&self) -> Option<u16> {
        (0..=handles::LAST).rev().find(|handle| !self.all.contains_key(&(0, *handle)))
    }

    /// Frees a handle.
    pub fn remove(&mut self, vp: u8, handle: u16) -> Option<Login> {
        self.get(vp, handle)?;
        self.all.remove(&key(vp, handle))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Login> {
        self.all.values()
    }

    /// Those of a virtual port, as (handle, address), to go through while they change.
    pub fn of(&self, vp: u8) -> Vec<Login> {
        self.all.values().filter(|login| login.vp == vp).copied().collect()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.all.clear();
    }
}
