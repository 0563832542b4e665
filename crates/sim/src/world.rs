//! One core's world: group, soft port, soft disks and command set, in virtual time, with checks after every turn.

use crate::chance::Chance;
use crate::command::{BLOCK, Command, Kind, Reply};
use crate::disk::{Disk, SoftDisk};
use crate::oracle::Oracle;
use crate::port::{Scene, SoftPort};
use crate::scenario::Scenario;
use crate::set::{Line, SoftSet};
use bdev::{Channel, Meter};
use dma::{Arena, Backing, Data, Options, Pool, Region};
use exchange::{CommandSet, Group, Port};
use ring::{Tag, Tick};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Turns that a run may take.
const MOST_TURNS: u64 = 2_000_000;

/// What the cores of a run share.
pub struct Common {
    arena: Arc<Arena>,
    media: Vec<Region>,
    oracle: Rc<RefCell<Oracle>>,
}

impl Common {
    /// Disks full of zeroes, for so many cores.
    pub fn new(scenario: &Scenario, cores: usize) -> Self {
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 });
        let arena = arena.expect("ordinary memory");
        let bytes = scenario.blocks as usize * BLOCK as usize;
        let media = (0..scenario.disks).map(|_| arena.region(bytes).expect("ordinary memory")).collect();
        Self { arena, media, oracle: Rc::new(RefCell::new(Oracle::new(scenario.disks, scenario.blocks, cores))) }
    }
}

/// A world whose parts may be wrapped, so that tests can break them.
pub struct World<P: Port, S> {
    /// The machine.
    pub group: Group<P, S>,
    /// What happens in it.
    pub scenario: Scenario,
    disks: Vec<Rc<RefCell<Disk>>>,
    targets: Vec<Tag>,
    /// The disk that was taken away.
    going: Option<Tag>,
    now: Tick,
    turns: u64,
    hung_up: bool,
    /// Places that data is at; kept to spare allocations.
    places: Vec<(usize, u32)>,
}

/// Wraps a channel, or not.
pub type WrapDisk<'a> = &'a dyn Fn(SoftDisk) -> Box<dyn Channel>;

impl World<SoftPort, SoftSet> {
    /// The world of a scenario as it should be.
    pub fn new(scenario: Scenario) -> Self {
        let common = Common::new(&scenario, 1);
        Self::core(scenario, &common, (0, 1), None, |port| port, &|disk| Box::new(disk), |set| set)
    }
}

