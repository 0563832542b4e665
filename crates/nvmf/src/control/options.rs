//! What a transport is created with.

use crate::view::{TransportView, Trtype};
use serde_json::{Map, Value, json};

/// All options of a transport, defaults filled in; the names are SPDK's (`nvmf_create_transport`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportOptions {
    /// Which.
    pub trtype: Trtype,
    /// Entries of an I/O queue.
    pub max_queue_depth: u16,
    /// I/O queues of a controller.
    pub max_io_qpairs_per_ctrlr: u16,
    /// Bytes of in-capsule data of an I/O queue.
    pub in_capsule_data_size: u32,
    /// Bytes of the largest transfer: a power of two times 4,096.
    pub max_io_size: u32,
    /// Entries of the admin queue.
    pub max_aq_depth: u16,
    /// Seconds that an Abort waits for its command.
    pub abort_timeout_sec: u32,
    /// Milliseconds that a lost peer may go unnoticed (TCP: user time-out); 0: the system's.
    pub ack_timeout: u32,
    /// Keep-alive granularity in 100 ms (KAS).
    pub kas: u16,
    /// Shortest keep-alive time-out in milliseconds.
    pub min_kato: u32,
    /// TCP: a read's last data PDU says that the command succeeded.
    pub c2h_success: bool,
    /// TCP: priority of the sockets (SO_PRIORITY); 0: the system's.
    pub sock_priority: u32,
    /// Connections that may wait to be accepted.
    pub acceptor_backlog: u32,
    /// TCP: kept and shown; admin commands need no buffers of their own.
    pub control_msg_num: u16,
}

impl TransportOptions {
    /// SPDK's defaults of that transport.
    pub fn defaults(trtype: Trtype) -> Self {
        let fc = trtype == Trtype::Fc;
        Self {
            trtype,
            max_queue_depth: 128,
            max_io_qpairs_per_ctrlr: if fc { 4 } else { 127 },
            in_capsule_data_size: if fc { 0 } else { 4096 },
            max_io_size: if fc { 65_536 } else { 131_072 },
            max_aq_depth: if fc { 32 } else { 128 },
            abort_timeout_sec: 1,
            ack_timeout: 0,
            kas: 100,
            min_kato: 10_000,
            c2h_success: true,
            sock_priority: 0,
            acceptor_backlog: 100,
            control_msg_num: 32,
        }
    }

    /// What the cores know of it.
    pub fn view(&self) -> TransportView {
        TransportView {
            trtype: self.trtype,
            max_queue_depth: self.max_queue_depth,
            max_io_qpairs_per_ctrlr: self.max_io_qpairs_per_ctrlr,
            in_capsule_data_size: self.in_capsule_data_size,
            max_io_size: self.max_io_size,
            max_aq_depth: self.max_aq_depth,
            kas: self.kas,
            min_kato_ms: self.min_kato,
        }
    }

    /// As parameters of `nvmf_create_transport`, and as `nvmf_get_transports` shows them.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut shown = json!({
            "trtype": self.trtype.name(),
            "max_queue_depth": self.max_queue_depth,
            "max_io_qpairs_per_ctrlr": self.max_io_qpairs_per_ctrlr,
            "in_capsule_data_size": self.in_capsule_data_size,
            "max_io_size": self.max_io_size,
            "max_aq_depth": self.max_aq_depth,
            "dif_insert_or_strip": false,
            "zcopy": false,
        });
        if self.trtype == Trtype::Tcp {
            shown["c2h_success"] = json!(self.c2h_success);
            shown["sock_priority"] = json!(self.sock_priority);
            shown["control_msg_num"] = json!(self.control_msg_num);
        }
        shown["acceptor_backlog"] = json!(self.acceptor_backlog);
        shown["abort_timeout_sec"] = json!(self.abort_timeout_sec);
        shown["ack_timeout"] = json!(self.ack_timeout);
        shown["disable_command_passthru"] = json!(false);
        shown["kas"] = json!(self.kas);
        shown["min_kato"] = json!(self.min_kato);
        match shown {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

impl Trtype {
    /// As SPDK writes it: upper case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Rdma => "RDMA",
            Self::Fc => "FC",
        }
    }

    /// From any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Rdma, Self::Fc].into_iter().find(|trtype| trtype.name().eq_ignore_ascii_case(text))
    }
}
