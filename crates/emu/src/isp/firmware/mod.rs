//! The firmware of the modelled adapter: logins, exchanges, fabric, on the exchange engine of `fc` and a link.
//!
//! It sees no register: the chip hands it IOCBs and the mailbox commands that concern the fabric, and puts its [`Output`] into rings and
//! mailboxes. It reads and writes the host's memory by [`pci::Bus`] (data segments, CMND IUs, CT payloads).
//!
//! - Owns: addresses and logins of the N_Ports behind the link, exchanges, data on their way between the host's memory and frames.
//! - In: [`Firmware::request`], [`Firmware::mailbox`], frames and events of the link, time. Out: [`Output`]s in order, frames.
//! - Limits: class 3; a fabric (a link to another N_Port without one stays down for the host); handles 0 to 7EEh and those of the
//!   well-known addresses; a command's data must fit a piece of the pool.
//! - Not done: T10 PI (DIF), bidirectional commands, FC tape (SRR), arbitrated loop, N2N, security.
//!
//! # Parts, and the boundary to target mode
//! `Core` is what all share; each file beside this one has one kind of its methods. `target` is a struct of its own beside it, with
//! all that is target mode only. What goes where is decided here, in `Firmware`:
//!
//! what | goes to
//! --- | ---
//! IOCBs that `Target::is_mine` names (12h, 0Eh, 55h, 7Ah, 82h, 89h as responder) | `Target::iocb`
//! all other IOCBs, and all mailbox commands | `Core`
//! a command of a peer | `Target::command` (it ends the exchange if target mode is off or there is no login)
//! Received, Sent, Abort of such commands | `Target::received`, `Target::sent`, `Target::abort`
//! NVMe LS request of a peer | `Target::service`
//! ELS that the target takes (`Target::els` says so: PLOGI, PRLI, LOGO, PRLO, TPRLO, ADISC, PDISC with ICB option 1.4) | `Target::els`
//! all other ELS | `Core`, file `unsolicited`
//! a login ended (LOGO IOCB, explicit or implicit; a new PLOGI; loss of the link) | `Target::login_gone`, after its exchanges were ended
//!
//! What the target uses of `Core`: `options`, `logins` (the one table of handles, with `Core::plogi_begin`,
//! `Core::plogi_accept`, `Core::prli_answers`, `Core::prli_accept` for inbound logins and `Core::drop_login` for their end),
//! `addresses` (exchange addresses), `fc2`, `pool`, `data` (segments, gather, scatter), `Core::accept` and `Core::reject` (answers to
//! ELS), `events` (`Core::respond`, `Core::atio`, `Core::notify`, `Core::event`).

mod addresses;
mod commands;
mod core;
mod data;
mod events;
mod fabric_login;
mod farewell;
mod inbound;
mod iocb;
mod link_state;
mod login_answer;
mod login_iocb;
mod logins;
mod mailbox;
mod npiv;
mod output;
mod pass_through;
mod ports;
mod requests;
mod scsi;
mod sessions;
mod settings;
mod start;
mod statistics;
mod status;
mod target;
mod unsolicited;

pub use output::{Mailbox, Output};
pub use sessions::Session;
pub use settings::Settings;
pub use statistics::Counters;

use self::core::Core;
use fc::Link;
use fc::fc2::Upcall;
use pci::Bus;
use ring::Tick;
use std::os::fd::BorrowedFd;
use target::Target;
use wire::fc::{RCtl, Type};
use wire::isp::icb::Icb;

/// An entry of a queue.
pub type Entry = [u8; 64];

/// The request queue number under which the chip hands in the IOCB of mailbox command 54h (execute IOCB): the response entry with
/// that number goes back into the buffer of the command and completes it.
pub const EXECUTE: u16 = u16::MAX;

/// Frames taken in in a turn.
const FRAMES: usize = 128;

/// The firmware.
pub struct Firmware<L: Link> {
    link: L,
    core: Core,
    target: Target,
}

impl<L: Link> Firmware<L> {
    /// A firmware that is not started: its laser is off.
    pub fn new(settings: Settings, mut link: L) -> Self {
        let mut core = Core::new(settings);
        core.link.max_payload = link.max_payload();
        link.set_up(false);
        core.link.order = None;
        Self { link, core, target: Target::default() }
    }

    /// The host initialized it (mailbox 48h or 60h; `options` are words 1 to 3 of 38h): the link comes up. Started again without a
    /// stop, it begins anew.
    pub fn start(&mut self, icb: &Icb, options: [u16; 3], now: Tick) {
        if self.core.link.started {
            self.stop(now);
        }
        self.core.now = now;
        self.core.begin(icb, options);
        self.target.start(&mut self.core);
        self.order_link();
    }

    /// The chip is reset, or its host is gone: all sessions are logged out as far as the link takes frames; exchanges and outputs are
    /// dropped, no IOCB is completed any more. The laser goes off 10 ms later, so that the LOGOs arrive: go on polling.
    pub fn stop(&mut self, now: Tick) {
        self.core.now = now;
        self.core.say_goodbye();
        self.send_frames();
        self.link.flush(now);
        self.target.stop();
        self.core.reset();
        self.core.link_stop();
        self.order_link();
        self.link.flush(now);
    }

