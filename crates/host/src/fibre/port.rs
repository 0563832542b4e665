//! This host's port on a fabric: a thread that owns the node, and the way to it.

use super::poller::NodePoller;
use crate::{Error, Result};
use dma::{Arena, Backing, Data};
use fc::fc2::{Direction, Failure};
use fc::{Config, Fc4, Frames, Iu, Link, LinkMaker, Names, Node, SessionId, make_link};
use reactor::{Handle, Options, Reactor};
use ring::{Mailbox, Sender};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Orders that may wait for the thread.
const ORDERS: usize = 16_384;

/// Frames of the thread's pool: twice what a link takes at once.
const FRAMES: usize = 2048;

/// What the thread is asked to do.
pub(super) enum Order {
    /// Tell when the port is online.
    Online { to: Answer<()> },
    /// Log in.
    Login { target: Names, fc4: Fc4, to: Answer<SessionId> },
    /// Log out.
    Logout { session: SessionId },
    /// Send a link service request.
    LinkService { session: SessionId, request: Box<[u8]>, timeout: Duration, to: Answer<Box<[u8]>> },
    /// Here is a lane.
    OpenLane { lane: u32, to: Sender<Ended> },
    /// Send a command.
    Command { lane: u32, slot: u16, session: SessionId, iu: Iu, direction: Direction },
    /// Abort a command.
    Abort { lane: u32, slot: u16 },
    /// Abort what a lane has out, then forget the lane.
    CloseLane { lane: u32 },
}

/// Takes one answer; it has room for it.
pub(super) type Answer<T> = SyncSender<std::result::Result<T, String>>;

/// A command that is over.
pub(super) struct Ended {
    pub slot: u16,
    pub data: Data,
    pub iu: std::result::Result<Iu, Failure>,
    pub moved: u32,
}

/// A port on a fabric. Dropped, it leaves the fabric.
pub struct FcPort {
    orders: Sender<Order>,
    handle: Handle,
    thread: Mutex<Option<JoinHandle<()>>>,
    arena: Arc<Arena>,
    lanes: AtomicU32,
    names: Names,
}

impl FcPort {
    /// Puts a port with these names on the fabric that `fabric` (`unix:PATH`, `fcoe:INTERFACE`, `vn2vn:INTERFACE`) leads to, and waits until it is online.
    ///
    /// # Errors
    /// Nobody is there, or the fabric refuses the port, or it took longer than `timeout`.
    pub fn open(fabric: &str, names: Names, timeout: Duration) -> Result<Arc<FcPort>> {
        let frames = Frames::new(FRAMES);
        let makers: [Arc<dyn LinkMaker>; 3] = [
            Arc::new(fabric::link::UnixMaker(frames.clone())),
            Arc::new(fabric::fcoe::FcoeMaker(frames.clone())),
            Arc::new(fabric::fcoe::Vn2vnMaker(frames.clone())),
        ];
        let unreachable = |why| Error::Fabric { what: format!("cannot get onto the fabric {fabric}: {why}") };
        FcPort::over(|wake| make_link(&makers, fabric, names, wake), names, frames, timeout).map_err(
            |error| match error {
                Error::Local(why) => unreachable(why),
                other => other,
            },
        )
    }

    /// The same on any link; `link` makes it, given what wakes the thread. Its frames come from `frames`.
    ///
    /// # Errors
    /// As [`FcPort::open`].
    pub fn over(
        link: impl FnOnce(fc::Wake) -> std::result::Result<Box<dyn Link>, String>,
        names: Names,
        frames: Frames,
        timeout: Duration,
    ) -> Result<Arc<FcPort>> {
        let local = |error: std::io::Error| Error::Local(error.to_string());
        // A reactor is made where it lives.
        let (ready, made) = sync_channel(1);
        let (job, jobs) = sync_channel::<(Box<dyn Link>, Mailbox<Order>, fc::Wake)>(1);
        let thread = std::thread::Builder::new().name("fc_port".to_owned()).spawn(move || {
            let reactor = Reactor::new(Options::default());
            let _ = ready.send(reactor.as_ref().map(Reactor::handle).map_err(ToString::to_string));
            if let (Ok(mut reactor), Ok((link, orders, wake))) = (reactor, jobs.recv()) {
                let (node, _) = Node::new(Config::initiator(names, frames), link, wake);
                reactor.add(Box::new(NodePoller::new(node, orders)));
                reactor.run();
            }
        });
        let thread = thread.map_err(local)?;
        let handle: Handle = made.recv().map_err(|_| gone())?.map_err(Error::Local)?;
        let waker = handle.waker();
        let wake: fc::Wake = Arc::new(move || waker.wake());
        let (orders, mailbox) = ring::mailbox(ORDERS, {
            let wake = wake.clone();
            move || wake()
        });
        let link = link(wake.clone()).map_err(Error::Local)?;
        job.send((link, mailbox, wake)).map_err(|_| gone())?;
        let arena = Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 });
        let port = Arc::new(FcPort {
            orders,
            handle,
            thread: Mutex::new(Some(thread)),
            arena: arena.map_err(|error| Error::Local(error.to_string()))?,
            lanes: AtomicU32::new(0),
            names,
        });
        port.ask("the login with the fabric", timeout, |to| Order::Online { to })?;
        Ok(port)
    }

    /// Its names.
    pub fn names(&self) -> Names {
        self.names
    }

    /// Logs in with a target port.
    ///
    /// # Errors
    /// It is not on the fabric, or refuses, or does not answer.
    pub fn login(&self, target: Names, fc4: Fc4, timeout: Duration) -> Result<SessionId> {
        self.ask(&format!("the login with {target}"), timeout, |to| Order::Login { target, fc4, to })
    }

    /// Logs out. Commands of the session end.
    pub fn logout(&self, session: SessionId) {
        let _ = self.orders.send(Order::Logout { session });
    }

    /// Sends an FC-4 link service request and waits for the reply.
    ///
    /// # Errors
    /// The session is gone, or no reply came in time.
    pub fn link_service(&self, session: SessionId, request: &[u8], timeout: Duration) -> Result<Box<[u8]>> {
        let request = request.into();
        // The port gives up first, so that its reason is heard.
        let patience = timeout + Duration::from_secs(1);
        self.ask("a link service request", patience, |to| Order::LinkService { session, request, timeout, to })
    }

    pub(super) fn open_lane(&self, slots: usize) -> Result<(u32, Sender<Order>, Mailbox<Ended>)> {
        let lane = self.lanes.fetch_add(1, Ordering::Relaxed);
        let (to, ended) = ring::mailbox(slots, || {});
        self.orders.send(Order::OpenLane { lane, to }).map_err(|_| gone())?;
        Ok((lane, self.orders.clone(), ended))
    }

    pub(super) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    fn ask<T>(&self, what: &str, timeout: Duration, order: impl FnOnce(Answer<T>) -> Order) -> Result<T> {
        let (to, answer): (_, Receiver<std::result::Result<T, String>>) = sync_channel(1);
        self.orders.send(order(to)).map_err(|_| gone())?;
        match answer.recv_timeout(timeout) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(why)) => Err(Error::Fabric { what: format!("{what} failed: {why}") }),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout { what: what.to_owned(), after: timeout }),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

fn gone() -> Error {
    Error::Closed { what: "its port was in use" }
}

impl Drop for FcPort {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}
