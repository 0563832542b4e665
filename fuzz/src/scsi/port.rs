//! A port without bytes that holds the core to its contract.

use dma::Data;
use exchange::{Event, Port};
use ring::{Slots, Tag, Tick};
use scsi::{Origin, PortName, Reply, Residual, Task};
use std::collections::{BTreeSet, VecDeque};
use wire::scsi::Status;

/// Tasks that may be open at once.
const OPEN: usize = 48;
/// Our port.
pub const TARGET: PortName = PortName::Fc { wwnn: 0x2000_0000_0000_0001, wwpn: 0x2100_0000_0000_0001 };

struct Open {
    task: Task,
    payload: Vec<u8>,
    fetching: Option<Data>,
    /// The core has seen it.
    seen: bool,
    aborted: bool,
    replied: bool,
}

/// The port.
pub struct ScsiPort {
    open: Slots<Open>,
    events: VecDeque<Event<Task, Origin>>,
    /// Nexuses that are there.
    pub queues: BTreeSet<u32>,
    closing: BTreeSet<u32>,
    /// The initiators keep their data back.
    pub hold: bool,
}

impl Default for ScsiPort {
    fn default() -> Self {
        let (queues, closing) = (BTreeSet::new(), BTreeSet::new());
        Self { open: Slots::new(OPEN), events: VecDeque::new(), queues, closing, hold: false }
    }
}

impl ScsiPort {
    /// A new nexus.
    pub fn connect(&mut self) {
        let Some(queue) = (0..).find(|queue| !self.queues.contains(queue)) else { return };
        self.queues.insert(queue);
        let initiator = PortName::Fc { wwnn: 0x1000 + u64::from(queue), wwpn: 0x2000 + u64::from(queue) };
        let origin = Origin { initiator, target: TARGET, relative_port: 1, port_group: 1, address: None };
        self.events.push_back(Event::Opened { queue, origin });
    }

    /// A task of a nexus, if that is there.
    pub fn submit(&mut self, task: Task, payload: Vec<u8>) {
        let queue = task.queue;
        if !self.queues.contains(&queue) || self.closing.contains(&queue) {
            return;
        }
        let open = Open { task, payload, fetching: None, seen: false, aborted: false, replied: false };
        if let Ok(tag) = self.open.insert(open) {
            self.events.push_back(Event::Command { tag, queue, command: task });
        }
    }

    /// The initiator aborts one of the open tasks.
    pub fn abort(&mut self, which: usize) {
        let tags: Vec<Tag> =
            self.open.iter().filter(|(_, o)| o.seen && !o.aborted && !o.replied).map(|(tag, _)| tag).collect();
        if let Some(tag) = tags.get(which % tags.len().max(1)) {
            self.abort_tag(*tag);
        }
    }

    fn abort_tag(&mut self, tag: Tag) {
        if let Some(open) = self.open.get_mut(tag).filter(|open| !open.aborted) {
            open.aborted = true;
            self.events.push_back(Event::Abort { tag });
        }
    }

    /// The initiators send what they held back.
    pub fn release(&mut self) {
        self.hold = false;
        let waiting: Vec<_> = self.open.iter_mut().filter_map(|(tag, o)| Some((tag, o.fetching.take()?))).collect();
        waiting.into_iter().for_each(|(tag, data)| self.fetch(tag, data));
    }

    fn sent(&mut self, tag: Tag, data: Data, reply: Reply) {
        let open = self.open.get_mut(tag).expect("replied under an open tag");
        assert!(open.seen && !std::mem::replace(&mut open.replied, true), "one reply for each task");
        assert!(open.fetching.is_none(), "not while its data is fetched");
        if !reply.silent && !open.aborted {
            check(&open.task, &data, &reply);
        }
        let mut bytes = vec![0; data.len() as usize];
        data.copy_to(0, &mut bytes);
        self.events.push_back(Event::Sent { tag, data });
    }

    fn is_news(&mut self, event: &Event<Task, Origin>) -> bool {
        match event {
            Event::Command { tag, .. } => self.open.get_mut(*tag).map(|open| open.seen = true).is_some(),
            Event::Sent { tag, .. } => self.open.remove(*tag).is_some(),
            Event::Abort { tag } => self.open.get(*tag).is_some(),
            _ => true,
        }
    }
}

