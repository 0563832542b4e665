//! How much there may be of what, each with its reason.

use ring::Tick;

const MS: Tick = 1_000_000;

/// F_Ports of a switch: a link has one, and an address has 8 bits for the area that belongs to it.
pub const F_PORTS: usize = 255;

/// N_Ports that may be logged in at once, virtual ones included. The zoning table has a bit for each pair: 128 KiB.
pub const N_PORTS: usize = 1024;

/// Frames that may wait for an F_Port to take them: a burst of 512 KiB. Whoever sends more waits.
pub const QUEUE: usize = 256;

/// Frames of the switch itself (accepts, RSCN) that may wait beyond [`QUEUE`]: nobody holds those back, so they need a place.
pub const OWN: usize = 64;

/// How long a frame may wait. A destination that takes none for so long has its frames discarded, until it takes one again:
/// so whoever shares the way in with its senders goes on, and no circle of waiting ports lasts.
pub const HOLD: Tick = 500 * MS;

/// Frames that are taken from one port in one turn, so that others get theirs.
pub const BURST: usize = 64;

/// How long changes are gathered before RSCNs go out: a port that logs in and registers makes one, not five.
pub const GATHER: Tick = 10 * MS;

/// Pages of one RSCN; more changes than that are told as «the whole fabric».
pub const PAGES: usize = 64;

/// How long the answer to an RSCN may take, and how often one is sent.
pub const RSCN_ANSWER: Tick = 2_000 * MS;
/// See [`RSCN_ANSWER`].
pub const RSCN_TRIES: u8 = 3;

/// Requests of several frames that may be under way to the switch, the bytes of one, and how long it may take.
pub const PARTS: usize = 16;
/// See [`PARTS`].
pub const PART_BYTES: usize = 4096;
/// See [`PARTS`].
pub const PART_TIME: Tick = 2_000 * MS;

/// Frames that injected faults may hold back at once; one more goes through untouched.
pub const DELAYED: usize = 4096;

/// How long a frame that is to be overtaken waits for the one that overtakes it.
pub const OVERTAKEN: Tick = 10 * MS;

/// Aliases, zones, zone sets, and members of each.
pub const NAMES: usize = 4096;

/// Port names whose addresses are kept for them while they are away.
pub const REMEMBERED: usize = 16_384;
