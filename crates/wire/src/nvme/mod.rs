//! NVM Express Base Specification 2.0c and 2.1: queue entries, status, opcodes, SGLs, controller properties, the fields of
//! admin commands and asynchronous events. All fields little-endian.

pub mod admin;
mod event;
mod ids;
mod opcode;
mod queue;
mod regs;
mod sgl;
mod status;

pub use admin::{Abort, Features, GetLogPage, Identify, QueueCount, Select, Timestamp};
pub use event::{Event, EventConfig, EventType};
pub use ids::{Cns, Csi, FeatureId, LogId};
pub use opcode::{AdminOpcode, FABRICS_OPCODE, NvmOpcode};
pub use queue::{Cqe, FUSE_FIRST, FUSE_NONE, FUSE_SECOND, PSDT_PRP, PSDT_SGL, PSDT_SGL_METADATA_SGL, Sqe, Transfer};
pub use regs::{Cap, Cc, Crto, Csts, NSSR_RESET, Property, Vs};
pub use sgl::{Sgl, SglDescriptor};
pub use status::{Status, sct};
