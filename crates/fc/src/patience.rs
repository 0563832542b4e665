//! How a control thread waits for a core: a moment, and no longer.

use ring::{Full, Sender};
use std::time::{Duration, Instant};

/// How long the control plane waits for a core to look at something.
const PATIENCE: Duration = Duration::from_millis(200);

/// Between looks.
const PAUSE: Duration = Duration::from_micros(200);

/// Waits a moment until something is so; `false` when it was not by then. Called on control threads.
pub fn wait_a_moment(mut until: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    loop {
        if until() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Puts an order into a core's mailbox, waiting a moment for room. Called on control threads.
///
/// # Errors
/// There was none in time; the order comes back.
pub fn send_patiently<T>(orders: &Sender<T>, order: T) -> Result<(), T> {
    let mut waiting = Some(order);
    wait_a_moment(|| {
        let sent = waiting.take().map(|order| orders.send(order));
        waiting = match sent {
            Some(Err(Full(back))) => Some(back),
            _ => None,
        };
        waiting.is_none()
    });
    waiting.map_or(Ok(()), Err)
}
