//! Values in the registers of other commands.

/// mb1 of [`Command::DATA_RATE`](super::Command::DATA_RATE): tells the rate.
pub const RATE_GET: u16 = 0;
/// mb1 of [`Command::DATA_RATE`](super::Command::DATA_RATE): sets it for the next time that the link comes up.
pub const RATE_SET: u16 = 1;
/// mb1 of [`Command::DATA_RATE`](super::Command::DATA_RATE): sets it and resets the link.
pub const RATE_SET_NOW: u16 = 2;

open_enum! {
    /// mb1 of [`Command::TRACE_CONTROL`](super::Command::TRACE_CONTROL).
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
    /// mb1 of [`Command::MEMORY_OFFLOAD`](super::Command::MEMORY_OFFLOAD).
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
    /// mb1 of [`Command::FLASH_ACCESS`](super::Command::FLASH_ACCESS).
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
    /// High byte of mb1 of [`Command::SET_RNID`](super::Command::SET_RNID) and [`Command::GET_RNID`](super::Command::GET_RNID).
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
    /// mb10 of [`Command::READ_SFP`](super::Command::READ_SFP).
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

/// mb1 with [`Status::COMMAND_ERROR`](super::Status::COMMAND_ERROR) of [`Command::READ_SFP`](super::Command::READ_SFP): no transceiver.
pub const NO_TRANSCEIVER: u16 = 0x22;
/// mb1 with [`Status::COMMAND_ERROR`](super::Status::COMMAND_ERROR) of [`Command::GET_ADAPTER_ID`](super::Command::GET_ADAPTER_ID): the loop is not ready.
pub const LOOP_NOT_READY: u16 = 7;
/// mb1 of [`Command::GET_NAME_LIST`](super::Command::GET_NAME_LIST): entries of 40 bytes.
pub const NAME_LIST_EXTENDED: u16 = 0x000c;
/// mb1 and handles: all ports.
pub const ALL_HANDLES: u16 = 0xffff;

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
