//! One core's part of the device server: the command set that plans what arrives there, and the messages that keep the cores
//! in step.
//!
//! A *home* is one core of one transport; the control plane numbers those of all transports. A nexus lives on one home, its
//! task sets with it; a logical unit is on all homes, so a reset of one is told to all of them.
//!
//! | what | where |
//! | --- | --- |
//! | a CDB becomes a command | `wire::scsi::Command`, by its one table |
//! | a command becomes a plan | `dispatch`, `block`, `provisioning`; data to send: `data` and what it calls |
//! | which commands run beside each other | `task_set` |
//! | replies: status, sense, residuals | `fail`; what devices say: `status` |
//! | unit attentions | `attention`, told in `dispatch` |
//! | what keeps commands from a unit | `gates` |
//! | parameter lists that come | `parameters` |
//! | third-party copies | `copy` |
//! | commands of several steps | `steps`: `verify`, `compare`, `provisioning` |
//! | blocks that a command has for itself | `exclusion` |
//! | reservations | `reservation`; their table: `crate::shared` |
//! | task management | `management` |
//! | what one nexus does to the others, on all homes | `notice`, `peer` |
//! | what the control plane changes | `update` |

mod atomic;
mod attention;
mod block;
mod compare;
mod copy;
mod data;
mod diagnostic;
mod dispatch;
mod exclusion;
mod fail;
mod gates;
mod groups;
mod inquiry;
mod lba_status;
mod limits_pages;
mod log;
mod machine;
mod management;
mod medium;
mod mode;
mod nexus;
mod notice;
mod opcodes;
mod open;
mod parameters;
pub(crate) mod peer;
mod provisioning;
mod reservation;
mod sanitize;
mod scsi;
mod status;
mod steps;
mod task_set;
mod units;
mod update;
mod verify;
mod well_known;

pub(crate) use attention::Attention;
pub(crate) use fail::Fail;
pub use machine::{Config, Core};
pub use scsi::Scsi;
