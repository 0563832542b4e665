//! The switch's end of the link to one ENode: a ring to the [`Fcf`](super::Fcf), which has the interface.

use fc::{FrameBox, Link, LinkEvent, RingLink};
use ring::Tick;

pub(super) struct FcfLink {
    pub ring: RingLink,
    pub max_payload: u16,
    pub name: String,
}

impl Link for FcfLink {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        self.ring.event(now)
    }
    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.ring.receive(now)
    }
    fn room(&self) -> usize {
        self.ring.room()
    }
    fn send(&mut self, frame: FrameBox) {
        self.ring.send(frame);
    }
    fn flush(&mut self, now: Tick) {
        self.ring.flush(now);
    }
    fn set_up(&mut self, up: bool) {
        self.ring.set_up(up);
    }
    fn max_payload(&self) -> u16 {
        self.max_payload
    }
    fn is_pending(&self) -> bool {
        self.ring.is_pending()
    }
    fn is_gone(&self) -> bool {
        self.ring.is_gone()
    }
    fn describe(&self) -> String {
        self.name.clone()
    }
}
