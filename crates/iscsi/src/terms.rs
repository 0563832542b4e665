//! What one side wants of a negotiation, key by key, and where the outcome goes.

use crate::keys::Id;
use crate::{Options, Parameters, limits};

/// A settled or wanted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Yes or No.
    Flag(bool),
    /// A number.
    Number(u32),
    /// One of a list.
    Word(&'static str),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Flag(true) => f.write_str("Yes"),
            Value::Flag(false) => f.write_str("No"),
            Value::Number(number) => number.fmt(f),
            Value::Word(word) => f.write_str(word),
        }
    }
}

/// Which digests one side takes, the preferred first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Digest {
    /// None only.
    Never,
    /// Either, rather none: what a target takes if nobody insists.
    #[default]
    RatherNone,
    /// Either, rather CRC32C.
    RatherCrc,
    /// CRC32C only.
    Always,
}

impl Digest {
    fn words(self) -> &'static [&'static str] {
        match self {
            Digest::Never => &["None"],
            Digest::RatherNone => &["None", "CRC32C"],
            Digest::RatherCrc => &["CRC32C", "None"],
            Digest::Always => &["CRC32C"],
        }
    }
}

/// What one side wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The figures.
    pub options: Options,
    /// Digests of headers.
    pub header_digest: Digest,
    /// Digests of data.
    pub data_digest: Digest,
}

impl Terms {
    /// The wanted value of a key without a list. What depends on what is settled already is held against `settled`.
    pub fn wish(&self, id: Id, settled: &Parameters) -> Value {
        let options = &self.options;
        match id {
            Id::InitialR2t => Value::Flag(options.initial_r2t),
            Id::ImmediateData => Value::Flag(options.immediate_data),
            Id::DataPduInOrder | Id::DataSequenceInOrder => Value::Flag(true),
            Id::MaxConnections => Value::Number(options.max_connections.into()),
            Id::MaxRecvDataSegmentLength => Value::Number(options.max_recv_data_segment_length),
            Id::MaxBurstLength => Value::Number(options.max_burst_length),
            Id::FirstBurstLength => Value::Number(options.first_burst_length.min(settled.max_burst_length)),
            Id::DefaultTime2Wait => Value::Number(options.time2wait.into()),
            Id::DefaultTime2Retain => Value::Number(options.time2retain.into()),
            Id::MaxOutstandingR2t => Value::Number(options.max_outstanding_r2t.into()),
            Id::ErrorRecoveryLevel => Value::Number(0),
            Id::ProtocolLevel => Value::Number(limits::PROTOCOL_LEVEL),
            Id::HeaderDigest | Id::DataDigest | Id::TaskReporting => Value::Word(self.words(id)[0]),
        }
    }

    /// The values that are taken of a key with a list. Of TaskReporting only the plain one: responses of aborted tasks are not
    /// fenced over several connections.
    pub fn words(&self, id: Id) -> &'static [&'static str] {
        match id {
            Id::HeaderDigest => self.header_digest.words(),
            Id::DataDigest => self.data_digest.words(),
            _ => &["RFC3720"],
        }
    }
}

/// Where the outcome of a key is kept.
pub fn put(to: &mut Parameters, id: Id, value: Value) {
    match value {
        Value::Flag(flag) => put_flag(to, id, flag),
        Value::Number(number) => put_number(to, id, number),
        Value::Word(word) => put_word(to, id, word),
    }
}

fn put_flag(to: &mut Parameters, id: Id, flag: bool) {
    match id {
        Id::InitialR2t => to.initial_r2t = flag,
        Id::ImmediateData => to.immediate_data = flag,
        Id::DataPduInOrder => to.data_pdu_in_order = flag,
        Id::DataSequenceInOrder => to.data_sequence_in_order = flag,
        _ => {}
    }
}

fn put_number(to: &mut Parameters, id: Id, number: u32) {
    // Rules keep these below 2^16.
    let short = number as u16;
    match id {
        Id::MaxConnections => to.max_connections = short,
        // What the peer declares is what may be sent to it.
        Id::MaxRecvDataSegmentLength => to.max_send_data_segment_length = number,
        Id::MaxBurstLength => to.max_burst_length = number,
        Id::FirstBurstLength => to.first_burst_length = number,
        Id::DefaultTime2Wait => to.time2wait = short,
        Id::DefaultTime2Retain => to.time2retain = short,
        Id::MaxOutstandingR2t => to.max_outstanding_r2t = short,
        Id::ErrorRecoveryLevel => to.error_recovery_level = number as u8,
        Id::ProtocolLevel => to.protocol_level = short,
        _ => {}
    }
}

fn put_word(to: &mut Parameters, id: Id, word: &str) {
    match id {
        Id::HeaderDigest => to.header_digest = word == "CRC32C",
        Id::DataDigest => to.data_digest = word == "CRC32C",
        Id::TaskReporting => to.fast_abort = word == "FastAbort",
        _ => {}
    }
}

/// What holds of a key now.
pub fn get(of: &Parameters, id: Id) -> Value {
    let digest = |on| Value::Word(if on { "CRC32C" } else { "None" });
    match id {
        Id::HeaderDigest => digest(of.header_digest),
        Id::DataDigest => digest(of.data_digest),
        Id::TaskReporting => Value::Word(if of.fast_abort { "FastAbort" } else { "RFC3720" }),
        Id::InitialR2t => Value::Flag(of.initial_r2t),
        Id::ImmediateData => Value::Flag(of.immediate_data),
        Id::DataPduInOrder => Value::Flag(of.data_pdu_in_order),
        Id::DataSequenceInOrder => Value::Flag(of.data_sequence_in_order),
        Id::MaxConnections => Value::Number(of.max_connections.into()),
        Id::MaxRecvDataSegmentLength => Value::Number(of.max_recv_data_segment_length),
        Id::MaxBurstLength => Value::Number(of.max_burst_length),
        Id::FirstBurstLength => Value::Number(of.first_burst_length),
        Id::DefaultTime2Wait => Value::Number(of.time2wait.into()),
        Id::DefaultTime2Retain => Value::Number(of.time2retain.into()),
        Id::MaxOutstandingR2t => Value::Number(of.max_outstanding_r2t.into()),
        Id::ErrorRecoveryLevel => Value::Number(of.error_recovery_level.into()),
        Id::ProtocolLevel => Value::Number(of.protocol_level.into()),
    }
}