/// What every reply must be.
fn check(task: &Task, data: &Data, reply: &Reply) {
    assert_eq!(task.management.is_some(), reply.response.is_some(), "a response for a function and for nothing else");
    if task.management.is_some() {
        return;
    }
    let wants_sense = reply.status == Status::CHECK_CONDITION;
    assert_eq!(wants_sense, !reply.sense().is_empty(), "sense data with CHECK CONDITION and nothing else");
    if !data.is_empty() {
        assert!(reply.transferred <= data.len() && reply.transferred <= task.data_in, "no more than expected");
    }
    let expected = if task.data_in == 0 || task.data_out == 0 { task.data_in.max(task.data_out) } else { return };
    match reply.residual {
        // A command whose data goes the other way may be over without moving anything.
        Residual::Over(over) => assert!(over > 0 && (reply.transferred == expected || reply.transferred == 0)),
        Residual::Under(under) => {
            assert!(under > 0 && under <= expected, "{under} of {expected}");
            assert!(reply.status != Status::GOOD || reply.transferred + under == expected, "{reply:?} of {expected}");
        }
        Residual::None => {
            assert!(reply.status != Status::GOOD || reply.transferred == expected, "{reply:?} of {expected}")
        }
    }
}

impl Port for ScsiPort {
    type Command = Task;
    type Reply = Reply;
    type Origin = Origin;

    fn next(&mut self, _: Tick) -> Option<Event<Task, Origin>> {
        while let Some(event) = self.events.pop_front() {
            if self.is_news(&event) {
                return Some(event);
            }
        }
        let busy = |queue: &u32| self.open.iter().any(|(_, open)| open.task.queue == *queue);
        let queue = self.closing.iter().copied().find(|queue| !busy(queue))?;
        self.closing.remove(&queue);
        self.queues.remove(&queue);
        Some(Event::Closed { queue })
    }

    fn fetch(&mut self, tag: Tag, mut data: Data) {
        let open = self.open.get_mut(tag).expect("fetched under an open tag");
        assert!(open.seen && !open.replied && open.fetching.is_none(), "fetched once, before the reply");
        assert!(!data.is_empty() && data.len() <= open.task.data_out, "no more than the initiator sends");
        if self.hold && !open.aborted {
            open.fetching = Some(data);
            return;
        }
        let ok = !open.aborted && open.payload.len() >= data.len() as usize;
        if ok {
            let len = data.len() as usize;
            data.bytes_mut().copy_from_slice(&open.payload[..len]);
        }
        self.events.push_back(Event::Fetched { tag, data, ok });
    }

    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let open = self.open.get(tag).expect("an open tag");
        let here = tag.index() % 4 == 3 && !open.aborted;
        if here { open.payload.get(..len as usize) } else { None }
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Reply) {
        self.sent(tag, data, reply);
    }

    fn reply(&mut self, tag: Tag, reply: Reply) {
        self.sent(tag, Data::empty(), reply);
    }

    fn cancel(&mut self, tag: Tag) {
        if let Some(data) = self.open.get_mut(tag).and_then(|open| open.fetching.take()) {
            self.events.push_back(Event::Fetched { tag, data, ok: false });
        }
    }

    fn close(&mut self, queue: u32) {
        if !self.queues.contains(&queue) || !self.closing.insert(queue) {
            return;
        }
        let here: Vec<(Tag, bool)> = self
            .open
            .iter()
            .filter(|(_, o)| o.task.queue == queue && !o.replied)
            .map(|(tag, o)| (tag, o.seen))
            .collect();
        for (tag, seen) in here {
            if seen {
                self.abort_tag(tag);
            } else {
                // What the core has not taken yet, it never sees.
                self.open.remove(tag);
            }
        }
    }

    fn flush(&mut self) {}

    fn places(&self) -> usize {
        OPEN
    }

    fn lends(&self, tag: Tag) -> bool {
        tag.index().is_multiple_of(2)
    }
}
