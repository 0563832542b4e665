//! What carries frames between two ports.

use crate::FrameBox;
use crossbeam_queue::ArrayQueue;
use ring::Tick;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use wire::fc::{PortId, Wwn};

/// How a port gets its address on a link that came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By FLOGI: from a fabric, or, when the other side is an N_Port too, by the larger port name (FC-LS-5, 6.2).
    Login,
    /// The link has claimed it already and there is no fabric: FCoE VN2VN (FC-BB-6, 7.9). Peers are found by the link, too.
    Assigned(PortId),
}

/// A change of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It came up, anew: all logins of before are gone.
    Up(Attachment),
    /// It went down.
    Down,
    /// The other side of an assigned link (VN2VN) is there: who wants to may log in with it.
    PeerUp(PortId),
    /// It is gone: logins with it are over.
    PeerDown(PortId),
}

/// One end of a link. Order is kept; frames may be lost, and then nobody is told (class 3).
pub trait Link: Send {
    /// What happened to the link since the last time. Asked before [`receive`](Self::receive).
    fn event(&mut self, now: Tick) -> Option<LinkEvent>;
    /// The next frame that came.
    fn receive(&mut self, now: Tick) -> Option<FrameBox>;
    /// How many frames may be sent now (the credit).
    fn room(&self) -> usize;
    /// Sends a frame. Without room, or while the link is down, it is lost.
    fn send(&mut self, frame: FrameBox);
    /// Ends a turn: what was sent goes out, the other side is woken.
    fn flush(&mut self, now: Tick);
    /// Takes it up or down (the laser; FIP logout). It starts up.
    fn set_up(&mut self, up: bool);
    /// The largest payload that it carries, at most 2,112.
    fn max_payload(&self) -> u16;
    /// Whether something waits to be received, so that a core must not sleep.
    fn is_pending(&self) -> bool;
    /// When it must be looked at although nothing wakes its core.
    fn deadline(&self) -> Option<Tick> {
        None
    }
    /// What wakes its core, if it is a descriptor.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Whether the other side is gone for good, so that this end is of no use any more. A link that connects anew is never gone.
    fn is_gone(&self) -> bool {
        false
    }
    /// The port name of a peer that the link has found by itself ([`LinkEvent::PeerUp`]). Of the two ports the one with the greater
    /// name sends the PLOGI (FC-LS-5, 6.2): the other may wait for it for good.
    fn peer_name(&self, _peer: PortId) -> Option<Wwn> {
        None
    }
    /// What it is, for people: `ring`, `unix:/run/fabric.sock`, `fcoe:eth0`.
    fn describe(&self) -> String;
}

/// Wakes a core; cheap when it is awake.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// One direction of a [`RingLink`].
struct Lane {
    frames: ArrayQueue<FrameBox>,
    /// The sender lets it be up.
    up: AtomicBool,
    /// How often the sender took it down: one that is up again before anyone looked was down all the same.
    downs: AtomicU32,
}

/// One end of a link inside the process: a ring each way.
pub struct RingLink {
    out: Arc<Lane>,
    into: Arc<Lane>,
    wake: Wake,
    sent: bool,
    was_up: bool,
    downs: u32,
}

/// Makes both ends of a link of `capacity` frames each way. `wakes` wake the core of the first and of the second end.
pub fn ring_links(capacity: usize, wakes: [Wake; 2]) -> [RingLink; 2] {
    let lane =
        || Arc::new(Lane { frames: ArrayQueue::new(capacity), up: AtomicBool::new(true), downs: AtomicU32::new(0) });
    let (there, back) = (lane(), lane());
    let [first, second] = wakes;
    let end = |out: &Arc<Lane>, into: &Arc<Lane>, wake| RingLink {
        out: out.clone(),
        into: into.clone(),
        wake,
        sent: false,
        was_up: false,
        downs: 0,
    };
    [end(&there, &back, second), end(&back, &there, first)]
}

impl RingLink {
    /// How often either side took it down.
    fn taken_down(&self) -> u32 {
        self.out.downs.load(Ordering::Acquire).wrapping_add(self.into.downs.load(Ordering::Acquire))
    }

    fn is_up(&self) -> bool {
        self.out.up.load(Ordering::Acquire) && self.into.up.load(Ordering::Acquire)
    }
}

impl Link for RingLink {
    fn event(&mut self, _now: Tick) -> Option<LinkEvent> {
        let downs = self.taken_down();
        let up = self.is_up() && (downs == self.downs || !self.was_up);
        self.downs = downs;
        if up == self.was_up {
            return None;
        }
        self.was_up = up;
        if up { Some(LinkEvent::Up(Attachment::Login)) } else { Some(LinkEvent::Down) }
    }

    #[inline]
    fn receive(&mut self, _now: Tick) -> Option<FrameBox> {
        self.into.frames.pop()
    }

    #[inline]
    fn room(&self) -> usize {
        // None while it is down, so that who looks first loses no frame of the pool.
        if self.was_up { self.out.frames.capacity() - self.out.frames.len() } else { 0 }
    }

    #[inline]
    fn send(&mut self, frame: FrameBox) {
        if self.was_up && self.out.frames.push(frame).is_ok() {
            self.sent = true;
        }
    }

    fn flush(&mut self, _now: Tick) {
        if std::mem::take(&mut self.sent) {
            (self.wake)();
        }
    }

    fn set_up(&mut self, up: bool) {
        if !up {
            self.out.downs.fetch_add(1, Ordering::Release);
        }
        self.out.up.store(up, Ordering::Release);
        (self.wake)();
    }

    fn max_payload(&self) -> u16 {
        wire::fc::MAX_PAYLOAD as u16
    }

    fn is_pending(&self) -> bool {
        !self.into.frames.is_empty() || self.is_up() != self.was_up || self.taken_down() != self.downs
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.into) == 1 && self.into.frames.is_empty()
    }

    fn describe(&self) -> String {
        "ring".to_owned()
    }
}

/// Who drops an end pulls the cable.
impl Drop for RingLink {
    fn drop(&mut self) {
        self.set_up(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_up_again_before_anyone_looks_was_down() {
        let [mut near, mut far] = ring_links(4, [Arc::new(|| {}), Arc::new(|| {})]);
        for end in [&mut near, &mut far] {
            assert_eq!(end.event(0), Some(LinkEvent::Up(Attachment::Login)));
        }
        near.set_up(false);
        near.set_up(true);
        for end in [&mut near, &mut far] {
            assert!(end.is_pending());
            assert_eq!((end.event(0), end.room()), (Some(LinkEvent::Down), 0));
            assert_eq!((end.event(0), end.room()), (Some(LinkEvent::Up(Attachment::Login)), 4));
            assert_eq!(end.event(0), None);
            assert!(!end.is_pending());
        }
        drop(near);
        assert_eq!((far.event(0), far.event(0)), (Some(LinkEvent::Down), None));
    }
}
