//! PDU types, their senders and flags. NVMe/TCP 1.0c 3.6.2.

open_enum! {
    /// PDU types.
    pub enum PduType: u8 {
        /// Initialize Connection Request, from the host.
        IC_REQ = 0x00,
        /// Initialize Connection Response, from the controller.
        IC_RESP = 0x01,
        /// The host ends the connection.
        H2C_TERM_REQ = 0x02,
        /// The controller ends the connection.
        C2H_TERM_REQ = 0x03,
        /// Command capsule.
        CAPSULE_CMD = 0x04,
        /// Response capsule.
        CAPSULE_RESP = 0x05,
        /// Host to controller data.
        H2C_DATA = 0x06,
        /// Controller to host data.
        C2H_DATA = 0x07,
        /// Ready to Transfer.
        R2T = 0x09,
    }
}

/// Who sends a PDU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// PDUs that a target receives.
    Host,
    /// PDUs that a host receives.
    Controller,
}

impl PduType {
    /// HLEN that the type must have; `None` for an unknown type.
    pub const fn hlen(self) -> Option<u8> {
        match self {
            Self::IC_REQ | Self::IC_RESP => Some(128),
            Self::CAPSULE_CMD => Some(72),
            Self::H2C_TERM_REQ | Self::C2H_TERM_REQ | Self::CAPSULE_RESP => Some(24),
            Self::H2C_DATA | Self::C2H_DATA | Self::R2T => Some(24),
            _ => None,
        }
    }

    /// Who may send the type; `None` for an unknown type.
    pub const fn sender(self) -> Option<Sender> {
        match self {
            Self::IC_REQ | Self::H2C_TERM_REQ | Self::CAPSULE_CMD | Self::H2C_DATA => Some(Sender::Host),
            Self::IC_RESP | Self::C2H_TERM_REQ | Self::CAPSULE_RESP | Self::C2H_DATA | Self::R2T => {
                Some(Sender::Controller)
            }
            _ => None,
        }
    }

    /// Whether digests and alignment apply: not to ICReq, ICResp and the TermReqs.
    pub const fn framed(self) -> bool {
        !matches!(self, Self::IC_REQ | Self::IC_RESP | Self::H2C_TERM_REQ | Self::C2H_TERM_REQ)
    }

    /// Whether the type can carry data after its header.
    pub const fn carries_data(self) -> bool {
        matches!(self, Self::CAPSULE_CMD | Self::H2C_DATA | Self::C2H_DATA | Self::H2C_TERM_REQ | Self::C2H_TERM_REQ)
    }
}

/// Bits of the common header's FLAGS.
pub mod flags {
    /// HDGSTF: a header digest follows the header.
    pub const HDGSTF: u8 = 1 << 0;
    /// DDGSTF: a data digest follows the data.
    pub const DDGSTF: u8 = 1 << 1;
    /// LAST_PDU of H2CData (last of this R2T) and of C2HData (last of this command).
    pub const LAST_PDU: u8 = 1 << 2;
    /// SUCCESS of C2HData: the command succeeded and no response capsule follows; with LAST_PDU only.
    pub const SUCCESS: u8 = 1 << 3;
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn every_type() {
        for raw in 0..=255u8 {
            let kind = PduType(raw);
            let known = raw <= 7 || raw == 9;
            assert_eq!(kind.hlen().is_some(), known, "{kind}");
            assert_eq!(kind.sender().is_some(), known, "{kind}");
            assert_eq!(kind.name().is_some(), known, "{kind}");
        }
        assert_eq!(PduType::IC_RESP.hlen(), Some(128));
        assert_eq!(PduType::CAPSULE_CMD.hlen(), Some(72));
        assert_eq!(PduType::R2T.hlen(), Some(24));
        assert_eq!(PduType::H2C_TERM_REQ.sender(), Some(Sender::Host));
        assert_eq!(PduType::R2T.sender(), Some(Sender::Controller));
        assert_eq!(format!("{:?} {:?}", PduType(9), PduType(8)), "R2T PduType(0x8)");
    }

    #[test]
    fn digests_and_data() {
        assert!(!PduType::IC_REQ.framed() && !PduType::C2H_TERM_REQ.framed());
        assert!(PduType::R2T.framed() && !PduType::R2T.carries_data());
        assert!(PduType::C2H_DATA.carries_data() && !PduType::CAPSULE_RESP.carries_data());
    }
}
