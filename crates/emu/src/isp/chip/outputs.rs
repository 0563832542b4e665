//! What the firmware has for the host: into queues and mailboxes.

use super::queues::Wrote;
use super::{Behind, Chip, Faults, Stage};
use crate::isp::Entry;
use crate::isp::firmware::{EXECUTE, Output};
use pci::Bus;
use ring::Tick;
use wire::isp::mailbox::Event;
use wire::isp::regs::Cause;

/// Outputs taken in a turn.
const OUTPUTS: usize = 256;

/// An output, and when the host gets it.
pub struct Held {
    /// When.
    pub due: Tick,
    output: Output,
}

impl<F: Behind> Chip<F> {
    /// Takes what the firmware has and hands on what is due.
    pub(super) fn output_turn(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        let due = now.saturating_add(self.faults.output_delay);
        while self.outputs.len() < OUTPUTS
            && let Some(output) = self.firmware.output()
        {
            // What comes later is not told before what came sooner.
            let due = self.outputs.back().map_or(due, |last| last.due.max(due));
            self.outputs.push_back(Held { due, output });
        }
        let mut work = 0;
        while self.outputs.front().is_some_and(|held| held.due <= now)
            && let Some(held) = self.outputs.pop_front()
        {
            self.hand_on(held.output, bus);
            work += 1;
        }
        work
    }

    fn hand_on(&mut self, output: Output, bus: &mut dyn Bus) {
        if self.stage != Stage::Started {
            self.counters.outputs_dropped += 1;
            return;
        }
        match output {
            Output::Event(mailboxes) => self.tell_event(mailboxes),
            Output::Response { queue: EXECUTE, entries } => self.executed(&entries, bus),
            Output::Response { queue, entries } => self.respond(queue, entries),
            Output::Atio { entries } => self.atio(entries),
        }
    }

    /// A completion for a request queue.
    pub(super) fn respond(&mut self, queue: u16, entries: Vec<Entry>) {
        self.counters.responses += 1;
        if Faults::loses(&mut self.faults.lose_responses) {
            return;
        }
        log::trace!("isp: queue {queue} response {:02x?}", entries.first());
        let taken = self.queues.respond(queue, entries);
        self.counters.outputs_dropped += u64::from(!taken);
    }

    fn atio(&mut self, entries: Vec<Entry>) {
        self.counters.atios += 1;
        if Faults::loses(&mut self.faults.lose_atios) {
            return;
        }
        log::trace!("isp: ATIO {:02x?}", entries.first());
        let taken = self.queues.atio(entries);
        self.counters.outputs_dropped += u64::from(!taken);
    }

    /// Writes what the queues hold, and tells of it.
    pub(super) fn flush_turn(&mut self, bus: &mut dyn Bus) {
        let flushed = self.queues.flush(bus);
        for (queue, vector) in flushed.told {
            self.tell_queue(queue, vector, bus);
        }
        if let Some(fault) = flushed.fault {
            self.dma_fault(Event::RESPONSE_TRANSFER_ERROR, fault);
        }
        let (response, atio) = self.queues.full();
        self.counters.response_full += u64::from(response);
        self.counters.atio_full += u64::from(atio);
    }

    /// By its vector, or by host_status. Of a further queue without a vector only its pointers tell.
    fn tell_queue(&mut self, queue: Wrote, vector: Option<u16>, bus: &mut dyn Bus) {
        match (queue, vector) {
            (_, Some(vector)) => {
                self.counters.interrupts += 1;
                bus.interrupt(vector);
            }
            (Wrote::Base, None) => self.host.ring(Cause::RESPONSE),
            (Wrote::Atio, None) if self.has_shadows() => self.host.ring(Cause::ATIO_27XX),
            (Wrote::Atio, None) => self.host.ring(Cause::ATIO),
            (Wrote::Further, None) => {}
        }
    }
}
