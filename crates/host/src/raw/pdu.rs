//! A PDU to be made wrong.

use wire::IntoBytes;
use wire::nvme::Sqe;
use wire::tcp::{CapsuleCmd, Fault, Framing, H2CData, ICReq, Sender, TermReq, offset};

/// A PDU from a host: header, perhaps data, digests as its framing has them.
///
/// The header can be changed at will; digests and the place of the data do not follow from what the header says then, but from the framing: so a
/// PDO that lies is just that.
#[derive(Debug, Clone)]
pub struct Pdu {
    header: Vec<u8>,
    padding: usize,
    data: Vec<u8>,
    hdgst: bool,
    ddgst: bool,
    flip_hdgst: bool,
    flip_ddgst: bool,
}

impl Pdu {
    fn framed(framing: &Framing, header: &[u8], data: &[u8]) -> Pdu {
        let padding = if data.is_empty() {
            0
        } else {
            u32::from(framing.pdo(header.len() as u8)) - framing.header_bytes(header.len() as u8)
        };
        Pdu {
            header: header.to_vec(),
            padding: padding as usize,
            data: data.to_vec(),
            hdgst: framing.hdgst,
            ddgst: framing.ddgst && !data.is_empty(),
            flip_hdgst: false,
            flip_ddgst: false,
        }
    }

    /// ICReq.
    pub fn icreq(hpda: u8, hdgst: bool, ddgst: bool, maxr2t: u32) -> Pdu {
        Pdu::framed(&Framing::PLAIN, ICReq::new(hpda, hdgst, ddgst, maxr2t).as_bytes(), &[])
    }

    /// CapsuleCmd, with `data` in the capsule.
    pub fn command(framing: &Framing, sqe: Sqe, data: &[u8]) -> Pdu {
        Pdu::framed(framing, &CapsuleCmd::new(framing, sqe, data.len() as u32).to_bytes(), data)
    }

    /// H2CData.
    pub fn h2c_data(framing: &Framing, cccid: u16, ttag: u16, datao: u32, data: &[u8], last: bool) -> Pdu {
        Pdu::framed(framing, &H2CData::new(framing, cccid, ttag, datao, data.len() as u32, last).to_bytes(), data)
    }

    /// H2CTermReq about the PDU that begins with `wrong`.
    pub fn term(fault: Fault, wrong: &[u8]) -> Pdu {
        let (bytes, length) = TermReq::pdu(Sender::Host, fault, wrong);
        Pdu::framed(&Framing::PLAIN, &bytes[..length], &[])
    }

    /// Any bytes.
    pub fn of_bytes(bytes: &[u8]) -> Pdu {
        Pdu::framed(&Framing::PLAIN, bytes, &[])
    }

    /// Other bytes at an offset of the header.
    ///
    /// # Panics
    /// If they do not fit.
    #[must_use]
    pub fn set(mut self, at: usize, bytes: &[u8]) -> Pdu {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Another PDU type.
    #[must_use]
    pub fn kind(self, kind: u8) -> Pdu {
        self.set(offset::KIND as usize, &[kind])
    }

    /// Other flags.
    #[must_use]
    pub fn flags(self, flags: u8) -> Pdu {
        self.set(offset::FLAGS as usize, &[flags])
    }

    /// Another HLEN.
    #[must_use]
    pub fn hlen(self, hlen: u8) -> Pdu {
        self.set(offset::HLEN as usize, &[hlen])
    }

    /// Another PDO.
    #[must_use]
    pub fn pdo(self, pdo: u8) -> Pdu {
        self.set(offset::PDO as usize, &[pdo])
    }

    /// Another PLEN.
    #[must_use]
    pub fn plen(self, plen: u32) -> Pdu {
        self.set(offset::PLEN as usize, &plen.to_le_bytes())
    }

    /// Other data than the header says.
    #[must_use]
    pub fn with_data(mut self, data: &[u8]) -> Pdu {
        self.data = data.to_vec();
        self
    }

    /// A header digest that is wrong by one bit.
    #[must_use]
    pub fn wrong_hdgst(mut self) -> Pdu {
        self.flip_hdgst = true;
        self
    }

    /// A data digest that is wrong by one bit.
    #[must_use]
    pub fn wrong_ddgst(mut self) -> Pdu {
        self.flip_ddgst = true;
        self
    }

    /// What is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let digest = |bytes: &[u8], flip: bool| (crc32c::crc32c(bytes) ^ u32::from(flip)).to_le_bytes();
        let mut out = self.header.clone();
        if self.hdgst {
            out.extend_from_slice(&digest(&self.header, self.flip_hdgst));
        }
        out.resize(out.len() + self.padding, 0);
        out.extend_from_slice(&self.data);
        if self.ddgst {
            out.extend_from_slice(&digest(&self.data, self.flip_ddgst));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_until_made_wrong() {
        let framing = Framing { hdgst: true, ddgst: true, pda: 3, max_data: u32::MAX };
        let right = Pdu::command(&framing, Sqe::new(1, 1), &[7; 100]);
        let bytes = right.bytes();
        // 72 + 4 digest, padding to 80, 100 data, 4 digest.
        assert_eq!((bytes.len(), bytes[3], u32::from_le_bytes(bytes[4..8].try_into().unwrap())), (184, 80, 184));
        assert_eq!(bytes[72..76], crc32c::crc32c(&bytes[..72]).to_le_bytes());
        assert_eq!(bytes[180..], crc32c::crc32c(&[7; 100]).to_le_bytes());
        let lie = right.clone().pdo(84).bytes();
        assert_eq!((lie.len(), lie[3]), (184, 84));
        assert_eq!(lie[72..76], crc32c::crc32c(&lie[..72]).to_le_bytes(), "the digest is that of the lie");
        assert_ne!(right.clone().wrong_hdgst().bytes()[72..76], bytes[72..76]);
        assert_ne!(right.clone().wrong_ddgst().bytes()[180..], bytes[180..]);
        assert_eq!(right.plen(5).kind(9).flags(3).hlen(1).bytes()[..8], [9, 3, 1, 80, 5, 0, 0, 0]);
    }
}
