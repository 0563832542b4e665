//! Cuts a stream of bytes into PDUs: header, payload, digests. Knows no commands and no memory.
//!
//! Nothing is kept but an incomplete header (at most 132 bytes), so that one receive buffer serves all connections.

use wire::tcp::{CommonHeader, DIGEST_BYTES, Fault, Framing, Layout, PduType, Sender};

/// A header with its digest at its longest.
const HEAD_BYTES: usize = 128 + DIGEST_BYTES as usize;
/// The common header, from which on the length is known.
const COMMON_BYTES: usize = 8;

/// What the next bytes were.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// All bytes are taken; there is no more to say.
    More,
    /// A header is complete and sound: see [`Receiver::header`].
    Header(Layout),
    /// The next piece of the payload.
    Payload(&'a [u8]),
    /// The payload is complete; whether its digest, if it has one, was right.
    End {
        /// No digest, or the right one.
        sound: bool,
    },
    /// The PDU breaks the standard; [`Receiver::header`] has what came of it. Nothing after it means anything.
    Wrong(Fault),
}

#[derive(Debug)]
enum State {
    Head,
    Skip { left: u32 },
    Payload { left: u32 },
    Digest { have: usize, bytes: [u8; 4] },
    Dead,
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver {
    framing: Framing,
    state: State,
    head: [u8; HEAD_BYTES],
    have: usize,
    layout: Layout,
    crc: u32,
}

impl Default for Receiver {
    fn default() -> Self {
        let layout = Layout { header: 0, hdgst: false, data_offset: 0, data: 0, ddgst: false, total: 0 };
        Self { framing: Framing::PLAIN, state: State::Head, head: [0; HEAD_BYTES], have: 0, layout, crc: 0 }
    }
}

impl Receiver {
    /// Nothing has come yet; digests are off until [`set_framing`](Self::set_framing).
    pub fn new() -> Self {
        Self::default()
    }

    /// What was negotiated; for the PDUs after this one.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// The header of the present PDU.
    pub fn header(&self) -> &[u8] {
        &self.head[..self.have]
    }

    /// Bytes of payload that are still to come.
    pub fn payload_left(&self) -> u32 {
        match self.state {
            State::Payload { left } => left,
            _ => 0,
        }
    }

    /// The whole payload of the present PDU, when it lies in `bytes`, which are the next ones, and no digest covers it.
    pub fn ahead<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let from = match self.state {
            State::Skip { left } => left as usize,
            State::Payload { left } if left == self.layout.data => 0,
            _ => return None,
        };
        if self.layout.ddgst { None } else { bytes.get(from..from + self.layout.data as usize) }
    }

    /// Takes bytes of the payload that were received where they belong, past [`step`](Self::step).
    pub fn took(&mut self, bytes: &[u8]) {
        let State::Payload { left } = &mut self.state else { unreachable!("only payload goes past the buffer") };
        *left -= bytes.len() as u32;
        self.digest(bytes);
    }

