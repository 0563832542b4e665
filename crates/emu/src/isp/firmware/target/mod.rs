//! Target mode: what peers that log in and send commands mean for the host. The table in [`super`] says what comes here.
//!
//! - Owns: commands of peers and what the host ordered for them ([`table`]), ELS that wait for the host ([`notify`]), ABTS that do
//!   ([`abts`]), NVMe link services that do ([`service`]).
//! - In: requests and commands of peers, IOCBs 12h, 0Eh, 55h, 7Ah, 82h, 89h (as responder). Out: ATIO, immediate notify, ABTS received,
//!   PURLS, completions.
//! - Limits: a CTIO's data are moved in pieces of the pool, one after the other; response IUs by what [`fc::Response`] can say (40
//!   bytes of sense).
//! - Not done: T10 PI, SRR, FCP_CONF, first burst. What no driver tells of real firmware is in [`assumptions`].
//!
//! A command's life: ATIO, then CTIOs in order, one at a time on the link; it is over with a response, with termination by the host, or
//! with the login. An ABTS ends what is under way (completion 02h); the exchange then waits for both the host's termination
//! and its ABTS response, and only then BA_ACC goes out.

mod abts;
mod assumptions;
mod atio;
mod ctio;
mod notify;
mod service;
mod table;
mod transfer;

use super::Entry;
use super::core::Core;
use super::data::refusal;
use super::logins::Login;
use dma::Data;
use fc::{Fc4, Xid};
use pci::Bus;
use ring::Tick;
use std::collections::HashMap;
use table::Table;
use wire::fc::PortId;
use wire::isp::iocb::{EntryHeader, EntryType, LsOperation, PtLs4};

/// A request or command of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// The exchange.
    pub xid: Xid,
    /// Our address.
    pub local: PortId,
    /// The peer's.
    pub remote: PortId,
    /// Its identifier of the exchange.
    pub ox_id: u16,
}

/// Target mode.
#[derive(Default)]
pub(crate) struct Target {
    table: Table,
    notices: notify::Notices,
    /// ABTS that wait for the host: the name of the command, by the address of the ABTS.
    aborts: HashMap<u32, table::Name>,
    /// NVMe link services that wait for the host, by address.
    services: HashMap<u32, service::Service>,
}

impl Target {
    /// Whether an IOCB is for target mode.
    pub fn is_mine(entry: &Entry) -> bool {
        match EntryHeader::of(entry).entry_type {
            EntryType::CTIO_7
            | EntryType::NOTIFY_ACK
            | EntryType::ABTS_RESPONSE
            | EntryType::CTIO_CRC_2
            | EntryType::CTIO_NVME => true,
            EntryType::PT_LS4 => PtLs4::of(entry).operation() != LsOperation::ORIGINATE,
            _ => false,
        }
    }

    /// The host initialized the firmware; [`Core::options`] says how.
    pub fn start(&mut self, _core: &mut Core) {
        *self = Self::default();
    }

    /// All is forgotten; exchanges have ended, or end, without a word.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// An IOCB of target mode with its continuations. Whatever is wrong with it, it is answered by an entry status or a completion.
    pub fn iocb(&mut self, core: &mut Core, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        if !core.options.target {
            return core.refuse(queue, first, refusal::TYPE);
        }
        match EntryHeader::of(first).entry_type {
            EntryType::CTIO_7 | EntryType::CTIO_NVME => self.ctio(core, bus, queue, entries),
            EntryType::NOTIFY_ACK => self.acknowledged(core, queue, first),
            EntryType::ABTS_RESPONSE => self.abts_answered(core, queue, first),
            EntryType::PT_LS4 => self.service_answered(core, bus, queue, entries),
            // No attribute of ours says that there is T10 PI.
            _ => core.refuse(queue, first, refusal::TYPE),
        }
    }

    /// A command of a peer: to be accepted, or discarded.
    pub fn command(&mut self, core: &mut Core, came: Came, fc4: Fc4, iu: &[u8]) {
        self.command_came(core, came, fc4, iu);
    }

    /// An NVMe LS request of a peer: to be answered, or discarded.
    pub fn service(&mut self, core: &mut Core, came: Came, payload: &[u8]) {
        self.service_came(core, came, payload);
    }

    /// An ELS request. `true`: it is the target's, who answers it by [`Core::accept`] or [`Core::reject`] some time.
    pub fn els(&mut self, core: &mut Core, came: Came, payload: &[u8]) -> bool {
        core.options.target && self.els_came(core, came, payload)
    }

    /// Data of a command came; `data` goes home to the pool.
    pub fn received(&mut self, core: &mut Core, bus: &mut dyn Bus, _xid: Xid, context: u64, data: Data, ok: bool) {
        self.data_came(core, bus, context, data, ok);
    }

    /// Data or a response went out.
    pub fn sent(&mut self, core: &mut Core, bus: &mut dyn Bus, context: u64, data: Data, ok: bool, over: bool) {
        let moved = data.len();
        core.pool.give(data);
        self.data_went(core, bus, context, moved, ok, over);
    }

    /// A command is aborted, or its login is gone: it stays open until it is ended here.
    pub fn abort(&mut self, core: &mut Core, xid: Xid, context: u64) {
        self.abort_came(core, xid, context);
    }

    /// A login ended; its handle may belong to somebody else already.
    pub fn login_gone(&mut self, core: &mut Core, login: &Login) {
        self.end_commands(core, login.vp, login.handle, Some(login.epoch), None);
        self.services.retain(|address, service| {
            let over = service.is_of(login.vp, login.handle);
            if over {
                core.addresses.take(*address);
            }
            !over
        });
    }

    /// What is due.
    pub fn poll(&mut self, core: &mut Core, bus: &mut dyn Bus) -> usize {
        self.early_els(core) + self.late_data(core) + self.go_on(core, bus)
    }

    /// Whether there is something to do at once.
    pub fn is_pending(&self) -> bool {
        self.table.is_waiting()
    }

    /// When there is something to do.
    pub fn deadline(&self) -> Option<Tick> {
        self.table.deadline()
    }
}
