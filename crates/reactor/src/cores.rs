//! Reactors on pinned threads.

use crate::{Handle, Options, Reactor};
use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// Called with the core's number and the panic's text when a core dies.
type OnDeath = Arc<dyn Fn(usize, &str) + Send + Sync>;

/// A core that could not be started.
#[derive(Debug)]
pub struct StartError {
    /// Which.
    pub core: usize,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "core {}: cannot run a reactor there: {}", self.core, self.error)
    }
}

impl std::error::Error for StartError {}

/// One thread with a reactor on each of some cores.
pub struct Cores {
    handles: Vec<Handle>,
    threads: Vec<JoinHandle<Result<(), String>>>,
}

impl Cores {
    /// Starts a thread named `reactor_N` pinned to each core N of `cores`. `on_death` hears of a core that panicked.
    ///
    /// # Errors
    /// A core that is not there or not allowed to this process. Those started before it are stopped.
    pub fn start(
        cores: &[usize],
        options: &Options,
        on_death: impl Fn(usize, &str) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let on_death: OnDeath = Arc::new(on_death);
        let mut started = Self { handles: Vec::new(), threads: Vec::new() };
        for core in cores {
            match spawn(*core, options.clone(), on_death.clone()) {
                Ok((handle, thread)) => {
                    started.handles.push(handle);
                    started.threads.push(thread);
                }
                Err(error) => {
                    started.stop();
                    return Err(StartError { core: *core, error });
                }
            }
        }
        Ok(started)
    }

    /// The reactors, in the order in which their cores were given.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// Stops all and waits for them. Returns what those that panicked said.
    pub fn stop(self) -> Vec<String> {
        self.handles.iter().for_each(Handle::stop);
        let ends = self.threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| Err(text(&*panic))));
        ends.filter_map(Result::err).collect()
    }
}

type Started = (Handle, JoinHandle<Result<(), String>>);

fn spawn(core: usize, options: Options, on_death: OnDeath) -> io::Result<Started> {
    let (ready, started) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name(format!("reactor_{core}")).spawn(move || {
        let mut reactor = match set_up(core, options) {
            Ok(reactor) => reactor,
            Err(error) => {
                let _ = ready.send(Err(error));
                return Ok(());
            }
        };
        let _ = ready.send(Ok(reactor.handle()));
        live(core, &mut reactor, &on_death)
    })?;
    let handle = started.recv().map_err(|_| io::Error::other("the thread ended at once"))??;
    Ok((handle, thread))
}

fn set_up(core: usize, options: Options) -> io::Result<Reactor> {
    os::pin_to_core(core)?;
    Reactor::new(Options { core: Some(core), ..options })
}

fn live(core: usize, reactor: &mut Reactor, on_death: &OnDeath) -> Result<(), String> {
    let end = catch_unwind(AssertUnwindSafe(|| reactor.run()));
    end.map_err(|panic| {
        let text = text(&*panic);
        reactor.handle().0.end();
        log::error!(target: "reactor", "core {core} died: {text}");
        on_death(core, &text);
        text
    })
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}
