//! A turn: commands, requests, the firmware, and what it has for the host.

use super::queues::Fetch;
use super::{Behind, Chip, Faults, Stage};
use pci::{Bus, Fault};
use ring::Tick;
use wire::isp::mailbox::Event;

/// IOCBs fetched of a queue in a turn.
const IOCBS: usize = 64;

/// The bus for a function that may not use it.
struct NoBus;

impl Bus for NoBus {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        Err(Fault { address, len: into.len() })
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        Err(Fault { address, len: from.len() })
    }

    fn interrupt(&mut self, _vector: u16) {}
}

impl<F: Behind> Chip<F> {
    /// Does what there is to do, a bounded amount; returns how many things were done.
    pub fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        self.stop_firmware(now);
        if self.faults.frozen {
            return 0;
        }
        match self.config.is_master() && !self.shut {
            true => self.turn(bus, now),
            false => self.turn(&mut NoBus, now),
        }
    }

    fn turn(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        self.faults_now();
        let mut work = 0;
        if !self.paused && !self.held {
            work += self.mailbox_turn(bus, now);
            if self.stage == Stage::Started {
                work += self.request_turn(bus, now);
            }
            if self.stage != Stage::Dead {
                self.stop_firmware(now);
                work += self.firmware.poll(bus, now);
                work += self.output_turn(bus, now);
            }
            self.flush_turn(bus);
        }
        work + self.interrupt_turn(bus)
    }

    fn faults_now(&mut self) {
        if std::mem::take(&mut self.faults.system_error) {
            self.system_error();
        }
        if std::mem::take(&mut self.faults.pause) {
            self.pause(true);
        }
        if self.stage == Stage::Started {
            let events = std::mem::take(&mut self.faults.events);
            events.into_iter().for_each(|event| self.tell_event(event));
        }
    }

    /// Fetches from all request queues.
    fn request_turn(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        let mut work = 0;
        if self.queues.has_requests() {
            work = self.queues.requests().into_iter().map(|queue| self.requests_of(queue, bus, now)).sum();
        }
        if let Err(fault) = self.queues.publish(bus) {
            self.dma_fault(Event::REQUEST_TRANSFER_ERROR, fault);
        }
        work
    }

    fn requests_of(&mut self, queue: u16, bus: &mut dyn Bus, now: Tick) -> usize {
        for done in 0..IOCBS {
            match self.queues.fetch(queue, bus) {
                Ok(Fetch::Nothing) => return done,
                Ok(Fetch::Iocb(entries)) => self.iocb(queue, &entries, bus, now),
                Ok(Fetch::Invalid(entry)) => {
                    self.counters.invalid_iocbs += 1;
                    self.respond(queue, vec![entry]);
                }
                Err(fault) => {
                    self.dma_fault(Event::REQUEST_TRANSFER_ERROR, fault);
                    return done;
                }
            }
        }
        IOCBS
    }

    fn iocb(&mut self, queue: u16, entries: &[[u8; 64]], bus: &mut dyn Bus, now: Tick) {
        log::trace!("isp: queue {queue} IOCB {:02x?} and {} more", entries[0], entries.len() - 1);
        self.counters.iocbs += 1;
        if Faults::loses(&mut self.faults.lose_iocbs) {
            return;
        }
        match self.faults.entry_status.take() {
            Some(status) => {
                let mut entry = entries[0];
                entry[3] = status;
                self.respond(queue, vec![entry]);
            }
            None => self.firmware.request(queue, entries, bus, now),
        }
    }

    /// One message for each vector, however much there is to tell.
    fn interrupt_turn(&mut self, bus: &mut dyn Bus) -> usize {
        if !self.host.take_signal() {
            return 0;
        }
        self.counters.interrupts += 1;
        bus.interrupt(0);
        1
    }

    /// Whether there is something to do at once.
    pub fn is_pending(&self) -> bool {
        if self.faults.frozen || self.stop {
            return self.stop;
        }
        let faults = self.faults.is_pending(self.stage == Stage::Started);
        self.host.is_signalled() || faults || !self.paused && !self.held && self.risc_is_pending()
    }

    fn risc_is_pending(&self) -> bool {
        let command = self.command.as_ref().is_some_and(|command| command.due.is_none());
        let requests = self.stage == Stage::Started && !self.shut && self.queues.has_requests();
        let firmware = self.stage != Stage::Dead && self.firmware.is_pending();
        command || requests || firmware || !self.shut && self.queues.has_responses()
    }

    /// When it must be polled although nobody accesses it.
    pub fn deadline(&self) -> Option<Tick> {
        if self.faults.frozen || self.paused || self.held {
            return None;
        }
        let firmware = if self.stage == Stage::Dead { None } else { self.firmware.deadline() };
        let command = self.command.as_ref().and_then(|command| command.due);
        let held = self.outputs.front().map(|held| held.due);
        [firmware, command, held].into_iter().flatten().min()
    }
}
