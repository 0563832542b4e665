//! The exchange machine: how every command of every fabric moves through buffer, fetch, execute, send and reply.
//!
//! - [`Port`]: a fabric on one core. Commands come in; data and replies go out.
//! - [`CommandSet`]: NVMe or SCSI. It plans a command and words the reply; it does no I/O.
//! - [`bdev::Channel`]: one core's queue into a block device.
//! - [`Group`]: owns all three and the core's buffers, and moves each exchange one step at a time.
//!
//! - Owns: the state of each exchange, the queue for buffers, the devices that the core has open.
//! - In: [`Event`]s pulled from the port, endings pulled from the channels, [`Order`]s pulled from the command set.
//! - Out: calls to the port and to the channels. Nothing re-enters: what is called never calls back.
//! - Limits: the port's table is its credit and the group has a place for each; the only wait inside is for buffers, and a
//!   queue may hold no more buffer memory than is left free, so none can starve the others.
//! - Not done: fused commands, protection information.
//!
//! The port gives the [`Tag`]; it indexes the port's, the group's and the channel's tables alike. Rules, each asserted:
//! every [`Event::Command`] gets exactly one [`Port::send`] or [`Port::reply`], and that gets exactly one [`Event::Sent`],
//! with which the tag is free. A port whose peer is gone reports [`Event::Abort`] for each open tag, swallows the replies,
//! and says [`Event::Closed`] when the last is out: loss has no second path.
//!
//! | state | holder of the data | ends with | on abort |
//! | --- | --- | --- | --- |
//! | Waiting | nobody | a buffer | leave the queue; reply aborted |
//! | Fetching | port | `Fetched` | `port.cancel`; on `Fetched` give the buffer back, reply aborted |
//! | Executing | channel | `Done` | `channel.cancel`; on `Done` give the buffer back, reply as it ended (a step: aborted) |
//! | Resting | group | the next step | give it back at the next step, reply aborted |
//! | Paused | group | the command set answers or starts it | give it back; reply aborted |
//! | Controlling | command set | its answer | by its id: too late. Peer gone: note it; reply aborted on the answer |
//! | Parked | nobody | the command set answers or starts it | reply aborted |
//! | Replying | port | `Sent` | too late: nothing |
#![forbid(unsafe_code)]

mod abort;
mod buffers;
mod exchange;
mod finish;
mod group;
mod start;
mod steps;
mod targets;

pub use group::{Counters, Group};

use bdev::{Op, Status};
use dma::Data;
use ring::{Tag, Tick};

/// What a port has to say.
#[derive(Debug)]
pub enum Event<C, O> {
    /// A queue (a connection, a session's part on this core) is there; its number is the port's, small, and reused only
    /// after [`Event::Closed`].
    Opened {
        /// Its number.
        queue: u32,
        /// Where it came from.
        origin: O,
    },
    /// A new command, under a tag that no open exchange has.
    Command {
        /// Its name from here to [`Event::Sent`].
        tag: Tag,
        /// The queue it came on.
        queue: u32,
        /// What came.
        command: C,
    },
    /// Data asked for with [`Port::fetch`] has arrived, or will not.
    Fetched {
        /// The command's name.
        tag: Tag,
        /// The memory given to [`Port::fetch`].
        data: Data,
        /// Whether all of it is there and unharmed.
        ok: bool,
    },
    /// The reply is out, or swallowed. The exchange is over and its tag free.
    Sent {
        /// The command's name.
        tag: Tag,
        /// The memory given to [`Port::send`], or [`Data::empty`].
        data: Data,
    },
    /// An open exchange's peer is gone: end it early.
    Abort {
        /// The command's name.
        tag: Tag,
    },
    /// A queue is gone; no exchange of it is open.
    Closed {
        /// Its number.
        queue: u32,
    },
}

/// A fabric on one core.
pub trait Port {
    /// A command as it left the wire, with what the fabric knows of it.
    type Command: Copy;
    /// A reply as it goes to the wire.
    type Reply: Copy;
    /// Where a queue came from: the addresses of both sides.
    type Origin: Copy;

