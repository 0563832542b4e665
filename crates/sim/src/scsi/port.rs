//! One home's port: tasks, data and replies that take their time and overtake each other.

use crate::Chance;
use dma::Data;
use exchange::Event;
use ring::{Slots, Tag, Tick};
use scsi::{Management, Origin, Reply, Task};
use std::collections::{BTreeSet, VecDeque};

/// Tasks that may be open at once.
const OPEN: usize = 64;

struct Open {
    task: Task,
    serial: u64,
    sends: Vec<u8>,
    /// The core has it.
    seen: bool,
    replied: bool,
    aborted: bool,
    /// Of a function: what it must have ended.
    victims: Vec<u64>,
}

/// What is on its way, and when it comes.
enum Later {
    Command(Tag),
    Fetched(Tag, Data),
    Sent(Tag, Data, Reply),
}

/// How a task ended.
pub struct Ended {
    /// Its number.
    pub serial: u64,
    /// What its initiator got; nothing, if that is not told.
    pub told: Option<(Reply, Vec<u8>)>,
}

/// The port.
pub struct Port {
    open: Slots<Open>,
    events: VecDeque<Event<Task, Origin>>,
    later: Vec<(Tick, Later)>,
    /// Nexuses that are there.
    pub queues: BTreeSet<u32>,
    closing: BTreeSet<u32>,
    /// What ended and was not taken yet.
    pub ended: Vec<Ended>,
    chance: Chance,
    slowness: Tick,
    now: Tick,
}

impl Port {
    /// Things take up to `slowness`.
    pub fn new(chance: Chance, slowness: Tick) -> Self {
        let (queues, closing) = (BTreeSet::new(), BTreeSet::new());
        let (open, events, later, ended) = (Slots::new(OPEN), VecDeque::new(), Vec::new(), Vec::new());
        Self { open, events, later, queues, closing, ended, chance, slowness, now: 0 }
    }

    /// Whether a nexus takes commands.
    pub fn is_open(&self, queue: u32) -> bool {
        self.queues.contains(&queue) && !self.closing.contains(&queue)
    }

    /// Whether there is room.
    pub fn has_room(&self) -> bool {
        self.open.len() < OPEN
    }

    /// A new nexus.
    pub fn connect(&mut self, queue: u32, origin: Origin) {
        self.queues.insert(queue);
        self.events.push_back(Event::Opened { queue, origin });
    }

    /// A task sets out.
    pub fn submit(&mut self, serial: u64, task: Task, sends: Vec<u8>) {
        let victims = Vec::new();
        let open = Open { task, serial, sends, seen: false, replied: false, aborted: false, victims };
        let Ok(tag) = self.open.insert(open) else { panic!("the initiators know how much room there is") };
        self.post(Later::Command(tag));
    }

    /// A nexus is lost.
    pub fn lose(&mut self, queue: u32) {
        if !self.is_open(queue) {
            return;
        }
        self.closing.insert(queue);
        let of: Vec<(Tag, bool)> = self
            .open
            .iter()
            .filter(|(_, open)| open.task.queue == queue && !open.replied)
            .map(|(t, o)| (t, o.seen))
            .collect();
        for (tag, seen) in of {
            let Some(open) = self.open.get_mut(tag) else { continue };
            open.aborted = true;
            if seen {
                self.events.push_back(Event::Abort { tag });
            } else {
                self.over(tag, None);
            }
        }
    }

    fn over(&mut self, tag: Tag, told: Option<(Reply, Vec<u8>)>) {
        let open = self.open.remove(tag).expect("it is open");
        let told = told.filter(|(reply, _)| !reply.silent && !open.aborted);
        self.ended.push(Ended { serial: open.serial, told });
    }

    fn post(&mut self, what: Later) {
        let due = if self.chance.once_in(3) { self.now } else { self.now + self.chance.below(self.slowness + 1) };
        self.later.push((due, what));
    }

    /// The first moment at which something comes.
    pub fn deadline(&self) -> Option<Tick> {
        if !self.events.is_empty() {
            return Some(self.now);
        }
        self.later.iter().map(|(due, _)| *due).min()
    }

