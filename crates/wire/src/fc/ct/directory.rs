//! Requests to the name server. FC-GS-8 5.2.5.

use super::{CT_HEADER_BYTES, Command, CtHeader, Fc4Types, FeatureBits, PortType, Reject, SymbolicName};
use crate::fc::{PortId, Type, Wwn};

/// A request, in host values. [`Self::parse`] on the side of the server, [`Self::write`] on the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// A query by address: GA_NXT, GPN_ID, GNN_ID, GCS_ID, GFT_ID, GSPN_ID, GPT_ID, GFPN_ID, GHA_ID, GFF_ID; and DA_ID.
    ById(Command, PortId),
    /// A query by name: GID_PN, GID_NN, GPN_NN, GSNN_NN.
    ByName(Command, Wwn),
    /// A query by FC-4 type: GID_FT, GPN_FT, GNN_FT. Domain and area limit the scope; 0 is any.
    ByType {
        /// Which.
        command: Command,
        /// Domain, 0 any.
        domain: u8,
        /// Area, 0 any.
        area: u8,
        /// FC-4 type.
        type_: Type,
    },
    /// GID_PT.
    GidPt {
        /// Port type; [`PortType::NX_PORT`] stands for all N_Ports.
        port_type: PortType,
        /// Domain, 0 any.
        domain: u8,
        /// Area, 0 any.
        area: u8,
    },
    /// GID_FF.
    GidFf {
        /// Domain, 0 any.
        domain: u8,
        /// Area, 0 any.
        area: u8,
        /// All of these are asked for.
        features: FeatureBits,
        /// FC-4 type.
        type_: Type,
    },
    /// RPN_ID.
    RpnId(PortId, Wwn),
    /// RNN_ID.
    RnnId(PortId, Wwn),
    /// RCS_ID: a bit for each class, class 3 is bit 3.
    RcsId(PortId, u32),
    /// RFT_ID.
    RftId(PortId, Fc4Types),
    /// RSPN_ID.
    RspnId(PortId, SymbolicName<'a>),
    /// RPT_ID.
    RptId(PortId, PortType),
    /// RFF_ID.
    RffId(PortId, FeatureBits, Type),
    /// RSNN_NN.
    RsnnNn(Wwn, SymbolicName<'a>),
}

impl<'a> Request<'a> {
    /// The longest request: RSNN_NN with 255 bytes of name.
    pub const MAX_BYTES: usize = CT_HEADER_BYTES + 8 + 256;

    /// Its command code.
    pub const fn command(&self) -> Command {
        match *self {
            Self::ById(command, _) | Self::ByName(command, _) | Self::ByType { command, .. } => command,
            Self::GidPt { .. } => Command::GID_PT,
            Self::GidFf { .. } => Command::GID_FF,
            Self::RpnId(..) => Command::RPN_ID,
            Self::RnnId(..) => Command::RNN_ID,
            Self::RcsId(..) => Command::RCS_ID,
            Self::RftId(..) => Command::RFT_ID,
            Self::RspnId(..) => Command::RSPN_ID,
            Self::RptId(..) => Command::RPT_ID,
            Self::RffId(..) => Command::RFF_ID,
            Self::RsnnNn(..) => Command::RSNN_NN,
        }
    }

    /// Reads what follows the preamble of a request to the name server.
    ///
    /// # Errors
    /// What the reject has to say: the command has no name or is none of these, or the body is too short.
    pub fn parse(command: Command, body: &'a [u8]) -> Result<Self, Reject> {
        let parsed = match command {
            Command::GA_NXT
            | Command::GPN_ID
            | Command::GNN_ID
            | Command::GCS_ID
            | Command::GFT_ID
            | Command::GSPN_ID
            | Command::GPT_ID
            | Command::GFPN_ID
            | Command::GHA_ID
            | Command::GFF_ID
            | Command::DA_ID => id_at(body, 0).map(|id| Self::ById(command, id)),
            Command::GID_PN | Command::GID_NN | Command::GPN_NN | Command::GSNN_NN => {
                name_at(body, 0).map(|name| Self::ByName(command, name))
            }
            Command::GID_FT | Command::GPN_FT | Command::GNN_FT | Command::GID_PT | Command::GID_FF => {
                Self::parse_scoped(command, body)
            }
            _ => return Self::parse_registration(command, body),
        };
        parsed.ok_or(Reject::INVALID_SIZE)
    }

    fn parse_scoped(command: Command, body: &[u8]) -> Option<Self> {
        let word: [u8; 4] = array_at(body, 0)?;
        Some(match (command, word) {
            (Command::GID_PT, [port_type, domain, area, _]) => {
                Self::GidPt { port_type: PortType(port_type), domain, area }
            }
            (Command::GID_FF, [_, domain, area, _]) => {
                let [_, _, features, type_] = array_at(body, 4)?;
                Self::GidFf { domain, area, features: FeatureBits(features & 0xf), type_: Type(type_) }
            }
            (_, [_, domain, area, type_]) => Self::ByType { command, domain, area, type_: Type(type_) },
        })
    }

    fn parse_registration(command: Command, body: &'a [u8]) -> Result<Self, Reject> {
        let id = || id_at(body, 0);
        let parsed = match command {
            Command::RPN_ID => id().zip(name_at(body, 4)).map(|(id, name)| Self::RpnId(id, name)),
            Command::RNN_ID => id().zip(name_at(body, 4)).map(|(id, name)| Self::RnnId(id, name)),
            Command::RCS_ID => id().zip(array_at(body, 4)).map(|(id, c)| Self::RcsId(id, u32::from_be_bytes(c))),
            Command::RFT_ID => id().zip(array_at(body, 4)).map(|(id, types)| Self::RftId(id, Fc4Types(types))),
            Command::RSPN_ID => id().zip(symbolic_at(body, 4)).map(|(id, name)| Self::RspnId(id, name)),
            Command::RPT_ID => id().zip(array_at(body, 4)).map(|(id, [t])| Self::RptId(id, PortType(t))),
            Command::RFF_ID => id()
                .zip(array_at(body, 4))
                .map(|(id, [_, _, features, type_])| Self::RffId(id, FeatureBits(features & 0xf), Type(type_))),
            Command::RSNN_NN => name_at(body, 0).zip(symbolic_at(body, 8)).map(|(node, name)| Self::RsnnNn(node, name)),
            known if known.name().is_some() => return Err(Reject::UNSUPPORTED),
            _ => return Err(Reject::INVALID_COMMAND),
        };
        parsed.ok_or(Reject::INVALID_SIZE)
    }

    /// Writes the whole CT_IU into `out` and answers with its length; `None` when there is no room ([`Self::MAX_BYTES`] is
    /// always enough). `max_words` limits the response, 0 is no limit.
    pub fn write(&self, out: &mut [u8], max_words: u16) -> Option<usize> {
        let mut header = CtHeader::name_server(self.command());
        header.size = max_words.into();
        let (head, body) = out.split_at_mut_checked(CT_HEADER_BYTES)?;
        head.copy_from_slice(&header.to_bytes());
        let length = self.write_body(body)?;
        // Information units are whole words.
        let padded = length.next_multiple_of(4);
        body.get_mut(length..padded)?.fill(0);
        Some(CT_HEADER_BYTES + padded)
    }

    fn write_body(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            Self::ById(_, id) => put(out, &[&id_object(id)]),
            Self::ByName(_, name) => put(out, &[&name.to_bytes()]),
            Self::ByType { domain, area, type_, .. } => put(out, &[&[0, domain, area, type_.0]]),
            Self::GidPt { port_type, domain, area } => put(out, &[&[port_type.0, domain, area, 0]]),
            Self::GidFf { domain, area, features, type_ } => {
                put(out, &[&[0, domain, area, 0], &[0, 0, features.0, type_.0]])
            }
            Self::RpnId(id, name) | Self::RnnId(id, name) => put(out, &[&id_object(id), &name.to_bytes()]),
            Self::RcsId(id, classes) => put(out, &[&id_object(id), &classes.to_be_bytes()]),
            Self::RftId(id, types) => put(out, &[&id_object(id), &types.0]),
            Self::RptId(id, port_type) => put(out, &[&id_object(id), &[port_type.0, 0, 0, 0]]),
            Self::RffId(id, features, type_) => put(out, &[&id_object(id), &[0, 0, features.0, type_.0]]),
            Self::RspnId(id, name) => put_symbolic(out, &id_object(id), name),
            Self::RsnnNn(node, name) => put_symbolic(out, &node.to_bytes(), name),
        }
    }
}

