//! Codes of commands, and the statuses of their answers.

open_enum! {
    /// Commands.
    pub enum Command: u16 {
        /// Nothing.
        NOP = 0x00,
        /// Writes a remote register; mb1, mb2 address, mb3, mb4 data, low half first.
        WRITE_REMOTE_REGISTER = 0x01,
        /// Starts the firmware; mb1, mb2 address (high half first), mb4 see [`Execute`](super::Execute), mb11 speed. Answer: mb2 highest speed.
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
        /// Makes or deletes a queue; mb1 see [`QueueOptions`](super::QueueOptions).
        INIT_QUEUE = 0x1f,
        /// Own address and topology; mb9 vp. Answer: mb1 loop id, mb2, mb3 address, mb6 see [`Topology`](super::Topology).
        GET_ADAPTER_ID = 0x20,
        /// Interrupt delay threshold.
        ZIO_THRESHOLD = 0x21,
        /// Login retries and R_A_TOV. Answer: mb1 count, mb3 twice R_A_TOV in 100 ms.
        GET_RETRY_COUNT = 0x22,
        /// Trace buffers; mb1 see [`Trace`](super::Trace).
        TRACE_CONTROL = 0x27,
        /// Additional firmware options.
        GET_FIRMWARE_OPTIONS = 0x28,
        /// Fails the firmware.
        GENERATE_SYSTEM_ERROR = 0x2a,
        /// Writes the transceiver's memory.
        WRITE_SFP = 0x30,
        /// Reads the transceiver's memory; mb1 device (A0h, A2h), A64, mb8 length, mb9 offset, mb10 options.
        READ_SFP = 0x31,
        /// Memory for exchanges and logins in the host; mb1 see [`Offload`](super::Offload).
        MEMORY_OFFLOAD = 0x34,
        /// Additional firmware options; mb1, mb2, mb3, mb10: see [`FirmwareOptions1`](super::FirmwareOptions1).
        SET_FIRMWARE_OPTIONS = 0x38,
        /// LEDs.
        SET_LED = 0x3b,
        /// Restarts the MPI firmware.
        RESTART_MPI = 0x3d,
        /// Flash access control; mb1 see [`FlashAccess`](super::FlashAccess).
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
        /// Starts with a [`MidIcb`](crate::isp::icb::MidIcb); mb1 see [`INIT_EXTENDED`](super::INIT_EXTENDED), A64, mb14 length of the extended block.
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
        /// Sets parameters; mb1 [`Rnid`](super::Rnid) in the high byte, dwords in the low one, A64.
        SET_RNID = 0x59,
        /// Gets parameters; as 59h, mb8 dwords.
        GET_RNID = 0x5a,
        /// Data rate; mb1 see [`RATE_GET`](super::RATE_GET). Answer: mb1 see [`Speed`](super::Speed).
        DATA_RATE = 0x5d,
        /// RNFT.
        SEND_RNFT = 0x5e,
        /// Starts with an [`Icb`](crate::isp::icb::Icb).
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
        /// State of the firmware. Answer: mb1 see [`FirmwareState`](super::FirmwareState).
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
        /// List of ports with their names; mb1 see [`NAME_LIST_EXTENDED`](super::NAME_LIST_EXTENDED), A64, mb8 bytes, mb9 vp. Answer: mb1 bytes.
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