    /// Takes what it can of `bytes`, and says what it was.
    pub fn step<'a>(&mut self, bytes: &mut &'a [u8]) -> Step<'a> {
        loop {
            match &mut self.state {
                State::Dead => {
                    *bytes = &[];
                    return Step::More;
                }
                State::Head => return self.head(bytes),
                State::Skip { left } => {
                    let n = bytes.len().min(*left as usize);
                    *bytes = &bytes[n..];
                    *left -= n as u32;
                    if *left > 0 {
                        return Step::More;
                    }
                    self.state = State::Payload { left: self.layout.data };
                }
                State::Payload { left: 0 } if self.layout.ddgst => {
                    self.state = State::Digest { have: 0, bytes: [0; 4] };
                }
                State::Payload { left: 0 } => return self.end(true),
                State::Payload { .. } if bytes.is_empty() => return Step::More,
                State::Payload { left } => {
                    let (now, later) = bytes.split_at(bytes.len().min(*left as usize));
                    *left -= now.len() as u32;
                    *bytes = later;
                    self.digest(now);
                    return Step::Payload(now);
                }
                State::Digest { have, bytes: digest } => {
                    let n = bytes.len().min(4 - *have);
                    digest[*have..*have + n].copy_from_slice(&bytes[..n]);
                    *have += n;
                    *bytes = &bytes[n..];
                    if *have < 4 {
                        return Step::More;
                    }
                    let sound = u32::from_le_bytes(*digest) == self.crc;
                    return self.end(sound);
                }
            }
        }
    }

    fn digest(&mut self, bytes: &[u8]) {
        if self.layout.ddgst {
            self.crc = crc32c::crc32c_append(self.crc, bytes);
        }
    }

    fn end(&mut self, sound: bool) -> Step<'static> {
        (self.state, self.have) = (State::Head, 0);
        Step::End { sound }
    }

    /// Collects a header. Its length is known after 8 bytes; it is checked before more is waited for.
    fn head<'a>(&mut self, bytes: &mut &'a [u8]) -> Step<'a> {
        if self.have > COMMON_BYTES && self.have == self.head_bytes() {
            // The PDU before had no payload.
            self.have = 0;
        }
        if !self.collect(bytes, COMMON_BYTES) {
            return Step::More;
        }
        if self.have == COMMON_BYTES {
            match self.common().layout(Sender::Host, &self.framing) {
                Ok(layout) => self.layout = layout,
                Err(fault) => return self.wrong(fault),
            }
        }
        if !self.collect(bytes, self.head_bytes()) {
            return Step::More;
        }
        self.complete()
    }

    fn complete(&mut self) -> Step<'static> {
        let header = self.layout.header as usize;
        if self.layout.hdgst {
            let came = u32::from_le_bytes(self.head[header..header + 4].try_into().expect("four bytes"));
            if came != crc32c::crc32c(&self.head[..header]) {
                return self.wrong(Fault::header_digest(came));
            }
        }
        // Padding or a digest may follow although there is no data.
        if self.layout.total > self.head_bytes() as u32 {
            self.crc = 0;
            self.state = State::Skip { left: self.layout.data_offset - self.head_bytes() as u32 };
        }
        Step::Header(self.layout)
    }

    fn wrong(&mut self, fault: Fault) -> Step<'static> {
        self.state = State::Dead;
        Step::Wrong(fault)
    }

    fn head_bytes(&self) -> usize {
        self.layout.header as usize + if self.layout.hdgst { DIGEST_BYTES as usize } else { 0 }
    }

    fn common(&self) -> CommonHeader {
        let byte = |at: usize| self.head[at];
        CommonHeader {
            kind: PduType(byte(0)),
            flags: byte(1),
            hlen: byte(2),
            pdo: byte(3),
            plen: u32::from_le_bytes([byte(4), byte(5), byte(6), byte(7)]).into(),
        }
    }

    /// Moves bytes into the head until it has `want`; whether it has.
    fn collect(&mut self, bytes: &mut &[u8], want: usize) -> bool {
        let n = bytes.len().min(want.saturating_sub(self.have));
        self.head[self.have..self.have + n].copy_from_slice(&bytes[..n]);
        self.have += n;
        *bytes = &bytes[n..];
        self.have >= want
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::tcp::{Fes, H2CData, ICReq, PduType};
    use zerocopy::IntoBytes;

    const DIGESTS: Framing = Framing { hdgst: true, ddgst: true, pda: 0, max_data: 1 << 17 };

    fn data_pdu(framing: &Framing, payload: &[u8]) -> Vec<u8> {
        let mut pdu = H2CData::new(framing, 1, 2, 0, payload.len() as u32, true).to_bytes().to_vec();
        if framing.hdgst {
            let digest = crc32c::crc32c(&pdu);
            pdu.extend(digest.to_le_bytes());
        }
        pdu.resize(framing.pdo(24) as usize, 0);
        pdu.extend(payload);
        if framing.ddgst {
            pdu.extend(crc32c::crc32c(payload).to_le_bytes());
        }
        pdu
    }

    /// Feeds `stream` in pieces of `piece` bytes; what came out, payloads joined.
    fn run(receiver: &mut Receiver, stream: &[u8], piece: usize) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        let mut payload = Vec::new();
        for chunk in stream.chunks(piece) {
            let mut bytes = chunk;
            loop {
                match receiver.step(&mut bytes) {
                    Step::More => break,
                    Step::Header(layout) => said.push(format!("{:?} {}", PduType(receiver.header()[0]), layout.data)),
                    Step::Payload(bytes) => payload.extend_from_slice(bytes),
                    Step::End { sound } => said.push(format!("{} bytes {sound}", std::mem::take(&mut payload).len())),
                    Step::Wrong(fault) => said.push(format!("{:?} {}", fault.fes, fault.fei)),
                }
            }
            assert!(bytes.is_empty());
        }
        said
    }

    #[test]
    fn pdus_come_out_the_same_however_the_stream_is_cut() {
        for framing in [Framing { max_data: 1 << 17, ..Framing::PLAIN }, DIGESTS] {
            let mut stream = data_pdu(&framing, &[7; 4096]);
            stream.extend(data_pdu(&framing, &[8; 5]));
            for piece in [1, 2, 3, 7, 8, 9, 24, 28, 100, 1000, 100_000] {
                let mut receiver = Receiver::new();
                receiver.set_framing(framing);
                let said = run(&mut receiver, &stream, piece);
                assert_eq!(said, ["H2C_DATA 4096", "4096 bytes true", "H2C_DATA 5", "5 bytes true"], "cut at {piece}");
            }
        }
    }

    #[test]
    fn pdus_without_payload_follow_each_other() {
        let mut stream = ICReq::new(0, false, false, 1).as_bytes().to_vec();
        stream.extend_from_within(..);
        for piece in [1, 127, 128, 129, 256] {
            assert_eq!(run(&mut Receiver::new(), &stream, piece), ["IC_REQ 0", "IC_REQ 0"]);
        }
    }

    #[test]
    fn padding_and_a_digest_without_data_are_passed_over() {
        for (framing, pdo) in [(Framing { max_data: 1 << 17, ..Framing::PLAIN }, 76_u8), (DIGESTS, 80)] {
            let digest = if framing.ddgst { 4 } else { 0 };
            let mut odd =
                vec![4, u8::from(framing.hdgst) | u8::from(framing.ddgst) << 1, 72, pdo, pdo + digest, 0, 0, 0];
            odd.resize(72, 0);
            if framing.hdgst {
                odd.extend(crc32c::crc32c(&odd).to_le_bytes());
            }
            odd.resize((pdo + digest) as usize, 0);
            odd.extend(data_pdu(&framing, &[8; 5]));
            for piece in [1, 74, 77, 79, 81, 1000] {
                let mut receiver = Receiver::new();
                receiver.set_framing(framing);
                let said = run(&mut receiver, &odd, piece);
                assert_eq!(said, ["CAPSULE_CMD 0", "0 bytes true", "H2C_DATA 5", "5 bytes true"], "cut at {piece}");
            }
        }
    }

    #[test]
    fn a_wrong_data_digest_spoils_one_payload_and_a_wrong_header_digest_everything() {
        let good = data_pdu(&DIGESTS, &[1; 64]);
        let mut receiver = Receiver::new();
        receiver.set_framing(DIGESTS);
        let mut bad = good.clone();
        bad[40] ^= 1;
        assert_eq!(run(&mut receiver, &bad, 1000), ["H2C_DATA 64", "64 bytes false"]);
        assert_eq!(run(&mut receiver, &good, 1000), ["H2C_DATA 64", "64 bytes true"]);
        let mut bad = good.clone();
        bad[12] ^= 1;
        let digest = u32::from_le_bytes(good[24..28].try_into().unwrap());
        assert_eq!(run(&mut receiver, &bad, 1000), [format!("{:?} {digest}", Fes::HEADER_DIGEST_ERROR)]);
        assert_eq!(run(&mut receiver, &good, 1000), Vec::<String>::new());
    }

    #[test]
    fn a_length_that_lies_is_refused_before_more_is_waited_for() {
        let mut receiver = Receiver::new();
        assert_eq!(run(&mut receiver, &[6, 0, 23, 0, 0, 0, 0, 0], 8), ["INVALID_HEADER_FIELD 2"]);
        let mut receiver = Receiver::new();
        receiver.set_framing(DIGESTS);
        let mut huge = data_pdu(&DIGESTS, &[1; 64]);
        huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(run(&mut receiver, &huge, 1000), ["DATA_TRANSFER_LIMIT_EXCEEDED 0"]);
    }

    #[test]
    fn a_payload_that_is_here_can_be_seen_ahead() {
        let plain = Framing { max_data: 1 << 17, ..Framing::PLAIN };
        for (framing, seen) in [(plain, true), (DIGESTS, false)] {
            let pdu = data_pdu(&framing, &[9; 100]);
            let mut receiver = Receiver::new();
            receiver.set_framing(framing);
            let mut bytes = &pdu[..];
            assert!(matches!(receiver.step(&mut bytes), Step::Header(_)));
            assert_eq!(receiver.ahead(bytes), seen.then_some(&[9; 100][..]));
            assert_eq!(receiver.ahead(&bytes[..99]), None);
            let mut part = &bytes[..1];
            bytes = &bytes[1..];
            assert!(matches!(receiver.step(&mut part), Step::Payload(_)));
            assert_eq!(receiver.ahead(bytes), None);
        }
    }

    #[test]
    fn payload_received_past_the_buffer_counts() {
        let pdu = data_pdu(&DIGESTS, &[9; 8192]);
        let mut receiver = Receiver::new();
        receiver.set_framing(DIGESTS);
        assert_eq!(run(&mut receiver, &pdu[..128], 128), ["H2C_DATA 8192"]);
        assert_eq!(receiver.payload_left(), 8192 - 100);
        receiver.took(&pdu[128..28 + 8192]);
        assert_eq!(run(&mut receiver, &pdu[28 + 8192..], 4), ["0 bytes true"]);
    }
}
