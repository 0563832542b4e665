//! What all parts of the firmware share: ports, logins, exchanges, requests that are out, outputs. Every part is a file of methods
//! of [`Core`]; each file owns one kind of state of it.

use super::Output;
use super::addresses::Addresses;
use super::commands::Commands;
use super::link_state::LinkState;
use super::logins::{Login, Logins};
use super::ports::NPort;
use super::requests::Pending;
use super::settings::{Options, Settings};
use super::statistics::Counters;
use fc::Names;
use fc::fc2::{Failure, Fc2, Payload, Upcall};
use ring::{Slots, Tick};
use std::collections::VecDeque;
use wire::fc::PortId;
use wire::isp::icb::Icb;

/// The parts' common state.
pub(crate) struct Core {
    /// The time of the call that is under way.
    pub now: Tick,
    /// Names from the NVRAM.
    pub nvram: Names,
    /// The speed code.
    pub speed: u16,
    /// What the host asked for at the start.
    pub options: Options,
    pub fc2: Fc2,
    /// Places of the exchange table.
    pub places: usize,
    pub pool: dma::Pool,
    pub link: LinkState,
    /// By index; the physical port first.
    pub ports: Vec<NPort>,
    pub logins: Logins,
    /// Requests of ours that are out.
    pub requests: Slots<Pending>,
    /// Commands of the host.
    pub commands: Commands,
    /// Exchanges of peers that the host knows by an address.
    pub addresses: Addresses,
    /// Which ELS the host wants to answer itself, a bit each.
    pub purex_map: [u8; 32],
    /// Logins that ended and that the target has not been told of.
    pub gone: Vec<Login>,
    pub outputs: VecDeque<Output>,
    pub counters: Counters,
}

impl Core {
    pub fn new(settings: Settings) -> Self {
        let Settings { names, speed, frames, pool, limits, vports } = settings;
        Self {
            now: 0,
            nvram: names,
            speed,
            options: Options::stopped(names),
            fc2: Fc2::new(limits, frames),
            places: usize::from(limits.exchanges),
            pool,
            link: LinkState::default(),
            ports: (0..=usize::from(vports.min(254))).map(|_| NPort::new(names)).collect(),
            logins: Logins::default(),
            requests: Slots::new(64),
            commands: Commands::default(),
            addresses: Addresses::default(),
            purex_map: [0; 32],
            gone: Vec::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// A new start: names and options, all ports but the physical one unknown, the laser on.
    pub fn begin(&mut self, icb: &Icb, words: [u16; 3]) {
        self.options = Options::new(self.nvram, icb, words);
        self.ports.iter_mut().for_each(|port| *port = NPort::new(self.options.names));
        self.link_start();
    }

    /// A port by its index, if there is such a port.
    pub fn port(&self, vp: u8) -> Option<&NPort> {
        self.ports.get(usize::from(vp))
    }

    /// The same, to change.
    pub fn port_mut(&mut self, vp: u8) -> Option<&mut NPort> {
        self.ports.get_mut(usize::from(vp))
    }

    /// Which port has an address.
    pub fn vp_of(&self, id: PortId) -> Option<u8> {
        let at = self.ports.iter().position(|port| port.is_online() && port.id == id)?;
        Some(at as u8)
    }

    /// The receive data field size that we announce.
    pub fn receive_size(&self) -> u16 {
        self.options.frame_payload.min(self.link.max_payload)
    }

    /// Takes the frame of an answer home.
    pub fn forget(&mut self, result: Result<Payload, Failure>) {
        if let Ok(payload) = result {
            self.fc2.recycle(payload);
        }
    }

    /// Ends a login on our side: its exchanges end, the target hears of it. Its handle is free.
    pub fn drop_login(&mut self, vp: u8, handle: u16) {
        let Some(login) = self.logins.remove(vp, handle) else { return };
        self.login_over(login);
    }

    /// What ends with a login.
    pub fn login_over(&mut self, login: Login) {
        if let Some(local) = self.port(login.vp).map(|port| port.id) {
            self.fc2.end_between(local, login.id, None);
        }
        self.fail_waiting(login.vp, login.handle);
        self.gone.push(login);
    }

    /// Ends every login of a port.
    pub fn drop_logins(&mut self, vp: u8) {
        self.logins.of(vp).into_iter().for_each(|login| self.drop_login(vp, login.handle));
    }

    /// Everything stops without a word to the host: exchanges, commands, outputs.
    pub fn reset(&mut self) {
        self.fc2.end_all();
        while let Some(upcall) = self.fc2.next() {
            self.discard(upcall);
        }
        self.commands.clear();
        self.logins.clear();
        self.requests = Slots::new(64);
        self.addresses.clear();
        self.gone.clear();
        self.outputs.clear();
        self.purex_map = [0; 32];
    }

    /// Memory and frames come home, exchanges end.
    fn discard(&mut self, upcall: Upcall) {
        match upcall {
            Upcall::Request { payload, xid, .. } | Upcall::Command { payload, xid, .. } => {
                self.fc2.recycle(payload);
                self.fc2.discard(xid);
            }
            Upcall::Reply { result, .. } => self.forget(result),
            Upcall::Received { data, .. } | Upcall::Sent { data, .. } => self.pool.give(data),
            Upcall::Abort { xid, .. } => {
                let _ = self.fc2.terminate(xid);
            }
            Upcall::Ended { data, result, .. } => {
                self.pool.give(data);
                self.forget(result);
            }
        }
    }
}

/// Memory that is lent to exchanges comes home first.
impl Drop for Core {
    fn drop(&mut self) {
        self.reset();
    }
}