    /// The next thing that happened in this turn. The group acts on it before it asks again.
    fn next(&mut self, now: Tick) -> Option<Event<Self::Command, Self::Origin>>;
    /// Brings the host's data in, all of `data`: in-capsule, R2T, RDMA READ, or XFER_RDY. Ends with [`Event::Fetched`].
    fn fetch(&mut self, tag: Tag, data: Data);
    /// The host's data of a new command, when all `len` bytes of it are here already and unharmed. Who replies without
    /// asking for them by [`fetch`](Self::fetch) is done with them.
    fn arrived(&self, tag: Tag, len: u32) -> Option<&[u8]> {
        let _ = (tag, len);
        None
    }
    /// Sends data, then the reply. Ends with [`Event::Sent`].
    fn send(&mut self, tag: Tag, data: Data, reply: Self::Reply);
    /// Sends a reply without data. Ends with [`Event::Sent`].
    fn reply(&mut self, tag: Tag, reply: Self::Reply);
    /// Hurries a fetch along. Its one ending still comes.
    fn cancel(&mut self, tag: Tag);
    /// Takes no more commands from a queue, as far as that can be helped; those that are open go on. A close follows.
    fn quiesce(&mut self, queue: u32) {
        let _ = queue;
    }
    /// Ends a queue once the replies that are queued on it are out: its commands end with [`Event::Abort`]. A peer that does
    /// not take its replies must not hold this up for ever. Closing twice is closing once.
    fn close(&mut self, queue: u32);
    /// Ends a turn: what was queued goes out, all at once.
    fn flush(&mut self);
    /// How large the table of tags is. It may grow, never shrink.
    fn places(&self) -> usize;
    /// Whether data that a device lends may be sent for this command (not when a digest must cover it).
    fn lends(&self, tag: Tag) -> bool;
}

/// What a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan<R> {
    /// Nothing but this reply.
    Reply(R),
    /// `len` bytes that [`CommandSet::answer`] writes, then its reply.
    Answer {
        /// How many bytes go to the host; not 0.
        len: u32,
    },
    /// `len` bytes of the host, which [`CommandSet::taken`] reads and plans on.
    Take {
        /// How many bytes come; not 0.
        len: u32,
    },
    /// A block operation.
    Io {
        /// The device, as [`Group::attach`] named it.
        target: Tag,
        /// What to do.
        op: Op,
        /// Bytes of data that the operation moves; 0 for none.
        len: u32,
    },
    /// Several steps, which [`CommandSet::step`] names one after the other. Both buffers are waited for at once, so that none
    /// is kept by who waits for another: a pool that cannot have both out never serves it.
    Steps {
        /// Bytes of the host's data, which are brought in before the first step; 0 for none. Always 0 from
        /// [`CommandSet::taken`], whose data is given back: what is to be kept of it, the command set keeps.
        take: u32,
        /// Bytes of a buffer for the command set's own use, not zeroed; 0 for none.
        scratch: u32,
    },
    /// The command set will answer by [`Order::Answer`], soon.
    Control,
    /// The command set will answer by [`Order::Answer`] when something happens, perhaps never.
    Park,
}

/// One of the two buffers of a [`Plan::Steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The host's data.
    Taken,
    /// The command set's own.
    Scratch,
}

/// What a [`Plan::Steps`] goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<R> {
    /// An operation; the next step follows its end, however it ended.
    Io {
        /// Whose bytes it moves.
        on: Piece,
        /// The device.
        target: Tag,
        /// What to do.
        op: Op,
        /// Bytes that it moves, from the first of the buffer on; 0 for an operation without data.
        len: u32,
    },
    /// Nothing until [`Order::Start`], or [`Order::Answer`] as its end. The buffers stay as they are.
    Wait,
    /// The end; [`CommandSet::reply`] words it.
    Done(Outcome),
    /// The end, worded.
    Reply(R),
    /// The end, with the first `len` bytes of the command set's own buffer for the host; not 0.
    Send {
        /// How many bytes.
        len: u32,
        /// The reply behind them.
        reply: R,
    },
}

/// What a command set wants done that no command of this moment asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<R> {
    /// Reply to a command that was planned as [`Plan::Control`] or [`Plan::Park`], or waits between two steps.
    Answer {
        /// The command's name.
        tag: Tag,
        /// The reply.
        reply: R,
    },
    /// End the command that [`CommandSet::id`] calls `id` on `queue`; ends with [`CommandSet::abort_ended`].
    Abort {
        /// The victim's queue.
        queue: u32,
        /// The victim's identifier.
        id: u32,
        /// Given back with the ending.
        token: u64,
    },
    /// Go on with a command that was planned as [`Plan::Park`], with what [`CommandSet::resume`] plans; with one that
    /// waits between two steps, with what [`CommandSet::step`] says; or with an operation that might not start before.
    Start {
        /// The command's name.
        tag: Tag,
    },
    /// End the command of that name early, if it can be. Nothing is said of it but what is said of every command: its
    /// reply is worded, and [`CommandSet::sent`] when it is out. One that is gone, or that the command set is to answer, is left
    /// alone.
    Hurry {
        /// The command's name.
        tag: Tag,
    },
    /// End a queue.
    Close {
        /// Its number.
        queue: u32,
    },
}

