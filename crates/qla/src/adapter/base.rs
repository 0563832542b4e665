//! The queues of the adapter's home core, and the control block that tells the firmware of them and of who we are.

use super::Settings;
use crate::assumptions;
use crate::chip::{Chip, Running, Words};
use crate::ring::{AtioRing, Entry, RequestRing, ResponseRing};
use dma::Arena;
use fc::Names;
use ring::Tick;
use std::collections::VecDeque;
use std::sync::Arc;
use wire::isp::icb::{Connection, ICB_VERSION, Icb, MID_ICB_BYTES, MidIcb, Options1, Options2, Options3};
use wire::isp::mailbox::{Command, FirmwareOptions2, FirmwareOptions3};
use wire::{FromZeros, IntoBytes, U16, U32, U64};

/// Entries of the queues, as the stock driver has them in target mode.
const REQUESTS: u16 = 8192;
const RESPONSES: u16 = 4096;
const ATIOS: u16 = 4096;

/// Request, response and ATIO queue, and what waits for room in the first.
pub(super) struct Base {
    pub request: RequestRing,
    pub response: ResponseRing,
    pub atio: AtioRing,
    outbox: VecDeque<Entry>,
    /// The request queue has been full since then.
    full_since: Option<Tick>,
}

impl Base {
    pub fn new(chip: &Chip, arena: &Arc<Arena>) -> Result<Self, dma::Error> {
        let (pointers, shadow) = (&chip.pointers, chip.family.has_shadow_pointers());
        let mut request = RequestRing::new(arena, pointers.clone(), 0, REQUESTS, shadow)?;
        if !shadow {
            request.flush_reads(chip.bar0.registers());
        }
        let response = ResponseRing::new(arena, pointers.clone(), 0, RESPONSES, shadow)?;
        let atio = AtioRing::new(arena, pointers.clone(), ATIOS)?;
        Ok(Self { request, response, atio, outbox: VecDeque::new(), full_since: None })
    }

    /// As the firmware expects them at its start.
    pub fn reset(&mut self) {
        self.request.reset();
        self.response.reset();
        self.atio.reset();
        self.outbox.clear();
        self.full_since = None;
    }

    /// Sends an entry, at the latest when there is room; order is kept.
    pub fn send(&mut self, entry: &Entry) {
        if !self.outbox.is_empty() || !self.request.push(std::slice::from_ref(entry)) {
            self.outbox.push_back(*entry);
        }
    }

    /// Whether lanes may put entries in, too.
    pub fn has_room(&mut self) -> bool {
        self.outbox.is_empty() && self.request.has_room(2)
    }

    /// Sends what waited; how much that was.
    pub fn drain(&mut self, now: Tick) -> usize {
        let before = self.outbox.len();
        while let Some(entry) = self.outbox.front() {
            if !self.request.push(std::slice::from_ref(entry)) {
                break;
            }
            self.outbox.pop_front();
        }
        let moved = before - self.outbox.len();
        self.full_since = match self.full_since {
            _ if self.outbox.is_empty() => None,
            Some(since) if moved == 0 => Some(since),
            _ => Some(now),
        };
        moved
    }

    /// The firmware has taken nothing for so long, although the queue is full.
    pub fn stuck_for(&self, now: Tick) -> Tick {
        self.full_since.map_or(0, |since| now.saturating_sub(since))
    }

    /// Ends a turn: doorbells and out-pointers.
    pub fn flush(&mut self) {
        self.request.flush();
        self.response.flush();
        self.atio.flush();
    }

    pub fn is_pending(&mut self) -> bool {
        self.atio.is_pending() || self.response.is_pending() || (!self.outbox.is_empty() && self.request.has_room(1))
    }

    /// The control block of target mode without interrupts.
    fn icb(&self, chip: &Chip, settings: &Settings, running: &Running, names: Names) -> Icb {
        let shadow = chip.family.has_shadow_pointers();
        let one = Options1(0).with_fairness(true).with_full_duplex(true).with_node_name(true);
        let one = one.with_target_mode(true).with_no_initiator(true);
        let two = Options2(0).with_connection(Connection::POINT_TO_POINT.0).with_target_prli_control(true);
        let polled = assumptions::polls_without_interrupts();
        let two = two.with_msix_handshake(polled).with_multi_queue(true).with_atio_intx(polled);
        let two = two.with_shadow_request(shadow).with_shadow_response(shadow);
        let three = Options3(0).with_rida_format_2(true).with_n2n_host_login(true).with_data_rate(settings.speed.0);
        Icb {
            version: U16::new(ICB_VERSION),
            frame_payload: U16::new(settings.frame_payload),
            execution_throttle: U16::new(running.exchanges),
            exchange_count: U16::new(u16::MAX),
            port_name: names.port.to_bytes(),
            node_name: names.node.to_bytes(),
            login_retries: U16::new(8),
            response_length: U16::new(self.response.entries()),
            request_length: U16::new(self.request.entries()),
            request_address: U64::new(self.request.address()),
            response_address: U64::new(self.response.address()),
            atio_length: U16::new(self.atio.entries()),
            atio_address: U64::new(self.atio.address()),
            login_timeout: U16::new(20),
            options_1: U32::new(one.0),
            options_2: U32::new(two.0),
            options_3: U32::new(three.0),
            qos: U16::new(5),
            ..Icb::new_zeroed()
        }
    }

    /// The command that starts the firmware with these queues and names (48h, or 60h where there are no virtual ports). The control
    /// block is in the chip's scratch memory.
    pub fn init(&self, chip: &Chip, settings: &Settings, running: &Running, names: Names) -> Words {
        let icb = self.icb(chip, settings, running, names);
        let npiv = running.attributes.npiv();
        chip.scratch.zero(MID_ICB_BYTES);
        let block = MidIcb { icb, count: U16::new(running.vports), options: U16::new(2) };
        chip.scratch.write(0, if npiv { block.as_bytes() } else { icb.as_bytes() });
        let command = if npiv { Command::MID_INIT_FIRMWARE } else { Command::INIT_FIRMWARE };
        Words::new(command).with_address(chip.scratch.address())
    }
}

/// Command 38h: stale exchanges are caught; what comes unasked comes by the ATIO queue, in one order with commands.
pub(super) fn firmware_options() -> Words {
    let two = FirmwareOptions2(0).with_exchange_tracking(true).with_async_to_atio(true);
    let three = FirmwareOptions3(0).with_transceiver_events(true);
    Words::new(Command::SET_FIRMWARE_OPTIONS).with(2, two.0).with(3, three.0)
}
