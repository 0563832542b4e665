//! Asynchronous events.

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
        /// The link is up; mb1 see [`Speed`](super::Speed), mb2 bit 0 FEC.
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

open_enum! {
    /// mb2 of [`Event::PORT_UPDATE`](super::Event::PORT_UPDATE).
    pub enum PortUpdate: u16 {
        /// PLOGI is complete.
        PLOGI_COMPLETE = 4,
        /// PRLI is complete.
        PRLI_COMPLETE = 6,
        /// Logged out.
        LOGGED_OUT = 7,
    }
}
