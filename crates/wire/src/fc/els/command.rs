//! Command codes, and what a received request is. FC-LS-4 table 9 (ELS commands).

use super::*;
use crate::fc::PortId;
use crate::parse;

open_enum! {
    /// First byte of an ELS payload.
    pub enum Command: u8 {
        /// Reject (a reply).
        LS_RJT = 0x01,
        /// Accept (a reply).
        LS_ACC = 0x02,
        /// N_Port login.
        PLOGI = 0x03,
        /// Fabric login.
        FLOGI = 0x04,
        /// Logout.
        LOGO = 0x05,
        /// Abort exchange (obsolete).
        ABTX = 0x06,
        /// Read connection status (obsolete).
        RCS = 0x07,
        /// Read exchange status block.
        RES = 0x08,
        /// Read sequence status block.
        RSS = 0x09,
        /// Request sequence initiative.
        RSI = 0x0a,
        /// Establish streaming (obsolete).
        ESTS = 0x0b,
        /// Estimate credit (obsolete).
        ESTC = 0x0c,
        /// Advise credit (obsolete).
        ADVC = 0x0d,
        /// Read timeout values.
        RTV = 0x0e,
        /// Read link error status block.
        RLS = 0x0f,
        /// Echo.
        ECHO = 0x10,
        /// Test (no reply).
        TEST = 0x11,
        /// Reinstate recovery qualifier.
        RRQ = 0x12,
        /// Read exchange concise.
        REC = 0x13,
        /// Sequence retransmission request (FCP's, sent as FC-4 link service).
        SRR = 0x14,
        /// Fabric performance impact notification.
        FPIN = 0x16,
        /// Exchange diagnostic capabilities.
        EDC = 0x17,
        /// Read diagnostic parameters.
        RDP = 0x18,
        /// Register diagnostic functions.
        RDF = 0x19,
        /// Process login.
        PRLI = 0x20,
        /// Process logout.
        PRLO = 0x21,
        /// State change notification (obsolete).
        SCN = 0x22,
        /// Test process login state.
        TPLS = 0x23,
        /// Third party process logout.
        TPRLO = 0x24,
        /// Login control list management (obsolete).
        LCLM = 0x25,
        /// Discover N_Port service parameters.
        PDISC = 0x50,
        /// Discover F_Port service parameters: further addresses for one port (NPIV).
        FDISC = 0x51,
        /// Discover address.
        ADISC = 0x52,
        /// Report node capabilities (obsolete).
        RNC = 0x53,
        /// FC address resolution, request.
        FARP_REQ = 0x54,
        /// FC address resolution, reply.
        FARP_REPLY = 0x55,
        /// Read port status block.
        RPS = 0x56,
        /// Read port list.
        RPL = 0x57,
        /// Report port buffer condition.
        RPBC = 0x58,
        /// Fabric address notification.
        FAN = 0x60,
        /// Registered state change notification.
        RSCN = 0x61,
        /// State change registration.
        SCR = 0x62,
        /// Report node FC-4 types.
        RNFT = 0x63,
        /// Clock synchronization request.
        CSR = 0x68,
        /// Clock synchronization update.
        CSU = 0x69,
        /// Loop initialize.
        LINIT = 0x70,
        /// Loop status.
        LSTS = 0x72,
        /// Request node identification data.
        RNID = 0x78,
        /// Registered link incident report.
        RLIR = 0x79,
        /// Link incident record registration.
        LIRR = 0x7a,
        /// Scan remote loop.
        SRL = 0x7b,
        /// Set bit-error reporting parameters.
        SBRP = 0x7c,
        /// Report port speed capabilities.
        RPSC = 0x7d,
        /// Query security attributes.
        QSA = 0x7e,
        /// Exchange virtual fabrics parameters.
        EVFP = 0x7f,
        /// Link keep alive.
        LKA = 0x80,
        /// Authentication.
        AUTH_ELS = 0x90,
    }
}

