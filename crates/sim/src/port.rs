//! A soft port: several queues of model hosts, in one table of tags.

use crate::chance::Chance;
use crate::command::{Command, Kind, Reply};
use crate::host::{Habit, Hints, Life, MOST_BLOCKS, Open, Queue};
use crate::oracle::{Oracle, Step};
use dma::Data;
use exchange::{Event, Port};
use ring::{Slots, Tag, Tick};
use std::cell::RefCell;
use std::rc::Rc;

/// Longer than any run.
const NEVER: Tick = Tick::MAX;

enum What {
    Fetch(Data),
    Reply(Data, Reply),
}

struct Held {
    tag: Tag,
    due: Tick,
    cancelled: bool,
    what: What,
}

/// What the port knows of the world around it.
pub struct Scene {
    /// What reads may return; shared by all ports of a run.
    pub oracle: Rc<RefCell<Oracle>>,
    /// Disks there are.
    pub disks: usize,
    /// Blocks of each.
    pub blocks: u64,
    /// Blocks of a command at most.
    pub most: u32,
    /// Disks fail.
    pub fails: bool,
    /// One fetch in so many fails.
    pub fetch_fails: u64,
    /// Says what happens.
    pub trace: bool,
}

/// The port.
pub struct SoftPort {
    scene: Scene,
    chance: Chance,
    now: Tick,
    table: Slots<Open>,
    /// The queues, by number.
    pub queues: Vec<Queue>,
    held: Vec<Held>,
    staged: Vec<Held>,
    /// Which disks were taken away.
    pub detached: Vec<bool>,
    /// Serial numbers given; those of other ports differ.
    serial: u64,
    serial_step: u64,
    /// Which port this is, for the oracle.
    number: usize,
    /// The end is near: no queue comes again.
    ending: bool,
    /// Commands replied to.
    pub replies: u64,
    bounce: Vec<u8>,
    /// The command of this moment whose data came with it, and the data.
    arrived: Option<Tag>,
    capsule: Vec<u8>,
}

impl SoftPort {
    /// A port with a table of `places`. `origin` of `ports` makes its serial numbers its own.
    pub fn new(scene: Scene, habits: &[Habit], places: usize, (port, ports): (u64, u64), mut chance: Chance) -> Self {
        let queues = habits.iter().map(|habit| Queue::new(*habit, chance.below(20_000))).collect();
        let (held, staged) = (Vec::with_capacity(places), Vec::with_capacity(places));
        let detached = vec![false; scene.disks];
        let (bounce, capsule, arrived) = (vec![0; MOST_BLOCKS * 512], vec![0; MOST_BLOCKS * 512], None);
        let table = Slots::new(places);
        let (serial, number) = (port + ports, port as usize);
        let (now, ending, replies, serial_step) = (0, false, 0, ports);
        Self {
            scene,
            chance,
            now,
            table,
            queues,
            held,
            staged,
            detached,
            serial,
            serial_step,
            number,
            ending,
            replies,
            bounce,
            arrived,
            capsule,
        }
    }

    /// The data that it holds, and whether the command is a comparison.
    pub fn held(&self) -> impl Iterator<Item = (Tag, &Data)> {
        self.held.iter().chain(&self.staged).map(|held| match &held.what {
            What::Fetch(data) | What::Reply(data, _) => (held.tag, data),
        })
    }

    /// The command under an open tag.
    pub fn command(&self, tag: Tag) -> Option<&Command> {
        self.table.get(tag).map(|open| &open.command)
    }

    /// Exchanges that are open.
    pub fn open(&self) -> usize {
        self.table.len()
    }

    /// All queues are lost, and none comes again.
    pub fn hang_up(&mut self) {
        self.ending = true;
        for number in 0..self.queues.len() {
            match self.queues[number].life {
                Life::Open => self.lose(number),
                Life::Coming(_) => self.queues[number].life = Life::Gone,
                Life::Lost | Life::Gone => {}
            }
        }
    }

    /// Whether every queue is over.
    pub fn is_over(&self) -> bool {
        self.queues.iter().all(|queue| queue.life == Life::Gone)
    }

