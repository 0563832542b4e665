//! The lanes of all services, by number, and their queue pairs: who has them, and how they come about.

use super::Settings;
use crate::chip::{Chip, Words};
use crate::lane::{FromLane, LaneEnd, ToLane};
use crate::port::Numbers;
use crate::ring::{QueuePair, RequestRing, ResponseRing};
use dma::{Arena, Region};
use fc::Fc4;
use std::sync::Arc;
use wire::isp::mailbox::{Command, QueueOptions};

/// Entries of an extra pair. The response queue has room for a completion of every request.
const REQUESTS: u16 = 2048;
const RESPONSES: u16 = 2048;

/// Where a lane's queue pair is.
enum Pair {
    /// It has none: its IOCBs go by the base queue.
    None,
    /// Here, while the chip does not know it.
    Here(Box<QueuePair>),
    /// With the lane.
    There,
}

/// What the home core knows of a lane.
pub(super) struct Lane {
    pub vp: u8,
    pub fc4: Fc4,
    /// Its service is attached.
    pub attached: bool,
    /// It touches no ring, and waits for Resume.
    pub quiet: bool,
    /// The chip is told to forget its queues.
    deleting: bool,
    pair: Pair,
    /// Number of its pair, and the memory of it: not given back while the chip might write there.
    number: Option<u16>,
    _memory: Vec<Region>,
}

/// All lanes.
pub(super) struct Lanes {
    /// By number; 0 is none.
    pub ends: Vec<Option<LaneEnd>>,
    info: Vec<Option<Lane>>,
    /// Numbers in use.
    pub active: Vec<usize>,
    numbers: Arc<Numbers>,
    /// Pair numbers in use.
    pairs: Vec<bool>,
}

impl Lanes {
    pub fn new(numbers: Arc<Numbers>, most_pairs: u16) -> Self {
        let (ends, info) = ((0..256).map(|_| None).collect(), (0..256).map(|_| None).collect());
        Self { ends, info, active: Vec::new(), numbers, pairs: vec![false; usize::from(most_pairs.min(255)) + 1] }
    }

    /// Takes a lane in, with a queue pair if there is one left. Its number.
    pub fn add(&mut self, end: LaneEnd, vp: u8, fc4: Fc4, chip: &Chip, arena: &Arc<Arena>) -> usize {
        let place = usize::from(end.number());
        let (pair, number, memory) = match self.make_pair(chip, arena) {
            Some(pair) => {
                let memory = vec![pair.request.region(), pair.response.region()];
                let number = pair.number;
                (Pair::Here(Box::new(pair)), Some(number), memory)
            }
            None => (Pair::None, None, Vec::new()),
        };
        self.ends[place] = Some(end);
        self.info[place] =
            Some(Lane { vp, fc4, attached: true, quiet: true, deleting: false, pair, number, _memory: memory });
        self.active.push(place);
        place
    }

    fn make_pair(&mut self, chip: &Chip, arena: &Arc<Arena>) -> Option<QueuePair> {
        let number = (1..self.pairs.len()).find(|number| !self.pairs[*number])?;
        let (queue, shadow) = (number as u16, chip.family.has_shadow_pointers());
        let request = RequestRing::new(arena, chip.pointers.clone(), queue, REQUESTS, shadow);
        let response = ResponseRing::new(arena, chip.pointers.clone(), queue, RESPONSES, shadow);
        match (request, response) {
            (Ok(mut request), Ok(response)) => {
                if !shadow {
                    request.flush_reads(chip.bar0.registers());
                }
                self.pairs[number] = true;
                Some(QueuePair { number: queue, request, response })
            }
            (Err(error), _) | (_, Err(error)) => {
                log::warn!("{}: no memory for another queue pair: {error}", chip.address);
                None
            }
        }
    }

