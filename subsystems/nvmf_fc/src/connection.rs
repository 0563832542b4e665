//! The connections of a core and the commands that are open on them.

use crate::notes::NewConnection;
use dma::Data;
use fc::Xid;
use ring::{Slots, Tag};

/// One connection: a queue of a controller.
#[derive(Debug)]
pub(crate) struct Connection {
    /// What the host calls it.
    pub id: u64,
    /// What the host asked for.
    pub asked: NewConnection,
    /// Responses sent.
    pub responses: u32,
    /// The next extended response's number (RSN).
    pub rsn: u32,
    /// Commands that are not over.
    pub open: u32,
    /// Commands without a response.
    pub unanswered: u32,
    /// It ends: what still comes for it is terminated.
    pub closing: bool,
}

impl Connection {
    pub fn new(id: u64, asked: NewConnection) -> Self {
        Self { id, asked, responses: 0, rsn: 1, open: 0, unanswered: 0, closing: false }
    }
}

/// Where a command is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The group has it.
    New,
    /// The host's data is on its way.
    Fetching,
    /// It has a response, or was terminated.
    Replying,
}

/// An open command.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its connection's number.
    pub queue: u32,
    pub lane: usize,
    pub xid: Xid,
    pub opcode: u8,
    pub flags: u8,
    /// Data length of its NVMe_CMND.
    pub data_length: u32,
    /// Bytes that went over the wire.
    pub moved: u32,
    pub phase: Phase,
    /// Nobody waits for its response.
    pub aborted: bool,
    /// Data that was to go to a host that does not want it any more.
    pub held: Option<Data>,
}

/// All open commands of a core.
pub(crate) type Commands = Slots<Command>;

/// The connections of a core, by the numbers that the group knows them by.
#[derive(Default)]
pub(crate) struct Connections {
    places: Vec<Option<Connection>>,
    free: Vec<u32>,
    live: usize,
    /// Commands that all of them may have.
    commands: usize,
}

impl Connections {
    /// The number that the next connection gets.
    pub fn next(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.places.len() as u32)
    }

    /// Adds one; `id` was made for the number [`Connections::next`].
    pub fn insert(&mut self, id: u64, asked: NewConnection, commands: usize) -> u32 {
        let queue = self.free.pop().unwrap_or(self.places.len() as u32);
        if queue as usize == self.places.len() {
            self.places.push(None);
            self.free.reserve(self.places.len());
        }
        self.places[queue as usize] = Some(Connection::new(id, asked));
        self.live += 1;
        self.commands += commands;
        queue
    }

    /// Takes one out. Its number is not given again before [`Connections::release`].
    pub fn remove(&mut self, queue: u32, commands: usize) -> Connection {
        self.live -= 1;
        self.commands -= commands;
        self.places[queue as usize].take().expect("an open connection")
    }

    /// The group has heard that the connection of this number is gone: what it orders for the number from now on means the next one.
    pub fn release(&mut self, queue: u32) {
        self.free.push(queue);
    }

    #[inline]
    pub fn get(&self, queue: u32) -> Option<&Connection> {
        self.places.get(queue as usize)?.as_ref()
    }

    #[inline]
    pub fn get_mut(&mut self, queue: u32) -> Option<&mut Connection> {
        self.places.get_mut(queue as usize)?.as_mut()
    }

    /// The connection of a number that the group or an open command names.
    #[inline]
    pub fn at(&mut self, queue: u32) -> &mut Connection {
        self.get_mut(queue).expect("open commands keep their connection")
    }

    /// The number of the connection that a host calls `id`.
    #[inline]
    pub fn find(&self, id: u64) -> Option<u32> {
        let queue = crate::ids::queue_of(id);
        self.get(queue).is_some_and(|connection| connection.id == id).then_some(queue)
    }

    /// The numbers of those for which `wanted` holds.
    pub fn which(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<u32> {
        let all = self.places.iter().enumerate();
        let wanted = all.filter(|(_, connection)| connection.as_ref().is_some_and(&wanted));
        wanted.map(|(queue, _)| queue as u32).collect()
    }

    pub fn len(&self) -> usize {
        self.live
    }

    /// Highest number ever, and commands that all may have.
    pub fn room(&self) -> (usize, usize) {
        (self.places.len(), self.commands)
    }
}

/// The commands of a connection that are open and have no reply on its way.
pub(crate) fn unreplied(commands: &Commands, queue: u32) -> impl Iterator<Item = Tag> + '_ {
    let open = move |command: &Command| command.queue == queue && command.phase != Phase::Replying;
    commands.iter().filter(move |(_, command)| open(command)).map(|(tag, _)| tag)
}
