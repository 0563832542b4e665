//! Limits of what a peer may send before it is trusted, each with its reason.

/// Bytes of a key's name (RFC 7143 section 6.1).
pub const KEY: usize = 63;

/// Bytes of a value that is not a binary one (section 6.1).
pub const VALUE: usize = 255;

/// Bytes of a decoded binary value (section 12.1.3: CHAP_C and CHAP_R).
pub const BINARY: usize = 1024;

/// Bytes of an encoded value: a binary one in hexadecimal, and what vendors put into X- keys.
pub const ENCODED: usize = 8192;

/// Bytes of a data segment during login, both ways (section 13.12).
pub const LOGIN_SEGMENT: usize = 8192;

/// Bytes of text in one logical request, all its parts with the C bit together. Section 6.2 asks for 8192 at least.
pub const TEXT: usize = 16 << 10;

/// Keys in one logical request: about four times what an initiator with a use for every key sends.
pub const PAIRS: usize = 128;

/// Login requests of one login: a mutual CHAP with every step and every offer on its own needs 9.
pub const ROUNDS: u32 = 32;

/// Bytes of an iSCSI name (section 4.2.7.1).
pub const NAME: usize = 223;

/// Bytes of a CHAP challenge that we make: as many as the longest hash.
pub const CHALLENGE: usize = 32;

/// Bytes of a secret from which on initiators take it without complaint (section 9.2.1: 96 bits).
pub const SECRET: usize = 12;

/// The iSCSIProtocolLevel that we know (RFC 7144: 2).
pub const PROTOCOL_LEVEL: u32 = 2;
