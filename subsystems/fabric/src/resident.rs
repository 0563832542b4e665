//! Something that lives on a core, and the control side's way to it.

use app::RpcError;
use reactor::{Handle, Poller, PollerId};
use ring::{Mailbox, Sender, Tick};
use std::sync::mpsc;
use std::time::Duration;

/// How long a call waits for the core.
const CALL: Duration = Duration::from_secs(5);

/// Jobs that may wait.
const JOBS: usize = 256;

/// Something to do with it, on its core.
pub(crate) type Job<T> = Box<dyn FnOnce(&mut T, Tick) + Send>;

/// The control side.
pub(crate) struct Resident<T> {
    jobs: Sender<Job<T>>,
    core: Handle,
    poller: PollerId,
}

impl<T: 'static> Resident<T> {
    /// Has `make` make a poller on the core; it does the jobs of the mailbox.
    pub(crate) fn start<P: Poller + 'static>(
        core: Handle,
        make: impl FnOnce(Mailbox<Job<T>>) -> Result<P, RpcError> + Send + 'static,
    ) -> Result<Self, RpcError> {
        let waker = core.waker();
        let (jobs, mailbox) = ring::mailbox(JOBS, move || waker.wake());
        let poller = core.call(move |reactor| make(mailbox).map(|poller| reactor.add(Box::new(poller))));
        let poller = poller.map_err(|error| RpcError::internal(error.to_string()))??;
        Ok(Self { jobs, core, poller })
    }

    /// Wakes its core.
    pub(crate) fn wake(&self) -> fc::Wake {
        let waker = self.core.waker();
        std::sync::Arc::new(move || waker.wake())
    }

    /// Which core it is on.
    pub(crate) fn core(&self) -> Option<usize> {
        self.core.core()
    }

    /// Does something with it and waits for what it comes to.
    pub(crate) fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T, Tick) -> R + Send + 'static,
    ) -> Result<R, RpcError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let job: Job<T> = Box::new(move |it, now| drop(answer.send(work(it, now))));
        self.jobs.send(job).map_err(|_| RpcError::internal("the core does not keep up"))?;
        answered.recv_timeout(CALL).map_err(|_| RpcError::internal("the core did not answer in time"))
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        let poller = self.poller;
        let _ = self.core.call(move |reactor| drop(reactor.remove(poller)));
    }
}

/// The core of that number, or the first.
pub(crate) fn place(cores: &[Handle], wanted: Option<usize>) -> Result<Handle, RpcError> {
    let core = cores.iter().find(|core| wanted.is_none() || core.core() == wanted).cloned();
    core.ok_or_else(|| RpcError::bad_params(format!("core {}: it runs none", wanted.unwrap_or(0))))
}
