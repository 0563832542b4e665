//! A fabric without bytes: [`exchange::Port`] whose host is the input.

use crate::host::Command;
use crate::target::LISTENER;
use dma::Data;
use exchange::{Event, Port};
use nvmf::{Address, Capsule, Completion, Origin};
use ring::{Slots, Tag, Tick};
use std::collections::{BTreeSet, VecDeque};

/// Commands that all queues of a port may have open together.
const OPEN: usize = 64;

struct Open {
    queue: u32,
    cid: u16,
    room: u32,
    inline: u32,
    payload: Vec<u8>,
    fetching: Option<Data>,
    seen: bool,
    replied: bool,
}

/// The port. It asserts that the target keeps to the machine's rules.
pub struct SoftPort {
    events: VecDeque<Event<Capsule, Origin>>,
    open: Slots<Open>,
    /// Queues that are there.
    pub queues: BTreeSet<u32>,
    closing: BTreeSet<u32>,
    /// The host keeps its data for itself.
    pub hold: bool,
}

impl Default for SoftPort {
    fn default() -> Self {
        let (events, queues, closing) = Default::default();
        Self { events, open: Slots::new(OPEN), queues, closing, hold: false }
    }
}

impl SoftPort {
    /// A new queue.
    pub fn connect(&mut self) {
        let queue = (0..).find(|n| !self.queues.contains(n)).expect("there are enough numbers");
        self.queues.insert(queue);
        let address = |text: &str| Address::Ip(text.parse().expect("an address"));
        let (local, peer) = (address("192.0.2.1:4420"), address("192.0.2.9:50000"));
        self.events.push_back(Event::Opened { queue, origin: Origin { listener: LISTENER, local, peer } });
    }

    /// A command comes, if the queue is open and there is room.
    pub fn submit(&mut self, queue: u32, command: Command) {
        if !self.queues.contains(&queue) || self.closing.contains(&queue) {
            return;
        }
        let (room, cid) = (command.room(), command.sqe.cid.get());
        let (payload, inline) = (command.payload, command.inline);
        let open = Open { queue, cid, room, inline, payload, fetching: None, seen: false, replied: false };
        if let Ok(tag) = self.open.insert(open) {
            let command = Capsule { sqe: wire::zerocopy::transmute!(command.sqe), queue, inline };
            self.events.push_back(Event::Command { tag, queue, command });
        }
    }

    /// The host sends what it held back.
    pub fn release(&mut self) {
        self.hold = false;
        let waiting: Vec<_> = self.open.iter_mut().filter_map(|(tag, o)| Some((tag, o.fetching.take()?))).collect();
        waiting.into_iter().for_each(|(tag, data)| self.fetch(tag, data));
    }

    fn sent(&mut self, tag: Tag, data: Data, reply: Completion) {
        let open = self.open.get_mut(tag).expect("replied under an open tag");
        assert!(open.seen && !std::mem::replace(&mut open.replied, true), "one reply for each command");
        assert!(open.fetching.is_none(), "not while its data is fetched");
        assert_eq!(u16::from_le_bytes([reply[12], reply[13]]), open.cid, "under its identifier");
        assert!(data.len() <= open.room, "{} bytes for a host that has room for {}", data.len(), open.room);
        let mut bytes = vec![0; data.len() as usize];
        data.copy_to(0, &mut bytes);
        self.events.push_back(Event::Sent { tag, data });
    }

    fn is_news(&mut self, event: &Event<Capsule, Origin>) -> bool {
        match event {
            Event::Command { tag, .. } => self.open.get_mut(*tag).map(|open| open.seen = true).is_some(),
            Event::Sent { tag, .. } => self.open.remove(*tag).is_some(),
            Event::Abort { tag } => self.open.get(*tag).is_some(),
            _ => true,
        }
    }
}

impl Port for SoftPort {
    type Command = Capsule;
    type Reply = Completion;
    type Origin = Origin;

    fn next(&mut self, _: Tick) -> Option<Event<Capsule, Origin>> {
        while let Some(event) = self.events.pop_front() {
            if self.is_news(&event) {
                return Some(event);
            }
        }
        let busy = |queue: &u32| self.open.iter().any(|(_, open)| open.queue == *queue);
        let queue = self.closing.iter().copied().find(|queue| !busy(queue))?;
        self.closing.remove(&queue);
        self.queues.remove(&queue);
        Some(Event::Closed { queue })
    }

    fn fetch(&mut self, tag: Tag, mut data: Data) {
        let open = self.open.get_mut(tag).expect("fetched under an open tag");
        assert!(open.seen && !open.replied && open.fetching.is_none(), "fetched once, before the reply");
        if self.hold && !self.closing.contains(&open.queue) {
            open.fetching = Some(data);
            return;
        }
        let ok = open.payload.len() >= data.len() as usize;
        if ok {
            let len = data.len() as usize;
            data.bytes_mut().copy_from_slice(&open.payload[..len]);
        }
        self.events.push_back(Event::Fetched { tag, data, ok });
    }

    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let open = self.open.get(tag).expect("an open tag");
        let here = open.inline == len && tag.index() % 4 > 1 && !self.closing.contains(&open.queue);
        if here { open.payload.get(..len as usize) } else { None }
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Completion) {
        self.sent(tag, data, reply);
    }

    fn reply(&mut self, tag: Tag, reply: Completion) {
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
        let here: Vec<(Tag, bool)> =
            self.open.iter().filter(|(_, o)| o.queue == queue && !o.replied).map(|(tag, o)| (tag, o.seen)).collect();
        for (tag, seen) in here {
            if seen {
                self.events.push_back(Event::Abort { tag });
            } else {
                // What the target has not taken yet, it never sees.
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
