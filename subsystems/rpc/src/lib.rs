//! The JSON-RPC server: SPDK's protocol on a Unix socket.
//!
//! - Owns: the socket and its lock file, one thread per client, the streams of requests.
//! - In: requests from clients; the method table of [`app::App`].
//! - Out: replies. What the methods do is theirs.
//! - Limits: [`server::CLIENTS`] clients; of one request [`protocol::REQUEST_MAX`] bytes, [`protocol::VALUES_MAX`] values,
//!   [`scan::DEPTH`] deep; replies of [`protocol::REPLY_MAX`] bytes; a client that reads nothing for
//!   [`server::WRITE_LIMIT`] is dropped.
//! - Not done: TCP, authentication beyond the socket's mode (0600), requests of one client at the same time.
#![forbid(unsafe_code)]

pub mod protocol;
pub mod scan;
pub mod server;
mod socket;

use app::{App, Call, Method, Subsystem};
use protocol::Handler;
use server::Server;
use std::sync::{Arc, Mutex, PoisonError};

/// The subsystem `rpc`.
#[derive(Default)]
pub struct Rpc {
    server: Mutex<Option<Server>>,
}

impl Rpc {
    /// Not serving yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }
}

impl Subsystem for Rpc {
    fn name(&self) -> &'static str {
        "rpc"
    }

    fn section(&self) -> &'static str {
        ""
    }

    fn early(&self) -> bool {
        true
    }

    fn methods(self: Arc<Self>) -> Vec<Method> {
        Vec::new()
    }

    fn start(&self, app: &App) -> anyhow::Result<()> {
        let handler: Arc<dyn Handler + Send + Sync> = app.methods.clone();
        let server = Server::start(&app.options.rpc_socket, handler)?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    fn stop(&self) {
        if let Some(server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            server.stop();
        }
    }

    fn config(&self) -> Vec<Call> {
        Vec::new()
    }
}