fn id_object(id: PortId) -> [u8; 4] {
    let [domain, area, port] = id.to_bytes();
    [0, domain, area, port]
}

fn put(out: &mut [u8], parts: &[&[u8]]) -> Option<usize> {
    let mut length = 0;
    for part in parts {
        out.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    Some(length)
}

fn put_symbolic(out: &mut [u8], key: &[u8], name: SymbolicName<'_>) -> Option<usize> {
    let length = put(out, &[key])?;
    Some(length + name.write(&mut out[length..])?)
}

fn array_at<const N: usize>(body: &[u8], offset: usize) -> Option<[u8; N]> {
    body.get(offset..)?.first_chunk().copied()
}

fn id_at(body: &[u8], offset: usize) -> Option<PortId> {
    let [_, id @ ..] = array_at::<4>(body, offset)?;
    Some(PortId::from_bytes(id))
}

fn name_at(body: &[u8], offset: usize) -> Option<Wwn> {
    array_at(body, offset).map(Wwn::from_bytes)
}

fn symbolic_at(body: &[u8], offset: usize) -> Option<SymbolicName<'_>> {
    SymbolicName::parse(body.get(offset..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PortId = PortId(0x010203);
    const NAME: Wwn = Wwn(0x2100_0024_ff77_99ab);

    fn body(request: Request<'_>, expected: &[u8]) {
        let mut out = [0xee; Request::MAX_BYTES];
        let length = request.write(&mut out, 0).unwrap();
        assert_eq!(&out[16..length], expected, "{request:?}");
        assert_eq!(&out[8..10], &request.command().0.to_be_bytes());
        assert_eq!(Request::parse(request.command(), &out[16..length]), Ok(request));
        assert_eq!(request.write(&mut out[..length - 1], 0), None);
    }

    #[test]
    fn layouts() {
        let name = [0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab];
        body(Request::ById(Command::GPN_ID, ID), &[0, 1, 2, 3]);
        body(Request::ById(Command::DA_ID, ID), &[0, 1, 2, 3]);
        body(Request::ByName(Command::GID_PN, NAME), &name);
        body(Request::ByType { command: Command::GPN_FT, domain: 0, area: 0, type_: Type::FCP }, &[0, 0, 0, 8]);
        body(Request::ByType { command: Command::GID_FT, domain: 1, area: 2, type_: Type::NVME }, &[0, 1, 2, 0x28]);
        body(Request::GidPt { port_type: PortType::NX_PORT, domain: 1, area: 2 }, &[0x7f, 1, 2, 0]);
        let features = FeatureBits(1);
        body(Request::GidFf { domain: 1, area: 2, features, type_: Type::FCP }, &[0, 1, 2, 0, 0, 0, 1, 8]);
        body(Request::RnnId(ID, NAME), &[0, 1, 2, 3, 0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab]);
        body(Request::RpnId(ID, NAME), &[0, 1, 2, 3, 0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab]);
        body(Request::RcsId(ID, 8), &[0, 1, 2, 3, 0, 0, 0, 8]);
        body(Request::RptId(ID, PortType::N_PORT), &[0, 1, 2, 3, 1, 0, 0, 0]);
        body(Request::RffId(ID, FeatureBits(5), Type::NVME), &[0, 1, 2, 3, 0, 0, 5, 0x28]);
        body(Request::RspnId(ID, SymbolicName::new(b"abc")), b"\0\x01\x02\x03\x03abc");
        body(Request::RspnId(ID, SymbolicName::new(b"ab")), b"\0\x01\x02\x03\x02ab\0");
        body(Request::RsnnNn(NAME, SymbolicName::new(b"a")), b"\x21\0\0\x24\xff\x77\x99\xab\x01a\0\0");
    }

    #[test]
    fn types_registration() {
        let types = Fc4Types::NONE.with(Type::FCP).with(Type::NVME);
        let mut expected = [0; 36];
        expected[..4].copy_from_slice(&[0, 1, 2, 3]);
        (expected[6], expected[10]) = (1, 1);
        body(Request::RftId(ID, types), &expected);
    }

    #[test]
    fn longest() {
        let mut out = [0; Request::MAX_BYTES];
        assert_eq!(Request::RsnnNn(NAME, SymbolicName::new(&[7; 255])).write(&mut out, 0), Some(Request::MAX_BYTES));
    }

    #[test]
    fn rejects() {
        assert_eq!(Request::parse(Command::GPN_ID, &[0, 1, 2]), Err(Reject::INVALID_SIZE));
        assert_eq!(Request::parse(Command::RFT_ID, &[0; 35]), Err(Reject::INVALID_SIZE));
        assert_eq!(Request::parse(Command::RSPN_ID, &[0, 1, 2, 3, 4, b'a']), Err(Reject::INVALID_SIZE));
        assert_eq!(Request::parse(Command::GIP_NN, &[0; 8]), Err(Reject::UNSUPPORTED));
        assert_eq!(Request::parse(Command(0x0999), &[0; 8]), Err(Reject::INVALID_COMMAND));
        for code in 0..=u16::MAX {
            let _ = Request::parse(Command(code), &[]);
        }
    }
}