    pub fn get(&self, place: usize) -> Option<&Lane> {
        self.info.get(place)?.as_ref()
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut Lane> {
        self.info.get_mut(place)?.as_mut()
    }

    /// Tells a lane; one that is gone hears nothing.
    pub fn push(&mut self, place: usize, message: ToLane) {
        if let Some(Some(end)) = self.ends.get_mut(place) {
            end.push(message);
        }
    }

    /// Whether a lane may have something to say.
    pub fn speaks(&self, place: usize) -> bool {
        self.ends.get(place).and_then(Option::as_ref).is_some_and(LaneEnd::is_pending)
    }

    /// The next that a lane says.
    pub fn next(&mut self, place: usize) -> Option<FromLane> {
        self.ends.get_mut(place)?.as_mut()?.next()
    }

    /// Its pair is here and the chip is to be told of it; `None`: it has none.
    pub fn pair_here(&mut self, place: usize) -> Option<&mut QueuePair> {
        match &mut self.get_mut(place)?.pair {
            Pair::Here(pair) => Some(pair),
            _ => None,
        }
    }

    /// The command that makes one of its two queues.
    pub fn creation(&mut self, place: usize, response: bool, shadow: bool) -> Option<Words> {
        let pair = self.pair_here(place)?;
        let (address, entries) = if response {
            pair.response.reset();
            (pair.response.address(), pair.response.entries())
        } else {
            pair.request.reset();
            (pair.request.address(), pair.request.entries())
        };
        let options = QueueOptions(0).with_response(response).with_shadow(shadow);
        let words = Words::new(Command::INIT_QUEUE).with(1, options.0).with_address(address);
        let words = words.with(4, pair.number).with(5, entries);
        Some(if response { words } else { words.with(10, pair.number).with(12, 5) })
    }

    /// The chip does not make its queues: it goes by the base queue.
    pub fn without_pair(&mut self, place: usize) {
        let number = self.get_mut(place).and_then(|lane| {
            lane.pair = Pair::None;
            lane.number.take()
        });
        self.give_number(number);
    }

    fn give_number(&mut self, number: Option<u16>) {
        if let Some(taken) = number.and_then(|number| self.pairs.get_mut(usize::from(number))) {
            *taken = false;
        }
    }

    /// The chip is ready for it: it may begin.
    pub fn resume(&mut self, place: usize) {
        let Some(lane) = self.get_mut(place).filter(|lane| lane.quiet) else { return };
        lane.quiet = false;
        let pair = match std::mem::replace(&mut lane.pair, Pair::None) {
            Pair::Here(pair) => {
                lane.pair = Pair::There;
                Some(pair)
            }
            other => {
                lane.pair = other;
                None
            }
        };
        self.push(place, ToLane::Resume { pair });
    }

    /// It says that it is quiet, and gives its pair back.
    pub fn quieted(&mut self, place: usize, pair: Option<Box<QueuePair>>) {
        let Some(lane) = self.get_mut(place) else { return };
        lane.quiet = true;
        if let Some(pair) = pair {
            lane.pair = Pair::Here(pair);
        }
    }

    /// Asks all that are not quiet to be; says whether all are.
    pub fn quiesce(&mut self, generation: u32) {
        for place in self.active.clone() {
            if self.get(place).is_some_and(|lane| !lane.quiet) {
                self.push(place, ToLane::Quiesce { generation });
            }
        }
    }

    /// None of them touches a ring.
    pub fn are_quiet(&self) -> bool {
        let quiet = |lane: &Lane| lane.quiet;
        self.active.iter().all(|place| self.get(*place).is_none_or(quiet))
    }

    /// Its service is over. It stays until its queue is dropped.
    pub fn detach(&mut self, place: usize) {
        if let Some(lane) = self.get_mut(place) {
            lane.attached = false;
        }
    }

    /// A lane whose queue was dropped and that said its last. Each once.
    pub fn abandoned(&mut self) -> Option<usize> {
        let gone = |place: &usize| {
            let end = self.ends[*place].as_ref();
            let over = self.get(*place).is_some_and(|lane| !lane.attached && lane.quiet && !lane.deleting);
            over && end.is_some_and(LaneEnd::is_abandoned)
        };
        let place = self.active.iter().copied().find(gone)?;
        self.get_mut(place)?.deleting = true;
        Some(place)
    }

    /// The chip is in reset: it knows no queues, those that it was to forget included.
    pub fn chip_forgot(&mut self) {
        self.info.iter_mut().flatten().for_each(|lane| lane.deleting = false);
    }

    /// The pair of a lane that the chip knows still.
    pub fn pair_number(&self, place: usize) -> Option<u16> {
        self.get(place)?.number
    }

    /// Forgets a lane that is abandoned and whose queues the chip does not know any more.
    pub fn forget(&mut self, place: usize) {
        self.ends[place] = None;
        let number = self.info[place].take().and_then(|lane| lane.number);
        self.give_number(number);
        self.active.retain(|other| *other != place);
        self.numbers.give(place as u8);
    }

    /// Extra pairs in use.
    pub fn pairs_in_use(&self) -> u16 {
        self.pairs.iter().filter(|taken| **taken).count() as u16
    }

    /// Wakes whom something was told.
    pub fn flush(&mut self) {
        for place in &self.active {
            if let Some(Some(end)) = self.ends.get_mut(*place) {
                end.flush();
            }
        }
    }

    pub fn is_pending(&self) -> bool {
        self.active.iter().any(|place| self.ends[*place].as_ref().is_some_and(LaneEnd::is_pending))
    }

    /// Exchanges that are open on the lanes of a port for a protocol.
    pub fn open(&self, vp: u8, fc4: Fc4) -> u32 {
        let of_port = |place: &&usize| self.get(**place).is_some_and(|lane| lane.vp == vp && lane.fc4 == fc4);
        let open = |place: &usize| self.ends[*place].as_ref().map_or(0, LaneEnd::open);
        self.active.iter().filter(of_port).map(open).sum()
    }

    /// How many lanes may get FCP sessions.
    pub fn of_fcp(settings: &Settings, lanes: usize) -> usize {
        settings.fcp_lanes.unwrap_or(lanes).clamp(1, lanes.max(1))
    }
}

/// The commands that take a pair away: requests first.
pub(super) fn deletion(number: u16, response: bool) -> Words {
    let options = QueueOptions(0).with_delete(true).with_response(response);
    Words::new(Command::INIT_QUEUE).with(1, options.0).with(4, number)
}
