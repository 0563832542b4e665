//! What a login agreed on: the operational parameters of a session and of one of its connections.

/// The outcome of the negotiation, RFC 7143 section 13. Values that were not negotiated are the standard's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// HeaderDigest is CRC32C (of this connection).
    pub header_digest: bool,
    /// DataDigest is CRC32C (of this connection).
    pub data_digest: bool,
    /// The largest data segment that we take, bytes (of this connection; our declaration).
    pub max_recv_data_segment_length: u32,
    /// The largest data segment that the peer takes, bytes (of this connection; its declaration).
    pub max_send_data_segment_length: u32,
    /// MaxBurstLength, bytes (of the session, as all below).
    pub max_burst_length: u32,
    /// FirstBurstLength, bytes; meaningless when `initial_r2t` and not `immediate_data`.
    pub first_burst_length: u32,
    /// ImmediateData.
    pub immediate_data: bool,
    /// InitialR2T.
    pub initial_r2t: bool,
    /// MaxOutstandingR2T.
    pub max_outstanding_r2t: u16,
    /// MaxConnections.
    pub max_connections: u16,
    /// DefaultTime2Wait, seconds.
    pub time2wait: u16,
    /// DefaultTime2Retain, seconds.
    pub time2retain: u16,
    /// DataPDUInOrder.
    pub data_pdu_in_order: bool,
    /// DataSequenceInOrder.
    pub data_sequence_in_order: bool,
    /// ErrorRecoveryLevel: always 0 with this target.
    pub error_recovery_level: u8,
    /// iSCSIProtocolLevel (RFC 7144): 1 is RFC 7143; 2 adds QUERY TASK, QUERY TASK SET, I_T NEXUS RESET, QUERY ASYNC EVENT
    /// and the priority field of commands.
    pub protocol_level: u16,
    /// TaskReporting is FastAbort (RFC 7143 section 13.23).
    pub fast_abort: bool,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters {
            header_digest: false,
            data_digest: false,
            max_recv_data_segment_length: 8192,
            max_send_data_segment_length: 8192,
            max_burst_length: 262_144,
            first_burst_length: 65_536,
            immediate_data: true,
            initial_r2t: true,
            max_outstanding_r2t: 1,
            max_connections: 1,
            time2wait: 2,
            time2retain: 20,
            data_pdu_in_order: true,
            data_sequence_in_order: true,
            error_recovery_level: 0,
            protocol_level: 1,
            fast_abort: false,
        }
    }
}
