//! Cuts a stream of bytes into PDUs: header, data segment, digests. Knows no commands and no memory.
//!
//! Nothing is kept but an incomplete header, so that one receive buffer serves all connections. A data digest covers the padding
//! too (RFC 7143 11.2.4); digests have their least significant byte first.

use wire::iscsi::{BHS_BYTES, Bhs, DIGEST_BYTES, Layout};

/// A header with all additional segments and its digest.
const HEAD_BYTES: usize = BHS_BYTES + 255 * 4 + DIGEST_BYTES as usize;

/// What one direction of a connection agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Headers have digests.
    pub header_digest: bool,
    /// Data segments have digests.
    pub data_digest: bool,
    /// Most bytes of a data segment.
    pub max_data: u32,
}

/// Why nothing that follows can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The header came harmed.
    HeaderDigest,
    /// A data segment longer than what we declared.
    TooLong,
}

/// What the next bytes were.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// All bytes are taken; there is no more to say.
    More,
    /// A header is complete and sound: see [`Receiver::header`]. A data segment follows if it has one.
    Header(Layout),
    /// The next piece of the data segment.
    Payload(&'a [u8]),
    /// The data segment is complete; whether its digest, if it has one, was right.
    End {
        /// No digest, or the right one.
        sound: bool,
    },
    /// Nothing after this means anything; [`Receiver::header`] has what came.
    Wrong(Fault),
}

#[derive(Debug)]
enum State {
    Head,
    Payload { left: u32 },
    Padding { left: usize },
    Digest { have: usize, bytes: [u8; 4] },
    Dead,
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver {
    framing: Framing,
    state: State,
    head: Box<[u8; HEAD_BYTES]>,
    have: usize,
    layout: Layout,
    crc: u32,
}

impl Receiver {
    /// Nothing has come yet; no digests, data segments of at most `max_data` bytes.
    pub fn new(max_data: u32) -> Self {
        let framing = Framing { header_digest: false, data_digest: false, max_data };
        let head = Box::new([0; HEAD_BYTES]);
        Self { framing, state: State::Head, head, have: 0, layout: Layout::default(), crc: 0 }
    }

    /// What was negotiated; for the PDUs after this one.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// Basic and additional header segments of the present PDU, as far as they came.
    pub fn header(&self) -> &[u8] {
        &self.head[..self.have.min(self.layout.header())]
    }

    /// The basic header segment of the present PDU; zeroes where it did not come.
    pub fn bhs(&self) -> Bhs {
        wire::read(&self.head[..BHS_BYTES]).expect("48 bytes")
    }

    /// Bytes of the data segment that are still to come.
    pub fn payload_left(&self) -> u32 {
        match self.state {
            State::Payload { left } => left,
            _ => 0,
        }
    }

    /// The whole data segment of the present PDU, when it lies in `bytes`, which are the next ones, and no digest covers it.
    pub fn ahead<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match self.state {
            State::Payload { left } if left == self.layout.data && !self.framing.data_digest => {
                bytes.get(..left as usize)
            }
            _ => None,
        }
    }

    /// Takes bytes of the data segment that were received where they belong, past [`step`](Self::step).
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
                State::Payload { left: 0 } => self.state = State::Padding { left: self.layout.padding() },
                State::Payload { .. } if bytes.is_empty() => return Step::More,
                State::Payload { left } => {
                    let (now, later) = bytes.split_at(bytes.len().min(*left as usize));
                    *left -= now.len() as u32;
                    *bytes = later;
                    self.digest(now);
                    return Step::Payload(now);
                }
                State::Padding { left: 0 } if self.framing.data_digest => {
                    self.state = State::Digest { have: 0, bytes: [0; 4] };
                }
                State::Padding { left: 0 } => return self.end(true),
                State::Padding { left } => {
                    let (now, later) = bytes.split_at(bytes.len().min(*left));
                    *left -= now.len();
                    *bytes = later;
                    let more = *left > 0;
                    self.digest(now);
                    if more {
                        return Step::More;
                    }
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
        if self.framing.data_digest {
            self.crc = crc32c::crc32c_append(self.crc, bytes);
        }
    }

