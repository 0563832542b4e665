//! The initialization control block: what the host tells the firmware at its start (mailbox commands 48h and 60h).

use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of this layout.
pub const ICB_VERSION: u16 = 1;
/// Most virtual ports that a [`MidIcb`] has room for.
pub const MAX_VPORTS: usize = 256;

/// Initialization control block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Icb {
    /// [`ICB_VERSION`].
    pub version: U16,
    /// 0.
    pub reserved_2: U16,
    /// Receive data field size; 2,048 unless NVRAM says otherwise.
    pub frame_payload: U16,
    /// Most commands at a time; FFFFh, or what mailbox command 42h told.
    pub execution_throttle: U16,
    /// How many exchanges for the host's role: FFFFh as many as there are (target), 0 the firmware's choice.
    pub exchange_count: U16,
    /// Loop address, with [`Options1::hard_address`].
    pub hard_address: U16,
    /// Port name, as on the link.
    pub port_name: [u8; 8],
    /// Node name, as on the link; without [`Options1::node_name`] it is derived from the port name.
    pub node_name: [u8; 8],
    /// Where the response queue starts: 0.
    pub response_in: U16,
    /// Where the request queue starts: 0.
    pub request_out: U16,
    /// How often a login is tried; 8.
    pub login_retries: U16,
    /// Where the priority request queue starts: 0.
    pub priority_out: U16,
    /// Entries of the response queue.
    pub response_length: U16,
    /// Entries of the request queue.
    pub request_length: U16,
    /// How long NOS may last before the link is down, in 10 ms.
    pub link_down_on_nos: U16,
    /// Entries of the priority request queue: 0, there is none.
    pub priority_length: U16,
    /// The request queue.
    pub request_address: U64,
    /// The response queue.
    pub response_address: U64,
    /// The priority request queue.
    pub priority_address: U64,
    /// MSI-X vector of the response queue; 0: host_status tells of it.
    pub response_vector: U16,
    /// MSI-X vector of the ATIO queue, unless [`Options2::atio_intx`].
    pub atio_vector: U16,
    /// 0.
    pub reserved_72: U32,
    /// Where the ATIO queue starts: 0.
    pub atio_in: U16,
    /// Entries of the ATIO queue.
    pub atio_length: U16,
    /// The ATIO queue; 0: there is none.
    pub atio_address: U64,
    /// How long a response interrupt may wait, in 100 us (with an operation mode of 5 or 6).
    pub interrupt_delay: U16,
    /// How long a login may last, in s.
    pub login_timeout: U16,
    /// See [`Options1`].
    pub options_1: U32,
    /// See [`Options2`].
    pub options_2: U32,
    /// See [`Options3`].
    pub options_3: U32,
    /// Quality of service of queue 0; 5.
    pub qos: U16,
    /// Requester id of queue 0.
    pub rid: U16,
    /// 0. On converged adapters, bytes 4 to 9 are a MAC address.
    pub reserved_108: [u8; 20],
}
assert_size!(Icb = 128);
assert_offset!(Icb: frame_payload = 4, execution_throttle = 6, exchange_count = 8, hard_address = 10, port_name = 12, node_name = 20);
assert_offset!(Icb: response_in = 28, request_out = 30, login_retries = 32, priority_out = 34, response_length = 36);
assert_offset!(Icb: request_length = 38, link_down_on_nos = 40, priority_length = 42, request_address = 44, response_address = 52);
assert_offset!(Icb: priority_address = 60, response_vector = 68, atio_vector = 70, atio_in = 76, atio_length = 78, atio_address = 80);
assert_offset!(Icb: interrupt_delay = 88, login_timeout = 90, options_1 = 92, options_2 = 96, options_3 = 100, qos = 104, rid = 106);

