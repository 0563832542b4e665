//! What the parts of the target have in common: subsystems, RPC methods, configuration, options, logging.
//!
//! - Owns: the table of [`Method`]s and the state STARTUP/RUNTIME, the order of [`Subsystem`]s, the notification
//!   ring, the log back end, the command line, the exit codes.
//! - In: a list of subsystems, a command line, a configuration file, requests (as a method name and parameters).
//! - Out: results and errors in SPDK's shapes and texts; the calls that rebuild the present state.
//! - Limits: all of this is control plane: plain threads and mutexes, never a reactor, never the I/O path.
//! - Not done: sockets (the `rpc` subsystem does that), saving configuration by itself (the client does, as with SPDK).
//!
//! A subsystem is five things: a name, what it starts after, methods, start/stop, and the calls that rebuild it.
#![forbid(unsafe_code)]

mod builtin;
mod cli;
mod config_file;
mod context;
pub mod cpumask;
mod error;
mod exit;
mod json;
mod log_backend;
mod method;
mod notify;
mod options;
mod run;
mod signals;
mod subsystem;
mod table;

pub use cli::{Cli, IdleArg, Legacy};
pub use config_file::{Plan, Planned, Unusable};
pub use context::App;
pub use error::RpcError;
pub use exit::Exit;
pub use json::{Params, Strict, parse};
pub use log_backend::{Backend, LEVELS, backend as log_backend};
pub use method::{DecodeError, Method, NoParams, When};
pub use notify::{Notification, Notify};
pub use options::{Idle, Options, RPC_SOCKET};
pub use run::{assemble, run};
pub use subsystem::{Call, Need, Subsystem, in_order};
pub use table::{Methods, State};
