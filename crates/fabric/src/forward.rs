//! The way of a frame through the switch. A look into two tables, and a box that moves.

use crate::f_port::State;
use crate::faults::{Verdict, Way};
use crate::limits::{BURST, HOLD};
use crate::request::Asker;
use crate::switch::Switch;
use fc::{Frame, FrameBox};
use ring::Tick;
use wire::fc::{PortId, RCtl, Wwn};

/// Why a frame went no farther.
#[derive(Clone, Copy)]
enum Why {
    Destination,
    Source,
    Zone,
    Size,
    Other,
}

impl Switch {
    /// Takes frames from a port until there is none, it has had its share, or one finds no room where it goes.
    pub(crate) fn take_in(&mut self, number: u16, now: Tick) -> usize {
        let mut done = self.retry(number, now);
        while done < BURST {
            let Some(port) = self.port_mut(number).filter(|port| port.held.is_none()) else { break };
            let Some(frame) = port.link.receive(now) else { break };
            done += 1;
            if port.state != State::Online {
                self.frames.give(frame);
                continue;
            }
            port.counters.frames_in += 1;
            port.counters.bytes_in += frame.bytes().len() as u64;
            if self.faults.none() {
                self.go(number, frame, now);
            } else {
                self.go_through_faults(Way::From(number), frame, now);
            }
        }
        done
    }

    /// The frame that waits at the way in tries again. Whatever it waits for, it waits no longer than the hold time.
    fn retry(&mut self, number: u16, now: Tick) -> usize {
        let Some((frame, since)) = self.port_mut(number).and_then(|port| port.held.take()) else { return 0 };
        let Err(frame) = self.forward(number, frame, now) else { return 1 };
        if now.saturating_sub(since) >= HOLD {
            if let Some(port) = self.port_mut(number) {
                port.counters.discarded_hold_time += 1;
            }
            self.frames.give(frame);
            return 1;
        }
        if let Some(port) = self.port_mut(number) {
            port.counters.held_back += 1;
            port.held = Some((frame, since));
        }
        0
    }

    fn go(&mut self, number: u16, frame: FrameBox, now: Tick) {
        if let Err(frame) = self.forward(number, frame, now)
            && let Some(port) = self.port_mut(number)
        {
            port.held = Some((frame, now));
        }
    }

    /// Forwards a frame that came in by `number`, serves it, or discards it. Gives it back when it must wait.
    #[inline]
    fn forward(&mut self, number: u16, frame: FrameBox, now: Tick) -> Result<(), FrameBox> {
        let header = frame.header();
        let (s_id, d_id) = (header.s_id(), header.d_id());
        let Some((to, destination)) = self.n_ports.route(d_id) else {
            self.for_service(number, frame, now);
            return Ok(());
        };
        let why = match self.n_ports.route(s_id) {
            _ if matches!(header.r_ctl, RCtl::VFT_HEADER | RCtl::IFR_HEADER | RCtl::ENC_HEADER) => Why::Other,
            Some((from, source)) if source.f_port == number && self.reach.allows(from, to) => {
                let exit = destination.f_port;
                match &mut self.f_ports[usize::from(exit)] {
                    Some(port) if frame.payload().len() <= usize::from(port.link.max_payload()) => {
                        return port.send(frame, &mut self.frames, now);
                    }
                    Some(_) => Why::Size,
                    None => Why::Destination,
                }
            }
            Some((_, source)) if source.f_port == number => Why::Zone,
            _ => Why::Source,
        };
        self.discard(number, frame, why);
        Ok(())
    }

    /// Class 3: nobody is told of a frame that goes nowhere, but it is counted.
    fn discard(&mut self, number: u16, frame: FrameBox, why: Why) {
        if let Some(port) = self.port_mut(number) {
            let counters = &mut port.counters;
            *match why {
                Why::Destination => &mut counters.discarded_destination,
                Why::Source => &mut counters.discarded_source,
                Why::Zone => &mut counters.discarded_zone,
                Why::Size => &mut counters.discarded_size,
                Why::Other => &mut counters.discarded_other,
            } += 1;
        }
        self.frames.give(frame);
    }

