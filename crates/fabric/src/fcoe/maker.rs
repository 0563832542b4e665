//! Links for ports that ask for `fcoe:INTERFACE` or `vn2vn:INTERFACE`.

use super::{EnodeLink, Nic, Vn2vnLink};
use fc::{Frames, Link, LinkMaker, Names, Wake};

/// Makes [`EnodeLink`]s.
pub struct FcoeMaker(
    /// Where their frames come from: the pool of those who drive the ports.
    pub Frames,
);

/// Makes [`Vn2vnLink`]s.
pub struct Vn2vnMaker(
    /// Where their frames come from: the pool of those who drive the ports.
    pub Frames,
);

fn open(interface: &str) -> Result<Nic, String> {
    if interface.is_empty() {
        return Err("name the network interface: fcoe:eth0".to_owned());
    }
    Nic::open(interface).map_err(|error| format!("network interface '{interface}': {error}"))
}

impl LinkMaker for FcoeMaker {
    fn scheme(&self) -> &'static str {
        "fcoe"
    }

    fn make(&self, to: &str, names: Names, _wake: Wake) -> Result<Box<dyn Link>, String> {
        Ok(Box::new(EnodeLink::new(open(to)?, names, self.0.clone())))
    }
}

impl LinkMaker for Vn2vnMaker {
    fn scheme(&self) -> &'static str {
        "vn2vn"
    }

    fn make(&self, to: &str, names: Names, _wake: Wake) -> Result<Box<dyn Link>, String> {
        Ok(Box::new(Vn2vnLink::new(open(to)?, names, self.0.clone())))
    }
}
