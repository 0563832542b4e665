//! Text requests of the full feature phase: SendTargets, and the few keys that may change then.
//!
//! How the port drives it: one [`TextPhase`] for each connection; each text request goes to [`TextPhase::request`].

use crate::{Agreement, Directory};

/// A text request PDU without its opcode (11.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// The F bit.
    pub last: bool,
    /// The C bit.
    pub more: bool,
    /// Initiator task tag.
    pub itt: u32,
    /// Target transfer tag: FFFFFFFFh for a new exchange.
    pub ttt: u32,
    /// The data segment, without padding.
    pub text: &'a [u8],
}

/// A text response PDU without its opcode (11.11). The port adds LUN 0 and the sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The F bit.
    pub last: bool,
    /// The C bit.
    pub more: bool,
    /// The request's.
    pub itt: u32,
    /// FFFFFFFFh when `last`.
    pub ttt: u32,
    /// The data segment, without padding; never longer than the initiator's MaxRecvDataSegmentLength.
    pub text: Vec<u8>,
}

/// What the port does after a text request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this. If `Agreement::parameters.max_send_data_segment_length` changed, it is used from now on.
    Send(Response),
    /// Send a Reject with reason 04h, "protocol error" (the exchange is forgotten).
    Reject,
}

/// The text exchange of a connection, if one is under way.
#[derive(Debug, Default)]
pub struct TextPhase {}

impl TextPhase {
    /// A text request came on the connection of `agreement`.
    pub fn request(&mut self, request: &Request<'_>, agreement: &mut Agreement, directory: &dyn Directory) -> Step {
        let _ = (request, agreement, directory);
        Step::Reject
    }

    /// The port forgets a text exchange (another text request with a reserved tag, or the connection is cleaned up).
    pub fn reset(&mut self) {}
}
