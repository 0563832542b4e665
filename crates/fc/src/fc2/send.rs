//! Frames on their way out, made when the link has room for them.

use super::Fc2;
use super::exchange::{Exchange, State};
use crate::{Frame, FrameBox};
use ring::Tick;
use wire::fc::{FCtl, FrameHeader, RCtl, Type};

/// Link control and basic link service replies that may wait. More are dropped: who asked asks again.
const CONTROLS: usize = 256;

/// Makes a frame of a header and a short payload.
pub(super) fn fill(frame: &mut Frame, header: &FrameHeader, payload: &[u8]) {
    let fill = (payload.len().wrapping_neg() & 3) as u8;
    *frame.header_mut() = header.with_f_ctl(header.f_ctl().with_fill_bytes(fill));
    frame.payload_room()[..payload.len()].copy_from_slice(payload);
    pad(frame, payload.len());
}

/// Says how long a payload is, and adds fill bytes up to a whole word.
#[inline]
pub(super) fn pad(frame: &mut Frame, len: usize) {
    let padded = len.next_multiple_of(4);
    frame.payload_room()[len..padded].fill(0);
    frame.set_payload_len(padded);
}

/// Data bytes of a frame: whole blocks where that fits, so that copies are aligned.
#[inline]
fn chunk(max_payload: u16) -> u32 {
    let granule = if max_payload >= 512 { 512 } else { 4 };
    u32::from(max_payload & !(granule - 1))
}

impl Fc2 {
    /// The next frame to send. Data are framed only now, so ask only as long as the link has room. `None`: nothing to send, or no
    /// frame is free (then [`is_pending`](Self::is_pending) stays true).
    #[inline]
    pub fn next_frame(&mut self, now: Tick) -> Option<FrameBox> {
        self.now = now;
        let frame = match self.controls.pop_front() {
            Some(frame) => frame,
            None => self.next_of_exchanges()?,
        };
        self.counters.frames_out += 1;
        self.counters.bytes_out += frame.payload().len() as u64;
        Some(frame)
    }

    /// Queues a frame that belongs to no exchange that is open.
    pub(super) fn control(&mut self, frame: FrameBox) {
        if self.controls.len() < CONTROLS {
            self.controls.push_back(frame);
        } else {
            self.frames.give(frame);
        }
    }

    fn next_of_exchanges(&mut self) -> Option<FrameBox> {
        loop {
            let place = self.ready.first()?;
            if !has_frame(self.table.at(place)) {
                self.ready.pop();
                continue;
            }
            let frame = self.frame_of(place)?;
            if has_frame(self.table.at(place)) {
                self.ready.count();
            } else {
                self.ready.pop();
            }
            return Some(frame);
        }
    }

    #[inline]
    fn frame_of(&mut self, place: u16) -> Option<FrameBox> {
        let exchange = self.table.at_mut(place);
        if exchange.abort_due {
            return self.abts_frame(place);
        }
        match exchange.state {
            State::Asking | State::Answering => {
                let frame = self.message_frame(place);
                self.table.at_mut(place).begun |= frame.is_some();
                frame
            }
            State::Commanding if !exchange.begun => {
                exchange.begun = true;
                exchange.held.take()
            }
            State::Commanding => self.data_frame(place),
            State::Receiving => self.xfer_rdy_frame(place),
            State::Transmitting if exchange.cursor == exchange.end => self.response_frame(place),
            _ => self.data_frame(place),
        }
    }

    /// The next frame of the data that go out.
    #[inline]
    fn data_frame(&mut self, place: u16) -> Option<FrameBox> {
        let mut frame = self.frames.take()?;
        let exchange = self.table.at_mut(place);
        let start = exchange.cursor;
        let len = (exchange.end - start).min(chunk(exchange.route.max_payload));
        exchange.cursor += len;
        let last = exchange.cursor == exchange.end;
        let fill = if last { len.wrapping_neg() & 3 } else { 0 };
        let f_ctl = FCtl::default()
            .with_relative_offset(true)
            .with_end_sequence(last)
            .with_transfer_initiative(last && exchange.originator)
            .with_fill_bytes(fill as u8);
        *frame.header_mut() = exchange.header(RCtl::SOLICITED_DATA, Type::FCP, f_ctl).with_parameter(start);
        exchange.data.copy_to(start - exchange.base, &mut frame.payload_room()[..len as usize]);
        pad(&mut frame, len as usize);
        if exchange.originator {
            exchange.burst = !last;
            exchange.extents.insert(start, start + len);
        } else if last && exchange.response.is_none() {
            self.end_transmit(place, true);
        }
        Some(frame)
    }
}

/// Whether an exchange has something to send.
#[inline]
pub(super) fn has_frame(exchange: &Exchange) -> bool {
    match exchange.state {
        State::Asking | State::Answering => exchange.outgoing.is_some(),
        State::Commanding => !exchange.begun || exchange.burst,
        State::Receiving => exchange.burst,
        State::Transmitting => true,
        State::Aborting => exchange.abort_due,
        _ => false,
    }
}
