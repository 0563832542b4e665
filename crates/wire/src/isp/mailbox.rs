//! Mailbox commands: codes, statuses, events, and the bits in their registers.
//!
//! A command is all 32 mailboxes, the code in mailbox 0; so is its answer, with a status in mailbox 0. Registers of a command are
//! numbered in the comments as `mb1`.

use super::regs::MAILBOXES;

/// All mailboxes.
pub type Mailboxes = [u16; MAILBOXES];

open_enum! {
    /// Commands.
    pub enum Command: u16 {
        /// Nothing.
        NOP = 0x00,
        /// Writes a remote register; mb1, mb2 address, mb3, mb4 data, low half first.
        WRITE_REMOTE_REGISTER = 0x01,
        /// Starts the firmware; mb1, mb2 address (high half first), mb4 see [`Execute`], mb11 speed. Answer: mb2 highest speed.
        EXECUTE_FIRMWARE = 0x02,
        /// Writes a word of the serdes.
        WRITE_SERDES = 0x03,
        /// Reads a word of the serdes.
        READ_SERDES = 0x04,
        /// Loads or dumps the MPI's memory.
        MPI_RAM = 0x05,
        /// Register test: mb1 to mb7 come back.
        REGISTER_TEST = 0x06,
        /// Verifies the firmware's checksum; mb1, mb2 address (high half first).
        VERIFY_CHECKSUM = 0x07,
        /// Firmware version and attributes.
        GET_VERSION = 0x08,
        /// Reads a remote register; mb1, mb2 address. Answer: mb3, mb4.
        READ_REMOTE_REGISTER = 0x09,
        /// Loads the RISC's memory; mb1, mb8 address, mb4, mb5 dwords (high half first), A64.
        LOAD_RAM = 0x0b,
        /// Dumps the RISC's memory or flash; as 0Bh.
        DUMP_RAM = 0x0c,
        /// Writes a word of the RISC's memory; mb1, mb8 address, mb2, mb3 data.
        WRITE_RAM_WORD = 0x0d,
        /// Reads a word of the RISC's memory; mb1, mb8 address. Answer: mb2, mb3.
        READ_RAM_WORD = 0x0f,
        /// Serdes parameters.
        SERDES_PARAMETERS = 0x10,
        /// Executes an IOCB, old addressing.
        EXECUTE_IOCB = 0x12,
        /// Stops the firmware.
        STOP_FIRMWARE = 0x14,
        /// Aborts a command.
        ABORT_COMMAND = 0x15,
        /// Target reset.
        ABORT_TARGET = 0x17,
        /// Soft reset.
        SOFT_RESET = 0x18,
        /// Parameters of a remote port, speed among them.
        PORT_PARAMETERS = 0x1a,
        /// Makes or deletes a queue; mb1 see [`QueueOptions`].
        INIT_QUEUE = 0x1f,
        /// Own address and topology; mb9 vp. Answer: mb1 loop id, mb2, mb3 address, mb6 see [`Topology`].
        GET_ADAPTER_ID = 0x20,
        /// Interrupt delay threshold.
        ZIO_THRESHOLD = 0x21,
        /// Login retries and R_A_TOV. Answer: mb1 count, mb3 twice R_A_TOV in 100 ms.
        GET_RETRY_COUNT = 0x22,
        /// Trace buffers; mb1 see [`Trace`].
        TRACE_CONTROL = 0x27,
        /// Additional firmware options.
        GET_FIRMWARE_OPTIONS = 0x28,
        /// Fails the firmware.
        GENERATE_SYSTEM_ERROR = 0x2a,
        /// Writes the transceiver's memory.
        WRITE_SFP = 0x30,
        /// Reads the transceiver's memory; mb1 device (A0h, A2h), A64, mb8 length, mb9 offset, mb10 options.
        READ_SFP = 0x31,
        /// Memory for exchanges and logins in the host; mb1 see [`Offload`].
        MEMORY_OFFLOAD = 0x34,
        /// Additional firmware options; mb1, mb2, mb3, mb10: see [`FirmwareOptions1`].
        SET_FIRMWARE_OPTIONS = 0x38,
        /// LEDs.
        SET_LED = 0x3b,
        /// Restarts the MPI firmware.
        RESTART_MPI = 0x3d,
        /// Flash access control; mb1 see [`FlashAccess`].
        FLASH_ACCESS = 0x3e,
        /// Counts of exchanges, IOCBs and virtual ports.
        GET_RESOURCE_COUNTS = 0x42,
        /// Echo.
        ECHO = 0x44,
        /// Loopback.
        LOOPBACK = 0x45,
        /// Online self test.
        SELF_TEST = 0x46,
        /// D_Port diagnostics.
        D_PORT = 0x47,
        /// Starts with a [`MidIcb`](super::icb::MidIcb); mb1 see [`INIT_EXTENDED`], A64, mb14 length of the extended block.
        MID_INIT_FIRMWARE = 0x48,
        /// Table of virtual ports.
        GET_VP_DATABASE = 0x49,
        /// Entry of the table of virtual ports.
        GET_VP_ENTRY = 0x4a,
        /// Clears the link statistics.
        RESET_LINK_STATISTICS = 0x52,
        /// Executes the IOCB at A64 and puts its completion there.
        EXECUTE_IOCB_A64 = 0x54,
        /// Logs a port out.
        PORT_LOGOUT = 0x56,
        /// RNID.
        SEND_RNID = 0x57,
        /// Sets parameters; mb1 [`Rnid`] in the high byte, dwords in the low one, A64.
        SET_RNID = 0x59,
        /// Gets parameters; as 59h, mb8 dwords.
        GET_RNID = 0x5a,
        /// Data rate; mb1 see [`RATE_GET`]. Answer: mb1 see [`Speed`].
        DATA_RATE = 0x5d,
        /// RNFT.
        SEND_RNFT = 0x5e,
        /// Starts with an [`Icb`](super::icb::Icb).
        INIT_FIRMWARE = 0x60,
        /// LIP.
        INITIATE_LIP = 0x62,
        /// Positions in the loop.
        AL_PA_MAP = 0x63,
        /// Port database; mb1 handle, A64, mb9 vp, mb10 options.
        GET_PORT_DATABASE = 0x64,
        /// Clears ACA.
        CLEAR_ACA = 0x65,
        /// Target reset.
        TARGET_RESET = 0x66,
        /// Clears a task set.
        CLEAR_TASK_SET = 0x67,
        /// Aborts a task set.
        ABORT_TASK_SET = 0x68,
        /// State of the firmware. Answer: mb1 see [`FirmwareState`].
        GET_FIRMWARE_STATE = 0x69,
        /// Name of a port; mb1 handle, mb9 vp, mb10 bit 0 node name. Answer: mb2, mb3, mb6, mb7.
        GET_PORT_NAME = 0x6a,
        /// Link status of a port.
        GET_LINK_STATUS = 0x6b,
        /// LIP reset.
        LIP_RESET = 0x6c,
        /// Statistics of the link; A64, mb8 dwords, mb9 vp, mb10 options.
        GET_LINK_STATISTICS = 0x6d,
        /// State change registration; mb1 format, mb9 vp.
        SEND_CHANGE_REQUEST = 0x70,
        /// Logs into a fabric port.
        FABRIC_LOGIN = 0x71,
        /// Link initialization.
        LINK_INITIALIZATION = 0x72,
        /// List of ports with their names; mb1 see [`NAME_LIST_EXTENDED`], A64, mb8 bytes, mb9 vp. Answer: mb1 bytes.
        GET_NAME_LIST = 0x75,
        /// Vendor id.
        SET_VENDOR_ID = 0x76,
        /// List of handles and addresses; A64, mb9 vp. Answer: mb1 entries.
        GET_ID_LIST = 0x7c,
        /// Logical unit reset.
        LUN_RESET = 0x7e,
        /// Resets a port of a converged adapter.
        PORT_RESET = 0x120,
        /// Configures a port of a converged adapter.
        SET_PORT_CONFIG = 0x122,
        /// Configuration of a port of a converged adapter.
        GET_PORT_CONFIG = 0x123,
    }
}

