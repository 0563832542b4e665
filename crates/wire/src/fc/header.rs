//! The frame header: 24 bytes. FC-FS-5 clause 12.

use super::{PortId, RCtl, Type, UNASSIGNED};
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// The header of every frame. Fields are as on the wire; the methods of the same names give host values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FrameHeader {
    /// Routing control.
    pub r_ctl: RCtl,
    /// Destination.
    pub d_id: [u8; 3],
    /// Class specific control, or priority.
    pub cs_ctl: u8,
    /// Source.
    pub s_id: [u8; 3],
    /// Type of the data field.
    pub type_: Type,
    /// Frame control.
    pub f_ctl: [u8; 3],
    /// Sequence identifier.
    pub seq_id: u8,
    /// Which optional headers the data field begins with.
    pub df_ctl: u8,
    /// Number of the frame in its sequence.
    pub seq_cnt: U16,
    /// Exchange identifier of the originator.
    pub ox_id: U16,
    /// Exchange identifier of the responder.
    pub rx_id: U16,
    /// Relative offset, or another value by frame type.
    pub parameter: U32,
}
assert_size!(FrameHeader = 24);
assert_offset!(FrameHeader: d_id = 1, cs_ctl = 4, s_id = 5, type_ = 8, f_ctl = 9, seq_id = 12, df_ctl = 13, seq_cnt = 14);
assert_offset!(FrameHeader: ox_id = 16, rx_id = 18, parameter = 20);

impl FrameHeader {
    /// A header with both exchange identifiers unassigned and all else zero.
    pub const fn new(r_ctl: RCtl, type_: Type, s_id: PortId, d_id: PortId) -> Self {
        Self {
            r_ctl,
            d_id: d_id.to_bytes(),
            cs_ctl: 0,
            s_id: s_id.to_bytes(),
            type_,
            f_ctl: [0; 3],
            seq_id: 0,
            df_ctl: 0,
            seq_cnt: U16::new(0),
            ox_id: U16::new(UNASSIGNED),
            rx_id: U16::new(UNASSIGNED),
            parameter: U32::new(0),
        }
    }

    /// This header with another F_CTL.
    #[must_use]
    pub const fn with_f_ctl(mut self, f_ctl: FCtl) -> Self {
        self.f_ctl = f_ctl.to_bytes();
        self
    }

    /// This header with the exchange identifiers of originator and responder.
    #[must_use]
    pub const fn with_exchange(mut self, ox_id: u16, rx_id: u16) -> Self {
        self.ox_id = U16::new(ox_id);
        self.rx_id = U16::new(rx_id);
        self
    }

    /// This header with the place of the frame in its exchange.
    #[must_use]
    pub const fn with_sequence(mut self, seq_id: u8, seq_cnt: u16) -> Self {
        self.seq_id = seq_id;
        self.seq_cnt = U16::new(seq_cnt);
        self
    }

    /// This header with a parameter. For a relative offset, F_CTL has to say so.
    #[must_use]
    pub const fn with_parameter(mut self, parameter: u32) -> Self {
        self.parameter = U32::new(parameter);
        self
    }

    /// Source.
    pub const fn s_id(&self) -> PortId {
        PortId::from_bytes(self.s_id)
    }

    /// Destination.
    pub const fn d_id(&self) -> PortId {
        PortId::from_bytes(self.d_id)
    }

    /// Frame control.
    pub const fn f_ctl(&self) -> FCtl {
        FCtl::from_bytes(self.f_ctl)
    }

    /// Exchange identifier of the originator.
    pub const fn ox_id(&self) -> u16 {
        self.ox_id.get()
    }

    /// Exchange identifier of the responder.
    pub const fn rx_id(&self) -> u16 {
        self.rx_id.get()
    }

    /// Number of the frame in its sequence.
    pub const fn seq_cnt(&self) -> u16 {
        self.seq_cnt.get()
    }

    /// The parameter field.
    pub const fn parameter(&self) -> u32 {
        self.parameter.get()
    }

    /// Where in the information unit the data of this frame belongs, when the frame says so.
    pub const fn relative_offset(&self) -> Option<u32> {
        if self.f_ctl().relative_offset() { Some(self.parameter.get()) } else { None }
    }

