//! The short services: LS_ACC without more, LOGO, ADISC, RLS, RTV. FC-LS-4 4.4.2, 4.3.7, 4.3.14, 4.3.11, 4.3.10.

use super::Command;
use crate::fc::{PortId, Wwn};
use zerocopy::byteorder::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// LS_ACC of a service that has nothing to tell (LOGO, SCR, RRQ, RSCN): 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LsAcc {
    /// [`Command::LS_ACC`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 3],
}
assert_size!(LsAcc = 4);

impl LsAcc {
    /// The accept.
    pub const PLAIN: Self = Self { command: Command::LS_ACC, rsvd1: [0; 3] };

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 4] {
        transmute!(self)
    }
}

/// LOGO: 16 bytes. The accept is [`LsAcc`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Logo {
    /// [`Command::LOGO`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 4],
    /// Address of the port that logs out.
    pub port_id: [u8; 3],
    /// Its port name.
    pub port_name: [u8; 8],
}
assert_size!(Logo = 16);
assert_offset!(Logo: port_id = 5, port_name = 8);

impl Logo {
    /// The port with this address and name logs out.
    pub const fn new(port_id: PortId, port_name: Wwn) -> Self {
        Self { command: Command::LOGO, rsvd1: [0; 4], port_id: port_id.to_bytes(), port_name: port_name.to_bytes() }
    }

    /// Address of the port that logs out.
    pub const fn port_id(&self) -> PortId {
        PortId::from_bytes(self.port_id)
    }

    /// Its port name.
    pub const fn port_name(&self) -> Wwn {
        Wwn::from_bytes(self.port_name)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 16] {
        transmute!(self)
    }
}

/// ADISC and its accept: 28 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Adisc {
    /// [`Command::ADISC`] or [`Command::LS_ACC`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 4],
    /// Hard address on a loop, otherwise 0.
    pub hard_address: [u8; 3],
    /// Port name of the sender.
    pub port_name: [u8; 8],
    /// Node name of the sender.
    pub node_name: [u8; 8],
    /// Reserved.
    pub rsvd24: u8,
    /// Address of the sender.
    pub port_id: [u8; 3],
}
assert_size!(Adisc = 28);
assert_offset!(Adisc: hard_address = 5, port_name = 8, node_name = 16, port_id = 25);

impl Adisc {
    /// The request, or with [`Command::LS_ACC`] its accept, of the port with these names and address.
    pub const fn new(command: Command, port_name: Wwn, node_name: Wwn, port_id: PortId) -> Self {
        Self {
            command,
            rsvd1: [0; 4],
            hard_address: [0; 3],
            port_name: port_name.to_bytes(),
            node_name: node_name.to_bytes(),
            rsvd24: 0,
            port_id: port_id.to_bytes(),
        }
    }

    /// Port name of the sender.
    pub const fn port_name(&self) -> Wwn {
        Wwn::from_bytes(self.port_name)
    }

    /// Node name of the sender.
    pub const fn node_name(&self) -> Wwn {
        Wwn::from_bytes(self.node_name)
    }

    /// Address of the sender.
    pub const fn port_id(&self) -> PortId {
        PortId::from_bytes(self.port_id)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 28] {
        transmute!(self)
    }
}

/// RLS: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Rls {
    /// [`Command::RLS`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 4],
    /// The port whose counters are asked for; 0 for the one that receives the request.
    pub port_id: [u8; 3],
}
assert_size!(Rls = 8);

impl Rls {
    /// Asks for the counters of a port.
    pub const fn new(port_id: PortId) -> Self {
        Self { command: Command::RLS, rsvd1: [0; 4], port_id: port_id.to_bytes() }
    }

    /// The port asked for.
    pub const fn port_id(&self) -> PortId {
        PortId::from_bytes(self.port_id)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 8] {
        transmute!(self)
    }
}

/// Link error status block: 24 bytes. FC-FS-5 table of the LESB.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LinkErrors {
    /// Link failures.
    pub link_failures: U32,
    /// Losses of synchronization.
    pub sync_losses: U32,
    /// Losses of signal.
    pub signal_losses: U32,
    /// Primitive sequence protocol errors.
    pub primitive_errors: U32,
    /// Invalid transmission words.
    pub invalid_words: U32,
    /// Frames with an invalid CRC.
    pub invalid_crcs: U32,
}
assert_size!(LinkErrors = 24);

