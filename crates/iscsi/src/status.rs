//! Status-Class and Status-Detail of a login response, RFC 7143 section 11.13.5.

/// Why a login ended, or that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Status {
    /// 0000h: goes on or is done.
    Success = 0x0000,
    /// 0101h: look at TargetAddress, this time.
    MovedTemporarily = 0x0101,
    /// 0102h: look at TargetAddress, for good.
    MovedPermanently = 0x0102,
    /// 0200h: a protocol error or anything that has no code of its own.
    InitiatorError = 0x0200,
    /// 0201h.
    AuthenticationFailure = 0x0201,
    /// 0202h: authenticated, but not allowed in.
    AuthorizationFailure = 0x0202,
    /// 0203h.
    NotFound = 0x0203,
    /// 0204h.
    TargetRemoved = 0x0204,
    /// 0205h: no common protocol version.
    UnsupportedVersion = 0x0205,
    /// 0206h.
    TooManyConnections = 0x0206,
    /// 0207h: InitiatorName or TargetName is missing.
    MissingParameter = 0x0207,
    /// 0208h: the session cannot span to this portal group.
    CannotInclude = 0x0208,
    /// 0209h.
    SessionTypeNotSupported = 0x0209,
    /// 020Ah: a TSIH that is not known.
    SessionDoesNotExist = 0x020a,
    /// 020Bh: a request type that is not valid during login.
    InvalidDuringLogin = 0x020b,
    /// 0300h.
    TargetError = 0x0300,
    /// 0301h: not ready for sessions now; retry.
    ServiceUnavailable = 0x0301,
    /// 0302h.
    OutOfResources = 0x0302,
}

impl Status {
    /// Class (high byte) and detail (low byte).
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Whether the login can go on.
    pub const fn is_success(self) -> bool {
        matches!(self, Status::Success)
    }
}
