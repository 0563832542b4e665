//! FLOGI, FDISC, PLOGI, PDISC and their accepts: one layout. FC-LS-4 6.6 (service parameters).

use super::Command;
use crate::fc::{MAX_PAYLOAD, MIN_PAYLOAD, Wwn};
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

bitfield! {
    /// Common features: word 1, bits 31:16. Some bits have another meaning in FLOGI, in its accept, and in PLOGI; the
    /// names say which.
    pub struct CommonFeatures(u16) {
        flags {
            /// FLOGI and FDISC: the port can have several addresses (NPIV).
            npiv, with_npiv = 15;
            /// FLOGI accept: the address was not used by another port within R_A_TOV.
            clean_address, with_clean_address = 15;
            /// PLOGI: relative offset increases continuously.
            increasing_offset, with_increasing_offset = 15;
            /// PLOGI: relative offset may be random.
            random_offset, with_random_offset = 14;
            /// PLOGI: the vendor version field is valid.
            vendor_version, with_vendor_version = 13;
            /// FLOGI accept: the fabric gives several addresses (NPIV).
            npiv_accepted, with_npiv_accepted = 13;
            /// Sent by an F_Port (otherwise by an N_Port).
            f_port, with_f_port = 12;
            /// Alternate buffer-to-buffer credit management (loop).
            alternate_credit, with_alternate_credit = 11;
            /// E_D_TOV is in nanoseconds (otherwise in milliseconds).
            e_d_tov_ns, with_e_d_tov_ns = 10;
            /// Multicast.
            multicast, with_multicast = 9;
            /// Broadcast.
            broadcast, with_broadcast = 8;
            /// R_T_TOV is 100 microseconds (otherwise 100 milliseconds).
            r_t_tov_short, with_r_t_tov_short = 3;
            /// Dynamic half duplex.
            half_duplex, with_half_duplex = 2;
            /// SEQ_CNT.
            seq_cnt, with_seq_cnt = 1;
            /// The payload has 256 bytes (otherwise 116).
            long_payload, with_long_payload = 0;
        }
        fields {}
    }
}

/// Common service parameters: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CommonParams {
    /// Highest version; 20h by use (obsolete).
    pub high_version: u8,
    /// Lowest version; 20h by use (obsolete).
    pub low_version: u8,
    /// Buffer-to-buffer credit: receive buffers of the sender.
    pub bb_credit: U16,
    /// See [`CommonFeatures`].
    pub features: U16,
    /// Bits 15:12 BB_SC_N, bits 11:0 receive data field size.
    pub receive_size: U16,
    /// FLOGI accept: R_A_TOV in ms. PLOGI: total concurrent sequences (31:16), relative offset by category (15:0).
    pub word2: U32,
    /// E_D_TOV: PLOGI between two N_Ports without a fabric, and FLOGI accept.
    pub e_d_tov: U32,
}
assert_size!(CommonParams = 16);
assert_offset!(CommonParams: bb_credit = 2, features = 4, receive_size = 6, word2 = 8, e_d_tov = 12);

impl CommonParams {
    /// The flags.
    pub const fn features(&self) -> CommonFeatures {
        CommonFeatures(self.features.get())
    }

    /// Buffers of the sender for frames of this link.
    pub const fn bb_credit(&self) -> u16 {
        self.bb_credit.get()
    }

    /// The longest data field that the sender takes, when the value is a permitted one: 256 to 2112, a multiple of 4.
    pub const fn receive_size(&self) -> Option<u16> {
        permitted_size(self.receive_size.get() & 0xfff)
    }

    /// R_A_TOV in ms (FLOGI accept).
    pub const fn r_a_tov_ms(&self) -> u32 {
        self.word2.get()
    }

    /// E_D_TOV in ms, whatever unit it was sent in. A part of a millisecond counts as one.
    pub const fn e_d_tov_ms(&self) -> u32 {
        let value = self.e_d_tov.get();
        if self.features().e_d_tov_ns() { value.div_ceil(1_000_000) } else { value }
    }
}

const fn permitted_size(size: u16) -> Option<u16> {
    if size as usize >= MIN_PAYLOAD && size as usize <= MAX_PAYLOAD && size.is_multiple_of(4) {
        Some(size)
    } else {
        None
    }
}

bitfield! {
    /// Service options of a class.
    pub struct ClassFlags(u16) {
        flags {
            /// The class is supported; without it the rest means nothing.
            valid, with_valid = 15;
            /// Intermix (obsolete).
            intermix, with_intermix = 14;
            /// Sequential delivery.
            sequential, with_sequential = 11;
            /// Priority (CS_CTL as priority).
            priority, with_priority = 7;
        }
        fields {}
    }
}

