//! Initiators in user space, for NVMe/TCP, FC-NVMe, and SCSI over FCP and iSCSI: what `qfc discover`, `identify`, `perf` and `verify` are
//! made of.
//!
//! - Owns: [`Queue`] (one connection), [`Controller`] (an admin queue and what goes with it), [`discovery`] (log page 70h),
//!   [`scsi`] (logical units), [`fibre`] (a port on the soft fabric), [`mod@iscsi`] (sessions over TCP), [`perf`] (load), [`verify`] (data that proves what happened
//!   to it), [`raw`] (wrong PDUs on purpose).
//! - In: an [`Address`], an [`Identity`], commands. Out: completions, and an [`Error`] that names what was wrong and what to do next.
//! - Limits: one namespace format (no metadata), queues of 2 to 4,096 entries, one piece of data per command.
//! - Not done: TLS, authentication of NVMe, multipath.
//!
//! The library is also a judge of the target: with [`LinkOptions::strict`] (the default) it checks every field of every PDU
//! that a controller sends against the standard, and a wrong one ends the connection with an [`Error::Violation`] that names it.
//!
//! ```no_run
//! use host::{Address, Controller, Options, Payload};
//! use wire::{nvm::Rw, nvme::NvmOpcode};
//! let address: Address = "tcp://127.0.0.1:4420/nqn.2014-08.org.example:disk".parse()?;
//! let mut controller = Controller::connect(&address, &Options::default())?;
//! let mut queue = controller.io_queue(1, 32, 4096)?;
//! let slot = queue.take().unwrap();
//! queue.start(slot, Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0), Payload::Read(4096));
//! while queue.next_done().is_none() { queue.poll()?; }
//! # Ok::<(), host::Error>(())
//! ```
#![forbid(unsafe_code)]

mod address;
pub mod controller;
pub mod discovery;
mod error;
pub mod fibre;
mod identity;
pub mod iscsi;
mod link;
pub mod perf;
mod queue;
mod random;
pub mod raw;
pub mod scsi;
mod size;
pub mod verify;
mod violation;
mod volume;

pub use address::{Address, AddressError, Place, ScsiAddress, VolumeAddress};
pub use controller::{Controller, Namespace, Options};
pub use error::Error;
pub use fibre::{DEFAULT_FABRIC, FcOptions};
pub use identity::Identity;
pub use iscsi::{IscsiAddress, IscsiOptions};
pub use link::{Link, LinkOptions};
pub use queue::{Completion, Io, Payload, Queue, QueueOptions, Seen, Slot, TcpQueue};
pub use random::Random;
pub use size::{parse_bytes, parse_seconds};
pub use violation::Violation;
pub use volume::Volume;

/// What nearly every call here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
