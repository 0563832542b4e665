//! What all three machines do with their interface: look after it, receive, send.

use super::packet::{Body, Packet, put_fip, put_frame};
use super::{BATCH, Ether, MS, Status};
use fc::{Frame, FrameBox, Frames};
use ring::Tick;
use wire::fcoe::{self, Mac};
use wire::fip::{Flags, Kind, Writer};

/// How often the state of the interface is looked at.
const LOOK: Tick = 500 * MS;

/// What was dropped, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames with a wrong CRC.
    pub crc_errors: u64,
    /// FCoE frames that are none: length, version, delimiters.
    pub malformed: u64,
    /// FIP messages that may not be acted upon.
    pub fip_faults: u64,
    /// Frames from or to an address that is not logged in here.
    pub strangers: u64,
    /// Frames for which there was no room.
    pub no_room: u64,
}

/// What came.
pub(super) enum Came {
    /// A frame, its CRC verified.
    Frame { to: Mac, from: Mac, frame: FrameBox },
    /// The bytes of a FIP message.
    Fip { to: Mac, from: Mac, body: Vec<u8> },
    /// Something that was dropped.
    Nothing,
}

pub(super) struct Door<E> {
    pub ether: E,
    pub frames: Frames,
    pub counters: Counters,
    pub status: Status,
    next_look: Tick,
}

impl<E: Ether> Door<E> {
    pub(super) fn new(mut ether: E, frames: Frames) -> Self {
        let status = Status { up: false, ..ether.status() };
        Self { ether, frames, counters: Counters::default(), status, next_look: 0 }
    }

    /// Looks at the interface when it is time to. `Some` when it came up or went down, or came back as another.
    pub(super) fn look(&mut self, now: Tick) -> Option<bool> {
        if now < self.next_look {
            return None;
        }
        self.next_look = now + LOOK;
        let (before, status) = (self.status, self.ether.status());
        if before.up && status.up && before != status {
            // Another address or size: down first, up with the next look.
            self.status = Status { up: false, ..status };
            self.next_look = now;
        } else {
            self.status = status;
        }
        (before.up != self.status.up).then_some(self.status.up)
    }

    pub(super) fn next_look(&self) -> Tick {
        self.next_look
    }

    /// The largest payload of a frame on this interface.
    pub(super) fn max_payload(&self) -> u16 {
        fcoe::payload_of_mtu(self.status.mtu) as u16
    }

    /// The largest FCoE frame.
    pub(super) fn max_frame(&self) -> u16 {
        self.max_payload() + (fcoe::OVERHEAD + wire::fc::HEADER_BYTES) as u16
    }

    /// The next thing that came. Nothing while all frames are in use: it waits in the interface's ring.
    #[inline]
    pub(super) fn receive(&mut self) -> Option<Came> {
        let mut spare = self.frames.take()?;
        let counters = &mut self.counters;
        let came = self.ether.receive(|bytes| match Packet::parse(bytes) {
            Some(Packet { to, from, body: Body::Fip(body) }) => Took::Fip(to, from, body.to_vec()),
            Some(Packet { to, from, body: Body::Fcoe(body) }) => match take(body, &mut spare, counters) {
                true => Took::Frame(to, from),
                false => Took::Nothing,
            },
            None => Took::Nothing,
        });
        match came {
            Some(Took::Frame(to, from)) => Some(Came::Frame { to, from, frame: spare }),
            other => {
                self.frames.give(spare);
                other.map(|took| match took {
                    Took::Fip(to, from, body) => Came::Fip { to, from, body },
                    _ => Came::Nothing,
                })
            }
        }
    }

    /// Calls `each` with what came, at most a batch of it; returns how much it was.
    pub(super) fn count_stranger(&mut self, frame: FrameBox) {
        self.counters.strangers += 1;
        self.frames.give(frame);
    }

    /// Sends a frame and takes it home.
    #[inline]
    pub(super) fn send_frame(&mut self, to: Mac, from: Mac, frame: FrameBox) {
        self.copy_frame(to, from, &frame);
        self.frames.give(frame);
    }

    #[inline]
    pub(super) fn copy_frame(&mut self, to: Mac, from: Mac, frame: &Frame) {
        if !self.status.up || !self.ether.send(|slot| put_frame(slot, to, from, frame)) {
            self.counters.no_room += 1;
        }
    }

    /// Sends a FIP message from `from` with what `fill` writes behind its header; `fill` says its length.
    pub(super) fn send_fip(
        &mut self,
        to: Mac,
        from: Mac,
        kind: Kind,
        flags: Flags,
        fill: impl FnOnce(Writer<'_>) -> usize,
    ) {
        if !self.ether.send(|slot| put_fip(slot, to, from, |body| fill(Writer::new(body, kind, flags)))) {
            self.counters.no_room += 1;
        }
    }
}

/// What was made of a packet while the interface showed it.
enum Took {
    Frame(Mac, Mac),
    Fip(Mac, Mac, Vec<u8>),
    Nothing,
}

/// Copies a frame out when it is one and its CRC is right.
#[inline]
fn take(body: &[u8], into: &mut Frame, counters: &mut Counters) -> bool {
    let Ok((bytes, crc)) = fcoe::unwrap(body) else {
        counters.malformed += 1;
        return false;
    };
    if wire::fc::crc(bytes) != crc {
        counters.crc_errors += 1;
        if counters.crc_errors.is_power_of_two() {
            log::warn!("fcoe: {} frames with a wrong CRC so far", counters.crc_errors);
        }
        return false;
    }
    into.fill(bytes)
}

/// Iterations of one turn.
pub(super) fn batch() -> std::ops::Range<usize> {
    0..BATCH
}