open_enum! {
    /// Statuses: mailbox 0 of an answer.
    pub enum Status: u16 {
        /// Done.
        COMPLETE = 0x4000,
        /// No such command.
        INVALID_COMMAND = 0x4001,
        /// Host interface error: DMA.
        HOST_INTERFACE_ERROR = 0x4002,
        /// The test failed.
        TEST_FAILED = 0x4003,
        /// Not done: details in mb1 and mb2.
        COMMAND_ERROR = 0x4005,
        /// A parameter is wrong.
        PARAMETER_ERROR = 0x4006,
        /// The address is logged in by another handle, which is in mb1.
        PORT_ID_USED = 0x4007,
        /// The handle is another port's.
        LOOP_ID_USED = 0x4008,
        /// No handle is left.
        ALL_IDS_IN_USE = 0x4009,
        /// Not logged in.
        NOT_LOGGED_IN = 0x400a,
        /// The link is down.
        LINK_DOWN = 0x400b,
        /// The echo was not what was sent.
        ECHO_TEST_ERROR = 0x400c,
        /// The firmware's checksum is wrong.
        CHECKSUM_ERROR = 0x4010,
        /// The product key is wrong.
        INVALID_PRODUCT_KEY = 0x4020,
    }
}

impl Status {
    /// Whether the command was done.
    pub const fn is_complete(self) -> bool {
        self.0 == Self::COMPLETE.0
    }
}

