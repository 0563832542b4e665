//! What is told to the firmware and by it: options, attributes, state, topology, speed.

bitfield! {
    /// mb4 of [`Command::EXECUTE_FIRMWARE`](super::Command::EXECUTE_FIRMWARE).
    pub struct Execute(u16) {
        flags {
            /// A long-range transceiver is there.
            long_range, with_long_range = 0;
            /// Exchanges may be kept in the host's memory.
            exchange_offload, with_exchange_offload = 2;
            /// FC-NVMe.
            nvme, with_nvme = 3;
            /// mb11 has a lowest speed.
            min_speed, with_min_speed = 4;
            /// Logins may be kept in the host's memory.
            extended_logins, with_extended_logins = 7;
        }
        fields {
            /// Distance of the long range.
            distance, with_distance: u8 = 12, 4;
        }
    }
}

/// mb1 of [`Command::MID_INIT_FIRMWARE`](super::Command::MID_INIT_FIRMWARE): there is an extended control block, at the address in mb10 to mb13.
pub const INIT_EXTENDED: u16 = 1;
/// mb1 of [`Command::MID_INIT_FIRMWARE`](super::Command::MID_INIT_FIRMWARE): there is a special-features block, at the address in mb16 to mb19, length in mb15.
pub const INIT_SPECIAL: u16 = 2;

bitfield! {
    /// mb1 of [`Command::INIT_QUEUE`](super::Command::INIT_QUEUE). mb4 is the queue number, mb5 its length, mb8 and mb9 its pointers, mb10 of a request queue the
    /// response queue that its completions go to, mb11 its virtual port, mb12 its quality of service, mb14 of a response queue its vector.
    pub struct QueueOptions(u16) {
        flags {
            /// The queue goes.
            delete, with_delete = 0;
            /// A response queue; else a request queue.
            response, with_response = 1;
            /// Low byte of the requester id (mb13) is valid.
            rid_low, with_rid_low = 4;
            /// High byte of the requester id is valid.
            rid_high, with_rid_high = 5;
            /// The host acknowledges each MSI-X message.
            msix_handshake, with_msix_handshake = 6;
            /// The adapter's pointer is also written behind the queue.
            shadow, with_shadow = 13;
        }
        fields {}
    }
}

bitfield! {
    /// mb6 of [`Command::GET_VERSION`](super::Command::GET_VERSION).
    pub struct Attributes(u16) {
        flags {
            /// Virtual ports; [`Command::MID_INIT_FIRMWARE`](super::Command::MID_INIT_FIRMWARE) starts the firmware.
            npiv, with_npiv = 2;
            /// T10 DIF.
            dif, with_dif = 4;
            /// MSI-X without handshake.
            no_handshake, with_no_handshake = 6;
        }
        fields {}
    }
}

bitfield! {
    /// mb15 of [`Command::GET_VERSION`](super::Command::GET_VERSION).
    pub struct AttributesHigh(u16) {
        flags {
            /// FC-NVMe first burst.
            nvme_first_burst, with_nvme_first_burst = 1;
            /// Logins may be kept in the host's memory.
            extended_logins, with_extended_logins = 2;
            /// Exchanges may be kept in the host's memory.
            exchange_offload, with_exchange_offload = 3;
            /// Protection information may be split off.
            pi_split, with_pi_split = 6;
            /// FC-NVMe.
            nvme, with_nvme = 10;
            /// FC-NVMe, updated.
            nvme_updated, with_nvme_updated = 14;
        }
        fields {}
    }
}

bitfield! {
    /// mb16 of [`Command::GET_VERSION`](super::Command::GET_VERSION).
    pub struct AttributesExtended(u16) {
        flags {
            /// MCTP dump.
            mctp_dump, with_mctp_dump = 0;
            /// Encryption of data in flight.
            edif, with_edif = 5;
            /// Signed firmware only.
            secure, with_secure = 10;
            /// Congestion management.
            scm, with_scm = 12;
            /// FC-NVMe 2: SLER, PI control.
            nvme_2, with_nvme_2 = 13;
            /// An abort of an NVMe command waits for its ABTS.
            abort_waits, with_abort_waits = 14;
        }
        fields {}
    }
}

