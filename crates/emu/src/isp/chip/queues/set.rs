//! All queues of the function: which there are, and which completions go where.

use super::{AtioQueue, Fetch, MOST_WAITING, Pointers, RequestQueue, ResponseQueue};
use crate::isp::Entry;
use pci::{Bus, Fault};
use std::collections::BTreeMap;
use wire::isp::regs::{
    QUEUE_ATIO_IN, QUEUE_ATIO_OUT, QUEUE_PAGE, QUEUE_REQUEST_IN, QUEUE_REQUEST_OUT, QUEUE_RESPONSE_IN,
    QUEUE_RESPONSE_OUT,
};

/// Why a queue cannot be made or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is one of that number already.
    Exists,
    /// There is none of that number.
    Unknown,
    /// A request queue needs it.
    InUse,
}

/// A queue that got something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Response queue 0.
    Base,
    /// Another response queue.
    Further,
    /// The ATIO queue.
    Atio,
}

/// What was written: queues and their vectors, and what failed last.
#[derive(Default)]
pub struct Flushed {
    /// Who is to be told.
    pub told: Vec<(Wrote, Option<u16>)>,
    /// The host's memory failed.
    pub fault: Option<Fault>,
}

impl Flushed {
    fn note(&mut self, wrote: Result<bool, Fault>, queue: Wrote, vector: Option<u16>) {
        match wrote {
            Ok(true) => self.told.push((queue, vector)),
            Ok(false) => {}
            Err(fault) => self.fault = Some(fault),
        }
    }
}

/// The queues, and the registers with their pointers.
pub struct Queues {
    pointers: Pointers,
    requests: BTreeMap<u16, RequestQueue>,
    responses: BTreeMap<u16, ResponseQueue>,
    atio: Option<AtioQueue>,
}

impl Queues {
    /// None.
    pub fn new() -> Self {
        Self { pointers: Pointers::new(), requests: BTreeMap::new(), responses: BTreeMap::new(), atio: None }
    }

    /// The host reads a pointer (BAR4).
    pub fn read(&self, offset: u64) -> u32 {
        self.pointers.read(offset)
    }

    /// None, and all pointers 0.
    pub fn reset(&mut self) {
        self.pointers.reset();
        self.drop_all();
    }

    /// None; pointers stay.
    pub fn drop_all(&mut self) {
        self.requests.clear();
        self.responses.clear();
        self.atio = None;
    }

    /// Adds a request queue; its response queue has to be there.
    pub fn add_request(&mut self, number: u16, queue: RequestQueue) -> Result<(), Refused> {
        if self.requests.contains_key(&number) {
            return Err(Refused::Exists);
        }
        if !self.responses.contains_key(&queue.response()) {
            return Err(Refused::Unknown);
        }
        self.requests.insert(number, queue);
        Ok(())
    }

    /// Adds a response queue.
    pub fn add_response(&mut self, number: u16, queue: ResponseQueue) -> Result<(), Refused> {
        if self.responses.contains_key(&number) {
            return Err(Refused::Exists);
        }
        self.responses.insert(number, queue);
        Ok(())
    }

    /// Sets the ATIO queue.
    pub fn set_atio(&mut self, queue: Option<AtioQueue>) {
        self.atio = queue;
    }

    /// Deletes a request queue; what it has ordered goes on, completions are dropped.
    pub fn delete_request(&mut self, number: u16) -> Result<(), Refused> {
        self.requests.remove(&number).map(drop).ok_or(Refused::Unknown)
    }

    /// Deletes a response queue.
    pub fn delete_response(&mut self, number: u16) -> Result<(), Refused> {
        if self.requests.values().any(|queue| queue.response() == number) {
            return Err(Refused::InUse);
        }
        self.responses.remove(&number).map(drop).ok_or(Refused::Unknown)
    }

    /// Numbers of the request queues.
    pub fn requests(&self) -> Vec<u16> {
        self.requests.keys().copied().collect()
    }