/// Accept of RLS: 28 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RlsAcc {
    /// LS_ACC.
    pub head: LsAcc,
    /// The counters.
    pub errors: LinkErrors,
}
assert_size!(RlsAcc = 28);

impl RlsAcc {
    /// The accept with these counters.
    pub const fn new(errors: LinkErrors) -> Self {
        Self { head: LsAcc::PLAIN, errors }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 28] {
        transmute!(self)
    }
}

bitfield! {
    /// Units of an RTV accept.
    pub struct TimeoutQualifier(u32) {
        flags {
            /// E_D_TOV is in nanoseconds.
            e_d_tov_ns, with_e_d_tov_ns = 26;
            /// R_T_TOV is 100 microseconds.
            r_t_tov_short, with_r_t_tov_short = 19;
        }
        fields {}
    }
}

/// Accept of RTV: 16 bytes. The request is the command word alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RtvAcc {
    /// LS_ACC.
    pub head: LsAcc,
    /// R_A_TOV in ms.
    pub r_a_tov: U32,
    /// E_D_TOV, in ms unless the qualifier says otherwise.
    pub e_d_tov: U32,
    /// See [`TimeoutQualifier`].
    pub qualifier: U32,
}
assert_size!(RtvAcc = 16);

impl RtvAcc {
    /// The accept with both timeouts in ms.
    pub const fn new(r_a_tov_ms: u32, e_d_tov_ms: u32) -> Self {
        let (r_a_tov, e_d_tov) = (U32::new(r_a_tov_ms), U32::new(e_d_tov_ms));
        Self { head: LsAcc::PLAIN, r_a_tov, e_d_tov, qualifier: U32::new(0) }
    }

    /// E_D_TOV in ms, whatever unit it was sent in. A part of a millisecond counts as one.
    pub const fn e_d_tov_ms(&self) -> u32 {
        let value = self.e_d_tov.get();
        if TimeoutQualifier(self.qualifier.get()).e_d_tov_ns() { value.div_ceil(1_000_000) } else { value }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 16] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::els::Request;
    use crate::{IntoBytes, parse};

    #[test]
    fn logo() {
        let bytes = Logo::new(PortId(0x010203), Wwn(0x2100_0024_ff77_99ab)).to_bytes();
        assert_eq!(bytes, [5, 0, 0, 0, 0, 1, 2, 3, 0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab]);
        let Ok(Request::Logo(back)) = Request::parse(&bytes) else { panic!("not a LOGO") };
        assert_eq!((back.port_id(), back.port_name()), (PortId(0x010203), Wwn(0x2100_0024_ff77_99ab)));
    }

    #[test]
    fn adisc() {
        let bytes = Adisc::new(Command::LS_ACC, Wwn(1), Wwn(2), PortId(0x0a0b0c)).to_bytes();
        assert_eq!(&bytes[..8], &[2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[8..], &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x0a, 0x0b, 0x0c]);
        let back: &Adisc = parse(&bytes).unwrap();
        assert_eq!((back.port_name(), back.node_name(), back.port_id()), (Wwn(1), Wwn(2), PortId(0x0a0b0c)));
    }

    #[test]
    fn counters_and_timeouts() {
        assert_eq!(LsAcc::PLAIN.to_bytes(), [2, 0, 0, 0]);
        assert_eq!(Rls::new(PortId(0x010203)).to_bytes(), [0x0f, 0, 0, 0, 0, 1, 2, 3]);
        let errors = LinkErrors { invalid_crcs: U32::new(7), link_failures: U32::new(1), ..Default::default() };
        let bytes = RlsAcc::new(errors).to_bytes();
        assert_eq!((&bytes[..8], &bytes[24..]), (&[2, 0, 0, 0, 0, 0, 0, 1][..], &[0, 0, 0, 7][..]));
        assert_eq!(errors.as_bytes(), &bytes[4..]);
        let mut acc = RtvAcc::new(10_000, 2_000);
        assert_eq!(acc.to_bytes(), [2, 0, 0, 0, 0, 0, 0x27, 0x10, 0, 0, 7, 0xd0, 0, 0, 0, 0]);
        acc.qualifier = U32::new(1 << 26);
        assert_eq!(acc.e_d_tov_ms(), 1);
    }
}
