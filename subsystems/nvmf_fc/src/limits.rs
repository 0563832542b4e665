//! How much a core, an association and a connection may take, each with its reason.

use std::time::Duration;

/// Connections of one core; more are rejected when a host asks for them.
pub const CONNECTIONS: usize = 1024;

/// Associations of the process: one a controller.
pub const ASSOCIATIONS: usize = 4096;

/// Arrivals that one port's queue may bring in a turn: it is another core that fills it, perhaps as fast as this one
/// empties it.
pub const ARRIVALS: usize = 256;

/// Places of a connection's commands for each entry of its queue: a host may send the next command as soon as it has a
/// response, which may be before we know that the response is out.
pub const PLACES_PER_ENTRY: usize = 2;

/// Messages that may wait for a core.
pub const NOTES: usize = 1024;

/// Full queues whose operations a device is opened for on each core. More queues may be there: the group's buffers bound
/// what is in flight.
pub const BUSY_QUEUES: u32 = 8;

/// Time for the cores to give up the exchanges of a port that goes.
pub const RETIRE: Duration = Duration::from_secs(5);

/// Time for hosts to be told before a port goes.
pub const LEAVE: Duration = Duration::from_secs(2);

/// Time for the last words to hosts to leave a port before it logs them out.
pub const LAST_WORDS: Duration = Duration::from_millis(20);

/// How often who waits for hosts to go looks whether the process goes.
pub const LOOK: Duration = Duration::from_millis(50);

/// How often a full mailbox is tried again.
pub const RETRY: Duration = Duration::from_millis(1);
