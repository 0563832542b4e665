//! The N_Ports of the adapter: the physical one and those of NPIV, by their index (0 is the physical one).

use fc::Names;
use ring::Tick;
use wire::fc::PortId;

/// How far a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not wanted by the host; or its physical port is not online.
    Down,
    /// FLOGI or FDISC is to be sent at this time.
    Due(Tick),
    /// FLOGI or FDISC is out.
    Asked,
    /// The fabric gave it an address.
    Online,
}

/// An N_Port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NPort {
    /// Its names.
    pub names: Names,
    /// The host wants it.
    pub enabled: bool,
    /// How far it is.
    pub stage: Stage,
    /// Its address; none while it is not online.
    pub id: PortId,
    /// Logins that failed one after the other.
    pub attempts: u32,
    /// Counts its logins, so that late answers are known.
    pub serial: u32,
}

impl NPort {
    pub fn new(names: Names) -> Self {
        Self { names, enabled: false, stage: Stage::Down, id: PortId::NONE, attempts: 0, serial: 0 }
    }

    pub fn is_online(&self) -> bool {
        self.stage == Stage::Online
    }

    /// It has no address any more.
    pub fn down(&mut self, stage: Stage) {
        (self.stage, self.id, self.attempts) = (stage, PortId::NONE, 0);
    }
}
