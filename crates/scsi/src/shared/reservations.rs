//! Reservations of a logical unit.

/// The table: nobody yet.
#[derive(Debug, Default)]
pub(crate) struct Reservations {}
