//! Orders on their way: data between the host's memory and the link, in pieces of the pool.

use super::super::core::Core;
use super::super::data::{gather, scatter};
use super::ctio::FAULT;
use super::table::{Name, Order, Work};
use super::{Target, assumptions};
use dma::Data;
use fc::Xid;
use fc::fc2::Gone;
use pci::Bus;
use wire::isp::iocb::{CtioStatus, Dsd64};

/// What became of the next piece of an order.
enum Started {
    /// The exchange engine has it.
    Running,
    /// No memory is free.
    Waiting,
    /// There is no further piece.
    Done,
    /// The host's memory is not there.
    Fault,
    /// The exchange is not.
    Gone,
}

impl Target {
    /// An order for a command that is in the table.
    pub(super) fn order(&mut self, core: &mut Core, bus: &mut dyn Bus, name: Name, order: Order) {
        let Some(command) = self.table.get(name) else { return };
        if command.ended {
            return order.complete(core, CtioStatus::INVALID_RX_ID, true);
        }
        let ends = matches!(order.work, Work::Terminate);
        if command.aborted {
            // Nothing goes out any more; its end waits for the ABTS response.
            command.ended = ends;
            let status = if ends { CtioStatus::SUCCESS } else { CtioStatus::ABORTED };
            return order.complete(core, status, false);
        }
        if ends {
            command.drop_orders(core, usize::from(command.active), CtioStatus::ABORTED, true);
            core.fc2.cancel(command.came.xid);
        }
        command.orders.push_back(order);
        self.run(core, bus, name);
    }

    /// Goes on with a command's first order, if the engine is not at it.
    pub(super) fn run(&mut self, core: &mut Core, bus: &mut dyn Bus, name: Name) {
        loop {
            let Some(command) = self.table.get(name) else { return };
            let Some(order) = command.orders.front().filter(|_| !command.active) else { return };
            let started = start(core, bus, command.came.xid, order);
            command.active = matches!(started, Started::Running);
            let (receives, deadline) = (matches!(order.work, Work::Receive(_)), order.deadline);
            match started {
                Started::Running if receives => return self.table.set_timer(deadline, name),
                Started::Running => return,
                Started::Waiting => return self.table.wait(name),
                Started::Done => self.first_done(core, name, CtioStatus::SUCCESS),
                Started::Fault => return self.fault(core, name),
                Started::Gone => return self.fail(core, name, CtioStatus::INVALID_RX_ID, true),
            }
        }
    }

    /// The first order is done.
    fn first_done(&mut self, core: &mut Core, name: Name, status: CtioStatus) {
        let order = self.table.get(name).and_then(|command| command.orders.pop_front());
        if let Some(order) = order {
            order.complete(core, status, false);
        }
    }

    /// All orders of a command fail. `over`: so does its exchange.
    fn fail(&mut self, core: &mut Core, name: Name, status: CtioStatus, over: bool) {
        if let Some(command) = self.table.get(name) {
            command.drop_orders(core, 0, status, over);
        }
        if over {
            self.table.remove(core, name);
        }
    }

    /// The host's memory is not there: the first order comes back, and those behind it fail.
    fn fault(&mut self, core: &mut Core, name: Name) {
        core.counters.faults += 1;
        let Some(command) = self.table.get(name) else { return };
        if let Some(order) = command.orders.pop_front() {
            core.refuse(order.queue, &order.entry, FAULT);
        }
        self.fail(core, name, assumptions::dropped_status(), false);
    }

    /// A piece came.
    pub(super) fn data_came(&mut self, core: &mut Core, bus: &mut dyn Bus, name: Name, data: Data, ok: bool) {
        let Some(command) = self.table.get(name) else { return core.pool.give(data) };
        command.active = false;
        let (lost, aborted) = (command.is_lost(core), command.aborted);
        let kept = match command.orders.front_mut() {
            Some(order) if ok && !aborted => keep(bus, order, &data),
            _ => true,
        };
        core.pool.give(data);
        match (ok, kept) {
            (_, false) => self.fault(core, name),
            (true, _) => {}
            // What follows from the loss of the login is done at once for all of it.
            (false, _) if lost => return,
            (false, _) if aborted => self.fail(core, name, CtioStatus::ABORTED, false),
            (false, _) => self.first_late(core, name),
        }
        self.run(core, bus, name);
    }

    /// Data did not come in time. A termination behind the order stays.
    fn first_late(&mut self, core: &mut Core, name: Name) {
        let Some(command) = self.table.get(name) else { return };
        let ends = command.orders.back().is_some_and(|order| matches!(order.work, Work::Terminate));
        let ends = if ends { command.orders.pop_back() } else { None };
        let status = if ends.is_some() { CtioStatus::ABORTED } else { CtioStatus::TIMEOUT };
        command.drop_orders(core, 0, status, false);
        command.orders.extend(ends);
    }