    /// One IOCB with its continuations.
    pub fn request(&mut self, queue: u16, entries: &[Entry], bus: &mut dyn Bus, now: Tick) {
        self.core.now = now;
        if !self.core.link.started || entries.is_empty() {
            return;
        }
        self.core.counters.iocbs += 1;
        if Target::is_mine(&entries[0]) {
            self.target.iocb(&mut self.core, bus, queue, entries);
        } else {
            self.core.iocb(bus, queue, entries);
        }
        self.settle(bus);
    }

    /// A mailbox command. Those that are not about the fabric are the chip's.
    pub fn mailbox(&mut self, mailboxes: &[u16; 32], bus: &mut dyn Bus, now: Tick) -> Mailbox {
        self.core.now = now;
        let done = self.core.mailbox(mailboxes, bus);
        self.settle(bus);
        done
    }

    /// Does what there is to do, a bounded amount; returns how many things were done.
    pub fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        self.core.now = now;
        self.core.link_time();
        self.order_link();
        let mut work = self.events(bus) + self.frames_in(bus);
        self.core.fc2.turn(now);
        self.settle(bus);
        self.core.fabric_time();
        work += self.core.start_waiting(bus) + self.target.poll(&mut self.core, bus);
        self.settle(bus);
        work += self.send_frames();
        self.settle(bus);
        self.order_link();
        self.link.flush(now);
        work
    }

    /// The next thing for the host.
    pub fn output(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// Whether there is something to do at once.
    pub fn is_pending(&self) -> bool {
        let to_send = self.core.fc2.is_pending() && self.link.room() > 0;
        let more = self.link.is_pending() || self.target.is_pending() || self.core.link.order.is_some();
        to_send || more || !self.core.outputs.is_empty()
    }

    /// When it must be polled although nothing came.
    pub fn deadline(&self) -> Option<Tick> {
        let core = &self.core;
        let link = [core.link.deadline(), core.fabric_deadline()].into_iter();
        let mine = link.chain([core.fc2.deadline(), core.waiting_deadline(), self.target.deadline()]);
        mine.flatten().chain(self.link.deadline()).min()
    }

    /// What wakes its core, if the link has a descriptor.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.fd()
    }

    /// The link, to look at.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// Puts the cable in, or pulls it.
    pub fn set_cable(&mut self, there: bool) {
        self.core.set_cable(there);
        self.order_link();
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.core.all_counters()
    }

    /// Does to the laser what was decided.
    fn order_link(&mut self) {
        if let Some(up) = self.core.link.order.take() {
            self.link.set_up(up);
        }
    }

    fn events(&mut self, bus: &mut dyn Bus) -> usize {
        let mut work = 0;
        while let Some(event) = self.link.event(self.core.now) {
            self.core.link.max_payload = self.link.max_payload();
            self.core.link_event(event);
            self.settle(bus);
            work += 1;
        }
        work
    }

    /// All that follows from a frame is done before the next: what a login changes is in place for the first command.
    fn frames_in(&mut self, bus: &mut dyn Bus) -> usize {
        for work in 0..FRAMES {
            let Some(frame) = self.link.receive(self.core.now) else { return work };
            self.core.fc2.arrive(frame, self.core.now);
            self.settle(bus);
        }
        FRAMES
    }

    fn send_frames(&mut self) -> usize {
        let mut work = 0;
        for _ in 0..self.link.room() {
            let Some(frame) = self.core.fc2.next_frame(self.core.now) else { break };
            self.link.send(frame);
            work += 1;
        }
        work
    }

    /// Everything that the engine has to tell, and what follows from it.
    fn settle(&mut self, bus: &mut dyn Bus) {
        loop {
            while let Some(upcall) = self.core.fc2.next() {
                self.upcall(bus, upcall);
            }
            let Some(login) = self.core.gone.pop() else { break };
            self.target.login_gone(&mut self.core, &login);
        }
    }

    fn upcall(&mut self, bus: &mut dyn Bus, upcall: Upcall) {
        let (core, target) = (&mut self.core, &mut self.target);
        match upcall {
            Upcall::Command { xid, local, remote, fc4, payload, ox_id } => {
                target.command(core, target::Came { xid, local, remote, ox_id }, fc4, payload.bytes());
                core.fc2.recycle(payload);
            }
            Upcall::Received { xid, context, data, ok } => target.received(core, bus, xid, context, data, ok),
            Upcall::Sent { context, data, ok, over, .. } => target.sent(core, bus, context, data, ok, over),
            Upcall::Abort { xid, context } => target.abort(core, xid, context),
            Upcall::Request { xid, local, remote, r_ctl, type_, payload, ox_id } => {
                let came = target::Came { xid, local, remote, ox_id };
                let bytes = payload.bytes();
                match (r_ctl, type_) {
                    (RCtl::ELS_REQUEST, _) if target.els(core, came, bytes) => {}
                    (RCtl::ELS_REQUEST, _) => core.els_came(came, bytes),
                    (RCtl::FC4_LS_REQUEST, Type::NVME) => target.service(core, came, bytes),
                    _ => core.unknown_came(came, r_ctl, bytes),
                }
                core.fc2.recycle(payload);
            }
            Upcall::Reply { context, local, result, .. } => core.replied(bus, context, local, result),
            Upcall::Ended { context, data, result, received, sent, .. } => {
                core.ended(bus, context, data, result, received.max(sent));
            }
        }
    }
}