    /// Bytes at the start of the data field that are optional headers: ESP (8), network (16), association (32), device
    /// (16, 32 or 64). FC-FS-5 12.7.
    pub const fn optional_header_bytes(&self) -> usize {
        let esp = if self.df_ctl & 0x40 != 0 { 8 } else { 0 };
        let network = if self.df_ctl & 0x20 != 0 { 16 } else { 0 };
        let association = if self.df_ctl & 0x10 != 0 { 32 } else { 0 };
        let device = match self.df_ctl & 3 {
            0 => 0,
            n => 8 << n,
        };
        esp + network + association + device
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

bitfield! {
    /// F_CTL: 24 bits. FC-FS-5 12.6.
    pub struct FCtl(u32) {
        flags {
            /// Bit 23: sent by the responder of the exchange.
            exchange_responder, with_exchange_responder = 23;
            /// Bit 22: sent by the recipient of the sequence (link control frames).
            sequence_recipient, with_sequence_recipient = 22;
            /// Bit 21: belongs to the first sequence of the exchange.
            first_sequence, with_first_sequence = 21;
            /// Bit 20: belongs to the last sequence of the exchange.
            last_sequence, with_last_sequence = 20;
            /// Bit 19: last frame of the sequence.
            end_sequence, with_end_sequence = 19;
            /// Bit 18: end of a class 1 connection (obsolete).
            end_connection, with_end_connection = 18;
            /// Bit 17: CS_CTL is a priority.
            priority_enable, with_priority_enable = 17;
            /// Bit 16: sequence initiative is transferred (valid on the last frame of a sequence).
            transfer_initiative, with_transfer_initiative = 16;
            /// Bit 15: exchange identifier reassigned (obsolete).
            x_id_reassigned, with_x_id_reassigned = 15;
            /// Bit 14: exchange identifier invalidated (obsolete).
            x_id_invalidate, with_x_id_invalidate = 14;
            /// Bit 9: the sequence is sent again.
            retransmitted, with_retransmitted = 9;
            /// Bit 8: unidirectional transmission (obsolete).
            unidirectional, with_unidirectional = 8;
            /// Bit 3: the parameter field is a relative offset.
            relative_offset, with_relative_offset = 3;
        }
        fields {
            /// Bits 13:12: form of acknowledgement (0 none, 1 ACK_1, 3 ACK_0); not used in class 3.
            ack_form, with_ack_form: u8 = 12, 2;
            /// Bits 7:6: whether a further sequence follows soon (0 no information).
            continue_sequence, with_continue_sequence: u8 = 6, 2;
            /// Bits 5:4: abort sequence condition.
            abort_condition, with_abort_condition: u8 = 4, 2;
            /// Bits 1:0: fill bytes at the end of the data field.
            fill_bytes, with_fill_bytes: u8 = 0, 2;
        }
    }
}

impl FCtl {
    /// The one frame of a request that opens an exchange and waits for a reply: first sequence, end of it, initiative
    /// handed over. ELS and CT requests, FCP and NVMe commands, NVMe LS requests.
    pub const REQUEST: Self = Self(0x29_0000);
    /// The one frame of a reply that ends the exchange: exchange responder, last sequence, end of it.
    pub const REPLY: Self = Self(0x98_0000);

    /// F_CTL in the order of the wire.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]))
    }

    /// The three bytes to send.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, high, middle, low] = self.0.to_be_bytes();
        [high, middle, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn command_frame() {
        let h = FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, PortId(0x010200), PortId(0x030405))
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(0x1234, UNASSIGNED)
            .with_sequence(0x55, 0);
        let expected = [0x06, 3, 4, 5, 0, 1, 2, 0, 0x08, 0x29, 0, 0, 0x55, 0, 0, 0, 0x12, 0x34, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(h.to_bytes(), expected);
        let back: &FrameHeader = parse(&expected).unwrap();
        assert_eq!(back, &h);
        assert_eq!((back.s_id(), back.d_id()), (PortId(0x010200), PortId(0x030405)));
        assert_eq!((back.ox_id(), back.rx_id(), back.seq_cnt()), (0x1234, UNASSIGNED, 0));
        assert_eq!(back.relative_offset(), None);
        assert!(parse::<FrameHeader>(&expected[..23]).is_none());
    }

    #[test]
    fn data_frame() {
        let f_ctl = FCtl::default().with_exchange_responder(true).with_relative_offset(true).with_fill_bytes(3);
        let h = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, PortId(1), PortId(2))
            .with_f_ctl(f_ctl)
            .with_sequence(1, 0x0102)
            .with_parameter(0x1000);
        assert_eq!(h.f_ctl, [0x80, 0, 0x0b]);
        assert_eq!(h.to_bytes()[14..16], [1, 2]);
        assert_eq!(h.relative_offset(), Some(0x1000));
        assert_eq!(h.f_ctl().fill_bytes(), 3);
    }

    #[test]
    fn f_ctl_bits() {
        let f = FCtl::default().with_first_sequence(true).with_end_sequence(true).with_transfer_initiative(true);
        assert_eq!(f, FCtl::REQUEST);
        let f = FCtl::default().with_exchange_responder(true).with_last_sequence(true).with_end_sequence(true);
        assert_eq!(f, FCtl::REPLY);
        assert_eq!(FCtl::default().with_sequence_recipient(true).0, 1 << 22);
        assert_eq!(FCtl::default().with_abort_condition(2).0, 0x20);
        assert_eq!(FCtl::default().with_continue_sequence(3).0, 0xc0);
        assert_eq!(FCtl::from_bytes([0x98, 0, 0]), FCtl::REPLY);
    }

    #[test]
    fn optional_headers() {
        let mut h = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, PortId(1), PortId(2));
        for (df_ctl, bytes) in
            [(0, 0), (0x01, 16), (0x02, 32), (0x03, 64), (0x20, 16), (0x10, 32), (0x40, 8), (0x61, 40)]
        {
            h.df_ctl = df_ctl;
            assert_eq!(h.optional_header_bytes(), bytes, "{df_ctl:#x}");
        }
    }
}