/// How a planned operation ended, for the wording of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device is done with it.
    Done(Status),
    /// A comparison found a difference.
    Miscompare,
    /// The host's data did not come, or came harmed.
    FetchFailed,
    /// It was aborted.
    Aborted,
}

/// A command set. It looks at bytes and answers; what it waits for comes back through [`next_order`](Self::next_order).
pub trait CommandSet {
    /// What its ports bring.
    type Command: Copy;
    /// What its ports take.
    type Reply: Copy;
    /// What its ports know of where a queue came from.
    type Origin: Copy;

    /// Decides what a command needs.
    fn plan(&mut self, tag: Tag, command: &Self::Command, now: Tick) -> Plan<Self::Reply>;
    /// Plans a parked command that [`Order::Start`] named.
    fn resume(&mut self, tag: Tag, command: &Self::Command, now: Tick) -> Plan<Self::Reply> {
        self.plan(tag, command, now)
    }
    /// Fills the data of [`Plan::Answer`] (it is not zeroed) and words the reply. The data may come turns after the plan.
    fn answer(&mut self, tag: Tag, command: &Self::Command, data: &mut [u8]) -> Self::Reply;
    /// Reads the data of [`Plan::Take`] and plans on. An operation planned here takes over the data, which may be rewritten
    /// for it; one that moves no data does not, and the data is given back.
    fn taken(&mut self, tag: Tag, command: &Self::Command, data: &mut [u8], now: Tick) -> Plan<Self::Reply>;
    /// The data of a [`Plan::Io`] is here: whether the operation may start. If not, and it `waits`, the data stays until
    /// [`Order::Start`], with which the operation starts, or until an abort. If it does not wait, this is asked again.
    #[inline]
    fn may_start(&mut self, tag: Tag, command: &Self::Command, op: Op, waits: bool) -> bool {
        let _ = (tag, command, op, waits);
        true
    }
    /// The next step of a [`Plan::Steps`]: the first one when the data is here, each other one when an operation ended
    /// (`last` is how) or [`Order::Start`] came. Never called once the command is aborted: what it keeps goes with the reply
    /// to it, worded as aborted.
    fn step(
        &mut self,
        tag: Tag,
        command: &Self::Command,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<Status>,
    ) -> Step<Self::Reply> {
        let _ = (tag, command, taken, scratch, last);
        unreachable!("a command set that plans steps takes them")
    }
    /// Words the reply to a command.
    fn reply(&mut self, tag: Tag, command: &Self::Command, outcome: Outcome) -> Self::Reply;
    /// A reply is out: the tag is free.
    fn sent(&mut self, tag: Tag) {
        let _ = tag;
    }
    /// A command that was parked, waited between two steps or might not start was aborted: forget it, and an [`Order::Answer`] or [`Order::Start`] of it that was not pulled yet.
    fn unpark(&mut self, tag: Tag);
    /// What [`Order::Abort`] calls this command.
    fn id(&self, command: &Self::Command) -> u32;
    /// An abort ended: `true` when the victim was replied to as aborted, `false` when it was not there or too far.
    fn abort_ended(&mut self, token: u64, aborted: bool);
    /// The port's table of tags has so many places from now on: room may be made for them, so that no command allocates.
    fn places(&mut self, places: usize) {
        let _ = places;
    }
    /// A queue is there.
    fn opened(&mut self, queue: u32, origin: Self::Origin, now: Tick);
    /// A queue is gone.
    fn closed(&mut self, queue: u32);
    /// Time passes; called once a turn.
    fn turn(&mut self, now: Tick);
    /// The next order.
    fn next_order(&mut self) -> Option<Order<Self::Reply>>;
    /// When [`turn`](Self::turn) must be called although nothing happens.
    fn deadline(&self) -> Option<Tick>;
}