/// Service parameters of one class: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ClassParams {
    /// See [`ClassFlags`].
    pub flags: U16,
    /// Initiator control.
    pub initiator: U16,
    /// Recipient control.
    pub recipient: U16,
    /// Receive data field size (bits 11:0).
    pub receive_size: U16,
    /// Concurrent sequences.
    pub concurrent_sequences: U16,
    /// End-to-end credit (classes 1 and 2).
    pub ee_credit: U16,
    /// Reserved.
    pub rsvd12: u8,
    /// Open sequences of an exchange.
    pub open_sequences: u8,
    /// Class 6 (obsolete).
    pub rsvd14: U16,
}
assert_size!(ClassParams = 16);
assert_offset!(ClassParams: receive_size = 6, concurrent_sequences = 8, ee_credit = 10, open_sequences = 13);

impl ClassParams {
    /// Class 3 with this receive data field size: what an N_Port says in PLOGI.
    pub const fn class3(receive_size: u16) -> Self {
        Self {
            flags: U16::new(ClassFlags(0).with_valid(true).with_sequential(true).0),
            initiator: U16::new(0),
            recipient: U16::new(0),
            receive_size: U16::new(receive_size),
            concurrent_sequences: U16::new(255),
            ee_credit: U16::new(0),
            rsvd12: 0,
            open_sequences: 1,
            rsvd14: U16::new(0),
        }
    }

    /// The flags.
    pub const fn flags(&self) -> ClassFlags {
        ClassFlags(self.flags.get())
    }

    /// The receive data field size when it is permitted: 256 to 2112, a multiple of 4.
    pub const fn receive_size(&self) -> Option<u16> {
        permitted_size(self.receive_size.get() & 0xfff)
    }
}

/// Length of a login payload with [`CommonFeatures::long_payload`].
pub const LOGIN_LONG_BYTES: usize = 256;

/// FLOGI, FDISC, PLOGI, PDISC and their accepts: 116 bytes (140 more follow when the long payload bit is set).
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Login {
    /// The request, or [`Command::LS_ACC`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 3],
    /// Common service parameters.
    pub common: CommonParams,
    /// Port name; in a FLOGI accept that of the F_Port.
    pub port_name: [u8; 8],
    /// Node name; in a FLOGI accept that of the fabric.
    pub node_name: [u8; 8],
    /// Class 1 to 3, then the auxiliary (formerly class 4) parameters.
    pub classes: [ClassParams; 4],
    /// Vendor version level.
    pub vendor_version: [u8; 16],
}
assert_size!(Login = 116);
assert_offset!(Login: common = 4, port_name = 20, node_name = 28, classes = 36, vendor_version = 100);

impl Login {
    /// Names and a version, 4 buffers of credit and the largest frame; all else zero. For FLOGI and PLOGI see
    /// [`Self::fabric`] and [`Self::n_port`].
    pub const fn new(command: Command, port_name: Wwn, node_name: Wwn, receive_size: u16) -> Self {
        Self {
            command,
            rsvd1: [0; 3],
            common: CommonParams {
                high_version: 0x20,
                low_version: 0x20,
                bb_credit: U16::new(4),
                features: U16::new(0),
                receive_size: U16::new(receive_size),
                word2: U32::new(0),
                e_d_tov: U32::new(0),
            },
            port_name: port_name.to_bytes(),
            node_name: node_name.to_bytes(),
            classes: [NO_CLASS, NO_CLASS, ClassParams::class3(receive_size), NO_CLASS],
            vendor_version: [0; 16],
        }
    }

    /// What an N_Port sends to an N_Port (PLOGI, PDISC, or the accept of either).
    pub const fn n_port(command: Command, port_name: Wwn, node_name: Wwn, receive_size: u16) -> Self {
        let mut login = Self::new(command, port_name, node_name, receive_size);
        login.common.features = U16::new(CommonFeatures(0).with_increasing_offset(true).0);
        login.common.word2 = U32::new(255 << 16 | 0x1f);
        login.common.e_d_tov = U32::new(crate::fc::E_D_TOV_MS);
        login
    }

    /// What an N_Port sends to the fabric: FLOGI, or FDISC for a further port name.
    pub const fn fabric(command: Command, port_name: Wwn, node_name: Wwn, receive_size: u16, npiv: bool) -> Self {
        let mut login = Self::new(command, port_name, node_name, receive_size);
        login.common.features = U16::new(CommonFeatures(0).with_npiv(npiv).0);
        login
    }

    /// The fabric's accept of FLOGI or FDISC. The address given is the D_ID of the frame that carries it.
    pub const fn fabric_accept(f_port_name: Wwn, fabric_name: Wwn, receive_size: u16, npiv: bool) -> Self {
        let mut login = Self::new(Command::LS_ACC, f_port_name, fabric_name, receive_size);
        let features = CommonFeatures(0).with_f_port(true).with_npiv_accepted(npiv);
        login.common.features = U16::new(features.0);
        login.with_timeouts(crate::fc::R_A_TOV_MS, crate::fc::E_D_TOV_MS)
    }

    /// This login with other flags.
    #[must_use]
    pub const fn with_features(mut self, features: CommonFeatures) -> Self {
        self.common.features = U16::new(features.0);
        self
    }

    /// This login with another credit.
    #[must_use]
    pub const fn with_credit(mut self, bb_credit: u16) -> Self {
        self.common.bb_credit = U16::new(bb_credit);
        self
    }

