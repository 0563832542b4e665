//! Commands of peers, and what the host ordered for each.

use super::super::Entry;
use super::super::core::Core;
use super::{Came, assumptions};
use fc::{Fc4, Response};
use ring::Tick;
use std::collections::{BTreeSet, HashMap, VecDeque};
use wire::isp::iocb::{Ctio7, CtioFlags, CtioNvme, CtioStatus, Dsd64, EntryHeader, EntryType, Transfer};

/// A command, for life: its exchange address, or a number above all of these for one that got none.
pub(super) type Name = u64;

/// First name of the commands without address.
const UNADDRESSED: Name = 1 << 32;

/// What is to be done for a CTIO.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// XFER_RDY, and the data that follow.
    Receive(Transfer),
    /// Data, and the response behind them.
    Send(Transfer, Option<Response>),
    /// The end without a response.
    Terminate,
}

/// A CTIO that is not done.
pub(super) struct Order {
    pub queue: u16,
    /// The IOCB's first entry.
    pub entry: Entry,
    pub work: Work,
    pub segments: Vec<Dsd64>,
    /// Bytes moved.
    pub done: u32,
    /// When data that do not come are given up.
    pub deadline: Tick,
}

impl Order {
    fn flags(&self) -> CtioFlags {
        // At the same place in both kinds.
        Ctio7::of(&self.entry).flags()
    }

    /// What it moves.
    pub fn transfer(&self) -> Transfer {
        match self.work {
            Work::Receive(transfer) | Work::Send(transfer, _) => transfer,
            Work::Terminate => Transfer { offset: 0, length: 0 },
        }
    }

    /// Tells the host how it ended. `over`: the firmware has ended the exchange.
    pub fn complete(&self, core: &mut Core, status: CtioStatus, over: bool) {
        let failed = status != CtioStatus::SUCCESS;
        if self.flags().no_completion() && !(failed && assumptions::silent_ctio_tells_failure()) {
            return;
        }
        let entry = completion(&self.entry, status, over, self.transfer().length - self.done);
        core.respond(self.queue, vec![entry]);
    }
}

/// The completion of a CTIO of either kind.
pub(super) fn completion(entry: &Entry, status: CtioStatus, over: bool, residual: u32) -> Entry {
    let failed = status != CtioStatus::SUCCESS;
    let flags = |flags: CtioFlags| flags.with_terminate(flags.terminate() || over && failed).0;
    if EntryHeader::of(entry).entry_type == EntryType::CTIO_NVME {
        let mut completion = CtioNvme::of(entry).completed(status);
        completion.flags.set(flags(completion.flags()));
        completion.residual.set(residual);
        return *completion.entry();
    }
    let ctio = Ctio7::of(entry);
    let mut completion = ctio.completed(status);
    completion.flags.set(flags(completion.flags()));
    if failed {
        completion.residual.set(residual);
    }
    *completion.entry()
}

/// A command.
pub(super) struct Command {
    pub came: Came,
    pub fc4: Fc4,
    pub vp: u8,
    /// The login that it came by.
    pub handle: u16,
    pub epoch: u32,
    /// ABTS came.
    pub aborted: bool,
    /// The host has ended it; it waits for the ABTS response.
    pub ended: bool,
    /// The exchange engine is at the first order.
    pub active: bool,
    pub orders: VecDeque<Order>,
}

impl Command {
    /// Its login is gone, or its part of it.
    pub fn is_lost(&self, core: &Core) -> bool {
        let login = core.logins.get(self.vp, self.handle);
        !login.is_some_and(|login| login.epoch == self.epoch && login.speaks(self.fc4))
    }

    /// Completes the orders from the `keep`th on.
    pub fn drop_orders(&mut self, core: &mut Core, keep: usize, status: CtioStatus, over: bool) {
        for order in self.orders.drain(keep.min(self.orders.len())..) {
            order.complete(core, status, over);
        }
    }
}

/// All commands.
#[derive(Default)]
pub(super) struct Table {
    commands: HashMap<Name, Command>,
    last_unaddressed: Name,
    /// Commands whose first order needs memory.
    waiting: VecDeque<Name>,
    /// When data are given up; entries of orders that are done stay until their time.
    timers: BTreeSet<(Tick, Name)>,
}

impl Table {
    pub fn get(&mut self, name: Name) -> Option<&mut Command> {
        self.commands.get_mut(&name)
    }

    pub fn contains(&self, name: Name) -> bool {
        self.commands.contains_key(&name)
    }

    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn insert(&mut self, name: Name, command: Command) {
        self.commands.insert(name, command);
    }

    pub fn remove(&mut self, core: &mut Core, name: Name) -> Option<Command> {
        if name < UNADDRESSED {
            core.addresses.take(name as u32);
        }
        self.commands.remove(&name)
    }

    /// A name for a command without address.
    pub fn unaddressed(&mut self) -> Name {
        self.last_unaddressed += 1;
        UNADDRESSED + self.last_unaddressed
    }

    /// Whether the host has no address for it.
    pub fn is_unaddressed(name: Name) -> bool {
        name >= UNADDRESSED
    }

    /// Commands of which something is true.
    pub fn names(&self, of: impl Fn(&Command) -> bool) -> Vec<Name> {
        self.commands.iter().filter(|(_, command)| of(command)).map(|(name, _)| *name).collect()
    }

    /// The first order of a command has to wait for memory.
    pub fn wait(&mut self, name: Name) {
        if !self.waiting.contains(&name) {
            self.waiting.push_back(name);
        }
    }

    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Those that wait, to be tried again.
    pub fn take_waiting(&mut self) -> VecDeque<Name> {
        std::mem::take(&mut self.waiting)
    }

    pub fn set_timer(&mut self, at: Tick, name: Name) {
        self.timers.insert((at, name));
    }

    pub fn deadline(&self) -> Option<Tick> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A command whose order may be late.
    pub fn expired(&mut self, now: Tick) -> Option<Name> {
        self.timers.first().filter(|(at, _)| *at <= now)?;
        self.timers.pop_first().map(|(_, name)| name)
    }
}