    /// When something will happen here.
    pub fn due(&self) -> Option<Tick> {
        let held = self.held.iter().map(|held| held.due);
        let queues = self.queues.iter().filter_map(|queue| self.queue_due(queue));
        held.chain(queues).filter(|due| *due != NEVER).min()
    }

    fn queue_due(&self, queue: &Queue) -> Option<Tick> {
        match queue.life {
            Life::Coming(at) => Some(at),
            Life::Open if queue.close_at.is_some() => queue.close_at,
            Life::Open if queue.sends(NEVER) && self.has_room() => Some(queue.next_at),
            Life::Lost if queue.open == 0 => Some(self.now),
            Life::Lost => self.table.iter().any(|(_, open)| self.is_untold(open)).then_some(self.now),
            Life::Open | Life::Gone => None,
        }
    }

    /// Checks what must hold between turns: `patience` is the longest that a queue that behaves may wait for a reply.
    pub fn check_between_turns(&self, patience: Tick) {
        assert!(self.staged.is_empty(), "the port was not flushed");
        for (_, open) in self.table.iter() {
            let queue = &self.queues[open.command.queue as usize];
            let waits =
                queue.life == Life::Open && !queue.habit.stalled && !open.told && open.command.kind != Kind::Park;
            assert!(!waits || self.now < open.since + patience, "starved: {:?} since {}", open.command, open.since);
        }
    }

    fn has_room(&self) -> bool {
        self.table.len() < self.table.capacity()
    }

    fn is_untold(&self, open: &Open) -> bool {
        !open.abort_told && self.queues[open.command.queue as usize].life == Life::Lost
    }

    fn oldest(&self) -> Step {
        self.table.iter().map(|(_, open)| open.invoked).min().unwrap_or(Step::MAX)
    }

    fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.scene.trace {
            eprintln!("{:>12} {what}", self.now);
        }
    }

    /// The peer of a queue goes away.
    fn lose(&mut self, number: usize) {
        self.say(format_args!("queue {number} is lost"));
        self.queues[number].life = Life::Lost;
        let (table, now) = (&self.table, self.now);
        for held in &mut self.held {
            let of_it = table.get(held.tag).is_some_and(|open| open.command.queue as usize == number);
            if of_it {
                held.due = now;
            }
        }
    }

    fn is_lost(&self, tag: Tag) -> bool {
        self.table.get(tag).is_none_or(|open| self.queues[open.command.queue as usize].life != Life::Open)
    }

    fn held_event(&mut self) -> Option<Event<Command, u32>> {
        let start = self.chance.place(self.held.len())?;
        let now = self.now;
        let place = (start..self.held.len()).chain(0..start).find(|place| self.held[*place].due <= now)?;
        let held = self.held.swap_remove(place);
        match held.what {
            What::Fetch(data) => Some(self.fetched(held.tag, data, held.cancelled)),
            What::Reply(data, reply) => self.replied(held.tag, data, reply),
        }
    }

    fn fetched(&mut self, tag: Tag, mut data: Data, cancelled: bool) -> Event<Command, u32> {
        let fails = self.chance.once_in(self.scene.fetch_fails) || cancelled && self.chance.once_in(2);
        let ok = !fails && !self.is_lost(tag);
        let open = self.table.get_mut(tag).expect("held, so open");
        open.fetching = false;
        open.fetch_failed = !ok;
        let (command, compared) = (open.command, open.compared);
        if ok {
            command.fill(data.bytes_mut(), |block| compared[(block - command.block) as usize]);
        }
        self.say(format_args!("{tag:?} fetched, ok {ok}"));
        Event::Fetched { tag, data, ok }
    }

    /// Hands a reply to its host, and later says that it is out.
    fn replied(&mut self, tag: Tag, data: Data, reply: Reply) -> Option<Event<Command, u32>> {
        let lost = self.is_lost(tag);
        let told = self.table.get(tag).expect("held, so open").told;
        if !told && !lost {
            self.tell(tag, &data, reply);
            let due = self.now + if self.chance.once_in(4) { self.chance.below(2_000) } else { 0 };
            self.held.push(Held { tag, due, cancelled: false, what: What::Reply(data, reply) });
            return None;
        }
        let oldest = self.oldest();
        let open = self.table.remove(tag).expect("held, so open");
        self.queues[open.command.queue as usize].open -= 1;
        if !told {
            self.scene.oracle.borrow_mut().end(self.number, &open.command, open.invoked, false, oldest);
        }
        self.say(format_args!("{tag:?} sent{}", if told { "" } else { " (swallowed)" }));
        Some(Event::Sent { tag, data })
    }

    fn tell(&mut self, tag: Tag, data: &Data, reply: Reply) {
        let (now, oldest) = (self.now, self.oldest());
        let bytes = &mut self.bounce[..data.len() as usize];
        data.copy_to(0, bytes);
        let open = self.table.get_mut(tag).expect("held, so open");
        open.told = true;
        let queue = &mut self.queues[open.command.queue as usize];
        let hints = Hints { fails: self.scene.fails, detached: self.detached[open.command.disk] };
        let mut oracle = self.scene.oracle.borrow_mut();
        let step = oracle.step();
        queue.told(open, reply, bytes, &oracle, step, hints);
        let done = reply.ending == crate::command::Ending::Done(bdev::Status::Ok);
        oracle.end(self.number, &open.command, open.invoked, done, oldest);
        let think = queue.habit.delay / 8;
        queue.next_at = now + self.chance.below(think + 1);
        self.replies += 1;
        let losses = queue.habit.losses;
        let number = open.command.queue as usize;
        drop(oracle);
        self.say(format_args!("{tag:?} told {reply:?}"));
        if self.chance.once_in(losses) {
            self.lose(number);
        }
    }

    fn queue_event(&mut self) -> Option<Event<Command, u32>> {
        let start = self.chance.place(self.queues.len())?;
        for number in (start..self.queues.len()).chain(0..start) {
            let event = self.event_of(number);
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn event_of(&mut self, number: usize) -> Option<Event<Command, u32>> {
        let (now, has_room) = (self.now, self.has_room());
        let queue = &mut self.queues[number];
        match queue.life {
            Life::Coming(at) if at <= now => {
                queue.life = Life::Open;
                self.say(format_args!("queue {number} opened"));
                Some(Event::Opened { queue: number as u32, origin: number as u32 ^ 0xABCD })
            }
            Life::Open if queue.close_at.is_some_and(|at| at <= now) => {
                self.lose(number);
                self.lost_event(number)
            }
            Life::Open if queue.sends(now) && has_room => Some(self.send_command(number)),
            Life::Lost => self.lost_event(number),
            Life::Coming(_) | Life::Open | Life::Gone => None,
        }
    }

    /// Tells of each open exchange that its peer is gone, then, when all are over, that the queue is.
    fn lost_event(&mut self, number: usize) -> Option<Event<Command, u32>> {
        if self.queues[number].open == 0 {
            self.say(format_args!("queue {number} closed"));
            let Queue { mut habit, .. } = self.queues[number];
            habit.backlog = if habit.stalled { 0 } else { habit.backlog };
            self.queues[number] = Queue::new(habit, self.now + self.chance.below(100_000));
            if self.ending || habit.stalled {
                self.queues[number].life = Life::Gone;
            }
            return Some(Event::Closed { queue: number as u32 });
        }
        let untold = |open: &Open| open.command.queue as usize == number && !open.abort_told;
        let (tag, open) = self.table.iter_mut().find(|(_, open)| untold(open))?;
        open.abort_told = true;
        Some(Event::Abort { tag })
    }

    fn send_command(&mut self, number: usize) -> Event<Command, u32> {
        let Scene { disks, blocks, most, .. } = self.scene;
        self.serial += self.serial_step;
        let queue = &mut self.queues[number];
        queue.open += 1;
        let command = queue.make(number as u32, self.serial, disks, blocks, most, &mut self.chance);
        let compared = self.expectation(&command);
        let invoked = self.scene.oracle.borrow_mut().invoke(self.number, &command);
        self.queues[number].note_sent(&command, invoked);
        let lends = self.chance.once_in(2);
        let open = Open {
            command,
            invoked,
            since: self.now,
            fetching: false,
            fetch_failed: false,
            replied: false,
            told: false,
            abort_told: false,
            lends,
            compared,
        };
        let Ok(tag) = self.table.insert(open) else { unreachable!("there was room") };
        self.say(format_args!("{tag:?} {command:?}"));
        if command.kind == Kind::Write && self.chance.once_in(2) {
            command.fill(&mut self.capsule[..command.sends() as usize], |_| 0);
            self.arrived = Some(tag);
        }
        Event::Command { tag, queue: number as u32, command }
    }

    /// What a comparison expects: mostly what may well be there.
    fn expectation(&mut self, command: &Command) -> [u64; MOST_BLOCKS] {
        let mut compared = [0; MOST_BLOCKS];
        if command.kind == Kind::Compare {
            let oracle = self.scene.oracle.borrow();
            for (place, block) in command.range().enumerate() {
                let wrong = self.chance.once_in(16);
                compared[place] = if wrong { !0 } else { oracle.guess(command.disk, block) };
            }
        }
        compared
    }

    fn hold(&mut self, tag: Tag, data: Data, reply: Option<Reply>) {
        let open = self.table.get_mut(tag).expect("the group names open exchanges");
        assert!(!open.replied, "a second reply, or a fetch after the reply: {:?}", open.command);
        let (what, queue) = match reply {
            Some(reply) => {
                assert!(!open.fetching, "a reply while the data comes");
                open.replied = true;
                (What::Reply(data, reply), open.command.queue)
            }
            None => {
                assert!(!open.fetching, "fetched twice");
                assert!(!open.abort_told, "fetched for an aborted exchange");
                assert_eq!(data.len(), open.command.sends(), "fetched what the host does not send");
                open.fetching = true;
                (What::Fetch(data), open.command.queue)
            }
        };
        let habit = self.queues[queue as usize].habit;
        let stuck = habit.stalled && matches!(what, What::Reply(..)) && !self.is_lost(tag);
        let quick = self.is_lost(tag) || self.chance.once_in(3);
        let due = if stuck { NEVER } else { self.now + if quick { 0 } else { self.chance.below(habit.delay + 1) } };
        // What came with the command is there at once.
        let at_once = matches!(what, What::Fetch(_)) && quick;
        let held = Held { tag, due, cancelled: false, what };
        if at_once { self.held.push(held) } else { self.staged.push(held) }
    }
}

impl AsMut<SoftPort> for SoftPort {
    fn as_mut(&mut self) -> &mut SoftPort {
        self
    }
}

impl Port for SoftPort {
    type Command = Command;
    type Reply = Reply;
    type Origin = u32;

    fn next(&mut self, now: Tick) -> Option<Event<Command, u32>> {
        self.now = now;
        // The receive buffer is used again.
        if self.arrived.take().is_some() {
            self.capsule.fill(0xEE);
        }
        if self.chance.once_in(32) {
            return None;
        }
        let held_first = self.chance.once_in(2);
        if held_first && let Some(event) = self.held_event() {
            return Some(event);
        }
        self.queue_event().or_else(|| self.held_event())
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        self.hold(tag, data, None);
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        assert!(!data.is_empty(), "nothing to send");
        self.hold(tag, data, Some(reply));
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.hold(tag, Data::empty(), Some(reply));
    }

    fn cancel(&mut self, tag: Tag) {
        let now = self.now;
        let mut held = self.held.iter_mut().chain(&mut self.staged);
        let fetch = held.find(|held| held.tag == tag && matches!(held.what, What::Fetch(_)));
        let fetch = fetch.expect("cancelled what is not fetched");
        (fetch.cancelled, fetch.due) = (true, now);
    }

    fn close(&mut self, queue: u32) {
        let at = self.now + self.chance.below(10_000);
        self.queues[queue as usize].close_at.get_or_insert(at);
    }

    fn flush(&mut self) {
        self.held.append(&mut self.staged);
    }

    fn places(&self) -> usize {
        self.table.capacity()
    }

    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let open = self.table.get(tag).expect("the group names open exchanges");
        assert_eq!(len, open.command.sends(), "asked for what the host does not send");
        (self.arrived == Some(tag)).then(|| &self.capsule[..len as usize])
    }

    fn lends(&self, tag: Tag) -> bool {
        self.table.get(tag).expect("the group names open exchanges").lends
    }
}
