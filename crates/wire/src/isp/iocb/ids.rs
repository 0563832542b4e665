//! Address identifiers in both byte orders, and the n-port handles with a fixed meaning.

use crate::fc::PortId;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// An address identifier with its lowest byte first: AL_PA, area, domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct LeId(pub [u8; 3]);

/// An address identifier as on the link: domain, area, AL_PA.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct BeId(pub [u8; 3]);

impl LeId {
    /// Of an address.
    pub const fn new(id: PortId) -> Self {
        let [domain, area, port] = id.to_bytes();
        Self([port, area, domain])
    }

    /// The address.
    pub const fn port_id(self) -> PortId {
        PortId::new(self.0[2], self.0[1], self.0[0])
    }
}

impl BeId {
    /// Of an address.
    pub const fn new(id: PortId) -> Self {
        Self(id.to_bytes())
    }

    /// The address.
    pub const fn port_id(self) -> PortId {
        PortId::from_bytes(self.0)
    }
}

impl From<PortId> for LeId {
    fn from(id: PortId) -> Self {
        Self::new(id)
    }
}

impl From<LeId> for PortId {
    fn from(id: LeId) -> Self {
        id.port_id()
    }
}

impl From<PortId> for BeId {
    fn from(id: PortId) -> Self {
        Self::new(id)
    }
}

impl From<BeId> for PortId {
    fn from(id: BeId) -> Self {
        id.port_id()
    }
}

/// N-port handles.
pub mod handles {
    use crate::fc::PortId;

    /// The highest handle of a port that is no service.
    pub const LAST: u16 = 0x7ee;
    /// Management server.
    pub const MANAGEMENT: u16 = 0x7ef;
    /// Name server.
    pub const NAME_SERVER: u16 = 0x7fc;
    /// Fabric controller.
    pub const FABRIC_CONTROLLER: u16 = 0x7fd;
    /// The F_Port.
    pub const F_PORT: u16 = 0x7fe;
    /// Broadcast.
    pub const BROADCAST: u16 = 0x7ff;
    /// The host's way to say that there is none.
    pub const NONE: u16 = 0x1000;

    /// The service behind a handle.
    pub const fn service(handle: u16) -> Option<PortId> {
        match handle {
            MANAGEMENT => Some(PortId::MANAGEMENT),
            NAME_SERVER => Some(PortId::DIRECTORY),
            FABRIC_CONTROLLER => Some(PortId::FABRIC_CONTROLLER),
            F_PORT => Some(PortId::FABRIC),
            BROADCAST => Some(PortId::BROADCAST),
            _ => None,
        }
    }
}