/// A received request, whole and of the right length. What its values mean is the business of who handles it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Fabric login.
    Flogi(&'a Login),
    /// A further address.
    Fdisc(&'a Login),
    /// N_Port login.
    Plogi(&'a Login),
    /// Service parameters without a new login.
    Pdisc(&'a Login),
    /// Logout.
    Logo(&'a Logo),
    /// Process login.
    Prli(Pages<'a>),
    /// Process logout.
    Prlo(Pages<'a>),
    /// Third party process logout; the pages are [`ThirdPartyPage`]s.
    Tprlo(Pages<'a>),
    /// Discover address.
    Adisc(&'a Adisc),
    /// Something on the fabric changed.
    Rscn(Rscn<'a>),
    /// Register for RSCN.
    Scr(ScrFunction),
    /// Exchange identifiers may be used again.
    Rrq(&'a ExchangeId),
    /// State of an exchange.
    Rec(&'a ExchangeId),
    /// Link error counters of a port (0: the one that is asked).
    Rls(PortId),
    /// Timeout values.
    Rtv,
    /// Send the payload back. The bytes after the command word.
    Echo(&'a [u8]),
    /// Do nothing; no reply.
    Test,
}

impl<'a> Request<'a> {
    /// Reads the payload of an ELS request frame. Bytes after the end of a layout are passed over.
    ///
    /// # Errors
    /// What an LS_RJT has to say: the command is not one of the above, or too short, or its page lengths do not add up.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Reject> {
        let command = Command(*payload.first().ok_or(Reject::INVALID_LENGTH)?);
        let short = Reject::INVALID_LENGTH;
        Ok(match command {
            Command::FLOGI => Self::Flogi(parse(payload).ok_or(short)?),
            Command::FDISC => Self::Fdisc(parse(payload).ok_or(short)?),
            Command::PLOGI => Self::Plogi(parse(payload).ok_or(short)?),
            Command::PDISC => Self::Pdisc(parse(payload).ok_or(short)?),
            Command::LOGO => Self::Logo(parse(payload).ok_or(short)?),
            Command::PRLI => Self::Prli(Pages::parse(payload).ok_or(short)?),
            Command::PRLO => Self::Prlo(Pages::parse(payload).ok_or(short)?),
            Command::TPRLO => Self::Tprlo(Pages::parse(payload).ok_or(short)?),
            Command::ADISC => Self::Adisc(parse(payload).ok_or(short)?),
            Command::RSCN => Self::Rscn(Rscn::parse(payload).ok_or(short)?),
            Command::SCR => Self::Scr(parse::<Scr>(payload).ok_or(short)?.function),
            Command::RRQ => Self::Rrq(parse(payload).ok_or(short)?),
            Command::REC => Self::Rec(parse(payload).ok_or(short)?),
            Command::RLS => Self::Rls(parse::<Rls>(payload).ok_or(short)?.port_id()),
            Command::RTV => Self::Rtv,
            Command::ECHO => Self::Echo(payload.get(4..).ok_or(short)?),
            Command::TEST => Self::Test,
            _ => return Err(Reject::UNSUPPORTED),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec;

    #[test]
    fn names() {
        assert_eq!(Command(0x61).to_string(), "RSCN");
        assert_eq!(Command(0x51), Command::FDISC);
        assert_eq!(Command(0xee).to_string(), "Command(0xee)");
    }

    #[test]
    fn too_short() {
        let lengths = [
            (Command::FLOGI, 116),
            (Command::FDISC, 116),
            (Command::PLOGI, 116),
            (Command::PDISC, 116),
            (Command::LOGO, 16),
            (Command::ADISC, 28),
            (Command::SCR, 8),
            (Command::RRQ, 12),
            (Command::REC, 12),
            (Command::RLS, 8),
            (Command::ECHO, 4),
        ];
        for (command, length) in lengths {
            let mut payload = vec![0; length];
            payload[0] = command.0;
            assert!(Request::parse(&payload).is_ok(), "{command}");
            assert_eq!(Request::parse(&payload[..length - 1]), Err(Reject::INVALID_LENGTH), "{command}");
        }
        assert_eq!(Request::parse(&[]), Err(Reject::INVALID_LENGTH));
    }

    #[test]
    fn every_command() {
        for code in 0..=255 {
            let mut payload = [0; 300];
            payload[0] = code;
            match Request::parse(&payload) {
                Ok(_) => {}
                Err(Reject::UNSUPPORTED | Reject::INVALID_LENGTH) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(Request::parse(&[0x78, 0, 0, 0, 0, 0, 0, 0]), Err(Reject::UNSUPPORTED));
        assert_eq!(Request::parse(&[0x10, 0, 0, 0, 1, 2]), Ok(Request::Echo(&[1, 2])));
        assert_eq!(Request::parse(&[0x0e, 0, 0, 0]), Ok(Request::Rtv));
        assert_eq!(Request::parse(&[0x0f, 0, 0, 0, 0, 1, 2, 3]), Ok(Request::Rls(PortId(0x010203))));
    }
}