open_enum! {
    /// Asynchronous events: mailbox 0.
    pub enum Event: u16 {
        /// The firmware was reset.
        RESET = 0x8001,
        /// The firmware failed; mb1, mb2 where (both 0: for good).
        SYSTEM_ERROR = 0x8002,
        /// DMA from a request queue failed.
        REQUEST_TRANSFER_ERROR = 0x8003,
        /// DMA to a response queue failed.
        RESPONSE_TRANSFER_ERROR = 0x8004,
        /// The response queue has room again.
        RESPONSE_WAKEUP = 0x8005,
        /// LIP.
        LIP = 0x8010,
        /// The link is up; mb1 see [`Speed`], mb2 bit 0 FEC.
        LOOP_UP = 0x8011,
        /// The link is down; mb1 reason.
        LOOP_DOWN = 0x8012,
        /// LIP reset.
        LIP_RESET = 0x8013,
        /// The state of a port changed; mb1 handle or FFFFh, mb2 state, mb3 reason and vp.
        PORT_UPDATE = 0x8014,
        /// RSCN; mb1 format and domain, mb2 area and AL_PA, mb3 vp.
        RSCN = 0x8015,
        /// LIP F8.
        LIP_F8 = 0x8016,
        /// Loop initialization error.
        LOOP_INIT_ERROR = 0x8017,
        /// The fabric wants authentication.
        AUTHENTICATION_REQUIRED = 0x801b,
        /// Congestion.
        CONGESTION = 0x801e,
        /// A command is done, handle in mb1 and mb2.
        SCSI_COMPLETION = 0x8020,
        /// A CTIO is done.
        CTIO_COMPLETION = 0x8021,
        /// Trace.
        TRACE = 0x8028,
        /// Point-to-point.
        POINT_TO_POINT = 0x8030,
        /// The way of connection changed.
        CONNECTION_CHANGE = 0x8036,
        /// There is something in the response queue.
        ZIO_RESPONSE = 0x8040,
        /// A frame was dropped.
        DISCARDED_FRAME = 0x8048,
        /// A command of an initiator was refused.
        REJECTED_COMMAND = 0x8049,
        /// It is hot.
        TEMPERATURE_ALERT = 0x8070,
        /// D_Port diagnostics.
        D_PORT = 0x8080,
        /// A transceiver was put in.
        TRANSCEIVER_INSERTED = 0x8130,
        /// The transceiver was taken out.
        TRANSCEIVER_REMOVED = 0x8131,
        /// MPI firmware failed or changed.
        MPI_STATE = 0x8200,
    }
}

/// An address in mb2, mb3, mb6, mb7 ("A64").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct A64(pub u64);

impl A64 {
    /// The address in the registers of a command.
    pub const fn get(mailboxes: &Mailboxes) -> u64 {
        Self::at(mailboxes, [2, 3, 6, 7])
    }

    /// An address in other registers: those of bits 31:16, 15:0, 63:48 and 47:32.
    pub const fn at(mailboxes: &Mailboxes, registers: [usize; 4]) -> u64 {
        let [a, b, c, d] = registers;
        (mailboxes[c] as u64) << 48 | (mailboxes[d] as u64) << 32 | (mailboxes[a] as u64) << 16 | mailboxes[b] as u64
    }

    /// Puts the address into the registers of a command.
    pub const fn put(self, mailboxes: &mut Mailboxes) {
        self.put_at(mailboxes, [2, 3, 6, 7]);
    }

    /// Puts it into other registers, as for [`at`](Self::at).
    pub const fn put_at(self, mailboxes: &mut Mailboxes, registers: [usize; 4]) {
        let [a, b, c, d] = registers;
        mailboxes[a] = (self.0 >> 16) as u16;
        mailboxes[b] = self.0 as u16;
        mailboxes[c] = (self.0 >> 48) as u16;
        mailboxes[d] = (self.0 >> 32) as u16;
    }
}

