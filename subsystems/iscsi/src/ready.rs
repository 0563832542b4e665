//! Which connections get a turn.
//!
//! A few busy connections are simply asked, each turn: that is as fast as it gets. All others, and all when many are busy,
//! are told by `epoll`. The same `epoll` wakes a sleeping core, so nothing is set up for sleeping.

use crate::connection::{Connection, Phase};
use crate::limits::{COLD_AFTER, COLD_TURNS, HOT_CONNECTIONS};
use os::{Epoll, Interest};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

type Connections = [Option<Box<Connection>>];

/// Who is asked, and who has the next turn.
pub struct Ready {
    epoll: Epoll,
    found: Box<[os::Ready]>,
    hot: Vec<u32>,
    turn: Vec<u32>,
    at: usize,
    turns: u64,
}

impl Ready {
    /// Nobody yet.
    pub fn new() -> io::Result<Self> {
        let found = vec![os::Ready::NONE; 256].into();
        Ok(Self { epoll: Epoll::new()?, found, hot: Vec::new(), turn: Vec::new(), at: 0, turns: 0 })
    }

    /// Room for that many connections.
    pub fn reserve(&mut self, connections: usize) {
        self.hot.reserve(connections.saturating_sub(self.hot.len()));
        self.turn.reserve((2 * connections).saturating_sub(self.turn.len()));
    }

    /// Watches a new connection.
    pub fn add(&mut self, socket: BorrowedFd<'_>, queue: u32) -> io::Result<()> {
        self.epoll.add(socket, u64::from(queue), Interest::READ)
    }

    /// Has a full socket say when it takes more; or not any longer.
    pub fn watch_writes(&mut self, socket: BorrowedFd<'_>, queue: u32, on: bool) {
        // A descriptor that is open and was added can be modified.
        let _ = self.epoll.modify(socket, u64::from(queue), Interest { read: true, write: on });
    }

    /// Forgets a connection.
    pub fn remove(&mut self, connection: &mut Connection, queue: u32) {
        let _ = self.epoll.remove(connection.socket.as_fd());
        connection.hot = false;
        self.hot.retain(|hot| *hot != queue);
    }

    /// Readable when someone has something.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.fd()
    }

    /// Asks nobody any more without being told, because the core is about to sleep.
    pub fn cool(&mut self, connections: &mut Connections) {
        for queue in self.hot.drain(..) {
            if let Some(connection) = &mut connections[queue as usize] {
                connection.hot = false;
            }
        }
    }

    /// Finds out who has a turn.
    pub fn begin_turn(&mut self, connections: &mut Connections) {
        self.turns += 1;
        self.turn.clear();
        self.at = 0;
        let few = self.hot.len() <= HOT_CONNECTIONS;
        if few {
            self.turn.extend_from_slice(&self.hot);
        }
        if !few || self.hot.is_empty() || self.turns.is_multiple_of(COLD_TURNS) {
            self.look_around(connections, few);
        }
    }

    /// Asks `epoll`; who has something is hot from now on.
    fn look_around(&mut self, connections: &mut Connections, few: bool) {
        let Ok(count) = self.epoll.wait(&mut self.found, Some(Duration::ZERO)) else { return };
        for ready in &self.found[..count] {
            let queue = ready.token() as u32;
            let Some(connection) = connections.get_mut(queue as usize).and_then(Option::as_mut) else { continue };
            let was_hot = std::mem::replace(&mut connection.hot, true);
            if !was_hot {
                connection.empty = 0;
                self.hot.push(queue);
            }
            if !(few && was_hot) {
                self.turn.push(queue);
            }
            if connection.blocked && ready.writable() {
                connection.dirty = true;
            }
        }
        if !few {
            // `epoll` told all; who was hot and is not told has cooled a little.
            self.cool_some(connections);
        }
    }

    fn cool_some(&mut self, connections: &mut Connections) {
        for queue in &self.hot {
            if let Some(connection) = &mut connections[*queue as usize] {
                connection.empty += 1;
            }
        }
        self.hot.retain(|queue| keep(connections, *queue));
    }

    /// A connection had nothing, or something.
    pub fn had(&mut self, connection: &mut Connection, queue: u32, something: bool) {
        connection.empty = if something { 0 } else { connection.empty + 1 };
        if connection.empty > COLD_AFTER && connection.phase != Phase::Lost {
            connection.hot = false;
            self.hot.retain(|hot| *hot != queue);
        }
    }

    /// Who has the next turn.
    pub fn next(&mut self) -> Option<u32> {
        let queue = self.turn.get(self.at).copied();
        self.at += queue.is_some() as usize;
        queue
    }
}

fn keep(connections: &mut Connections, queue: u32) -> bool {
    let Some(connection) = &mut connections[queue as usize] else { return false };
    connection.hot = connection.empty <= COLD_AFTER;
    connection.hot
}
