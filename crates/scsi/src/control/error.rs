//! Why the control side said no.

/// Why the control side said no. The texts are sentences for the operator; codes are the RPC layer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The thing that was named is not there.
    #[error("{0}")]
    NotFound(String),
    /// It is there already.
    #[error("{0}")]
    Exists(String),
    /// It cannot be as asked; nothing changed.
    #[error("{0}")]
    Refused(String),
    /// A core or a transport could not do it; nothing changed.
    #[error("{0}")]
    Failed(String),
    /// Cores did not answer in time. The change is made here and with all others; those do it when they wake, and until
    /// then they are listed as unacknowledged.
    #[error("{0}")]
    Silent(String),
}