/// A number of 32 bits in two mailboxes: the high half in `high`.
pub const fn pair(mailboxes: &Mailboxes, high: usize, low: usize) -> u32 {
    (mailboxes[high] as u32) << 16 | mailboxes[low] as u32
}

/// Puts a number of 32 bits into two mailboxes.
pub const fn put_pair(mailboxes: &mut Mailboxes, high: usize, low: usize, value: u32) {
    mailboxes[high] = (value >> 16) as u16;
    mailboxes[low] = value as u16;
}

bitfield! {
    /// mb4 of [`Command::EXECUTE_FIRMWARE`].
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

/// mb1 of [`Command::MID_INIT_FIRMWARE`]: there is an extended control block, at the address in mb10 to mb13.
pub const INIT_EXTENDED: u16 = 1;
/// mb1 of [`Command::MID_INIT_FIRMWARE`]: there is a special-features block, at the address in mb16 to mb19, length in mb15.
pub const INIT_SPECIAL: u16 = 2;

bitfield! {
    /// mb1 of [`Command::INIT_QUEUE`]. mb4 is the queue number, mb5 its length, mb8 and mb9 its pointers, mb10 of a request queue the
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
    /// mb6 of [`Command::GET_VERSION`].
    pub struct Attributes(u16) {
        flags {
            /// Virtual ports; [`Command::MID_INIT_FIRMWARE`] starts the firmware.
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
    /// mb15 of [`Command::GET_VERSION`].
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
    /// mb16 of [`Command::GET_VERSION`].
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
    /// mb1 of [`Command::SET_FIRMWARE_OPTIONS`].
    pub struct FirmwareOptions1(u16) {
        flags {
            /// Unsolicited ELS are passed up (PUREX).
            purex, with_purex = 10;
        }
        fields {}
    }
}

bitfield! {
    /// mb2 of [`Command::SET_FIRMWARE_OPTIONS`].
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
    /// mb3 of [`Command::SET_FIRMWARE_OPTIONS`].
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
    /// mb1 of [`Command::GET_FIRMWARE_STATE`].
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
    /// mb6 of [`Command::GET_ADAPTER_ID`].
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
    /// Speed of the link, as [`Command::DATA_RATE`] and [`Event::LOOP_UP`] tell.
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
    /// Low bits of mb2 in the answer to [`Command::EXECUTE_FIRMWARE`].
    pub enum MaxSpeed: u16 {
        /// 16 Gb/s.
        GFC_16 = 0,
        /// 32 Gb/s.
        GFC_32 = 1,
        /// 64 Gb/s.
        GFC_64 = 2,
    }
}

/// mb1 of [`Command::DATA_RATE`]: tells the rate.
pub const RATE_GET: u16 = 0;
/// mb1 of [`Command::DATA_RATE`]: sets it for the next time that the link comes up.
pub const RATE_SET: u16 = 1;
/// mb1 of [`Command::DATA_RATE`]: sets it and resets the link.
pub const RATE_SET_NOW: u16 = 2;

open_enum! {
    /// mb1 of [`Command::TRACE_CONTROL`].
    pub enum Trace: u16 {
        /// Firmware trace on.
        EFT_ENABLE = 4,
        /// Firmware trace off.
        EFT_DISABLE = 5,
        /// Event trace on.
        FCE_ENABLE = 8,
        /// Event trace off.
        FCE_DISABLE = 9,
    }
}

open_enum! {
    /// mb1 of [`Command::MEMORY_OFFLOAD`].
    pub enum Offload: u16 {
        /// What exchanges need. Answer: mb4 bytes of each, mb10 their count.
        EXCHANGE_STATUS = 0x02,
        /// Memory for exchanges; A64, mb8, mb9 bytes (high half first).
        EXCHANGE_CONFIGURE = 0x03,
        /// What logins need.
        LOGIN_STATUS = 0x08,
        /// Memory for logins.
        LOGIN_CONFIGURE = 0x09,
    }
}

open_enum! {
    /// mb1 of [`Command::FLASH_ACCESS`].
    pub enum FlashAccess: u16 {
        /// Protects the flash.
        PROTECT = 0,
        /// Lets it be written.
        UNPROTECT = 1,
        /// Erases; mb2, mb3 first, mb4, mb5 last dword address, low half first.
        ERASE = 2,
        /// Takes the flash for this function.
        LOCK = 3,
        /// Gives it back.
        UNLOCK = 4,
        /// Bytes of a sector. Answer: mb1 dwords.
        SECTOR_SIZE = 5,
    }
}

open_enum! {
    /// High byte of mb1 of [`Command::SET_RNID`] and [`Command::GET_RNID`].
    pub enum Rnid: u8 {
        /// Which ELS are passed up: 32 bytes of bits.
        PUREX = 0x05,
        /// Service parameters of a login: 29 dwords.
        LOGIN_TEMPLATE = 0x07,
        /// Version of the driver.
        DRIVER_VERSION = 0x09,
        /// Temperature of the chip. Answer: mb1.
        TEMPERATURE = 0x0c,
    }
}

bitfield! {
    /// mb10 of [`Command::READ_SFP`].
    pub struct SfpOptions(u16) {
        flags {
            /// One byte, which comes in mb1.
            byte, with_byte = 0;
            /// A block, by A64.
            block, with_block = 1;
        }
        fields {}
    }
}

/// mb1 with [`Status::COMMAND_ERROR`] of [`Command::READ_SFP`]: no transceiver.
pub const NO_TRANSCEIVER: u16 = 0x22;
/// mb1 with [`Status::COMMAND_ERROR`] of [`Command::GET_ADAPTER_ID`]: the loop is not ready.
pub const LOOP_NOT_READY: u16 = 7;
/// mb1 of [`Command::GET_NAME_LIST`]: entries of 40 bytes.
pub const NAME_LIST_EXTENDED: u16 = 0x000c;
/// mb1 and handles: all ports.
pub const ALL_HANDLES: u16 = 0xffff;

open_enum! {
    /// mb2 of [`Event::PORT_UPDATE`].
    pub enum PortUpdate: u16 {
        /// PLOGI is complete.
        PLOGI_COMPLETE = 4,
        /// PRLI is complete.
        PRLI_COMPLETE = 6,
        /// Logged out.
        LOGGED_OUT = 7,
    }
}

open_enum! {
    /// Handles of the fabric's own ports.
    pub enum WellKnown: u16 {
        /// Management server, FFFFFAh, as drivers number it.
        MANAGEMENT_SERVER = 0x7ef,
        /// Name server, FFFFFCh.
        NAME_SERVER = 0x7fc,
        /// Fabric controller, FFFFFDh.
        FABRIC_CONTROLLER = 0x7fd,
        /// F_Port, FFFFFEh.
        F_PORT = 0x7fe,
        /// Broadcast, FFFFFFh.
        BROADCAST = 0x7ff,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn addresses_and_pairs() {
        let mut mailboxes = [0; MAILBOXES];
        A64(0x0123_4567_89ab_cdef).put(&mut mailboxes);
        assert_eq!([2, 3, 6, 7].map(|n| mailboxes[n]), [0x89ab, 0xcdef, 0x0123, 0x4567]);
        assert_eq!(A64::get(&mailboxes), 0x0123_4567_89ab_cdef);
        put_pair(&mut mailboxes, 8, 1, 0x7f80_1234);
        assert_eq!((mailboxes[1], mailboxes[8], pair(&mailboxes, 8, 1)), (0x1234, 0x7f80, 0x7f80_1234));
    }

    #[test]
    fn bits_as_drivers_send_them() {
        assert_eq!(QueueOptions(0).with_response(true).with_shadow(true).0, 0x2002);
        assert_eq!(Attributes(0).with_npiv(true).with_no_handshake(true).0, 0x44);
        assert_eq!(AttributesHigh(0).with_nvme(true).with_nvme_updated(true).0, 0x4400);
        assert_eq!(FirmwareOptions2(0).with_async_to_atio(true).0, 0x800);
        assert_eq!(FirmwareOptions3(0).with_transceiver_events(true).0, 0x400);
    }

    #[test]
    fn names_and_speeds() {
        assert_eq!(std::format!("{} {}", Command(0x48), Command(0x99)), "MID_INIT_FIRMWARE Command(0x99)");
        assert_eq!(std::format!("{:?}", Event(0x8014)), "PORT_UPDATE");
        assert!(Speed::at_most(32) == Speed::GFC_32 && Speed::at_most(20).gigabits() == 16);
        assert!(Status(0x4000).is_complete() && !Status::COMMAND_ERROR.is_complete());
    }
}
