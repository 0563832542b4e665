//! Two hosts, a switch, a target, and time.

use super::MS;
use super::host::Host;
use super::link::{BadLink, Sky, Weather};
use super::target::{Target, names, nobody, target_names};
use super::volume::{Fault, Volume};
use crate::{Chance, Oracle};
use dma::{Arena, Backing, Options};
use fabric::zoning::{Member, Zoning};
use fabric::{Config, Refused, Switch};
use fc::{Fc4, Frames, ring_links};
use ring::Tick;
use std::cell::RefCell;
use std::rc::Rc;
use wire::fc::Wwn;

/// Frames of a run. Each handle of the pool may keep 64 for itself, and ten have one.
const FRAMES: usize = 1024;
/// Turns that a run may take.
const MOST_TURNS: u64 = 400_000;
/// How long it may take until all is well again after the storm.
const RECOVERY: Tick = 300_000 * MS;

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// From which all chance comes.
    pub seed: u64,
    /// What the hosts speak.
    pub hosts: [Fc4; 2],
    /// Commands of each.
    pub commands: u64,
    /// Blocks of the volume.
    pub blocks: u64,
    /// How long an operation of the volume takes at most.
    pub slowness: Tick,
    /// Of the links.
    pub weather: Weather,
    /// Something happens, one turn in so many: never for 0.
    pub trouble: u64,
    /// A fault that is planted.
    pub fault: Fault,
    /// Says what happens.
    pub trace: bool,
}

impl Plan {
    /// What a seed says.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut host = || if chance.once_in(2) { Fc4::Fcp } else { Fc4::Nvme };
        let hosts = [host(), host()];
        let mut bad = |n: u64| if chance.once_in(3) { 0 } else { chance.between(n, 10 * n) };
        let late_by = [5 * MS, 100 * MS, 3000 * MS];
        let weather = Weather { lost: bad(30), twice: bad(20), late: bad(10), late_by: late_by[seed as usize % 3] };
        let trouble = bad(40);
        let good = chance.once_in(8);
        Self {
            seed,
            hosts,
            commands: chance.between(5, 25),
            blocks: chance.between(32, 64),
            slowness: [0, MS, 50 * MS][chance.below(3) as usize],
            weather: if good { Weather::default() } else { weather },
            trouble: if good { 0 } else { trouble },
            fault: Fault::Nothing,
            trace: false,
        }
    }

    fn is_good(&self) -> bool {
        let Weather { lost, twice, late, .. } = self.weather;
        (lost, twice, late, self.trouble) == (0, 0, 0, 0)
    }
}

/// How a run went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Commands that ended.
    pub ended: u64,
    /// Of those, well.
    pub good: u64,
    /// Turns that it took.
    pub turns: u64,
    /// Troubles that were made.
    pub troubles: u64,
}

/// The world.
pub struct Fibre {
    plan: Plan,
    chance: Chance,
    sky: Sky,
    frames: Frames,
    hosts: Vec<Host>,
    switch: Switch,
    target: Target,
    /// When a cable is plugged in again, and whose: hosts by number, then the target.
    pulled: Vec<(Tick, u16)>,
    now: Tick,
    tally: Tally,
}

