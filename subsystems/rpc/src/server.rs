//! The socket's threads: one that accepts, one for each client.

use crate::protocol::{Handler, Session, Step};
use crate::socket::Listener;
use anyhow::Context;
use app::{Params, RpcError};
use os::{Epoll, EventFd, Interest, Ready};
use reactor::{Clock, RateLimit, log_limited};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The most clients at a time (SPDK's number).
pub const CLIENTS: usize = 64;

/// How long a client may read nothing of a reply.
pub const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// How long clients may take to get their last reply when the server stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bytes read at a time.
const PIECE: usize = 16 * 1024;

type Shared = Arc<dyn Handler + Send + Sync>;

/// A running server.
pub struct Server {
    stop: Arc<EventFd>,
    accepter: JoinHandle<()>,
    clients: Arc<Clients>,
}

impl Server {
    /// Listens at `path` and serves `handler` to all who come.
    ///
    /// # Errors
    /// The socket is in use (with the pid), or cannot be made.
    pub fn start(path: &Path, handler: Shared) -> anyhow::Result<Self> {
        let listener = Listener::bind(path)?;
        let (stop, clients) = (Arc::new(EventFd::new()?), Arc::new(Clients::default()));
        let epoll = Epoll::new()?;
        epoll.add(listener.socket.as_fd(), 0, Interest::READ)?;
        epoll.add(stop.fd(), 1, Interest::READ)?;
        let theirs = (stop.clone(), clients.clone());
        let accepting = move || accept(&listener, &epoll, &theirs.0, &theirs.1, &handler);
        let accepter = std::thread::Builder::new().name("rpc".to_owned()).spawn(accepting).context("RPC thread")?;
        Ok(Self { stop, accepter, clients })
    }

    /// Takes no more requests, lets those being carried out be answered for a moment, and closes all.
    pub fn stop(self) {
        self.stop.signal();
        if self.accepter.join().is_err() {
            log::error!(target: "rpc", "the accepting thread had died");
        }
        self.clients.close();
    }
}

/// Accepts until `stop` is signalled. The listener goes with this thread, and with it the socket file.
fn accept(listener: &Listener, epoll: &Epoll, stop: &EventFd, clients: &Arc<Clients>, handler: &Shared) {
    let mut ready = [Ready::NONE; 2];
    let (clock, mut limit) = (Clock::real(), RateLimit::default());
    loop {
        if let Err(error) = epoll.wait(&mut ready, None) {
            log::error!(target: "rpc", "waiting for clients: {error}");
            return;
        }
        if stop.drain() {
            return;
        }
        match listener.socket.accept() {
            Ok((stream, _)) => {
                if !welcome(stream, clients, handler) {
                    log_limited!(limit, clock.now(), warn, "a client was turned away: there are {CLIENTS} already");
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                // No descriptors left, most likely: there will be some when a client goes.
                log::warn!(target: "rpc", "accepting a client: {error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Whether there was a place for it.
fn welcome(stream: UnixStream, clients: &Arc<Clients>, handler: &Shared) -> bool {
    let Some(place) = clients.enter(&stream) else {
        turn_away(stream);
        return false;
    };
    let handler = handler.clone();
    let spawned = std::thread::Builder::new().name("rpc_client".to_owned()).spawn(move || {
        let _place = place;
        if let Err(error) = converse(stream, &*handler) {
            log::debug!(target: "rpc", "a client went: {error}");
        }
    });
    if let Err(error) = spawned {
        log::warn!(target: "rpc", "no thread for a client: {error}");
    }
    true
}

/// One client too many is told so.
fn turn_away(mut stream: UnixStream) {
    let error = RpcError::new(-32000, "Too many connections").because(format!("there are {CLIENTS} clients already"));
    let reply = json!({ "jsonrpc": "2.0", "id": null, "error": error.to_value() });
    let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
    let _ = stream.write_all(format!("{reply}\n").as_bytes());
}

/// Serves one client until it goes.
fn converse(mut stream: UnixStream, handler: &dyn Handler) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    let (mut session, mut piece, handler) = (Session::default(), vec![0; PIECE], Guarded(handler));
    loop {
        let length = match stream.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        session.feed(&piece[..length]);
        loop {
            match session.step(&handler) {
                Step::Wait => break,
                Step::Silent => {}
                Step::Reply(reply) => stream.write_all(&reply)?,
                Step::Close(reply) => return stream.write_all(&reply),
            }
        }
    }
}

/// A method that panics is a bug; it costs its caller an error and nobody else anything.
struct Guarded<'a>(&'a dyn Handler);

impl Handler for Guarded<'_> {
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.0.call(method, params)));
        outcome.unwrap_or_else(|_| {
            log::error!(target: "rpc", "method {method} panicked");
            Err(RpcError::internal("Internal error").because("the method panicked: please report the log"))
        })
    }
}

/// Who is connected.
#[derive(Default)]
struct Clients {
    streams: Mutex<(u64, HashMap<u64, UnixStream>)>,
    left: Condvar,
}

/// A client's place; it is free when this is dropped.
struct Place(Arc<Clients>, u64);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().1.remove(&self.1);
        self.0.left.notify_all();
    }
}

impl Clients {
    fn enter(self: &Arc<Self>, stream: &UnixStream) -> Option<Place> {
        let copy = stream.try_clone().ok()?;
        let mut streams = self.lock();
        if streams.1.len() >= CLIENTS {
            return None;
        }
        streams.0 += 1;
        let number = streams.0;
        streams.1.insert(number, copy);
        Some(Place(self.clone(), number))
    }

    /// No more requests; a moment for the last replies; then the end.
    fn close(&self) {
        let streams = self.lock();
        streams.1.values().for_each(|stream| _ = stream.shutdown(Shutdown::Read));
        let waited = self.left.wait_timeout_while(streams, GOODBYE, |streams| !streams.1.is_empty());
        let (streams, _) = waited.unwrap_or_else(PoisonError::into_inner);
        streams.1.values().for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }

    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<u64, UnixStream>)> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
