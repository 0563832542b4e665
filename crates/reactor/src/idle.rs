//! What a core does when there is nothing to do.

use ring::Tick;
use std::time::Duration;

/// What a core does when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Polls on: the shortest latency for 100 % of a core.
    Spin,
    /// Polls on for `spin`, then sleeps until a descriptor, the inbox or a deadline wakes it.
    Adaptive {
        /// How long it polls without work before it sleeps.
        spin: Duration,
    },
}

impl Idle {
    /// Whether a core that did nothing since `last_work` should sleep at `now`.
    pub(crate) fn sleeps(self, last_work: Tick, now: Tick) -> bool {
        match self {
            Self::Spin => false,
            Self::Adaptive { spin } => u128::from(now.saturating_sub(last_work)) >= spin.as_nanos(),
        }
    }
}