impl Fibre {
    /// The world of a plan.
    pub fn new(plan: Plan) -> Self {
        let mut chance = Chance::new(plan.seed ^ 0xfc);
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 });
        let arena = arena.expect("ordinary memory");
        let frames = Frames::new(FRAMES);
        let sky = Sky::new(Weather::default(), plan.fault, chance.part());
        let volume = Volume::new(plan.blocks, plan.slowness, plan.fault, chance.part());
        let config = Config { name: "sim".into(), wwn: Wwn(0x1000_0024_ff00_0000), domain: 1 };
        let mut switch = Switch::new(config, frames.clone());
        let mut cable = || {
            let [near, far] =
                ring_links(64, [nobody(), nobody()]).map(|end| BadLink::new(end, sky.clone(), frames.clone()));
            switch.attach(Box::new(far)).expect("there are F_Ports");
            near
        };
        let links = [cable(), cable()];
        let target = Target::new(cable(), frames.clone(), &arena, &volume);
        let oracle = Rc::new(RefCell::new(Oracle::new(1, plan.blocks, 2)));
        let size = (plan.blocks, plan.commands);
        let host = |(number, link)| {
            let (number, fc4): (u64, Fc4) = (number, plan.hosts[number as usize]);
            let mut host = Host::new(number, fc4, link, frames.clone(), &arena, oracle.clone(), size, chance.part());
            host.strict = plan.is_good();
            host.trace = plan.trace;
            host
        };
        let hosts = (0..).zip(links).map(host).collect();
        let (pulled, now, tally) = (Vec::new(), MS, Tally::default());
        Self { plan, chance, sky, frames, hosts, switch, target, pulled, now, tally }
    }

    /// Runs to the end and checks that nothing is left.
    pub fn run(mut self) -> Tally {
        self.sky.set(self.plan.weather);
        let storm = self.now + 120_000 * MS;
        while self.now < storm && !self.hosts.iter().all(Host::is_done) {
            self.trouble();
            self.step();
        }
        self.calm();
        self.until("commands end", |world| world.hosts.iter().all(Host::is_quiet));
        self.hosts.iter_mut().for_each(Host::verify);
        self.until("all is read", |world| world.hosts.iter().all(Host::is_done));
        self.hosts.iter_mut().for_each(|host| {
            host.strict = false;
            host.log_out(None);
        });
        self.until("logouts are done", |world| world.hosts.iter().all(Host::is_quiet));
        // Copies that are late may log a host in again that knows nothing of it: once they are all here, the fabric tells the target.
        self.rest(self.plan.weather.late_by);
        for number in [0, 1] {
            self.switch.set_up(number, false, self.now).expect("the F_Port is there");
        }
        self.until("all is quiet", |world| world.target.leftovers().is_none());
        self.rest(60_000 * MS);
        // A link service that a peer never answered is given up, aborted, aborted again and then kept out of use: 50 s from when it was sent.
        self.until("the last identifiers are free", |world| world.open_exchanges() == 0);
        self.check_end()
    }

    /// The storm is over.
    fn calm(&mut self) {
        self.sky.set(Weather::default());
        for (_, number) in std::mem::take(&mut self.pulled) {
            self.switch.set_up(number, true, self.now).expect("the F_Port is there");
        }
        self.hosts.iter_mut().for_each(Host::stop);
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now + RECOVERY;
        while !done(self) {
            self.step();
            let left = self.target.leftovers();
            assert!(self.now < end, "not in five minutes: {what}; left in the target: {left:?}");
        }
    }

    fn step(&mut self) {
        self.tally.turns += 1;
        assert!(self.tally.turns < MOST_TURNS, "the run does not end; pending: {:?}", self.pending());
        let now = self.now;
        let mut work: usize = self.hosts.iter_mut().map(|host| host.turn(now)).sum();
        work += self.switch.poll(now) + self.target.poll(now);
        self.hosts.iter().for_each(Host::check);
        self.plug_in();
        if work > 0 || self.is_pending() {
            self.now += 10_000;
        } else {
            let due = self.due().expect("nothing will ever happen, and not all is over");
            self.now = due.max(now + 10_000);
        }
    }

    fn is_pending(&self) -> bool {
        self.switch.is_pending() || self.target.is_pending() || self.hosts.iter().any(|host| host.node.is_pending())
    }

    /// Who keeps the world awake: the switch, the target, the hosts.
    fn pending(&self) -> (bool, bool, Vec<bool>) {
        let hosts = self.hosts.iter().map(|host| host.node.is_pending()).collect();
        (self.switch.is_pending(), self.target.is_pending(), hosts)
    }

    fn due(&self) -> Option<Tick> {
        let hosts = self.hosts.iter().filter_map(Host::deadline);
        let pulled = self.pulled.iter().map(|(at, _)| *at);
        // The volume's slowness is the cores' to know, but its faults are not.
        let second = Some(self.now + 1000 * MS);
        hosts.chain(pulled).chain(self.switch.deadline()).chain(self.target.deadline()).chain(second).min()
    }

    fn plug_in(&mut self) {
        while let Some(at) = self.pulled.iter().position(|(due, _)| *due <= self.now) {
            let (_, number) = self.pulled.swap_remove(at);
            self.switch.set_up(number, true, self.now).expect("the F_Port is there");
        }
    }

    /// Something happens.
    fn trouble(&mut self) {
        if !self.chance.once_in(self.plan.trouble) {
            return;
        }
        self.tally.troubles += 1;
        let number = self.chance.below(2) as usize;
        let some = self.chance.below(2000) * MS;
        match self.chance.below(12) {
            0 => self.pull(number as u16, some),
            1 => self.pull(2, some),
            // The host vanishes for long.
            2 => self.pull(number as u16, 30_000 * MS),
            3 => self.hosts[number].log_out(Some(some)),
            4 => self.hosts[number].log_out(Some(0)),
            5 | 6 => self.hosts[number].function(),
            7 => self.rezone(),
            _ => self.hosts[number].abort(),
        }
    }

    fn pull(&mut self, number: u16, time: Tick) {
        if self.pulled.iter().all(|(_, other)| *other != number) {
            self.switch.set_up(number, false, self.now).expect("the F_Port is there");
            self.pulled.push((self.now + time, number));
        }
    }

    /// Zones come and go, so that everyone is told again and again (RSCN). Hosts may lose the target for a moment.
    fn rezone(&mut self) {
        for _ in 0..self.chance.between(1, 6) {
            let only = self.chance.once_in(2).then(|| names(self.chance.between(1, 2)).port);
            self.zone(only);
        }
        self.zone(None);
    }

    /// Only this host sees the target, or everyone sees everyone.
    fn zone(&mut self, only: Option<Wwn>) {
        let target = target_names().port;
        self.switch
            .rezone(self.now, |zoning| {
                *zoning = Zoning::default();
                match only {
                    None => Ok(()),
                    Some(host) => zone_of(zoning, host, target),
                }
            })
            .expect("small zones");
    }

    /// Lets time pass.
    fn rest(&mut self, time: Tick) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    /// In all nodes, qualifiers included.
    fn open_exchanges(&self) -> usize {
        let in_hosts: usize = self.hosts.iter().map(|host| host.node.open_exchanges()).sum();
        in_hosts + self.target.node.open_exchanges()
    }

    fn check_end(self) -> Tally {
        let Self { plan, frames, hosts, switch, target, mut tally, .. } = self;
        for host in &hosts {
            (tally.ended, tally.good) = (tally.ended + host.ended.0, tally.good + host.ended.1);
            assert_eq!(host.node.open_exchanges(), 0, "exchanges are left in a host");
            host.check_end();
        }
        assert_eq!(target.node.open_exchanges(), 0, "exchanges are left in the target");
        if let Some(left) = target.leftovers() {
            panic!("left in the target: {left}");
        }
        drop((hosts, switch, target));
        assert_eq!(frames.free(), FRAMES, "frames are lost");
        assert!(!plan.is_good() || tally.good > 0, "nothing went well in good weather");
        tally
    }
}

/// A set of one zone, active.
fn zone_of(zoning: &mut Zoning, host: Wwn, target: Wwn) -> Result<(), Refused> {
    zoning.create_zone("one", [Member::Name(host), Member::Name(target)].into())?;
    zoning.create_set("set", ["one".to_owned()].into())?;
    zoning.activate(Some("set"))
}
