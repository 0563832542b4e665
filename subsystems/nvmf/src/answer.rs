//! Errors of the control side as SPDK words them; the reason is in `data`.

use app::RpcError;
use nvmf::Error;

/// What most methods answer: -32602 `Invalid parameters`, with a text of its own for an unknown subsystem; -32603 when a
/// core did not answer.
pub(crate) fn invalid(error: Error) -> RpcError {
    match error {
        Error::NoSubsystem(_) => RpcError::bad_params(error.to_string()),
        Error::Silent(text) => RpcError::internal("Internal error").because(text),
        _ => RpcError::invalid_params(error.to_string()),
    }
}

/// What the methods about hosts answer: -32603 `Internal error`.
pub(crate) fn internal(error: Error) -> RpcError {
    match error {
        Error::NoSubsystem(_) => invalid(error),
        _ => RpcError::internal("Internal error").because(error.to_string()),
    }
}

/// Refuses a parameter that asks for something that is not there.
pub(crate) fn not_there(wanted: bool, what: &str) -> Result<(), RpcError> {
    if wanted { Err(RpcError::invalid_params(format!("{what} is not supported yet"))) } else { Ok(()) }
}

/// Warns of a parameter that is accepted without effect.
pub(crate) fn no_effect(given: bool, what: &str) {
    if given {
        log::warn!(target: "nvmf", "{what}: accepted without effect");
    }
}
