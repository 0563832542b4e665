//! `iscsi_pdu`: [`iscsi_target::receiver::Receiver`] on a stream cut into pieces, against a parser that has the whole stream at once.
//!
//! Input: flags (bit 0 header digest, bit 1 data digest, bit 2 digests are made right, bit 3 payload may go past the receiver as
//! the port does it, bits 4-7 the largest data segment), a seed for the pieces, the stream.

use crate::input::{Input, Pieces};
use iscsi_target::receiver::{Fault, Framing, Receiver, Step};
use wire::iscsi::{Bhs, Layout};

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Header(Vec<u8>, Layout),
    /// Of a data segment: what came of it, and whether its digest was right when it is complete.
    Payload(Vec<u8>, Option<bool>),
    Wrong(Fault),
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let (flags, seed) = (input.u8(), input.u8());
    let framing = Framing { header_digest: flags & 1 != 0, data_digest: flags & 2 != 0, max_data: 1 << (flags >> 4) };
    let mut stream = input.0.to_vec();
    let expected = parse_at_once(&mut stream, &framing, flags & 4 != 0);
    let said = parse_in_pieces(&stream, &framing, Pieces::new(seed), flags & 8 != 0);
    assert_eq!(said, expected);
}

/// The reference. With `mend`, wrong digests are replaced by right ones on the way.
fn parse_at_once(stream: &mut [u8], framing: &Framing, mend: bool) -> Vec<Said> {
    let mut said = Vec::new();
    let mut at = 0;
    while let Some(pdu) = stream.get_mut(at..) {
        let Some(layout) = wire::read::<Bhs>(pdu).map(|bhs| bhs.layout()) else { break };
        let header = layout.header();
        let head = header + if framing.header_digest { 4 } else { 0 };
        if pdu.len() < head {
            break;
        }
        if framing.header_digest && !is_right(&mut pdu[..head], mend) {
            said.push(Said::Wrong(Fault::HeaderDigest));
            break;
        }
        if layout.data > framing.max_data {
            said.push(Said::Wrong(Fault::TooLong));
            break;
        }
        said.push(Said::Header(pdu[..header].to_vec(), layout));
        if layout.data == 0 {
            at += head;
            continue;
        }
        let padded = layout.data as usize + layout.padding();
        let whole = padded + if framing.data_digest { 4 } else { 0 };
        let rest = &mut pdu[head..];
        let complete = rest.len() >= whole;
        let sound = complete.then(|| !framing.data_digest || is_right(&mut rest[..whole], mend));
        let came = rest[..rest.len().min(layout.data as usize)].to_vec();
        if !came.is_empty() || complete {
            said.push(Said::Payload(came, sound));
        }
        at += head + whole;
    }
    said
}

/// Whether the last four bytes are the digest of those before.
fn is_right(bytes: &mut [u8], mend: bool) -> bool {
    let (of, digest) = bytes.split_at_mut(bytes.len() - 4);
    let right = crc32c::crc32c(of).to_le_bytes();
    if mend {
        digest.copy_from_slice(&right);
    }
    *digest == right
}

fn parse_in_pieces(stream: &[u8], framing: &Framing, mut pieces: Pieces, past: bool) -> Vec<Said> {
    let mut receiver = Receiver::new(framing.max_data);
    receiver.set_framing(*framing);
    let mut said = Vec::new();
    let mut rest = stream;
    let mut payload: Option<Vec<u8>> = None;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(pieces.length().min(rest.len()));
        rest = later;
        let mut bytes = now;
        let direct = bytes.len().min(receiver.payload_left() as usize);
        if past && direct > 0 {
            receiver.took(&bytes[..direct]);
            payload.get_or_insert_default().extend_from_slice(&bytes[..direct]);
            bytes = &bytes[direct..];
        }
        step(&mut receiver, &mut bytes, &mut payload, &mut said);
        assert!(bytes.is_empty(), "it takes all bytes");
    }
    said.extend(payload.filter(|payload| !payload.is_empty()).map(|payload| Said::Payload(payload, None)));
    said
}

fn step(receiver: &mut Receiver, bytes: &mut &[u8], payload: &mut Option<Vec<u8>>, said: &mut Vec<Said>) {
    loop {
        let before = bytes.len();
        match receiver.step(bytes) {
            Step::More => return,
            Step::Header(layout) => {
                assert!(payload.is_none(), "a data segment ends before the next header");
                said.push(Said::Header(receiver.header().to_vec(), layout));
                if layout.data > 0 {
                    *payload = Some(Vec::new());
                }
            }
            Step::Payload(piece) => {
                assert!(!piece.is_empty() && bytes.len() + piece.len() <= before, "a piece is of what was taken");
                payload.as_mut().expect("after a header").extend_from_slice(piece);
            }
            Step::End { sound } => said.extend(payload.take().map(|all| Said::Payload(all, Some(sound)))),
            Step::Wrong(fault) => said.push(Said::Wrong(fault)),
        }
    }
}