    /// This accept of FLOGI with these timeouts.
    #[must_use]
    pub const fn with_timeouts(mut self, r_a_tov_ms: u32, e_d_tov_ms: u32) -> Self {
        self.common.word2 = U32::new(r_a_tov_ms);
        self.common.e_d_tov = U32::new(e_d_tov_ms);
        self
    }

    /// Port name.
    pub const fn port_name(&self) -> Wwn {
        Wwn::from_bytes(self.port_name)
    }

    /// Node name.
    pub const fn node_name(&self) -> Wwn {
        Wwn::from_bytes(self.node_name)
    }

    /// Class 3, when the sender supports it.
    pub const fn class3(&self) -> Option<&ClassParams> {
        if self.classes[2].flags().valid() { Some(&self.classes[2]) } else { None }
    }

    /// The longest data field for class 3 frames to the sender: the smaller of what it said for the link and for the class,
    /// a value that is not permitted counting as not said. `None` when it does not support class 3 or said neither.
    pub fn receive_size(&self) -> Option<u16> {
        let class = self.class3()?.receive_size();
        match (self.common.receive_size(), class) {
            (Some(link), Some(class)) => Some(link.min(class)),
            (link, class) => link.or(class),
        }
    }

    /// How many bytes the sender says that the payload has.
    pub const fn payload_bytes(&self) -> usize {
        if self.common.features().long_payload() { LOGIN_LONG_BYTES } else { 116 }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 116] {
        transmute!(self)
    }
}

const NO_CLASS: ClassParams = ClassParams {
    flags: U16::new(0),
    initiator: U16::new(0),
    recipient: U16::new(0),
    receive_size: U16::new(0),
    concurrent_sequences: U16::new(0),
    ee_credit: U16::new(0),
    rsvd12: 0,
    open_sequences: 0,
    rsvd14: U16::new(0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    const PORT: Wwn = Wwn(0x2100_0024_ff77_99ab);
    const NODE: Wwn = Wwn(0x2000_0024_ff77_99ab);

    #[test]
    fn plogi() {
        let bytes = Login::n_port(Command::PLOGI, PORT, NODE, 2048).to_bytes();
        assert_eq!(&bytes[..12], &[3, 0, 0, 0, 0x20, 0x20, 0, 4, 0x80, 0, 8, 0]);
        assert_eq!(&bytes[12..20], &[0, 255, 0, 0x1f, 0, 0, 0x07, 0xd0]);
        assert_eq!(
            &bytes[20..36],
            &[0x21, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab, 0x20, 0, 0, 0x24, 0xff, 0x77, 0x99, 0xab]
        );
        assert_eq!(&bytes[36..68], &[0; 32]);
        assert_eq!(&bytes[68..84], &[0x88, 0, 0, 0, 0, 0, 8, 0, 0, 255, 0, 0, 0, 1, 0, 0]);
        assert_eq!(&bytes[84..], &[0; 32]);
        let login: &Login = parse(&bytes).unwrap();
        assert_eq!((login.port_name(), login.node_name()), (PORT, NODE));
        assert_eq!(login.receive_size(), Some(2048));
        assert!(!login.common.features().f_port());
        assert_eq!(login.common.bb_credit(), 4);
        assert_eq!(login.payload_bytes(), 116);
    }

    #[test]
    fn flogi_and_accept() {
        let request = Login::fabric(Command::FLOGI, PORT, NODE, 2112, true);
        assert!(request.common.features().npiv());
        let accept = Login::fabric_accept(Wwn(1), Wwn(2), 2112, true);
        let bytes = accept.to_bytes();
        assert_eq!(&bytes[..20], &[2, 0, 0, 0, 0x20, 0x20, 0, 4, 0x30, 0, 8, 0x40, 0, 0, 0x27, 0x10, 0, 0, 7, 0xd0]);
        assert_eq!((accept.common.r_a_tov_ms(), accept.common.e_d_tov_ms()), (10_000, 2_000));
        assert!(accept.common.features().f_port() && accept.common.features().npiv_accepted());
    }

    #[test]
    fn timeouts_in_nanoseconds() {
        let features = CommonFeatures(0).with_e_d_tov_ns(true);
        let login =
            Login::fabric_accept(PORT, NODE, 2048, false).with_features(features).with_timeouts(10_000, 2_000_000_001);
        assert_eq!(login.common.e_d_tov_ms(), 2001);
    }

    #[test]
    fn receive_sizes() {
        let with = |link, class| {
            let mut login = Login::n_port(Command::PLOGI, PORT, NODE, link);
            login.classes[2].receive_size = U16::new(class);
            login.receive_size()
        };
        assert_eq!(with(2048, 1024), Some(1024));
        assert_eq!(with(512, 0), Some(512));
        assert_eq!(with(0, 2112), Some(2112));
        assert_eq!(with(255, 2116), None);
        assert_eq!(with(0xf800, 0x0802), Some(2048));
        let mut login = Login::n_port(Command::PLOGI, PORT, NODE, 2048);
        login.classes[2].flags = U16::new(0);
        assert_eq!(login.receive_size(), None);
    }
}