    /// The next IOCB of a request queue, unless its response queue has too much that waits already.
    ///
    /// # Errors
    /// The host's memory failed.
    pub fn fetch(&mut self, number: u16, bus: &mut dyn Bus) -> Result<Fetch, Fault> {
        let Some(queue) = self.requests.get_mut(&number) else { return Ok(Fetch::Nothing) };
        let waiting = self.responses.get(&queue.response()).map_or(0, ResponseQueue::waiting);
        if waiting >= MOST_WAITING {
            return Ok(Fetch::Nothing);
        }
        queue.fetch(self.pointers.get(number, QUEUE_REQUEST_IN), bus)
    }

    /// Puts a completion into the response queue that goes with a request queue; false: there is none any more.
    pub fn respond(&mut self, request: u16, group: Vec<Entry>) -> bool {
        let Some(number) = self.requests.get(&request).map(RequestQueue::response) else { return false };
        self.responses.get_mut(&number).map(|queue| queue.push(group)).is_some()
    }

    /// Puts a group into the ATIO queue; false: there is none, or it cannot go there.
    pub fn atio(&mut self, group: Vec<Entry>) -> bool {
        self.atio.as_mut().is_some_and(|queue| queue.push(group))
    }

    /// Tells the host how far the request queues were fetched.
    ///
    /// # Errors
    /// The host's memory failed.
    pub fn publish(&mut self, bus: &mut dyn Bus) -> Result<(), Fault> {
        for (number, queue) in &mut self.requests {
            if queue.publish(bus)? {
                self.pointers.set(*number, QUEUE_REQUEST_OUT, u32::from(queue.out()));
            }
        }
        Ok(())
    }

    /// Writes the response queues and the ATIO queue. One whose memory fails does not keep the others from it.
    pub fn flush(&mut self, bus: &mut dyn Bus) -> Flushed {
        let mut flushed = Flushed::default();
        for (number, queue) in &mut self.responses {
            let wrote = queue.flush(bus);
            self.pointers.set(*number, QUEUE_RESPONSE_IN, u32::from(queue.in_()));
            flushed.note(wrote, if *number == 0 { Wrote::Base } else { Wrote::Further }, queue.vector());
        }
        if let Some(queue) = &mut self.atio {
            let wrote = queue.flush(bus);
            self.pointers.set(0, QUEUE_ATIO_IN, u32::from(queue.in_()));
            flushed.note(wrote, Wrote::Atio, queue.vector());
        }
        flushed
    }

    /// Whether the host leaves no room for what is to be told: in a response queue, in the ATIO queue.
    pub fn full(&self) -> (bool, bool) {
        (self.responses.values().any(ResponseQueue::is_full), self.atio.as_ref().is_some_and(AtioQueue::is_full))
    }

    /// Whether there is anything to fetch.
    pub fn has_requests(&self) -> bool {
        let ready = |queue: &RequestQueue| {
            self.responses.get(&queue.response()).is_none_or(|responses| responses.waiting() < MOST_WAITING)
        };
        self.requests.iter().any(|(n, queue)| queue.has_work(self.pointers.get(*n, QUEUE_REQUEST_IN)) && ready(queue))
    }

    /// Whether there is anything to write.
    pub fn has_responses(&self) -> bool {
        self.responses.values().any(ResponseQueue::has_work) || self.atio.as_ref().is_some_and(AtioQueue::has_work)
    }

    /// The host writes a pointer (BAR4).
    pub fn write(&mut self, offset: u64, value: u32) {
        self.pointers.write(offset, value);
        let number = (offset / QUEUE_PAGE) as u16;
        match (offset % QUEUE_PAGE, number) {
            (QUEUE_RESPONSE_OUT, _) => {
                if let Some(queue) = self.responses.get_mut(&number) {
                    queue.taken(value);
                }
            }
            (QUEUE_ATIO_OUT, 0) => {
                if let Some(queue) = &mut self.atio {
                    queue.taken(value);
                }
            }
            _ => {}
        }
    }
}