impl Icb {
    /// What drivers start from when there is no NVRAM: frames of 2,048 bytes, point-to-point before loop, any speed, everything that
    /// is the host's (names, queues, vectors) still 0.
    pub fn defaults() -> Self {
        Self {
            version: U16::new(ICB_VERSION),
            frame_payload: U16::new(2048),
            execution_throttle: U16::new(u16::MAX),
            login_retries: U16::new(8),
            login_timeout: U16::new(20),
            options_1: U32::new(
                Options1(0).with_full_login(true).with_node_name(true).with_full_duplex(true).with_fairness(true).0,
            ),
            options_2: U32::new(
                Options2(0).with_connection(Connection::LOOP_THEN_POINT_TO_POINT.0).with_fc_tape(true).0,
            ),
            options_3: U32::new(Options3(0).with_data_rate(DataRate::AUTO.0).0),
            qos: U16::new(5),
            ..Self::new_zeroed()
        }
    }

    /// See [`Options1`].
    pub const fn options_1(&self) -> Options1 {
        Options1(self.options_1.get())
    }

    /// See [`Options2`].
    pub const fn options_2(&self) -> Options2 {
        Options2(self.options_2.get())
    }

    /// See [`Options3`].
    pub const fn options_3(&self) -> Options3 {
        Options3(self.options_3.get())
    }
}

bitfield! {
    /// Firmware options, word 1.
    pub struct Options1(u32) {
        flags {
            /// The hard address is to be used.
            hard_address, with_hard_address = 0;
            /// Fairness on the loop.
            fairness, with_fairness = 1;
            /// Full duplex.
            full_duplex, with_full_duplex = 2;
            /// Target mode.
            target_mode, with_target_mode = 4;
            /// No initiator mode.
            no_initiator, with_no_initiator = 5;
            /// The fabric may assign the port name.
            fa_wwn, with_fa_wwn = 6;
            /// D_Port diagnostics.
            d_port, with_d_port = 7;
            /// Non-participating LIP.
            non_participating_lip, with_non_participating_lip = 9;
            /// Loop ids are searched downwards.
            descending_search, with_descending_search = 10;
            /// The loop id is acquired in LIPA.
            acquire_in_lipa, with_acquire_in_lipa = 11;
            /// Full login after LIP.
            full_login, with_full_login = 13;
            /// The node name of the control block is to be used.
            node_name, with_node_name = 14;
        }
        fields {}
    }
}

bitfield! {
    /// Firmware options, word 2.
    pub struct Options2(u32) {
        flags {
            /// Non-participating if the hard address cannot be had.
            non_participating_on_liha, with_non_participating_on_liha = 7;
            /// Class 2.
            class_2, with_class_2 = 8;
            /// ACK_0.
            ack_0, with_ack_0 = 9;
            /// FC-SP.
            security, with_security = 11;
            /// FC tape: FCP confirmation and retry.
            fc_tape, with_fc_tape = 12;
            /// The host decides about PRLI.
            target_prli_control, with_target_prli_control = 14;
            /// Low byte of the requester id is valid.
            rid_low, with_rid_low = 18;
            /// High byte of the requester id is valid.
            rid_high, with_rid_high = 19;
            /// The host acknowledges each MSI-X message by HCCR.
            msix_handshake, with_msix_handshake = 22;
            /// Queue registers are those in BAR4; qos, rid and vectors are valid.
            multi_queue, with_multi_queue = 23;
            /// The ATIO queue has no vector: host_status tells of it.
            atio_intx, with_atio_intx = 26;
            /// The out-pointer of request queue 0 is also written behind the queue.
            shadow_request, with_shadow_request = 29;
            /// The in-pointer of response queue 0 is also written behind the queue.
            shadow_response, with_shadow_response = 30;
        }
        fields {
            /// Interrupt delay mode (ZIO): 0, 5, 6.
            operation_mode, with_operation_mode: u8 = 0, 4;
            /// See [`Connection`].
            connection, with_connection: u8 = 4, 3;
        }
    }
}

bitfield! {
    /// Firmware options, word 3.
    pub struct Options3(u32) {
        flags {
            /// The host understands format 2 of Report ID Acquisition.
            rida_format_2, with_rida_format_2 = 0;
            /// Soft loop ids only.
            soft_id_only, with_soft_id_only = 1;
            /// Data frames out of order are taken.
            out_of_order_frames, with_out_of_order_frames = 6;
            /// No PLOGI by itself on a local loop.
            no_auto_plogi, with_no_auto_plogi = 7;
            /// Without a switch, the host does the login.
            n2n_host_login, with_n2n_host_login = 8;
            /// FCP_XFER_RDY with any relative offset.
            out_of_order_xfer_rdy, with_out_of_order_xfer_rdy = 9;
            /// 75 Ohm termination.
            ohm_75, with_ohm_75 = 16;
        }
        fields {
            /// Size class of the FCP_RSP payload.
            rsp_size, with_rsp_size: u8 = 4, 2;
            /// See [`DataRate`].
            data_rate, with_data_rate: u8 = 13, 3;
        }
    }
}

