//! A port without a machine around it: its host is the test, and it remembers what it was given.

use crate::{Address, Capsule, Completion, Origin};
use dma::Data;
use exchange::{Event, Port};
use ring::{Slots, Tag, Tick};
use std::collections::{BTreeSet, VecDeque};
use wire::nvme::{Sgl, Sqe};

struct Open {
    queue: u32,
    payload: Vec<u8>,
    fetching: Option<Data>,
    aborted: bool,
}

/// A reply that reached the wire.
#[derive(Clone, Debug)]
pub struct Sent {
    pub queue: u32,
    pub completion: Completion,
    pub data: Vec<u8>,
}

/// A fabric whose host is the test.
#[derive(Default)]
pub struct SoftPort {
    events: VecDeque<Event<Capsule, Origin>>,
    open: Option<Slots<Open>>,
    queues: BTreeSet<u32>,
    closing: BTreeSet<u32>,
    pub sent: Vec<Sent>,
    /// Queues that ended.
    pub closed: Vec<u32>,
    /// The host does not send its data.
    pub hold_fetch: bool,
    /// Our address and the host's, unless they are TCP's.
    pub from: Option<(Address, Address)>,
}

impl SoftPort {
    fn table(&mut self) -> &mut Slots<Open> {
        self.open.get_or_insert_with(|| Slots::new(4))
    }

    pub fn connect(&mut self, listener: u32) -> u32 {
        let queue = (0..).find(|n| !self.queues.contains(n)).unwrap();
        self.queues.insert(queue);
        let ip = |text: &str| Address::Ip(text.parse().unwrap());
        let (local, peer) = self.from.unwrap_or_else(|| (ip("192.0.2.1:4420"), ip("192.0.2.9:50000")));
        self.events.push_back(Event::Opened { queue, origin: Origin { listener, local, peer } });
        queue
    }

    pub fn is_open(&self, queue: u32) -> bool {
        self.queues.contains(&queue) && !self.closing.contains(&queue)
    }

    pub fn submit(&mut self, queue: u32, sqe: Sqe, payload: &[u8]) {
        assert!(self.is_open(queue), "the test uses an open queue");
        let inline = if matches!(sqe.dptr.parse(), Sgl::InCapsule { .. }) { payload.len() as u32 } else { 0 };
        self.submit_raw(queue, sqe, payload, inline);
    }

    pub fn submit_raw(&mut self, queue: u32, sqe: Sqe, payload: &[u8], inline: u32) {
        let open = Open { queue, payload: payload.to_vec(), fetching: None, aborted: false };
        let table = self.table();
        if table.len() == table.capacity() {
            table.grow(table.capacity() * 2);
        }
        let tag = table.insert(open).unwrap_or_else(|_| unreachable!());
        let command = Capsule { sqe: wire::zerocopy::transmute!(sqe), queue, inline };
        self.events.push_back(Event::Command { tag, queue, command });
    }

    /// The host goes away.
    pub fn lose(&mut self, queue: u32) {
        self.close(queue);
    }

    /// The host sends what it held back.
    pub fn release_fetches(&mut self) {
        self.hold_fetch = false;
        let waiting: Vec<(Tag, Data)> =
            self.table().iter_mut().filter_map(|(tag, o)| Some((tag, o.fetching.take()?))).collect();
        waiting.into_iter().for_each(|(tag, data)| self.fetch(tag, data));
    }

    fn record(&mut self, tag: Tag, data: Data, completion: Completion) {
        let mut bytes = vec![0; data.len() as usize];
        data.copy_to(0, &mut bytes);
        let open = self.table().get(tag).expect("replied under an open tag");
        let (queue, lost) = (open.queue, open.aborted);
        if !lost {
            self.sent.push(Sent { queue, completion, data: bytes });
        }
        self.events.push_back(Event::Sent { tag, data });
    }
}

impl Port for SoftPort {
    type Command = Capsule;
    type Reply = Completion;
    type Origin = Origin;

    fn next(&mut self, _: Tick) -> Option<Event<Capsule, Origin>> {
        while let Some(event) = self.events.pop_front() {
            match &event {
                // Commands of a lost queue never reach the target.
                Event::Command { tag, queue, .. } if self.closing.contains(queue) => {
                    self.table().remove(*tag);
                    continue;
                }
                Event::Sent { tag, .. } => {
                    self.table().remove(*tag).expect("sent once");
                }
                // The reply got ahead of the news that nobody waits for it.
                Event::Abort { tag } if self.table().get(*tag).is_none() => continue,
                _ => {}
            }
            return Some(event);
        }
        let idle = |port: &mut Self, queue: u32| port.table().iter().all(|(_, o)| o.queue != queue);
        let queue = self.closing.clone().into_iter().find(|q| idle(self, *q))?;
        self.closing.remove(&queue);
        self.queues.remove(&queue);
        self.closed.push(queue);
        Some(Event::Closed { queue })
    }

    fn fetch(&mut self, tag: Tag, mut data: Data) {
        let hold = self.hold_fetch;
        let open = self.table().get_mut(tag).expect("fetched under an open tag");
        if hold {
            open.fetching = Some(data);
            return;
        }
        let enough = open.payload.len() >= data.len() as usize;
        if enough {
            let len = data.len() as usize;
            data.bytes_mut().copy_from_slice(&open.payload[..len]);
        }
        self.events.push_back(Event::Fetched { tag, data, ok: enough });
    }

    fn send(&mut self, tag: Tag, data: Data, reply: Completion) {
        self.record(tag, data, reply);
    }

    fn reply(&mut self, tag: Tag, reply: Completion) {
        self.record(tag, Data::empty(), reply);
    }

    fn cancel(&mut self, tag: Tag) {
        if let Some(data) = self.table().get_mut(tag).and_then(|open| open.fetching.take()) {
            self.events.push_back(Event::Fetched { tag, data, ok: false });
        }
    }

    fn close(&mut self, queue: u32) {
        if !self.queues.contains(&queue) || !self.closing.insert(queue) {
            return;
        }
        // What the target has not taken yet, it never sees.
        let unseen: BTreeSet<(usize, u32)> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Command { tag, .. } => Some((tag.index(), tag.turn())),
                _ => None,
            })
            .collect();
        let known = |tag: &Tag| !unseen.contains(&(tag.index(), tag.turn()));
        let replied: BTreeSet<(usize, u32)> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Sent { tag, .. } => Some((tag.index(), tag.turn())),
                _ => None,
            })
            .collect();
        let mut aborts = Vec::new();
        for (tag, open) in self.table().iter_mut().filter(|(_, open)| open.queue == queue) {
            open.aborted = true;
            if known(&tag) && !replied.contains(&(tag.index(), tag.turn())) {
                aborts.push(Event::Abort { tag });
            }
        }
        self.events.extend(aborts);
    }

    fn flush(&mut self) {}

    fn places(&self) -> usize {
        self.open.as_ref().map_or(4, Slots::capacity)
    }

    fn lends(&self, _: Tag) -> bool {
        false
    }
}