    /// A piece, or a response, went.
    pub(super) fn data_went(
        &mut self,
        core: &mut Core,
        bus: &mut dyn Bus,
        name: Name,
        moved: u32,
        ok: bool,
        over: bool,
    ) {
        let Some(command) = self.table.get(name) else { return };
        command.active = false;
        let (lost, aborted) = (command.is_lost(core), command.aborted);
        if ok {
            if let Some(order) = command.orders.front_mut() {
                order.done += moved;
            }
            if over {
                self.first_done(core, name, CtioStatus::SUCCESS);
                return self.fail(core, name, CtioStatus::INVALID_RX_ID, true);
            }
            return self.run(core, bus, name);
        }
        if lost {
            let status = assumptions::lost_status(core.link.up);
            if over {
                self.fail(core, name, status, true);
            }
            return;
        }
        debug_assert!(aborted, "what is sent fails only with its exchange");
        self.fail(core, name, CtioStatus::ABORTED, over);
    }

    /// Commands that wait for memory.
    pub(super) fn go_on(&mut self, core: &mut Core, bus: &mut dyn Bus) -> usize {
        let waiting = self.table.take_waiting();
        let before = waiting.len();
        waiting.into_iter().for_each(|name| self.run(core, bus, name));
        before - before.min(usize::from(self.table.is_waiting()) * before)
    }

    /// Gives up data that do not come.
    pub(super) fn late_data(&mut self, core: &mut Core) -> usize {
        let mut work = 0;
        while let Some(name) = self.table.expired(core.now) {
            let now = core.now;
            let Some(command) = self.table.get(name).filter(|command| command.active) else { continue };
            let late = command.orders.front().is_some_and(|order| order.deadline <= now);
            if late {
                core.fc2.cancel(command.came.xid);
                work += 1;
            }
        }
        work
    }

    /// A login, or its part of one protocol, is gone: all of its commands end, and the host hears of each CTIO.
    pub(super) fn end_commands(
        &mut self,
        core: &mut Core,
        vp: u8,
        handle: u16,
        epoch: Option<u32>,
        fc4: Option<fc::Fc4>,
    ) {
        let status = assumptions::lost_status(core.link.up);
        let names = self.table.names(|command| {
            let same = (command.vp, command.handle) == (vp, handle) && epoch.is_none_or(|epoch| command.epoch == epoch);
            same && fc4.is_none_or(|fc4| command.fc4 == fc4)
        });
        for name in names {
            let Some(mut command) = self.table.remove(core, name) else { continue };
            command.drop_orders(core, 0, status, true);
            let _ = core.fc2.terminate(command.came.xid);
        }
    }
}

/// Hands the next piece of an order to the engine.
fn start(core: &mut Core, bus: &mut dyn Bus, xid: Xid, order: &Order) -> Started {
    let transfer = order.transfer();
    let left = transfer.length - order.done;
    let piece = left.min(core.pool.largest());
    let last = piece == left;
    if piece == 0 && left > 0 {
        // A pool without pieces.
        return Started::Fault;
    }
    let ordered = match order.work {
        Work::Terminate => core.fc2.terminate(xid),
        Work::Receive(_) if left == 0 => return Started::Done,
        Work::Send(_, None) if left == 0 => return Started::Done,
        Work::Receive(_) => {
            let Some(data) = take(core, piece) else { return Started::Waiting };
            core.fc2.receive(xid, transfer.offset + order.done, data)
        }
        Work::Send(_, response) => {
            let Some(mut data) = take(core, piece) else { return Started::Waiting };
            if gather(bus, &window(&order.segments, order.done), data.bytes_mut()).is_err() {
                core.pool.give(data);
                return Started::Fault;
            }
            core.fc2.transmit(xid, transfer.offset + order.done, data, response.filter(|_| last))
        }
    };
    match ordered {
        Ok(()) => Started::Running,
        Err(Gone(data)) => {
            core.pool.give(data);
            Started::Gone
        }
    }
}

/// Memory for a piece; a response alone needs none.
fn take(core: &mut Core, length: u32) -> Option<Data> {
    let data = core.pool.take(length).filter(|data| data.len() == length);
    if data.is_none() {
        core.counters.waited += 1;
    }
    data
}

/// Puts a piece that came where the host wants it. `false`: there is no memory.
fn keep(bus: &mut dyn Bus, order: &mut Order, data: &Data) -> bool {
    let written = scatter(bus, &window(&order.segments, order.done), data.bytes()).is_ok();
    order.done += data.len();
    written
}

/// The segments from a place in them on.
fn window(segments: &[Dsd64], mut skip: u32) -> Vec<Dsd64> {
    let mut rest = Vec::with_capacity(segments.len());
    for segment in segments {
        let part = skip.min(segment.length());
        skip -= part;
        if part < segment.length() {
            rest.push(Dsd64::new(segment.address().wrapping_add(u64::from(part)), segment.length() - part));
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_anywhere() {
        let segments = [Dsd64::new(0x1000, 4), Dsd64::new(0x2000, 0), Dsd64::new(0x3000, 8)];
        assert_eq!(window(&segments, 0), [segments[0], segments[2]]);
        assert_eq!(window(&segments, 3), [Dsd64::new(0x1003, 1), segments[2]]);
        assert_eq!(window(&segments, 4), [segments[2]]);
        assert_eq!(window(&segments, 11), [Dsd64::new(0x3007, 1)]);
        assert!(window(&segments, 12).is_empty());
    }
}
