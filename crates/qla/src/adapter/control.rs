//! Orders of the control plane, carried out; and what lanes say.

use super::jobs::Job;
use super::nport::{Offer, Stage};
use super::{Adapter, ENTRIES};
use crate::chip::Fault;
use crate::lane::{FromLane, LaneEnd};
use crate::port::Control;
use fc::{Fc4, Service};

impl Adapter {
    /// Carries out what was ordered; how much that was.
    pub(super) fn controls(&mut self) -> usize {
        let mut work = 0;
        while let Some(control) = self.control.next() {
            work += 1;
            match control {
                Control::Attach { vp, service, lanes } => self.attach(vp, service, lanes),
                Control::Detach { vp, fc4 } => self.detach(vp, fc4),
                Control::SetUp { vp, up } => self.set_up(vp, up),
                Control::Add { vp, names, board } => self.add_vport(vp, names, board),
                Control::Remove { vp } => self.remove_vport(vp),
                Control::Show => self.asked_to_show(),
                Control::Reset if self.stage.is_over() => self.take_up(),
                Control::Reset => self.noted(Fault::Asked),
            }
        }
        work
    }

    fn attach(&mut self, vp: u8, service: Service, ends: Vec<LaneEnd>) {
        let fc4 = service.fc4;
        let arena = self.common.arena.clone();
        let mut lanes = Vec::with_capacity(ends.len());
        for end in ends {
            let lane = self.lanes.add(end, vp, fc4, &self.chip, &arena);
            self.start_lane(lane);
            lanes.push(lane);
        }
        let Some(port) = self.port_mut(vp) else {
            return lanes.into_iter().for_each(|lane| self.lanes.detach(lane));
        };
        port.offers[fc4 as usize] = Some(Offer { service, lanes, next_lane: 0 });
        self.announce(vp);
        self.register_again(vp);
    }

    fn detach(&mut self, vp: u8, fc4: Fc4) {
        let gone: Vec<_> = self.peers.logins().filter(|login| login.vp == vp && login.info.fc4 == fc4).collect();
        let gone: Vec<_> = gone.into_iter().map(|login| login.info.peer_id).collect();
        gone.into_iter().for_each(|remote| self.log_out(vp, remote, true));
        let Some(offer) = self.port_mut(vp).and_then(|port| port.offers[fc4 as usize].take()) else { return };
        offer.lanes.into_iter().for_each(|lane| self.lanes.detach(lane));
        self.announce(vp);
        self.register_again(vp);
    }

    fn set_up(&mut self, vp: u8, up: bool) {
        match (vp, up) {
            (0, false) => self.take_down(),
            (0, true) => self.take_up(),
            (_, false) => self.stop_vport(vp),
            (_, true) => {
                if let Some(port) = self.port_mut(vp).filter(|port| port.stage == Stage::Disabled) {
                    port.leave(Stage::LinkDown);
                    self.start_vport(vp);
                }
            }
        }
    }

    fn remove_vport(&mut self, vp: u8) {
        if vp != 0 && self.port(vp).is_some() && !self.removing.contains(&vp) {
            self.removing.push(vp);
            self.stop_vport(vp);
        }
    }

    /// The present state is asked for: with counters, if the firmware can tell them.
    fn asked_to_show(&mut self) {
        if self.stage.is_initialized() {
            self.jobs.push(Job::Temperature);
            self.jobs.push(Job::Statistics);
        } else {
            self.changed_all();
        }
    }

    /// Takes in what lanes say; how much that was.
    pub(super) fn hear_lanes(&mut self) -> usize {
        let mut work = 0;
        for at in 0..self.lanes.active.len() {
            let lane = self.lanes.active[at];
            for _ in 0..ENTRIES {
                // What a lane says may be for the base queue. Whether that has room may be a question to the chip.
                if !self.lanes.speaks(lane) || self.stage.is_running() && !self.base.has_room() {
                    break;
                }
                let Some(message) = self.lanes.next(lane) else { break };
                self.hear(lane, message);
                work += 1;
            }
        }
        while let Some(lane) = self.lanes.abandoned() {
            self.abandon(lane);
        }
        work
    }

    fn hear(&mut self, lane: usize, message: FromLane) {
        match message {
            FromLane::Iocb(iocb) => {
                // Of a lane that was told to be quiet and has not heard it yet.
                if self.stage.is_initialized() {
                    let put = self.base.request.push(iocb.entries());
                    assert!(put, "room was looked for");
                }
            }
            FromLane::Aborted { token, found } => self.aborted(lane, token, found),
            FromLane::Answer { session, exchange, payload, .. } => self.ls_answer(session, exchange, payload),
            FromLane::Request { session, payload } => self.ls_originate(session, payload),
            FromLane::Logout(session) | FromLane::LoggedOut(session) => self.log_out_session(session),
            FromLane::Down(session) => {
                self.peers.down(session, lane);
                self.held();
            }
            FromLane::Quiet { pair, .. } => {
                self.lanes.quieted(lane, pair);
                self.lane_is_quiet(lane);
            }
            FromLane::Lost if self.stage.is_initialized() => self.lost("data or response of a command"),
            FromLane::Lost => {}
        }
    }

    fn lane_is_quiet(&mut self, lane: usize) {
        self.peers.lane_gone(lane);
        self.aborts_without(lane);
        self.held();
    }

    /// A lane's queue was dropped and its service is over: the chip forgets its queues, then we forget it.
    fn abandon(&mut self, lane: usize) {
        self.lane_is_quiet(lane);
        let known = self.stage.is_initialized() && self.lanes.pair_number(lane).is_some();
        if known {
            self.jobs.push(Job::Delete { lane, response: false });
        } else {
            self.lanes.forget(lane);
        }
    }
}
