//! Commands of peers on their way to the host.

use super::super::core::Core;
use super::super::requests::{ELS, What};
use super::table::{Command, Table};
use super::{Came, Target, assumptions};
use fc::Fc4;
use std::collections::VecDeque;
use wire::fc::els::Logo;
use wire::fc::{FCtl, FrameHeader, RCtl, Type, UNASSIGNED};
use wire::isp::iocb::{NO_EXCHANGE, atio_group, is_processed};

/// Entries of the longest ATIO: a FCP_CMND of 288 bytes.
const GROUP: usize = 5;

/// How long an unasked LOGO may take, in nanoseconds.
const LOGO_TIMEOUT: u64 = 4_000_000_000;

impl Target {
    /// A command goes to the host if its sender is logged in.
    pub(super) fn command_came(&mut self, core: &mut Core, came: Came, fc4: Fc4, iu: &[u8]) {
        let vp = core.vp_of(came.local).filter(|_| core.options.target);
        let Some(vp) = vp else { return core.fc2.discard(came.xid) };
        let login = core.logins.at(vp, came.remote).copied();
        let Some(login) = login.filter(|login| login.speaks(fc4)) else {
            core.fc2.discard(came.xid);
            return not_logged_in(core, vp, came);
        };
        let short = assumptions::is_short_of_exchanges(self.table.len(), core.places);
        let name = if short { self.table.unaddressed() } else { u64::from(core.addresses.give(came.xid)) };
        let address = if short { NO_EXCHANGE } else { name as u32 };
        let mut group = [[0; 64]; GROUP];
        let count = atio_group(address, &header(came), assumptions::attribute(fc4, iu), iu, &mut group);
        let Some(entries) = count.map(|count| &group[..count]).filter(|all| iu.len() >= 32 && is_tellable(all)) else {
            core.addresses.take(address);
            return core.fc2.discard(came.xid);
        };
        core.fc2.accept(came.xid, login.max_payload, name);
        let command = Command {
            came,
            fc4,
            vp,
            handle: login.handle,
            epoch: login.epoch,
            aborted: false,
            ended: false,
            active: false,
            orders: VecDeque::new(),
        };
        self.table.insert(name, command);
        core.atio(entries.to_vec());
    }

    /// The command without an address that a CTIO means.
    pub(super) fn unaddressed(&self, remote: wire::fc::PortId, ox_id: u16) -> Option<u64> {
        let is_it = |command: &Command| command.came.remote == remote && command.came.ox_id == ox_id;
        self.table.names(is_it).into_iter().find(|name| Table::is_unaddressed(*name))
    }
}

/// An entry whose last word says "processed" would never be seen.
fn is_tellable(entries: &[super::Entry]) -> bool {
    !entries.iter().any(is_processed)
}

/// The command's frame header, as far as it is known here.
fn header(came: Came) -> FrameHeader {
    FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, came.remote, came.local)
        .with_f_ctl(FCtl::REQUEST)
        .with_exchange(came.ox_id, UNASSIGNED)
}

/// A peer that thinks that it is logged in learns that it is not.
fn not_logged_in(core: &mut Core, vp: u8, came: Came) {
    let Some(name) = core.port(vp).map(|port| port.names.port) else { return };
    let logo = Logo::new(came.local, name).to_bytes();
    core.request((came.local, came.remote), ELS, &logo, LOGO_TIMEOUT, What::Quiet);
}