    /// A frame for an address that no N_Port has: for the switch itself, or for nobody.
    fn for_service(&mut self, number: u16, frame: FrameBox, now: Tick) {
        let header = frame.header();
        let (s_id, d_id) = (header.s_id(), header.d_id());
        if d_id == PortId::BROADCAST || !(d_id.is_well_known() || d_id.is_domain_controller()) {
            return self.discard(number, frame, Why::Destination);
        }
        let ours = self.n_ports.route(s_id).is_some_and(|(_, port)| port.f_port == number);
        if ours || (s_id == PortId::NONE && d_id == PortId::FABRIC) {
            self.serve(number, frame, now);
        } else {
            self.discard(number, frame, Why::Source);
        }
    }

    fn serve(&mut self, number: u16, frame: FrameBox, now: Tick) {
        let asker = Asker::of(number, frame.header());
        if !self.serve_frame(asker, &frame, now)
            && let Some(port) = self.port_mut(number)
        {
            port.counters.discarded_other += 1;
        }
        self.frames.give(frame);
    }

    /// Sends a frame of the switch itself by an F_Port.
    pub(crate) fn emit(&mut self, number: u16, frame: FrameBox, now: Tick) {
        if self.faults.none() {
            self.emit_untouched(number, frame, now);
        } else {
            self.go_through_faults(Way::To(number), frame, now);
        }
    }

    fn emit_untouched(&mut self, number: u16, frame: FrameBox, now: Tick) {
        match self.port_and_frames(number) {
            Some((port, frames)) if port.state == State::Online => port.send_own(frame, frames, now),
            _ => self.frames.give(frame),
        }
    }

    fn go_on(&mut self, way: Way, frame: FrameBox, now: Tick) {
        match way {
            Way::To(number) => self.emit_untouched(number, frame, now),
            // It may find the place for the one that waits taken; then it is lost, as late frames may be.
            Way::From(number) => {
                if let Err(frame) = self.forward(number, frame, now) {
                    match self.port_mut(number).filter(|port| port.held.is_none()) {
                        Some(port) => port.held = Some((frame, now)),
                        None => self.frames.give(frame),
                    }
                }
            }
        }
    }

    fn go_through_faults(&mut self, way: Way, mut frame: FrameBox, now: Tick) {
        let ports = &self.n_ports;
        let name_of = |id: PortId| -> Option<Wwn> { ports.route(id).map(|(_, port)| port.name) };
        let verdict = self.faults.judge(&mut frame, &name_of);
        if verdict.is_some() {
            let (Way::From(number) | Way::To(number)) = way;
            self.port_mut(number).into_iter().for_each(|port| port.counters.injected += 1);
        }
        let pair = (frame.header().s_id(), frame.header().d_id());
        match verdict.unwrap_or(Verdict::Pass) {
            Verdict::Drop => return self.frames.give(frame),
            Verdict::Delay(ns) => return self.faults.delay(now.saturating_add(ns), way, frame),
            Verdict::Overtake => return self.faults.let_overtake(now, way, frame),
            Verdict::Double => {
                let copy = Frame::new(frame.header(), frame.payload());
                self.go_on(way, copy, now);
            }
            Verdict::Pass => {}
        }
        self.go_on(way, frame, now);
        while let Some((way, frame)) = self.faults.behind(pair.0, pair.1) {
            self.go_on(way, frame, now);
        }
    }

    /// Frames that an injected fault held back go on.
    pub(crate) fn release(&mut self, now: Tick) -> usize {
        let mut done = 0;
        while let Some((way, frame)) = self.faults.due(now) {
            done += 1;
            self.go_on(way, frame, now);
        }
        done
    }
}
