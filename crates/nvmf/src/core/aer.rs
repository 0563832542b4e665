//! Asynchronous events of a controller: the requests that wait, and what happened (NVMe Base 2.0c 5.2).

use ring::Tag;
use wire::nvme::{Event, EventConfig};

/// Asynchronous Event Request Limit, zero-based (AERL).
pub(crate) const AERL_Z: u8 = 3;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Namespaces came, went or changed.
    Namespaces,
    /// The discovery log changed.
    Discovery,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Namespaces, Self::Discovery];

    fn event(self) -> Event {
        match self {
            Self::Namespaces => Event::NAMESPACE_CHANGED,
            Self::Discovery => Event::DISCOVERY_CHANGED,
        }
    }

    fn enabled(self, config: EventConfig) -> bool {
        match self {
            Self::Namespaces => config.namespace(),
            Self::Discovery => config.discovery(),
        }
    }
}

/// The requests that wait and the events that do.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: Vec<(Tag, u16)>,
    happened: [bool; 2],
    /// Reported, and the log page was not read yet.
    masked: [bool; 2],
}

impl Events {
    /// Has a request wait; `false` when too many do.
    pub fn wait(&mut self, tag: Tag, cid: u16) -> bool {
        if self.waiting.len() > usize::from(AERL_Z) {
            return false;
        }
        self.waiting.push((tag, cid));
        true
    }

    /// Forgets a request.
    pub fn forget(&mut self, tag: Tag) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != tag);
        self.waiting.len() < before
    }

    /// Notes an event, if the host wants to know of its kind.
    pub fn raise(&mut self, kind: Kind, config: EventConfig) {
        self.happened[kind as usize] |= kind.enabled(config);
    }

    /// The log page of a kind was read and the event not retained: it may be reported again.
    pub fn clear(&mut self, kind: Kind) {
        self.masked[kind as usize] = false;
    }

    /// The next request to answer: its tag, its command identifier, and dword 0.
    pub fn next_report(&mut self) -> Option<(Tag, u16, u32)> {
        let ready = |kind: &Kind| self.happened[*kind as usize] && !self.masked[*kind as usize];
        let kind = Kind::ALL.into_iter().find(ready)?;
        if self.waiting.is_empty() {
            return None;
        }
        let (tag, cid) = self.waiting.remove(0);
        self.happened[kind as usize] = false;
        self.masked[kind as usize] = true;
        Some((tag, cid, kind.event().to_dw0()))
    }

    /// The controller is reset: takes the requests that wait, to be ended, and forgets what happened.
    pub fn reset(&mut self) -> Vec<(Tag, u16)> {
        std::mem::take(self).waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: EventConfig = EventConfig(0x8000_0100);

    #[test]
    fn an_event_is_masked_until_its_log_is_read() {
        let mut events = Events::default();
        events.raise(Kind::Namespaces, BOTH);
        assert_eq!(events.next_report(), None);
        assert!(events.wait(Tag::new(1, 0), 7) && events.wait(Tag::new(2, 0), 8));
        assert_eq!(events.next_report(), Some((Tag::new(1, 0), 7, 0x0004_0002)));
        events.raise(Kind::Namespaces, BOTH);
        assert_eq!(events.next_report(), None);
        events.clear(Kind::Namespaces);
        assert_eq!(events.next_report(), Some((Tag::new(2, 0), 8, 0x0004_0002)));
    }

    #[test]
    fn what_the_host_does_not_want_is_not_noted() {
        let mut events = Events::default();
        assert!(events.wait(Tag::new(1, 0), 7));
        events.raise(Kind::Discovery, EventConfig(0x100));
        assert_eq!(events.next_report(), None);
        events.raise(Kind::Discovery, BOTH);
        assert_eq!(events.next_report(), Some((Tag::new(1, 0), 7, 0x0070_f002)));
    }

    #[test]
    fn the_limit_is_one_more_than_aerl() {
        let mut events = Events::default();
        assert!((0..4).all(|n| events.wait(Tag::new(n, 0), n as u16)));
        assert!(!events.wait(Tag::new(9, 0), 9));
        assert!(events.forget(Tag::new(2, 0)) && !events.forget(Tag::new(2, 0)));
        assert_eq!(events.reset().len(), 3);
    }
}
