//! The commands that are open on a core's sessions, by tag, and what is known of the data of each.

use dma::Data;
use ring::{Slots, Tag};
use wire::scsi::Asc;

/// Where a command is.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The group does not have it yet: older ones are missing, or its data has yet to be proved sound.
    Held,
    /// The group has it and has not said what to do.
    New,
    /// The initiator's data goes into `data`.
    Fetching {
        /// Where it goes.
        data: Data,
    },
    /// The data has come, or will not; the group has it.
    Fetched,
    /// The reply is queued, or swallowed.
    Replying,
}

/// The data that comes from the initiator: in order, as DataPDUInOrder and DataSequenceInOrder are Yes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Incoming {
    /// Bytes that came, from the first on.
    pub received: u32,
    /// Where the present sequence ends.
    pub sequence_end: u32,
    /// DataSN of the next Data-Out of the present sequence.
    pub data_sn: u32,
    /// Unsolicited Data-Out PDUs follow.
    pub unsolicited: bool,
    /// A data segment of it is being received.
    pub arriving: bool,
    /// The Data-Out that is being received ends its sequence.
    pub last: bool,
    /// Where what was asked for by R2T ends.
    pub asked: u32,
    /// R2T number of the present sequence, and of the next R2T.
    pub answering: u32,
    /// See `answering`.
    pub r2t_sn: u32,
    /// What is wrong with the data; no more of it is taken.
    pub fault: Option<Asc>,
}

/// An open command or task management function.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its own name.
    pub tag: Tag,
    /// Its session.
    pub session: u32,
    /// Its connection.
    pub connection: u32,
    /// Initiator task tag.
    pub itt: u32,
    /// Logical unit number, for R2Ts.
    pub lun: [u8; 8],
    /// Place of its early data in the session.
    pub place: u16,
    /// Bytes that the initiator said that it writes.
    pub expected: u32,
    /// It took a place of the command window that is not free again.
    pub counted: bool,
    /// It is a task management function; after this one the session ends.
    pub function: Option<Function>,
    /// Data-In PDUs that went out.
    pub data_in: u32,
    /// Its data.
    pub incoming: Incoming,
    /// Where it is.
    pub phase: Phase,
}

/// What is known of a task management function beside its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Its reply is all.
    Plain,
    /// TARGET COLD RESET: the sessions of the target end with its reply.
    ColdReset,
    /// ABORT TASK.
    Abort {
        /// Which task.
        victim: Tag,
        /// The task was over by itself: to the initiator, which has its status, it does not exist.
        late: bool,
    },
}

impl Command {
    /// The transfer tag of an R2T: the command's place and the number of the R2T. Never the reserved tag: no table has so many
    /// places.
    pub fn ttt(&self, r2t_sn: u32) -> u32 {
        (r2t_sn & 0xffff) << 16 | self.tag.index() as u32
    }

    /// R2Ts that are not answered.
    pub fn outstanding(&self) -> u32 {
        self.incoming.r2t_sn - self.incoming.answering
    }

    /// Bytes that [`place`](Self::place) would put into the group's memory from where the data is.
    pub fn room(&mut self, len: u32) -> Option<&mut [u8]> {
        let from = self.incoming.received;
        match &mut self.phase {
            Phase::Fetching { data } if self.incoming.fault.is_none() && from + len <= data.len() => {
                Some(&mut data.bytes_mut()[from as usize..(from + len) as usize])
            }
            _ => None,
        }
    }

    /// Puts a piece of data behind what came before: where the group wants it, or else into the early memory of the command.
    pub fn place(&mut self, payload: &[u8], early: &mut [u8]) {
        if self.incoming.fault.is_some() {
            return;
        }
        let from = self.incoming.received as usize;
        let room = match &mut self.phase {
            Phase::Fetching { data } => data.bytes_mut(),
            Phase::Held | Phase::New => early,
            Phase::Fetched | Phase::Replying => &mut [],
        };
        if let Some(room) = room.get_mut(from..) {
            let len = room.len().min(payload.len());
            room[..len].copy_from_slice(&payload[..len]);
        }
        self.incoming.received += payload.len() as u32;
    }
}

/// All open commands of a core.
pub(crate) type Commands = Slots<Command>;

/// What is wrong with data (RFC 7143 11.4.7.2), all with sense key ABORTED COMMAND.
pub(crate) mod fault {
    use wire::scsi::Asc;

    /// Data that was not to come unsolicited.
    pub const UNEXPECTED: Asc = Asc(0x0c0c);
    /// More or less data than was to come, or not in order.
    pub const AMOUNT: Asc = Asc(0x0c0d);
    /// A data digest was wrong.
    pub const CRC: Asc = Asc(0x4705);
}
