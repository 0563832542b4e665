//! The control side: transports, the one list of subsystems, and what is told to the cores.

mod options;
mod transport;

pub use options::TransportOptions;
pub use transport::{PollGroup, Transport};
