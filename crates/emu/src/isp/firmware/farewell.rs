//! Goodbye to everybody: LOGO frames whose answers nobody waits for.

use super::core::Core;
use super::logins;
use super::requests::{ELS, What};
use ring::Tick;
use wire::fc::PortId;
use wire::fc::els::Logo;

/// For the answer.
const PATIENCE: Tick = 4_000_000_000;

impl Core {
    /// LOGO to every port and to the fabric.
    pub fn say_goodbye(&mut self) {
        (0..self.ports.len() as u8).rev().for_each(|vp| self.say_goodbye_of(vp));
    }

    /// The same for one virtual port.
    pub fn say_goodbye_of(&mut self, vp: u8) {
        let Some(port) = self.port(vp).filter(|port| port.is_online() && self.link.up) else { return };
        let (local, logo) = (port.id, Logo::new(port.id, port.names.port).to_bytes());
        let peers = self.logins.of(vp).into_iter().filter(|login| login.is_up() && !logins::is_service(login.handle));
        let remotes: Vec<PortId> = peers.map(|login| login.id).chain([PortId::FABRIC]).collect();
        for remote in remotes {
            self.request((local, remote), ELS, &logo, PATIENCE, What::Quiet);
        }
    }
}