open_enum! {
    /// How the link is brought up.
    pub enum Connection: u8 {
        /// Loop only.
        LOOP = 0,
        /// Point-to-point only: what a switch's port or an N_Port needs.
        POINT_TO_POINT = 1,
        /// Loop preferred, else point-to-point.
        LOOP_THEN_POINT_TO_POINT = 2,
    }
}

open_enum! {
    /// Data rate, as asked for in [`Options3`].
    pub enum DataRate: u8 {
        /// 1 Gb/s.
        GFC_1 = 0,
        /// 2 Gb/s.
        GFC_2 = 1,
        /// Negotiated.
        AUTO = 2,
        /// 4 Gb/s.
        GFC_4 = 3,
        /// 8 Gb/s.
        GFC_8 = 4,
        /// 16 Gb/s.
        GFC_16 = 5,
        /// 32 Gb/s.
        GFC_32 = 6,
        /// 64 Gb/s.
        GFC_64 = 7,
    }
}

/// Head of the block that mailbox command 48h takes: behind it are [`MAX_VPORTS`] entries of [`VpEntry`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct MidIcb {
    /// As for command 60h.
    pub icb: Icb,
    /// How many virtual ports there may be.
    pub count: U16,
    /// 2: the entries are not looked at, virtual ports are made by IOCB.
    pub options: U16,
}
assert_size!(MidIcb = 132);
assert_offset!(MidIcb: count = 128, options = 130);
/// Bytes of a whole block with [`MAX_VPORTS`] entries.
pub const MID_ICB_BYTES: usize = size_of::<MidIcb>() + MAX_VPORTS * size_of::<VpEntry>();

/// A virtual port in the block of mailbox command 48h, and in what commands 49h and 4Ah tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct VpEntry {
    /// Status; 0 in the block.
    pub status: U16,
    /// Options.
    pub options: u8,
    /// Loop address.
    pub hard_address: u8,
    /// Port name, as on the link.
    pub port_name: [u8; 8],
    /// Node name, as on the link.
    pub node_name: [u8; 8],
}
assert_size!(VpEntry = 20);
assert_offset!(VpEntry: options = 2, hard_address = 3, port_name = 4, node_name = 12);

/// Special-features control block: mailbox command 48h has it with bit 1 of mailbox 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SpecialIcb {
    /// 0.
    pub format: u8,
    /// 0.
    pub reserved_1: u8,
    /// Bit 13 congestion management, bit 14 PI control, bit 15 SLER.
    pub flags: U16,
    /// 0.
    pub reserved_4: [u8; 124],
}
assert_size!(SpecialIcb = 128);
assert_offset!(SpecialIcb: flags = 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_an_adapter_without_nvram() {
        let icb = Icb::defaults();
        assert_eq!(icb.options_1.get(), 1 << 14 | 1 << 13 | 1 << 2 | 1 << 1);
        assert_eq!(icb.options_2.get(), 0x1020);
        assert_eq!(icb.options_3.get(), 0x4000);
        assert_eq!(icb.as_bytes()[4..8], [0, 8, 0xff, 0xff]);
        assert_eq!(MID_ICB_BYTES, 5252);
    }

    #[test]
    fn what_a_target_asks_for() {
        let one = Icb::defaults().options_1().with_target_mode(true).with_no_initiator(true);
        let two = Options2(0)
            .with_multi_queue(true)
            .with_shadow_request(true)
            .with_shadow_response(true)
            .with_atio_intx(true);
        assert_eq!(one.0 & 0x30, 0x30);
        assert_eq!(two.0, 0x6480_0000);
        assert_eq!(Connection(Options2(0x1020).connection()), Connection::LOOP_THEN_POINT_TO_POINT);
    }
}
