//! The commands that are open on a core's connections, by tag.

use dma::Data;
use ring::{Slots, Tag};

/// Where the host's data of a command is.
#[derive(Debug)]
pub enum Phase {
    /// The group has the command and has not said what to do.
    New,
    /// The host's data comes into `data`: in the capsule, or as R2Ts ask for it.
    Fetching {
        /// Where it goes.
        data: Data,
        /// Bytes that came.
        got: u32,
        /// Bytes that R2Ts asked for so far.
        asked: u32,
        /// The transfer tag of the R2T, when it comes by R2T.
        ttag: Option<u16>,
        /// All of it was sound so far.
        sound: bool,
        /// The group wants it over.
        cancelled: bool,
    },
    /// The data has come, or will not; the group has it.
    Fetched,
    /// The reply is queued, or swallowed.
    Replying,
}

/// An open command.
#[derive(Debug)]
pub struct Command {
    /// Its connection.
    pub queue: u32,
    /// Its identifier.
    pub cid: u16,
    /// Bytes of data in the capsule.
    pub inline: u32,
    /// Where its data is.
    pub phase: Phase,
}

/// All open commands of a core.
pub type Commands = Slots<Command>;

/// A connection's transfer tags: small numbers that R2Ts carry, so that H2CData finds its command.
#[derive(Debug)]
pub struct Ttags {
    commands: Box<[Option<Tag>]>,
    free: Vec<u16>,
}

impl Ttags {
    /// `count` tags, at most 65,536.
    pub fn new(count: u16) -> Self {
        Self { commands: (0..count).map(|_| None).collect(), free: (0..count).rev().collect() }
    }

    /// A tag for a command. There are as many as commands may be open.
    pub fn take(&mut self, command: Tag) -> u16 {
        let ttag = self.free.pop().expect("as many tags as commands");
        self.commands[ttag as usize] = Some(command);
        ttag
    }

    /// The command behind what the host sent, if there is one.
    pub fn get(&self, ttag: u16) -> Option<Tag> {
        *self.commands.get(ttag as usize)?
    }

    /// Frees a tag that is taken.
    pub fn give(&mut self, ttag: u16) {
        assert!(self.commands[ttag as usize].take().is_some(), "a tag is given back once");
        self.free.push(ttag);
    }
}
