//! What a reservation is and who is registered: plain values.

use crate::{Origin, PortName};

/// TYPE of a persistent reservation (SPC-4 6.15.3.4). Its scope is the logical unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    WriteExclusive = 1,
    ExclusiveAccess = 3,
    WriteExclusiveRegistrants = 5,
    ExclusiveAccessRegistrants = 6,
    WriteExclusiveAll = 7,
    ExclusiveAccessAll = 8,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::WriteExclusive,
        Self::ExclusiveAccess,
        Self::WriteExclusiveRegistrants,
        Self::ExclusiveAccessRegistrants,
        Self::WriteExclusiveAll,
        Self::ExclusiveAccessAll,
    ];

    /// The type of that code.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub fn code(self) -> u8 {
        self as u8
    }

    /// All Registrants: everyone who is registered holds it.
    pub fn is_held_by_all(self) -> bool {
        matches!(self, Self::WriteExclusiveAll | Self::ExclusiveAccessAll)
    }

    /// Registrants Only or All Registrants: everyone who is registered may do everything.
    pub fn is_shared(self) -> bool {
        !matches!(self, Self::WriteExclusive | Self::ExclusiveAccess)
    }

    /// Write Exclusive: those who are kept out may read.
    pub fn lets_read(self) -> bool {
        matches!(self, Self::WriteExclusive | Self::WriteExclusiveRegistrants | Self::WriteExclusiveAll)
    }
}

/// An I_T nexus by its ports, whether it is there or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItNexus {
    /// The initiator port.
    pub initiator: PortName,
    /// Our port. Its name, not its number, says which: names survive a restart.
    pub target: PortName,
    /// Relative target port identifier of our port when it was written down.
    pub relative: u16,
}

impl ItNexus {
    pub fn of(origin: &Origin) -> Self {
        let Origin { initiator, target, relative_port: relative, .. } = *origin;
        Self { initiator, target, relative }
    }

    /// Whether both mean the same.
    pub fn is(&self, other: &Self) -> bool {
        self.initiator.is_same_port(&other.initiator) && self.target.is_same_port(&other.target)
    }
}

/// Who is registered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registrant {
    pub nexus: ItNexus,
    /// Its reservation key; not 0.
    pub key: u64,
}

/// The reservation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub kind: Kind,
    /// Who holds it; of the All Registrants types who made it, which means nothing.
    pub by: ItNexus,
}

/// What a nexus may do to a logical unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Everything.
    #[default]
    All,
    /// All that does not change the medium or the logical unit: someone else has a Write Exclusive reservation.
    Read,
    /// Neither read nor write: someone else has an Exclusive Access reservation.
    Ask,
    /// Everything but persistent reservations: it holds the logical unit by RESERVE (SPC-2).
    Reserved,
    /// Next to nothing: another nexus holds it by RESERVE (SPC-2).
    ReservedByOther,
    /// What was to outlive a power loss cannot be read: nobody knows who may do what.
    Unknown,
}
