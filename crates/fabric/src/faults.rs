//! Faults on purpose: rules that lose, delay, overtake, change or double frames.

use crate::limits::{DELAYED, OVERTAKEN};
use fc::{Frame, FrameBox};
use ring::Tick;
use serde::Serialize;
use wire::fc::els::Command;
use wire::fc::{PortId, RCtl, Type, Wwn};

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// It is lost.
    Drop,
    /// It comes later; those behind it may overtake it.
    Delay {
        /// By so many nanoseconds.
        ns: Tick,
    },
    /// The next frame of the same two ports overtakes it; when none comes within 10 ms it goes on.
    Reorder,
    /// A byte of its payload is changed, as if neither CRC had seen it. To have it noticed by CRC, drop it.
    Corrupt {
        /// Which byte; any when it is not said.
        offset: Option<u16>,
        /// What it is exclusive-ored with.
        xor: u8,
    },
    /// It comes twice.
    Duplicate,
}

/// Which frames a rule is for: those that match all that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Source address.
    pub s_id: Option<PortId>,
    /// Destination address.
    pub d_id: Option<PortId>,
    /// Port name of the source or of the destination, once that is logged in.
    pub wwpn: Option<Wwn>,
    /// Routing control.
    pub r_ctl: Option<RCtl>,
    /// Type.
    pub type_: Option<Type>,
    /// An ELS request of this command.
    pub els: Option<Command>,
}

impl Match {
    fn fits(&self, frame: &Frame, name_of: &dyn Fn(PortId) -> Option<Wwn>) -> bool {
        let header = frame.header();
        let is = |wanted: Option<PortId>, id| wanted.is_none_or(|wanted| wanted == id);
        let els = |command: Command| {
            header.r_ctl == RCtl::ELS_REQUEST
                && header.type_ == Type::ELS
                && frame.payload().first() == Some(&command.0)
        };
        is(self.s_id, header.s_id())
            && is(self.d_id, header.d_id())
            && self.r_ctl.is_none_or(|r_ctl| r_ctl == header.r_ctl)
            && self.type_.is_none_or(|type_| type_ == header.type_)
            && self.els.is_none_or(els)
            && self.wwpn.is_none_or(|name| [header.s_id(), header.d_id()].iter().any(|id| name_of(*id) == Some(name)))
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// For which frames.
    pub matches: Match,
    /// What happens to them.
    pub action: Action,
    /// To how many; to all when it is not said.
    pub count: Option<u64>,
    /// To how large a part of them, 0 to 1.
    pub probability: f64,
    /// What chance begins with.
    pub seed: u64,
}

struct Live {
    id: u32,
    rule: Rule,
    chance: u64,
    hits: u64,
}

/// A rule and how often it fired.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    /// Its number.
    pub id: u32,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// To how many more it will.
    pub left: Option<u64>,
    /// To how many it did.
    pub hits: u64,
}

/// Where a frame came from, or where it must go to whatever its address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It came in by this F_Port.
    From(u16),
    /// The switch sends it by this F_Port.
    To(u16),
}

pub(crate) enum Verdict {
    Pass,
    Drop,
    Double,
    Delay(Tick),
    Overtake,
}

/// The rules, and the frames that they hold back.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<Live>,
    next_id: u32,
    delayed: Vec<(Tick, Way, FrameBox)>,
    overtaken: Vec<(Tick, Way, FrameBox)>,
}

/// One step of a small generator (splitmix64), good enough to choose frames.
fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Faults {
    /// Whether nothing is to be done to any frame.
    #[inline]
    pub(crate) fn none(&self) -> bool {
        self.rules.is_empty() && self.overtaken.is_empty()
    }

    pub(crate) fn add(&mut self, rule: Rule) -> u32 {
        self.next_id += 1;
        self.rules.push(Live { id: self.next_id, chance: rule.seed, rule, hits: 0 });
        self.next_id
    }

    /// Ends a rule, or all. `false`: there is no such rule.
    pub(crate) fn clear(&mut self, id: Option<u32>) -> bool {
        let before = self.rules.len();
        self.rules.retain(|live| id.is_some_and(|id| id != live.id));
        id.is_none() || self.rules.len() < before
    }

    pub(crate) fn report(&self) -> Vec<RuleReport> {
        let report =
            |live: &Live| RuleReport { id: live.id, action: live.rule.action, left: live.rule.count, hits: live.hits };
        self.rules.iter().map(report).collect()
    }

    /// What the first rule that fires says of a frame. A change of its bytes is made here.
    pub(crate) fn judge(&mut self, frame: &mut Frame, name_of: &dyn Fn(PortId) -> Option<Wwn>) -> Option<Verdict> {
        let at = self.rules.iter_mut().position(|live| live.fires(frame, name_of))?;
        let live = &mut self.rules[at];
        live.hits += 1;
        if let Some(count) = &mut live.rule.count {
            *count -= 1;
        }
        let held = self.delayed.len() + self.overtaken.len();
        Some(match live.rule.action {
            Action::Drop => Verdict::Drop,
            Action::Duplicate => Verdict::Double,
            Action::Delay { ns } if held < DELAYED => Verdict::Delay(ns),
            Action::Reorder if held < DELAYED => Verdict::Overtake,
            Action::Corrupt { offset, xor } => {
                corrupt(frame, offset, xor, step(&mut live.chance));
                Verdict::Pass
            }
            Action::Delay { .. } | Action::Reorder => Verdict::Pass,
        })
    }

    pub(crate) fn delay(&mut self, until: Tick, way: Way, frame: FrameBox) {
        self.delayed.push((until, way, frame));
    }

    pub(crate) fn let_overtake(&mut self, now: Tick, way: Way, frame: FrameBox) {
        self.overtaken.push((now + OVERTAKEN, way, frame));
    }

    /// The frame that one of these two ports, which goes out now, has overtaken.
    pub(crate) fn behind(&mut self, s_id: PortId, d_id: PortId) -> Option<(Way, FrameBox)> {
        let same = |frame: &Frame| (frame.header().s_id(), frame.header().d_id()) == (s_id, d_id);
        let at = self.overtaken.iter().position(|(_, _, frame)| same(frame))?;
        let (_, way, frame) = self.overtaken.remove(at);
        Some((way, frame))
    }

    /// A frame whose time has come.
    pub(crate) fn due(&mut self, now: Tick) -> Option<(Way, FrameBox)> {
        for list in [&mut self.delayed, &mut self.overtaken] {
            if let Some(at) = list.iter().position(|(until, ..)| *until <= now) {
                let (_, way, frame) = list.remove(at);
                return Some((way, frame));
            }
        }
        None
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.delayed.iter().chain(&self.overtaken).map(|(until, ..)| *until).min()
    }
}