    fn arrive(&mut self) {
        while let Some(place) = self.later.iter().position(|(due, _)| *due <= self.now) {
            match self.later.swap_remove(place).1 {
                Later::Command(tag) => self.deliver(tag),
                Later::Fetched(tag, data) => self.fetched(tag, data),
                Later::Sent(tag, data, reply) => {
                    let mut bytes = vec![0; reply.transferred.min(data.len()) as usize];
                    data.copy_to(0, &mut bytes);
                    self.events.push_back(Event::Sent { tag, data });
                    self.over(tag, Some((reply, bytes)));
                }
            }
        }
    }

    fn deliver(&mut self, tag: Tag) {
        // Its nexus may be gone, and it with it.
        let Some(open) = self.open.get_mut(tag) else { return };
        open.seen = true;
        let task = open.task;
        if let Some(function) = task.management {
            let victims = self.open.iter().filter(|(_, other)| is_victim(other, &task, function));
            let victims = victims.map(|(_, other)| other.serial).collect();
            self.open.get_mut(tag).expect("as before").victims = victims;
        }
        self.events.push_back(Event::Command { tag, queue: task.queue, command: task });
    }

    fn fetched(&mut self, tag: Tag, mut data: Data) {
        let open = self.open.get_mut(tag).expect("what is fetched is open");
        let ok = !open.aborted;
        let len = data.len() as usize;
        data.bytes_mut().copy_from_slice(&open.sends[..len]);
        self.events.push_back(Event::Fetched { tag, data, ok });
    }

    fn word(&mut self, tag: Tag, data: Data, reply: Reply) {
        let open = self.open.get_mut(tag).expect("who is replied to is open");
        assert!(open.seen && !std::mem::replace(&mut open.replied, true), "one reply");
        let function = open.task.management;
        let victims = std::mem::take(&mut open.victims);
        if !reply.silent && function.is_some() {
            let left = self.open.iter().find(|(_, other)| !other.replied && victims.contains(&other.serial));
            if let Some((_, victim)) = left {
                panic!("{function:?} is answered, and {} that it was to end is not over", victim.serial);
            }
        }
        self.post(Later::Sent(tag, data, reply));
    }
}

/// Whether a function must end a task of this home before it is answered.
fn is_victim(open: &Open, task: &Task, function: Management) -> bool {
    let same = open.task.queue == task.queue;
    let lun = open.task.lun == task.lun;
    let running = open.seen && !open.replied && open.task.management.is_none();
    running
        && match function {
            Management::AbortTask { id } => same && lun && open.task.id == id,
            Management::AbortTaskSet | Management::ClearTaskSet => same && lun,
            Management::LunReset => lun,
            Management::TargetReset => true,
            Management::ItNexusReset => same,
            Management::QueryTask { .. } | Management::QueryTaskSet | Management::ClearAca => false,
        }
}

impl exchange::Port for Port {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, now: Tick) -> Option<Event<Task, Origin>> {
        self.now = now;
        self.arrive();
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let busy = |queue: &u32| self.open.iter().any(|(_, open)| open.task.queue == *queue);
        let queue = self.closing.iter().copied().find(|queue| !busy(queue))?;
        self.closing.remove(&queue);
        self.queues.remove(&queue);
        Some(Event::Closed { queue })
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        self.post(Later::Fetched(tag, data));
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        self.word(tag, data, reply);
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.word(tag, Data::empty(), reply);
    }

    fn cancel(&mut self, tag: Tag) {
        let is_it = |later: &Later| matches!(later, Later::Fetched(of, _) if *of == tag);
        let place = self.later.iter().position(|(_, later)| is_it(later));
        // It may have come already, and wait to be taken.
        let Some(place) = place else { return };
        let Later::Fetched(tag, data) = self.later.swap_remove(place).1 else { return };
        self.events.push_back(Event::Fetched { tag, data, ok: false });
    }

    fn close(&mut self, queue: u32) {
        self.lose(queue);
    }

    fn flush(&mut self) {}

    fn places(&self) -> usize {
        OPEN
    }

    fn lends(&self, _: Tag) -> bool {
        false
    }
}
