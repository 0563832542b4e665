//! What passes between a port that carries SCSI and the SCSI core.

use crate::PortName;
use std::net::IpAddr;
use wire::scsi::Status;

/// Bytes of sense data that a reply can carry.
pub const SENSE_BYTES: usize = 32;

/// A command or a task management function as it came (SAM-5 5.1, 7.1).
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The I_T nexus that it came on: the port's number, as in [`exchange::Event::Opened`].
    pub queue: u32,
    /// The initiator's name for it, unique among its open ones of the nexus (command identifier; on Fibre Channel OX_ID).
    pub id: u32,
    /// Logical unit number, as on the wire (SAM-5 4.7).
    pub lun: [u8; 8],
    /// Command descriptor block; bytes beyond [`cdb_len`](Self::cdb_len) are zeroes. Unused for task management.
    pub cdb: [u8; 32],
    /// Bytes of the CDB as the transport counts them; 16 where it does not (FCP_CDB). A longer one than 32 is the port's to
    /// refuse.
    pub cdb_len: u8,
    /// Task attribute.
    pub attribute: Attribute,
    /// It is no command but this.
    pub management: Option<Management>,
    /// Bytes that the initiator is ready to take; 0 unless it said that it reads (FCP_DL with RDDATA).
    pub data_in: u32,
    /// Bytes that the initiator is ready to send; 0 unless it said that it writes (FCP_DL with WRDATA).
    pub data_out: u32,
}

/// Task attribute (SAM-5 8.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attribute {
    /// In any order.
    #[default]
    Simple,
    /// After all older ones, before all younger ones.
    Ordered,
    /// At once.
    HeadOfQueue,
    /// Part of the recovery from an ACA condition; refused.
    Aca,
}

/// Task management function (SAM-5 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// ABORT TASK.
    AbortTask {
        /// The victim's [`Task::id`], of the same nexus.
        id: u32,
    },
    /// ABORT TASK SET.
    AbortTaskSet,
    /// CLEAR TASK SET.
    ClearTaskSet,
    /// LOGICAL UNIT RESET.
    LunReset,
    /// TARGET RESET (SAM-2; FCP-4 9.1.2.4): a reset of each logical unit that the nexus reaches.
    TargetReset,
    /// QUERY TASK.
    QueryTask {
        /// As in [`Management::AbortTask`].
        id: u32,
    },
    /// QUERY TASK SET.
    QueryTaskSet,
    /// I_T NEXUS RESET.
    ItNexusReset,
    /// CLEAR ACA: refused.
    ClearAca,
}

/// Response to a task management function (SAM-5 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceResponse {
    /// FUNCTION COMPLETE.
    Complete,
    /// FUNCTION SUCCEEDED: a query found what it asked for.
    Succeeded,
    /// FUNCTION REJECTED: not supported.
    Rejected,
    /// INCORRECT LOGICAL UNIT NUMBER.
    IncorrectLun,
    /// SERVICE DELIVERY OR TARGET FAILURE.
    Failed,
}

/// How far the data that moved is from what the initiator expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residual {
    /// As expected.
    #[default]
    None,
    /// So many bytes less than expected.
    Under(u32),
    /// The command would have moved so many bytes more.
    Over(u32),
}

/// How a command or function ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The command's status. Unused in the reply to a task management function.
    pub status: Status,
    /// The reply to a task management function.
    pub response: Option<ServiceResponse>,
    /// Nothing goes to the initiator: it knows, or is not to know, that this was aborted (SAM-5 5.6, TAS = 0). The port only
    /// ends the exchange.
    pub silent: bool,
    /// Bytes of data that belong to the reply: of the data that comes with it ([`exchange::Port::send`]), the port sends
    /// so many from the start and no more, perhaps none; for a command that writes, what was fetched.
    pub transferred: u32,
    /// Residual count.
    pub residual: Residual,
    /// Bytes of [`sense`](Self::sense).
    pub sense_len: u8,
    /// Sense data, with CHECK CONDITION.
    pub sense: [u8; SENSE_BYTES],
}

impl Reply {
    /// A status without data, sense and residual.
    pub const fn new(status: Status) -> Self {
        Self {
            status,
            response: None,
            silent: false,
            transferred: 0,
            residual: Residual::None,
            sense_len: 0,
            sense: [0; SENSE_BYTES],
        }
    }

    /// The reply to a task management function.
    pub const fn function(response: ServiceResponse) -> Self {
        Self { response: Some(response), ..Self::new(Status::GOOD) }
    }

    /// No reply: the exchange only ends.
    pub const fn silent() -> Self {
        Self { silent: true, ..Self::new(Status::TASK_ABORTED) }
    }

    /// The sense data, if any.
    pub fn sense(&self) -> &[u8] {
        &self.sense[..usize::from(self.sense_len).min(SENSE_BYTES)]
    }
}

/// Where a nexus came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The initiator port.
    pub initiator: PortName,
    /// Our port.
    pub target: PortName,
    /// Relative target port identifier of our port, from 1 on.
    pub relative_port: u16,
    /// Target port group of our port.
    pub port_group: u16,
    /// The initiator's address, where the transport has such.
    pub address: Option<IpAddr>,
}
