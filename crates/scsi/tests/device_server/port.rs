//! A port in memory: tasks in, replies out, both as a test says.

use dma::Data;
use exchange::{Event, Port};
use ring::{Slots, Tag, Tick};
use scsi::{Origin, Reply, Task};
use std::collections::VecDeque;

/// A task that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub id: u32,
    pub reply: Reply,
    /// What went to the initiator.
    pub data: Vec<u8>,
}

struct Open {
    task: Task,
    /// What the initiator sends.
    sends: Vec<u8>,
    replied: bool,
    aborted: bool,
    /// And the core was told.
    told: bool,
}

pub struct TestPort {
    table: Slots<Open>,
    events: VecDeque<Event<Task, Origin>>,
    /// Fetches stay here.
    pub holds_fetches: bool,
    /// What is fetched comes harmed.
    pub harms: bool,
    /// Replies stay here.
    pub holds_replies: bool,
    fetching: VecDeque<(Tag, Data, bool)>,
    replying: VecDeque<(Tag, Data, Reply)>,
    pub ended: Vec<Ended>,
    pub open_queues: Vec<u32>,
    pub closing: Vec<u32>,
    pub fetched: u64,
}

impl TestPort {
    pub fn new() -> Self {
        Self {
            table: Slots::new(64),
            events: VecDeque::new(),
            holds_fetches: false,
            harms: false,
            holds_replies: false,
            fetching: VecDeque::new(),
            replying: VecDeque::new(),
            ended: Vec::new(),
            open_queues: Vec::new(),
            closing: Vec::new(),
            fetched: 0,
        }
    }

    pub fn open(&mut self, queue: u32, origin: Origin) {
        self.open_queues.push(queue);
        self.events.push_back(Event::Opened { queue, origin });
    }

    pub fn send_task(&mut self, task: Task, sends: Vec<u8>) {
        let open = Open { task, sends, replied: false, aborted: false, told: false };
        let tag = self.table.insert(open).unwrap_or_else(|_| panic!("64 tasks are enough"));
        self.events.push_back(Event::Command { tag, queue: task.queue, command: task });
    }

    /// The initiator aborts a task by the transport's own means.
    pub fn abort(&mut self, id: u32) {
        let tag = self.table.iter().find(|(_, open)| open.task.id == id).map(|(tag, _)| tag).expect("open");
        self.abort_tag(tag);
    }

    /// The same, if the task is there and its reply is not out.
    pub fn try_abort(&mut self, id: u32) -> bool {
        let found = self.table.iter().find(|(_, open)| open.task.id == id && !open.aborted).map(|(tag, _)| tag);
        if let Some(tag) = found {
            self.abort_tag(tag);
        }
        found.is_some()
    }

    fn abort_tag(&mut self, tag: Tag) {
        if !std::mem::replace(&mut self.table.get_mut(tag).expect("open").aborted, true) {
            self.events.push_back(Event::Abort { tag });
        }
    }

    /// The initiator goes away.
    pub fn lose(&mut self, queue: u32) {
        if !self.open_queues.contains(&queue) {
            return;
        }
        self.open_queues.retain(|open| *open != queue);
        let of_it = |(tag, open): (Tag, &Open)| (open.task.queue == queue).then_some(tag);
        let tags: Vec<Tag> = self.table.iter().filter_map(of_it).collect();
        tags.into_iter().for_each(|tag| self.abort_tag(tag));
        self.closing.push(queue);
    }

    pub fn open_tasks(&self) -> usize {
        self.table.len()
    }

    /// Moves on what is held, if it is not to be held.
    fn step(&mut self) {
        while !self.holds_fetches || self.fetching.iter().any(|(_, _, cancelled)| *cancelled) {
            let place = self.fetching.iter().position(|(_, _, cancelled)| *cancelled || !self.holds_fetches);
            let Some((tag, mut data, cancelled)) = place.and_then(|place| self.fetching.remove(place)) else { break };
            let open = self.table.get(tag).expect("fetching, so open");
            let ok = !cancelled && !self.harms && !open.aborted;
            if ok {
                let len = data.len() as usize;
                data.bytes_mut().copy_from_slice(&open.sends[..len]);
                self.fetched += len as u64;
            }
            self.events.push_back(Event::Fetched { tag, data, ok });
        }
        while !self.holds_replies {
            let Some((tag, data, reply)) = self.replying.pop_front() else { break };
            let open = self.table.remove(tag).expect("replying, so open");
            let sent = if data.is_empty() { Vec::new() } else { data.bytes()[..reply.transferred as usize].to_vec() };
            if !reply.silent && !open.aborted {
                self.ended.push(Ended { id: open.task.id, reply, data: sent });
            }
            self.events.push_back(Event::Sent { tag, data });
        }
        let over = |queue: &u32| !self.table.iter().any(|(_, open)| open.task.queue == *queue);
        let gone: Vec<u32> = self.closing.iter().copied().filter(over).collect();
        for queue in gone {
            self.closing.retain(|closing| *closing != queue);
            self.events.push_back(Event::Closed { queue });
        }
    }
}

impl Port for TestPort {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, _now: Tick) -> Option<Event<Task, Origin>> {
        if self.events.is_empty() {
            self.step();
        }
        let event = self.events.pop_front();
        if let Some(Event::Abort { tag }) = &event {
            self.table.get_mut(*tag).expect("its reply is not out").told = true;
        }
        event
    }

    fn fetch(&mut self, tag: Tag, data: Data) {
        let open = self.table.get(tag).expect("the group names open tasks");
        assert!(!open.replied && !open.told, "fetched for one that is over");
        assert!(!data.is_empty() && data.len() <= open.task.data_out, "no more than the initiator sends");
        self.fetching.push_back((tag, data, false));
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        assert!(!data.is_empty() && reply.transferred <= data.len(), "no more than there is");
        let open = self.table.get_mut(tag).expect("the group names open tasks");
        assert!(reply.transferred <= open.task.data_in, "no more than the initiator takes");
        assert!(!std::mem::replace(&mut open.replied, true), "one reply");
        self.replying.push_back((tag, data, reply));
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        let open = self.table.get_mut(tag).expect("the group names open tasks");
        assert!(!std::mem::replace(&mut open.replied, true), "one reply");
        self.replying.push_back((tag, Data::empty(), reply));
    }

    fn cancel(&mut self, tag: Tag) {
        let fetch = self.fetching.iter_mut().find(|(fetching, _, _)| *fetching == tag);
        fetch.expect("cancelled what is fetched").2 = true;
    }

    fn close(&mut self, queue: u32) {
        self.lose(queue);
    }

    fn flush(&mut self) {}

    fn places(&self) -> usize {
        self.table.capacity()
    }

    fn lends(&self, _tag: Tag) -> bool {
        false
    }
}
