//! The switch's own end of an exchange: a request comes, an answer goes, nothing is remembered.
//!
//! The engine of `fc` would be too much and not enough here: the services have no data phase, and FLOGI comes from ports that
//! have no address yet, so that only the F_Port tells two of them apart.

use crate::limits::{PART_BYTES, PART_TIME, PARTS};
use fc::{Frame, FrameBox, Frames};
use ring::Tick;
use wire::fc::{FCtl, FrameHeader, MAX_PAYLOAD, PortId, RCtl, Type};

/// Who asks whom, and by what the answer finds the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The F_Port that the request came in by.
    pub(crate) f_port: u16,
    /// Its S_ID.
    pub(crate) id: PortId,
    /// Its D_ID: one of the switch's addresses.
    pub(crate) service: PortId,
    pub(crate) ox_id: u16,
    seq_id: u8,
}

impl Asker {
    pub(crate) fn of(f_port: u16, header: &FrameHeader) -> Self {
        let (id, service) = (header.s_id(), header.d_id());
        Self { f_port, id, service, ox_id: header.ox_id(), seq_id: header.seq_id }
    }
}

struct Part {
    asker: Asker,
    next: u16,
    bytes: Vec<u8>,
    since: Tick,
}

/// Requests of several frames, as far as they are here.
#[derive(Default)]
pub(crate) struct Parts(Vec<Part>);

impl Parts {
    /// Takes in a frame of a request; gives the whole payload once it is there. Frames out of order end the request: its sender
    /// will ask again.
    pub(crate) fn take(&mut self, asker: Asker, frame: &Frame, now: Tick) -> Option<Vec<u8>> {
        let header = frame.header();
        let f_ctl = header.f_ctl();
        let fill = if f_ctl.end_sequence() { usize::from(f_ctl.fill_bytes()) } else { 0 };
        let end = frame.payload().len().checked_sub(fill)?;
        let payload = frame.payload().get(header.optional_header_bytes()..end)?;
        if header.seq_cnt() == 0 && f_ctl.end_sequence() {
            return Some(payload.to_vec());
        }
        self.0.retain(|part| now.saturating_sub(part.since) < PART_TIME);
        let mut part = match self.0.iter().position(|part| part.asker == asker) {
            Some(at) => self.0.swap_remove(at),
            None => Part { asker, next: 0, bytes: Vec::new(), since: now },
        };
        if header.seq_cnt() != part.next || part.bytes.len() + payload.len() > PART_BYTES {
            return None;
        }
        part.bytes.extend_from_slice(payload);
        part.next += 1;
        if f_ctl.end_sequence() {
            return Some(part.bytes);
        }
        if self.0.len() >= PARTS {
            self.0.remove(0);
        }
        self.0.push(part);
        None
    }

    /// Forgets what came by a port whose link went.
    pub(crate) fn forget(&mut self, f_port: u16) {
        self.0.retain(|part| part.asker.f_port != f_port);
    }
}

/// A frame of the pool, or, as the switch's own frames are few, one of its own.
pub(crate) fn frame(frames: &mut Frames, header: &FrameHeader, payload: &[u8]) -> FrameBox {
    match frames.take() {
        Some(mut frame) => {
            frame.set(header, payload);
            frame
        }
        None => Frame::new(header, payload),
    }
}

/// The answer to a request as frames to `to`: the address that asked, or in an accept of FLOGI the address given.
pub(crate) fn answer(
    frames: &mut Frames,
    asker: &Asker,
    to: PortId,
    type_: Type,
    max_payload: u16,
    payload: &[u8],
) -> Vec<FrameBox> {
    let r_ctl = if type_ == Type::CT { RCtl::SOLICITED_CONTROL } else { RCtl::ELS_REPLY };
    let header = FrameHeader::new(r_ctl, type_, asker.service, to).with_exchange(asker.ox_id, wire::fc::UNASSIGNED);
    let size = usize::from(max_payload).clamp(128, MAX_PAYLOAD) & !3;
    let pieces = payload.chunks(size).enumerate();
    let last = payload.len().div_ceil(size) - 1;
    let piece = |(n, piece): (usize, &[u8])| {
        let fill = piece.len().wrapping_neg() % 4;
        let mut f_ctl = FCtl::default().with_exchange_responder(true).with_last_sequence(true);
        if n == last {
            f_ctl = f_ctl.with_end_sequence(true).with_fill_bytes(fill as u8);
        }
        let mut frame = frame(frames, &header.with_sequence(0, n as u16).with_f_ctl(f_ctl), piece);
        frame.payload_room()[piece.len()..piece.len() + fill].fill(0);
        frame.set_payload_len(piece.len() + fill);
        frame
    };
    pieces.map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker() -> Asker {
        Asker { f_port: 0, id: PortId(1), service: PortId::DIRECTORY, ox_id: 7, seq_id: 1 }
    }

    fn part(cnt: u16, end: bool, payload: &[u8]) -> FrameBox {
        let header = FrameHeader::new(RCtl::UNSOLICITED_CONTROL, Type::CT, PortId(1), PortId::DIRECTORY)
            .with_sequence(1, cnt)
            .with_f_ctl(FCtl::default().with_end_sequence(end));
        Frame::new(&header, payload)
    }

    #[test]
    fn several_frames_make_one_request_and_gaps_end_it() {
        let mut parts = Parts::default();
        assert_eq!(parts.take(asker(), &part(0, false, b"abcd"), 0), None);
        assert_eq!(parts.take(asker(), &part(1, false, b"efgh"), 0), None);
        assert_eq!(parts.take(asker(), &part(2, true, b"ij"), 0).unwrap(), b"abcdefghij");
        assert_eq!(parts.take(asker(), &part(0, false, b"abcd"), 0), None);
        assert_eq!(parts.take(asker(), &part(2, true, b"efgh"), 0), None, "a frame is missing");
        assert_eq!(parts.take(asker(), &part(1, true, b"efgh"), 0), None, "and the rest is stale");
        for n in 0..1000 {
            let big = part(n, false, &[0; 2112]);
            assert_eq!(parts.take(asker(), &big, 0), None);
            assert_eq!(parts.take(Asker { ox_id: n, ..asker() }, &part(0, false, b"x"), 0), None);
        }
        assert!(parts.0.len() <= PARTS);
        parts.forget(0);
        assert!(parts.0.is_empty());
    }

    #[test]
    fn an_answer_is_cut_to_the_size_that_the_asker_takes() {
        let mut frames = Frames::new(1);
        let cut = answer(&mut frames, &asker(), PortId(1), Type::CT, 256, &[9; 601]);
        let sizes: Vec<usize> = cut.iter().map(|frame| frame.payload().len()).collect();
        assert_eq!(sizes, [256, 256, 92]);
        let ends: Vec<bool> = cut.iter().map(|frame| frame.header().f_ctl().end_sequence()).collect();
        assert_eq!(ends, [false, false, true]);
        assert_eq!((cut[2].header().f_ctl().fill_bytes(), cut[2].header().seq_cnt()), (3, 2));
        assert_eq!((cut[0].header().s_id(), cut[0].header().ox_id()), (PortId::DIRECTORY, 7));
    }
}
