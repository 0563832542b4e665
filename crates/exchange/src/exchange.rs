//! What is known of one command on its way.

use crate::Piece;
use bdev::Op;
use dma::Data;
use ring::{Tag, Tick};

/// Where an exchange is, and so who holds its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In the queue for a buffer. There is no data yet.
    Waiting,
    /// The port holds the data.
    Fetching,
    /// The channel holds the data.
    Executing,
    /// Between two steps; the group holds the data.
    Resting,
    /// As above, until the command set wants it to go on.
    Paused,
    /// The command set will answer.
    Controlling,
    /// The command set may answer.
    Parked,
    /// The port holds the data (if any) and the reply.
    Replying,
}

/// What an exchange is about, once planned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    Answer {
        len: u32,
    },
    Take {
        len: u32,
    },
    Io {
        target: Tag,
        op: Op,
        len: u32,
    },
    /// Steps, of which none has run.
    Steps {
        take: u32,
        scratch: u32,
    },
    /// The step that runs, or ran last: on a piece whose full length is `whole`.
    Step {
        on: Piece,
        target: Tag,
        op: Op,
        len: u32,
        whole: u32,
    },
    Nothing,
}

/// One command on its way.
pub(crate) struct Exchange<C> {
    pub(crate) tag: Tag,
    pub(crate) queue: u32,
    pub(crate) state: State,
    pub(crate) need: Need,
    pub(crate) since: Tick,
    pub(crate) aborted: bool,
    /// The reply said «aborted».
    pub(crate) ended_aborted: bool,
    /// The device whose memory is being sent.
    pub(crate) loan: Option<Tag>,
    /// The pieces of steps, as far as the group holds them.
    pub(crate) taken: Data,
    pub(crate) scratch: Data,
    /// Who asked for the abort and waits for the end.
    pub(crate) aborter: Option<u64>,
    pub(crate) command: C,
}

impl<C> Exchange<C> {
    pub(crate) fn piece(&mut self, which: Piece) -> &mut Data {
        match which {
            Piece::Taken => &mut self.taken,
            Piece::Scratch => &mut self.scratch,
        }
    }
}

/// The exchange under `tag`. A port or channel that names another breaks its contract.
#[inline]
pub(crate) fn find<C>(exchanges: &mut [Option<Exchange<C>>], tag: Tag) -> &mut Exchange<C> {
    let exchange = exchanges[tag.index()].as_mut().expect("the tag is open");
    assert!(exchange.tag == tag, "the tag is of this turn");
    exchange
}

/// Whether the reply to it, done, comes with data.
pub(crate) fn is_read(need: Need) -> bool {
    matches!(need, Need::Io { op: Op::Read { .. }, .. })
}
