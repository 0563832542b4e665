//! Signals, taken by one thread that waits for them.

use nix::sys::signal::{SigSet, Signal};

const ENDING: [Signal; 2] = [Signal::SIGTERM, Signal::SIGINT];
const IGNORED: [Signal; 2] = [Signal::SIGHUP, Signal::SIGUSR1];

fn ours() -> SigSet {
    ENDING.into_iter().chain(IGNORED).collect()
}

/// Blocks the signals that [`watch`] takes in this thread and in all that it starts.
pub(crate) fn block() {
    ours().thread_block().expect("these signals can be blocked");
}

/// Starts the thread that takes them: `first` is called for the first that ends the process, `again` for each later one.
pub(crate) fn watch(first: impl Fn() + Send + 'static, again: impl Fn() + Send + 'static) {
    let wait = move || {
        let mut asked = false;
        loop {
            match ours().wait() {
                Ok(signal) if ENDING.contains(&signal) && !asked => {
                    asked = true;
                    first();
                }
                Ok(signal) if ENDING.contains(&signal) => again(),
                Ok(signal) => log::info!(target: "app", "{signal} has no meaning here"),
                Err(error) => log::warn!(target: "app", "waiting for signals: {error}"),
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).expect("a thread can be started");
}
