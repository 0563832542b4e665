//! Login requests and responses as this crate sees them: fields, not bytes.

/// T: go on to the next stage.
pub const TRANSIT: u8 = 0x80;
/// C: the text goes on in the next PDU.
pub const CONTINUE: u8 = 0x40;

/// A stage of the login (CSG, NSG).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// 0: SecurityNegotiation.
    Security,
    /// 1: LoginOperationalNegotiation.
    Operational,
    /// 3: FullFeaturePhase.
    FullFeature,
}

impl Stage {
    /// From the two bits; 2 is reserved.
    pub const fn of(bits: u8) -> Option<Stage> {
        match bits & 3 {
            0 => Some(Stage::Security),
            1 => Some(Stage::Operational),
            3 => Some(Stage::FullFeature),
            _ => None,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Stage::Security => 0,
            Stage::Operational => 1,
            Stage::FullFeature => 3,
        }
    }
}

/// The flags byte: current stage, next stage with T, or C.
pub fn flags(current: Stage, next: Option<Stage>, more: bool) -> u8 {
    let transit = next.map_or(0, |next| TRANSIT | next.bits());
    transit | current.bits() << 2 | if more { CONTINUE } else { 0 }
}

/// A login request PDU without its opcode (11.12): the port has already checked lengths (there are no digests yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// The I bit: always set in a login request.
    pub immediate: bool,
    /// Flags byte as it came: T 80h, C 40h, CSG bits 3-2, NSG bits 1-0.
    pub flags: u8,
    /// Version-Max.
    pub version_max: u8,
    /// Version-Min.
    pub version_min: u8,
    /// Initiator session identifier.
    pub isid: [u8; 6],
    /// Target session identifying handle: 0 for a new session.
    pub tsih: u16,
    /// Initiator task tag.
    pub itt: u32,
    /// Connection identifier.
    pub cid: u16,
    /// CmdSN.
    pub cmd_sn: u32,
    /// ExpStatSN.
    pub exp_stat_sn: u32,
    /// The data segment, without padding.
    pub text: &'a [u8],
}

impl Request<'_> {
    /// T.
    pub const fn is_transit(&self) -> bool {
        self.flags & TRANSIT != 0
    }

    /// C.
    pub const fn is_continued(&self) -> bool {
        self.flags & CONTINUE != 0
    }

    /// CSG.
    pub const fn current(&self) -> Option<Stage> {
        Stage::of(self.flags >> 2)
    }

    /// NSG; means something with T only.
    pub const fn next(&self) -> Option<Stage> {
        Stage::of(self.flags)
    }
}

/// A login response PDU without its opcode (11.13).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Flags byte: T 80h, C 40h, CSG bits 3-2, NSG bits 1-0.
    pub flags: u8,
    /// Version-Max.
    pub version_max: u8,
    /// Version-Active.
    pub version_active: u8,
    /// The initiator's.
    pub isid: [u8; 6],
    /// The session's, in the last response; the request's before.
    pub tsih: u16,
    /// The request's.
    pub itt: u32,
    /// StatSN of this response.
    pub stat_sn: u32,
    /// ExpCmdSN.
    pub exp_cmd_sn: u32,
    /// MaxCmdSN.
    pub max_cmd_sn: u32,
    /// Status-Class and Status-Detail: [`crate::Status::code`].
    pub status: u16,
    /// The data segment, without padding.
    pub text: Vec<u8>,
}

impl std::fmt::Debug for Response {
    /// Without the text: it may hold a response of CHAP.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Response { flags, status, tsih, stat_sn, text, .. } = self;
        write!(f, "Response({flags:#04x}, status {status:#06x}, tsih {tsih}, StatSN {stat_sn}, {} bytes)", text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_flags() {
        assert_eq!(flags(Stage::Security, Some(Stage::Operational), false), 0x81);
        assert_eq!(flags(Stage::Operational, Some(Stage::FullFeature), false), 0x87);
        assert_eq!(flags(Stage::Operational, None, true), 0x44);
        assert_eq!(Stage::of(2), None);
        let request = Request { flags: 0x87, ..Request::default() };
        assert_eq!((request.current(), request.next()), (Some(Stage::Operational), Some(Stage::FullFeature)));
    }
}
