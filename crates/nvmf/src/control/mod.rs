//! The control side: transports, the one list of subsystems, and what is told to the cores.

mod address;
mod error;
pub mod identity;
mod listeners;
mod model;
mod namespaces;
mod nqn;
mod options;
mod publish;
mod referrals;
mod subsystems;
mod target;
mod transport;
mod turn;

pub use address::{ListenAddress, adrfam_name};
pub use error::Error;
pub use namespaces::NewNamespace;
pub use nqn::DISCOVERY_NQN;
pub use options::TransportOptions;
pub use referrals::Referral;
pub use subsystems::{DEFAULT_NAMESPACES, MAX_CNTLID, MIN_CNTLID, MOST_NAMESPACES, NewSubsystem};
pub use target::{Limits, Shown, Target};
pub use transport::{PollGroup, Transport};