    fn end(&mut self, sound: bool) -> Step<'static> {
        (self.state, self.have) = (State::Head, 0);
        Step::End { sound }
    }

    /// Collects a header. Its length is known after 48 bytes.
    fn head<'a>(&mut self, bytes: &mut &'a [u8]) -> Step<'a> {
        if self.have >= BHS_BYTES && self.have == self.head_bytes() {
            // The PDU before had no data segment.
            self.have = 0;
        }
        if !self.collect(bytes, BHS_BYTES) {
            return Step::More;
        }
        if self.have == BHS_BYTES {
            self.layout = self.bhs().layout();
        }
        if !self.collect(bytes, self.head_bytes()) {
            return Step::More;
        }
        self.complete()
    }

    fn complete(&mut self) -> Step<'static> {
        let header = self.layout.header();
        if self.framing.header_digest {
            let came = u32::from_le_bytes(self.head[header..header + 4].try_into().expect("four bytes"));
            if came != crc32c::crc32c(&self.head[..header]) {
                return self.wrong(Fault::HeaderDigest);
            }
        }
        if self.layout.data > self.framing.max_data {
            return self.wrong(Fault::TooLong);
        }
        if self.layout.data > 0 {
            self.crc = 0;
            self.state = State::Payload { left: self.layout.data };
        }
        Step::Header(self.layout)
    }

    fn wrong(&mut self, fault: Fault) -> Step<'static> {
        self.state = State::Dead;
        Step::Wrong(fault)
    }

    fn head_bytes(&self) -> usize {
        self.layout.header() + if self.framing.header_digest { DIGEST_BYTES as usize } else { 0 }
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

    fn pdu(framing: &Framing, ahs: usize, payload: &[u8]) -> Vec<u8> {
        let mut pdu = vec![0; BHS_BYTES + ahs];
        pdu[4] = (ahs / 4) as u8;
        pdu[5..8].copy_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        if framing.header_digest {
            pdu.extend(crc32c::crc32c(&pdu).to_le_bytes());
        }
        let mut data = payload.to_vec();
        data.resize(payload.len().next_multiple_of(4), 0);
        if framing.data_digest && !data.is_empty() {
            data.extend(crc32c::crc32c(&data).to_le_bytes());
        }
        pdu.extend(data);
        pdu
    }

    /// Feeds `stream` in pieces of `piece` bytes; what came out, payloads joined.
    fn run(receiver: &mut Receiver, stream: &[u8], piece: usize) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        let mut payload = 0;
        for chunk in stream.chunks(piece) {
            let mut bytes = chunk;
            loop {
                match receiver.step(&mut bytes) {
                    Step::More => break,
                    Step::Header(layout) => said.push(format!("head {} {}", layout.ahs, layout.data)),
                    Step::Payload(bytes) => payload += bytes.len(),
                    Step::End { sound } => said.push(format!("{} bytes {sound}", std::mem::take(&mut payload))),
                    Step::Wrong(fault) => said.push(format!("{fault:?}")),
                }
            }
            assert!(bytes.is_empty());
        }
        said
    }

    #[test]
    fn pieces_of_any_size() {
        for header_digest in [false, true] {
            for data_digest in [false, true] {
                let framing = Framing { header_digest, data_digest, max_data: 4096 };
                let mut stream = Vec::new();
                for (ahs, data) in [(0, 0), (8, 5), (0, 0), (0, 512), (1020, 3), (4, 0)] {
                    stream.extend(pdu(&framing, ahs, &vec![0x5a; data]));
                }
                for piece in [1, 2, 3, 7, 48, 49, 100, 5000] {
                    let mut receiver = Receiver::new(4096);
                    receiver.set_framing(framing);
                    let expected = [
                        "head 0 0",
                        "head 8 5",
                        "5 bytes true",
                        "head 0 0",
                        "head 0 512",
                        "512 bytes true",
                        "head 1020 3",
                        "3 bytes true",
                        "head 4 0",
                    ];
                    assert_eq!(run(&mut receiver, &stream, piece), expected, "{framing:?} {piece}");
                }
            }
        }
    }

    #[test]
    fn harm_is_seen() {
        let framing = Framing { header_digest: true, data_digest: true, max_data: 4096 };
        let fresh = || {
            let mut receiver = Receiver::new(0);
            receiver.set_framing(framing);
            receiver
        };
        let good = pdu(&framing, 4, &[7; 9]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let said = run(&mut fresh(), &bad, 1000);
            let harmed = said.iter().any(|said| said.contains("false") || said == "HeaderDigest");
            // A longer header than before is still waited for.
            assert!(harmed || (at == 4 && said.is_empty()), "byte {at}: {said:?}");
        }
        let long = pdu(&Framing { data_digest: false, ..framing }, 0, &[0; 4097]);
        assert_eq!(run(&mut fresh(), &long, 10_000), ["TooLong"]);
    }
}
