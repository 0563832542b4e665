//! The control side of one fabric: what it was made of, and the way to its switch.

use crate::poller::SwitchPoller;
use crate::resident::{self, Resident};
use app::RpcError;
use fabric::zoning::DefaultZone;
use fabric::{Config, Refused, Switch};
use fc::Frames;
use reactor::Handle;
use ring::Tick;
use serde::{Deserialize, Serialize};
use wire::fc::Wwn;

/// The name of the fabric that is meant when none is said.
pub(crate) const DEFAULT_NAME: &str = "fabric";

/// What the World Wide Name of a fabric begins with unless it is given one: NAA 1, a locally administered address.
const DEFAULT_WWN: u64 = 0x1000_0271_6600_0000;

/// The name that a fabric has unless it is given one: the same after a restart, another for another fabric.
fn default_wwn(name: &str, domain: u8) -> Wwn {
    let hash = name.bytes().fold(0u16, |hash, byte| hash.wrapping_mul(31).wrapping_add(u16::from(byte)));
    Wwn(DEFAULT_WWN | u64::from(hash) << 8 | u64::from(domain))
}

/// What a fabric is made of.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// Its name, for people and for links: `fabric:NAME`.
    #[serde(default = "default_name")]
    pub(crate) name: String,
    /// Its World Wide Name, 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wwn: Option<String>,
    /// The domain of its addresses, 1 to 239. Two fabrics that never meet may have the same.
    #[serde(default = "one")]
    pub(crate) domain: u8,
    /// Who may talk with whom while no zone set is active: `open` or `deny`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(crate) default_zone: DefaultZone,
    /// The core that it runs on; the first when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) core: Option<usize>,
}

pub(crate) fn default_name() -> String {
    DEFAULT_NAME.to_owned()
}

fn one() -> u8 {
    1
}

impl Create {
    /// The fabric that is made when a port asks for one and there is none.
    pub(crate) fn implied(name: &str) -> Self {
        Self { name: name.to_owned(), wwn: None, domain: 1, default_zone: DefaultZone::Open, core: None }
    }

    fn config(&self) -> Result<Config, RpcError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(fits) {
            return Err(RpcError::bad_params("a fabric's name has 1 to 64 letters, digits, _ - ."));
        }
        if !(1..=239).contains(&self.domain) {
            return Err(RpcError::bad_params(format!("domain {}: domains are 1 to 239", self.domain)));
        }
        let wwn = match &self.wwn {
            None => default_wwn(&self.name, self.domain),
            Some(text) => text.parse().map_err(|error| RpcError::bad_params(format!("wwn '{text}' {error}")))?,
        };
        Ok(Config { name: self.name.clone(), wwn, domain: self.domain })
    }
}

/// A switch that runs.
pub(crate) struct Fabric {
    pub(crate) create: Create,
    resident: Resident<Switch>,
}

impl Fabric {
    pub(crate) fn start(create: Create, frames: Frames, cores: &[Handle]) -> Result<Self, RpcError> {
        let config = create.config()?;
        let core = resident::place(cores, create.core)?;
        let default_zone = create.default_zone;
        let resident = Resident::start(core, move |jobs| {
            let mut switch = Switch::new(config, frames);
            let open = |zoning: &mut fabric::zoning::Zoning| {
                zoning.default_zone = default_zone;
                Ok(())
            };
            let _ = switch.rezone(0, open);
            SwitchPoller::new(switch, jobs).map_err(|error| RpcError::internal(error.to_string()))
        })?;
        Ok(Self { create, resident })
    }

    /// Wakes the switch's core.
    pub(crate) fn wake(&self) -> fc::Wake {
        self.resident.wake()
    }

    /// Does something with the switch and waits for what it comes to.
    pub(crate) fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Switch, Tick) -> R + Send + 'static,
    ) -> Result<R, RpcError> {
        self.resident.call(work)
    }

    /// The same for what may be refused.
    pub(crate) fn try_call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Switch, Tick) -> Result<R, Refused> + Send + 'static,
    ) -> Result<R, RpcError> {
        self.call(work)?.map_err(|refused| RpcError::bad_params(refused.to_string()))
    }

    /// Ends it: its links go down.
    pub(crate) fn stop(&self) {
        self.resident.stop();
    }
}
