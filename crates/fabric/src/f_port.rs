//! One F_Port: a link, what waits to go out on it, and what was counted.

use crate::limits::{HOLD, OWN, QUEUE};
use fc::{FrameBox, Frames, Link};
use ring::Tick;
use serde::Serialize;
use std::collections::VecDeque;
use wire::fc::Wwn;

/// How far an F_Port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Taken down by the operator.
    Disabled,
    /// No light.
    Offline,
    /// The link is up; whether someone is logged in, the list of N_Ports says.
    Online,
}

/// What an F_Port counts. Discards are counted where the frame came in, except `hold_time`, which is counted where it did not
/// go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortCounters {
    /// Frames that came.
    pub frames_in: u64,
    /// Frames that went.
    pub frames_out: u64,
    /// Bytes of those that came, headers included.
    pub bytes_in: u64,
    /// Bytes of those that went.
    pub bytes_out: u64,
    /// Times that the link came up.
    pub link_ups: u64,
    /// Times that it went down.
    pub link_downs: u64,
    /// FLOGI and FDISC accepted.
    pub logins: u64,
    /// FLOGI and FDISC refused.
    pub logins_refused: u64,
    /// Discarded: nobody has that destination address.
    pub discarded_destination: u64,
    /// Discarded: the source address is not one of this port.
    pub discarded_source: u64,
    /// Discarded: no common zone.
    pub discarded_zone: u64,
    /// Discarded: longer than the destination takes.
    pub discarded_size: u64,
    /// Discarded: malformed, or of a kind that a switch has no use for.
    pub discarded_other: u64,
    /// Discarded: it waited for longer than the hold time to leave by this port.
    pub discarded_hold_time: u64,
    /// Turns in which a frame of this port had to wait because its destination took none.
    pub held_back: u64,
    /// Frames of this port that an injected fault met.
    pub injected: u64,
}

/// A port of the switch.
pub(crate) struct FPort {
    pub(crate) link: Box<dyn Link>,
    pub(crate) name: Wwn,
    pub(crate) state: State,
    pub(crate) counters: PortCounters,
    /// The frame that came in and finds no room where it goes; until it does, no further one is taken. With the time.
    pub(crate) held: Option<(FrameBox, Tick)>,
    out: VecDeque<(FrameBox, Tick)>,
    /// It took nothing for [`HOLD`]: frames for it are not waited with.
    slow: bool,
}

impl FPort {
    pub(crate) fn new(link: Box<dyn Link>, name: Wwn) -> Self {
        Self {
            link,
            name,
            state: State::Offline,
            counters: PortCounters::default(),
            held: None,
            out: VecDeque::with_capacity(QUEUE + OWN),
            slow: false,
        }
    }

    /// Sends a frame of another port, or has it wait its turn. Gives it back when it has to wait where it came from.
    #[inline]
    pub(crate) fn send(&mut self, frame: FrameBox, frames: &mut Frames, now: Tick) -> Result<(), FrameBox> {
        if self.out.is_empty() && self.link.room() > 0 {
            self.put(frame);
            return Ok(());
        }
        if self.state != State::Online || self.slow {
            self.counters.discarded_hold_time += 1;
            frames.give(frame);
            return Ok(());
        }
        if self.out.len() >= QUEUE {
            return Err(frame);
        }
        self.out.push_back((frame, now));
        Ok(())
    }

    /// The same for a frame of the switch itself, which cannot wait elsewhere.
    pub(crate) fn send_own(&mut self, frame: FrameBox, frames: &mut Frames, now: Tick) {
        if self.out.is_empty() && self.link.room() > 0 {
            self.put(frame);
        } else if self.out.len() < QUEUE + OWN && !self.slow {
            self.out.push_back((frame, now));
        } else {
            self.counters.discarded_hold_time += 1;
            frames.give(frame);
        }
    }

    #[inline]
    fn put(&mut self, frame: FrameBox) {
        self.counters.frames_out += 1;
        self.counters.bytes_out += frame.bytes().len() as u64;
        self.slow = false;
        self.link.send(frame);
    }

    /// Sends what waits as far as there is room, and drops what has waited for too long. Returns how many.
    pub(crate) fn drain(&mut self, frames: &mut Frames, now: Tick) -> usize {
        let before = self.out.len();
        while self.link.room() > 0
            && let Some((frame, _)) = self.out.pop_front()
        {
            self.put(frame);
        }
        while self.out.front().is_some_and(|(_, since)| now.saturating_sub(*since) >= HOLD)
            && let Some((frame, _)) = self.out.pop_front()
        {
            self.counters.discarded_hold_time += 1;
            self.slow = true;
            frames.give(frame);
        }
        before - self.out.len()
    }

    /// Drops what waits here: the link went.
    pub(crate) fn clear(&mut self, frames: &mut Frames) {
        self.out.drain(..).for_each(|(frame, _)| frames.give(frame));
        self.held.take().into_iter().for_each(|(frame, _)| frames.give(frame));
        self.slow = false;
    }

    /// Frames that wait to leave.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// It must be looked at again soon without being woken: nobody tells when a link has room again.
    pub(crate) fn is_pending(&self) -> bool {
        !self.out.is_empty() || self.held.is_some() || self.link.is_pending()
    }
}