impl Live {
    fn fires(&mut self, frame: &Frame, name_of: &dyn Fn(PortId) -> Option<Wwn>) -> bool {
        if self.rule.count == Some(0) || !self.rule.matches.fits(frame, name_of) {
            return false;
        }
        self.rule.probability >= 1.0
            || (step(&mut self.chance) >> 11) as f64 / (1u64 << 53) as f64 <= self.rule.probability
    }
}

fn corrupt(frame: &mut Frame, offset: Option<u16>, xor: u8, chance: u64) {
    let len = frame.payload().len();
    if len == 0 {
        return;
    }
    let at = offset.map_or(chance as usize % len, usize::from);
    if at < len {
        frame.payload_room()[at] ^= xor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::fc::FrameHeader;

    fn frame(s: u32, d: u32) -> FrameBox {
        Frame::new(&FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId(s), PortId(d)), &[3, 0, 0, 0])
    }

    fn rule(action: Action) -> Rule {
        Rule { matches: Match::default(), action, count: None, probability: 1.0, seed: 1 }
    }

    fn name_of(id: PortId) -> Option<Wwn> {
        (id.0 == 1).then_some(Wwn(77))
    }

    #[test]
    fn a_rule_is_for_what_matches_all_that_it_says() {
        let all = Match {
            s_id: Some(PortId(1)),
            d_id: Some(PortId(2)),
            wwpn: Some(Wwn(77)),
            r_ctl: Some(RCtl::ELS_REQUEST),
            type_: Some(Type::ELS),
            els: Some(Command::PLOGI),
        };
        assert!(all.fits(&frame(1, 2), &name_of));
        for other in [
            Match { s_id: Some(PortId(3)), ..all },
            Match { d_id: Some(PortId(3)), ..all },
            Match { wwpn: Some(Wwn(1)), ..all },
            Match { r_ctl: Some(RCtl::ELS_REPLY), ..all },
            Match { type_: Some(Type::FCP), ..all },
            Match { els: Some(Command::LOGO), ..all },
        ] {
            assert!(!other.fits(&frame(1, 2), &name_of), "{other:?}");
        }
    }

    #[test]
    fn count_and_chance_limit_it() {
        let mut faults = Faults::default();
        faults.add(Rule { count: Some(2), ..rule(Action::Drop) });
        let dropped =
            |faults: &mut Faults| (0..1000).filter(|_| faults.judge(&mut frame(1, 2), &name_of).is_some()).count();
        assert_eq!(dropped(&mut faults), 2);
        assert_eq!((faults.report()[0].left, faults.report()[0].hits), (Some(0), 2));
        assert!(faults.clear(None) && faults.none());
        let id = faults.add(Rule { probability: 0.25, ..rule(Action::Drop) });
        let first = dropped(&mut faults);
        assert!((200..300).contains(&first), "{first}");
        assert!(faults.clear(Some(id)) && !faults.clear(Some(id)));
        faults.add(Rule { probability: 0.25, ..rule(Action::Drop) });
        assert_eq!(dropped(&mut faults), first, "the same seed");
    }

    #[test]
    fn one_byte_is_changed() {
        let mut faults = Faults::default();
        faults.add(rule(Action::Corrupt { offset: Some(2), xor: 0x81 }));
        let mut hit = frame(1, 2);
        assert!(matches!(faults.judge(&mut hit, &name_of), Some(Verdict::Pass)));
        assert_eq!(hit.payload(), [3, 0, 0x81, 0]);
    }
}
