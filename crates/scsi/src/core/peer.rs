//! What homes tell each other, and which homes there are.

use super::exclusion::Mark;
use super::fail::Fail;
use super::notice::Notice;
use super::scsi::Scsi;
use crate::shared::{Effects, Who};
use crate::{Message, Peer};
use ring::{Full, Sender, Tag};
use std::collections::VecDeque;
use std::sync::Arc;

/// A message from one home to another. Tokens are the sender's and come back with the answer.
pub(crate) enum News {
    /// Something happened to logical units: answer when it is done here.
    Notice {
        /// The home that asks.
        from: usize,
        /// Its name for this question.
        token: u64,
        /// What happened.
        notice: Arc<Notice>,
    },
    /// The keeper has decided on a PERSISTENT RESERVE OUT.
    Kept {
        /// The command.
        tag: Tag,
        /// What it came to.
        result: Result<Effects, Fail>,
    },
    /// The answer to [`News::Notice`].
    Done {
        /// The home that answers.
        from: usize,
        /// As in the question.
        token: u64,
    },
    /// A command is to have blocks for itself: answer when no write here is at them any more.
    Exclude {
        /// The command that asks.
        who: Who,
        /// Which blocks.
        mark: Mark,
    },
    /// The answer to [`News::Exclude`].
    Excluded {
        /// The home that answers.
        by: usize,
        /// The command that asked.
        tag: Tag,
    },
    /// A command that waits for its turn may have come to it.
    Go {
        /// Its name there.
        tag: Tag,
    },
}

/// The homes of all transports.
pub(crate) struct Homes {
    /// This one.
    pub own: usize,
    all: Arc<[Option<Sender<Message>>]>,
    /// Messages to others, not sent yet.
    post: VecDeque<(usize, News)>,
}

impl Default for Homes {
    fn default() -> Self {
        Self { own: 0, all: [].into(), post: VecDeque::with_capacity(64) }
    }
}

impl Homes {
    /// All that are there; this one is, whether it was told of the others or not.
    pub fn live(&self) -> Vec<usize> {
        let others = (0..self.all.len()).filter(|home| *home != self.own && self.all[*home].is_some());
        std::iter::once(self.own).chain(others).collect()
    }

    /// The way to this core's own mailbox.
    pub fn own_sender(&self) -> Option<&Sender<Message>> {
        self.all.get(self.own)?.as_ref()
    }

    /// Whether messages wait to be sent.
    pub fn has_post(&self) -> bool {
        !self.post.is_empty()
    }

    /// Sends what waits, in order for each home. What a full mailbox refuses waits for the next turn, and so does what is for
    /// a home that this core was not told of yet; what is for one that is gone is dropped.
    pub fn send_post(&mut self) {
        let mut refused: VecDeque<(usize, News)> = VecDeque::new();
        for _ in 0..self.post.len() {
            let Some((home, news)) = self.post.pop_front() else { break };
            if home >= self.all.len() || refused.iter().any(|(full, _)| *full == home) {
                refused.push_back((home, news));
                continue;
            }
            let Some(sender) = &self.all[home] else { continue };
            if let Err(Full(Message::Peer(Peer(news)))) = sender.send(Message::Peer(Peer(news))) {
                refused.push_back((home, news));
            }
        }
        self.post.extend(refused);
    }
}

impl Scsi {
    /// Sends a message to a home; to this one by acting on it at once.
    pub(crate) fn tell(&mut self, home: usize, news: News) {
        if home == self.homes.own {
            self.on_news(news);
        } else {
            self.homes.post.push_back((home, news));
        }
    }

    /// Acts on a message.
    pub(crate) fn on_news(&mut self, news: News) {
        match news {
            News::Notice { from, token, notice } => self.obey_notice(from, token, &notice),
            News::Kept { tag, result } => self.kept(tag, result),
            News::Done { from, token } => self.home_is_done(from, token),
            News::Exclude { who, mark } => self.on_exclude(who, mark),
            News::Excluded { by, tag } => self.on_excluded(by, tag),
            News::Go { tag } => self.on_go(tag),
        }
    }

    /// The homes that there are from now on. Nobody waits any more for those that are gone.
    pub(crate) fn put_homes(&mut self, own: usize, all: Arc<[Option<Sender<Message>>]>) {
        (self.homes.own, self.homes.all) = (own, all);
        let live = self.homes.live();
        self.forget_homes(&live);
        self.exclude_without(&live);
    }
}
