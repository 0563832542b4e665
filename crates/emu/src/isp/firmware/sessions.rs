//! Who is logged in, for people.

use super::Firmware;
use super::logins::is_service;
use fc::{Fc4, Link, Names};
use wire::fc::PortId;

/// A login with another port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The peer's names.
    pub peer: Names,
    /// The peer's address.
    pub id: PortId,
    /// Which of our ports has it: 0, or a virtual port.
    pub vp: u8,
    /// For which protocols (PRLI).
    pub fc4: Vec<Fc4>,
}

impl<L: Link> Firmware<L> {
    /// Logins with other ports that are up; those with the fabric's services are left out.
    pub fn sessions(&self) -> Vec<Session> {
        let up = self.core.logins.iter().filter(|login| login.is_up() && !is_service(login.handle));
        let protocols =
            |speaks: &dyn Fn(Fc4) -> bool| [Fc4::Fcp, Fc4::Nvme].into_iter().filter(|fc4| speaks(*fc4)).collect();
        up.map(|login| Session {
            peer: login.names,
            id: login.id,
            vp: login.vp,
            fc4: protocols(&|fc4| login.speaks(fc4)),
        })
        .collect()
    }
}
