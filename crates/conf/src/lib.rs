//! `qfc.conf`: text -> meaning.
//!
//! The file format is the INI-like one of SPDK 20.01 and of QLogic's QFC. A file written for those
//! keeps its meaning here; what it leaves unsaid, or says without effect, is told with its line.
//!
//! - Owns: the grammar, the vocabulary, the mapping to JSON-RPC calls (SPDK's current names), the
//!   checks of the Fibre Channel part.
//! - In: the bytes of a file, and its name for messages.
//! - Out: a [`Plan`]: start options, calls to make in order, the FC configuration, diagnostics.
//!   Booting is making the calls. With an error among the diagnostics the caller must not start.
//! - Limits: [`limits`]; more is an error, never a panic.
//! - Not done here: reading files (`AuthFile` is only a name), looking up host names, making calls.
//!
//! An error is what the original refused to start with, and what would make the target serve
//! something else than the file says; all else is a warning.
//!
//! ```
//! let plan = conf::parse_and_translate("qfc.conf", b"[Malloc]\n NumberOfLuns 1\n LunSizeInMB 64\n");
//! assert_eq!(plan.calls[0].method, "bdev_malloc_create");
//! assert_eq!(plan.calls[0].params["num_blocks"], 131072);
//! assert!(!plan.has_errors());
//! ```
#![forbid(unsafe_code)]

mod address;
mod cores;
mod diag;
pub mod fc;
mod group;
mod json;
mod lex;
pub mod limits;
mod parse;
mod plan;
mod read;
mod schema;
mod suggest;
mod translate;
mod volumes;

pub use address::Wwn;
pub use diag::{Diagnostic, Severity};
pub use fc::FcConfig;
pub use json::to_json_config;
pub use lex::Value;
pub use parse::{Document, Item, Section, parse};
pub use plan::{Call, Idle, Plan, StartOptions};
pub use translate::translate;

/// Reads the bytes of a file and finds their meaning. `file` is only for the diagnostics, which
/// are in [`Plan::diagnostics`]. Never panics, whatever the bytes.
pub fn parse_and_translate(file: &str, bytes: &[u8]) -> Plan {
    let mut log = diag::Log::new(file);
    let document = parse::document(bytes, &mut log);
    translate::with_log(log, document)
}