bitfield! {
    /// mb1 of [`Command::SET_FIRMWARE_OPTIONS`](super::Command::SET_FIRMWARE_OPTIONS).
    pub struct FirmwareOptions1(u16) {
        flags {
            /// Unsolicited ELS are passed up (PUREX).
            purex, with_purex = 10;
        }
        fields {}
    }
}

bitfield! {
    /// mb2 of [`Command::SET_FIRMWARE_OPTIONS`](super::Command::SET_FIRMWARE_OPTIONS).
    pub struct FirmwareOptions2(u16) {
        flags {
            /// FLOGI is tried again and again.
            retry_flogi, with_retry_flogi = 3;
            /// The use of a stale exchange address is caught.
            exchange_tracking, with_exchange_tracking = 4;
            /// Half of the spare exchanges is for ELS.
            reserve_for_els, with_reserve_for_els = 8;
            /// ABTS, ID acquisition and PUREX go to the ATIO queue instead of response queue 0.
            async_to_atio, with_async_to_atio = 11;
        }
        fields {}
    }
}

bitfield! {
    /// mb3 of [`Command::SET_FIRMWARE_OPTIONS`](super::Command::SET_FIRMWARE_OPTIONS).
    pub struct FirmwareOptions3(u16) {
        flags {
            /// Events tell of transceivers.
            transceiver_events, with_transceiver_events = 10;
            /// A status waits for the answer to the ABTS.
            hold_aborted, with_hold_aborted = 12;
            /// Secure logins without a switch.
            n2n_secure, with_n2n_secure = 15;
        }
        fields {}
    }
}

open_enum! {
    /// mb1 of [`Command::GET_FIRMWARE_STATE`](super::Command::GET_FIRMWARE_STATE).
    pub enum FirmwareState: u16 {
        /// Not initialized.
        CONFIG_WAIT = 0,
        /// The loop is being initialized.
        WAIT_AL_PA = 1,
        /// The fabric login is under way.
        WAIT_LOGIN = 2,
        /// The port works.
        READY = 3,
        /// There is no link.
        LOSS_OF_SYNC = 4,
        /// Failed.
        ERROR = 5,
        /// Starts again.
        REINIT = 6,
        /// On a loop without an address.
        NON_PARTICIPATING = 7,
    }
}

open_enum! {
    /// mb6 of [`Command::GET_ADAPTER_ID`](super::Command::GET_ADAPTER_ID).
    pub enum Topology: u16 {
        /// Private loop.
        NL_PORT = 0,
        /// Public loop.
        FL_PORT = 1,
        /// An N_Port at the other end.
        N_PORT = 2,
        /// A switch at the other end.
        F_PORT = 3,
        /// None.
        NONE = 4,
    }
}

open_enum! {
    /// Speed of the link, as [`Command::DATA_RATE`](super::Command::DATA_RATE) and [`Event::LOOP_UP`](super::Event::LOOP_UP) tell.
    pub enum Speed: u16 {
        /// 1 Gb/s.
        GFC_1 = 0,
        /// 2 Gb/s.
        GFC_2 = 1,
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
        /// 10 Gb/s.
        GFC_10 = 0x13,
    }
}

impl Speed {
    /// Gb/s; 0 for a code that has none.
    pub const fn gigabits(self) -> u32 {
        match self {
            Self::GFC_1 => 1,
            Self::GFC_2 => 2,
            Self::GFC_4 => 4,
            Self::GFC_8 => 8,
            Self::GFC_16 => 16,
            Self::GFC_32 => 32,
            Self::GFC_64 => 64,
            Self::GFC_10 => 10,
            _ => 0,
        }
    }

    /// The fastest that is not faster than so many Gb/s.
    pub const fn at_most(gigabits: u32) -> Self {
        match gigabits {
            0..=1 => Self::GFC_1,
            2..=3 => Self::GFC_2,
            4..=7 => Self::GFC_4,
            8..=15 => Self::GFC_8,
            16..=31 => Self::GFC_16,
            32..=63 => Self::GFC_32,
            _ => Self::GFC_64,
        }
    }
}

open_enum! {
    /// Low bits of mb2 in the answer to [`Command::EXECUTE_FIRMWARE`](super::Command::EXECUTE_FIRMWARE).
    pub enum MaxSpeed: u16 {
        /// 16 Gb/s.
        GFC_16 = 0,
        /// 32 Gb/s.
        GFC_32 = 1,
        /// 64 Gb/s.
        GFC_64 = 2,
    }
}
