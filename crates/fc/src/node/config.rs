//! What a node is made like.

use crate::fc2::Limits;
use crate::{Fc4, Frames, Names};
use ring::Tick;

const MS: Tick = 1_000_000;

/// How long a node waits for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// For the answer to FLOGI and FDISC.
    pub fabric_login: Tick,
    /// For the answer to other link services and to the name server.
    pub service: Tick,
    /// Before the first repetition of a login; each further one waits twice as long.
    pub retry: Tick,
    /// The longest wait between repetitions.
    pub retry_limit: Tick,
    /// Before a login is tried again that the fabric refused for good.
    pub refused_retry: Tick,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            fabric_login: 2_000 * MS,
            service: 4_000 * MS,
            retry: 250 * MS,
            retry_limit: 8_000 * MS,
            refused_retry: 30_000 * MS,
        }
    }
}

/// What a node is made like, for life.
pub struct Config {
    /// Names of its physical port.
    pub names: Names,
    /// Its owner sends commands by [`Node::command`](crate::Node::command) and reads [`Node::next_event`](crate::Node::next_event).
    /// Without it, nothing is told and no initiator function is announced.
    pub initiator: bool,
    /// Which protocols may be attached, and which an initiator speaks.
    pub serves: Vec<Fc4>,
    /// Symbolic node name, for people who look at the name server: product, version, host.
    pub symbolic_name: String,
    /// Sizes of the exchange table.
    pub limits: Limits,
    /// Where it takes frames from.
    pub frames: Frames,
    /// How long it waits.
    pub timing: Timing,
}

impl Config {
    /// A port that both protocols may be served on, with a pool of `frames`.
    pub fn new(names: Names, frames: Frames) -> Self {
        Self {
            names,
            initiator: false,
            serves: vec![Fc4::Fcp, Fc4::Nvme],
            symbolic_name: "qfc".to_owned(),
            limits: Limits::default(),
            frames,
            timing: Timing::default(),
        }
    }

    /// A port whose owner is an initiator.
    pub fn initiator(names: Names, frames: Frames) -> Self {
        Self { initiator: true, ..Self::new(names, frames) }
    }
}