impl<P, S> World<P, S>
where
    P: Port<Command = Command, Reply = Reply, Origin = u32> + AsMut<SoftPort>,
    S: CommandSet<Command = Command, Reply = Reply, Origin = u32> + AsMut<SoftSet>,
{
    /// Core `core.0` of `core.1`, its parts wrapped.
    pub fn core(
        scenario: Scenario,
        common: &Common,
        core: (u64, u64),
        line: Option<Line>,
        wrap_port: impl FnOnce(SoftPort) -> P,
        wrap_disk: WrapDisk<'_>,
        wrap_set: impl FnOnce(SoftSet) -> S,
    ) -> Self {
        let mut chance = Chance::new(scenario.seed ^ core.0 << 56);
        let port = SoftPort::new(scene(&scenario, common), &scenario.habits, scenario.places, core, chance.part());
        let set = SoftSet::new(scenario.places, line, chance.part());
        let pool = Pool::new(&common.arena, &scenario.classes).expect("ordinary memory");
        let group = Group::new(wrap_port(port), wrap_set(set), pool, core.0 as usize);
        let (disks, targets) = (Vec::new(), Vec::new());
        let places = Vec::with_capacity(2 * scenario.places);
        let mut world = Self { group, scenario, disks, targets, going: None, now: 0, turns: 0, hung_up: false, places };
        for medium in &common.media {
            world.attach(medium, core.1 as usize, wrap_disk, chance.part());
        }
        world
    }

    fn attach(&mut self, medium: &Region, cores: usize, wrap_disk: WrapDisk<'_>, chance: Chance) {
        let disk = Disk::new(medium.clone(), self.scenario.manner, self.scenario.places, chance);
        let meters = (0..cores).map(|_| Meter::default()).collect();
        let tag = self.group.attach(wrap_disk(SoftDisk::new(disk.clone())), meters);
        self.disks.push(disk);
        self.targets.push(tag);
        self.group.set.as_mut().targets.push(tag);
    }

    /// One turn of the core, and the checks after it. Returns how much happened.
    pub fn turn(&mut self) -> usize {
        self.turn_with(|group, now| group.poll(now))
    }

    /// The same, for tests that watch the group's turn itself.
    pub fn turn_with(&mut self, poll: impl FnOnce(&mut Group<P, S>, Tick) -> usize) -> usize {
        self.turns += 1;
        assert!(self.turns < MOST_TURNS, "the run does not end");
        for disk in &self.disks {
            disk.borrow_mut().clock = self.now;
        }
        self.detach_when_due();
        let work = poll(&mut self.group, self.now);
        self.check();
        work
    }

    /// When something will happen by itself.
    pub fn due(&mut self) -> Option<Tick> {
        let detach = self.scenario.detach.map(|(_, at)| at);
        self.group.deadline().into_iter().chain(self.group.port.as_mut().due()).chain(detach).min()
    }

    /// The world's time.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// Moves time on to `due`, or a little if that is past.
    pub fn pass_time(&mut self, due: Tick) {
        self.now = due.max(self.now + 100);
    }

    /// Whether the queues that end by themselves have what they wanted.
    pub fn is_done(&mut self) -> bool {
        self.group.port.as_mut().queues.iter().all(|queue| queue.is_done())
    }

    /// Has all peers go away.
    pub fn hang_up(&mut self) {
        self.hung_up = true;
        self.group.port.as_mut().hang_up();
    }

    /// Runs to the end and checks that nothing is left.
    pub fn run(&mut self) -> Summary {
        while !self.is_over() {
            let work = self.turn();
            if !self.hung_up && self.is_done() && self.is_detached() {
                self.hang_up();
            } else if work > 0 {
                self.now += 100;
            } else if let Some(due) = self.due() {
                self.pass_time(due);
            } else {
                assert!(self.is_over(), "nothing will ever happen, and not all is over");
            }
        }
        self.check_end();
        Summary { turns: self.turns, replies: self.group.port.as_mut().replies, now: self.now }
    }

    /// Whether all queues are over and the disk that was to be taken away is closed.
    pub fn is_over(&mut self) -> bool {
        self.is_detached() && self.group.port.as_mut().is_over()
    }

    /// Whether the disk that was to be taken away is closed.
    fn is_detached(&self) -> bool {
        self.scenario.detach.is_none() && self.going.is_none_or(|target| !self.group.is_attached(target))
    }

    fn detach_when_due(&mut self) {
        if let Some((place, at)) = self.scenario.detach
            && at <= self.now
        {
            self.scenario.detach = None;
            self.group.port.as_mut().detached[place] = true;
            self.going = Some(self.targets[place]);
            self.group.detach(self.targets[place], self.now);
        }
    }

    /// What must hold after every turn.
    fn check(&mut self) {
        let (open, out, _) = self.group.census();
        let patience = self.scenario.patience;
        let port = self.group.port.as_mut();
        port.check_between_turns(patience);
        assert_eq!(open, port.open(), "the group and the port differ on what is open");
        self.disks.iter().for_each(|disk| disk.borrow().check_between_turns());
        self.check_owners(out);
    }

    /// Every buffer has one owner, and all that are out are somewhere.
    fn check_owners(&mut self, out: usize) {
        self.places.clear();
        let port = self.group.port.as_mut();
        let mut seconds = 0;
        let mut note = |places: &mut Vec<(usize, u32)>, tag: Tag, data: &Data| {
            if data.is_empty() || data.is_lent() {
                return;
            }
            places.push((data.as_ptr().addr(), data.len()));
            // The group keeps the other piece of a comparison.
            seconds += usize::from(port.command(tag).is_some_and(|command| command.kind == Kind::Compare));
        };
        port.held().for_each(|(tag, data)| note(&mut self.places, tag, data));
        for disk in &self.disks {
            disk.borrow().held().for_each(|(tag, data)| note(&mut self.places, tag, data));
        }
        let pieces = self.places.len() + seconds + 2 * self.group.set.as_mut().paused();
        if let [class] = self.scenario.classes[..] {
            assert_eq!(out, pieces * class.size as usize, "bytes that are out, and bytes that someone holds");
        }
        self.places.sort_unstable();
        let apart = self.places.windows(2).all(|two| two[0].0 + two[0].1 as usize <= two[1].0);
        assert!(apart, "a byte with two owners");
    }

    /// Checks that nothing is left.
    pub fn check_end(&mut self) {
        assert_eq!(self.group.census(), (0, 0, 0), "something is left at the end");
        assert!(self.group.set.as_mut().queues.is_empty(), "a queue was not closed");
        let counters = self.group.counters();
        assert_eq!(counters.commands.get(), counters.completions.get(), "commands in and out");
    }
}

/// How a run went.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Turns of the core.
    pub turns: u64,
    /// Replies that hosts got.
    pub replies: u64,
    /// Nanoseconds that passed.
    pub now: Tick,
}

fn scene(scenario: &Scenario, common: &Common) -> Scene {
    Scene {
        oracle: common.oracle.clone(),
        disks: scenario.disks,
        blocks: scenario.blocks,
        most: scenario.most_blocks(),
        fails: scenario.manner.fails > 0,
        fetch_fails: scenario.fetch_fails,
        trace: scenario.trace,
    }
}
