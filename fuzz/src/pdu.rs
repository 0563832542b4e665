//! `pdu`: [`nvmf_tcp::receiver::Receiver`] on a stream cut into pieces, against a parser that has the whole stream at once.
//!
//! Input: flags (bit 0 header digest, bit 1 data digest, bit 2 digests are made right, bit 3 payload may go past the
//! receiver as the port does it, bits 4-7 the largest payload), a seed for the pieces, the stream.

use crate::input::{Input, Pieces};
use nvmf_tcp::receiver::{Receiver, Step};
use wire::tcp::{CommonHeader, Fault, Framing, Layout, Sender};

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Header(Vec<u8>, Layout),
    /// Of a payload: what came of it, and whether its digest was right when it is complete.
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
    let max_data = 1 << (flags >> 4);
    let framing = Framing { hdgst: flags & 1 != 0, ddgst: flags & 2 != 0, pda: 0, max_data };
    let mut stream = input.0.to_vec();
    let expected = parse_at_once(&mut stream, &framing, flags & 4 != 0);
    let said = parse_in_pieces(&stream, &framing, Pieces::new(seed), flags & 8 != 0);
    assert_eq!(said, expected);
}

/// The reference. With `mend`, wrong digests are replaced by right ones on the way.
fn parse_at_once(stream: &mut [u8], framing: &Framing, mend: bool) -> Vec<Said> {
    let mut said = Vec::new();
    let mut at = 0;
    while let Some(pdu) = stream.get_mut(at..).filter(|rest| rest.len() >= 8) {
        let common: CommonHeader = wire::read(pdu).expect("eight bytes");
        let layout = match common.layout(Sender::Host, framing) {
            Ok(layout) => layout,
            Err(fault) => {
                said.push(Said::Wrong(fault));
                break;
            }
        };
        let header = layout.header as usize;
        let head = header + if layout.hdgst { 4 } else { 0 };
        if pdu.len() < head {
            break;
        }
        if layout.hdgst {
            let right = crc32c::crc32c(&pdu[..header]).to_le_bytes();
            if mend {
                pdu[header..head].copy_from_slice(&right);
            }
            if pdu[header..head] != right {
                let came = u32::from_le_bytes(pdu[header..head].try_into().expect("four bytes"));
                said.push(Said::Wrong(Fault::header_digest(came)));
                break;
            }
        }
        said.push(Said::Header(pdu[..head].to_vec(), layout));
        if layout.data > 0 {
            said.extend(payload_at_once(pdu, &layout, mend));
        }
        at += layout.total as usize;
    }
    said
}

fn payload_at_once(pdu: &mut [u8], layout: &Layout, mend: bool) -> Option<Said> {
    let (from, total) = (layout.data_offset as usize, layout.total as usize);
    let data_end = (from + layout.data as usize).min(pdu.len());
    let came = pdu.get(from..data_end)?.to_vec();
    let mut sound = (pdu.len() >= total).then_some(true);
    if layout.ddgst && pdu.len() >= total {
        let right = crc32c::crc32c(&came).to_le_bytes();
        if mend {
            pdu[total - 4..total].copy_from_slice(&right);
        }
        sound = Some(pdu[total - 4..total] == right);
    }
    (!came.is_empty()).then_some(Said::Payload(came, sound))
}

fn parse_in_pieces(stream: &[u8], framing: &Framing, mut pieces: Pieces, past: bool) -> Vec<Said> {
    let mut receiver = Receiver::new();
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
    said.extend(payload.filter(|p| !p.is_empty()).map(|p| Said::Payload(p, None)));
    said
}

fn step(receiver: &mut Receiver, bytes: &mut &[u8], payload: &mut Option<Vec<u8>>, said: &mut Vec<Said>) {
    loop {
        let before = bytes.len();
        match receiver.step(bytes) {
            Step::More => return,
            Step::Header(layout) => {
                assert!(payload.is_none(), "a payload ends before the next header");
                said.push(Said::Header(receiver.header().to_vec(), layout));
                if layout.data > 0 {
                    *payload = Some(Vec::new());
                }
            }
            Step::Payload(piece) => {
                assert!(!piece.is_empty() && bytes.len() + piece.len() <= before, "a piece is of what was taken");
                payload.as_mut().expect("after a header").extend_from_slice(piece);
            }
            // Of a PDU with padding and a digest but no data, it says that nothing is complete.
            Step::End { sound } => said.extend(payload.take().map(|p| Said::Payload(p, Some(sound)))),
            Step::Wrong(fault) => said.push(Said::Wrong(fault)),
        }
    }
}
